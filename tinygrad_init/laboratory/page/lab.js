// Between the page and the server: what is changed is sent, what comes is stored, the address keeps up.

import { clearErrors, showError, showNotice, showRefused } from "./notices.js";
import { getLanguage, setLanguage, t } from "./i18n.js";
import { host, HostLink } from "./host.js";
import { Socket } from "./socket.js";
import { configOf, defaultConfig, settle, store } from "./state.js";
import { decode, encode, fitting, linkHere } from "./urlstate.js";
import { translate } from "./dom.js";
import { say } from "./words.js";

/**
 * @typedef {import("./protocol.js").FromServer} ServerMessage
 * @typedef {import("./protocol.js").FromPage} ClientMessage
 * @typedef {import("./types.js").Config} Config
 */

/** Between two messages at least so many milliseconds go by, while a slider is dragged. */
const PATIENCE = 60;

/** @type {Map<ServerMessage["type"], ((message: any) => void)[]>} */
const listeners = new Map();
/** @type {Socket | HostLink | null} */
let link = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;
/** Whether the user wants it to play, through changes and lost connections. */
let wanted = false;
let stepsPerFrame = 1;
/** When the config was changed last. */
let changed = -Infinity;
/** The step to go on from when the changes that wait are sent. @type {number | null} */
let from = null;
/** What was sent last, and what the server has accepted: the address holds nothing else. @type {Config | null} */
let sent = null;
/** @type {Config | null} */
let accepted = null;
/** How the address follows as soon as what was sent is accepted. @type {"push" | "replace" | null} */
let unsaved = null;
/** Whether the server has not answered yet, and whether another change waits for that. */
let [pending, queued] = [false, false];
/** Of presses of a pointer: whether one goes on, how many there were, and in which the address got an entry. */
let [held, presses, entered] = [false, 0, -1];
addEventListener("pointerdown", () => void ([held, presses] = [true, presses + 1]), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => void (held = false), true);
let isRefused = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saving;
/** Of the newest frame, for going on after a lost connection. */
let step = 0;

/**
 * For panels whose answers nobody else needs: phase, microscope, export.
 * @template {ServerMessage["type"]} T
 * @param {T} type
 * @param {(message: Extract<ServerMessage, {type: T}>) => void} listener
 */
export function onMessage(type, listener) {
  listeners.set(type, [...(listeners.get(type) ?? []), listener]);
}

/** @param {ClientMessage} message */
export function send(message) {
  link?.send(message);
}

export function connect() {
  const handlers = { open: opened, lost: () => connection("lost"), message: receive };
  if (host) {
    link = new HostLink(host, handlers);
    return;
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const token = takeToken();
  if (token === null) showNotice(t("link.noToken"), "bad");
  else link = new Socket(`${scheme}://${location.host}/socket?token=${encodeURIComponent(token)}`, handlers);
}

/** The token goes from the address into the memory of this tab, so that no address that is shown or copied holds it. */
function takeToken() {
  const query = new URLSearchParams(location.search);
  const given = query.get("token");
  if (given === null) return sessionStorage.getItem("token");
  sessionStorage.setItem("token", given);
  query.delete("token");
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
  return given;
}

function opened() {
  connection("open");
  // After a lost connection the server may be a new one, which knows nothing: it computes its way back to this step.
  // (The link is not stored yet while it is being made.)
  queueMicrotask(() => {
    // What was refused before would be refused again, and leave a new server with nothing.
    configure(step, isRefused && accepted ? accepted : store.config);
    if (wanted) play(stepsPerFrame);
  });
}

/** @param {"open" | "lost"} now */
function connection(now) {
  going(null);
  if (now === "lost") [pending, queued] = [false, false]; // once it is back, everything is sent anew
  store.connection = now;
  store.emit("connection");
}

/** @param {ServerMessage} message */
function receive(message) {
  if (message.type === "hello") {
    store.hello = message;
    store.emit("hello");
  } else if (message.type === "state") {
    store.built = message;
    store.frame = null; // of the networks before
    accepted = sent;
    isRefused = false;
    showRefused(false);
    if (unsaved) {
      const how = unsaved;
      unsaved = null;
      remember(how);
    }
    clampSelection();
    store.emit("built");
  } else if (message.type === "frame") {
    store.frame = message;
    going(null);
    step = message.step;
    if (!message.playing) rememberSoon();
    store.emit("frame");
    answered();
  } else if (message.type === "progress") {
    going(message);
  } else if (message.type === "error") {
    going(null);
    const text = say(message.said);
    showError(message.field, text);
    if (message.field.startsWith("config")) refused(`${message.field.replace(/^config\./, "")}${t("colon")}${text}`);
  }
  if (message.type === "error" || message.type === "progress") answered();
  for (const listener of listeners.get(message.type) ?? []) listener(message);
}

/** @param {import("./protocol.js").Progress | null} now */
function going(now) {
  if (now === store.going) return;
  store.going = now;
  store.emit("going");
}

/** The displays go on with what was accepted before; a link that was never accepted gives way to the page's own. @param {string} message */
function refused(message) {
  unsaved = null;
  isRefused = true;
  if (store.built || sent === own) {
    showRefused(true);
    return;
  }
  own = defaultConfig();
  adopt(own);
  configure();
  showNotice(t("link.refused", { message }), "bad");
}

/** What a refused link was replaced by. @type {Config | null} */
let own = null;

/**
 * @param {number} [at] the step to go on from
 * @param {Config} [config]
 */
function configure(at = 0, config = store.config) {
  from = null;
  clearTimeout(waiting);
  waiting = undefined;
  clearErrors();
  // The server says which names it knows, and says so at the control if one is unknown: a link may hold any.
  sent = config;
  pending = true;
  step = at; // or the address would hold that of the network before
  send({ type: "configure", config: /** @type {import("./protocol.js").Config} */ (config), step: at });
  sendSelection(); // the server forgets it with the old networks
}

/**
 * Changes the config: displays and address follow at once, the server when the changes pause.
 * @param {(config: Config) => void} mutate
 * @param {boolean} [stay] whether to go on from this step, since nothing before it changes
 */
export function change(mutate, stay = false) {
  const config = structuredClone(store.config);
  mutate(config);
  settle(config);
  config.edits = config.edits.flatMap((edit) => kept(edit, config));
  adopt(config);
  from = stay && from !== 0 ? step : 0;
  schedule();
}

/**
 * Of many changes that come quickly one goes every now and then, as soon as the one before is on the screen: a slider is felt
 * while it is dragged, whatever the experiment takes to be built.
 */
function schedule() {
  if (waiting !== undefined || queued) return;
  if (pending) queued = true;
  else {
    const left = PATIENCE - (performance.now() - changed);
    if (left > 0) waiting = setTimeout(commit, left);
    else commit();
  }
}

/** What was sent has been answered: what waited for that may go. */
function answered() {
  pending = false;
  if (!queued) return;
  queued = false;
  schedule();
}

function commit() {
  waiting = undefined;
  changed = performance.now();
  if (lacksPoints(store.config)) {
    // Whoever has only begun to set points has made no mistake.
    showRefused(true);
    return;
  }
  unsaved = held && entered === presses ? "replace" : "push";
  entered = presses;
  configure(from ?? 0);
  if (wanted) play(stepsPerFrame);
}

/** Whether points of one's own are still to be set. @param {Config} config */
function lacksPoints({ data }) {
  return data.name === "points" && store.built !== null && new Set(data.points.map(([, , label]) => label)).size < 2;
}

/**
 * A weight that was set by hand stays with its run, which may get another number; it goes with the network for which it was set.
 * @param {import("./protocol.js").Edit} edit
 * @param {Config} config
 */
function kept(edit, config) {
  const labels = (/** @type {Config} */ { variants }) => ["", ...variants.map(({ label }) => label)];
  const label = labels(store.config)[edit.run];
  if (label === undefined) return [edit]; // of a run that is new
  const run = labels(config).indexOf(label);
  return run >= 0 && shape(config, run) === shape(store.config, edit.run) ? [{ ...edit, run }] : [];
}

/** What decides how many layers, units and inputs a run has. @param {Config} config @param {number} run */
function shape(config, run) {
  const { data, features, layers, loss } = configOf(config, run);
  const classes = new Set(data.points.map(([, , label]) => label)); // which decide how many outputs there are
  return JSON.stringify([data.name, features, layers, loss, [...classes].sort()]);
}

/** @param {Config} config */
function adopt(config) {
  settle(config); // links may be edited by hand
  store.config = config;
  store.emit("config");
}

/** @param {number} steps steps between two frames; 0 for as many as fit */
export function play(steps) {
  wanted = true;
  stepsPerFrame = steps;
  send({ type: "play", steps_per_frame: steps });
}

export function pause() {
  wanted = false;
  send({ type: "pause" });
}

export function playing() {
  return wanted;
}

/** @param {Partial<import("./state.js").Selection>} part */
export function select(part) {
  store.selection = { ...store.selection, ...part };
  clampSelection();
  store.emit("selection");
  sendSelection();
}

function sendSelection() {
  send({ type: "select", ...store.selection });
}

/** After a change the selected run, layer or unit may no longer be there. */
function clampSelection() {
  const { built, selection } = store;
  if (!built) return;
  const run = Math.min(selection.run, built.runs.length - 1);
  const { layers } = built.runs[run];
  const layer = selection.layer === null ? null : Math.min(selection.layer, layers.length - 1);
  const within = (/** @type {number | null} */ i, /** @type {number} */ n) => (i !== null && i < n ? i : null);
  const unit = layer === null ? null : within(selection.unit, layers[layer].units);
  const input = unit === null || layer === null ? null : within(selection.input, layers[layer].inputs);
  const changed = run !== selection.run || layer !== selection.layer || unit !== selection.unit || input !== selection.input;
  store.selection = { run, layer, unit, input };
  if (changed) {
    store.emit("selection");
    sendSelection();
  }
}

/** @param {Partial<typeof store.view>} part @param {"push" | "replace" | "later"} [how] "later": with the config that changes */
export function show(part, how = "replace") {
  Object.assign(store.view, part);
  store.emit("view");
  if (how !== "later") remember(how);
}

/** @param {import("./i18n.js").Language} language */
export function speak(language) {
  setLanguage(language);
  translate(document);
  document.title = `${t("title")}${t("colon")}${t("subtitle")}`;
  store.emit("language");
}

/** @param {"push" | "replace"} how */
export function remember(how) {
  if (host) return; // a notebook's address is not the page's
  clearTimeout(saving);
  // What belongs to a config that is still on its way is remembered with it.
  if (waiting !== undefined || queued || unsaved) return;
  const hash = encode({ ...store.view, config: accepted ?? store.config, language: getLanguage(), step });
  if (hash === location.hash) return;
  if (how === "push") history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}

/** What a link to this experiment is; where a Lab is published its address comes first, since there anybody can open it. */
export function shared() {
  const hash = encode({ ...store.view, config: accepted ?? store.config, language: getLanguage(), step });
  const isLocal = ["127.0.0.1", "localhost", ""].includes(location.hostname);
  return (isLocal ? "lab:" : location.href.split(/[?#]/)[0]) + hash;
}

/** Another experiment, from a link or a file. @param {Partial<import("./urlstate.js").Saved> & {config: Config, step: number}} saved */
export function load({ config, language, panel, step: at, ...view }) {
  if (language) speak(language);
  show({ ...view, ...(panel ? { panel } : {}), scene: view.scene ?? null, preset: view.preset ?? null }, "later");
  clearTimeout(waiting);
  waiting = undefined;
  queued = false;
  adopt(config);
  unsaved = "push";
  configure(at);
  if (wanted) play(stepsPerFrame);
}

/** The step goes into the address as well, but not sixty times a second. */
function rememberSoon() {
  clearTimeout(saving);
  saving = setTimeout(() => remember("replace"), 300);
}

/** Takes everything from the address: at the beginning, and when the back button was pressed. */
export function restore() {
  clearTimeout(waiting); // what was still on its way is not gone back to
  waiting = undefined;
  unsaved = null;
  queued = false;
  const saved = decode(host ? "" : linkHere());
  if (host) saved.config = fitting(host.begin);
  const same = JSON.stringify(saved.config) === JSON.stringify(store.config);
  if (saved.language) speak(saved.language);
  const { config, language, panel, step: at, ...view } = saved;
  Object.assign(store.view, view, { panel: panel ?? store.view.panel });
  clearTimeout(saving);
  if (!same) adopt(config);
  accepted = store.config; // so that the address stays as it is until the server has said what it thinks
  step = at;
  store.emit("view");
  if (same || !link) return;
  configure(step);
  if (wanted) play(stepsPerFrame);
}
