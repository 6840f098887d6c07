// The tour of the page that is one file: scenes of the Lab's (tour/scenes.js) with networks that lie in it, and of some what
// is true of those.

import { makeStart } from "../state.js";
import { SCENES } from "../tour/scenes.js";
import { network, within } from "./file.js";

/** @typedef {import("../tour/scenes.js").Scene} Scene */

/** What the Lab's tour says, but of another network. @param {string} id @param {Partial<Scene> & Pick<Scene, "config">} changes @returns {Scene} */
function like(id, changes) {
  const found = SCENES.find((scene) => scene.id === id);
  if (!found) throw new Error(`no scene ${id}`);
  return { ...found, ...changes };
}

const normal = (/** @type {number} */ sigma) => ({ ...makeStart("normal"), sigma_w: sigma });
const constant = (/** @type {number} */ value) => ({ ...makeStart("constant"), constant: value });

/** Those whose networks are in the file. @returns {Scene[]} */
export function scenes() {
  return [
    like("product", { config: () => network(3, { activations: ["sigmoid"] }) }),
    like("powers", {
      config: () => network(10, {
        layers: Array(10).fill(1), activations: ["identity"], starts: [constant(0.25)], variants: [{ label: "B", starts: [constant(2)] }], lr: 0.001,
      }),
    }),
    like("activations", {
      config: () => network(10, {
        activations: ["sigmoid"], variants: [{ label: "B", activations: ["tanh"] }, { label: "C", activations: ["relu"], starts: [makeStart("he")] }],
        lr: 0.05, // at twice the rate ReLU loses its units on the way
      }),
      attempt: [
        "Play for a thousand steps: which runs learn? Then give A the start “normal” with σ_w = 10: its gradient arrives, but half of the units are saturated.",
        "播放一千步：哪几个在学习？再把 A 的初始化改为“正态”，σ_w = 10：梯度传到了，但一半的单元已经饱和。",
      ],
    }),
    like("small", {
      config: () => network(10, { activations: ["tanh"], starts: [normal(0.2)], variants: [{ label: "B", starts: [makeStart("xavier")] }] }),
      text: [
        "In A every layer shrinks the signal to about a fifth. Deep inside, z is practically 0 for every sample, and on the way back the gradient is divided by six again and again. The loss stands still although nothing has been learned: that is what vanishing looks like.",
        "A 的每一层都把信号缩小到约五分之一。到了深处，所有样本的 z 几乎都是 0；回传时梯度又一次次除以六。损失停住不动，却什么也没学到：这就是梯度消失的样子。",
      ],
    }),
    like("large", { config: () => network(10, { activations: ["tanh"], starts: [normal(8)], variants: [{ label: "B", activations: ["relu"] }] }) }),
    like("constant", { config: () => network(3, { activations: ["tanh"], starts: [constant(0.3)], variants: [{ label: "B", starts: [makeStart("xavier")] }] }) }),
    like("zero", {
      // Of these samples one class has more; steps are long: or what wakes would be too small to be seen.
      config: () => network(3, {
        activations: ["relu"], starts: [makeStart("zeros")], variants: [{ label: "B", activations: ["sigmoid"] }], lr: 10,
        data: { ...network(3, {}).data, name: "xor" },
      }),
      layer: 3,
      attempt: ["Press Step three times and watch the edges of B appear from right to left.", "按三次“一步”，看 B 的连线从右到左逐层出现。"],
    }),
    like("good", {
      config: () => network(10, {
        activations: ["tanh"], starts: [makeStart("orthogonal")],
        variants: [{ label: "B", activations: ["relu"], starts: [makeStart("he")] }, { label: "C", activations: ["relu"], starts: [makeStart("xavier")] }],
        lr: 0.05,
      }),
      panel: "factors",
      focus: "depth",
      text: [
        "A good start chooses the weights' size so that signal and gradient keep theirs. A, orthogonal weights before tanh, brings back to the first layer as much as has left the last. ReLU drops half of the signal; He's start (B) doubles the variance for that, Xavier's (C) does not: a factor of √½ a layer leaves C's first layer less than a twentieth of B's gradient.",
        "好的初始化选择恰当的权重大小，使信号和梯度都保持原有尺度。A 为正交初始化配 tanh，传回首层的梯度与离开末层时相当。ReLU 丢掉一半信号，He（B）为此把方差加倍，Xavier（C）没有：每层一个 √½，使 C 首层的梯度不到 B 的二十分之一。",
      ],
      attempt: [
        "Choose “normal” for A and move σ_w: below 1 the line falls towards the input, far above 1 units saturate.",
        "把 A 改为“正态”并移动 σ_w：小于 1 时线向输入方向下降，远大于 1 时单元饱和。",
      ],
    }),
    like("clipping", {
      config: () => network(10, { activations: ["relu"], starts: [normal(4)], clip: 1, lr: 0.05 }),
      attempt: [
        "Press Step three times: the loss falls. Then switch clipping off and do the same: the first step makes the loss more than ten times as large, and after the third no gradient reaches the first layer any more.",
        "按三次“一步”：损失下降。再关掉截断重做：第一步就使损失增大十倍以上，三步之后首层再也收不到梯度。",
      ],
    }),
  ].filter(({ config }) => within(config()));
}
