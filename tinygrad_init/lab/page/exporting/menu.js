// What can be taken along: the link, pictures, numbers, and the code that does the same.

import { charts } from "../displays/chart.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { onMessage, remember, send } from "../lab.js";
import { showNotice } from "../notices.js";
import { runLabel } from "../state.js";
import { chartSvg } from "./chartsvg.js";
import { painted, standalone } from "./networksvg.js";
import { save } from "./save.js";

/** @typedef {{svg: SVGSVGElement, maps?: HTMLCanvasElement}} Picture */

/** @param {() => Picture[]} networks @returns {HTMLElement} */
export function exportMenu(networks) {
  const item = (/** @type {string} */ key, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", t: key, onclick: () => { menu.open = false; onclick(); } });
  const menu = h("details", { class: "menu" },
    h("summary", { t: "export.title" }),
    h("div", { class: "menu-items" },
      item("export.link", () => void copyLink()),
      item("export.networkSvg", () => networks().forEach(({ svg, maps }, i) => saveText(`network-${name(i)}.svg`, standalone(svg, maps)))),
      item("export.networkPng", () => networks().forEach(({ svg, maps }, i) => saveCanvas(`network-${name(i)}.png`, painted(svg, maps)))),
      item("export.chartsSvg", () => visible().forEach(([file, chart]) => saveText(`${file}.svg`, chartSvg(chart)))),
      item("export.chartsPng", () => visible().forEach(([file, chart]) => chart.plot && saveCanvas(`${file}.png`, chart.plot.ctx.canvas))),
      item("export.csv", () => send({ type: "export", what: "csv" })),
      item("export.json", () => send({ type: "export", what: "json" })),
      item("export.python", () => send({ type: "export", what: "python" }))));
  onMessage("export", ({ name: file, text }) => {
    save(file, new Blob([text], { type: "text/plain;charset=utf-8" }));
    showNotice(t("export.done", { name: file }));
  });
  addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  return menu;
}

/** @param {number} run */
const name = (run) => runLabel(run).replace(/\W+/g, "-");

/** The loss, and what the open panel shows. */
function visible() {
  return [...charts].filter(([, chart]) => chart.plot && chart.root.clientWidth > 0);
}

async function copyLink() {
  remember("replace");
  try {
    await navigator.clipboard.writeText(location.href);
    showNotice(t("export.copied"));
  } catch {
    showNotice(t("export.notCopied"), "bad"); // the address bar has it all the same
  }
}

/** @param {string} file @param {string} text */
function saveText(file, text) {
  save(file, new Blob([text], { type: "image/svg+xml" }));
}

/** @param {string} file @param {HTMLCanvasElement} canvas */
function saveCanvas(file, canvas) {
  canvas.toBlob((blob) => blob && save(file, blob));
}
