// The controls of the page that is one file: what lies in it.

import { bind, check, choice, entry, group } from "../controls/fields.js";
import { startEditor } from "../controls/start.js";
import { rateControl } from "../controls/training.js";
import { byId } from "../dom.js";
import { change } from "../lab.js";
import { store } from "../state.js";
import { file } from "./file.js";

/** @typedef {import("../types.js").Config} Config */

/** What stands between the layers of a config. @param {Config} config */
function stackOf(config) {
  const plain = { normalization: "none", residual: false };
  return Object.keys(file.stacks).find((name) => {
    const { normalization, residual } = { ...plain, ...file.stacks[name] };
    return normalization === config.normalization && residual === config.residual;
  }) ?? "plain";
}

/** Runs beside the first have what they differ in from a scene; whoever changes the experiment has one of their own. @param {(config: Config) => void} mutate */
const alone = (mutate) => change((config) => {
  mutate(config);
  config.variants = [];
});

export function controls() {
  const { grid } = file;
  const texts = (/** @type {(string | number)[]} */ values) => () => values.map(String);
  const all = [
    choice({
      field: "activations", label: "layers.activation", names: texts(grid.activations),
      get: () => store.config.activations[0], set: (name) => change((config) => void (config.activations = [name])),
    }),
    startEditor({
      field: "starts", label: "layers.start",
      get: () => store.config.starts[0], set: (start) => change((config) => void (config.starts = start ? [start] : config.starts)),
    }),
    choice({
      field: "layers", label: "layers.depth", names: texts(grid.depths),
      get: () => String(store.config.layers.length),
      set: (depth) => alone((config) => void (config.layers = Array(Number(depth)).fill(Number(grid.widths.includes(config.layers[0]) ? config.layers[0] : grid.widths[0])))),
    }),
    ...(grid.widths.length > 1 ? [choice({
      field: "width", label: "layers.width", names: texts(grid.widths),
      get: () => String(store.config.layers[0]), set: (width) => alone((config) => void (config.layers = config.layers.map(() => Number(width)))),
    })] : []),
    choice({
      field: "normalization", label: "single.stack", names: () => Object.keys(file.stacks).filter((name) => grid.stacks.includes(name)),
      get: () => stackOf(store.config),
      set: (name) => change((config) => void Object.assign(config, { normalization: "none", residual: false }, file.stacks[name])),
    }),
    rateControl(),
    check({
      field: "clip", label: "single.clip",
      get: () => store.config.clip > 0, set: (on) => change((config) => void (config.clip = on ? file.clip : 0)),
    }),
    choice({ field: "data.name", label: "data.name", names: () => store.hello?.data ?? [], ...entry((config) => config.data, "name") }),
    choice({
      field: "seed", label: "seed.seed", names: texts(grid.seeds),
      get: () => String(store.config.seed), set: (seed) => change((config) => void (config.seed = Number(seed))),
    }),
  ];
  bind(() => all.forEach(({ sync }) => sync()));
  byId("controls").append(group("single.experiment", true, ...all.map(({ root }) => root)));
}
