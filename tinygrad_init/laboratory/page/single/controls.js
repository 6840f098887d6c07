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

/** A width that is in the file: single units are the tour's alone. @param {Config} config */
const widthOf = ({ layers: [width] }) => (file.grid.widths.includes(width) ? width : file.grid.widths[0]);

export function controls() {
  const { grid } = file;
  const texts = (/** @type {(string | number)[]} */ values) => () => values.map(String);
  const first = [
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
      set: (depth) => alone((config) => void (config.layers = Array(Number(depth)).fill(widthOf(config)))),
    }),
    rateControl(),
  ];
  const more = [
    ...(grid.widths.length > 1 ? [choice({
      field: "width", label: "layers.width", names: texts(grid.widths),
      get: () => String(store.config.layers[0]), set: (width) => alone((config) => void (config.layers = config.layers.map(() => Number(width)))),
    })] : []),
    choice({
      field: "normalization", label: "single.stack", names: () => Object.keys(file.stacks).filter((name) => grid.stacks.includes(name)),
      get: () => stackOf(store.config),
      set: (name) => change((config) => void Object.assign(config, { normalization: "none", residual: false }, file.stacks[name])),
    }),
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
  bind(() => [...first, ...more].forEach(({ sync }) => sync()));
  const tried = group("first.title", true, ...first.map(({ root }) => root));
  tried.open = true; // on a phone as well
  tried.classList.add("first");
  const form = byId("controls");
  form.append(tried, group("single.experiment", true, ...more.map(({ root }) => root)));
  form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field changes it, no more
}
