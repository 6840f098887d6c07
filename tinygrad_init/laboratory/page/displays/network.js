// The networks, one picture for each run. Edges of the same half decade and sign are one path, so that a frame changes a few
// hundred attributes, whatever the number of weights.

import { onThemeChange, paintPicture, palette } from "../colours.js";
import { optionName } from "../controls/fields.js";
import { byId, h, s, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { select, show } from "../lab.js";
import { BUCKETS, formatLog, stroke } from "../scale.js";
import { say, wordOf } from "../words.js";
import { runName } from "../runnames.js";
import { store } from "../state.js";
import { drawLegend } from "./legend.js";
import { hit, inputAt, layout, sortEdges } from "./networklayout.js";
import { Probe, scaleOfMaps } from "./probe.js";

class NetworkView {
  /** @type {import("./networklayout.js").Column[]} */
  columns = [];
  /** For each layer and half decade. @type {{positive: SVGPathElement, negative: SVGPathElement}[][]} */
  paths = [];
  svg = s("svg", { class: "network", role: "img", preserveAspectRatio: "none" });
  /** Maps of units are pixels; they lie over the drawing. */
  maps = h("canvas", { class: "unit-maps", "aria-hidden": "true" });
  crosses = s("path", { class: "network-dead" });
  band = s("rect", { class: "network-band", rx: 6 });
  ring = s("circle", { class: "network-ring" });
  chosen = s("line", { class: "network-chosen" });
  width = 0;
  height = 0;
  small = document.createElement("canvas");

  /** @param {number} run @param {import("../protocol.js").RunOf} shape */
  constructor(run, shape) {
    this.run = run;
    this.sizes = [shape.layers[0].inputs, ...shape.layers.map((layer) => layer.units)];
    this.activations = shape.layers.map((layer) => layer.activation);
    const name = h("button", { type: "button", class: `run-name run-${run}`, onclick: () => select({ run }) }, runName(run));
    this.word = h("span", { class: "word" });
    this.name = name;
    const title = h("figcaption", {}, name, this.word);
    title.hidden = store.built?.runs.length === 1;
    this.stage = h("div", { class: "stage", tabindex: 0, role: "group", t_label: "network.stage", onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) }, this.svg, this.maps);
    this.probe = new Probe(run, this.stage);
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => this.#chosenProbe());
    this.root = h("figure", { class: "card" }, title, this.stage);
    this.svg.addEventListener("click", (event) => this.#click(event));
    this.colours = palette();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.stage);
  }

  /** Places everything for the present width. */
  fit() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!width || (width === this.width && height === this.height)) return;
    [this.width, this.height] = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const names = (store.built?.features ?? []).map(optionName);
    this.columns = layout(this.sizes, width, height, names.length ? 20 + 6 * Math.max(2, ...names.map((name) => name.length)) : undefined);
    const edges = s("g", { class: "edges" });
    this.paths = this.columns.slice(1).map(() => Array.from({ length: BUCKETS }, (_, index) => {
      const { width: thick, opacity } = stroke(index);
      const path = (/** @type {string} */ sign) => s("path", { class: sign, "stroke-width": thick.toFixed(2), "stroke-opacity": opacity.toFixed(2) });
      return { positive: path("positive"), negative: path("negative") };
    }));
    for (const layer of this.paths) for (const { positive, negative } of layer) edges.append(positive, negative);
    const units = s("g", { class: "units" });
    for (const { x, y, r } of this.columns) for (const center of y) units.append(s("circle", { cx: x, cy: center, r }));
    const gap = this.columns.length > 1 ? this.columns[1].x - this.columns[0].x : width;
    const every = Math.ceil(22 / gap); // of sixty numbers not all have room
    const heads = s("g", { class: "heads" });
    this.columns.forEach(({ x }, i) => {
      const last = i === this.columns.length - 1;
      if (i && !last && i % every) return;
      if (i && !last && this.columns.length - 1 - i < every && every > 1) return;
      const text = i === 0 ? t("network.input") : last ? t("network.output") : String(i);
      const anchor = i === 0 ? "start" : last ? "end" : "middle";
      const head = s("text", { x: i === 0 ? 4 : last ? width - 4 : x, y: 16, "text-anchor": anchor });
      head.textContent = gap > 78 && i && !last ? `${text} · ${optionName(this.activations[i - 1])}` : text;
      heads.append(head);
    });
    names.forEach((name, i) => {
      const { x, y, r } = this.columns[0];
      const label = s("text", { x: x - r - 4, y: y[i] + 4, "text-anchor": "end" });
      label.textContent = name;
      heads.append(label);
    });
    this.svg.replaceChildren(this.band, edges, this.chosen, units, this.crosses, this.ring, heads);
    this.maps.width = 2 * width;
    this.maps.height = 2 * height;
    this.mark();
    this.draw();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const box = this.svg.getBoundingClientRect();
    const found = hit(event.clientX - box.left, event.clientY - box.top, this.columns);
    select(found ? { run: this.run, ...found } : { run: this.run });
    this.#chosenProbe();
  }

  /** What lies under the pointer says what it is. @param {PointerEvent} event */
  #point(event) {
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const input = inputAt(x, y, this.columns);
    const found = input === null ? hit(x, y, this.columns) : { layer: -1, unit: input, input: null };
    if (found && found.unit !== null) this.probe.show(found, x, y, false);
    else this.#chosenProbe();
  }

  /** Without a pointer the card is about what is chosen. */
  #chosenProbe() {
    const { run, layer, unit, input } = store.selection;
    if (run !== this.run || layer === null || unit === null || !this.columns[layer + 1]) {
      this.probe.hide();
      return;
    }
    const [a, b] = [this.columns[layer], this.columns[layer + 1]];
    const [x, y] = input === null ? [b.x, b.y[unit]] : [(a.x + b.x) / 2, (a.y[input] + b.y[unit]) / 2];
    this.probe.show({ layer, unit, input }, x, y, true);
  }

  /** Arrow keys go from unit to unit. @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.stage) return;
    const { layer, unit } = store.selection;
    const [l, u] = [layer ?? 0, unit ?? -1];
    const to = { ArrowLeft: [l - 1, u], ArrowRight: [l + 1, u], ArrowUp: [l, u - 1], ArrowDown: [l, u + 1], Escape: [l, null] }[event.key];
    if (!to) return;
    event.preventDefault();
    const at = Math.min(Math.max(to[0] ?? 0, 0), this.columns.length - 2);
    const units = this.columns[at + 1].y.length;
    select({ run: this.run, layer: at, unit: to[1] === null ? null : Math.min(Math.max(to[1] ?? 0, 0), units - 1), input: null });
  }

  /** Shows what is selected. */
  mark() {
    const { run, layer, unit, input } = store.selection;
    const here = run === this.run && layer !== null && this.columns.length > layer + 1;
    this.#chosenProbe();
    this.root.classList.toggle("current", run === this.run && (store.built?.runs.length ?? 1) > 1);
    setAttribute(this.name, "aria-pressed", String(run === this.run));
    for (const [element, shown] of /** @type {const} */ ([[this.band, here], [this.ring, here && unit !== null], [this.chosen, here && input !== null]])) {
      element.style.display = shown ? "" : "none";
    }
    if (!here || layer === null) return;
    const [a, b] = [this.columns[layer], this.columns[layer + 1]];
    for (const [name, value] of Object.entries({ x: a.x, y: 22, width: b.x - a.x + b.r + 4, height: this.height - 24 })) {
      this.band.setAttribute(name, String(value));
    }
    if (unit === null) return;
    for (const [name, value] of Object.entries({ cx: b.x, cy: b.y[unit], r: b.r + 2.5 })) this.ring.setAttribute(name, String(value));
    if (input === null) return;
    for (const [name, value] of Object.entries({ x1: a.x, y1: a.y[input], x2: b.x, y2: b.y[unit] })) {
      this.chosen.setAttribute(name, String(value));
    }
  }

  draw() {
    const run = store.frame?.runs[this.run];
    if (!run || run.edges.length !== this.paths.length) return;
    const what = store.view.edges;
    run.edges.forEach((edges, layer) => {
      const [a, b] = [this.columns[layer], this.columns[layer + 1]];
      const [begin, end] = [(a.x + a.r).toFixed(1), (b.x - b.r).toFixed(1)];
      sortEdges(edges, what, run.edges.length).forEach((found, index) => {
        for (const sign of /** @type {const} */ (["positive", "negative"])) {
          const d = found[sign].map(({ from, to }) => `M${begin} ${a.y[from].toFixed(1)}L${end} ${b.y[to].toFixed(1)}`).join("");
          setAttribute(this.paths[layer][index][sign], "d", d);
        }
      });
    });
    setAttribute(this.crosses, "d", run.layers.flatMap(({ dead_units: dead }, layer) => {
      const { x, y, r } = this.columns[layer + 1];
      const half = Math.max(0.65 * r, 1.5);
      return dead.map((unit) => (y[unit] === undefined ? "" : `M${x - half} ${y[unit] - half}l${2 * half} ${2 * half}m0 ${-2 * half}l${-2 * half} ${2 * half}`));
    }).join(""));
    this.#drawMaps(run);
    this.probe.draw();
    if (run.verdict) setText(this.word, wordOf(run.verdict.word));
    const [first, last] = [run.layers[0].dw, run.layers[run.layers.length - 1].dw].map((dw) => (dw === null ? "0" : formatLog(dw)));
    setAttribute(this.svg, "aria-label", t("network.alt", { sizes: this.sizes.join(t("join")), first, last }));
  }

  /** @param {import("../protocol.js").RunNow} run */
  #drawMaps(run) {
    const context = this.maps.getContext("2d");
    if (!context) return;
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const most = scaleOfMaps();
    const paint = (/** @type {number} */ layer, /** @type {number} */ unit, /** @type {import("../protocol.js").Map} */ picture) => {
      const { x, y, r } = this.columns[layer + 1];
      if (r < 6 || y[unit] === undefined) return;
      paintPicture(this.small, picture, this.colours, { most });
      context.save();
      context.beginPath();
      context.arc(x, y[unit], r - 1, 0, 2 * Math.PI);
      context.clip();
      context.drawImage(this.small, x - r, y[unit] - r, 2 * r, 2 * r);
      context.restore();
    };
    (store.built?.inputs ?? []).forEach((picture, unit) => paint(-1, unit, picture));
    run.unit_maps.forEach((units, layer) => units.forEach((picture, unit) => paint(layer, unit, picture)));
    const { layer, unit } = store.selection;
    // A dead unit is crossed out, also where a map covers the drawing.
    context.strokeStyle = this.colours.bad;
    context.lineWidth = 2.5;
    context.stroke(new Path2D(this.crosses.getAttribute("d") ?? ""));
    if (run.detail?.unit_map && run.detail.layer === layer && run.detail.unit === unit && unit !== null) paint(layer, unit, run.detail.unit_map);
  }
}

export function networks() {
  const root = byId("networks");
  /** @type {NetworkView[]} */
  let views = [];
  const tools = byId("network-tools");
  const direction = (/** @type {"weight" | "gradient"} */ edges) =>
    h("button", { type: "button", t: `network.${edges}`, t_title: `network.${edges}.long`, onclick: () => show({ edges }) });
  const [forward, backward] = [direction("weight"), direction("gradient")];
  tools.append(h("div", { class: "segments", role: "group", t_label: "network.shown" }, forward, backward));
  const legend = byId("legend");

  /** @type {string} */
  let shape = "";
  function build() {
    const runs = store.built?.runs ?? [];
    const now = JSON.stringify([runs, store.built?.features, runs.map((_, i) => runName(i))]);
    if (now !== shape) {
      shape = now;
      for (const view of views) view.observer.disconnect();
      views = runs.map((run, i) => new NetworkView(i, run));
      root.replaceChildren(...views.map((view) => view.root));
      root.dataset.runs = String(runs.length);
      for (const view of views) view.fit();
    }
    // What the library has to say about this start, such as that an activation has no critical one.
    byId("notes").replaceChildren(...(store.built?.notes ?? []).map((note) => h("p", { class: "hint" }, say(note))));
    mark();
  }

  function mark() {
    setAttribute(forward, "aria-pressed", String(store.view.edges === "weight"));
    setAttribute(backward, "aria-pressed", String(store.view.edges === "gradient"));
    for (const view of views) view.mark();
  }

  const draw = () => views.forEach((view) => view.draw());
  drawLegend(legend);
  store.on("language", () => {
    drawLegend(legend);
    shape = "";
    build();
  });
  store.on("built", build);
  store.on("selection", mark);
  store.on("view", () => {
    mark();
    drawLegend(legend);
    draw();
  });
  onThemeChange(() => {
    for (const view of views) view.colours = palette();
    draw();
  });
  return { draw, views: () => views };
}
