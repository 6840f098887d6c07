// Where the number formats end: what a gradient in half precision would be, although the Lab computes in float64.

/** Decimal logarithms of the smallest normal, the smallest and the largest positive number. */
export const FORMATS = [
  { name: "float16", normal: -14 * Math.log10(2), least: -24 * Math.log10(2), most: Math.log10(65504) },
  { name: "bfloat16", normal: -126 * Math.log10(2), least: -133 * Math.log10(2), most: Math.log10(3.3895e38) },
  { name: "float32", normal: -126 * Math.log10(2), least: -149 * Math.log10(2), most: Math.log10(3.4028e38) },
];

/** So many decades before an end it is worth to be drawn. */
const NEAR = 2.5;

/**
 * The ends that some size comes near to, or passes.
 * @param {number} low the smallest and the largest size, as decimal logarithms
 * @param {number} high
 * @returns {{at: number, names: string[], kind: "floor" | "ceiling"}[]}
 */
export function endsNear(low, high) {
  /** @type {{at: number, names: string[], kind: "floor" | "ceiling"}[]} */
  const found = [];
  const add = (/** @type {number} */ at, /** @type {string} */ name, /** @type {"floor" | "ceiling"} */ kind) => {
    const same = found.find((one) => Math.abs(one.at - at) < 0.1 && one.kind === kind);
    if (same) same.names.push(name);
    else found.push({ at, names: [name], kind });
  };
  for (const { name, least, most } of FORMATS) {
    if (low < least + NEAR) add(least, name, "floor");
    if (high > most - NEAR) add(most, name, "ceiling");
  }
  return found;
}
