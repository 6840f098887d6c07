// Runs beside the first on the same data, batches and normal draws: only what is changed here differs.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { activationsOf, isOwn, startsOf, store } from "../state.js";
import { bind, choice, group } from "./fields.js";
import { startEditor } from "./start.js";

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
  });
}

/** @param {number} i */
function card(i) {
  const variant = () => store.config.variants[i];
  const first = (/** @type {string[]} */ names) => (new Set(names).size > 1 ? "" : names[0] ?? "");
  const activation = choice({
    field: `variants.${i}.activations`, label: "layers.activation", names: () => store.hello?.activations ?? [],
    mixed: "variants.asA",
    get: () => (variant()?.activations ? first(activationsOf({ ...store.config, activations: variant().activations ?? [] })) : ""),
    set: (name) => change((config) => {
      if (name) config.variants[i].activations = [name];
      else delete config.variants[i].activations;
    }),
  });
  const start = startEditor({
    field: `variants.${i}.starts`, label: "layers.start", none: "variants.asA",
    get: () => {
      const starts = variant()?.starts;
      if (!starts) return null;
      const all = startsOf({ ...store.config, starts });
      return new Set(all.map((one) => JSON.stringify(one))).size > 1 ? null : all[0];
    },
    set: (chosen) => change((config) => {
      if (chosen) config.variants[i].starts = [chosen];
      else delete config.variants[i].starts;
    }),
  });
  const remove = h("button", { type: "button", class: "quiet", onclick: () => change((config) => void config.variants.splice(i, 1)) });
  const legend = h("legend", { class: `run-name run-${i + 1}` });
  return {
    root: h("fieldset", { class: "variant" }, legend, activation.root, start.root, remove),
    sync() {
      if (!variant()) return;
      activation.root.hidden = isOwn();
      legend.textContent = variant().label;
      remove.textContent = t("variants.remove", { label: variant().label });
      activation.sync();
      start.sync();
    },
  };
}
