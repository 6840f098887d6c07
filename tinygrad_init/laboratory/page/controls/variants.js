// Runs beside the first with the same normal draws: only what is changed here differs.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { activationsOf, asWidth, configOf, deepened, isOwn, makeStart, only, startsOf, store } from "../state.js";
import { differenceControls } from "./differences.js";
import { bind, choice, group, slider } from "./fields.js";
import { MIXED, startEditor } from "./start.js";

const LABELS = ["B", "C", "D"];

export function variantControls() {
  const list = h("div", { class: "variants" });
  const add = h("button", { type: "button", t: "variants.copy", onclick: copy });
  /** @type {(() => void)[]} */
  let syncs = [];
  let built = "";
  bind(() => {
    const { variants } = store.config;
    const labels = variants.map(({ label }) => label).join();
    if (labels !== built) {
      built = labels;
      const cards = variants.map((_, i) => card(i));
      list.replaceChildren(...cards.map(({ root }) => root));
      syncs = cards.map(({ sync }) => sync);
    }
    for (const sync of syncs) sync();
    add.disabled = variants.length >= (store.hello?.limits.variants ?? 3);
  });
  return group("variants.title", true, h("p", { class: "hint", t: "variants.hint" }), list, add);
}

function copy() {
  change((config) => {
    const used = config.variants.map(({ label }) => label);
    const label = LABELS.find((one) => !used.includes(one)) ?? `${used.length + 2}`;
    // A copy that differs in nothing shows two equal pictures; both fields are there to be changed.
    const activations = isOwn() ? {} : { activations: [...config.activations] };
    config.variants.push({ label, ...activations, starts: structuredClone(config.starts) });
    config.edits.push(...config.edits.filter(({ run }) => run === 0).map((edit) => ({ ...edit, run: config.variants.length })));
  });
}

/** @param {number} i */
function card(i) {
  const variant = () => store.config.variants[i];
  const run = () => configOf(store.config, i + 1);
  /** @param {number[]} layers */
  const set = (layers) => change((config) => {
    // What is as in the first run goes along with it.
    if (layers.join() === config.layers.join()) delete config.variants[i].layers;
    else config.variants[i].layers = layers;
  });
  const depth = slider({
    field: `variants.${i}.layers`, label: "layers.depth", min: 0, max: 60, step: 1,
    get: () => run().layers.length, set: (value) => set(deepened(run().layers, value)),
  });
  const width = slider({
    label: "layers.width", min: 1, max: 64, step: 1,
    get: () => run().layers[0] ?? 6, set: (value) => set(run().layers.map(() => asWidth(value))),
  });
  const activation = choice({
    field: `variants.${i}.activations`, label: "layers.activation", names: () => store.hello?.activations ?? [],
    mixed: "variants.asA",
    get: () => (variant()?.activations ? only([...activationsOf(run()), ...(run().layers.length ? [] : run().activations)]) ?? MIXED : ""),
    set: (name) => change((config) => {
      if (name) config.variants[i].activations = [name];
      else delete config.variants[i].activations;
    }),
  });
  const start = startEditor({
    field: `variants.${i}.starts`, label: "layers.start", none: "variants.asA",
    get: () => (variant()?.starts ? only(startsOf(run())) ?? makeStart(MIXED) : null),
    set: (chosen) => change((config) => {
      if (chosen) config.variants[i].starts = [chosen];
      else delete config.variants[i].starts;
    }),
  });
  const remove = h("button", { type: "button", class: "quiet", onclick: () => change((config) => void config.variants.splice(i, 1)) });
  const legend = h("legend", { class: `run-name run-${i + 1}` });
  const others = differenceControls(i);
  const controls = [depth, width, activation, start, others];
  return {
    root: h("fieldset", { class: "variant" }, legend, activation.root, start.root, depth.root, width.root, others.root, remove),
    sync() {
      if (!variant()) return;
      for (const { root } of [depth, width, activation]) root.hidden = isOwn();
      if (!run().layers.length) width.root.hidden = true;
      legend.textContent = variant().label;
      remove.textContent = t("variants.remove", { label: variant().label });
      for (const control of controls) control.sync();
    },
  };
}
