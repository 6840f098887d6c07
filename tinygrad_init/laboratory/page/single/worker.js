// The worker of the page that is one file (serving/single_file.py): it unpacks what the file holds, and takes steps.

import { Machine, Program } from "../program.js";

/**
 * @typedef {[number, number]} Piece
 * @typedef {{program: Piece, starts: Record<string, Record<string, Piece>>}} Point
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
/** @type {Map<string, Program>} */
const programs = new Map();
/** @type {Program} */
let program;

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

/** @param {Setting} setting */
function begin({ point, start, seed, data, lr }) {
  const { program: file, starts } = contents.points[point];
  if (!programs.has(point)) programs.set(point, machine.program(piece(file)));
  program = /** @type {Program} */ (programs.get(point));
  program.reset();
  for (const [name, from] of Object.entries(starts[`${start}/${seed}`])) fill(program.state(name), from);
  contents.data[`${data}/${seed}`].forEach((from, i) => fill(program.input(i), from));
  rate(lr);
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

addEventListener("message", async ({ data }) => {
  try {
    if (data.type === "unpack") await unpack(data.text);
    else if (data.type === "begin") {
      begin(data.setting);
      postMessage({ type: "began", id: data.id, layers: layers() });
    } else if (data.type === "rate") rate(data.lr);
    else if (data.type === "run") postMessage({ type: "ran", id: data.id, losses: program.repeat(data.steps), layers: layers() });
  } catch (error) {
    postMessage({ type: "failed", text: String(error) });
  }
});
