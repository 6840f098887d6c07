// The scenes of the tour: what each sets, and what it says, in English and Chinese.

import { defaultConfig, makeStart } from "../state.js";

/**
 * `focus`: what the scene is about stands on top while it is open.
 * @typedef {{id: string, config: () => import("../types.js").Config, panel: string, focus: "depth" | "network" | "panel", edges: "weight" | "gradient",
 *   layer: number, title: [string, string], text: [string, string], attempt: [string, string]}} Scene
 */

/** @param {number} depth @param {number} width @param {Partial<import("../types.js").Config>} more */
function network(depth, width, more) {
  return { ...defaultConfig(), layers: Array(depth).fill(width), ...more };
}

/** @type {Scene[]} */
export const SCENES = [
  {
    id: "product",
    config: () => network(4, 5, { activations: ["sigmoid"] }),
    panel: "factors",
    focus: "panel",
    edges: "gradient",
    layer: 0,
    title: ["A gradient is a product", "梯度由许多因子连乘而成"],
    text: [
      "Backpropagation walks from the loss to a weight and multiplies whatever it meets: the loss's slope, a weight matrix for each layer, the activation's slope for each layer, and once, at the end, the layer's own input. The table lists these factors for the first layer; the last of them, alignment, says how far the samples agree. One factor near 0 is enough to silence everything in front of it.",
      "反向传播从损失走到某个权重，一路相乘：损失的导数、每层的权重矩阵、每层激活函数的导数，最后再乘一次该层自己的输入。表格列出第一层的所有因子，最后的“方向一致性”表示各样本有多一致。只要其中一个接近 0，前面各层就都收不到梯度。",
    ],
    attempt: [
      "Click other layers in the picture: the nearer to the output, the fewer factors.",
      "在图中点击其他层：离输出越近，因子越少。",
    ],
  },
  {
    id: "powers",
    config: () => network(10, 1, {
      activations: ["identity"],
      starts: [{ ...makeStart("constant"), constant: 0.25 }],
      variants: [{ label: "B", starts: [{ ...makeStart("constant"), constant: 2 }] }],
      lr: 0.001,
    }),
    panel: "factors",
    focus: "depth",
    edges: "gradient",
    layer: 0,
    title: ["0.25¹⁰ and 2¹⁰", "0.25¹⁰ 与 2¹⁰"],
    text: [
      "Two chains of single units without any bend, so that only the weights multiply: every weight is 0.25 in A and 2 in B. Ten steps back, A has lost all but a millionth of its gradient (0.25¹⁰ ≈ 9.5·10⁻⁷), while B's is 1024 times as large. Depth is an exponent: a harmless factor does not stay harmless.",
      "两条由单个单元串成的链，没有非线性，只有权重相乘：A 的权重全是 0.25，B 的全是 2。回传十步，A 的梯度只剩约百万分之一（0.25¹⁰ ≈ 9.5·10⁻⁷），B 的却放大到 1024 倍。深度是指数：看似无害的因子，乘多了就不再无害。",
    ],
    attempt: [
      "Point at the two ends of the chart and compare ∂C/∂z, then change A's constant to 1.",
      "指向图的两端，比较 ∂C/∂z，再把 A 的常数改为 1。",
    ],
  },
  {
    id: "activations",
    config: () => network(10, 8, {
      activations: ["sigmoid"],
      starts: [makeStart("xavier")],
      variants: [
        { label: "B", activations: ["tanh"] },
        { label: "C", activations: ["relu"], starts: [makeStart("he")] },
      ],
      lr: 0.1,
      seed: 3,
    }),
    panel: "phi",
    focus: "depth",
    edges: "gradient",
    layer: 1,
    title: ["Sigmoid, tanh, ReLU", "Sigmoid、tanh 与 ReLU"],
    text: [
      "The same ten layers with three activations. Sigmoid's slope is at most 1/4, so A's gradient fades unless the weights are very large; tanh reaches 1, but only near z = 0; ReLU has slope 1 for everything positive and 0 for the rest. In the chart A's line falls by some powers of ten, those of B and C by less than two.",
      "同样的十层网络，三种激活函数。Sigmoid 的导数最大只有 1/4，除非权重非常大，A 的梯度总会逐层衰减；tanh 能达到 1，但只在 z = 0 附近；ReLU 在正半轴恒为 1，另一半为 0。图中 A 的线下降好几个数量级，B 和 C 的不到两个。",
    ],
    attempt: [
      "Play for some hundred steps: which runs learn? Then give A the start “normal” with σ_w = 10: its gradient arrives, but four units in ten are saturated.",
      "播放几百步：哪几个在学习？再把 A 的初始化改为“正态”，σ_w = 10：梯度传到了，但十个单元中有四个已经饱和。",
    ],
  },
  {
    id: "small",
    config: () => network(8, 8, {
      activations: ["tanh"],
      starts: [{ ...makeStart("normal"), sigma_w: 0.2 }],
      variants: [{ label: "B", starts: [makeStart("xavier")] }],
    }),
    panel: "histograms",
    focus: "depth",
    edges: "gradient",
    layer: 5,
    title: ["Too small", "权重过小"],
    text: [
      "In A every layer shrinks the signal to about a sixth. Deep inside, z is practically 0 for every sample, and on the way back the gradient is divided by six again and again. The loss stands still although nothing has been learned: that is what vanishing looks like.",
      "A 的每一层都把信号缩小到约六分之一。到了深处，所有样本的 z 几乎都是 0；回传时梯度又一次次除以六。损失停住不动，却什么也没学到：这就是梯度消失的样子。",
    ],
    attempt: [
      "Switch between weights and gradients above the network: the weights look fine.",
      "在网络上方切换“权重”与“梯度”：权重看上去并无异常。",
    ],
  },
  {
    id: "large",
    config: () => network(8, 8, {
      activations: ["tanh"],
      starts: [{ ...makeStart("normal"), sigma_w: 8 }],
      variants: [{ label: "B", activations: ["relu"] }],
    }),
    panel: "phi",
    focus: "panel",
    edges: "gradient",
    layer: 3,
    title: ["Too large", "权重过大"],
    text: [
      "The same large weights under two activations. With tanh they push z far out to where the curve is flat: most units pass on next to nothing, and the few others pass it on many times enlarged. ReLU has no upper limit, so in B the signal, and with it the gradient, grows in every layer until the first update throws the weights away.",
      "同样过大的权重，两种激活函数。tanh 的 z 被推到饱和区，多数单元几乎不传梯度，少数未饱和的单元却把它成倍放大。ReLU 没有上限，B 的信号连同梯度逐层放大，第一次更新就把权重甩飞。",
    ],
    attempt: [
      "Take one step and look at the loss of B; then lower σ_w until the shaded zones are empty.",
      "走一步，看 B 的损失；再调低 σ_w，直到阴影区内没有数据。",
    ],
  },
  {
    id: "constant",
    config: () => network(3, 6, {
      activations: ["tanh"],
      starts: [{ ...makeStart("constant"), constant: 0.3 }],
      variants: [{ label: "B", starts: [makeStart("xavier")] }],
    }),
    panel: "histograms",
    focus: "network",
    edges: "weight",
    layer: 1,
    title: ["All the same", "全部相同"],
    text: [
      "Every weight of A starts at 0.3. Then all units of a layer compute the same number, receive the same gradient and take the same step, for ever: six units do the work of one. All pictures of a layer are the same, and the map shows what is left of the network.",
      "A 的每个权重都从 0.3 开始。于是同一层的单元算出同样的数，收到同样的梯度，做同样的更新，永远如此：六个单元只顶一个用。同一层的图完全相同，输出图则显示网络还剩多少本事。",
    ],
    attempt: [
      "Train both. Then open the table: in A “Distinct” is still 1, at any step.",
      "训练两者，再打开表格看 A 的“互异”：无论第几步，都还是 1。",
    ],
  },
  {
    id: "zero",
    config: () => network(4, 5, {
      activations: ["relu"],
      starts: [makeStart("zeros")],
      variants: [{ label: "B", activations: ["sigmoid"] }],
      // Few samples, of which one class has more, and long steps: or what wakes would be too small to be seen.
      data: { ...defaultConfig().data, name: "moons", samples: 41 },
      lr: 10,
      seed: 2,
    }),
    panel: "factors",
    focus: "network",
    edges: "gradient",
    layer: 4,
    title: ["All zero", "全零"],
    text: [
      "With weights 0 it matters what the activation makes of 0. ReLU, like tanh, makes 0 of it: every product contains a zero, and no weight of A ever moves. Sigmoid makes ½: the last layer of B gets a gradient at once, the one before it a step later, and so on towards the input; but all units of a layer still move alike.",
      "权重全为 0 时，要看激活函数把 0 变成什么。ReLU 和 tanh 都变成 0：每个乘积里都有零，A 的权重永远不动。Sigmoid 变成 ½：B 的最后一层立即得到梯度，前一层晚一步，依次向输入方向醒来；但同层各单元的步调仍然一致。",
    ],
    attempt: [
      "Press Step four times and watch the edges of B appear from right to left.",
      "按四次“一步”，看 B 的连线从右到左逐层出现。",
    ],
  },
  {
    id: "good",
    config: () => network(16, 12, {
      activations: ["tanh"],
      starts: [makeStart("xavier")],
      variants: [
        { label: "B", activations: ["relu"], starts: [makeStart("he")] },
        { label: "C", activations: ["relu"], starts: [makeStart("xavier")] },
      ],
      lr: 0.03,
      seed: 2,
    }),
    panel: "phase",
    focus: "panel",
    edges: "gradient",
    layer: 0,
    title: ["Good starts", "好的初始化"],
    text: [
      "A good start chooses the weights' size so that signal and gradient keep theirs. Xavier's does it for what is linear around 0, He's doubles the variance because ReLU drops half of the signal. C shows what a factor of √½ a layer costs in sixteen layers. In the phase diagram the good ones lie on the edge between order and chaos, but for the first layer, which has only two inputs.",
      "好的初始化选择恰当的权重大小，使信号和梯度都保持原有尺度。Xavier 适合在 0 附近近似线性的激活函数；ReLU 丢掉一半信号，He 便把方差加倍。C 展示每层多乘一个 √½，十六层下来代价多大。在相图上，好的初始化落在有序与混沌的边界上，只有第一层例外：它只有两个输入。",
    ],
    attempt: [
      "Choose “normal” for A and move σ_w: the dots cross the edge, and the lines tilt.",
      "把 A 改为“正态”并移动 σ_w：点越过边界，图中的线随之倾斜。",
    ],
  },
  {
    id: "clipping",
    config: () => network(6, 12, {
      activations: ["relu"],
      starts: [{ ...makeStart("normal"), sigma_w: 5 }],
      clip: 1,
      lr: 0.05,
    }),
    panel: "histograms",
    focus: "depth",
    edges: "gradient",
    layer: 0,
    title: ["Clipping", "梯度截断"],
    text: [
      "This network starts too large, and its first gradients are huge. Clipping shortens the whole gradient to a chosen norm before each update: the direction stays, the step is bounded, and training survives. It treats the symptom; it helps against exploding gradients, never against vanishing ones.",
      "这个网络的初始权重过大，最初的梯度非常大。截断在每次更新前把整个梯度缩到给定的范数：方向不变，步长有界，训练得以继续。它只治标；能对付爆炸，却对消失无能为力。",
    ],
    attempt: [
      "Play, then set “Clip the norm” to 0 and play again: within three steps the loss leaps up by many powers of ten.",
      "先播放，再把“梯度截断”设为 0 重新播放：三步之内，损失就会猛增许多个数量级。",
    ],
  },
];
