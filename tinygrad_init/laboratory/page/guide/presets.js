// Experiments by name: what each sets, what is to be seen in it, and one thing to do about it. English and Chinese.

import { defaultConfig, makeStart } from "../state.js";

/**
 * @typedef {import("../types.js").Config} Config
 * @typedef {{id: string, config: () => Config, panel?: string, layer?: number, name: [string, string], see: [string, string],
 *   act: [string, string], mend: (config: Config) => void, mended: (config: Config) => boolean, amiss?: (config: Config) => boolean, seen: [string, string]}} Preset
 *   `mend` does the one thing; `seen` is said once it is done, by the button or by hand; where the experiment has become
 *   another one, neither done nor `amiss`, nothing is said
 */

/** @param {number} depth @param {number} width @param {Partial<Config>} more @returns {Config} */
function network(depth, width, more) {
  return { ...defaultConfig(), layers: Array(depth).fill(width), ...more };
}

/** In the measure and the figure of the verdict beside it: one thing has one number. @param {string} factor @returns {[string, string]} */
export const tenSigmoids = (factor) => [
  `Ten layers of sigmoid. Follow the thick line from the output (right) back to the input (left): most layers pass on less than a quarter, so that ‖∂C/∂z‖ falls by a factor of ${factor} on its way to the first layer.`,
  `十层 sigmoid。沿粗线从输出（右）看回输入（左）：多数层传回的不到四分之一，到首层时 ‖∂C/∂z‖ 缩小到 1/${factor}。`,
];

/** @type {Preset[]} */
export const PRESETS = [
  {
    id: "vanishing",
    config: () => network(10, 8, { activations: ["sigmoid"] }),
    name: ["Vanishing", "梯度消失"],
    see: tenSigmoids("3.6·10⁶"),
    act: ["Change the activation to tanh", "把激活函数换成 tanh"],
    mend: (config) => void (config.activations = ["tanh"]),
    mended: ({ activations }) => activations.every((name) => name === "tanh"),
    amiss: ({ activations }) => activations.includes("sigmoid"),
    seen: [
      "The gradient is back: the line is nearly level (dotted: before). Press Play and watch the loss fall.",
      "梯度回来了：线条接近水平（点线为之前）。按“播放”，看损失下降。",
    ],
  },
  {
    id: "exploding",
    config: () => network(10, 12, { activations: ["relu"], starts: [{ ...makeStart("normal"), sigma_w: 4 }], lr: 0.05 }),
    name: ["Exploding", "梯度爆炸"],
    see: [
      "Weights that are too large. From right to left the gradient grows, and from left to right so does the signal: the first step throws the weights away.",
      "权重过大。从右到左梯度增大，从左到右信号也增大：第一步就把权重甩飞。",
    ],
    act: ["Start with He instead", "改用 He 初始化"],
    mend: (config) => void (config.starts = [makeStart("he")]),
    mended: ({ starts }) => starts.every(({ name, sigma_w }) => name !== "normal" || sigma_w < 2),
    seen: [
      "Signal and gradient keep their size through all ten layers (dotted: before). Press Play: it learns.",
      "信号与梯度在十层中大小基本不变（点线为之前）。按“播放”：网络在学习。",
    ],
  },
  {
    id: "same",
    config: () => network(3, 6, { activations: ["tanh"], starts: [{ ...makeStart("constant"), constant: 0.3 }] }),
    layer: 1,
    name: ["All the same", "全部相同"],
    see: [
      "Every weight starts at 0.3. All units of a layer show the same picture and will for ever: six do the work of one.",
      "每个权重都从 0.3 开始。同层单元的图完全一样，而且永远一样：六个只顶一个用。",
    ],
    act: ["Start at random (Xavier)", "改为随机初始化（Xavier）"],
    mend: (config) => void (config.starts = [makeStart("xavier")]),
    mended: ({ starts }) => starts.every(({ name }) => name !== "constant" && name !== "zeros"),
    seen: [
      "Now each unit sees something else. Press Play: together they draw the circle.",
      "现在每个单元看到的都不同。按“播放”：它们合起来能画出圆。",
    ],
  },
  {
    id: "dead",
    config: () => network(4, 8, { activations: ["relu"], starts: [makeStart("he")], lr: 0.5, data: { ...defaultConfig().data, name: "moons" } }),
    layer: 2,
    name: ["Dead", "死亡单元"],
    see: [
      "ReLU, and chance was unkind: the units with a cross in layer 3 are 0 for every sample, so no gradient passes through them.",
      "ReLU，而且运气不好：第 3 层中打叉的单元对所有样本都输出 0，梯度无法通过。",
    ],
    act: ["Change the activation to leaky ReLU", "把激活函数换成 leaky ReLU"],
    mend: (config) => void (config.activations = ["leaky_relu"]),
    mended: ({ activations }) => !activations.includes("relu"),
    seen: [
      "No crosses any more: what is below 0 now passes a little, in both directions.",
      "叉号消失了：小于 0 的部分现在也能双向传递一点。",
    ],
  },
  {
    id: "healthy",
    config: () => network(30, 12, { activations: ["tanh"], starts: [makeStart("orthogonal")], lr: 0.03 }),
    name: ["Deep and healthy", "深而健康"],
    see: [
      "Thirty layers of tanh from orthogonal weights: the lines stay between 0.1 and 10 all the way, so every layer can learn.",
      "三十层 tanh，正交初始化：线条始终在 0.1 到 10 之间，每一层都能学习。",
    ],
    act: ["Break it: start too small", "弄坏它：初始权重过小"],
    mend: (config) => void (config.starts = [makeStart("small")]),
    mended: ({ starts }) => starts.every(({ name }) => name === "small"),
    seen: [
      "The same depth, smaller weights: signal and gradient are gone, below what float16 can hold.",
      "同样的深度，权重变小：信号和梯度都没了，比 float16 能表示的还小。",
    ],
  },
  {
    id: "article",
    config: () => network(4, 6, {
      activations: ["sigmoid"],
      variants: [{ label: "B", activations: ["tanh"] }, { label: "C", activations: ["relu"], starts: [makeStart("he")] }],
    }),
    name: ["The article's experiment with any activation", "文章中的实验，任选激活函数"],
    see: [
      "The article's network 2-6-6-6-6-1 three times, on the same data: A sigmoid, B tanh, C ReLU. A's line falls towards the input, those of B and C do not.",
      "文章中的网络 2-6-6-6-6-1，同样的数据并列三次：A 为 sigmoid，B 为 tanh，C 为 ReLU。A 的线向输入方向下降，B 和 C 不下降。",
    ],
    act: ["Give A another activation: GELU", "给 A 换一个激活函数：GELU"],
    mend: (config) => void (config.activations = ["gelu"]),
    mended: ({ activations }) => !activations.includes("sigmoid"),
    seen: [
      "Any other may be chosen on the left, for A and for each of the others. Press Play and compare the losses.",
      "左侧可为 A 及其他各个运行任选激活函数。按“播放”，比较损失。",
    ],
  },
];

/** @param {string | null} id */
export function presetOf(id) {
  return PRESETS.find((preset) => preset.id === id) ?? null;
}
