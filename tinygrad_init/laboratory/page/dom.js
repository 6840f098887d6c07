// Elements without a parser of markup: text stays text, and the Content-Security-Policy has nothing to forbid.

import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element. Properties that start with "on" are listeners; `t`, `t_label`, `t_title` and `t_placeholder` are keys of
 * strings.js, kept in the element so that it can be translated again; everything else is an attribute.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  set(element, properties);
  element.append(...children);
  return element;
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, properties);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} properties */
function set(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "t" || name.startsWith("t_")) element.setAttribute(`data-${name.replace("_", "-")}`, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  translateElement(element);
}

/** A colour or line and what it stands for. @param {string} sign its classes @param {string} key */
export function keyed(sign, key) {
  return h("span", { class: "pair" }, h("span", { class: sign, "aria-hidden": "true" }), h("span", { t: key }));
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element #${id}`);
  return element;
}

/**
 * Writing the same text again makes the browser lay out again, and screen readers speak again.
 * @param {Node} node @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What is not broken at the end of a line: norms and derivatives. */
const FORMULA = /(‖[^‖\s]+‖|∂[^\s/]+\/∂\w+)/;

/** The same as setText for a sentence in which formulas stay in one piece. @param {Element} node @param {string} text */
export function setSentence(node, text) {
  if (node.textContent === text) return;
  node.replaceChildren(...text.split(FORMULA).map((part, i) => (i % 2 ? h("span", { class: "formula" }, part) : part)));
}

/** @param {Element} element @param {string} name @param {string} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {Element} element */
function translateElement(element) {
  const key = element.getAttribute("data-t");
  if (key) setText(element, t(key));
  for (const [data, attribute] of [["label", "aria-label"], ["title", "title"], ["placeholder", "placeholder"]]) {
    const name = element.getAttribute(`data-t-${data}`);
    if (name) element.setAttribute(attribute, t(name));
  }
}

/** Every element under root whose text has a key, in the present language. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-t], [data-t-label], [data-t-title], [data-t-placeholder]")) {
    translateElement(element);
  }
}
