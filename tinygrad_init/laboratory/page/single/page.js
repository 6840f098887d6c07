// The page that is one file: experiments by name, controls, the gradient over depth, and the losses as a line. The steps are
// the worker's.

import { format } from "../scale.js";
import { DepthChart, sentenceOf } from "./depth.js";
import { PRESETS, storyOf } from "./presets.js";

/**
 * @typedef {import("./worker.js").Layer} Layer
 * @typedef {import("./presets.js").Preset} Preset
 * @typedef {{type: "ready", grid: Record<string, (string | number)[]>, starts: object, data: object}
 *   | {type: "began", id: number, first: number, layers: Layer[], map: Float64Array, points: Float64Array, labels: Float64Array}
 *   | {type: "ran", id: number, losses: Float64Array, layers: Layer[], map: Float64Array}
 *   | {type: "failed", text: string}} FromWorker
 */

const MOST_AT_ONCE = 2000;
const REACH = 1.2; // of the map, in each direction
const COLOURS = [[37, 99, 235], [234, 88, 12]]; // of the classes
const FRAME = 16; // milliseconds of steps between two pictures

/** @param {string} id @returns {any} */
const found = (id) => document.getElementById(id);

const worker = new Worker(URL.createObjectURL(new Blob([found("worker").textContent], { type: "text/javascript" })));
const depths = new DepthChart(found("depths"));
/** @type {number[]} */
let losses = [];
let first = NaN; // the loss before anything has been learned
/** The gradients of the layers, as decimal logarithms: as they are, and before the last change. @type {number[][]} */
let [gradients, before] = [[], []];
/** Those of the presets that this file's grid reaches. @type {Preset[]} */
let presets = [];
/** @type {Preset | undefined} */
let preset;
let id = 0; // of the experiment: what comes from one before it is not shown
let plays = false;
let atOnce = 20;
let asked = 0;
/** Outputs over the map. @type {Float64Array} */
let plane = new Float64Array(0);
/** @type {{points: Float64Array, labels: Float64Array}} */
let samples = { points: plane, labels: plane };

/** @param {string} name */
const chosen = (name) => found(name).value;

/** Another experiment: what was seen of the one before stays as a thin line. */
function changed() {
  before = gradients;
  begin();
}

function begin() {
  id += 1;
  losses = [];
  tell();
  const point = ["activation", "depth", "width", "stack"].map(chosen).join("/");
  const setting = { point, start: chosen("start"), seed: Number(chosen("seed")), data: chosen("data"), lr: Number(chosen("lr")) };
  worker.postMessage({ type: "begin", id, setting });
  if (plays) run(atOnce);
}

/** What is to be seen here, and the one thing to do about it. */
function tell() {
  const story = preset && storyOf(preset, chosen);
  const [text, button] = found("story").children;
  text.textContent = story?.text ?? "An experiment of your own: the thick line is the gradient that each layer gets.";
  button.textContent = story?.act ?? "";
  button.hidden = !story?.act;
  for (const one of found("presets").children) one.setAttribute("aria-pressed", String(one.id === preset?.id));
}

/** @param {object} setting */
function choose(setting) {
  for (const [field, value] of Object.entries(setting)) found(field).value = String(value);
}

/** @param {Preset} wanted */
function open(wanted) {
  preset = wanted;
  choose({ ...wanted.setting, lr: 0.1 });
  before = [];
  begin();
}

/** Presets whose experiment and cure are in the grid, as buttons. */
function offerPresets() {
  const there = (/** @type {[string, string | number]} */ [field, value]) =>
    [...found(field).options].some((option) => option.value === String(value));
  presets = PRESETS.filter(({ setting, mend }) => [...Object.entries(setting), ...Object.entries(mend)].every(there));
  found("presets").replaceChildren(
    ...presets.map((one) => {
      const button = Object.assign(document.createElement("button"), { id: one.id, type: "button", textContent: one.name });
      button.addEventListener("click", () => open(one));
      return button;
    }),
  );
}

/** @param {number} steps */
function run(steps) {
  asked = performance.now();
  worker.postMessage({ type: "run", id, steps });
}

/** @param {number} x */
const written = (x) => (Number.isFinite(x) ? x.toPrecision(6) : String(x));

function draw() {
  const canvas = found("chart");
  const pen = canvas.getContext("2d");
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width, height].map((length) => length * devicePixelRatio); // which clears it
  pen.scale(devicePixelRatio, devicePixelRatio);
  const each = Math.ceil(losses.length / (2 * width)) || 1; // of many losses some for each column
  const shown = losses.length ? losses.filter((_, i) => i % each === 0) : [first];
  const top = shown.reduce((most, x) => (x > most ? x : most), 0) || 1;
  const x = (/** @type {number} */ i) => 64 + (i / Math.max(shown.length - 1, 1)) * (width - 72);
  const y = (/** @type {number} */ loss) => height - 8 - ((height - 16) * loss) / top;
  pen.beginPath();
  shown.forEach((loss, i) => pen.lineTo(x(i), y(loss)));
  pen.strokeStyle = pen.fillStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2;
  pen.stroke();
  pen.beginPath();
  pen.arc(x(shown.length - 1), y(shown[shown.length - 1]), 3, 0, 2 * Math.PI);
  pen.fill();
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.fillStyle = getComputedStyle(document.body).color;
  pen.fillText(format(top), 56, y(top) + 5);
  pen.fillText("0", 56, y(0) + 2);
}

/** The probability of the second class over the plane, and the samples. */
function drawMap() {
  const canvas = found("map");
  const pen = canvas.getContext("2d");
  const size = Math.sqrt(plane.length / 2);
  const picture = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const p = 1 / (1 + Math.exp(plane[2 * i] - plane[2 * i + 1]));
    const at = 4 * ((size - 1 - Math.floor(i / size)) * size + (i % size));
    for (let c = 0; c < 3; c++) picture.data[at + c] = 255 - 0.6 * (255 - ((1 - p) * COLOURS[0][c] + p * COLOURS[1][c]));
    picture.data[at + 3] = 255;
  }
  const small = new OffscreenCanvas(size, size);
  small.getContext("2d")?.putImageData(picture, 0, 0);
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  samples.labels.forEach((label, i) => {
    const [x, y] = [0, 1].map((axis) => ((samples.points[2 * i + axis] / REACH + 1) / 2) * canvas.width);
    pen.beginPath();
    pen.arc(x, canvas.height - y, 4, 0, 2 * Math.PI);
    pen.fillStyle = `rgb(${COLOURS[label].join(",")})`;
    pen.fill();
    pen.strokeStyle = "white";
    pen.stroke();
  });
}

/** @param {Layer[]} layers */
function show(layers) {
  found("step").textContent = String(losses.length);
  found("loss").textContent = losses.length ? written(losses[losses.length - 1]) : written(first);
  gradients = layers.map(({ gradient }) => Math.log10(gradient));
  if (before.length !== gradients.length) before = [];
  depths.draw(gradients, layers.map(({ weight }) => Math.log10(weight)), before);
  found("before").hidden = !before.length;
  found("said").textContent = sentenceOf(gradients, before);
  found("layers").replaceChildren(
    ...layers.map(({ shape, weight, gradient }, i) => {
      const row = document.createElement("tr");
      for (const text of [String(i + 1), `${shape[1]} → ${shape[0]}`, written(weight), written(gradient)]) {
        row.append(Object.assign(document.createElement("td"), { textContent: text }));
      }
      return row;
    }),
  );
  draw();
  drawMap();
}

/** @param {string} name @param {(string | number)[]} values @param {string | number} first */
function offer(name, values, first) {
  const options = values.map((value) => new Option(String(value), String(value), value === first, value === first));
  found(name).replaceChildren(...options);
  found(name).addEventListener("change", changed);
}

/** What stands before a slash in names, each once. @param {object} named */
const heads = (named) => [...new Set(Object.keys(named).map((name) => name.split("/")[0]))];

worker.addEventListener("message", (/** @type {MessageEvent<FromWorker>} */ { data: message }) => {
  if (message.type === "ready") {
    const { grid } = message;
    offer("activation", grid.activations, "sigmoid");
    offer("depth", grid.depths, 10);
    offer("width", grid.widths, grid.widths[0]);
    offer("stack", grid.stacks, "plain");
    offer("seed", grid.seeds, grid.seeds[0]);
    offer("start", heads(message.starts), "xavier");
    offer("data", heads(message.data), "circles");
    offerPresets();
    if (presets.length) open(presets[0]);
    else begin();
  } else if (message.type === "failed") {
    found("failed").textContent = message.text;
  } else if (message.id === id) {
    plane = message.map;
    if (message.type === "began") [samples, first] = [message, message.first];
    else {
      losses.push(...message.losses);
      const took = performance.now() - asked;
      if (message.losses.length === atOnce) atOnce = Math.min(MOST_AT_ONCE, took < FRAME ? 2 * atOnce : Math.max(1, atOnce >> 1));
      if (plays) requestAnimationFrame(() => plays && run(atOnce));
    }
    show(message.layers);
  }
});

found("lr").addEventListener("change", () => {
  const lr = Number(chosen("lr"));
  if (lr > 0) worker.postMessage({ type: "rate", lr });
  found("failed").textContent = lr > 0 ? "" : "The learning rate is a number above 0.";
});
found("again").addEventListener("click", begin);
found("mend").addEventListener("click", () => {
  choose(preset?.mend ?? {});
  found("play").focus({ preventScroll: true }); // the next thing to do, once this button is gone
  changed();
});
found("one").addEventListener("click", () => run(1));
found("hundred").addEventListener("click", () => run(100));
found("play").addEventListener("click", () => {
  plays = !plays;
  found("play").textContent = plays ? "Pause" : "Play";
  if (plays) run(atOnce);
});
// For whoever wants the numbers themselves: in the browser's console, and in tests.
Object.assign(globalThis, { losses: () => losses, outputs: () => plane });

worker.postMessage({ type: "unpack", text: found("contents").textContent });
