// A network that is trained by the programs of the file: its start, its steps, ways back to every step, and what the
// programs that look have found.

import { Program } from "../program.js";

/**
 * @typedef {[number, number]} Piece where bytes begin, and how many
 * @typedef {import("../types.js").Config} Config
 * @typedef {{learn: Piece[], clipped: Piece[], look: Piece[], predict: Piece[],
 *   paint: Piece[], plane: Piece[], coarse: Piece, parameters: number,
 *   layers: import("./measuring.js").Place[], factors: import("./measuring.js").Recipe[][], starts: Record<string, Record<string, Piece>>}} Point
 * @typedef {{x: Piece, target: Piece, y: number[], guess: number, linear_share: number,
 *   test: {x: Piece, y: number[]}}} Samples
 * @typedef {{grid: Record<string, (string | number)[]>, hello: import("../protocol.js").Hello, begin: Config, machine: Piece,
 *   stacks: Record<string, Partial<Config>>, points: Record<string, Point>, data: Record<string, Samples>, starts: string[],
 *   phases: Record<string, Omit<import("../protocol.js").Phase, "type" | "step" | "dots">>,
 *   moments: Record<string, import("./theory.js").Table>, phi: Record<string, import("./measuring.js").Phi>, inputs: import("../protocol.js").Map[], table: import("./findings.js").Row[],
 *   constants: import("./measuring.js").Constants, page: Piece, worker: Piece}} Contents
 * @typedef {{contents: Contents, bytes: (piece: Piece) => Uint8Array, machine: import("../program.js").Machine}} File
 */

const MOST_LOSSES = 1 << 16;
const MOST_CHECKPOINTS = 256;
const MOST_SHOWN = 400;

/** The name of the point of the grid that a config is at. @param {Contents} contents @param {Config} config */
export function pointOf({ stacks }, config) {
  const { normalization, residual, layers, activations } = config;
  const plain = { normalization: "none", residual: false };
  const stack = Object.keys(stacks).find((name) => {
    const wanted = { ...plain, ...stacks[name] };
    return wanted.normalization === normalization && wanted.residual === residual;
  });
  const same = new Set(layers).size === 1 && new Set(activations).size === 1;
  return same ? `${activations[0]}/${layers.length}/${layers[0]}/${stack}` : "";
}

/** Programs are read once for each place among the runs. @type {Map<string, Record<"learn" | "clipped" | "look" | "predict" | "paint", Program>>} */
const known = new Map();

export class Running {
  /** Of each stride-th step, before its update. @type {number[]} */
  losses = [];
  stride = 1;
  step = 0;
  /** @type {Map<number, {entry: import("../program.js").State, values: any}[]>} */
  checkpoints = new Map();
  spacing = 1;
  /** The loss of what is held out, by the step. @type {Map<number, number | null>} */
  outside = new Map();

  /**
   * @param {File} file
   * @param {Config} config
   * @param {number} place among the runs
   */
  constructor(file, config, place) {
    const { contents } = file;
    const name = pointOf(contents, config);
    const point = contents.points[name];
    const samples = contents.data[`${config.data.name}/${config.data.seed ?? config.seed}`];
    const start = contents.starts.includes(config.starts[0].name);
    if (!point || !samples || !start || config.starts.length > 1) throw new Error(`this file has no ${name || "such network"}`);
    this.file = file;
    this.config = config;
    this.point = point;
    this.samples = samples;
    this.programs = this.#programs(`${name}/${place}`);
    this.learn = config.clip ? this.programs.clipped : this.programs.learn;
    this.edits = config.edits.filter(({ run }) => run === place);
    this.programs.learn.reset(); // what an update rule remembers is that of the start, too
    this.programs.clipped.reset();
    for (const { name } of this.learn.header.state) if (name.endsWith(".lr")) this.learn.state(name)[0] = config.lr;
    this.#begin(config);
    for (const program of [this.programs.learn, this.programs.clipped, this.programs.look]) {
      [samples.x, samples.target].forEach((piece, i) => this.#fill(program.input(i), piece));
    }
    this.#arrive();
    this.#keep();
  }

  /** @param {string} key */
  #programs(key) {
    const { bytes, machine } = this.file;
    let found = known.get(key);
    if (!found) {
      const read = (/** @type {Piece[]} */ parts) => machine.program(joined(parts.map(bytes)));
      const { learn, clipped, look, predict, paint } = this.point;
      found = { learn: read(learn), clipped: read(clipped), look: read(look), predict: read(predict), paint: read(paint) };
      for (const other of [found.clipped, found.look, found.predict, found.paint]) {
        for (const { name, slot } of other.header.state) if (slot && isNetworks(name)) other.share(name, found.learn);
      }
      known.set(key, found);
    }
    return found;
  }

  /** @param {import("../program.js").Numbers} numbers @param {Piece} from */
  #fill(numbers, from) {
    new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).set(this.file.bytes(from));
  }

  /** The parameters at the start: as they were drawn, or of the size that was chosen. @param {Config} config */
  #begin({ starts: [start], seed }) {
    const { starts, layers } = this.point;
    const standard = starts[`normal/${seed}`];
    const drawn = starts[`${start.name}/${seed}`] ?? standard;
    for (const [name, piece] of Object.entries(drawn)) this.#fill(this.#parameter(name), piece);
    for (const { weight, bias, inputs } of layers) {
      const w = this.#parameter(weight);
      if (start.name === "normal") w.forEach((/** @type {number} */ x, /** @type {number} */ i) => void (w[i] = (start.sigma_w / Math.sqrt(inputs)) * x));
      if (start.name === "constant") w.fill(start.constant);
      if (start.name === "torch") continue; // whose biases have a size of their own
      const b = this.#parameter(bias);
      this.#fill(b, standard[bias]);
      b.forEach((/** @type {number} */ x, /** @type {number} */ i) => void (b[i] = start.sigma_b * x));
    }
  }

  /** @param {string} name @returns {any} */
  #parameter(name) {
    return this.programs.learn.state(`sequential.${name}`);
  }

  /** @param {number} goal */
  advance(goal) {
    while (this.step < goal) {
      const edit = this.edits.map(({ step }) => step).filter((step) => step > this.step).sort((a, b) => a - b)[0] ?? goal;
      const next = Math.min(goal, edit, (Math.floor(this.step / this.spacing) + 1) * this.spacing);
      for (const loss of this.learn.repeat(next - this.step)) {
        if (this.losses.length * this.stride === this.step) this.losses.push(Number(loss));
        this.step++;
        if (this.losses.length > MOST_LOSSES) [this.losses, this.stride] = [this.losses.filter((_, i) => i % 2 === 0), 2 * this.stride];
      }
      this.#arrive();
      if (this.step % this.spacing === 0) this.#keep();
    }
  }

  /** What is set by hand at this step. */
  #arrive() {
    for (const { step, layer, unit, input, value } of this.edits) {
      const place = this.point.layers[layer];
      if (step !== this.step || !place) continue;
      if (input === null) this.#parameter(place.bias)[unit] = value;
      else this.#parameter(place.weight)[unit * place.inputs + input] = value;
    }
  }

  #keep() {
    if (this.checkpoints.has(this.step)) return;
    const kept = this.learn.header.state.filter(({ name, parameter, written }) => (parameter || written) && !name.endsWith(".grad"));
    this.checkpoints.set(this.step, kept.map((entry) => ({ entry, values: this.learn.numbers(entry).slice() })));
    while (this.checkpoints.size > MOST_CHECKPOINTS) {
      this.spacing *= 2;
      for (const step of this.checkpoints.keys()) if (step % this.spacing) this.checkpoints.delete(step);
    }
  }

  /** To the checkpoint before a step, from which `advance` leads to it exactly. @param {number} step */
  back(step) {
    if (step >= this.step) return;
    const nearest = Math.max(...[...this.checkpoints.keys()].filter((kept) => kept <= step));
    this.#restore(this.checkpoints.get(nearest) ?? []);
    this.step = nearest;
  }

  /** @param {{entry: import("../program.js").State, values: any}[]} saved */
  #restore(saved) {
    for (const { entry, values } of saved) /** @type {any} */ (this.learn.numbers(entry)).set(values);
  }

  /** At most 400 points of the losses, and the one of this step. @param {number} now @returns {[number, number | null][]} */
  curve(now) {
    const count = Math.min(Math.ceil(this.step / this.stride), this.losses.length);
    const every = Math.max(1, Math.ceil(count / (MOST_SHOWN - 1)));
    /** @type {[number, number | null][]} */
    const found = [];
    for (let i = 0; i < count; i += every) found.push([i * this.stride, finite(this.losses[i])]);
    return [...found, [this.step, finite(now)]];
  }

  /** The losses of the samples that are held out, whenever they were looked at. @param {number | null} now @returns {[number, number | null][]} */
  tested(now) {
    this.outside.set(this.step, now);
    if (this.outside.size > MOST_SHOWN) for (const [i, step] of [...this.outside.keys()].entries()) if (i % 2) this.outside.delete(step);
    this.outside.set(this.step, now);
    return [...this.outside].filter(([step]) => step <= this.step).sort(([a], [b]) => a - b);
  }

  /** Weights and biases of the layers as they are. @returns {{place: import("./measuring.js").Place, weight: Float64Array, bias: Float64Array}[]} */
  parameters() {
    return this.point.layers.map((place) => ({ place, weight: this.#parameter(place.weight).slice(), bias: this.#parameter(place.bias).slice() }));
  }

  /** What the program that looks finds of the present weights. @returns {import("./measuring.js").Look} */
  look() {
    const { look } = this.programs;
    const { contents } = this.file;
    look.run();
    const arrays = look.header.outputs.map((_, i) => /** @type {Float64Array} */ (look.output(i).slice()));
    const { layers: places, factors: recipes } = this.point;
    const now = this.parameters();
    return {
      loss: arrays[0][0], output: arrays[1], arrays, places, recipes, step: this.step, lr: this.config.lr,
      weights: now.map(({ weight }) => weight),
      biases: now.map(({ bias }) => bias),
      phi: contents.phi, constants: contents.constants, samples: this.samples.y.length, guess: this.samples.guess, linearShare: this.samples.linear_share, labels: this.samples.y,
      plain: this.config.normalization === "none" && !this.config.residual,
    };
  }

  /** In which of a few small steps each layer's weights first get a gradient; everything is put back. @param {number} steps */
  trial(steps) {
    const { look, learn } = this.programs;
    const saved = learn.header.state.filter(({ parameter }) => parameter).map((entry) => ({ entry, values: learn.numbers(entry).slice() }));
    /** @type {Map<number, number>} */
    const first = new Map();
    for (let step = 0; step < steps; step++) {
      look.run();
      for (const [i, { weight, bias, dw, db }] of this.point.layers.entries()) {
        for (const [name, at] of /** @type {const} */ ([[weight, dw], [bias, db]])) {
          const gradient = /** @type {Float64Array} */ (look.output(at));
          const most = gradient.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
          if (!most) continue;
          if (at === dw && !first.has(i)) first.set(i, step);
          const values = this.#parameter(name);
          gradient.forEach((g, k) => void (values[k] -= (this.file.contents.constants.stride * g) / most));
        }
      }
    }
    this.#restore(saved);
    look.run();
    return first;
  }

  /** The output over the plane, row by row from below. */
  map() {
    return joinedNumbers(this.point.plane.map((part) => this.#over(this.programs.predict, part)[0]));
  }

  /** What the network says of the samples that are held out. @returns {Float64Array} */
  test() {
    const { x, y } = this.samples.test;
    const [rows] = this.programs.predict.header.inputs[0].shape;
    const found = [];
    for (let at = 0; at < y.length; at += rows) {
      const count = Math.min(rows, y.length - at);
      const [output] = this.#over(this.programs.predict, [x[0] + 16 * at, 16 * count]);
      found.push(output.subarray(0, (count * output.length) / rows));
    }
    return joinedNumbers(found);
  }

  /** What comes out of every hidden layer over the coarse plane. */
  coarse() {
    return this.#over(this.programs.paint, this.point.coarse);
  }

  /** The same over the fine one, of one layer. @param {number} layer */
  fine(layer) {
    return joinedNumbers(this.point.plane.map((part) => this.#over(this.programs.paint, part)[layer]));
  }

  /** What a program finds at some points of the plane. @param {Program} program @param {Piece} part @returns {Float64Array[]} */
  #over(program, part) {
    const given = program.input(0);
    this.#fill(given, [part[0], Math.min(part[1], given.byteLength)]);
    program.run();
    return program.header.outputs.map((_, i) => /** @type {Float64Array} */ (program.output(i).slice()));
  }
}

/** Whether an array is a parameter of the network, or what one of its modules remembers. @param {string} name */
const isNetworks = (name) => name.startsWith("sequential.") && !name.endsWith(".grad");

/** What JSON does not know is null. @param {number} x */
export const finite = (x) => (Number.isFinite(x) ? x : null);

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Float64Array[]} parts */
const joinedNumbers = (parts) => Float64Array.from(parts.flatMap((part) => [...part]));
