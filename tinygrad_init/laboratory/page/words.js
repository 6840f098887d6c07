// What the library says, in the page's language: it sends keys and numbers, and at the beginning the templates.
// The formats of numbers are Python's, of which the templates use a few.

import { getLanguage } from "./i18n.js";
import { store } from "./state.js";

/** @typedef {import("./protocol.js").Said} Said */

/**
 * A sentence in a language.
 * @param {Said} said
 * @param {string} [language]
 * @returns {string}
 */
export function say({ key, numbers }, language = getLanguage()) {
  const template = store.hello?.words[language]?.[key] ?? key;
  return template.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name, how) => write(numbers[name], how ?? "", language));
}

/** A verdict's word in the page's language. @param {string} word */
export function wordOf(word) {
  return say({ key: `word.${word}`, numbers: {} });
}

/**
 * @param {any} value a number, a text, a sentence, or a list of those; null is said by nothing
 * @param {string} how as `words` describes it
 * @param {string} language
 * @returns {string}
 */
function write(value, how, language) {
  if (value === null || value === undefined) return "";
  if (how === "layers") return layers(value, language);
  if (Array.isArray(value)) {
    return value.map((one) => write(one, "", language)).join(say({ key: `list.${how}`, numbers: {} }, language));
  }
  if (typeof value === "object") return say(value, language);
  if (typeof value === "string" && !/^-?(inf|nan)$/.test(value)) return value;
  return number(Number(String(value).replace("inf", "Infinity")), how);
}

/** @param {number[]} numbers @param {string} language */
function layers(numbers, language) {
  const [first, last] = [numbers[0], numbers[numbers.length - 1]];
  const inRow = numbers.every((one, i) => one === first + i);
  const how = !inRow ? "several" : numbers.length > 1 ? "range" : "one";
  return say({ key: `layers.${how}`, numbers: { first, last, all: numbers } }, language);
}

/** @param {number} value @param {string} how @returns {string} */
export function number(value, how) {
  if (how === "factor") return Math.abs(value) < 300 ? number(10 ** value, ".2g") : `10^${number(value, ".0f")}`;
  if (how === "number") return value === 0 ? "0" : number(value, /e/.test(number(value, ".3g")) ? ".1e" : ".3g");
  const [, plus, digits, kind] = how.match(/^(\+?)(?:\.(\d+))?([a-z%]?)$/) ?? [];
  const sign = plus && !(value < 0 || Object.is(value, -0)) ? "+" : "";
  if (!Number.isFinite(value)) return sign + String(value).replace("Infinity", "inf").replace("NaN", "nan") + (kind === "%" ? "%" : "");
  if (kind === "%") return `${sign}${fixed(value * 100, Number(digits))}%`;
  if (kind === "f") return sign + fixed(value, Number(digits));
  if (kind === "e") return sign + exponential(value, Number(digits));
  return sign + (kind === "g" ? general(value, Number(digits ?? 6) || 1) : String(value));
}

/** Python rounds what lies exactly in the middle to the even digit, JavaScript away from 0. @param {number} value @param {number} digits */
function fixed(value, digits) {
  if (Math.abs(value) >= 1e21) return String(BigInt(value)) + (digits ? `.${"0".repeat(digits)}` : "");
  const text = value.toFixed(digits);
  const rest = value.toFixed(Math.min(digits + 30, 100)).split(".")[1].slice(digits);
  const odd = /[13579]$/.test(text) && /^50*$/.test(rest);
  const rounded = odd ? (value - Math.sign(value) * 10 ** -digits / 2).toFixed(digits) : text;
  return Object.is(value, -0) ? `-${rounded}` : rounded;
}

/** @param {number} value @param {number} digits after the point */
function exponential(value, digits) {
  const more = value.toExponential(Math.min(digits + 30, 100));
  let text = value.toExponential(digits);
  const [mantissa] = more.split("e");
  const rest = mantissa.replace("-", "").replace(".", "").slice(digits + 1);
  if (/^50*$/.test(rest) && /[13579]$/.test(text.split("e")[0])) {
    const [whole, power] = more.split("e");
    text = `${digits ? whole.slice(0, whole.length - rest.length) : whole.split(".")[0]}e${power}`;
  }
  const [head, power] = text.split("e");
  return `${Object.is(value, -0) ? "-" : ""}${head}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** @param {number} value @param {number} digits in all */
function general(value, digits) {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [head, power] = exponential(value, digits - 1).split("e");
  const place = Number(power);
  const trim = (/** @type {string} */ text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (place < -4 || place >= digits) return `${trim(head)}e${power}`;
  // The digits are those of the exponential form; only the point moves.
  return trim(Number(`${head}e${power}`).toFixed(Math.max(digits - 1 - place, 0)));
}
