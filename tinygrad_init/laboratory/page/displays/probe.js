// What lies under the pointer, or is chosen, in the picture of a network: a unit's map in large and its numbers; a weight with
// its gradient and what the last step did to it, and a slider for it.

import { paintPicture, palette } from "../colours.js";
import { optionName } from "../controls/fields.js";
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { setWeight } from "../panels/weight.js";
import { format } from "../scale.js";
import { layerName, store } from "../state.js";

/** @typedef {{layer: number, unit: number | null, input: number | null}} Place layers from 0; -1 is the input */

/** The frame before the newest, to tell what changed. @type {import("../protocol.js").Frame | null} */
let before = null;
/** @type {import("../protocol.js").Frame | null} */
let newest = null;
store.on("frame", () => {
  if (newest?.step !== store.frame?.step) before = newest;
  newest = store.frame;
});
store.on("built", () => void ([before, newest] = [null, null]));

export class Probe {
  /** @param {number} run @param {HTMLElement} stage which it lies over */
  constructor(run, stage) {
    this.run = run;
    this.stage = stage;
    this.canvas = h("canvas", { class: "probe-map", "aria-hidden": "true" });
    this.words = h("p", { class: "probe-words numbers" });
    this.slider = h("input", { type: "range", min: -4, max: 4, step: 0.01, t_label: "selected.w", oninput: () => this.#set() });
    this.root = h("div", { class: "probe", role: "status" }, this.canvas, this.words, this.slider);
    this.root.hidden = true;
    /** @type {Place | null} */
    this.place = null;
    this.pinned = false;
    stage.append(this.root);
  }

  /** @param {Place} place @param {number} x @param {number} y in the stage @param {boolean} pinned whether it was chosen */
  show(place, x, y, pinned) {
    this.place = place;
    this.pinned = pinned;
    this.root.classList.toggle("pinned", pinned);
    this.draw();
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    const { offsetWidth, offsetHeight } = this.root;
    this.root.style.left = `${Math.max(Math.min(x + 18, width - offsetWidth - 4), x + 18 + offsetWidth > width ? Math.max(x - offsetWidth - 18, 0) : 0)}px`;
    this.root.style.top = `${Math.max(Math.min(y - offsetHeight / 2, height - offsetHeight), 0)}px`;
  }

  hide() {
    this.place = null;
    this.root.hidden = true;
  }

  draw() {
    const run = store.frame?.runs[this.run];
    const { place } = this;
    if (!run || !place || place.unit === null || (place.layer >= 0 && !run.layers[place.layer])) {
      this.root.hidden = true;
      return;
    }
    this.root.hidden = false;
    if (place.input === null) this.#drawUnit(run, place.layer, place.unit);
    else this.#drawWeight(run, place.layer, place.unit, place.input);
  }

  /** @param {import("../protocol.js").RunNow} run @param {number} layer @param {number} unit */
  #drawUnit(run, layer, unit) {
    const { detail } = run;
    const own = detail?.layer === layer && detail.unit === unit ? detail.unit_map : null;
    const picture = layer < 0 ? store.built?.inputs[unit] : own ?? run.unit_maps[layer]?.[unit];
    this.canvas.hidden = !picture;
    if (picture) paintPicture(this.canvas, picture, palette(), { most: scaleOfMaps() });
    this.slider.hidden = true;
    const title = layer < 0 ? optionName(store.built?.features[unit] ?? "") : `${layerName(layer, this.run)}${t("join")}${t("selected.unit.n", { n: unit + 1 })}`;
    const lines = [title];
    if (picture) lines.push(t(store.built?.images && layer === 0 ? "probe.image" : "probe.range", { low: format(picture.low), high: format(picture.high) }));
    const edges = run.edges[layer];
    if (layer >= 0 && edges?.weight && edges.gradient) {
      lines.push(t("probe.weights", { size: format(rms(edges.weight[unit])), gradient: format(rms(edges.gradient[unit])) }));
    }
    if (layer >= 0 && run.layers[layer].dead_units.includes(unit)) lines.push(t("probe.dead"));
    setText(this.words, lines.join("\n"));
  }

  /** @param {import("../protocol.js").RunNow} run @param {number} layer @param {number} unit @param {number} input */
  #drawWeight(run, layer, unit, input) {
    this.canvas.hidden = true;
    const { detail } = run;
    const chosen = detail?.layer === layer && detail.unit === unit && detail.input === input ? detail.weight : null;
    const edges = run.edges[layer];
    const value = chosen?.value ?? edges?.weight?.[unit]?.[input];
    const gradient = chosen?.gradient ?? edges?.gradient?.[unit]?.[input];
    const lines = [t("probe.edge", { layer: layerName(layer, this.run), input: input + 1, unit: unit + 1 })];
    if (value !== undefined) lines.push(t("probe.weight", { value: format(value), gradient: format(gradient) }));
    const old = before?.runs[this.run]?.edges[layer]?.weight?.[unit]?.[input];
    if (before && store.frame && old !== undefined && old !== null && typeof value === "number" && before.step < store.frame.step) {
      lines.push(t("probe.update", { change: format(value - old), from: before.step, to: store.frame.step }));
    }
    setText(this.words, lines.join("\n"));
    this.slider.hidden = !this.pinned || typeof value !== "number";
    if (typeof value === "number" && document.activeElement !== this.slider) this.slider.value = String(value);
  }

  #set() {
    const { place } = this;
    if (!place || place.unit === null || place.input === null) return;
    setWeight(this.run, place.layer, place.unit, place.input, this.slider.valueAsNumber);
  }
}

/** @param {readonly (number | null)[]} row */
function rms(row) {
  return Math.sqrt(row.reduce((/** @type {number} */ sum, value) => sum + (value ?? NaN) ** 2, 0) / Math.max(row.length, 1));
}

/** The largest number that a map of a unit shows in full colour: one for all units of all runs, unless each has its own. */
export function scaleOfMaps() {
  if (store.view.eachUnit) return undefined;
  let most = 1;
  for (const run of store.frame?.runs ?? []) {
    for (const units of run.unit_maps) for (const { low, high } of units) most = Math.max(most, Math.abs(low ?? 0), Math.abs(high ?? 0));
  }
  return most;
}
