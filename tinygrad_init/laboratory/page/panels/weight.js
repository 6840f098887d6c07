// The selected weight or bias: its value, which may be set by hand, and its gradient.

import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { change } from "../lab.js";
import { format } from "../scale.js";
import { store } from "../state.js";
import { detail } from "./selection.js";

/**
 * A weight (or a bias) is set from a step on, this one unless given.
 * @param {number} run @param {number} layer @param {number} unit @param {number | null} input @param {number} value @param {number} [step]
 */
export function setWeight(run, layer, unit, input, value, step = store.frame?.step ?? 0) {
  const place = JSON.stringify([step, run, layer, unit, input]);
  change((config) => {
    const others = config.edits.filter((one) => JSON.stringify([one.step, one.run, one.layer, one.unit, one.input]) !== place);
    config.edits = [...others, { step, run, layer, unit, input, value }];
  }, true);
}

/** @returns {{root: HTMLElement, draw: () => void}} */
export function weightField() {
  const name = h("span");
  const value = h("input", { type: "number", step: "any", min: -1000, max: 1000, onchange: edit });
  const gradient = h("span");
  const undo = h("button", { type: "button", class: "quiet", onclick: () => change((config) => void (config.edits = []), true) });
  const root = h("span", { class: "weight numbers", "data-field": "edits" }, h("label", {}, name, value), gradient, undo);

  /** The weight is what is typed from this step on; what came before stays as it was. */
  function edit() {
    const { run } = store.selection;
    const found = detail();
    const step = store.frame?.step ?? 0;
    if (!found || found.unit === null || !Number.isFinite(value.valueAsNumber)) return draw();
    setWeight(run, found.layer, found.unit, found.input, value.valueAsNumber, step);
  }

  function draw() {
    const found = detail();
    const weight = found?.weight ?? null;
    for (const part of [value, name, gradient]) part.hidden = weight === null;
    const symbol = (found?.input ?? null) === null ? "b" : "w";
    setText(name, `${symbol} =`);
    value.setAttribute("aria-label", t(`selected.${symbol}`));
    // Whoever types is not corrected before having finished.
    if (weight && document.activeElement !== value) value.value = String(weight.value ?? "");
    setText(gradient, weight ? t("selected.gradient", { symbol, gradient: format(weight.gradient) }) : "");
    undo.hidden = !store.config.edits.length;
    setText(undo, t("selected.undo", { n: store.config.edits.length }));
  }

  store.on(["config", "language"], draw);
  return { root, draw };
}
