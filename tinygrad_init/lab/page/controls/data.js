// What the network learns: a data set of the library, or points of one's own by click or from a file.

import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { showError } from "../notices.js";
import { store } from "../state.js";
import { parsePoints } from "./csv.js";
import { bind, choice, entry, group, slider } from "./fields.js";
import { pointPad } from "./pointpad.js";

export function dataControls() {
  const data = (/** @type {import("../types.js").Config} */ config) => config.data;
  const name = choice({
    field: "data.name", label: "data.name", names: () => store.hello?.data ?? ["circles"], ...entry(data, "name"),
  });
  const samples = slider({
    field: "data.samples", label: "data.samples", min: 20, max: 2000, step: 10, ...entry(data, "samples"),
  });
  const noise = slider({ field: "data.noise", label: "data.noise", min: 0, max: 1, step: 0.01, ...entry(data, "noise") });
  const pad = pointPad();
  const file = h("input", { id: "csv", type: "file", accept: ".csv,.txt,text/csv", onchange: () => void upload(file) });
  const own = h("div", { class: "own", "data-field": "data.points" },
    pad.root,
    h("div", { class: "control file" }, h("label", { for: "csv", t: "data.csv" }), file),
    h("p", { class: "hint", t: "data.csv.hint" }));
  const size = h("p", { class: "hint" });
  bind(() => {
    for (const control of [name, samples, noise, pad]) control.sync();
    const { data: chosen } = store.config;
    const mine = chosen.name === "points";
    own.hidden = !mine;
    samples.root.hidden = mine;
    noise.root.hidden = mine || chosen.name === "digits";
    setText(size, mine ? t("data.count", { n: chosen.points.length }) : "");
    size.hidden = !mine;
  });
  return group("data.title", true, name.root, samples.root, noise.root, own, size);
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
