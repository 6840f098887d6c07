// What the page knows, in one place. Displays listen to topics and read; only lab.js and the controls write.

import { host } from "./host.js";
import { t } from "./i18n.js";

/**
 * @typedef {import("./types.js").Config} Config
 * @typedef {import("./types.js").Start} Start
 * @typedef {{run: number, layer: number | null, unit: number | null, input: number | null}} Selection
 * @typedef {"config" | "hello" | "built" | "frame" | "selection" | "going" | "view" | "language" | "connection"} Topic
 */

/** @returns {Start} */
export function makeStart(name = "xavier") {
  return { name, sigma_w: 1, sigma_b: 0, constant: 0.1 };
}

/** A small network that trains, so that the first picture moves. @returns {Config} */
export function defaultConfig() {
  return {
    data: { name: "circles", samples: 200, noise: 0.1, test: 0.3, seed: null, points: [] },
    features: ["x", "y"],
    layers: [6, 6, 6, 6],
    activations: ["tanh"],
    starts: [makeStart()],
    loss: "binary_cross_entropy_with_logits",
    optimizer: "sgd",
    lr: 0.3,
    batch: 0,
    clip: 0,
    normalization: "none",
    residual: false,
    regularization: "none",
    regularization_rate: 0.001,
    seed: 1,
    edits: [],
    variants: [],
  };
}

class Store {
  /** @type {Config} */
  config = defaultConfig();
  /** @type {import("./protocol.js").Hello | null} */
  hello = null;
  /** What the server built from the config. @type {import("./protocol.js").State | null} */
  built = null;
  /** Only the newest. @type {import("./protocol.js").Frame | null} */
  frame = null;
  /** While a distant step is gone to. @type {import("./protocol.js").Progress | null} */
  going = null;
  /** @type {Selection} */
  selection = { run: 0, layer: 0, unit: null, input: null };
  view = {
    /** What the edges show. @type {"weight" | "gradient"} */
    edges: "weight",
    /** What the chart over depth draws; null: everything of one run, the gradient of several. @type {("dz" | "z" | "dw")[] | null} */
    sizes: null,
    panel: "histograms",
    /** The scene of the tour, from 0; null while it is closed. @type {number | null} */
    scene: null,
    logLoss: false,
    /** The map in two colours, without shades between. */
    discrete: false,
    /** Whether the points that are held out are shown. */
    held: true,
    /** The experiment by name that was chosen last. @type {string | null} */
    preset: null,
    /** @type {"auto" | "light" | "dark"} */
    theme: "auto",
    /** Larger, for a projector. */
    large: false,
    /** Whether every panel says what it is. */
    explain: false,
    /** Without the controls on the left: for lessons. */
    plain: false,
    /** Maps of units each on a scale of its own, instead of one for all. */
    eachUnit: false,
  };
  /** @type {"connecting" | "open" | "lost"} */
  connection = "connecting";

  /** @type {Map<Topic, (() => void)[]>} */
  #listeners = new Map();

  /**
   * @param {Topic | Topic[]} topics
   * @param {() => void} listener
   */
  on(topics, listener) {
    for (const topic of Array.isArray(topics) ? topics : [topics]) {
      this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), listener]);
    }
  }

  /** @param {Topic} topic */
  emit(topic) {
    for (const listener of this.#listeners.get(topic) ?? []) listener();
  }
}

export const store = new Store();

/** Whether model and data are the user's own, in a notebook. */
export function isOwn() {
  return store.hello?.own ?? host?.own ?? false;
}

/** Whether data have numbers to be learned instead of classes. @param {string} name */
export function isRegression(name) {
  return store.hello?.regressions.includes(name) ?? false;
}

/** What a run is called: the first is A, the others are labelled in the config. @param {number} run @returns {string} */
export function runLabel(run) {
  return store.built?.runs[run]?.label || String.fromCharCode(65 + run);
}

/** @param {number} layer @param {number} run */
export function layerName(layer, run) {
  const layers = store.built?.runs[run]?.layers ?? [];
  return layer === layers.length - 1 ? t("layers.output") : t("layers.nth", { n: layer + 1 });
}

/** The config of a run: the first, or with what a variant changes. @param {Config} config @param {number} run @returns {Config} */
export function configOf(config, run) {
  const variant = config.variants[run - 1];
  if (!variant) return config;
  const { label: _, ...rest } = variant;
  const changed = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null);
  return { ...config, ...Object.fromEntries(changed) };
}

/** In what a variant differs from the first run. @param {Config} config @param {number} i from 0 @returns {string[]} */
export function differencesOf(config, i) {
  const { label: _, ...rest } = config.variants[i] ?? { label: "" };
  return Object.entries(rest).filter(([name, value]) => (
    value !== undefined && value !== null && JSON.stringify(value) !== JSON.stringify(/** @type {any} */ (config)[name])
  )).map(([name]) => name);
}

/** The activation of every hidden layer. @param {Config} config @returns {string[]} */
export function activationsOf(config) {
  const { activations, layers } = config;
  return layers.map((_, i) => activations[activations.length === 1 ? 0 : i] ?? activations[0]);
}

/** The start of every linear map, the output's included. @param {Config} config @returns {Start[]} */
export function startsOf(config) {
  const { starts, layers } = config;
  return [...layers, 0].map((_, i) => starts[starts.length === 1 ? 0 : i] ?? starts[0]);
}

/**
 * Activations and starts for each layer, where there are several, become as many as there are layers: what was said of a
 * layer stays with it, new ones are like the last hidden one.
 * @param {Config} config
 */
export function settle(config) {
  if (isOwn()) return; // whose layers are the model's
  [config, ...config.variants].forEach((_, i) => reopen(config, i));
  [config, ...config.variants].forEach((run, i) => {
    const { layers, activations, starts } = configOf(config, i);
    const depth = layers.length;
    if (!depth && (activations.length > 1 || starts.length > 1)) collapsed.set(i, { activations, starts });
    if (activations.length > 1 && activations.length !== depth) {
      run.activations = depth ? layers.map((_, k) => activations[Math.min(k, activations.length - 1)]) : [activations[0]];
    }
    if (starts.length > 1 && starts.length !== depth + 1) {
      const [output, hidden] = [starts[starts.length - 1], starts.slice(0, -1)];
      run.starts = [...layers, 0].map((_, k) => structuredClone(k === depth ? output : hidden[Math.min(k, hidden.length - 1)] ?? output));
    }
  });
}

/** What was said for each layer before a run had no hidden layers, as while a slider is dragged past 0. @type {Map<number, {activations: string[], starts: Start[]}>} */
const collapsed = new Map();

/** Says it again as soon as there are hidden layers, unless something else was said since. @param {Config} config @param {number} i */
function reopen(config, i) {
  const before = collapsed.get(i);
  if (!before || !configOf(config, i).layers.length) return;
  collapsed.delete(i);
  if (configOf(store.config, i).layers.length) return;
  const run = i ? config.variants[i - 1] : config;
  const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a) === JSON.stringify(b);
  if (same(run.activations, [before.activations[0]])) run.activations = before.activations;
  if (same(run.starts, before.starts.slice(-1))) run.starts = before.starts;
}

/** So many hidden layers; new ones are as wide as the last. @param {number[]} layers @param {number} depth */
export function deepened(layers, depth) {
  const wanted = Math.min(Math.max(Math.round(depth), 0), store.hello?.limits.layers ?? 60);
  return Array.from({ length: wanted }, (_, i) => layers[i] ?? layers[layers.length - 1] ?? 6);
}

/** What all of a list are, if they are all the same. @template T @param {T[]} list @returns {T | null} */
export function only(list) {
  return new Set(list.map((one) => JSON.stringify(one))).size === 1 ? list[0] : null;
}

/** @param {number} value */
export function asWidth(value) {
  return Math.min(Math.max(Math.round(value), 1), store.hello?.limits.width ?? 64);
}
