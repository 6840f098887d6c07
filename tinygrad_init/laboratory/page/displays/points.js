// The marks of samples: every class has a shape as well as a colour.

import { classColour, shades } from "../colours.js";

/** @typedef {import("../colours.js").Palette} Palette */

/** Corners of the marks of classes from 2 on: how many, at which angle the first, how deep the notches between them. */
const MARKS = [[3, -0.5, 1], [4, -0.5, 1], [3, 0.5, 1], [4, -0.5, 0.35], [4, -0.25, 0.35], [5, -0.5, 0.45], [6, -0.5, 1], [5, -0.5, 1]];

/** The outline of a class's mark. @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} label @param {number} r */
function trace(context, x, y, label, r) {
  if (label === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (label === 1) context.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else {
    const [corners, first, notch] = MARKS[label - 2];
    const points = notch < 1 ? 2 * corners : corners;
    for (let i = 0; i < points; i++) {
      const angle = Math.PI * (first + (2 * i) / points);
      const far = 1.25 * r * (notch < 1 && i % 2 ? notch : 1);
      context.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
    }
    context.closePath();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} label
 * @param {number} r
 * @param {Palette} colours
 * @param {{hollow?: boolean, colour?: string}} [look] hollow for what is held out; its class's colour unless given
 */
export function drawPoint(context, x, y, label, r, colours, { hollow = false, colour = classColour(colours, label) } = {}) {
  context.beginPath();
  trace(context, x, y, label % 10, r);
  context.fillStyle = hollow ? colours.surface : colour;
  context.fill();
  context.strokeStyle = hollow ? colour : colours.surface;
  context.lineWidth = hollow ? 0.45 * r : 1;
  context.stroke();
}

/**
 * All samples in a square from -reach to reach.
 * @param {CanvasRenderingContext2D} context
 * @param {import("../protocol.js").Points} points
 * @param {{pixels: number, reach: number, r: number, held: boolean, colours: Palette}} how
 */
export function drawPoints(context, { x, y, label, value, low, high, test }, { pixels, reach, r, held, colours }) {
  const at = (/** @type {number | null} */ v) => (((v ?? NaN) / reach + 1) / 2) * pixels;
  const [from, to] = [low ?? 0, high ?? 0];
  const table = shades({ kind: "number", low, high }, colours);
  const shade = (/** @type {number} */ number) => {
    const i = 3 * Math.round(Math.min(Math.max((number - from) / (to - from || 1), 0), 1) * 255);
    return `rgb(${table[i]} ${table[i + 1]} ${table[i + 2]})`;
  };
  for (let i = 0; i < x.length; i++) {
    const hollow = i >= x.length - test;
    if (hollow && !held) continue;
    const number = value[i] ?? 0;
    // Numbers have a colour each, and a shape by the half of their scale.
    const [shape, colour] = label.length ? [label[i], undefined] : [number < (from + to) / 2 ? 1 : 0, shade(number)];
    drawPoint(context, at(x[i]), at(-(y[i] ?? NaN)), shape, r, colours, { hollow, colour });
  }
}
