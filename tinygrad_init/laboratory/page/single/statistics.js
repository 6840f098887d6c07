// Numbers about arrays, as the library has them (diagnosis/measures/): what is infinite or NaN is counted, not spread.

/** @typedef {Float64Array | number[]} Numbers */
/** Classes of rows that are the same: the members of each, whether they are so in every bit, and how many rows are finite.
 * @typedef {{members: number[][], exact: boolean, units: number}} Classes */

/** The largest number without its sign: NaN where one is NaN. @param {Numbers} values */
function largest(values) {
  let top = 0;
  for (let i = 0; i < values.length; i++) {
    const x = Math.abs(values[i]);
    if (!(x <= top)) {
      if (Number.isNaN(x)) return NaN;
      top = x;
    }
  }
  return top;
}

/** Whether no number is infinite or NaN. @param {Numbers} values */
export const allFinite = (values) => Number.isFinite(largest(values));

/** The Euclidean norm; it neither overflows nor underflows on the way. @param {Numbers} values */
export function norm(values) {
  const top = largest(values);
  if (top === 0 || !Number.isFinite(top)) return top;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] / top;
    sum += x * x;
  }
  return top * Math.sqrt(sum);
}

/** Root mean square; that of nothing is 0. @param {Numbers} values */
export const rms = (values) => norm(values) / Math.sqrt(Math.max(values.length, 1));

/** Decimal logarithm of the norm: -Infinity of zeros. @param {Numbers} values */
export const logNorm = (values) => Math.log10(norm(values));

/** @param {Numbers} values */
export const isZero = (values) => largest(values) === 0;

/** A quotient that is infinite, or NaN for 0/0. @param {number} a @param {number} b */
export const ratio = (a, b) => (b === 0 ? (a === 0 || Number.isNaN(a) ? NaN : Infinity) : a / b);

/** @param {Numbers} values row by row @param {number} at @param {number} columns */
export function column(values, at, columns) {
  const found = new Float64Array(Math.ceil((values.length - at) / columns));
  for (let row = 0; row < found.length; row++) found[row] = values[row * columns + at];
  return found;
}

/** What there is to say of rows of numbers: those that are finite. @param {Numbers} values @param {number} columns */
export function describe(values, columns) {
  const known = allFinite(values) ? values : values.filter(Number.isFinite);
  const notFinite = values.length ? 1 - known.length / values.length : 0;
  if (!known.length) return { notFinite, rms: NaN, across: NaN };
  let sum = 0;
  let finite = 0;
  for (let at = 0; at < columns; at++) {
    const one = column(values, at, columns);
    if (known !== values && !allFinite(one)) continue;
    finite++;
    sum += variance(one);
  }
  return { notFinite, rms: rms(known), across: finite ? Math.sqrt(sum / finite) : NaN };
}

/** @param {Numbers} values */
function variance(values) {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (values[i] - values[0]) / n;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (values[i] - values[0] - mean) ** 2;
  return sum / n;
}

/** The lower of two middles. @param {number[]} values */
export const medianLow = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return values.length ? (sorted[(values.length - 1) >> 1] + sorted[values.length >> 1]) / 2 : NaN;
}

/**
 * Which rows are the same, up to a share of the larger one's largest number; those that are not finite are in no class.
 * @param {number[][]} rows
 * @param {number} tolerance
 * @returns {Classes}
 */
export function classes(rows, tolerance) {
  const size = rows.map((row) => row.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
  const left = new Set(rows.keys());
  for (const i of rows.keys()) if (!Number.isFinite(size[i])) left.delete(i);
  const units = left.size;
  const members = [];
  let exact = true;
  for (const first of left) {
    const same = [...left].filter((i) => i === first || (size[i] === 0) === (size[first] === 0)
      && rows[i].every((x, k) => Math.abs(x - rows[first][k]) <= tolerance * Math.max(size[i], size[first])));
    for (const i of same) left.delete(i);
    exact &&= same.every((i) => rows[i].every((x, k) => x === rows[first][k]));
    members.push(same);
  }
  return { members, exact, units };
}

const BINS = 40;

/** Counts in bins of equal width, of what is finite. @param {Numbers} values @returns {import("../protocol.js").Histogram} */
export function histogram(values) {
  const known = Array.from(values).filter(Number.isFinite);
  if (!known.length) return { edges: [], counts: [] };
  const low = known.reduce((a, x) => Math.min(a, x));
  const high = known.reduce((a, x) => Math.max(a, x));
  const least = Math.max(BINS * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high)), Number.MIN_VALUE);
  if (!Number.isFinite(high - low) || high - low <= least) return { edges: [low, high], counts: [known.length] };
  const counts = Array(BINS).fill(0);
  for (const x of known) counts[Math.min(Math.floor((BINS * (x - low)) / (high - low)), BINS - 1)]++;
  return { edges: Array.from({ length: BINS + 1 }, (_, i) => low + ((high - low) * i) / BINS), counts };
}
