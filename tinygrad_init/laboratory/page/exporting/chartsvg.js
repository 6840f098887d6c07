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
  const { paint, under, stepped, label } = chart.description;
  const painted = new SvgContext();
  paint?.(painted, frame, colours);
  const ratio = devicePixelRatio;
  const [width, height] = [plot.width * ratio, plot.height * ratio];
  const lines = plot.series.slice(1).flatMap((series, i) => {
    if (series.show === false) return [];
    const stroke = typeof series.stroke === "function" ? series.stroke(plot, i + 1) : series.stroke;
    const dash = series.dash?.length ? ` stroke-dasharray="${series.dash.map((d) => d * ratio).join(" ")}"` : "";
    const width = (series.width ?? 1) * ratio;
    const line = path(plot.data[0], plot.data[i + 1], frame, stepped);
    const xs = plot.data[0];
    const [first, last] = [frame.x(xs[0]), frame.x(xs[xs.length - 1])].map((x) => x.toFixed(1));
    const fill = typeof series.fill === "function" ? series.fill(plot, i + 1) : series.fill;
    const bottom = frame.y(0).toFixed(1);
    const area = fill ? `<path d="${line}L${last} ${bottom}L${first} ${bottom}Z" fill="${String(fill)}"/>` : "";
    return [`${area}<path d="${line}" fill="none" stroke="${String(stroke)}" stroke-width="${width}"${dash}/>`];
  });
  const marks = [0, 1].flatMap((i) => ticks(plot.axes[i], i === 0, frame, ratio, colours));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${plot.width}" height="${plot.height}" `
    + `font-family="system-ui, sans-serif" font-size="${11 * ratio}"><title>${escape(label())}</title>`
    + `<rect width="100%" height="100%" fill="${colours.surface}"/>`
    + `<rect x="${frame.left}" y="${frame.top}" width="${frame.width}" height="${frame.height}" fill="none" stroke="${colours.line}"/>`
    + [...(under ? painted.elements : []), ...marks, ...lines, ...(under ? [] : painted.elements)].join("") + "</svg>";
}

/**
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number | null | undefined>} ys
 * @param {import("../displays/chart.js").Frame} frame
 * @param {boolean} [stepped]
 */
function path(xs, ys, frame, stepped = false) {
  let d = "";
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    const y = ys[i];
    if (y === null || y === undefined) {
      pen = pen && y === undefined; // undefined is a step at which another run has a point
      continue;
    }
    const x = frame.x(xs[i]).toFixed(1);
    d += `${pen && stepped ? `H${x}` : ""}${pen ? "L" : "M"}${x} ${frame.y(y).toFixed(1)}`;
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
  if (!axis?.label) return marks;
  const [x, y] = horizontal
    ? [frame.left + frame.width / 2, frame.top + frame.height + 32 * ratio]
    : [12 * ratio, frame.top + frame.height / 2];
  const turn = horizontal ? "" : ` transform="rotate(-90 ${x} ${y})"`;
  return [...marks, `<text x="${x}" y="${y}" text-anchor="middle" fill="${colours.muted}"${turn}>${escape(axis.label)}</text>`];
}
