// What of a link cannot be followed: it is said, and not just left out.

import { PRESETS } from "./guide/presets.js";
import { t } from "./i18n.js";
import { showNotice } from "./notices.js";
import { SCENES } from "./tour/scenes.js";
import { fitting, parsed, PARTS, placeOf } from "./urlstate.js";

/** What a page has by name, and what its links may hold. @typedef {{presets: string[], scenes: string[], parts: string[]}} Known */

/** @type {Known} */
const LAB = { presets: PRESETS.map(({ id }) => id), scenes: SCENES.map(({ id }) => id), parts: PARTS };

/** So much of a name is repeated that nobody knows. */
const MOST = 40;

/**
 * A sentence for each part of a link that this page cannot follow.
 * @param {string} link from "#" on
 * @param {Known} [known]
 * @returns {string[]}
 */
export function faultsOf(link, { presets, scenes, parts } = LAB) {
  const wanted = new URLSearchParams(link.slice(1));
  const [preset, scene, config] = ["preset", "scene", "config"].map((name) => wanted.get(name));
  /** @type {string[]} */
  const found = [];
  const say = (/** @type {string} */ key, /** @type {string} */ name, /** @type {string[]} */ all) => (
    found.push(t(key, { name: name.length > MOST ? `${name.slice(0, MOST)}…` : name, all: all.join(t("join")) })));
  // Beside a config the name only says where that began.
  if (preset !== null && config === null && !presets.includes(preset)) say("link.preset", preset, presets);
  if (scene !== null && placeOf(scene, scenes) < 0) say("link.scene", scene, scenes);
  const strange = [...wanted.keys()].filter((name) => !parts.includes(name));
  if (strange.length) say("link.part", strange.join(t("join")), parts);
  if (config === null || !parts.includes("config")) return found;
  const read = parsed(config);
  if (read === null) return [...found, t("link.config")];
  const lost = (Array.isArray(read.variants) ? read.variants.length : 0) - fitting(read).variants.length;
  return lost > 0 ? [...found, t("link.runs", { n: lost })] : found;
}

/** @param {string} link @param {Known} [known] @returns {boolean} whether there was something to say */
export function tellFaults(link, known = LAB) {
  const found = faultsOf(link, known);
  if (found.length) showNotice(found.join(" "), "bad");
  return found.length > 0;
}
