// A symbol that explains itself: on hover, on focus and on tap.

import { h } from "./dom.js";

let count = 0;

/**
 * @param {string} key of what is written; `<key>.long` of the explanation
 * @param {...Node} more what stands beside it
 */
export function term(key, ...more) {
  const id = `term-${++count}`;
  const tip = h("span", { class: "tip", role: "tooltip", id, t: `${key}.long` });
  const button = h("button", { type: "button", class: "term", "aria-describedby": id, t: key });
  const root = h("span", { class: "termed" }, button, tip, ...more);
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape") button.blur();
  });
  const place = () => {
    tip.style.left = "0";
    const { right, left } = tip.getBoundingClientRect();
    const over = right - document.documentElement.clientWidth + 8;
    if (over > 0) tip.style.left = `${-Math.min(over, left)}px`;
  };
  root.addEventListener("pointerenter", place);
  button.addEventListener("focus", place);
  return root;
}
