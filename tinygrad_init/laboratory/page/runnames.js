// What runs are called: their letter, and in what they differ.

import { optionName } from "./controls/fields.js";
import { settingLabel } from "./controls/differences.js";
import { t } from "./i18n.js";
import { format } from "./scale.js";
import { configOf, differencesOf, runLabel, store } from "./state.js";

/** How many differences have room in a name. */
const MOST = 2;

/** The letter of a run, and what it has where runs differ: such as "B · clip 1". @param {number} run @returns {string} */
export function runName(run) {
  const { config } = store.built ? { config: /** @type {import("./types.js").Config} */ (/** @type {unknown} */ (store.built.config)) } : store;
  const all = config.variants.map((_, i) => differencesOf(config, i));
  const names = run ? all[run - 1] ?? [] : [...new Set(all.flat())];
  if (!names.length || names.length > MOST) return runLabel(run);
  return `${runLabel(run)} · ${names.map((name) => said(name, /** @type {any} */ (configOf(config, run))[name])).join(t("join"))}`;
}

/** @param {string} name @param {any} value */
function said(name, value) {
  if (name === "layers") return t("run.layers", { n: value.length, width: [...new Set(value)].join("/") });
  if (name === "activations") return [...new Set(value)].map((one) => optionName(String(one))).join("/");
  if (name === "starts") return [...new Set(value.map(startName))].join("/");
  if (name === "data") return optionName(value.name);
  if (name === "clip") return value ? t("run.clip", { n: format(value) }) : t("run.clip.none");
  if (name === "residual") return t(value ? "run.residual" : "run.residual.none");
  if (name === "normalization") return value === "none" ? t("run.normalization.none") : t("run.normalization", { name: optionName(value) });
  if (typeof value === "number") return `${t(settingLabel(name))} ${format(value)}`;
  return optionName(String(value));
}

/** @param {import("./types.js").Start} start */
function startName({ name, sigma_w: sigma, constant }) {
  if (name === "normal") return `σ_w ${format(sigma)}`;
  return name === "constant" ? `${optionName(name)} ${format(constant)}` : optionName(name);
}
