// The worker of the page that is one file (serving/single_file.py): it answers the page as the Lab's server does, with
// programs in WebAssembly. Every message is one of laboratory/messages/protocol.py, as text.

import { Machine } from "../program.js";
import { layersOf } from "./measuring.js";
import { finite, Running } from "./running.js";
import { dotsOf, now, report } from "./telling.js";

/** @typedef {import("./running.js").Contents} Contents */
/** @typedef {import("./running.js").Config} Config */

const SLICE = 12; // milliseconds of steps between two pictures, or two looks at what the page wants
const REPORT = 1000; // between two reports while it plays: sentences are to be read
const PROGRESS = 300; // between two words on the way to a distant step
const MOST_STEPS = 10_000_000;

/** @type {import("./running.js").File} */
let file; // once it is unpacked
/** @type {Config} */
let config;
/** @type {Running[]} */
let runs = [];
/** @type {import("./telling.js").Report[]} */
let reports = [];
let selected = { run: 0, layer: /** @type {number | null} */ (0), unit: /** @type {number | null} */ (null), input: /** @type {number | null} */ (null) };
let [goal, playing, perFrame, atOnce] = [0, false, 0, 20];
/** Whether the page has drawn the last frame. */
let read = true;
let [due, scheduled] = [false, false];
let [reported, progressed] = [0, 0];

/** @param {import("../protocol.js").FromServer} message */
const say = (message) => postMessage(JSON.stringify(message));

/** @param {{contents: Contents, pieces: Uint8Array}} given */
async function unpack({ contents, pieces }) {
  const bytes = (/** @type {[number, number]} */ [begin, size]) => pieces.subarray(begin, begin + size);
  say(contents.hello);
  const machine = await Machine.start(/** @type {any} */ (bytes(contents.machine)));
  file = { contents, bytes, machine };
}

/** The config of each run: the first, and with what each variant changes. @returns {Config[]} */
function configs() {
  return [config, ...config.variants.map(({ label: _, ...changes }) => ({
    ...config, ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined && value !== null)),
  }))];
}

/** @param {Config} wanted @param {number} step */
function configure(wanted, step) {
  config = wanted;
  runs = configs().map((one, i) => new Running(file, one, i));
  reports = [];
  [goal, due, playing] = [step, true, false];
  say(state());
}

/** What was built. @returns {import("../protocol.js").State} */
function state() {
  const { contents } = file;
  const names = [...new Set(runs.map(({ config }) => config.activations[0]))];
  return {
    type: "state",
    config: /** @type {import("../protocol.js").Config} */ (/** @type {unknown} */ (config)),
    parameters: runs.reduce((sum, { point }) => sum + point.parameters, 0),
    points: pointsOf(runs[0]),
    images: null,
    classes: 2,
    features: ["x", "y"],
    inputs: contents.inputs,
    epochs_of: 1,
    runs: runs.map((run, i) => ({
      label: config.variants[i - 1]?.label ?? "",
      parameters: run.point.parameters,
      layers: run.point.layers.map(({ name, units, inputs, activation, single }) => ({ name, units, inputs, activation, single })),
      classes: 2,
      points: run.samples === runs[0].samples ? null : pointsOf(run),
    })),
    phi: Object.fromEntries(names.filter((name) => contents.phi[name]).map((name) => [name, contents.phi[name]])),
    notes: [],
  };
}

/** The samples, those that are held out last. @param {Running} run @returns {import("../protocol.js").Points} */
function pointsOf({ samples }) {
  const numbers = [samples.x, samples.test.x].flatMap((piece) => [...new Float64Array(file.bytes(piece).slice().buffer)]);
  const [x, y] = [0, 1].map((axis) => numbers.filter((_, i) => i % 2 === axis));
  return { x, y, label: [...samples.y, ...samples.test.y], value: [], low: 0, high: 0, test: samples.test.y.length };
}

function frame() {
  const time = performance.now();
  const judge = !playing || time - reported > REPORT || !reports.length;
  if (judge) reported = time;
  const told = runs.map((run, i) => {
    const look = run.look();
    const layers = layersOf(look);
    if (judge && reports[i]?.told.report_step !== run.step) reports[i] = report(run, look, layers);
    return now(run, look, layers, reports[i], i === selected.run ? selected : null);
  });
  read = false;
  say({ type: "frame", step: runs[0].step, epoch: runs[0].step, playing, timeline: [...runs[0].checkpoints.keys()], runs: told });
}

/** Commands that come in between are heard: each piece of work is a message to oneself. */
const turn = new MessageChannel();
turn.port1.onmessage = () => {
  scheduled = false;
  guarded(work);
};

function soon() {
  if (scheduled || !runs.length) return;
  scheduled = true;
  turn.port2.postMessage(null);
}

function work() {
  const { step } = runs[0];
  if (playing) {
    if (!read) return; // until the page has drawn what there is
    const began = performance.now();
    const next = Math.min(step + (perFrame || atOnce), MOST_STEPS);
    for (const run of runs) run.advance(next);
    if (!perFrame) atOnce = performance.now() - began < SLICE ? Math.min(2 * atOnce, 20_000) : Math.max(atOnce >> 1, 1);
    if (next === MOST_STEPS) playing = false;
    frame();
  } else if (step < goal) {
    for (const began = performance.now(); runs[0].step < goal && performance.now() - began < SLICE; ) {
      const next = Math.min(runs[0].step + 50, goal);
      for (const run of runs) run.advance(next);
    }
    if (performance.now() - progressed > PROGRESS && runs[0].step < goal) {
      progressed = performance.now();
      say({ type: "progress", step: runs[0].step, goal });
    }
    soon();
  } else if (due) {
    due = false;
    frame();
  }
}

/** @param {number} step */
function move(step) {
  playing = false;
  for (const run of runs) run.back(step);
  [goal, due, progressed] = [Math.min(step, MOST_STEPS), true, performance.now()];
}

/** @param {string} activation */
function phase(activation) {
  const found = file.contents.phases[activation];
  if (found) say({ ...found, type: "phase", step: runs[0]?.step ?? 0, dots: runs.flatMap((run, i) => dotsOf(run, i, activation)) });
}

/** @param {any} message */
function handle(message) {
  const step = runs.length ? (playing ? runs[0].step : Math.max(runs[0].step, goal)) : 0;
  if (message.type === "configure") configure(message.config, message.step ?? 0);
  else if (message.type === "select") {
    selected = { run: message.run ?? 0, layer: message.layer ?? null, unit: message.unit ?? null, input: message.input ?? null };
    due = true;
  } else if (message.type === "play") [playing, perFrame, read] = [true, message.steps_per_frame ?? 0, true];
  else if (message.type === "pause") move(runs[0]?.step ?? 0);
  else if (message.type === "step") move(step + (message.steps ?? 1));
  else if (message.type === "epoch") move(step + 1);
  else if (message.type === "seek") move(message.step);
  else if (message.type === "rewind") move(0);
  else if (message.type === "phase") phase(message.activation);
  soon();
}

/** @param {() => void} act */
function guarded(act) {
  try {
    act();
  } catch (error) {
    failed(error);
  }
}

/** @param {unknown} error */
function failed(error) {
  [playing, due] = [false, false];
  const text = error instanceof Error ? error.message : String(error);
  say({ type: "error", field: "", message: text, said: { key: "refusal.unexpected", numbers: { error: text } } });
}

/** What the page wants waits for the file to be unpacked. */
let unpacked = Promise.resolve();
addEventListener("message", ({ data }) => {
  if (data === "read") {
    read = true;
    if (playing) soon();
  } else if (data.pieces) unpacked = unpack(data).catch(failed); // a browser without vectors in WebAssembly
  else void unpacked.then(() => file && guarded(() => handle(JSON.parse(data))));
});
// For whoever wants the numbers themselves.
Object.assign(globalThis, { numbers: () => runs.map((run) => [run.losses, Array.from(run.map(), finite)]) });
