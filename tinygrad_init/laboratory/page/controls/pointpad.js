// A square on which points are set by click, or by arrow keys and Enter.

import { h } from "../dom.js";
import { change } from "../lab.js";
import { palette, onThemeChange } from "../colours.js";
import { drawPoint } from "../displays/points.js";
import { store } from "../state.js";
import { choice } from "./fields.js";

const SIZE = 200;
const REACH = 1.2;
const MOVE = 0.1;

/** @returns {{root: HTMLElement, sync: () => void}} */
export function pointPad() {
  let label = 0;
  const cursor = { x: 0, y: 0 };
  const canvas = h("canvas", {
    class: "pad", width: 2 * SIZE, height: 2 * SIZE, tabindex: 0, role: "application", t_label: "data.pad",
    onpointerdown: click, onkeydown: key,
  });
  const which = choice({
    label: "data.class", names: () => Array.from({ length: 10 }, (_, i) => String(i)), get: () => String(label), set: (value) => void (label = Number(value)),
  });
  const clear = h("button", {
    type: "button", t: "data.clear", onclick: () => change((config) => void (config.data.points = [])),
  });
  const undo = h("button", {
    type: "button", t: "data.undo", onclick: () => change((config) => void config.data.points.pop()),
  });

  function add(kind = label) {
    change((config) => void config.data.points.push([Number(cursor.x.toFixed(3)), Number(cursor.y.toFixed(3)), kind]));
  }

  /** @param {PointerEvent} event */
  function click(event) {
    const box = canvas.getBoundingClientRect();
    cursor.x = ((event.clientX - box.left) / box.width - 0.5) * 2 * REACH;
    cursor.y = (0.5 - (event.clientY - box.top) / box.height) * 2 * REACH;
    add(event.button === 2 ? (label ? 0 : 1) : label);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const moves = { ArrowLeft: [-MOVE, 0], ArrowRight: [MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (move) {
      cursor.x = Math.min(Math.max(cursor.x + move[0], -REACH), REACH);
      cursor.y = Math.min(Math.max(cursor.y + move[1], -REACH), REACH);
    } else if (event.key === "Enter" || event.key === " ") add();
    else if (/^[0-9]$/.test(event.key)) label = Number(event.key);
    else return;
    event.preventDefault();
    sync();
  }

  function sync() {
    which.sync();
    const context = canvas.getContext("2d");
    if (!context) return;
    const colours = palette();
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, SIZE, SIZE);
    context.strokeStyle = colours.line;
    context.beginPath();
    context.moveTo(SIZE / 2, 0);
    context.lineTo(SIZE / 2, SIZE);
    context.moveTo(0, SIZE / 2);
    context.lineTo(SIZE, SIZE / 2);
    context.stroke();
    const at = (/** @type {number} */ v) => ((v / REACH + 1) / 2) * SIZE;
    for (const [x, y, kind] of store.config.data.points) drawPoint(context, at(x), at(-y), kind, 4, colours);
    if (document.activeElement === canvas) {
      context.strokeStyle = colours.accent;
      context.strokeRect(at(cursor.x) - 6, at(-cursor.y) - 6, 12, 12);
    }
  }

  canvas.addEventListener("focus", sync);
  canvas.addEventListener("blur", sync);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  onThemeChange(sync);
  return { root: h("div", {}, h("p", { class: "hint", t: "data.pad.hint" }), canvas, which.root, h("div", { class: "buttons" }, undo, clear)), sync };
}
