// A menu that drops down from a button of the top bar.

import { h } from "./dom.js";

/** @param {string} key @param {...Node} children @returns {HTMLDetailsElement} */
export function dropdown(key, ...children) {
  const items = h("div", { class: "menu-items" }, ...children);
  const menu = h("details", { class: "menu", ontoggle: fit }, h("summary", { t: key }), items);
  /** Wherever the button stands, the whole menu is on the screen. */
  function fit() {
    items.style.translate = "";
    const { left, right } = items.getBoundingClientRect();
    items.style.translate = `${Math.max(Math.min(document.documentElement.clientWidth - 4 - right, 0), 4 - left)}px`;
  }
  addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  return menu;
}
