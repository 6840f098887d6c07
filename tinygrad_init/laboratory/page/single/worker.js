// The worker of the page that is one file (serving/single_file.py): it unpacks what the file holds, and takes steps.

import { Machine, Program } from "../program.js";

/**
 * @typedef {[number, number]} Piece
 * @typedef {{learn: Piece, predict: Piece, plane: Piece[], starts: Record<string, Record<string, Piece>>}} Point
 * @typedef {{grid: Record<string, (string | number)[]>, machine: Piece, points: Record<string, Point>,
 *   data: Record<string, Piece[]>}} Contents
 * @typedef {{point: string, start: string, seed: number, data: string, lr: number}} Setting
 * @typedef {{shape: number[], weight: number, gradient: number}} Layer root mean squares
 */

/** @type {Contents} */
let contents;
/** @type {Uint8Array} */
let pieces;
/** @type {Machine} */
let machine;
/** A step and, of the same weights, the outputs over a part of the plane. @type {Map<string, {learn: Program, predict: Program}>} */
const programs = new Map();
/** @type {Program} */
let program;
/** @type {Program} */
let predict;
/** @type {Piece[]} */
let plane;

/** @param {Piece} piece */
const piece = ([begin, size]) => pieces.subarray(begin, begin + size);

/** @param {import("../program.js").Numbers} numbers @param {Piece} from */
function fill(numbers, from) {
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).set(piece(from));
}

/** @param {string} text */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  contents = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  pieces = bytes.subarray(8 + size);
  machine = await Machine.start(/** @type {any} */ (piece(contents.machine)));
  postMessage({ type: "ready", grid: contents.grid, starts: Object.values(contents.points)[0].starts, data: contents.data });
}

/** Where an experiment begins: its loss and its layers before anything has been learned. @param {Setting} setting */
function begin({ point, start, seed, data, lr }) {
  const here = contents.points[point];
  if (!programs.has(point)) {
    const pair = { learn: machine.program(piece(here.learn)), predict: machine.program(piece(here.predict)) };
    for (const { name, slot } of pair.predict.header.state) if (slot) pair.predict.share(name, pair.learn);
    programs.set(point, pair);
  }
  ({ learn: program, predict } = /** @type {{learn: Program, predict: Program}} */ (programs.get(point)));
  plane = here.plane;
  const put = () => {
    program.reset();
    for (const [name, from] of Object.entries(here.starts[`${start}/${seed}`])) fill(program.state(name), from);
    contents.data[`${data}/${seed}`].forEach((from, i) => fill(program.input(i), from));
  };
  // A step of no length has the first gradients; what else it changed is put back.
  put();
  rate(0);
  const [first] = program.repeat(1);
  const gradients = layers().map(({ gradient }) => gradient);
  put();
  rate(lr);
  return { first, layers: layers().map((layer, i) => ({ ...layer, gradient: gradients[i] })) };
}

/** @param {number} lr */
function rate(lr) {
  program.state("sgd.lr")[0] = lr;
}

/** @param {import("../program.js").Numbers} numbers */
function size(numbers) {
  let sum = 0;
  for (const x of numbers) sum += Number(x) ** 2;
  return Math.sqrt(sum / numbers.length);
}

/** What each linear map has, its gradients those of the last step. @returns {Layer[]} */
function layers() {
  return program.header.state
    .filter(({ name, shape }) => name.endsWith(".weight") && shape.length === 2)
    .map(({ name, shape }) => ({ shape, weight: size(program.state(name)), gradient: size(program.state(`${name}.grad`)) }));
}

/** What the network says over the plane: a row of outputs for each point, row by row from below. */
function map() {
  const parts = plane.map((from) => {
    fill(predict.input(0), from);
    predict.run();
    return Array.from(predict.output(0), Number);
  });
  return Float64Array.from(parts.flat());
}

/** The samples: rows of x and y, and a label for each. */
function samples() {
  return { points: Float64Array.from(program.input(0), Number), labels: Float64Array.from(program.input(1), Number) };
}

addEventListener("message", async ({ data }) => {
  try {
    if (data.type === "unpack") await unpack(data.text);
    else if (data.type === "begin") {
      const began = begin(data.setting);
      postMessage({ type: "began", id: data.id, ...began, map: map(), ...samples() });
    } else if (data.type === "rate") rate(data.lr);
    else if (data.type === "run") {
      const losses = program.repeat(data.steps);
      postMessage({ type: "ran", id: data.id, losses, layers: layers(), map: map() });
    }
  } catch (error) {
    postMessage({ type: "failed", text: String(error) });
  }
});
