// A row a layer: the size of everything that flows through it, as a bar on one absolute logarithmic axis and as a number,
// with what theory predicts behind it.

import { optionName } from "../controls/fields.js";
import { byId, h, setAttribute, setText } from "../dom.js";
import { percent, t } from "../i18n.js";
import { select } from "../lab.js";
import { along, BAR_HIGH, BAR_LOW, format, formatLog, powerOfTen } from "../scale.js";
import { layerName, store } from "../state.js";
import { runName } from "../runnames.js";
import { term } from "../terms.js";

/** @typedef {import("../protocol.js").LayerNow} LayerFrame */
/** @typedef {{text: string, to: number, hollow?: boolean}} Value what is written, how far the bar goes, and whether it is not finite */

/** @param {number | null} value @returns {Value} */
function size(value) {
  if (value === null) return { text: t("layers.notFinite"), to: 1, hollow: true };
  return { text: format(value), to: value > 0 ? along(Math.log10(value)) : 0 };
}

/** @param {LayerFrame} layer @returns {Value} */
function gradient(layer) {
  if (layer.dw !== null) return { text: formatLog(layer.dw), to: along(layer.dw) };
  // Neither 0 nor what has overflowed has a logarithm; the cotangent tells them apart.
  return layer.dz === null ? size(null) : { text: "0", to: 0 };
}

/** @param {number | null} share @returns {Value} */
const ratio = (share) => ({ text: percent(share), to: share ?? 0 });

/** @type {{key: string, value: (layer: LayerFrame) => Value, theory?: (layer: LayerFrame) => (number | null)[] | null, share?: boolean}[]} */
const COLUMNS = [
  { key: "dw", value: gradient },
  { key: "z", value: (layer) => size(layer.z), theory: (layer) => layer.theory_z },
  { key: "a", value: (layer) => size(layer.a) },
  { key: "dz", value: (layer) => size(layer.dz), theory: (layer) => layer.theory_dz },
  { key: "saturated", value: (layer) => ratio(layer.saturated), share: true },
  { key: "dead", value: (layer) => ratio(layer.dead), share: true },
  {
    key: "distinct",
    share: true,
    value: (layer) => ({ text: `${layer.distinct ?? "–"}/${layer.units}`, to: (layer.distinct ?? 0) / layer.units }),
  },
];

/** @typedef {{bar: HTMLElement, band: HTMLElement, text: HTMLElement, cell: HTMLElement}} Cell */

export function layerTable() {
  const body = h("tbody");
  const axis = (/** @type {boolean | undefined} */ share) => (share ? "0–100 %" : `${powerOfTen(BAR_LOW)}–${powerOfTen(BAR_HIGH)}`);
  const head = h("thead", {}, h("tr", {},
    h("th", { scope: "col", t: "layers.layer" }),
    ...COLUMNS.map(({ key, share }) => h("th", { scope: "col" }, term(`layers.${key}`), h("small", { "aria-hidden": "true" }, axis(share))))));
  const scroll = h("div", { class: "layer-scroll", tabindex: 0, role: "region", t_label: "layers.table" },
    h("table", { class: "layer-table" }, head, body));
  const beside = h("p", { class: "hint" });
  byId("layers").append(scroll, h("p", { class: "hint", t: "layers.theory" }), beside);
  /** @type {{row: HTMLElement, name: HTMLButtonElement, cells: Cell[]}[]} */
  let rows = [];

  function build() {
    const run = store.built?.runs[store.selection.run];
    if (!run) return;
    if (rows.length !== run.layers.length) {
      rows = run.layers.map((_, i) => makeRow(i));
      body.replaceChildren(...rows.map(({ row }) => row));
    }
    run.layers.forEach((layer, i) => {
      const output = i === run.layers.length - 1;
      setText(rows[i].name, output ? t("layers.output") : `${i + 1} · ${optionName(layer.activation)}`);
    });
    mark();
    draw();
  }

  /** @param {number} i */
  function makeRow(i) {
    const name = h("button", { type: "button", class: "layer-button", onclick: () => select({ layer: i, unit: null, input: null }) });
    const cells = COLUMNS.map(() => {
      const band = h("span", { class: "band", "aria-hidden": "true" });
      const bar = h("span", { class: "fill", "aria-hidden": "true" });
      const text = h("span", { class: "number" });
      return { bar, band, text, cell: h("td", {}, band, bar, text) };
    });
    return { row: h("tr", {}, h("th", { scope: "row" }, name), ...cells.map(({ cell }) => cell)), name, cells };
  }

  function mark() {
    rows.forEach(({ row, name }, i) => {
      const chosen = i === store.selection.layer;
      row.classList.toggle("chosen", chosen);
      setAttribute(name, "aria-pressed", String(chosen));
    });
  }

  const fold = byId("layers");
  fold.addEventListener("toggle", () => draw());

  function draw() {
    if (fold instanceof HTMLDetailsElement && !fold.open) return; // nobody sees it
    const layers = store.frame?.runs[store.selection.run]?.layers;
    if (!layers || layers.length !== rows.length) return;
    layers.forEach((layer, i) => COLUMNS.forEach((column, k) => {
      const { bar, band, text, cell } = rows[i].cells[k];
      const { text: written, to, hollow } = column.value(layer);
      setText(text, written);
      // Scaling moves pixels alone; a width would lay out the table again for every frame.
      const scale = `scaleX(${to.toFixed(3)})`;
      if (bar.style.transform !== scale) bar.style.transform = scale;
      cell.classList.toggle("hollow", hollow === true);
      drawBand(band, cell, column.theory?.(layer) ?? null, written);
    }));
    const name = (store.built?.runs.length ?? 1) > 1 ? `${runName(store.selection.run)}${t("colon")}` : "";
    setText(beside, name + besideTheory(layers[store.selection.layer ?? -1]));
  }

  store.on(["built", "language"], build);
  let run = store.selection.run;
  store.on("selection", () => {
    if (run !== store.selection.run) {
      run = store.selection.run;
      build();
    } else mark();
  });
  return { draw };
}

/** What is measured at the chosen layer and what theory says, as a sentence. @param {LayerFrame | undefined} layer */
function besideTheory(layer) {
  const parts = COLUMNS.flatMap(({ key, value, theory }) => {
    const expected = layer && theory?.(layer);
    if (!layer || !expected || expected.includes(null)) return [];
    const [low, middle, high] = expected.map(format);
    return [t("layers.beside.part", { what: t(`layers.${key}`), measured: value(layer).text, low, expected: middle, high })];
  });
  const { layer: number, run } = store.selection;
  return parts.length && number !== null ? t("layers.beside", { layer: layerName(number, run), parts: parts.join(t("join.parts")) }) : "";
}

/**
 * @param {HTMLElement} band
 * @param {HTMLElement} cell
 * @param {(number | null)[] | null} theory the lowest, the expected and the highest value
 * @param {string} measured
 */
function drawBand(band, cell, theory, measured) {
  const known = theory !== null && theory.every((value) => value !== null && value > 0);
  band.hidden = !known;
  if (!known || !theory) {
    cell.removeAttribute("title");
    return;
  }
  const [low, , high] = theory.map((value) => along(Math.log10(value ?? 1)));
  band.style.left = `${(100 * low).toFixed(1)}%`;
  band.style.width = `${Math.max(100 * (high - low), 1).toFixed(1)}%`;
  setAttribute(cell, "title", t("layers.band", { measured, low: format(theory[0]), expected: format(theory[1]), high: format(theory[2]) }));
}
