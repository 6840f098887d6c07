// How large everything was in every layer, at each step of which a frame came: what the strip below the depth chart shows.
// Steps are exact, so what was seen stays true until another experiment is built.

import { store } from "./state.js";

/** @typedef {"dz" | "z" | "dw"} Quantity */

export const QUANTITIES = /** @type {const} */ (["dz", "z", "dw"]);

/** Beyond so many steps every other one is forgotten. */
const MOST = 400;

/** For each step: for each run, the decimal logarithms of the layers. @type {Map<number, Record<Quantity, Float64Array>[]>} */
let seen = new Map();
/** The lines at the end of the experiment before, if it had layers to compare. @type {Record<Quantity, Float64Array> | null} */
let before = null;

/** @param {number | null} value @returns {number} -Infinity for 0, NaN for what is not finite */
const log = (value) => (value === null ? NaN : Math.log10(value));

/**
 * The decimal logarithm of a layer's sizes: rms of ∂C/∂z and z, the norm of ∂C/∂W.
 * @param {import("./protocol.js").LayerNow} layer
 * @param {Quantity} quantity
 */
export function sizeOf(layer, quantity) {
  if (quantity !== "dw") return log(layer[quantity]);
  // Neither 0 nor what has overflowed has a logarithm; the cotangent tells them apart.
  return layer.dw ?? (layer.dz === null ? NaN : -Infinity);
}

/** @param {import("./protocol.js").RunNow} run @returns {Record<Quantity, Float64Array>} */
function sizes(run) {
  const of = (/** @type {Quantity} */ quantity) => Float64Array.from(run.layers, (layer) => sizeOf(layer, quantity));
  return { dz: of("dz"), z: of("z"), dw: of("dw") };
}

/** The steps of which something is known, ascending. @returns {number[]} */
export function steps() {
  return [...seen.keys()].sort((a, b) => a - b);
}

/** @param {number} step @param {number} run @param {Quantity} quantity @returns {Float64Array | undefined} */
export function sizesAt(step, run, quantity) {
  return seen.get(step)?.[run]?.[quantity];
}

/** What the first run was like in the experiment before this one. @param {Quantity} quantity @returns {Float64Array | null} */
export function sizesBefore(quantity) {
  return before?.[quantity] ?? null;
}

store.on("built", () => {
  const first = Math.min(...seen.keys());
  const last = seen.get(first)?.[0] ?? null;
  // While a slider is dragged there may have been nothing to see of the one before.
  if (last) before = last;
  seen = new Map();
});

store.on("frame", () => {
  const { frame } = store;
  if (!frame) return;
  seen.set(frame.step, frame.runs.map(sizes));
  if (seen.size > MOST) {
    const kept = steps().filter((step, i) => i % 2 === 0 || step === frame.step);
    seen = new Map(kept.map((step) => [step, seen.get(step) ?? []]));
  }
});
