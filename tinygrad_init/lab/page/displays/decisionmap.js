// The output over the plane, with the samples on it: one picture for each run.

import { onThemeChange, paintPicture, palette } from "../colours.js";
import { byId, h, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { format, percent } from "../scale.js";
import { runLabel, store } from "../state.js";
import { drawPoint } from "./points.js";

const REACH = 1.2;
const PIXELS = 480;

export function decisionMaps() {
  const root = byId("maps");
  /** @type {{map: HTMLCanvasElement, points: HTMLCanvasElement, numbers: HTMLElement}[]} */
  let views = [];
  let colours = palette();

  function build() {
    const { built } = store;
    if (!built) return;
    root.classList.toggle("many", built.runs.length > 1);
    const figures = built.runs.map((_, i) => {
      const map = h("canvas", { class: "map", role: "img" });
      const points = h("canvas", { class: "map over", width: PIXELS, height: PIXELS, "aria-hidden": "true" });
      const numbers = h("span", { class: "numbers" });
      const name = h("span", { class: `run-name run-${i}` }, runLabel(i));
      if (built.runs.length === 1) name.hidden = true;
      const picture = built.points ? h("div", { class: "picture" }, map, points) : h("p", { class: "hint", t: "output.noMap" });
      views[i] = { map, points, numbers };
      return h("figure", {}, picture, h("figcaption", {}, name, numbers));
    });
    views = views.slice(0, built.runs.length);
    root.replaceChildren(...figures);
    drawPoints();
  }

  function drawPoints() {
    const { built } = store;
    if (!built?.points) return;
    const { x, y, label } = built.points;
    const at = (/** @type {number} */ v) => ((v / REACH + 1) / 2) * PIXELS;
    const size = (built.runs.length > 1 ? 9 : 6) * (x.length > 500 ? 0.7 : 1);
    for (const { points } of views) {
      const context = points.getContext("2d");
      if (!context) continue;
      context.clearRect(0, 0, PIXELS, PIXELS);
      for (let i = 0; i < x.length; i++) drawPoint(context, at(x[i] ?? NaN), at(-(y[i] ?? NaN)), label[i], size, colours);
    }
  }

  function draw() {
    const { frame } = store;
    frame?.runs.forEach((run, i) => {
      const view = views[i];
      if (!view) return;
      if (run.map) paintPicture(view.map, run.map, colours);
      setText(view.numbers, t("output.numbers", { loss: format(run.loss), accuracy: percent(run.accuracy) }));
      const label = views.length > 1 ? runLabel(i) : "";
      setAttribute(view.map, "aria-label", t("output.alt", { label, accuracy: percent(run.accuracy) }));
    });
  }

  store.on("built", build);
  store.on("language", draw);
  onThemeChange(() => {
    colours = palette();
    drawPoints();
    draw();
  });
  return { draw };
}
