// Samples that are pictures, and what each class is taken for: what there is to see where there is no plane.

import { bytesOf } from "../colours.js";
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { store } from "../state.js";

/** Some samples of every class, drawn as they are. @returns {HTMLElement} */
export function sampleImages() {
  const images = store.built?.images;
  const root = h("div", { class: "samples" });
  if (!images) return root;
  const { size, label } = images;
  const bytes = bytesOf(images);
  label.forEach((kind, i) => {
    const canvas = h("canvas", { width: size, height: size, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const picture = context?.createImageData(size, size);
    for (let k = 0; picture && k < size * size; k++) {
      const ink = 255 - bytes[i * size * size + k];
      picture.data.set([ink, ink, ink, 255], 4 * k);
    }
    if (picture) context?.putImageData(picture, 0, 0);
    root.append(h("span", { class: "sample-image" }, canvas, String(kind)));
  });
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", t("output.images.alt", { n: label.length, labels: [...new Set(label)].join(t("join")) }));
  return root;
}

/** @returns {{root: HTMLElement, draw: (counts: readonly (readonly number[])[] | null) => void}} */
export function confusionTable() {
  const body = h("tbody");
  const head = h("tr");
  const root = h("div", { class: "confusion", tabindex: 0, role: "region", t_label: "output.confusion" },
    h("p", { class: "hint", t: "output.confusion" }), h("table", {}, h("thead", {}, head), body));
  return {
    root,
    draw(counts) {
      root.hidden = !counts;
      if (!counts) return;
      if (body.children.length !== counts.length) {
        head.replaceChildren(h("th", { scope: "col", t: "output.confusion.class" }), ...counts.map((_, i) => h("th", { scope: "col" }, String(i))));
        body.replaceChildren(...counts.map((row, i) => h("tr", {}, h("th", { scope: "row" }, String(i)), ...row.map(() => h("td")))));
      }
      counts.forEach((row, i) => {
        const most = Math.max(1, row.reduce((a, b) => a + b, 0));
        row.forEach((count, k) => {
          const cell = /** @type {HTMLTableRowElement} */ (body.children[i]).cells[k + 1];
          setText(cell, count ? String(count) : "·");
          cell.style.backgroundColor = count ? `color-mix(in srgb, var(${i === k ? "--positive" : "--negative"}) ${Math.round((35 * count) / most)}%, transparent)` : "";
        });
      });
    },
  };
}
