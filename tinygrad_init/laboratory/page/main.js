// The page, put together. Whatever arrives is only noted; all drawing happens once a screen frame, of the newest state.

import { controls } from "./controls/controls.js";
import { transport } from "./controls/transport.js";
import { decisionMaps } from "./displays/decisionmap.js";
import { depth } from "./displays/depth.js";
import { layerTable } from "./displays/layers.js";
import { lossChart } from "./displays/losschart.js";
import { networks } from "./displays/network.js";
import { verdicts } from "./displays/verdict.js";
import { byId, h } from "./dom.js";
import { exportMenu } from "./exporting/menu.js";
import { guide } from "./guide/guide.js";
import { host } from "./host.js";
import { getLanguage, preferredLanguage, setLanguage } from "./i18n.js";
import { connect, remember, restore, speak } from "./lab.js";
import { tellFaults } from "./faults.js";
import { showConnection } from "./notices.js";
import { factors } from "./panels/factors.js";
import { histograms } from "./panels/histograms.js";
import { microscope } from "./panels/microscope.js";
import { phase } from "./panels/phase.js";
import { phi } from "./panels/phi.js";
import { spectrum } from "./panels/spectrum.js";
import { tabs } from "./panels/tabs.js";
import { dropAnywhere } from "./opening.js";
import { store } from "./state.js";
import { tour } from "./tour/tour.js";
import { linkHere } from "./urlstate.js";
import { viewMenu } from "./viewmenu.js";

/** Even a slow page shows something new this often: in refreshes, of which there are about 60 a second. */
const MOST_REST = 12;

setLanguage(preferredLanguage());

const pictures = networks();
const outputs = decisionMaps();
const displays = [
  transport(), depth(), pictures, layerTable(), outputs, lossChart(), verdicts(),
  tabs([histograms(), phi(), spectrum(), factors(), phase(), microscope()]),
];
controls();
guide();
tools();
tour();
dropAnywhere();

let waiting = false;
/** How many refreshes of the screen still go without a drawing. */
let rest = 0;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(tick);
}

/** @param {number} now */
function tick(now) {
  if (rest > 0 && store.frame?.playing) {
    rest--;
    requestAnimationFrame(tick);
    return;
  }
  waiting = false;
  for (const display of displays) display.draw();
  // A drawing that makes the screen miss refreshes is followed by a rest, so that scrolling and typing stay smooth.
  requestAnimationFrame((next) => void (rest = Math.min(4 * (Math.round((60 * (next - now)) / 1000) - 1), MOST_REST)));
}
store.on(["frame", "selection", "language"], draw);
store.on("connection", () => showConnection(store.connection === "lost"));
if (!host) {
  addEventListener("popstate", restore);
  addEventListener("hashchange", () => tellFaults(linkHere()));
  // An address that was typed or pasted over the old one changes the part after "#" without loading the page again.
  addEventListener("hashchange", restore);
}
// The part of the address after "#" is the experiment: the link that skips the controls must not be put there.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("displays").focus();
});

speak(getLanguage());
restore();
if (!host) tellFaults(linkHere());
remember("replace");
connect();

function tools() {
  const language = (/** @type {import("./i18n.js").Language} */ code, /** @type {string} */ name) =>
    h("button", { type: "button", lang: code, onclick: () => { speak(code); remember("replace"); } }, name);
  const [english, chinese] = [language("en", "English"), language("zh", "中文")];
  const mark = () => {
    english.setAttribute("aria-pressed", String(getLanguage() === "en"));
    chinese.setAttribute("aria-pressed", String(getLanguage() === "zh"));
  };
  store.on("language", mark);
  mark();
  const start = h("button", { type: "button", id: "tour-start", t: "tour.start" });
  start.hidden = host?.own ?? false; // its scenes are about networks of their own
  byId("tools").append(start, exportMenu(() => pictures.views(), () => outputs.pictures()));
  viewMenu();
  byId("tools").append(h("div", { class: "segments", role: "group", t_label: "language" }, english, chinese));
}
