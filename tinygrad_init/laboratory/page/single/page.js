// The page that is one file, put together of the Lab's own parts: a worker answers it as the server does.

import { transport } from "../controls/transport.js";
import { decisionMaps } from "../displays/decisionmap.js";
import { depth } from "../displays/depth.js";
import { layerTable } from "../displays/layers.js";
import { lossChart } from "../displays/losschart.js";
import { networks } from "../displays/network.js";
import { verdicts } from "../displays/verdict.js";
import { byId, h } from "../dom.js";
import { guide } from "../guide/guide.js";
import { getLanguage, preferredLanguage, setLanguage } from "../i18n.js";
import { connect, restore, speak } from "../lab.js";
import { tellFaults } from "../faults.js";
import { factors } from "../panels/factors.js";
import { histograms } from "../panels/histograms.js";
import { phase } from "../panels/phase.js";
import { phi } from "../panels/phi.js";
import { spectrum } from "../panels/spectrum.js";
import { tabs } from "../panels/tabs.js";
import { store } from "../state.js";
import { tour } from "../tour/tour.js";
import { linkHere, placeOf } from "../urlstate.js";
import { viewMenu } from "../viewmenu.js";
import "./strings.js";
import { controls } from "./controls.js";
import { presets } from "./presets.js";
import { scenes } from "./scenes.js";

setLanguage(preferredLanguage());

const displays = [
  transport(), depth(), networks(), layerTable(), decisionMaps(), lossChart(), verdicts(),
  tabs([factors(), histograms(), phi(), spectrum(), phase()]),
];
controls();
const names = presets();
const byName = guide(names);
tools();
const [told, shown] = [scenes(), tour(scenes())];

let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const display of displays) display.draw();
  });
}
store.on(["frame", "selection", "language"], draw);
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("displays").focus();
});

store.view.panel = "factors";
speak(getLanguage());
restore();
follow();
connect();
addEventListener("hashchange", follow);
// For whoever wants the numbers themselves: in the browser's console, and in tests.
Object.assign(globalThis, { store });

/** A link to the file may say what it opens on: #preset=exploding, #scene=small (or its number), and #lang=zh. */
function follow() {
  const wanted = new URLSearchParams(linkHere().slice(1));
  const [preset, scene, language] = [wanted.get("preset"), wanted.get("scene"), wanted.get("lang")];
  if (language === "en" || language === "zh") speak(language);
  if (preset) byName.open(preset);
  const at = placeOf(scene, told.map(({ id }) => id));
  if (at >= 0) shown.open(at);
  tellFaults(linkHere(), { presets: names.map(({ id }) => id), scenes: told.map(({ id }) => id), parts: ["preset", "scene", "lang"] });
}

function tools() {
  const language = (/** @type {import("../i18n.js").Language} */ code, /** @type {string} */ name) => {
    const button = h("button", { type: "button", lang: code, onclick: () => speak(code) }, name);
    const mark = () => button.setAttribute("aria-pressed", String(getLanguage() === code));
    store.on("language", mark);
    mark();
    return button;
  };
  byId("tools").append(h("button", { type: "button", id: "tour-start", t: "tour.start" }));
  viewMenu();
  byId("tools").append(h("div", { class: "segments", role: "group", t_label: "language" }, language("en", "English"), language("zh", "中文")));
}
