// Config, language, panel, scene and looks in the part of the address after "#": a link is the experiment, and the back button
// goes back to the one before. The server never sees it.

import { PRESETS, presetOf } from "./guide/presets.js";
import { defaultConfig, makeStart } from "./state.js";
import { SCENES } from "./tour/scenes.js";

/** What is on or off, and off unless the address says so. */
const FLAGS = /** @type {const} */ (["large", "explain", "plain", "eachUnit"]);

/** So many runs beside the first a link may hold (laboratory/messages/config.py). */
const MOST_VARIANTS = 3;

/** What a link may hold. */
export const PARTS = ["config", "lang", "panel", "scene", "preset", "theme", ...FLAGS, "edges", "sizes", "log", "discrete", "held", "step"];

/** What the address says: the part after "#", else what stands after "?", where hosts have words of their own as well. */
export function linkHere() {
  if (location.hash.length > 1) return location.hash;
  return `#${new URLSearchParams([...new URLSearchParams(location.search)].filter(([name]) => PARTS.includes(name)))}`;
}

/** Where a scene stands, from 0, of its name or number from 1; -1 if there is none. @param {string | null} wanted @param {string[]} scenes */
export const placeOf = (wanted, scenes) => scenes.findIndex((id, i) => wanted === id || wanted === String(i + 1));

/**
 * @typedef {{preset: string | null, theme: "auto" | "light" | "dark", large: boolean, explain: boolean, plain: boolean, eachUnit: boolean,
 *   config: import("./types.js").Config, language: import("./i18n.js").Language | null, panel: string | null,
 *   scene: number | null, edges: "weight" | "gradient", sizes: ("dz" | "z" | "dw")[] | null, logLoss: boolean, discrete: boolean, held: boolean, step: number}} Saved
 */

/** @param {string} text */
function toBase64url(text) {
  const bytes = new TextEncoder().encode(text);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text */
function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}

/** @param {Saved} saved @returns {string} */
export function encode(saved) {
  const parts = new URLSearchParams({ config: toBase64url(JSON.stringify(saved.config)) });
  if (saved.language) parts.set("lang", saved.language);
  if (saved.panel) parts.set("panel", saved.panel);
  if (saved.scene !== null) parts.set("scene", String(saved.scene + 1));
  if (saved.preset !== null) parts.set("preset", saved.preset);
  if (saved.theme !== "auto") parts.set("theme", saved.theme);
  for (const name of FLAGS) if (saved[name]) parts.set(name, "1");
  if (saved.edges === "gradient") parts.set("edges", "gradient");
  if (saved.sizes) parts.set("sizes", saved.sizes.join("."));
  if (saved.logLoss) parts.set("log", "1");
  if (saved.discrete) parts.set("discrete", "1");
  if (!saved.held) parts.set("held", "0");
  if (saved.step > 0) parts.set("step", String(saved.step));
  return `#${parts}`;
}

/**
 * Whatever cannot be read is left at its default; whether what can be read is allowed, the server says.
 * @param {string} hash
 * @returns {Saved}
 */
export function decode(hash) {
  const parts = new URLSearchParams(hash.slice(1));
  const language = parts.get("lang");
  const place = placeOf(parts.get("scene"), SCENES.map(({ id }) => id));
  const scene = /** @type {import("./tour/scenes.js").Scene | undefined} */ (SCENES[place]);
  const theme = parts.get("theme");
  // Whoever brings nothing that is known sees the first experiment by name; whoever brings only a name, that one.
  const preset = presetOf(parts.get("preset")) ?? (parts.has("config") || scene ? null : PRESETS[0]);
  const flags = /** @type {Record<typeof FLAGS[number], boolean>} */ (Object.fromEntries(FLAGS.map((name) => [name, parts.get(name) === "1"])));
  return {
    ...flags,
    preset: preset?.id ?? null,
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    config: parts.has("config") ? readConfig(parts.get("config")) : (scene ?? preset)?.config() ?? defaultConfig(),
    language: language === "en" || language === "zh" ? language : null,
    panel: parts.get("panel") ?? scene?.panel ?? null,
    scene: scene ? place : null,
    edges: (parts.get("edges") ?? (parts.has("config") ? null : scene?.edges)) === "gradient" ? "gradient" : "weight",
    sizes: readSizes(parts.get("sizes")),
    logLoss: parts.get("log") === "1",
    discrete: parts.get("discrete") === "1",
    held: parts.get("held") !== "0",
    step: Math.min(Math.max(Math.trunc(Number(parts.get("step"))) || 0, 0), 1e7),
  };
}

/** What the chart over depth may draw. */
const SIZES = /** @type {const} */ (["dz", "z", "dw"]);

/** @param {string | null} text @returns {("dz" | "z" | "dw")[] | null} */
function readSizes(text) {
  const found = SIZES.filter((one) => text?.split(".").includes(one));
  return found.length ? found : null;
}

/** In what a run may differ from the first, besides data, layers, activations and starts. */
export const SETTINGS = /** @type {const} */ (["lr", "optimizer", "batch", "clip", "loss", "normalization", "residual", "regularization", "regularization_rate", "seed"]);

/** What losses of older links are called now. @type {Record<string, import("./types.js").Config["loss"]>} */
const FORMERLY = { binary_cross_entropy: "binary_cross_entropy_with_logits" };

/** A config that may come from anywhere, with the default where it does not fit. @param {unknown} value @returns {import("./types.js").Config} */
export function fitting(value) {
  /** @type {import("./types.js").Config} */
  const config = like(value, defaultConfig(), "");
  config.loss = FORMERLY[config.loss] ?? config.loss;
  config.edits = config.edits.filter(({ run }) => run <= config.variants.length);
  return config;
}

/** @param {string | null} text @returns {import("./types.js").Config} */
function readConfig(text) {
  const found = parsed(text ?? "");
  return found === null ? defaultConfig() : fitting(found);
}

/** What stands in a link as its config; null if that cannot be read. @param {string} text @returns {any} */
export function parsed(text) {
  try {
    const found = JSON.parse(fromBase64url(text));
    return typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/**
 * A value of a link, if it has the shape of the default one; a link may come from anywhere.
 * @param {any} value
 * @param {any} model
 * @param {string} name
 * @returns {any}
 */
function like(value, model, name) {
  if (Array.isArray(model)) {
    if (!Array.isArray(value)) return model;
    if (name === "starts") return value.length ? value.map((start) => like(start, makeStart(), "")) : model;
    if (name === "variants") return value.filter((variant) => typeof variant?.label === "string").slice(0, MOST_VARIANTS).map(readVariant);
    if (name === "points") return value.filter((p) => Array.isArray(p) && p.length === 3 && p.every(Number.isFinite));
    if (name === "edits") return value.filter(isEdit);
    const kind = name === "layers" ? "number" : "string";
    const fitting = value.filter((item) => typeof item === kind);
    return fitting.length || name === "layers" ? fitting : model;
  }
  if (model === null) return typeof value === "number" ? value : null; // a seed that may be left out
  if (typeof model === "object") {
    const found = typeof value === "object" && value !== null ? value : {};
    return Object.fromEntries(Object.entries(model).map(([key, inner]) => [key, like(found[key], inner, key)]));
  }
  return typeof value === typeof model ? value : model;
}

/** @param {any} edit */
function isEdit(edit) {
  const { input, ...numbers } = Object(edit);
  return ["step", "run", "layer", "unit", "value"].every((name) => Number.isFinite(numbers[name])) && (input === null || Number.isFinite(input));
}

/** @param {any} value @returns {import("./types.js").Variant} */
function readVariant(value) {
  /** @type {import("./types.js").Variant} */
  const variant = { label: value.label };
  if (Array.isArray(value.activations)) variant.activations = like(value.activations, ["tanh"], "activations");
  if (Array.isArray(value.starts)) variant.starts = like(value.starts, [makeStart()], "starts");
  if (Array.isArray(value.layers)) variant.layers = like(value.layers, [6], "layers");
  const model = defaultConfig();
  if (typeof value.data === "object" && value.data !== null) variant.data = like(value.data, model.data, "data");
  for (const name of SETTINGS) {
    if (typeof value[name] === typeof model[name]) Object.assign(variant, { [name]: value[name] });
  }
  return variant;
}
