// Where units stand, and which edges are drawn: geometry alone, without a document.

import { bucket, BUCKETS } from "../scale.js";

/** Beyond so many edges in all a picture only costs time; the weakest of a layer are left out. */
const MOST_EDGES = 6000;

/**
 * @typedef {{x: number, y: number[], r: number}} Column
 * @typedef {{from: number, to: number, value: number}} Edge
 */

/**
 * Columns from the input to the output, units centred.
 * @param {number[]} sizes
 * @param {number} width
 * @param {number} height
 * @param {number} [left] room for what stands left of the input
 * @returns {Column[]}
 */
export function layout(sizes, width, height, left = 26) {
  const [right, top, bottom] = [26, 30, 12];
  const gap = (width - left - right) / Math.max(sizes.length - 1, 1);
  const middle = (top + height - bottom) / 2;
  return sizes.map((n, i) => {
    const step = Math.min(44, (height - top - bottom) / n);
    const r = Math.max(Math.min(0.42 * step, 0.3 * gap, 15), 1.2);
    return { x: left + i * gap, y: Array.from({ length: n }, (_, k) => middle + (k - (n - 1) / 2) * step), r };
  });
}

/**
 * The edges of one layer that are to be seen, for each half decade and sign.
 * @param {import("../protocol.js").Edges} edges
 * @param {"weight" | "gradient"} what
 * @param {number} layers how many layers share the picture
 * @returns {{positive: Edge[], negative: Edge[]}[]}
 */
export function sortEdges(edges, what, layers) {
  const buckets = Array.from({ length: BUCKETS }, () => ({ positive: /** @type {Edge[]} */ ([]), negative: /** @type {Edge[]} */ ([]) }));
  const add = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number | null} */ value) => {
    if (value === null) return;
    const index = bucket(value);
    if (index >= 0) buckets[index][value < 0 ? "negative" : "positive"].push({ from, to, value });
  };
  if (edges.strong !== null) unpack(edges.strong, what, add);
  edges[what]?.forEach((row, to) => row.forEach((value, from) => add(from, to, value)));
  let left = Math.max(Math.floor(MOST_EDGES / layers), 16);
  for (const found of buckets.reverse()) {
    for (const side of [found.positive, found.negative]) {
      side.length = Math.min(side.length, left);
      left -= side.length;
    }
  }
  return buckets.reverse();
}

/** Bytes of an edge: input and unit as uint16, weight and gradient as float32. */
const EDGE_BYTES = 12;

/** @param {string} strong @param {"weight" | "gradient"} what @param {(from: number, to: number, value: number) => void} add */
function unpack(strong, what, add) {
  const text = atob(strong);
  const view = new DataView(new ArrayBuffer(text.length));
  for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i));
  for (let at = 0; at < text.length; at += EDGE_BYTES) {
    add(view.getUint16(at, true), view.getUint16(at + 2, true), view.getFloat32(at + (what === "weight" ? 4 : 8), true));
  }
}

/** The input at a point. @param {number} x @param {number} y @param {Column[]} columns @returns {number | null} */
export function inputAt(x, y, [inputs]) {
  const found = inputs?.y.findIndex((center) => Math.hypot(x - inputs.x, y - center) <= Math.max(inputs.r, 5) + 2) ?? -1;
  return found < 0 ? null : found;
}

/**
 * What lies at a point: a unit, an edge, or a column.
 * @param {number} x
 * @param {number} y
 * @param {Column[]} columns
 * @returns {{layer: number, unit: number | null, input: number | null} | null} null for the inputs
 */
export function hit(x, y, columns) {
  for (const [i, column] of columns.entries()) {
    const unit = column.y.findIndex((center) => Math.hypot(x - column.x, y - center) <= Math.max(column.r, 5) + 2);
    if (unit >= 0) return i ? { layer: i - 1, unit, input: null } : null;
  }
  const right = columns.findIndex((column) => column.x > x);
  if (right < 1) return null;
  const [a, b] = [columns[right - 1], columns[right]];
  const share = (x - a.x) / (b.x - a.x);
  let best = { distance: 5, unit: -1, input: -1 };
  b.y.forEach((end, unit) => a.y.forEach((begin, input) => {
    const distance = Math.abs(y - (begin + share * (end - begin)));
    if (distance < best.distance) best = { distance, unit, input };
  }));
  if (best.unit < 0) return { layer: right - 1, unit: null, input: null };
  return { layer: right - 1, unit: best.unit, input: best.input };
}
