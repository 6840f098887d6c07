// Loss, update rule, and what else decides the training; and the seed.

import { h } from "../dom.js";
import { change } from "../lab.js";
import { store } from "../state.js";
import { bind, check, choice, entry, group, slider } from "./fields.js";

const top = (/** @type {import("../types.js").Config} */ config) => config;

export function trainingControls() {
  const controls = [
    choice({ field: "loss", label: "training.loss", names: () => store.hello?.losses ?? [], ...entry(top, "loss") }),
    choice({ field: "optimizer", label: "training.optimizer", names: () => store.hello?.optimizers ?? [], ...entry(top, "optimizer") }),
    slider({ field: "lr", label: "training.lr", min: 1e-5, max: 10, step: 0.01, log: true, most: 1000, ...entry(top, "lr") }),
    slider({ field: "batch", label: "training.batch", min: 0, max: 500, step: 1, most: 2000, ...entry(top, "batch") }),
    slider({ field: "clip", label: "training.clip", min: 0, max: 10, step: 0.1, most: 1000, ...entry(top, "clip") }),
    choice({
      field: "normalization", label: "training.normalization", names: () => store.hello?.normalizations ?? [],
      ...entry(top, "normalization"),
    }),
    check({ field: "residual", label: "training.residual", ...entry(top, "residual") }),
  ];
  bind(() => controls.forEach(({ sync }) => sync()));
  return group("training.title", true, ...controls.map(({ root }) => root));
}

export function seedControls() {
  const seed = h("input", {
    id: "seed", type: "number", min: 0, max: 2 ** 32 - 1, step: 1, "data-field": "seed",
    onchange: () => change((config) => void (config.seed = Math.min(Math.max(Math.round(seed.valueAsNumber) || 0, 0), 2 ** 32 - 1))),
  });
  const fresh = h("button", {
    type: "button", t: "seed.new", onclick: () => change((config) => void (config.seed = Math.floor(Math.random() * 10000))),
  });
  bind(() => void (seed.value = String(store.config.seed)));
  return group("seed.title", true,
    h("div", { class: "control seed" }, h("label", { for: "seed", t: "seed.seed" }), seed, fresh));
}
