// The guided tour: a card above the displays, whose scenes set the controls.

import { byId, h } from "../dom.js";
import { getLanguage, t } from "../i18n.js";
import { change, select, show } from "../lab.js";
import { store } from "../state.js";
import { SCENES } from "./scenes.js";

/** @param {import("./scenes.js").Scene[]} [scenes] */
export function tour(scenes = SCENES) {
  const root = byId("tour");
  /** @type {number | null} */
  let drawn = null;

  function draw() {
    const { scene } = store.view;
    root.hidden = scene === null || !scenes[scene];
    byId("tour-start").setAttribute("aria-expanded", String(!root.hidden));
    document.body.dataset.focus = root.hidden || scene === null ? "" : scenes[scene].focus;
    if (root.hidden || scene === null) {
      drawn = null;
      return;
    }
    const at = `${scene}${getLanguage()}`;
    if (root.dataset.at === at && drawn !== null) return;
    root.dataset.at = at;
    drawn = scene;
    const { title, text, attempt } = scenes[scene];
    const language = getLanguage() === "zh" ? 1 : 0;
    const dots = scenes.map(({ title: name }, i) => h("button", {
      type: "button", class: "dot", "aria-label": `${i + 1}. ${name[language]}`, title: name[language],
      "aria-current": i === scene ? "step" : null, onclick: () => open(i),
    }));
    const back = h("button", { type: "button", id: "tour-back", disabled: scene === 0, onclick: () => open(scene - 1) }, t("tour.back"));
    const next = h("button", {
      type: "button", id: "tour-next", class: "primary", disabled: scene === scenes.length - 1, onclick: () => open(scene + 1),
    }, t("tour.next"));
    root.replaceChildren(
      h("div", { class: "tour-text" },
        h("p", { class: "hint" }, t("tour.position", { n: scene + 1, of: scenes.length })),
        h("h2", { id: "tour-heading", tabindex: -1 }, title[language]),
        h("p", {}, text[language]),
        h("p", { class: "try" }, h("strong", {}, t("tour.try")), attempt[language])),
      h("div", { class: "tour-tools" },
        h("div", { class: "dots" }, ...dots),
        h("div", { class: "buttons" }, back, next),
        h("div", { class: "buttons" },
          h("button", { type: "button", class: "quiet", onclick: () => open(scene) }, t("tour.again")),
          h("button", { type: "button", class: "quiet", id: "tour-close", onclick: close }, t("close")))));
  }

  /** @param {number} scene */
  function open(scene) {
    const { config, panel, edges, layer } = scenes[scene];
    show({ scene, panel, edges, preset: null }, "later");
    change((now) => void Object.assign(now, config()));
    select({ run: 0, layer, unit: null, input: null });
    byId("tour-heading").focus({ preventScroll: true });
    if (scrollY > 0) scrollTo(0, 0); // where the scene is seen
  }

  function close() {
    show({ scene: null });
    byId("tour-start").focus();
  }

  store.on(["view", "language"], draw);
  byId("tour-start").addEventListener("click", () => (store.view.scene === null ? open(0) : close()));
  return { open };
}
