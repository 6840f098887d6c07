// A symbol that explains itself: on hover, on focus and on tap.

import { h } from "./dom.js";
import { has } from "./i18n.js";

let count = 0;

/** What is written explains itself. @param {string} key of it; `<key>.long` of the explanation */
export function term(key) {
  return explained(h("button", { type: "button", class: "term", t: key }), key);
}

/** A question mark that explains what stands before it. @param {string} key as of `term` */
export function help(key) {
  return explained(h("button", { type: "button", class: "term help", t_label: key }, "?"), key);
}

/** The name of a control, with a question mark where there is something to explain. @param {string} id of the control @param {string} key */
export function nameFor(id, key) {
  const label = h("label", { for: id, t: key });
  return has(`${key}.long`) ? h("span", { class: "named" }, label, help(key)) : label;
}

/** @param {HTMLButtonElement} button @param {string} key */
function explained(button, key) {
  const id = `term-${++count}`;
  const tip = h("span", { class: "tip", role: "tooltip", id, t: `${key}.long` });
  button.setAttribute("aria-describedby", id);
  const root = h("span", { class: "termed" }, button, tip);
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape") button.blur();
  });
  // On the screen, whatever scrolls around the button or cuts off what sticks out.
  const place = () => {
    const { left, top, bottom } = button.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    tip.style.left = `${Math.max(Math.min(left, clientWidth - tip.offsetWidth - 6), 6)}px`;
    tip.style.top = `${bottom + tip.offsetHeight + 6 > clientHeight ? top - tip.offsetHeight - 2 : bottom + 2}px`;
  };
  root.addEventListener("pointerenter", place);
  button.addEventListener("focus", place);
  return root;
}
