// In what else a run differs from the first: any setting, which is chosen from a menu and then has a control of its own.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { configOf, isOwn, isRegression, store } from "../state.js";
import { SETTINGS } from "../urlstate.js";
import { check, choice, setOptions, slider } from "./fields.js";

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {Setting | "data"} Name */

const NAMES = /** @type {Name[]} */ (["data", ...SETTINGS]);
/** Of a model of somebody's own these are as they are. */
const NOT_OWN = ["data", "loss", "normalization", "residual"];

/** What a setting is called. @param {string} name */
export const settingLabel = (name) => ({
  data: "data.name", lr: "training.lr", batch: "training.batch", clip: "training.clip", loss: "training.loss",
  optimizer: "training.optimizer", normalization: "training.normalization", residual: "training.residual",
  regularization: "training.regularization", regularization_rate: "training.rate", seed: "seed.seed",
}[name] ?? name);

/** Something else than the first run has: a copy that differs in nothing shows two equal pictures. @param {Name} name */
function other(name) {
  const { config } = store;
  const names = store.hello;
  const next = (/** @type {readonly string[]} */ list, /** @type {string} */ now) => list.find((one) => one !== now && one !== "none") ?? now;
  switch (name) {
    case "data": return { ...config.data, name: isRegression(config.data.name) ? (config.data.name === "plane" ? "hills" : "plane") : config.data.name === "moons" ? "circles" : config.data.name === "digits" ? "digits" : "moons" };
    case "lr": return config.lr * 3;
    case "batch": return config.batch ? 0 : 16;
    case "clip": return config.clip ? 0 : 1;
    case "residual": return !config.residual;
    case "seed": return config.seed + 1;
    case "regularization_rate": return config.regularization_rate * 10 || 0.001;
    case "normalization": return config.normalization === "none" ? "layer" : "none";
    case "regularization": return config.regularization === "none" ? "l2" : "none";
    case "optimizer": return config.optimizer === "adam" ? "sgd" : "adam";
    default: return next(names?.losses ?? [], config.loss);
  }
}

/** @param {number} i which variant, from 0 */
export function differenceControls(i) {
  const own = () => /** @type {any} */ (store.config.variants[i] ?? {});
  const value = (/** @type {Name} */ name) => /** @type {any} */ (configOf(store.config, i + 1))[name];
  const set = (/** @type {Name} */ name, /** @type {any} */ to) => change((config) => {
    const variant = /** @type {any} */ (config.variants[i]);
    if (to === null) delete variant[name];
    else variant[name] = to;
  });
  const named = (/** @type {Name} */ name, /** @type {() => string[]} */ names) => choice({
    field: `variants.${i}.${name}`, label: settingLabel(name), names, get: () => value(name), set: (to) => set(name, to),
  });
  const numbered = (/** @type {Name} */ name, /** @type {{min: number, max: number, step: number, log?: boolean, most?: number}} */ range) => slider({
    field: `variants.${i}.${name}`, label: settingLabel(name), ...range, get: () => value(name), set: (to) => set(name, to),
  });
  const kinds = () => (store.hello?.data ?? []).filter((name) => name !== "points" && (name === "digits") === (store.config.data.name === "digits"));
  /** @type {Record<Name, {root: HTMLElement, sync: () => void}>} */
  const controls = {
    data: choice({
      field: `variants.${i}.data.name`, label: "data.name", names: kinds, get: () => value("data").name,
      set: (name) => change((config) => {
        const variant = config.variants[i];
        variant.data = { ...value("data"), name };
        if (isRegression(name)) variant.loss = "half_squared_error";
      }),
    }),
    lr: numbered("lr", { min: 1e-5, max: 10, step: 0.01, log: true, most: 1000 }),
    batch: numbered("batch", { min: 0, max: 500, step: 1, most: 2000 }),
    clip: numbered("clip", { min: 0, max: 10, step: 0.1, most: 1000 }),
    loss: named("loss", () => [...(store.hello?.losses ?? [])]),
    optimizer: named("optimizer", () => [...(store.hello?.optimizers ?? [])]),
    normalization: named("normalization", () => [...(store.hello?.normalizations ?? [])]),
    residual: check({ field: `variants.${i}.residual`, label: "training.residual", get: () => value("residual"), set: (to) => set("residual", to) }),
    regularization: named("regularization", () => [...(store.hello?.regularizations ?? [])]),
    regularization_rate: numbered("regularization_rate", { min: 1e-5, max: 1, step: 0.01, log: true, most: 100 }),
    seed: numbered("seed", { min: 0, max: 1000, step: 1, most: 2 ** 32 - 1 }),
  };
  const rows = NAMES.map((name) => {
    const back = h("button", { type: "button", class: "quiet back", t_label: "variants.asA", t_title: "variants.asA", onclick: () => set(name, null) }, "×");
    return { name, root: h("div", { class: "difference" }, controls[name].root, back) };
  });
  const add = h("select", { t_label: "variants.also", "data-field": `variants.${i}`, onchange: () => {
    const name = NAMES.find((one) => one === add.value);
    if (name) set(name, other(name));
  } });
  const root = h("div", { class: "differences" }, ...rows.map((row) => row.root), h("div", { class: "control bare" }, add));
  return {
    root,
    sync() {
      for (const { name, root: row } of rows) {
        row.hidden = own()[name] === undefined || own()[name] === null;
        if (!row.hidden) controls[name].sync();
      }
      const left = NAMES.filter((name) => (own()[name] ?? null) === null && !(isOwn() && NOT_OWN.includes(name)));
      setOptions(add, [["", t("variants.also")], ...left.map((name) => /** @type {[string, string]} */ ([name, t(settingLabel(name))]))]);
      add.value = "";
    },
  };
}
