// The choice of a start, with the sliders that mean something for it.

import { h } from "../dom.js";
import { makeStart, store } from "../state.js";
import { choice, slider } from "./fields.js";

/** @typedef {import("../types.js").Start} Start */

/** What several starts are called, one for each layer. */
export const MIXED = "mixed";
const SCALES = /** @type {const} */ (["sigma_w", "sigma_b", "constant"]);

/** @param {string} name @returns {readonly (typeof SCALES)[number][]} */
function scalesOf(name) {
  if (name === "normal") return ["sigma_w", "sigma_b"];
  if (name === "constant") return ["constant", "sigma_b"];
  return ["", MIXED, "torch"].includes(name) ? [] : ["sigma_b"]; // PyTorch's biases have a size of their own
}

/**
 * @param {{field: string, label: string, get: () => Start | null, set: (start: Start | null) => void, none?: string,
 *   labelled?: boolean}} options `none` is the key of what no start of its own is called
 * @returns {{root: HTMLElement, sync: () => void}}
 */
export function startEditor({ field, label, get, set, none, labelled }) {
  const chosen = () => get() ?? makeStart("");
  const name = choice({
    field: `${field}.name`,
    label,
    labelled,
    mixed: none,
    names: () => ["normal", ...(store.hello?.starts ?? []).filter((start) => start !== "normal")],
    get: () => chosen().name,
    set: (value) => set(value ? { ...chosen(), name: value } : null),
  });
  const scales = SCALES.map((scale) => ({
    scale,
    ...slider({
      field: `${field}.${scale}`,
      label: `start.${scale}`,
      min: scale === "constant" ? -2 : 0,
      max: scale === "sigma_w" ? 4 : 2,
      most: 100,
      step: 0.01,
      get: () => chosen()[scale],
      set: (value) => set({ ...chosen(), [scale]: value }),
    }),
  }));
  return {
    root: h("div", { class: "start", "data-field": field }, name.root, ...scales.map(({ root }) => root)),
    sync() {
      name.sync();
      const shown = scalesOf(chosen().name);
      for (const { scale, root, sync } of scales) {
        root.hidden = !shown.includes(scale);
        root.classList.toggle("seldom", scale === "sigma_b" && chosen().name !== "normal");
        sync();
      }
    },
  };
}
