// The present language, and the texts in it.

import { STRINGS } from "./strings.js";

/** @typedef {"en" | "zh"} Language */

/** @type {Language} */
let language = "en";

/** @returns {Language} */
export function getLanguage() {
  return language;
}

/** @param {Language} chosen */
export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : "en";
}

/** The language that the browser asks for, if it is one of ours. @returns {Language} */
export function preferredLanguage() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** @param {string} key @returns {boolean} */
export function has(key) {
  return key in STRINGS;
}

/**
 * The text of a key; `{name}` in it stands for a value.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const both = STRINGS[key];
  if (!both) return key; // the library may know activations and starts that have no translation: their names serve
  return both[language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/** @param {number | null | undefined} share */
export function percent(share) {
  return share === null || share === undefined ? "–" : t("percent", { n: Math.round(100 * share) });
}
