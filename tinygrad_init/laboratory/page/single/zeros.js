// Why a gradient is exactly 0, and whether training can ever make it anything else (diagnosis/measures/zeros.py).

import { column, isZero } from "./statistics.js";

/**
 * @typedef {import("./measuring.js").Look} Look
 * @typedef {{whole: boolean, wakes: number | null, reasons: import("../protocol.js").Said[]}} Zeros `wakes` counts from 0; null: never,
 *   -1: nobody knows
 * @typedef {boolean[]} Pattern
 */

/**
 * For every layer.
 * @param {Look} look
 * @param {(steps: number) => Map<number, number>} trial in which of a few small steps each layer's weights first get a gradient
 * @returns {Zeros[]}
 */
export function zerosOf(look, trial) {
  const silent = look.places.map(({ dw }) => isZero(look.arrays[dw]));
  if (!silent.some(Boolean)) return silent.map(() => ({ whole: false, wakes: 0, reasons: [] }));
  const steps = look.plain ? wakeUp(look) : trial(3);
  return silent.map((whole, i) => ({
    whole,
    wakes: steps.get(i) ?? (look.plain ? null : -1),
    reasons: whole ? reasonsOf(look, i) : [],
  }));
}

/** The rules that make the zeros of a layer's gradient, the one that makes most first. @param {Look} look @param {number} i */
function reasonsOf(look, i) {
  const { x, dz, dw, units, inputs } = look.places[i];
  const [came, delta, gradient] = [x, dz, dw].map((at) => look.arrays[at]);
  /** @type {Map<string, number>} */
  const counts = new Map();
  let zeros = 0;
  for (let unit = 0; unit < units; unit++) {
    const own = column(delta, unit, units);
    const silent = isZero(own) ? whySilent(look, i, unit) : null;
    for (let input = 0; input < inputs; input++) {
      if (gradient[unit * inputs + input] !== 0) continue;
      zeros++;
      const signal = column(came, input, inputs);
      const together = signal.some((/** @type {number} */ s, /** @type {number} */ k) => s !== 0 && own[k] !== 0);
      const rule = silent ?? (isZero(signal) ? "input" : together ? "cancellation" : "never together");
      counts.set(rule, (counts.get(rule) ?? 0) + 1);
    }
  }
  const said = [...counts].sort((one, other) => other[1] - one[1]);
  if (said.length === 1) return [{ key: `zero.${said[0][0]}`, numbers: {} }];
  return said.map(([rule, n]) => ({ key: "zero.share", numbers: { share: n / zeros, rule: { key: `zero.${rule}`, numbers: {} } } }));
}

/** What stops the gradient on its way to a unit's z. @param {Look} look @param {number} i @param {number} unit */
function whySilent(look, i, unit) {
  const { arrays, places, weights, plain } = look;
  const { into, z, slope, dinto, da, units } = places[i];
  if (isZero(arrays[places[places.length - 1].dz])) return "loss derivative";
  const normalized = into !== z;
  if (normalized && !isZero(column(arrays[dinto], unit, units))) return "cancellation";
  if (da === null) return "above";
  if (slope !== null && !isZero(column(arrays[da], unit, units))) return "slope";
  const branched = !plain && !normalized;
  if (branched && i > 0) return "above"; // the end of a residual branch
  const next = branched ? places[places.length - 1] : places[i + 1];
  const takers = Array.from({ length: next.units }, (_, k) => k).filter((k) => weights[places.indexOf(next)][k * next.inputs + unit] !== 0);
  if (!takers.length) return "next weights";
  return takers.some((k) => !isZero(column(arrays[next.dz], k, next.units))) ? "cancellation" : "above";
}

/**
 * In which step the weights of a layer can first get a gradient, counted from 0; those that are missing never do. Only what
 * can be other than 0 is followed, not how large it is.
 * @param {Look} look
 */
function wakeUp(look) {
  /** @type {Map<number, number>} */
  const first = new Map();
  const { arrays, places } = look;
  if (places.every(({ dw, db }) => isZero(arrays[dw]) && isZero(arrays[db]))) return first;
  const on = places.map((_, i) => ({ w: Array.from(look.weights[i], (x) => x !== 0), b: Array.from(look.biases[i], (x) => x !== 0) }));
  const moving = on.map(({ w, b }) => ({ w: w.map(() => false), b: b.map(() => false) }));
  for (let step = 0; step < 4 * places.length + 4; step++) {
    let fresh = false;
    possibleGradients(look, on, moving).forEach((found, i) => {
      if (found.w.some(Boolean) && !first.has(i)) first.set(i, step);
      for (const part of /** @type {const} */ (["w", "b"])) {
        found[part].forEach((is, k) => {
          if (!is) return;
          fresh ||= !moving[i][part][k];
          moving[i][part][k] = on[i][part][k] = true;
        });
      }
    });
    if (!fresh) break;
  }
  return first;
}

/**
 * Which weights and biases can have a gradient now, by what is other than 0 and what has moved.
 * @param {Look} look
 * @param {{w: Pattern, b: Pattern}[]} on
 * @param {{w: Pattern, b: Pattern}[]} moving
 */
function possibleGradients(look, on, moving) {
  const { arrays, places, phi } = look;
  const some = (/** @type {number} */ at, /** @type {number} */ columns) => Array.from({ length: columns }, (_, k) => !isZero(column(arrays[at], k, columns)));
  let a = some(places[0].x, places[0].inputs);
  let moves = a.map(() => false);
  const inputs = /** @type {Pattern[]} */ ([]);
  const slopes = /** @type {Pattern[]} */ ([]);
  for (const [i, { units, inputs: width, slope, a: after, activation }] of places.entries()) {
    inputs.push(a);
    const along = (/** @type {Pattern} */ w, /** @type {Pattern} */ x) => Array.from({ length: units }, (_, u) => x.some((is, k) => is && w[u * width + k]));
    const z = along(on[i].w, a).map((is, u) => is || on[i].b[u]);
    const [own, fed] = [along(moving[i].w, a), along(on[i].w, moves)];
    const zMoves = own.map((is, u) => is || fed[u] || moving[i].b[u]);
    if (slope === null) {
      slopes.push(z.map(() => true));
      [a, moves] = [z, zMoves];
    } else {
      const [passes, out] = [some(slope, units), some(after, units)];
      slopes.push(passes.map((is, u) => is || zMoves[u]));
      a = z.map((is, u) => (is ? out[u] || zMoves[u] : phi[activation].at_zero !== 0));
      moves = zMoves;
    }
  }
  const last = places[places.length - 1];
  let arriving = some(last.dz, last.units).map((is, u) => is || moves[u]);
  return places.map((place, k) => ({ place, i: k })).reverse().map(({ place: { units, inputs: width }, i }) => {
    const delta = arriving.map((is, u) => is && slopes[i][u]);
    arriving = Array.from({ length: width }, (_, k) => delta.some((is, u) => is && on[i].w[u * width + k]));
    return { w: Array.from({ length: units * width }, (_, k) => delta[Math.floor(k / width)] && inputs[i][k % width]), b: delta };
  }).reverse();
}
