// Loss, update rule, and what else decides the training; and the seed.

import { h } from "../dom.js";
import { change } from "../lab.js";
import { isOwn, isRegression, store } from "../state.js";
import { bind, check, choice, entry, group, slider } from "./fields.js";

const top = (/** @type {import("../types.js").Config} */ config) => config;

/** A regression has one loss. */
const losses = () => (isRegression(store.config.data.name) ? ["half_squared_error"] : store.hello?.losses ?? []);

export function rateControl() {
  return slider({ field: "lr", label: "training.lr", min: 1e-5, max: 10, step: 0.01, log: true, most: 1000, ...entry(top, "lr") });
}

export function trainingControls() {
  const rate = slider({
    field: "regularization_rate", label: "training.rate", min: 1e-5, max: 1, step: 0.01, log: true, most: 100,
    ...entry(top, "regularization_rate"),
  });
  const described = [
    choice({ field: "loss", label: "training.loss", names: losses, ...entry(top, "loss") }),
    choice({
      field: "normalization", label: "training.normalization", names: () => store.hello?.normalizations ?? [],
      ...entry(top, "normalization"),
    }),
    check({ field: "residual", label: "training.residual", ...entry(top, "residual") }),
  ];
  const [loss, ...design] = described;
  const controls = [
    loss,
    choice({ field: "optimizer", label: "training.optimizer", names: () => store.hello?.optimizers ?? [], ...entry(top, "optimizer") }),
    slider({ field: "batch", label: "training.batch", min: 0, max: 500, step: 1, most: 2000, ...entry(top, "batch") }),
    slider({ field: "clip", label: "training.clip", min: 0, max: 10, step: 0.1, most: 1000, ...entry(top, "clip") }),
    ...design,
    choice({
      field: "regularization", label: "training.regularization", names: () => store.hello?.regularizations ?? [],
      ...entry(top, "regularization"),
    }),
    rate,
  ];
  bind(() => {
    controls.forEach(({ sync }) => sync());
    for (const { root } of described) root.hidden = isOwn(); // the user's model and loss are as they are
    rate.root.hidden = store.config.regularization === "none";
  });
  return group("training.title", true, ...controls.map(({ root }) => root));
}

/** The largest seed. */
const MOST = 2 ** 32 - 1;
const chance = () => Math.floor(Math.random() * 10000);

export function seedControls() {
  const limited = (/** @type {number} */ value) => Math.min(Math.max(Math.round(value) || 0, 0), MOST);
  const seed = h("input", {
    id: "seed", type: "number", min: 0, max: MOST, step: 1, "data-field": "seed",
    onchange: () => change((config) => void (config.seed = limited(seed.valueAsNumber))),
  });
  const dataSeed = h("input", {
    id: "data-seed", type: "number", min: 0, max: MOST, step: 1, "data-field": "data.seed", t_placeholder: "seed.same",
    onchange: () => change((config) => void (config.data.seed = dataSeed.value === "" ? null : limited(dataSeed.valueAsNumber))),
  });
  const fresh = h("button", {
    type: "button", t: "seed.new", t_title: "seed.new.long",
    onclick: () => change((config) => {
      config.data.seed ??= config.seed; // the same data
      config.seed = chance();
    }),
  });
  const data = h("button", {
    type: "button", t: "seed.data.new", t_title: "seed.data.new.long",
    onclick: () => change((config) => void (config.data.seed = chance())),
  });
  bind(() => {
    seed.value = String(store.config.seed);
    dataSeed.value = String(store.config.data.seed ?? "");
  });
  return group("seed.title", true,
    h("div", { class: "control seed" }, h("label", { for: "seed", t: "seed.seed" }), seed, fresh),
    h("div", { class: "control seed" }, h("label", { for: "data-seed", t: "seed.data" }), dataSeed, data));
}
