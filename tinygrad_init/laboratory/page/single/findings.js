// What is wrong, by the library's own table of conditions (diagnosis/findings/conditions.json, which lies in the file): each
// finding gives the key of a sentence and what stands in it. The sentences are the library's, too.

import { median, medianLow, ratio } from "./statistics.js";
import { firstNotFinite, totals } from "./measuring.js";

/**
 * @typedef {import("../protocol.js").Said} Said
 * @typedef {{key: string, of: string, when: [string, string, number][]}} Row
 * @typedef {{look: import("./measuring.js").Look, layers: import("./measuring.js").Layer[], factors: import("./measuring.js").Factor[][],
 *   zeros: import("./zeros.js").Zeros[], table: Row[]}} Measured
 * @typedef {{word: string, layer: number | null, why: Said, question: "fit" | "signal" | "gradient" | "units" | "alive", fault: boolean}} Finding
 * @typedef {Record<string, number>} Numbers
 */

/** @type {Record<string, (number: number, threshold: number) => boolean>} */
const COMPARISONS = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "==": (a, b) => a === b,
  "<=": (a, b) => a <= b,
  "not >=": (a, b) => !(a >= b), // true of what is no number
};
/** What gets its gradient in the second step is worth to know and no fault. */
const SOON = 1;

/** @param {string} key @param {Record<string, any>} [numbers] @returns {Said} */
const phrase = (key, numbers = {}) => ({ key, numbers });

/** @param {Measured} measured @param {string} key @param {Numbers} numbers */
function holds({ table }, key, numbers) {
  return table.some((row) => row.key === key && row.when.every(([name, how, threshold]) => COMPARISONS[how](numbers[name], threshold)));
}

/** The first layer for which a finding holds, from 1. @param {Measured} measured @param {string} key */
function layersWhere(measured, key) {
  const { of } = measured.table.find((row) => row.key === key) ?? { of: "" };
  const last = measured.layers.length - 1;
  return measured.layers.flatMap((_, i) => ((of === "layer" || i < last) && holds(measured, key, ofLayer(measured, i)) ? [i + 1] : []));
}

/** @param {Measured} measured @returns {Numbers} */
function ofNetwork({ look, layers, factors }) {
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const typical = median(layers.map(({ updateRatio }) => updateRatio).filter(Number.isFinite));
  return {
    depth: layers.length,
    samples: look.samples,
    loss_finite: Number(Number.isFinite(look.loss)),
    loss_over_guess: ratio(look.loss, look.guess),
    z_first: first.z.rms,
    z_last: last.z.rms,
    across_last: last.z.across,
    z_typical: medianLow(layers.map(({ z }) => z.rms)),
    z_growth: ratio(last.z.rms, Math.max(first.z.rms, 1)),
    z_fall: ratio(first.z.rms, last.z.rms),
    dz_ratio: ratio(last.dz.rms, first.dz.rms),
    way: wayOf(factors[0]),
    first_update: first.updateRatio,
    first_share: ratio(first.updateRatio, typical),
  };
}

/** @param {Measured} measured @param {number} i @returns {Numbers} */
function ofLayer({ look, layers }, i) {
  const { units, z, dead, saturated, distinct } = layers[i];
  const width = widthOf(layers[i]);
  return {
    samples: look.samples,
    z: z.rms,
    across_share: ratio(z.across, z.rms),
    width,
    width_share: width / units,
    distinct_share: ratio(width, distinct.units),
    dead_share: dead.length / units,
    saturated,
  };
}

/** How many units are different, in their weights or in their updates. @param {import("./measuring.js").Layer} layer */
const widthOf = ({ distinct, distinctUpdates }) => Math.max(distinct.members.length, distinctUpdates.members.length);

/** The decades that the gradient gains on its way back. @param {import("./measuring.js").Factor[]} factors */
const wayOf = (factors) => [...totals(factors).values()].reduce((sum, decades) => sum + decades, 0);

/** Everything that is found, causes before what follows from them. @param {Measured} measured @returns {Finding[]} */
export function findings(measured) {
  const { look, layers, zeros } = measured;
  const numbers = ofNetwork(measured);
  const trained = look.step > 0;
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const [loss, when] = [phrase(trained ? "loss.is" : "loss.starts", { loss: look.loss }), phrase(trained ? "when.trained" : "when.start")];
  /** @type {Finding[]} */
  const found = [];
  const add = (/** @type {Finding["question"]} */ question, /** @type {string} */ word, /** @type {number | null} */ layer, /** @type {Said} */ why, fault = true) =>
    found.push({ question, word, layer, why, fault });

  const broken = firstNotFinite(look);
  if (broken) add("signal", "exploding", broken.layer, phrase("not_finite.output", { module: broken.module }));
  else if (holds(measured, "not_finite.loss", numbers)) add("signal", "exploding", null, phrase("not_finite.loss", { loss: look.loss }));
  const back = layers.map(({ dz, dw }) => dz.notFinite > 0 || dw.notFinite > 0).lastIndexOf(true);
  if (back >= 0) add("gradient", "exploding", back + 1, phrase("not_finite.gradient", { what: layers[back].dz.notFinite > 0 ? "∂C/∂z" : "∂C/∂W" }));
  symmetric(measured, add);
  stuck(zeros, add);
  // Without an activation between them all layers together are one.
  if (look.places.slice(0, -1).every(({ activation }) => activation === "identity")) {
    if (holds(measured, "fit.linear", { linear_share: look.linearShare })) add("fit", "misfit", null, phrase("fit.linear", { share: Math.max(look.linearShare, 0) }));
    else add("fit", "misfit", null, phrase("fit.no_activation", { maps: layers.length }), false);
  }
  const dying = (/** @type {string} */ key) => {
    const at = layersWhere(measured, key)[0];
    if (at) add("alive", "dead", at, phrase(key, { share: layers[at - 1].dead.length / layers[at - 1].units, when }));
  };
  dying("alive.all_dead");
  const saturated = layersWhere(measured, "alive.saturated")[0];
  if (saturated) {
    const { saturated: share, activation, z } = layers[saturated - 1];
    add("alive", "saturated", saturated, phrase("alive.saturated", { share, activation, when, z: z.rms }));
  }
  if (holds(measured, "gradient.exploding", numbers)) add("gradient", "exploding", 1, phrase("gradient.exploding", onTheWay(measured)));
  const times = { z: last.z.rms, loss, times: ratio(look.loss, look.guess), guess: look.guess };
  if (holds(measured, "signal.growing", numbers)) {
    add("signal", "exploding", layers.length, phrase("signal.growing", { first: first.z.rms, last: last.z.rms, loss }));
  } else if (holds(measured, "signal.loud", numbers)) add("signal", "exploding", layers.length, phrase("signal.loud", times));
  else if (!trained && holds(measured, "signal.sure", numbers)) add("signal", "exploding", layers.length, phrase("signal.sure", times), false);
  vanishing(measured, numbers, add);
  lost(measured, numbers, add);
  dying("alive.dead");
  // A loss near its floor leaves nothing to complain of: gradients are small and units saturated because all is learned.
  return holds(measured, "solved", numbers) ? found.map((one) => ({ ...one, fault: one.fault && one.question === "fit" })) : found;
}

/** @typedef {(question: Finding["question"], word: string, layer: number | null, why: Said, fault?: boolean) => void} Add */

/** @param {Measured} measured @param {Add} add */
function symmetric(measured, add) {
  const { layers, zeros } = measured;
  const copies = layersWhere(measured, "units.copies");
  for (const [i, layer] of layers.slice(0, -1).entries()) {
    const { units, distinct } = layer;
    const width = widthOf(layer);
    if (units > 1 && width === 1 && distinct.units === units) {
      const silent = zeros.flatMap(({ whole }, k) => (whole ? [k + 1] : []));
      return add("units", "symmetric", i + 1, phrase("units.symmetric", {
        units,
        rounding: distinct.exact ? null : phrase("units.rounding"),
        silent: silent.length ? phrase("units.silent", { layers: silent }) : null,
      }));
    }
    if (copies.includes(i + 1)) return add("units", "symmetric", i + 1, phrase("units.copies", { units, width }));
  }
  const alike = layersWhere(measured, "units.some_alike")[0];
  if (!alike || layers[alike - 1].dw.notFinite > 0 || layers[alike - 1].z.notFinite > 0) return;
  add("units", "symmetric", alike, phrase("units.some_alike", { distinct: widthOf(layers[alike - 1]), units: layers[alike - 1].units }), false);
}

/** @param {import("./zeros.js").Zeros[]} zeros @param {Add} add */
function stuck(zeros, add) {
  const where = (/** @type {(one: import("./zeros.js").Zeros) => boolean} */ is) => zeros.flatMap((one, i) => (one.whole && is(one) ? [i + 1] : []));
  const never = where(({ wakes }) => wakes === null);
  if (never.length) add("gradient", "stuck", never[0], phrase("gradient.stuck", { layers: never, because: zeros[never[0] - 1].reasons }));
  const asleep = where(({ wakes }) => wakes !== null && wakes > 0);
  if (!asleep.length) return;
  const [i, j] = [asleep[0], asleep[asleep.length - 1]];
  const step = (/** @type {number} */ layer) => (zeros[layer - 1].wakes ?? 0) + 1;
  add("gradient", "asleep", i, phrase("gradient.asleep", {
    layers: asleep,
    because: zeros[i - 1].reasons,
    last: j,
    step: step(j),
    others: i === j ? null : phrase("gradient.asleep.others", { first: i, step: step(i) }),
  }), asleep.some((layer) => (zeros[layer - 1].wakes ?? 0) > SOON));
}

/** @param {Measured} measured @param {Numbers} numbers @param {Add} add */
function vanishing(measured, numbers, add) {
  if (holds(measured, "gradient.vanishing", numbers)) {
    const blocked = measured.factors[0].find(({ log10 }) => log10 === -Infinity);
    const { wakes } = measured.zeros[0];
    if (numbers.way === -Infinity && blocked) {
      const soon = wakes !== null && wakes > 0 && wakes <= SOON;
      add("gradient", "vanishing", 1, phrase("gradient.blocked", { label: blocked.label, module: blocked.name }), !soon);
    } else add("gradient", "vanishing", 1, phrase("gradient.vanishing", onTheWay(measured)));
  } else if (holds(measured, "gradient.falls", numbers)) add("gradient", "vanishing", 1, phrase("gradient.falls", atBothEnds(measured).numbers), false);
}

/** @param {Measured} measured @param {Numbers} numbers @param {Add} add */
function lost(measured, numbers, add) {
  const { layers, zeros } = measured;
  const empty = layersWhere(measured, "signal.zero");
  // With weights of 0 that get a gradient there is a signal after one step.
  const begins = (/** @type {number} */ layer) => layers[layer - 1].w.rms === 0 && !zeros[layer - 1].whole;
  if (!empty.length && holds(measured, "signal.fading", numbers)) {
    add("signal", "vanishing", layers.length, phrase("signal.fading", { first: layers[0].z.rms, last: layers[layers.length - 1].z.rms }));
  }
  if (empty.length) add("signal", "lost", empty[0], phrase("signal.zero", { layers: empty }), !empty.every(begins));
  const at = layersWhere(measured, "signal.lost")[0];
  if (!at) return;
  const rest = phrase(layers.slice(0, at).some(({ bias }) => bias > 0) ? "signal.lost.biases" : "signal.lost.same");
  add("signal", "lost", at, phrase("signal.lost", { z: layers[at - 1].z.rms, across: layers[at - 1].z.across, rest }), !begins(at));
}

/** By how much the gradient changes from the last layer to the first, and through which factors. @param {Measured} measured */
function onTheWay({ factors }) {
  const largest = [...totals(factors[0])].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, 2);
  const parts = largest.filter(([, decades]) => Math.abs(decades) >= 0.05).map(([label, decades]) => phrase("gradient.part", { decades, label }));
  return { decades: Math.abs(wayOf(factors[0])), parts: parts.length ? phrase("gradient.parts", { parts }) : null };
}

/** The gradient's size, if that is no complaint. @param {Measured} measured */
function atBothEnds(measured) {
  const { layers, zeros } = measured;
  const [first, last] = [layers[0].dz.rms, layers[layers.length - 1].dz.rms];
  const wakes = zeros[0].wakes ?? 0;
  if (first === 0 && last > 0 && wakes > 0) return phrase("gradient.wakes", { last, step: wakes + 1 });
  return phrase(holds(measured, "gradient.falls", ofNetwork(measured)) ? "gradient.falls" : "gradient.arrives", { last, first });
}

/** @param {Measured} measured @param {Finding[]} found @returns {import("../protocol.js").VerdictOf} */
export function verdictOf(measured, found) {
  const worst = found.find(({ fault }) => fault);
  if (worst) return { word: worst.word, layer: worst.layer, reason: "", why: worst.why };
  const { loss, guess } = measured.look;
  const solved = holds(measured, "solved", ofNetwork(measured));
  const why = solved ? phrase("healthy.solved", { loss, guess }) : phrase("healthy", { ends: atBothEnds(measured) });
  return { word: "healthy", layer: null, reason: "", why };
}

/** Fit, signal, gradient, units, alive: each question answered in a sentence. @param {Measured} measured @param {Finding[]} found @returns {import("../protocol.js").AnswerOf[]} */
export function answersOf(measured, found) {
  const { layers } = measured;
  const solved = holds(measured, "solved", ofNetwork(measured));
  const asked = /** @type {const} */ (["fit", "signal", "gradient", "units", "alive"]);
  return asked.map((key) => {
    const answer = (/** @type {boolean} */ good, /** @type {Said} */ said) => ({ key, question: "", good, sentence: "", said });
    const worst = found.find(({ question, fault, ...one }) => question === key && (fault || (solved && isFault(one))));
    if (worst) {
      const { word, layer, why } = worst;
      const said = { word: phrase(`word.${word}`), reason: why };
      const verdict = layer === null ? phrase("verdict", said) : phrase("verdict.at", { ...said, layer });
      const excused = !worst.fault;
      return answer(excused, phrase(excused ? "answer.solved" : "answer.no", { verdict }));
    }
    if (key === "signal") return answer(true, phrase("answer.signal", { last: layers[layers.length - 1].z.rms, first: layers[0].z.rms }));
    if (key === "gradient") return answer(true, phrase("answer.gradient", { ends: atBothEnds(measured) }));
    const mixed = key === "units" ? layers.slice(0, -1).findIndex((layer) => widthOf(layer) < layer.distinct.units) : -1;
    if (mixed < 0) return answer(true, phrase(`answer.${key}`));
    return answer(true, phrase("answer.units.mostly", { layer: mixed + 1, distinct: widthOf(layers[mixed]), units: layers[mixed].units }));
  });
}

/** Whether a finding would be a fault of a network that has something to learn. @param {{why: Said}} finding */
const isFault = ({ why }) => !["signal.sure", "gradient.falls", "units.some_alike"].includes(why.key);
