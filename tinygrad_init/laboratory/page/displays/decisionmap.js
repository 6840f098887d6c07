// The output over the plane, with the samples on it: one picture for each run.

import { onThemeChange, paintPicture, palette } from "../colours.js";
import { byId, h, setAttribute, setText } from "../dom.js";
import { percent, t } from "../i18n.js";
import { show } from "../lab.js";
import { format } from "../scale.js";
import { runName } from "../runnames.js";
import { runLabel, store } from "../state.js";
import { confusionTable, sampleImages } from "./digits.js";
import { drawPoints } from "./points.js";

const REACH = 1.2;
const PIXELS = 480;

/** The samples of a run: its own, or those of the first. @param {number} run */
function pointsOf(run) {
  return store.built?.runs[run]?.points ?? store.built?.points ?? null;
}

export function decisionMaps() {
  const root = byId("maps");
  /** @type {{map: HTMLCanvasElement, points: HTMLCanvasElement, numbers: HTMLElement, confusion: ReturnType<typeof confusionTable>}[]} */
  let views = [];
  let colours = palette();
  const tool = (/** @type {"discrete" | "held"} */ name) => {
    const box = h("input", { id: `output-${name}`, type: "checkbox", checked: store.view[name], onchange: () => show({ [name]: box.checked }) });
    return h("span", { class: "check" }, box, h("label", { for: box.id, t: `output.${name}.show` }));
  };
  const [discrete, held] = [tool("discrete"), tool("held")];
  byId("output-tools").append(discrete, held);

  function build() {
    const { built } = store;
    if (!built) return;
    root.classList.toggle("many", built.runs.length > 1);
    const figures = built.runs.map((_, i) => {
      const map = h("canvas", { class: "map", role: "img" });
      const points = h("canvas", { class: "map over", width: PIXELS, height: PIXELS, "aria-hidden": "true" });
      const numbers = h("span", { class: "numbers" });
      const name = h("span", { class: `run-name run-${i}` }, runName(i));
      if (built.runs.length === 1) name.hidden = true;
      const picture = pointsOf(i) ? h("div", { class: "picture" }, map, points) : built.images ? sampleImages() : h("p", { class: "hint", t: "output.noMap" });
      const confusion = confusionTable();
      views[i] = { map, points, numbers, confusion };
      return h("figure", {}, picture, h("figcaption", {}, name, numbers), confusion.root);
    });
    views = views.slice(0, built.runs.length);
    root.replaceChildren(...figures);
    held.hidden = !built.points?.test;
    discrete.hidden = !built.points || built.classes > 2;
    paintPoints();
  }

  function paintPoints() {
    const { built, view } = store;
    if (!built) return;
    for (const [i, { points }] of views.entries()) {
      const context = points.getContext("2d");
      const samples = pointsOf(i);
      if (!context || !samples) continue;
      const r = (built.runs.length > 1 ? 9 : 6) * (samples.x.length > 500 ? 0.7 : 1);
      context.clearRect(0, 0, PIXELS, PIXELS);
      drawPoints(context, samples, { pixels: PIXELS, reach: REACH, r, held: view.held, colours });
    }
  }

  /** @param {import("../protocol.js").RunNow} run */
  function numbers(run) {
    const of = (/** @type {number | null} */ loss, /** @type {number | null} */ accuracy) =>
      [t("output.loss", { loss: format(loss) }), ...(accuracy === null ? [] : [t("output.right", { accuracy: percent(accuracy) })])].join(" · ");
    const trained = of(run.loss, run.accuracy);
    return store.built?.points?.test || run.test_loss !== null ? [trained, t("output.held", { numbers: of(run.test_loss, run.test_accuracy) })] : [trained];
  }

  function draw() {
    const { frame } = store;
    frame?.runs.forEach((run, i) => {
      const view = views[i];
      if (!view) return;
      if (run.map) paintPicture(view.map, run.map, colours, { discrete: store.view.discrete });
      view.confusion.draw(run.confusion);
      const lines = numbers(run);
      setText(view.numbers, lines.join("\n"));
      const label = views.length > 1 ? ` ${runLabel(i)}` : "";
      setAttribute(view.map, "aria-label", t("output.alt", { label, numbers: lines.join(t("join.parts")) }));
    });
  }

  store.on("built", build);
  store.on("language", draw);
  onThemeChange(() => {
    colours = palette();
    paintPoints();
    draw();
  });
  store.on("view", () => {
    for (const [box, on] of /** @type {const} */ ([[discrete, store.view.discrete], [held, store.view.held]])) {
      const input = box.querySelector("input");
      if (input) input.checked = on;
    }
    paintPoints();
    draw();
  });
  /** The maps with the samples on them, for export. */
  const pictures = () => views.flatMap(({ map, points }, i) => {
    if (!store.frame?.runs[i]?.map) return [];
    const canvas = h("canvas", { width: PIXELS, height: PIXELS });
    const context = canvas.getContext("2d");
    context?.drawImage(map, 0, 0, PIXELS, PIXELS);
    context?.drawImage(points, 0, 0);
    return [canvas];
  });
  return { draw, pictures };
}
