// What the width of an edge means: a line for each decade, the same at every time and for every network.

import { h, s } from "../dom.js";
import { t } from "../i18n.js";
import { bucket, EDGE_HIGH, EDGE_LOW, powerOfTen, stroke } from "../scale.js";
import { store } from "../state.js";

/** @param {HTMLElement} root */
export function drawLegend(root) {
  const line = (/** @type {string} */ sign, /** @type {number} */ exponent) => {
    const { width, opacity } = stroke(bucket(10 ** exponent));
    return s("svg", { class: "sample", viewBox: "0 0 26 8", "aria-hidden": "true" },
      s("path", { class: sign, d: "M1 4H25", "stroke-width": width, "stroke-opacity": opacity }));
  };
  const decades = [];
  for (let exponent = EDGE_LOW; exponent <= EDGE_HIGH; exponent += exponent < -2 ? 2 : 1) {
    decades.push(h("span", { class: "decade" }, line("positive", exponent), powerOfTen(exponent)));
  }
  const forward = store.view.edges === "weight";
  root.replaceChildren(
    h("span", { class: "what" }, t(forward ? "legend.weight" : "legend.gradient")),
    ...decades,
    h("span", { class: "decade" }, line("positive", 0), t("legend.positive")),
    h("span", { class: "decade" }, line("negative", 0), t("legend.negative")));
  root.title = t("legend.absolute");
}
