// What was measured of every layer, from what the program that looks has found (serving/points.py): the numbers that
// diagnosis/measures/ has in Python.

import { allFinite, classes, column, describe, isZero, logNorm, ratio, rms } from "./statistics.js";

/**
 * @typedef {import("./statistics.js").Classes} Classes
 * @typedef {{name: string, units: number, inputs: number, activation: string, single: boolean, weight: string, bias: string,
 *   x: number, z: number, into: number, a: number, slope: number | null, dz: number, dinto: number, da: number | null,
 *   dw: number, db: number, names: [string, string, string]}} Place where the arrays of a layer are among the results
 * @typedef {{kind: string, label: string, name: string, layer: number | null, below: number | null}} Recipe
 * @typedef {{kind: string, label: string, name: string, layer: number | null, log10: number}} Factor
 * @typedef {{flat: number, mostly: number, alike: number, clip: number, stride: number, grid: number, coarse: number}} Constants
 * @typedef {import("../protocol.js").Curve & {steepest: number, saturates: boolean, at_zero: number}} Phi
 * @typedef {{loss: number, output: Float64Array, arrays: Float64Array[], weights: Float64Array[], biases: Float64Array[],
 *   places: Place[], recipes: Recipe[][], phi: Record<string, Phi>, constants: Constants, samples: number, guess: number, linearShare: number,
 *   lr: number, step: number, plain: boolean, labels: number[]}} Look
 * @typedef {ReturnType<typeof describe>} Described
 * @typedef {{units: number, activation: string, w: Described, z: Described, a: Described, dz: Described, dw: Described & {count: number},
 *   saturated: number, dead: number[], updateRatio: number, distinct: Classes, distinctUpdates: Classes, bias: number}} Layer
 */

/** @param {Look} look @returns {Layer[]} */
export function layersOf(look) {
  return look.places.map((place, i) => {
    const { units, inputs } = place;
    const [weight, bias] = [look.weights[i], look.biases[i]];
    const [z, a, dz, dw, db] = [place.z, place.a, place.dz, place.dw, place.db].map((at) => look.arrays[at]);
    const rows = (/** @type {Float64Array} */ matrix, /** @type {Float64Array} */ vector) =>
      Array.from({ length: units }, (_, unit) => [...matrix.subarray(unit * inputs, (unit + 1) * inputs), vector[unit]]);
    const [w, gradient] = [describe(weight, inputs), describe(dw, inputs)];
    return {
      units,
      activation: place.activation,
      w,
      z: describe(z, units),
      a: describe(a, units),
      dz: describe(dz.map((x) => x * look.samples), units),
      dw: { ...gradient, count: dw.length },
      ...flat(look, place),
      updateRatio: ratio(look.lr * gradient.rms, w.rms),
      distinct: classes(rows(weight, bias), look.constants.alike),
      distinctUpdates: classes(rows(dw, db), look.constants.alike),
      bias: rms(bias),
    };
  });
}

/** The share of units that are saturated, and the numbers of those that are dead; one that is not finite is neither. @param {Look} look @param {Place} place */
function flat({ arrays, phi, constants }, { slope, into, units, activation }) {
  if (slope === null) return { saturated: 0, dead: [] };
  const { steepest, saturates } = phi[activation];
  let saturated = 0;
  const dead = [];
  for (let unit = 0; unit < units; unit++) {
    if (!allFinite(column(arrays[into], unit, units))) continue;
    const slopes = column(arrays[slope], unit, units);
    let low = 0;
    for (const slope of slopes) if (Math.abs(slope) / steepest < constants.flat) low++;
    if (saturates && low / slopes.length >= constants.mostly) saturated++;
    if (isZero(slopes)) dead.push(unit);
  }
  return { saturated: saturated / units, dead };
}

/** Of which factors the gradient of each layer's weights is the product. @param {Look} look @returns {Factor[][]} */
export function factorsOf(look) {
  const norms = look.arrays.map((array, i) => (i ? logNorm(array) : 0));
  return look.recipes.map((recipe, i) => {
    const { x, dz, dw } = look.places[i];
    let above = NaN;
    return recipe.map(({ kind, label, name, layer, below }) => {
      let log10 = norms[x];
      if (below !== null) {
        log10 = kind === "loss" ? norms[below] : above === -Infinity ? 0 : norms[below] - above;
        above = norms[below];
      } else if (kind === "alignment") {
        log10 = norms[dz] === -Infinity || norms[x] === -Infinity ? 0 : norms[dw] - norms[dz] - norms[x];
      }
      return { kind, label, name, layer, log10 };
    });
  });
}

/** The same for one weight. @param {Look} look @param {Factor[]} factors of its layer @param {number} layer @param {number} unit @param {number} input @returns {Factor[]} */
export function factorsOfWeight(look, factors, layer, unit, input) {
  const { name, units, inputs, x, dz } = look.places[layer];
  const own = column(look.arrays[dz], unit, units);
  const signal = column(look.arrays[x], input, inputs);
  const [whole, part, came] = [logNorm(look.arrays[dz]), logNorm(own), logNorm(signal)];
  const sum = own.reduce((/** @type {number} */ all, /** @type {number} */ d, /** @type {number} */ s) => all + (d / 10 ** part) * (signal[s] / 10 ** came), 0);
  const gradient = part + came + Math.log10(Math.abs(sum)); // a product of two small numbers would underflow
  return [
    ...factors.filter(({ kind }) => kind !== "input" && kind !== "alignment"),
    { kind: "share", label: `unit ${unit + 1}`, name, layer, log10: whole === -Infinity ? 0 : part - whole },
    { kind: "input", label: `input ${input + 1}`, name, layer, log10: came },
    { kind: "alignment", label: "alignment", name, layer, log10: part === -Infinity || came === -Infinity ? 0 : gradient - part - came },
  ];
}

const ENDS = new Set(["loss", "share", "input", "alignment"]);

/** The decades that each label has contributed on the way from the output to a layer's z. @param {Factor[]} factors */
export function totals(factors) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const { kind, label, log10 } of factors) if (!ENDS.has(kind)) found.set(label, (found.get(label) ?? 0) + log10);
  return found;
}

/** The first module whose output is not finite, and its layer. @param {Look} look @returns {{module: string, layer: number} | null} */
export function firstNotFinite({ arrays, places }) {
  for (const [i, { z, into, a, names }] of places.entries()) {
    const found = [z, into, a].findIndex((at) => !allFinite(arrays[at]));
    if (found >= 0) return { module: names[found], layer: i + 1 };
  }
  return null;
}
