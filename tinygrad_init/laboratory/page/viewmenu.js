// How the page looks: theme, size, explanations, what is hidden. All of it goes into the address, for lessons.

import { dress } from "./colours.js";
import { byId, h, setAttribute } from "./dom.js";
import { show } from "./lab.js";
import { dropdown } from "./menus.js";
import { store } from "./state.js";

const THEMES = /** @type {const} */ (["auto", "light", "dark"]);
const SWITCHES = /** @type {const} */ (["explain", "large", "plain", "eachUnit"]);

export function viewMenu() {
  const theme = h("select", { id: "theme", onchange: () => show({ theme: THEMES.find((one) => one === theme.value) ?? "auto" }) });
  const boxes = SWITCHES.map((name) => {
    const box = h("input", { id: `view-${name}`, type: "checkbox", onchange: () => show({ [name]: box.checked }) });
    return { name, box, root: h("div", { class: "check" }, box, h("label", { for: box.id, t: `view.${name}` })) };
  });
  theme.append(...THEMES.map((one) => h("option", { value: one, t: `view.theme.${one}` })));
  const what = h("button", { type: "button", id: "explain", t: "view.what", onclick: () => show({ explain: !store.view.explain }) });
  byId("tools").append(what, dropdown("view.title",
    h("div", { class: "control" }, h("label", { for: "theme", t: "view.theme" }), theme), ...boxes.map(({ root }) => root)));

  function sync() {
    const { view } = store;
    theme.value = view.theme;
    for (const { name, box } of boxes) box.checked = view[name];
    dress(view.theme, view.large);
    document.body.classList.toggle("explained", view.explain);
    document.body.classList.toggle("plain", view.plain);
    setAttribute(what, "aria-pressed", String(view.explain));
  }
  store.on("view", sync);
  sync();
}
