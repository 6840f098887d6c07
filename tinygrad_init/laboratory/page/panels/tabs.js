// The panels below the network, one at a time.

import { byId, h, setAttribute } from "../dom.js";
import { show } from "../lab.js";
import { store } from "../state.js";

/** @typedef {{name: string, root: HTMLElement, draw: () => void, shown?: () => void}} Panel */

/** @param {Panel[]} panels */
export function tabs(panels) {
  const list = h("div", { role: "tablist", class: "tabs", t_label: "panels" });
  const buttons = panels.map(({ name, root }) => {
    root.id = `panel-${name}`;
    root.setAttribute("role", "tabpanel");
    root.setAttribute("aria-labelledby", `tab-${name}`);
    root.tabIndex = 0;
    root.classList.add("panel");
    root.prepend(h("p", { class: "about", t: `about.${name}` }));
    return h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": root.id, t: `panel.${name}`,
      onclick: () => show({ panel: name }, "push"),
    });
  });
  list.append(...buttons);
  list.addEventListener("keydown", (event) => {
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: panels.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + panels.length) % panels.length;
    buttons[next].focus();
    show({ panel: panels[next].name });
  });
  byId("tabs").append(list, ...panels.map(({ root }) => root));

  const current = () => panels.find(({ name }) => name === store.view.panel) ?? panels[0];
  /** @type {Panel | null} */
  let before = null;
  function mark() {
    const now = current();
    panels.forEach((panel, i) => {
      const chosen = panel === now;
      panel.root.hidden = !chosen;
      setAttribute(buttons[i], "aria-selected", String(chosen));
      buttons[i].tabIndex = chosen ? 0 : -1;
    });
    if (now !== before) {
      before = now;
      now.shown?.();
      now.draw();
    }
  }
  mark();
  store.on("view", mark);
  // Only what can be seen is drawn.
  return { draw: () => current().draw() };
}
