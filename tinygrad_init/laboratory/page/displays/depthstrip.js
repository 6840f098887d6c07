// Layers by steps: the colour of a place says how large the chosen quantity was there, so that one sees a gradient die or
// wake while the network trains. Columns stand below the layers of the chart; time goes down.

import { channels, onThemeChange, palette } from "../colours.js";
import { h, setAttribute, setText } from "../dom.js";
import { FORMATS } from "../floats.js";
import { sizesAt, steps } from "../history.js";
import { t } from "../i18n.js";
import { pause, playing, select, send } from "../lab.js";
import { format, formatLog, powerOfTen } from "../scale.js";
import { layerName, store } from "../state.js";

/** @typedef {import("../history.js").Quantity} Quantity */

/** Colours go over whole decades of what is there, over so many at least, and up to 1 at least: what has vanished everywhere is faint. */
const LEAST = 4;
const HEIGHT = 96;
/** Pixels from one line of a hatching to the next. */
const APART = 7;
const [{ name: NARROW, least: FLOOR, most: CEILING }] = FORMATS;

export class DepthStrip {
  /** @type {Quantity} */
  quantity = "dz";
  /** The decimal logarithms at the two ends of the colours. */
  #range = [-LEAST, 0];

  /** @param {import("./chart.js").Chart} chart whose layers stand above it */
  constructor(chart) {
    this.chart = chart;
    this.colours = palette();
    this.canvas = h("canvas", { class: "strip", role: "img", height: HEIGHT, tabindex: 0 });
    this.readout = h("span", { class: "numbers" });
    this.first = h("span", { class: "strip-first" }, "0");
    this.last = h("span", { class: "strip-last" });
    this.ramp = h("canvas", { class: "ramp", width: 64, height: 1, "aria-hidden": "true" });
    this.low = h("span", { class: "numbers" });
    this.high = h("span", { class: "numbers" });
    this.below = h("span", { class: "hatched floor" });
    this.above = h("span", { class: "hatched ceiling" });
    this.root = h("div", { class: "strip-box" },
      h("div", { class: "strip-axis", "aria-hidden": "true" }, this.first, h("span", { class: "strip-step", t: "loss.step" }), this.last),
      this.canvas,
      h("p", { class: "hint strip-legend" }, h("span", { t: "depth.strip" }), this.low, this.ramp, this.high, this.below, this.above, this.readout));
    this.canvas.addEventListener("click", (event) => this.#go(event));
    this.canvas.addEventListener("pointermove", (event) => this.#read(event));
    this.canvas.addEventListener("pointerleave", () => setText(this.readout, ""));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    onThemeChange(() => {
      this.colours = palette();
      this.draw(this.quantity);
    });
  }

  /** The layers of the run that is shown, and the last step on the axis. */
  #size() {
    const layers = store.built?.runs[store.selection.run]?.layers.length ?? 1;
    return { layers, last: Math.max(steps().at(-1) ?? 0, 1) };
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const { layers, last } = this.#size();
    const known = steps();
    const wanted = ((event.clientY - box.top) / box.height) * last;
    const step = known.filter((one) => one <= wanted).at(-1) ?? known[0] ?? 0;
    const layer = Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * layers), 0), layers - 1);
    return { layer, step };
  }

  /** @param {MouseEvent} event */
  #go(event) {
    const { layer, step } = this.#place(event);
    if (playing()) pause();
    select({ layer, unit: null, input: null });
    if (step !== store.frame?.step) send({ type: "seek", step });
  }

  /** Arrow keys: to another layer, or to the step before or after. @param {KeyboardEvent} event */
  #key(event) {
    const { layers } = this.#size();
    const layer = store.selection.layer ?? 0;
    const known = steps();
    const at = known.indexOf(store.frame?.step ?? 0);
    const to = { ArrowLeft: layer - 1, ArrowRight: layer + 1 }[event.key];
    const step = { ArrowUp: known[at - 1], ArrowDown: known[at + 1] }[event.key];
    if (to === undefined && step === undefined) return;
    event.preventDefault();
    if (to !== undefined) select({ layer: Math.min(Math.max(to, 0), layers - 1), unit: null, input: null });
    if (step !== undefined) send({ type: "seek", step });
  }

  /** @param {MouseEvent} event */
  #read(event) {
    const { layer, step } = this.#place(event);
    setText(this.readout, this.#words(layer, step));
  }

  /** @param {number} layer @param {number} step */
  #words(layer, step) {
    const size = sizesAt(step, store.selection.run, this.quantity)?.[layer] ?? NaN;
    const value = Number.isNaN(size) ? t("layers.notFinite") : size === -Infinity ? "0" : formatLog(size);
    return t("depth.strip.at", { layer: layerName(layer, store.selection.run), step: format(step), quantity: t(`depth.${this.quantity}`), value });
  }

  /** @param {number} size @returns {[number, number, number]} */
  #colour(size) {
    const { surface, negative, text, ground } = this.colours;
    if (Number.isNaN(size)) return channels(text);
    if (size === -Infinity) return channels(ground);
    const share = Math.min(Math.max((size - this.#range[0]) / (this.#range[1] - this.#range[0]), 0), 1);
    const [from, to] = [channels(surface), channels(negative)];
    return /** @type {[number, number, number]} */ (from.map((channel, c) => Math.round(channel + (to[c] - channel) * share)));
  }

  /** @param {Quantity} quantity */
  draw(quantity) {
    this.quantity = quantity;
    const { plot } = this.chart;
    const context = this.canvas.getContext("2d");
    if (!plot || !context) return;
    const { layers, last } = this.#size();
    // A column stands below its layer: half a layer's width on either side of it.
    const at = (/** @type {number} */ layer) => plot.valToPos(layer, "x") + plot.bbox.left / devicePixelRatio;
    const [left, right] = [Math.max(at(0.5), plot.bbox.left / devicePixelRatio), at(layers + 0.5)];
    this.canvas.style.marginLeft = `${left}px`;
    this.canvas.style.width = `${Math.max(right - left, 1)}px`;
    const width = Math.max(Math.round(right - left) || 0, layers); // no number before there are layers
    if (this.canvas.width !== width) this.canvas.width = width;
    const image = context.createImageData(width, HEIGHT);
    const known = steps();
    const line = channels(this.colours.text);
    const [below, above] = this.#fit(known, quantity);
    let k = 0;
    for (let row = 0; row < HEIGHT; row++) {
      const step = (row / (HEIGHT - 1)) * last;
      while (k + 1 < known.length && known[k + 1] <= step) k++;
      const sizes = known.length && (row === 0 || known[0] <= step) ? sizesAt(known[k], store.selection.run, quantity) : undefined;
      const colours = Array.from(sizes ?? [], (size) => this.#colour(size));
      for (let column = 0; column < width; column++) {
        const layer = Math.floor((column * layers) / width);
        if (!sizes || layer >= sizes.length) continue;
        const size = sizes[layer];
        const lean = size > CEILING ? column + row : size < FLOOR && size > -Infinity ? column - row + HEIGHT * APART : 1;
        const [r, g, b] = lean % APART ? colours[layer] : line;
        const to = 4 * (row * width + column);
        [image.data[to], image.data[to + 1], image.data[to + 2], image.data[to + 3]] = [r, g, b, 255];
      }
    }
    context.putImageData(image, 0, 0);
    setText(this.last, format(last));
    const layer = store.selection.layer ?? 0;
    setAttribute(this.canvas, "aria-label", t("depth.strip.alt", {
      quantity: t(`depth.${quantity}`), first: format(known[0] ?? 0), last: format(known.at(-1) ?? 0), now: this.#words(layer, store.frame?.step ?? 0),
    }));
    setText(this.low, powerOfTen(this.#range[0]));
    setText(this.high, powerOfTen(this.#range[1]));
    setText(this.below, below ? t("depth.strip.floor", { name: NARROW }) : "");
    setText(this.above, above ? t("depth.strip.ceiling", { name: NARROW }) : "");
    [this.below.hidden, this.above.hidden] = [!below, !above];
    this.#legend();
  }

  /** Fits the colours to all that was seen. @param {number[]} known @param {Quantity} quantity @returns {[boolean, boolean]} whether some of it is too small for float16, and too large */
  #fit(known, quantity) {
    let [low, high] = [Infinity, -Infinity];
    for (const step of known) {
      for (const size of sizesAt(step, store.selection.run, quantity) ?? []) if (Number.isFinite(size)) [low, high] = [Math.min(low, size), Math.max(high, size)];
    }
    const top = Math.max(Math.ceil(high), 0);
    this.#range = [Math.min(Math.floor(low), top - LEAST), top];
    return [low < FLOOR, high > CEILING];
  }

  #legend() {
    const context = this.ramp.getContext("2d");
    if (!context) return;
    const image = context.createImageData(64, 1);
    const [low, high] = this.#range;
    for (let i = 0; i < 64; i++) image.data.set([...this.#colour(low + (i / 63) * (high - low)), 255], 4 * i);
    context.putImageData(image, 0, 0);
  }
}
