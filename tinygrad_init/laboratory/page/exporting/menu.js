// What can be taken along: the link, pictures, numbers, and the code that does the same.

import { palette } from "../colours.js";
import { charts } from "../displays/chart.js";
import { h } from "../dom.js";
import { host } from "../host.js";
import { t } from "../i18n.js";
import { onMessage, remember, send } from "../lab.js";
import { showNotice } from "../notices.js";
import { runLabel, store } from "../state.js";
import { chartSvg } from "./chartsvg.js";
import { painted, standalone } from "./networksvg.js";
import { save } from "./save.js";
import { stackCanvas, stackSvg } from "./stack.js";

/** @typedef {{svg: SVGSVGElement, maps?: HTMLCanvasElement}} Picture */

/**
 * @param {() => Picture[]} networks
 * @param {() => HTMLCanvasElement[]} outputs
 * @returns {HTMLElement}
 */
export function exportMenu(networks, outputs) {
  const item = (/** @type {string} */ key, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", t: key, onclick: () => { menu.open = false; onclick(); } });
  const items = h("div", { class: "menu-items" },
    ...(host ? [] : [item("export.link", () => void copyLink())]),
    item("export.networkSvg", () => saveText("network.svg", stackSvg(networks().map(({ svg, maps }, i) => {
      const { width, height } = svg.viewBox.baseVal;
      return { svg: standalone(svg, maps), width, height, caption: caption(i) };
    }), palette()))),
    item("export.networkPng", () => saveCanvas("network.png", networks().map(({ svg, maps }, i) => ({ canvas: painted(svg, maps), scale: 2, caption: caption(i) })))),
    item("export.outputPng", () => saveCanvas("output.png", outputs().map((canvas, i) => ({ canvas, caption: caption(i) })))),
    item("export.chartsSvg", () => saveText("charts.svg", stackSvg(visible().map((plot) => ({
      svg: chartSvg(plot), width: plot.root.clientWidth, height: plot.description.height, caption: plot.description.label(),
    })), palette()))),
    item("export.chartsPng", () => saveCanvas("charts.png", visible().flatMap(({ plot, description }) => (
      plot ? { canvas: plot.ctx.canvas, scale: devicePixelRatio, caption: description.label() } : [])))),
    item("export.csv", () => send({ type: "export", what: "csv" })),
    item("export.json", () => send({ type: "export", what: "json" })),
    ...(host?.own ? [] : [item("export.python", () => send({ type: "export", what: "python" }))]));
  const menu = h("details", { class: "menu", ontoggle: fit }, h("summary", { t: "export.title" }), items);
  /** Wherever the button stands, the whole menu is on the screen. */
  function fit() {
    items.style.translate = "";
    const { left, right } = items.getBoundingClientRect();
    items.style.translate = `${Math.max(Math.min(document.documentElement.clientWidth - 4 - right, 0), 4 - left)}px`;
  }
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

/** Which run a picture is of, if there are several. @param {number} run */
function caption(run) {
  return (store.built?.runs.length ?? 0) > 1 ? runLabel(run) : "";
}

/** The loss, and what the open panel shows. */
function visible() {
  return [...charts].filter((chart) => chart.plot && chart.root.clientWidth > 0);
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

/** @param {string} file @param {Parameters<typeof stackCanvas>[0]} pictures */
function saveCanvas(file, pictures) {
  if (!pictures.length) {
    showNotice(t("output.noMap"), "bad"); // all other pictures are always there
    return;
  }
  stackCanvas(pictures, palette()).toBlob((blob) => blob && save(file, blob));
}
