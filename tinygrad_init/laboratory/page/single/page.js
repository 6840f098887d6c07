// The page that is one file: controls, the losses as a line, and a row for each layer. The steps are the worker's.

/**
 * @typedef {import("./worker.js").Layer} Layer
 * @typedef {{type: "ready", grid: Record<string, (string | number)[]>, starts: object, data: object}
 *   | {type: "began", id: number, layers: Layer[]} | {type: "ran", id: number, losses: Float64Array, layers: Layer[]}
 *   | {type: "failed", text: string}} FromWorker
 */

const MOST_AT_ONCE = 2000;
const FRAME = 16; // milliseconds of steps between two pictures

/** @param {string} id @returns {any} */
const found = (id) => document.getElementById(id);

const worker = new Worker(URL.createObjectURL(new Blob([found("worker").textContent], { type: "text/javascript" })));
/** @type {number[]} */
let losses = [];
let id = 0; // of the experiment: what comes from one before it is not shown
let plays = false;
let atOnce = 20;
let asked = 0;

/** @param {string} name */
const chosen = (name) => found(name).value;

function begin() {
  id += 1;
  losses = [];
  const point = ["activation", "depth", "width", "stack"].map(chosen).join("/");
  const setting = { point, start: chosen("start"), seed: Number(chosen("seed")), data: chosen("data"), lr: Number(chosen("lr")) };
  worker.postMessage({ type: "begin", id, setting });
  if (plays) run(atOnce);
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
  const [width, height] = [canvas.width, canvas.height];
  pen.clearRect(0, 0, width, height);
  const top = Math.max(...losses.slice(0, 1), losses.reduce((most, x) => (x > most ? x : most), 0)) || 1;
  pen.beginPath();
  losses.forEach((loss, i) => pen.lineTo((i / Math.max(losses.length - 1, 1)) * width, height - (0.95 * height * loss) / top));
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2;
  pen.stroke();
}

/** @param {Layer[]} layers */
function show(layers) {
  found("step").textContent = String(losses.length);
  found("loss").textContent = losses.length ? written(losses[losses.length - 1]) : "–";
  found("layers").replaceChildren(
    ...layers.map(({ shape, weight, gradient }, i) => {
      const row = document.createElement("tr");
      for (const text of [String(i + 1), `${shape[1]} → ${shape[0]}`, written(weight), losses.length ? written(gradient) : "–"]) {
        row.append(Object.assign(document.createElement("td"), { textContent: text }));
      }
      return row;
    }),
  );
  draw();
}

/** @param {string} name @param {(string | number)[]} values @param {string | number} first */
function offer(name, values, first) {
  const options = values.map((value) => new Option(String(value), String(value), value === first, value === first));
  found(name).replaceChildren(...options);
  found(name).addEventListener("change", begin);
}

/** What stands before a slash in names, each once. @param {object} named */
const heads = (named) => [...new Set(Object.keys(named).map((name) => name.split("/")[0]))];

worker.addEventListener("message", (/** @type {MessageEvent<FromWorker>} */ { data: message }) => {
  if (message.type === "ready") {
    const { grid } = message;
    offer("activation", grid.activations, "tanh");
    offer("depth", grid.depths, 2);
    offer("width", grid.widths, grid.widths[0]);
    offer("stack", grid.stacks, "plain");
    offer("seed", grid.seeds, grid.seeds[0]);
    offer("start", heads(message.starts), "xavier");
    offer("data", heads(message.data), "circles");
    begin();
  } else if (message.type === "failed") {
    found("failed").textContent = message.text;
  } else if (message.id === id) {
    if (message.type === "ran") {
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
found("one").addEventListener("click", () => run(1));
found("hundred").addEventListener("click", () => run(100));
found("play").addEventListener("click", () => {
  plays = !plays;
  found("play").textContent = plays ? "Pause" : "Play";
  if (plays) run(atOnce);
});
// For whoever wants the numbers themselves: in the browser's console, and in tests.
Object.assign(globalThis, { losses: () => losses });

worker.postMessage({ type: "unpack", text: found("contents").textContent });
