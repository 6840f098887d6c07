// A chart as SVG: its axes and lines from the numbers that uPlot has, what was painted by its painter once more.

import { palette } from "../colours.js";
import { format } from "../scale.js";
import { escape, SvgContext } from "./svgcontext.js";

/** @typedef {import("../displays/chart.js").Chart} Chart */

/** @param {Chart} chart @returns {string} */
export function chartSvg(chart) {
  const { plot } = chart;
  if (!plot) return "";
  const colours = palette();
  const frame = chart.frame(plot);
  const { paint, under, label } = chart.description;
  const painted = new SvgContext();
  paint?.(painted, frame, colours);
  const ratio = devicePixelRatio;
  const [width, height] = [plot.width * ratio, plot.height * ratio];
  const lines = plot.series.slice(1).flatMap((series, i) => {
    if (series.show === false) return [];
    const stroke = typeof series.stroke === "function" ? series.stroke(plot, i + 1) : series.stroke;
    const dash = series.dash?.length ? ` stroke-dasharray="${series.dash.map((d) => d * ratio).join(" ")}"` : "";
    return [`<path d="${path(plot.data[0], plot.data[i + 1], frame)}" fill="none" stroke="${String(stroke)}" stroke-width="${2 * ratio}"${dash}/>`];
  });
  const marks = [0, 1].flatMap((i) => ticks(plot.axes[i], i === 0, frame, ratio, colours));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${plot.width}" height="${plot.height}" `
    + `font-family="system-ui, sans-serif" font-size="${11 * ratio}"><title>${escape(label())}</title>`
    + `<rect width="100%" height="100%" fill="${colours.surface}"/>`
    + `<rect x="${frame.left}" y="${frame.top}" width="${frame.width}" height="${frame.height}" fill="none" stroke="${colours.line}"/>`
    + [...(under ? painted.elements : []), ...marks, ...lines, ...(under ? [] : painted.elements)].join("") + "</svg>";
}

/** @param {ArrayLike<number>} xs @param {ArrayLike<number | null | undefined>} ys @param {import("../displays/chart.js").Frame} frame */
function path(xs, ys, frame) {
  let d = "";
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    const y = ys[i];
    if (y === null || y === undefined) {
      pen = pen && y === undefined; // undefined is a step at which another run has a point
      continue;
    }
    d += `${pen ? "L" : "M"}${frame.x(xs[i]).toFixed(1)} ${frame.y(y).toFixed(1)}`;
    pen = true;
  }
  return d;
}

/**
 * @param {any} axis uPlot keeps the places of its ticks in fields that it does not declare
 * @param {boolean} horizontal
 * @param {import("../displays/chart.js").Frame} frame
 * @param {number} ratio
 * @param {import("../colours.js").Palette} colours
 * @returns {string[]}
 */
function ticks(axis, horizontal, frame, ratio, colours) {
  /** @type {number[]} */
  const splits = (axis?._splits ?? []).filter((/** @type {unknown} */ split) => typeof split === "number");
  const texts = axis?._values ?? splits.map(format);
  const marks = splits.map((split, i) => {
    const text = escape(String(texts[i] ?? ""));
    return horizontal
      ? `<text x="${frame.x(split).toFixed(1)}" y="${frame.top + frame.height + 15 * ratio}" text-anchor="middle" fill="${colours.muted}">${text}</text>`
      : `<text x="${frame.left - 6 * ratio}" y="${(frame.y(split) + 4 * ratio).toFixed(1)}" text-anchor="end" fill="${colours.muted}">${text}</text>`;
  });
  return marks;
}
