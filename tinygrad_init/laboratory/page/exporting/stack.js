// Several pictures in one, below each other, each under its caption: browsers ask before they save several files at once.

import { escape } from "./svgcontext.js";

/** Of a line with a caption, and of its letters: in CSS pixels. */
const LINE = 22, LETTERS = 12;
const FONT = "system-ui, sans-serif";

/** @param {string} caption @param {number} scale pixels of the picture for each of CSS */
function widthOf(caption, scale) {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return 0;
  context.font = `${LETTERS * scale}px ${FONT}`;
  return Math.ceil(context.measureText(caption).width) + 8 * scale;
}

/**
 * @param {{svg: string, width: number, height: number, caption?: string}[]} pictures
 * @param {import("../colours.js").Palette} colours
 * @returns {string}
 */
export function stackSvg(pictures, colours) {
  let y = 0;
  const parts = pictures.map(({ svg, height, caption }) => {
    const text = caption ? `<text x="4" y="${y + LINE - 7}" fill="${colours.text}">${escape(caption)}</text>` : "";
    y += caption ? LINE : 0;
    const part = text + svg.replace("<svg ", `<svg y="${y}" `);
    y += height;
    return part;
  });
  const width = Math.max(...pictures.map((picture) => Math.max(picture.width, widthOf(picture.caption ?? "", 1))));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" `
    + `font-family="${FONT}" font-size="${LETTERS}"><rect width="100%" height="100%" fill="${colours.surface}"/>${parts.join("")}</svg>`;
}

/**
 * @param {{canvas: HTMLCanvasElement, scale?: number, caption?: string}[]} pictures
 * @param {import("../colours.js").Palette} colours
 * @returns {HTMLCanvasElement}
 */
export function stackCanvas(pictures, colours) {
  const whole = document.createElement("canvas");
  whole.width = Math.max(...pictures.map(({ canvas, scale = 1, caption = "" }) => Math.max(canvas.width, widthOf(caption, scale))));
  whole.height = pictures.reduce((sum, { canvas, scale = 1, caption }) => sum + canvas.height + (caption ? LINE * scale : 0), 0);
  const context = whole.getContext("2d");
  if (!context) return whole;
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, whole.width, whole.height);
  context.fillStyle = colours.text;
  let y = 0;
  for (const { canvas, scale = 1, caption } of pictures) {
    if (caption) {
      context.font = `${LETTERS * scale}px ${FONT}`;
      context.fillText(caption, 4 * scale, y + (LINE - 7) * scale);
      y += LINE * scale;
    }
    context.drawImage(canvas, 0, y);
    y += canvas.height;
  }
  return whole;
}
