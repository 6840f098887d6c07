// What the gradient of the selected layer's weights, or of one weight, is the product of, factor by factor.

import { h, setSentence, setText } from "../dom.js";
import { t } from "../i18n.js";
import { along, formatLog } from "../scale.js";
import { layerName, store } from "../state.js";
import { detail } from "./selection.js";
import { selectedBar } from "./selected.js";

/** Half of the axis of a factor: bars reach from 10^-REACH to 10^REACH, and are cut there. */
const REACH = 2;

/** @returns {import("./tabs.js").Panel} */
export function factors() {
  const bar = selectedBar("weight");
  const body = h("tbody");
  const words = h("p", { class: "sentence plain" });
  const root = h("div", {}, bar.root, words, h("div", { class: "scroll tall", tabindex: 0, role: "region", t_label: "factors.table" },
    h("table", { class: "factors" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", t: "factors.factor" }), h("th", { scope: "col", t: "factors.where" }),
        h("th", { scope: "col", t: "factors.size" }), h("th", { scope: "col", t: "factors.product" }))),
      body)));

  /** @param {number} n */
  function rows(n) {
    while (body.children.length < n) {
      body.append(h("tr", {}, h("th", { scope: "row" }), h("td"),
        h("td", { class: "factor" }, h("span", { class: "axis", "aria-hidden": "true" }, h("span", { class: "fill" })), h("span", { class: "number" })),
        h("td", { class: "so-far" }, h("span", { class: "fill", "aria-hidden": "true" }), h("span", { class: "number" }))));
    }
    while (body.children.length > n) body.lastElementChild?.remove();
    return /** @type {HTMLTableRowElement[]} */ ([...body.children]);
  }

  return {
    name: "factors",
    root,
    draw() {
      bar.draw();
      const { layer, run } = store.selection;
      const found = detail();
      const list = found?.factors ?? [];
      // A factor that is exactly 0, or not finite, has no logarithm; those after it are nowhere to be seen.
      let product = /** @type {number | null} */ (0);
      let end = "";
      rows(list.length).forEach((row, i) => {
        const { layer: of, name, finite } = list[i];
        const log10 = end ? null : list[i].log10;
        const [factor, where, size, so] = row.cells;
        setText(factor, factorName(list[i]));
        setText(where, of === null ? name || "–" : layerName(of, run));
        setText(size.lastElementChild ?? size, end ? "–" : log10 === null ? without(finite) : formatLog(log10));
        if (log10 === null) end ||= without(finite);
        product = product === null || log10 === null ? null : product + log10;
        const fill = size.firstElementChild?.firstElementChild;
        if (fill instanceof HTMLElement) {
          const far = log10 ?? (size.textContent === "0" ? -REACH : 0);
          fill.classList.toggle("shrinks", far < 0);
          fill.style.transform = `scaleX(${Math.max(Math.min(far / REACH, 1), -1).toFixed(3)})`;
        }
        setText(so.lastElementChild ?? so, product === null ? end : formatLog(product));
        if (so.firstElementChild instanceof HTMLElement) {
          so.firstElementChild.style.transform = `scaleX(${product === null ? 0 : along(product).toFixed(3)})`;
        }
      });
      const now = store.frame?.runs[run];
      const values = { n: list.length, product: product === null ? end : formatLog(product) };
      const older = now && now.report_step !== null && now.report_step !== store.frame?.step ? t("factors.step", { step: now.report_step }) : "";
      setSentence(words, layer === null || !list.length ? t("factors.none")
        : t((found?.input ?? null) === null ? "factors.words" : "factors.words.weight", { ...values, layer: layerName(layer, run) }) + older);
    },
  };
}

/** A factor without a logarithm. @param {boolean} finite */
function without(finite) {
  return finite ? "0" : t("layers.notFinite");
}

/** What a factor is called: modules by the library's names, its other words in the page's language. @param {import("../protocol.js").FactorOf} factor */
function factorName({ kind, label }) {
  const number = /\d+/.exec(label)?.[0];
  if (kind === "share") return t("selected.unit.n", { n: number ?? "" });
  if (kind === "input") return number ? t("factor.input", { n: number }) : t("factor.inputs");
  if (kind === "loss") return t("factor.start");
  return kind === "alignment" ? t("factor.alignment") : label;
}
