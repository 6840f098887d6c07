// Backpropagation node by node: an expression becomes a graph; forward every node gets a value, backward every node hands
// on what it got, times its local derivatives, and what comes from several sides is added up.

import { h, s, setAttribute, setText } from "../dom.js";
import { t } from "../i18n.js";
import { onMessage, send } from "../lab.js";
import { clearErrors } from "../notices.js";
import { format } from "../scale.js";
import { store } from "../state.js";
import { selectedBar } from "./selected.js";
import { NODE, place } from "./graphlayout.js";

/** @typedef {import("../protocol.js").Node} Node */

const EXAMPLE = "tanh(w * x + b) * w";
const VALUES = /** @type {Record<string, number>} */ ({ w: 2, x: 0.5, b: -0.25 });

/** The variables of an expression: names that are not called. @param {string} expression @returns {string[]} */
export function variables(expression) {
  const names = [...expression.matchAll(/(?<![\w.])[A-Za-z_]\w*(?!\w*\s*\()/g)].map(([name]) => name);
  return [...new Set(names)];
}

/** @returns {import("./tabs.js").Panel} */
export function microscope() {
  /** @type {Node[]} */
  let nodes = [];
  /** @type {Node[]} */
  let forward = [];
  /** @type {Node[]} */
  let backward = [];
  let step = 0;
  let asked = false;
  let dense = false;

  const expression = h("input", {
    id: "expression", type: "text", value: EXAMPLE, spellcheck: "false", autocapitalize: "off", "data-field": "expression",
    oninput: fields, maxlength: 200,
  });
  const values = h("div", { class: "values", "data-field": "values" });
  const form = h("form", { class: "expression", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); look(); } },
    h("div", { class: "control" }, h("label", { for: "expression", t: "microscope.expression" }), expression), values,
    h("button", { type: "submit", t: "microscope.look" }));
  const sample = h("input", { id: "sample", type: "number", min: 0, value: 0, step: 1, "data-field": "sample" });
  const bar = selectedBar("weight");
  const there = h("button", { type: "button", t: "microscope.weight", onclick: lookAtWeight });
  const weight = h("div", { class: "expression control" },
    there,
    h("label", { for: "sample", t: "microscope.sample" }), sample);
  const button = (/** @type {string} */ key, /** @type {() => void} */ onclick) => h("button", { type: "button", t: key, onclick });
  const steps = h("div", { class: "buttons" },
    button("microscope.first", () => go(0)), button("microscope.back", () => go(step - 1)),
    button("microscope.next", () => go(step + 1)), button("microscope.last", () => go(Infinity)));
  steps.children[2].classList.add("primary");
  const position = h("span", { class: "numbers" });
  steps.append(position);
  const words = h("p", { class: "sentence plain", "aria-live": "polite" });
  const svg = s("svg", { class: "graph", role: "img" });
  const root = h("div", {}, form, bar.root, weight, steps, words, h("div", { class: "scroll", tabindex: 0, role: "region", t_label: "microscope.graph" }, svg));
  root.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (event.key === "ArrowRight") go(step + 1);
    else if (event.key === "ArrowLeft") go(step - 1);
    else return;
    event.preventDefault();
  });

  /** A field for the value of each variable. */
  function fields() {
    const names = variables(expression.value);
    const old = new Map([...values.querySelectorAll("input")].map((input) => [input.name, input.value]));
    if (names.join() === [...old.keys()].join()) return;
    values.replaceChildren(...names.map((name) => h("label", {}, `${name} =`,
      h("input", { type: "number", step: "any", name, value: old.get(name) ?? VALUES[name] ?? 1 }))));
  }

  function look() {
    // The server asks for those that are left empty.
    const given = [...values.querySelectorAll("input")].map((input) => /** @type {const} */ ([input.name, input.valueAsNumber]));
    clearErrors();
    send({ type: "microscope", expression: expression.value, values: Object.fromEntries(given.filter(([, value]) => Number.isFinite(value))) });
  }

  function lookAtWeight() {
    const { run, layer, unit, input } = store.selection;
    if (layer === null || unit === null || input === null) return;
    clearErrors();
    send({ type: "microscope_weight", run, layer, unit, input, sample: sample.valueAsNumber || 0 });
  }

  onMessage("microscope", async (message) => {
    const layout = await place(message.nodes);
    // The library's only words in a graph; everything else in it is a formula.
    nodes = message.nodes.map((node) => (node.op === "rest" ? { ...node, label: t("microscope.rest") } : node));
    forward = [...nodes].sort((a, b) => a.forward_order - b.forward_order);
    backward = nodes.filter((node) => node.backward_order >= 0).sort((a, b) => a.backward_order - b.backward_order);
    build(layout);
    go(0);
  });

  /** @type {Map<number, {box: SVGGElement, value: SVGTextElement, grad: SVGTextElement}>} */
  const drawn = new Map();
  /** @type {{from: number, to: number, line: SVGPathElement, label: SVGTextElement, local: number | null}[]} */
  let arrows = [];

  /** @param {Awaited<ReturnType<typeof place>>} layout */
  function build({ places, ways, dense: crowded, width, height }) {
    dense = crowded;
    setAttribute(svg, "viewBox", `0 0 ${width} ${height}`);
    setAttribute(svg, "width", String(width));
    setAttribute(svg, "height", String(height));
    drawn.clear();
    arrows = [];
    const boxes = nodes.map((node) => {
      const { x, y } = places.get(node.id) ?? { x: 0, y: 0 };
      const text = (/** @type {number} */ line, /** @type {string} */ kind) => s("text", { x: NODE.width / 2, y: line, class: kind, "text-anchor": "middle" });
      const [label, value, grad] = [text(17, "label"), text(35, "value"), text(52, "grad")];
      label.textContent = node.label.length > 16 ? `${node.label.slice(0, 15)}…` : node.label;
      const box = s("g", { transform: `translate(${x} ${y})`, class: "node" }, s("rect", { width: NODE.width, height: NODE.height, rx: 8 }), label, value, grad);
      drawn.set(node.id, { box, value, grad });
      return box;
    });
    const lines = ways.flatMap(({ from, to, input, path, label: { x, y } }) => {
      const line = s("path", { d: path, class: "arrow" });
      const label = s("text", { x, y: y + 4, class: "local", "text-anchor": "middle" });
      arrows.push({ from, to, line, label, local: nodes.find(({ id }) => id === to)?.local[input] ?? null });
      return [line, label];
    });
    svg.replaceChildren(...lines.filter((line) => line instanceof SVGPathElement), ...boxes, ...lines.filter((line) => line instanceof SVGTextElement));
  }

  /** @param {number} to */
  function go(to) {
    step = Math.max(0, Math.min(to, forward.length + backward.length));
    draw();
  }

  function draw() {
    if (!nodes.length) return;
    const reached = new Set(forward.slice(0, step).map(({ id }) => id));
    const done = backward.slice(0, Math.max(step - forward.length, 0));
    const passed = new Set(done.map(({ id }) => id));
    const now = step === 0 ? null : step <= forward.length ? forward[step - 1] : done[done.length - 1];
    const down = step > forward.length;
    for (const node of nodes) {
      const view = drawn.get(node.id);
      if (!view) continue;
      setText(view.value, reached.has(node.id) ? format(node.value) : "");
      const sum = arrived(node, passed);
      setText(view.grad, down && sum !== null ? `∂ ${format(sum)}` : "");
      view.box.classList.toggle("now", node === now);
      view.box.classList.toggle("reached", reached.has(node.id));
    }
    for (const { from, to, line, label, local } of arrows) {
      const active = now?.id === to;
      line.classList.toggle("active", active);
      line.classList.toggle("back", down && passed.has(to));
      setText(label, down && passed.has(to) && (active || !dense) ? `×${format(local)}` : "");
      setAttribute(line, "data-from", String(from));
    }
    setText(position, t("microscope.position", { step, of: forward.length + backward.length }));
    setText(words, sentence(now, down, passed));
    setAttribute(svg, "aria-label", t("microscope.alt", { n: nodes.length }));
  }

  /** What has come back to a node so far; null for nothing yet. @param {Node} node @param {Set<number>} passed */
  function arrived(node, passed) {
    if (node === backward[0]) return node.incoming;
    const parts = node.contributions.filter(({ source }) => source === null || passed.has(source));
    return parts.length ? parts.reduce((sum, { value }) => sum + (value ?? NaN), 0) : null;
  }

  /** @param {Node | null} now @param {boolean} down @param {Set<number>} passed */
  function sentence(now, down, passed) {
    if (!now) return t("microscope.begin");
    const name = (/** @type {number} */ id) => nodes.find((node) => node.id === id)?.label ?? String(id);
    if (!down) {
      const given = now.inputs.map((id) => `${name(id)} = ${format(nodes.find((node) => node.id === id)?.value)}`).join(t("join"));
      return given ? t("microscope.forward", { op: now.op, label: now.label, given, value: format(now.value) })
        : t("microscope.leaf", { label: now.label, value: format(now.value) });
    }
    const parts = now.inputs.map((id, i) => {
      const local = now.local[i] ?? null;
      return t("microscope.part", {
        to: name(id), incoming: format(now.incoming), local: format(local),
        product: format(now.incoming === null || local === null ? null : now.incoming * local),
      });
    });
    const several = now.contributions.filter(({ source }) => source === null || passed.has(source)).length > 1
      ? t("microscope.sum", { terms: now.contributions.map(({ value }) => format(value)).join(" + "), sum: format(now.incoming) }) : "";
    if (!parts.length) return t("microscope.gradient", { label: now.label, incoming: format(now.incoming) }) + several;
    return t("microscope.backward", { label: now.label, incoming: format(now.incoming) }) + several + parts.join("");
  }

  fields();
  store.on("language", draw);
  return {
    name: "microscope",
    root,
    draw() {
      const { layer, unit, input } = store.selection;
      const chosen = layer !== null && unit !== null && input !== null;
      bar.draw();
      there.disabled = !chosen;
      there.title = chosen ? "" : t("microscope.choose");
    },
    shown() {
      if (asked || store.connection !== "open") return;
      asked = true;
      look();
    },
  };
}
