// The marks of samples: every class has a shape as well as a colour.

import { classColour } from "../colours.js";

/** @typedef {import("../colours.js").Palette} Palette */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} label
 * @param {number} r
 * @param {Palette} colours
 */
export function drawPoint(context, x, y, label, r, colours) {
  context.beginPath();
  if (label % 4 === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (label % 4 === 1) context.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else {
    const corners = label % 4 === 2 ? 3 : 4; // a triangle, a square on its corner
    for (let i = 0; i < corners; i++) {
      const angle = (2 * Math.PI * i) / corners - Math.PI / 2;
      context.lineTo(x + 1.2 * r * Math.cos(angle), y + 1.2 * r * Math.sin(angle));
    }
    context.closePath();
  }
  context.fillStyle = classColour(colours, label);
  context.fill();
  context.strokeStyle = colours.surface;
  context.lineWidth = 1;
  context.stroke();
}
