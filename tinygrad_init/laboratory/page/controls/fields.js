// The kinds of controls: each shows a part of the config and changes it. `field` is the name of that part in the server's
// messages, so that an error stands where its cause can be mended.

import { h } from "../dom.js";
import { has, t } from "../i18n.js";
import { change } from "../lab.js";
import { store } from "../state.js";
import { nameFor } from "../terms.js";

/** @typedef {import("../types.js").Config} Config */

let count = 0;

/** Runs at once and after every change of the config. @param {() => void} sync */
export function bind(sync) {
  sync();
  store.on(["config", "hello", "language"], sync);
}

/** What the server calls a thing, as a person does. @param {string} name */
export function optionName(name) {
  return has(`option.${name}`) ? t(`option.${name}`) : name.replaceAll("_", " ");
}

/**
 * The options of a select, replaced only where they differ: an open menu must not close while the network trains.
 * @param {HTMLSelectElement} select
 * @param {readonly [string, string][]} options pairs of value and text
 */
export function setOptions(select, options) {
  const key = JSON.stringify(options);
  if (select.dataset.options === key) return;
  select.dataset.options = key;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
}

/**
 * @param {{field?: string, label: string, names: () => string[], get: () => string, set: (name: string) => void,
 *   mixed?: string, labelled?: boolean}} options `mixed` is the key of what "" stands for
 * @returns {{root: HTMLElement, select: HTMLSelectElement, sync: () => void}}
 */
export function choice({ field, label, names, get, set, mixed, labelled = true }) {
  const id = `c${++count}`;
  const select = h("select", {
    id, "data-field": field, "t_label": labelled ? null : label, onchange: () => set(select.value),
  });
  const sync = () => {
    const value = get();
    const known = names();
    /** @type {[string, string][]} */
    const options = (known.includes(value) || value === "" ? known : [value, ...known]).map((n) => [n, optionName(n)]);
    if (mixed) options.unshift(["", t(mixed)]);
    setOptions(select, options);
    select.value = value;
  };
  const root = labelled
    ? h("div", { class: "control" }, nameFor(id, label), select)
    : h("div", { class: "control bare" }, select);
  return { root, select, sync };
}

/**
 * A slider with a field for exact numbers. On a logarithmic one, equal ways are equal factors.
 * @param {{field?: string, label: string, min: number, max: number, step: number, get: () => number,
 *   set: (value: number) => void, log?: boolean, most?: number}} options `most`: what may be typed beyond the slider's end
 * @returns {{root: HTMLElement, sync: () => void}}
 */
export function slider({ field, label, min, max, step, get, set, log = false, most = max }) {
  const id = `c${++count}`;
  const there = (/** @type {number} */ x) => (log ? Math.log10(Math.max(x, 1e-300)) : x);
  const number = h("input", {
    id, type: "number", min: log ? 0 : min, max: most, step: log ? "any" : step, "data-field": field,
    onchange: () => Number.isFinite(number.valueAsNumber) ? set(number.valueAsNumber) : sync(),
  });
  const range = h("input", {
    type: "range", min: there(min), max: there(max), step: log ? 0.01 : step, "t_label": label,
    oninput: () => set(log ? Number((10 ** range.valueAsNumber).toPrecision(2)) : range.valueAsNumber),
  });
  const sync = () => {
    const value = get();
    // Whoever types is not corrected before having finished.
    if (document.activeElement !== number || number.valueAsNumber !== value) number.value = String(value);
    range.value = String(there(value));
    // Of a logarithmic one the place is a logarithm: what it stands for is the number.
    if (log) range.setAttribute("aria-valuetext", String(value));
  };
  return { root: h("div", { class: "control slider" }, nameFor(id, label), range, number), sync };
}

/**
 * @param {{field?: string, label: string, get: () => boolean, set: (on: boolean) => void}} options
 * @returns {{root: HTMLElement, sync: () => void}}
 */
export function check({ field, label, get, set }) {
  const id = `c${++count}`;
  const box = h("input", { id, type: "checkbox", "data-field": field, onchange: () => set(box.checked) });
  return {
    root: h("div", { class: "control check" }, box, nameFor(id, label)),
    sync: () => void (box.checked = get()),
  };
}

/** Where controls stand above the displays instead of beside them, they are folded, so that both are in sight. */
const beside = matchMedia("(min-width: 901px)");

/** A group that can be folded. @param {string} label @param {boolean} open @param {...Node} children */
export function group(label, open, ...children) {
  // Within details the fieldset is what screen readers name the group by; its legend repeats the summary only for them.
  return h("details", { class: "group", open: open && beside.matches },
    h("summary", { t: label }),
    h("fieldset", { t_label: label }, ...children));
}

/**
 * A control for one entry of the config that has a name at the top or in `data`.
 * @param {(config: Config) => Record<string, any>} where
 * @param {string} name
 */
export function entry(where, name) {
  return {
    get: () => where(store.config)[name],
    set: (/** @type {any} */ value) => change((config) => void (where(config)[name] = value)),
  };
}
