// Experiments by name in the page that is one file: the Lab's (guide/presets.js), with networks that lie in it.

import { PRESETS } from "../guide/presets.js";
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
    like("vanishing", { config: () => network(10, { activations: ["sigmoid"] }) }),
    like("exploding", { config: () => network(10, { activations: ["relu"], starts: [{ ...makeStart("normal"), sigma_w: 4 }], lr: 0.05 }) }),
    like("same", { config: () => network(3, { activations: ["tanh"], starts: [{ ...makeStart("constant"), constant: 0.3 }] }) }),
    like("dead", { config: () => network(10, { activations: ["relu"], starts: [makeStart("he")], seed: 1 }) }),
    like("healthy", { config: () => network(10, { activations: ["tanh"], starts: [makeStart("orthogonal")], lr: 0.1 }) }),
  ].filter(({ config, mend }) => {
    const [before, after] = [config(), config()];
    mend(after);
    return within(before) && within(after);
  });
}
