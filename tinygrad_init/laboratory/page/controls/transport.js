// Play, pause, step, epoch, and the timeline in both directions.

import { byId, h, s, setAttribute, setText } from "../dom.js";
import { getLanguage, t } from "../i18n.js";
import { onMessage, pause, play, playing, send } from "../lab.js";
import { store } from "../state.js";

/** Drawn, because not every font has these signs. */
const SIGNS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  back: "M12 2.5v11L3 8z",
  rewind: "M2.5 3h2v10h-2zM13.5 2.5v11L5.5 8z",
};
const SPEEDS = [1, 2, 5, 10, 50, 200, 0];

export function transport() {
  let speed = 1;
  /** While it runs backwards: how many steps at a time. */
  let backwards = 0;
  const icon = (/** @type {keyof typeof SIGNS} */ sign, /** @type {string} */ key, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", class: "icon", t_label: key, t_title: key, onclick },
      s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: SIGNS[sign] })));

  const rewind = icon("rewind", "transport.rewind", () => {
    stopBackwards();
    pause();
    send({ type: "rewind" });
  });
  const back = icon("back", "transport.back", () => {
    if (backwards) return stopBackwards();
    pause();
    backwards = Math.max(speed || 50, 1);
    further();
  });
  const toggle = icon("play", "transport.play", () => {
    stopBackwards();
    if (busy()) pause();
    else play(speed);
    store.emit("view");
  });
  toggle.classList.add("primary");
  toggle.id = "play";
  const one = h("button", { type: "button", t: "transport.step", onclick: () => forward({ type: "step", steps: 1 }) });
  const epoch = h("button", { type: "button", t: "transport.epoch", onclick: () => forward({ type: "epoch" }) });
  const slider = h("input", { id: "timeline", type: "range", min: 0, max: 1, step: 1, value: 0, t_label: "transport.timeline", oninput: seek });
  const select = h("select", { id: "speed", t_label: "transport.speed", onchange: () => {
    speed = Number(select.value);
    if (playing()) play(speed);
  } });
  const where = h("output", { class: "where", for: "timeline" });

  const busy = () => playing() || store.going !== null;

  function stopBackwards() {
    backwards = 0;
    store.emit("view");
  }

  /** Each answer asks for the next step back, so that no more is asked than can be shown. */
  function further() {
    const step = store.frame?.step ?? 0;
    if (step === 0) return stopBackwards();
    send({ type: "seek", step: Math.max(step - backwards, 0) });
    store.emit("view");
  }

  /** @param {import("../protocol.js").FromPage} message */
  function forward(message) {
    stopBackwards();
    if (busy()) pause();
    send(message);
    store.emit("view");
  }

  /** The step that is asked for while another answer is still on its way. @type {number | null} */
  let next = null;
  let asked = false;
  function seek() {
    if (backwards) stopBackwards();
    if (playing()) pause();
    next = slider.valueAsNumber;
    if (!asked) ask();
    store.emit("view");
  }
  function ask() {
    if (next === null) return;
    send({ type: "seek", step: next });
    asked = true;
    next = null;
  }

  onMessage("frame", () => {
    asked = false;
    ask();
    if (backwards) setTimeout(() => backwards && further(), 40); // the server answers so many questions a second
  });

  function sync() {
    const on = busy();
    toggle.querySelector("path")?.setAttribute("d", on ? SIGNS.pause : SIGNS.play);
    toggle.dataset.tLabel = toggle.dataset.tTitle = on ? "transport.pause" : "transport.play";
    setAttribute(toggle, "aria-label", t(toggle.dataset.tLabel));
    setAttribute(toggle, "title", t(toggle.dataset.tTitle));
    setAttribute(back, "aria-pressed", String(backwards > 0));
    select.replaceChildren(...SPEEDS.map((n) => h("option", { value: n }, n ? t("transport.speed.n", { n }) : t("transport.speed.max"))));
    select.value = String(speed);
    draw();
  }

  function draw() {
    const { frame, going } = store;
    const number = new Intl.NumberFormat(getLanguage());
    if (going) setText(where, t("transport.going", { step: number.format(going.step), goal: number.format(going.goal) }));
    if (!frame || going) return;
    const last = Math.max(frame.step, ...frame.timeline, 1);
    setAttribute(slider, "max", String(last));
    if (next === null && !asked) slider.value = String(frame.step);
    setText(where, t("transport.where", { step: number.format(frame.step), epoch: number.format(Math.floor(frame.step / (store.built?.epochs_of ?? 1))) }));
    setAttribute(slider, "aria-valuetext", where.textContent ?? "");
  }

  byId("transport").append(rewind, back, toggle, one, epoch, select, slider, where);
  sync();
  store.on(["language", "view", "connection", "going"], sync);
  return { draw };
}
