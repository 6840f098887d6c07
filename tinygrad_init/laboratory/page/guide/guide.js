// What stands above the displays: experiments by name; of the chosen one in a sentence what is to be seen, and one thing to do.

import { byId, h, setAttribute, setSentence, setText } from "../dom.js";
import { getLanguage } from "../i18n.js";
import { change, select, show } from "../lab.js";
import { isOwn, store } from "../state.js";
import { PRESETS } from "./presets.js";

/** @param {import("./presets.js").Preset[]} [presets] */
export function guide(presets = PRESETS) {
  const root = byId("guide");
  const presetOf = (/** @type {string | null} */ id) => presets.find((preset) => preset.id === id) ?? null;
  const buttons = presets.map((preset) => h("button", { type: "button", onclick: () => open(preset.id) }));
  const sentence = h("p", { class: "guide-see", role: "status" });
  const act = h("button", { type: "button", class: "primary", id: "guide-act", onclick: mend });
  const about = h("p", { class: "guide-what", t: "guide.what" });
  const said = h("div", { class: "guide-said" }, sentence, act);
  root.append(about, h("div", { class: "presets", role: "group", t_label: "guide.presets" }, h("span", { class: "hint", t: "guide.presets" }), ...buttons), said);

  /** @param {string} id */
  function open(id) {
    const preset = presetOf(id);
    if (!preset) return;
    show({ preset: id, scene: null, ...(preset.panel ? { panel: preset.panel } : {}) }, "later");
    change((now) => void Object.assign(now, preset.config()));
    select({ run: 0, layer: preset.layer ?? 0, unit: null, input: null });
  }

  function mend() {
    const preset = presetOf(store.view.preset);
    if (preset) change(preset.mend);
  }

  function sync() {
    root.hidden = isOwn() || store.view.scene !== null; // one guide at a time
    const language = getLanguage() === "zh" ? 1 : 0;
    const preset = store.view.scene === null ? presetOf(store.view.preset) : null;
    presets.forEach((one, i) => {
      setText(buttons[i], one.name[language]);
      setAttribute(buttons[i], "aria-pressed", String(one === preset));
    });
    said.hidden = preset === null;
    if (!preset) return;
    const done = preset.mended(store.config);
    said.hidden = !done && !(preset.amiss?.(store.config) ?? true);
    setSentence(sentence, done ? `✓ ${preset.seen[language]}` : preset.see[language]);
    act.hidden = done;
    setText(act, preset.act[language]);
    said.classList.toggle("done", done);
  }

  store.on(["view", "config", "language", "hello"], sync);
  sync();
  return { open };
}
