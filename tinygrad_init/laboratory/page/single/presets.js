// Experiments by name in the page that is one file: the Lab's (guide/presets.js), with networks that lie in it.

import { PRESETS, tenSigmoids } from "../guide/presets.js";
import { makeStart } from "../state.js";
import { network, within } from "./file.js";

/** @typedef {import("../guide/presets.js").Preset} Preset */

/** What the Lab says of an experiment, but of another network. @param {string} id @param {Partial<Preset> & Pick<Preset, "config">} changes @returns {Preset} */
function like(id, changes) {
  const found = PRESETS.find((preset) => preset.id === id);
  if (!found) throw new Error(`no experiment ${id}`);
  return { ...found, ...changes };
}

/** Those whose networks are in the file, before and after the one thing that is to be done. @returns {Preset[]} */
export function presets() {
  return [
    like("vanishing", { config: () => network(10, { activations: ["sigmoid"] }), see: tenSigmoids("4.3·10⁶") }),
    like("exploding", {
      config: () => network(10, { activations: ["relu"], starts: [{ ...makeStart("normal"), sigma_w: 4 }], lr: 0.05 }),
      seen: [
        "No layer gets more than the last any more, and all get something (dotted: before). Press Play: it learns.",
        "各层的梯度都不再大于末层，也没有消失（点线为之前）。按“播放”：网络在学习。",
      ],
    }),
    like("same", { config: () => network(3, { activations: ["tanh"], starts: [{ ...makeStart("constant"), constant: 0.3 }] }) }),
    like("dead", {
      config: () => network(10, { activations: ["relu"], starts: [makeStart("he")], seed: 1 }),
      layer: 7,
      see: [
        "ReLU, and chance was unkind: all units of layer 8 have a cross, they are 0 for every sample, so no gradient passes through them and no layer can learn.",
        "ReLU，而且运气不好：第 8 层的单元全都打叉，对所有样本都输出 0，梯度无法通过，没有一层能学习。",
      ],
      act: ["Normalize batches between the layers", "在层间加批归一化"],
      mend: (config) => void (config.normalization = "batch"),
      mended: ({ activations, normalization }) => normalization === "batch" || !activations.includes("relu"),
      seen: [
        "Every unit is moved to where some samples lie above 0, and every layer gets a gradient. Press Play: it learns.",
        "每个单元都移到有样本大于 0 的地方，每一层都有梯度。按“播放”：网络在学习。",
      ],
    }),
    like("healthy", {
      config: () => network(10, { activations: ["tanh"], starts: [makeStart("orthogonal")] }),
      see: [
        "Ten layers of tanh from orthogonal weights: the thick line stays between 0.1 and 10 all the way, so every layer can learn.",
        "十层 tanh，正交初始化：粗线始终在 0.1 到 10 之间，每一层都能学习。",
      ],
    }),
  ].filter(({ config, mend }) => {
    const [before, after] = [config(), config()];
    mend(after);
    return within(before) && within(after);
  });
}
