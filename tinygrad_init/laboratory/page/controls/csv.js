// Points from a file: two columns of numbers and one of classes.

import { t } from "../i18n.js";

/**
 * Reads x, y, class from each line. A first line that has no numbers is a heading; classes may be words. The points are
 * moved and scaled to [-1, 1], where the map of the output is drawn.
 * @param {string} text
 * @param {number} most how many lines are allowed
 * @returns {[number, number, number][]}
 * @throws {Error} what was expected and what came, for the user
 */
export function parsePoints(text, most) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/).map((line, i) => ({ line: line.trim(), number: i + 1 }));
  const rows = lines
    .filter(({ line }) => line && !line.startsWith("#"))
    .map(({ line, number }) => ({ number, cells: cellsOf(line) }));
  const isNumber = (/** @type {string} */ cell) => cell !== "" && Number.isFinite(Number(cell));
  if (rows.length && !rows[0].cells.slice(0, 2).some(isNumber)) rows.shift();
  if (!rows.length) throw new Error(t("csv.empty"));
  if (rows.length > most) throw new Error(t("csv.many", { most, n: rows.length }));
  /** @type {Map<string, number>} */
  const classes = new Map();
  const points = rows.map(({ cells, number }) => {
    if (cells.length !== 3 || !isNumber(cells[0]) || !isNumber(cells[1]) || !cells[2]) {
      throw new Error(t("csv.line", { number, line: cells.join(", ").slice(0, 40) }));
    }
    return { x: Number(cells[0]), y: Number(cells[1]), label: cells[2] };
  });
  // Classes are numbered in their order, so that the same lines in another order mean the same.
  const labels = [...new Set(points.map(({ label }) => label))];
  labels.sort((a, b) => (isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a < b ? -1 : 1));
  for (const label of labels) classes.set(label, classes.size);
  if (classes.size < 2 || classes.size > 10) throw new Error(t("csv.classes", { n: classes.size }));
  const x = scaling(points.map((point) => point.x));
  const y = scaling(points.map((point) => point.y));
  return points.map((point) => [x(point.x), y(point.y), classes.get(point.label) ?? 0]);
}

/** Onto [-1, 1] with four decimals, which also keeps links short. @param {number[]} values */
function scaling(values) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const half = (high - low) / 2 || 1;
  return (/** @type {number} */ value) => Number(((value - (low + high) / 2) / half).toFixed(4));
}

/** Semicolons leave the comma for decimals, as in much of Europe; without any separator, spaces are one. @param {string} line */
function cellsOf(line) {
  const outside = line.replace(/"(?:[^"]|"")*"/g, "");
  const separator = outside.includes(";") ? ";" : /[,\t]/.test(outside) ? /[,\t]/ : /\s/;
  const cells = split(line, separator).map((cell) => cell.trim());
  if (separator === ";") return cells.map((cell) => cell.replace(/^(-?\d+),(\d+)$/, "$1.$2"));
  return separator instanceof RegExp && separator.source === "\\s" ? cells.filter(Boolean) : cells;
}

/** Cells of a line; within quotes a separator is none, and two quotes are one. @param {string} line @param {string | RegExp} separator */
function split(line, separator) {
  const cells = [""];
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i];
    if (character === '"' && quoted && line[i + 1] === '"') {
      cells[cells.length - 1] += '"';
      i++;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && (separator instanceof RegExp ? separator.test(character) : character === separator)) cells.push("");
    else cells[cells.length - 1] += character;
  }
  return cells;
}
