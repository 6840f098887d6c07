// What the network learns: a data set of the library, or points of one's own by click or from a file.

import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { showError } from "../notices.js";
import { defaultConfig, isOwn, isRegression, store } from "../state.js";
import { parsePoints } from "./csv.js";
import { bind, choice, entry, group, slider } from "./fields.js";
import { pointPad } from "./pointpad.js";

export function dataControls() {
  const data = (/** @type {import("../types.js").Config} */ config) => config.data;
  const name = choice({
    field: "data.name", label: "data.name", names: () => store.hello?.data ?? ["circles"],
    get: () => store.config.data.name,
    set: (chosen) => change((config) => {
      config.data.name = chosen;
      // Numbers are learned by one loss alone; after them, classes by the page's own.
      const before = isRegression(store.config.data.name) ? defaultConfig().loss : config.loss;
      if (isRegression(chosen)) config.loss = "half_squared_error";
      else config.loss = chosen === "digits" && before === "binary_cross_entropy_with_logits" ? "cross_entropy" : before;
    }),
  });
  const samples = slider({
    field: "data.samples", label: "data.samples", min: 20, max: 2000, step: 10, ...entry(data, "samples"),
  });
  const noise = slider({ field: "data.noise", label: "data.noise", min: 0, max: 1, step: 0.01, ...entry(data, "noise") });
  const test = slider({ field: "data.test", label: "data.test", min: 0, max: 0.9, step: 0.05, ...entry(data, "test") });
  const features = featureControl();
  const pad = pointPad();
  const file = h("input", { id: "csv", type: "file", accept: ".csv,.txt,text/csv", onchange: () => void upload(file) });
  const own = h("div", { class: "own", "data-field": "data.points" },
    pad.root,
    h("div", { class: "control file" }, h("label", { for: "csv", t: "data.csv" }), file),
    h("p", { class: "hint", t: "data.csv.hint" }));
  const size = h("p", { class: "hint" });
  bind(() => {
    for (const control of [name, samples, noise, test, features, pad]) control.sync();
    const { data: chosen } = store.config;
    const mine = chosen.name === "points";
    const given = isOwn();
    own.hidden = !mine || given;
    name.root.hidden = given;
    samples.root.hidden = mine || given;
    noise.root.hidden = mine || given || chosen.name === "digits";
    features.root.hidden = chosen.name === "digits" || given;
    const classes = new Set(chosen.points.map(([, , kind]) => kind)).size;
    setText(size, mine ? t(classes < 2 ? "data.few" : "data.count", { n: chosen.points.length }) : "");
    size.hidden = !mine;
  });
  return group("data.title", true, name.root, samples.root, noise.root, own, size, test.root, features.root);
}

/** What the network sees of a point: at least one feature. */
function featureControl() {
  const names = () => store.hello?.features ?? store.config.features;
  const boxes = h("div", { class: "features" });
  const root = h("fieldset", { class: "control inner", "data-field": "features" }, h("legend", { t: "data.features" }), boxes);
  function sync() {
    if (boxes.children.length !== names().length) {
      boxes.replaceChildren(...names().map((name) => {
        const box = h("input", { id: `feature-${name}`, type: "checkbox", onchange: () => toggle(name) });
        return h("span", { class: "check" }, box, h("label", { for: box.id, t: `option.${name}` }));
      }));
    }
    names().forEach((name) => {
      const box = document.getElementById(`feature-${name}`) ?? boxes.querySelector(`#feature-${name}`);
      if (!(box instanceof HTMLInputElement)) return;
      box.checked = store.config.features.includes(name);
      box.disabled = box.checked && store.config.features.length === 1;
    });
  }
  const toggle = (/** @type {string} */ chosen) => change((config) => {
    config.features = names().filter((name) => config.features.includes(name) !== (name === chosen));
  });
  return { root, sync };
}

/** @param {HTMLInputElement} input */
async function upload(input) {
  const file = input.files?.[0];
  input.value = ""; // the same file may be chosen again after it was mended
  if (!file) return;
  try {
    const points = parsePoints(await file.text(), store.hello?.limits.samples ?? 2000);
    change((config) => {
      config.data.name = "points";
      config.data.points = points;
    });
  } catch (error) {
    showError("data.points", error instanceof Error ? error.message : String(error));
  }
}
