// Absolute logarithmic scales. Nothing is ever rescaled to the largest value on the page: a gradient that has vanished
// everywhere must look as vanished as one that has vanished in one layer.

/** Edges: below 10^LOW nothing is drawn, from 10^HIGH on everything is drawn alike. */
export const EDGE_LOW = -8;
export const EDGE_HIGH = 1;
/** Half decades: finer differences of width could not be told apart. */
export const BUCKETS = 2 * (EDGE_HIGH - EDGE_LOW) + 1;

/**
 * The half decade of a number, or -1 for what is not drawn.
 * @param {number} value
 */
export function bucket(value) {
  const log = Math.log10(Math.abs(value));
  if (!(log >= EDGE_LOW)) return -1; // also NaN, and -Infinity for 0
  return Math.min(Math.floor(2 * (log - EDGE_LOW)), BUCKETS - 1);
}

/** @param {number} index @returns {{width: number, opacity: number}} */
export function stroke(index) {
  const share = index / (BUCKETS - 1);
  return { width: 0.35 + 3.4 * share ** 1.7, opacity: 0.1 + 0.85 * share };
}

/** Bars: from 10^BAR_LOW to 10^BAR_HIGH for every quantity, so that columns can be compared. */
export const BAR_LOW = -12;
export const BAR_HIGH = 4;

/** Where a decimal logarithm lies on the axis of bars, from 0 to 1. @param {number} log10 */
export function along(log10) {
  return Math.min(Math.max((log10 - BAR_LOW) / (BAR_HIGH - BAR_LOW), 0), 1);
}

/**
 * A number in at most seven characters.
 * @param {number | null | undefined} value
 */
export function format(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "∞" : "−∞";
  return pretty(size >= 0.001 && size < 10000 ? String(Number(value.toPrecision(3))) : value.toExponential(1));
}

/** The one way in which the page writes numbers: 2.8e+02 becomes 280, 1e-08 becomes 10⁻⁸, 3.6e-08 becomes 3.6·10⁻⁸. @param {string} text */
export function pretty(text) {
  return text.replace(/(?<![\w.])(-?)(\d+(?:\.\d+)?)e([+-]?\d+)(?![\w.]*\w)/gi, (_, sign, digits, exponent) => {
    const power = Number(exponent);
    if (power >= 0 && power < 4) return sign + String(Number(`${digits}e${power}`));
    return `${sign}${/^1(\.0+)?$/.test(digits) ? "" : `${digits}·`}${powerOfTen(power)}`;
  }).replace(/(?<![\w⁻])-(?=\d|1?0?[⁰¹²³⁴⁵⁶⁷⁸⁹])/g, "−");
}

/**
 * The number whose decimal logarithm is given, also where it would underflow or overflow.
 * @param {number} log10
 */
export function formatLog(log10) {
  if (Math.abs(log10) < 300) return format(10 ** log10);
  const exponent = Math.floor(log10);
  return pretty(`${(10 ** (log10 - exponent)).toFixed(1)}e${exponent}`);
}

/** What JSON does not know comes as null. @param {readonly (number | null)[]} values @returns {number[]} */
export function numbers(values) {
  return values.map((value) => value ?? NaN);
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} exponent */
export function powerOfTen(exponent) {
  if (exponent === 0) return "1";
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]);
  return `10${exponent < 0 ? "⁻" : ""}${digits.join("")}`;
}
