// uPlot with our colours: as wide as its place, made anew when light turns to dark.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { onSizeChange, onThemeChange, palette } from "../colours.js";
import { h, setAttribute } from "../dom.js";
import { format } from "../scale.js";
import { store } from "../state.js";

/**
 * @typedef {import("../colours.js").Palette} Palette
 * @typedef {{x: (value: number) => number, y: (value: number) => number, left: number, top: number, width: number, height: number}} Frame
 *   how values become places, and the rectangle of the plot
 * @typedef {CanvasRenderingContext2D | import("../exporting/svgcontext.js").SvgContext} Context
 * @typedef {(context: Context, frame: Frame, colours: Palette) => void} Painter
 */

/** All charts of the page, for export. @type {Chart[]} */
export const charts = [];

export class Chart {
  /** @type {uPlot | null} */
  plot = null;
  /** @type {uPlot.AlignedData} */
  data = [[]]; // nothing yet

  /**
   * @param {{options: (colours: Palette) => Partial<uPlot.Options>, height: number, label: () => string,
   *   paint?: Painter, under?: boolean, stepped?: boolean, fitted?: () => void}} description `paint` draws what series cannot, `under` says whether
   *   below them; `stepped` makes steps of the lines; `fitted` is called when it has another size
   */
  constructor(description) {
    this.description = description;
    this.root = h("div", { class: "chart", role: "img" });
    new ResizeObserver(() => this.#fit()).observe(this.root);
    onThemeChange(() => this.rebuild());
    store.on("language", () => this.rebuild());
    onSizeChange(() => this.rebuild());
    charts.push(this);
  }

  /** @param {uPlot.AlignedData} data */
  set(data) {
    this.data = data;
    setAttribute(this.root, "aria-label", this.description.label());
    if (this.plot) this.plot.setData(data);
    else this.#fit();
  }

  /** Needed after a change of what options() answers. */
  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.#fit();
  }

  #fit() {
    const width = this.root.clientWidth;
    if (!width || !this.data[0].length) return; // not to be seen now, or nothing to see yet
    const { height } = this.description;
    if (this.plot) this.plot.setSize({ width, height });
    else this.plot = this.#make(width, height);
    this.description.fitted?.();
  }

  /** @param {number} width @param {number} height */
  #make(width, height) {
    const colours = palette();
    const { options, paint, under, stepped } = this.description;
    const axis = { stroke: colours.muted, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line, width: 1, size: 4 }, font: chartFont(), labelFont: chartFont(), labelSize: 18, labelGap: 0 };
    const given = options(colours);
    /** @type {uPlot.Options} */
    const complete = {
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 20, 0, 0],
      ...given,
      width,
      height,
      series: (given.series ?? [{}]).map((series) => ({ ...series, paths: stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined })),
      axes: [0, 1].map((i) => ({ ...axis, space: i ? 28 : 50, size: i ? 52 : 26, ...given.axes?.[i] })),
    };
    if (paint) {
      const hook = (/** @type {uPlot} */ plot) => {
        plot.ctx.save();
        paint(plot.ctx, this.frame(plot), colours);
        plot.ctx.restore();
      };
      complete.hooks = { [under ? "drawClear" : "draw"]: [hook] };
    }
    return new uPlot(complete, this.data, this.root);
  }

  /** @param {uPlot} plot @returns {Frame} */
  frame(plot) {
    return {
      x: (value) => plot.valToPos(value, "x", true),
      y: (value) => plot.valToPos(value, "y", true),
      left: plot.bbox.left,
      top: plot.bbox.top,
      width: plot.bbox.width,
      height: plot.bbox.height,
    };
  }
}

/** As large as the page's smallest text, which grows for a projector. */
export function chartFont() {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) || 14;
  return `${Math.round((11 * size) / 14)}px system-ui, sans-serif`;
}

/** Between ticks, for numbers of any size: uPlot's own end at 1e32, beyond which there would be no axis. */
export const STEPS = Array.from({ length: 616 }, (_, i) => [1, 2, 2.5, 5].map((step) => step * 10 ** (i - 308))).flat().filter(Number.isFinite);

/** An axis with its two ends, and 0 if that lies well between them: what even a narrow chart has room for. @type {uPlot.Axis} */
export const ends = {
  incrs: STEPS,
  splits: (_, __, low, high) => (Math.min(-low, high) > 0.25 * (high - low) ? [low, 0, high] : [low, high]),
  values: (_, splits) => splits.map((value) => format(Number(value.toPrecision(2)))),
};

/** Ticks of a logarithmic axis whose values are decimal logarithms. @param {number} low @param {number} high */
export function decades(low, high) {
  const every = Math.max(1, Math.ceil((high - low) / 6));
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every);
}
