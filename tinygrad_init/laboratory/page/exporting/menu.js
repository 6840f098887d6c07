// What can be taken along: the link, pictures, numbers, and the code that does the same.

import { palette } from "../colours.js";
import { charts } from "../displays/chart.js";
import { h } from "../dom.js";
import { host } from "../host.js";
import { t } from "../i18n.js";
import { onMessage, send, shared } from "../lab.js";
import { dropdown } from "../menus.js";
import { showNotice } from "../notices.js";
import { openField } from "../opening.js";
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
  /** @type {HTMLDetailsElement} */
  const menu = dropdown("export.title",
    ...(host ? [] : [item("export.link", () => void copyLink()), openField(() => void (menu.open = false))]),
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
    ...(host?.own ? [] : [item("export.python", () => send({ type: "export", what: "python" })), item("export.page", () => {
      showNotice(t("export.making"));
      send({ type: "export", what: "page" });
    })]));
  onMessage("export", ({ name: file, text }) => {
    save(file, new Blob([text], { type: `text/${file.endsWith(".html") ? "html" : "plain"};charset=utf-8` }));
    showNotice(t("export.done", { name: file }));
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

/** The experiment and nothing else: neither where this Lab listens nor its token. */
async function copyLink() {
  const link = shared();
  try {
    await navigator.clipboard.writeText(link);
    showNotice(t("export.copied"));
  } catch {
    showNotice(`${t("export.notCopied")} ${link}`, "bad"); // from here it can be copied by hand
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
