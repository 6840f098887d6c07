// Depth and widths, activations and starts: for all layers at once, or for each.

import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { activationsOf, asWidth, deepened, isOwn, only, startsOf, store } from "../state.js";
import { bind, choice, group, slider } from "./fields.js";
import { startEditor } from "./start.js";
import { rateControl } from "./training.js";

/** What is tried first, always in sight: activation, start, depth and learning rate. */
export function firstControls() {
  const depth = slider({
    field: "layers", label: "layers.depth", min: 0, max: 60, step: 1,
    get: () => store.config.layers.length,
    set: (value) => change((config) => void (config.layers = deepened(config.layers, value))),
  });
  const activation = choice({
    field: "activations", label: "layers.activation", names: () => store.hello?.activations ?? [], mixed: "layers.mixed",
    get: () => only([store.config.activations[0], ...activationsOf(store.config)]) ?? "",
    set: (name) => name && change((config) => void (config.activations = [name])),
  });
  const start = startEditor({
    field: "starts", label: "layers.start", none: "layers.mixed",
    get: () => only(startsOf(store.config)),
    set: (chosen) => chosen && change((config) => void (config.starts = [chosen])),
  });
  const rate = rateControl();
  bind(() => {
    for (const control of [depth, activation, start, rate]) control.sync();
    for (const root of [depth.root, activation.root]) root.hidden = isOwn();
  });
  const root = group("first.title", true, activation.root, start.root, depth.root, rate.root);
  root.open = true; // on a phone as well
  root.classList.add("first");
  return root;
}

export function layerControls() {
  const width = slider({
    label: "layers.width", min: 1, max: 64, step: 1,
    get: () => store.config.layers[0] ?? 6,
    set: (value) => change((config) => void config.layers.fill(asWidth(value))),
  });
  const each = layerTable();
  bind(() => {
    width.sync();
    each.hidden = isOwn();
    width.root.hidden = !store.config.layers.length || isOwn();
  });
  const root = group("layers.title", true, width.root, each);
  bind(() => void (root.hidden = isOwn()));
  return root;
}

/** One row a layer: its width, activation and start. */
function layerTable() {
  const rows = h("ol", { class: "layer-rows" });
  const details = h("details", { class: "inner", ontoggle: () => sync() }, h("summary", { t: "layers.each" }), rows);
  /** @type {(() => void)[]} */
  let syncs = [];
  function sync() {
    // Sixty rows of menus are worth building only for those who look at them.
    if (!details.open) return;
    const n = store.config.layers.length + 1;
    if (rows.children.length !== n) {
      const built = Array.from({ length: n }, (_, i) => row(i, i === n - 1));
      rows.replaceChildren(...built.map(({ root }) => root));
      syncs = built.map((one) => one.sync);
    }
    for (const one of syncs) one();
  }
  bind(sync);
  return details;
}

/** @param {number} i @param {boolean} output */
function row(i, output) {
  const title = h("span", { class: "layer-name" });
  const start = startEditor({
    field: `starts.${i}`, label: "layers.start", labelled: false,
    get: () => startsOf(store.config)[i],
    set: (chosen) => chosen && change((config) => {
      config.starts = startsOf(config).map((one, k) => (k === i ? chosen : structuredClone(one)));
    }),
  });
  const parts = [title];
  const syncs = [start.sync, () => setText(title, output ? t("layers.output") : t("layers.nth", { n: i + 1 }))];
  if (!output) {
    const width = h("input", {
      type: "number", min: 1, max: 64, step: 1, t_label: "layers.units", "data-field": `layers.${i}`,
      onchange: () => {
        const typed = Math.round(width.valueAsNumber);
        if (Number.isNaN(typed)) width.value = String(store.config.layers[i]);
        else change((config) => void (config.layers[i] = asWidth(typed)));
      },
    });
    const activation = choice({
      field: `activations.${i}`, label: "layers.activation", labelled: false, names: () => store.hello?.activations ?? [],
      get: () => activationsOf(store.config)[i],
      set: (name) => change((config) => {
        config.activations = activationsOf(config);
        config.activations[i] = name;
      }),
    });
    parts.push(h("div", { class: "control bare" }, width), activation.root);
    syncs.push(activation.sync, () => void (width.value = String(store.config.layers[i])));
  }
  return { root: h("li", { class: output ? "output" : null }, ...parts, start.root), sync: () => syncs.forEach((sync) => sync()) };
}
