// Which run, layer, unit and input the panels are about: by menus, for those who do not click into the picture.

import { paintPicture, palette } from "../colours.js";
import { h, setAttribute } from "../dom.js";
import { t } from "../i18n.js";
import { select } from "../lab.js";
import { setOptions } from "../controls/fields.js";
import { scaleOfMaps } from "../displays/probe.js";
import { format } from "../scale.js";
import { layerName, runLabel, store } from "../state.js";
import { detail, selectedShape } from "./selection.js";
import { weightField } from "./weight.js";

/** @param {"layer" | "unit" | "weight"} finest what can be chosen @returns {{root: HTMLElement, draw: () => void}} */
export function selectedBar(finest) {
  const menu = (/** @type {string} */ label, /** @type {(value: number | null) => void} */ set) => {
    const element = h("select", { t_label: label, onchange: () => set(element.value === "" ? null : Number(element.value)) });
    return element;
  };
  const run = menu("selected.run", (value) => select({ run: value ?? 0 }));
  const layer = menu("selected.layer", (value) => select({ layer: value, unit: null, input: null }));
  const unit = menu("selected.unit", (value) => select({ unit: value, input: null }));
  const input = menu("selected.input", (value) => select({ input: value }));
  const weight = weightField();
  const root = h("div", { class: "selected" }, h("span", { class: "hint", t: "selected.title" }), run, layer);
  if (finest !== "layer") root.append(unit);
  if (finest === "weight") root.append(input, weight.root);
  const picture = h("canvas", { class: "unit-picture", role: "img" });
  root.append(picture);

  function sync() {
    const { built, selection } = store;
    if (!built) return;
    const shape = selectedShape();
    run.hidden = built.runs.length === 1;
    setOptions(run, built.runs.map((_, i) => [String(i), t("selected.run.n", { label: runLabel(i) })]));
    setOptions(layer, (built.runs[selection.run]?.layers ?? []).map((_, i) => [String(i), layerName(i, selection.run)]));
    const numbered = (/** @type {number} */ n, /** @type {string} */ key) =>
      /** @type {[string, string][]} */ ([["", t(`${key}.all`)], ...Array.from({ length: n }, (_, i) => [String(i), t(`${key}.n`, { n: i + 1 })])]);
    setOptions(unit, numbered(shape?.units ?? 0, "selected.unit"));
    setOptions(input, numbered(shape?.inputs ?? 0, "selected.input"));
    run.value = String(selection.run);
    layer.value = String(selection.layer ?? "");
    unit.value = String(selection.unit ?? "");
    input.value = String(selection.input ?? "");
    input.disabled = selection.unit === null || !shape?.single; // several weights between two units have no name
    draw();
  }

  function draw() {
    weight.draw();
    const { layer, unit, run: chosen } = store.selection;
    const map = detail()?.unit_map;
    picture.hidden = !map || layer === null || unit === null;
    if (!map || layer === null || unit === null) return;
    paintPicture(picture, map, palette(), { most: scaleOfMaps() });
    setAttribute(picture, "aria-label", t("selected.map", {
      unit: t("selected.unit.n", { n: unit + 1 }), layer: layerName(layer, chosen), low: format(map.low), high: format(map.high),
    }));
  }

  store.on(["built", "selection", "language"], sync);
  sync();
  return { root, draw };
}
