// An experiment from elsewhere: a link or a file of "Numbers as JSON" that is pasted, chosen, or dropped anywhere on the page.

import { parsePoints } from "./controls/csv.js";
import { h } from "./dom.js";
import { faultsOf, tellFaults } from "./faults.js";
import { t } from "./i18n.js";
import { change, load } from "./lab.js";
import { showNotice } from "./notices.js";
import { isOwn, store } from "./state.js";
import { decode, fitting, parsed } from "./urlstate.js";

/**
 * What a text holds: a link of any Lab, or what was exported as JSON.
 * @param {string} text
 * @returns {Partial<import("./urlstate.js").Saved> & {config: import("./types.js").Config, step: number} | null} null if neither
 */
export function readExperiment(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) {
    try {
      const found = JSON.parse(trimmed);
      const config = found.config ?? found;
      if (typeof config !== "object" || config === null || !("layers" in config || "data" in config)) return null;
      return { config: fitting(config), step: Number.isInteger(found.step) && found.step > 0 ? Math.min(found.step, 1e7) : 0 };
    } catch {
      return null;
    }
  }
  const hash = linkIn(trimmed);
  if (!/^#(.*&)?(config|preset|scene)=./.test(hash) || /\s/.test(hash)) return null;
  const config = new URLSearchParams(hash.slice(1)).get("config");
  return (config === null ? faultsOf(hash).length === 0 : parsed(config) !== null) ? decode(hash) : null;
}

/** @param {string} text */
const linkIn = (text) => (text.includes("#") ? text.trim().slice(text.trim().indexOf("#")) : "#");

/** @param {string} text */
function open(text) {
  const found = readExperiment(text);
  if (found) load(found);
  const told = !text.trim().startsWith("{") && /^#(.*&)?(config|preset|scene)=/.test(linkIn(text)) && tellFaults(linkIn(text));
  if (!told) showNotice(t(found ? "open.done" : "open.neither"), found ? "good" : "bad");
}

/** @param {File} file */
async function openFile(file) {
  const text = await file.text();
  if (!/\.(csv|txt|tsv)$/i.test(file.name)) {
    open(text);
    return;
  }
  try {
    const points = parsePoints(text, store.hello?.limits.samples ?? 2000);
    change((config) => void Object.assign(config.data, { name: "points", points }));
  } catch (error) {
    showNotice(error instanceof Error ? error.message : String(error), "bad");
  }
}

/** The field for a link and the choice of a file. @param {() => void} done @returns {HTMLElement} */
export function openField(done) {
  const field = h("input", { id: "open-link", type: "text", t_placeholder: "open.placeholder", autocomplete: "off", spellcheck: "false" });
  const use = () => {
    if (!field.value.trim()) return;
    done();
    open(field.value);
    field.value = "";
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && use());
  // A link that is pasted is opened at once.
  field.addEventListener("paste", () => setTimeout(use));
  const file = h("input", { id: "open-file", type: "file", accept: ".json,application/json,.csv,.txt", onchange: () => {
    const chosen = file.files?.[0];
    file.value = "";
    done();
    if (chosen) void openFile(chosen);
  } });
  return h("div", { class: "open" },
    h("div", { class: "control" }, h("label", { for: "open-link", t: "open.link" }), field),
    h("div", { class: "control file" }, h("label", { for: "open-file", t: "open.file" }), file));
}

/** Whatever is dropped on the page is opened. */
export function dropAnywhere() {
  if (isOwn()) return;
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    const text = event.dataTransfer?.getData("text/uri-list") || event.dataTransfer?.getData("text/plain");
    if (file) void openFile(file);
    else if (text) open(text);
  });
}
