// Captured programs in WebAssembly: the machine of csrc/ (csrc/wasm/machine.c) with 128-bit vectors, and programs from files
// (docs/programs.md). The same steps as in Python, one call for each; the machine checks a program before it runs it.

const MAGIC = "tgi-prog";
const VERSION = 1;
const ROOM = 64; // bytes before the description
const KINDS = [Float32Array, Float64Array, BigInt64Array];

/**
 * @typedef {Float32Array | Float64Array | BigInt64Array} Numbers
 * @typedef {{shape: number[], kind: number, slot: number, offset: number}} Place
 * @typedef {Place & {name: string, written: boolean, parameter: boolean, numbers: [number, number] | null}} State
 * @typedef {Place & {value?: unknown, state?: number, dtype?: string}} Given an argument or a result
 * @typedef {{name: string, isa: string, constants: [number, number, number][], state: State[], copies: [number, number][],
 *   inputs: Given[], outputs: Given[], checks: Record<string, string>}} Header
 * @typedef {{memory: WebAssembly.Memory, room: (size: number) => number, wrong: () => number, where: () => number,
 *   read: (words: number, count: number) => number, slots: (p: number) => number, size: (p: number, slot: number) => number,
 *   count: (p: number) => number, place: (p: number, slot: number) => number, run: (p: number) => number,
 *   bind: (p: number, slot: number, at: number) => void, profile: (p: number) => number,
 *   repeat: (p: number, times: number, from: number, to: number, item: number) => number}} Exports
 */

/** CRC-32, as zlib computes it. @param {Uint8Array} bytes */
function checksum(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** How many numbers a place holds. @param {Place} place */
const length = (place) => place.shape.reduce((n, axis) => n * axis, 1);

export class Machine {
  /** @param {Exports} wasm */
  constructor(wasm) {
    this.wasm = wasm;
  }

  /**
   * @param {BufferSource} module the bytes of machine.wasm
   * @returns {Promise<Machine>}
   */
  static async start(module) {
    const host = { sin: Math.sin, cos: Math.cos, pow: Math.pow, now: () => performance.now() };
    const { instance } = await WebAssembly.instantiate(module, { host });
    return new Machine(/** @type {any} */ (instance.exports));
  }

  /** Memory for so many bytes. @param {number} size */
  room(size) {
    const at = this.wasm.room(size);
    if (at === 0) throw new Error(`no memory for ${size} bytes`);
    return at;
  }

  /** @param {number} at @param {number} size */
  bytes(at, size) {
    return new Uint8Array(this.wasm.memory.buffer, at, size);
  }

  /** A text that ends with a zero. @param {number} at */
  text(at) {
    const bytes = new Uint8Array(this.wasm.memory.buffer, at);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  /**
   * A program from the bytes of its file.
   * @param {Uint8Array} file
   */
  program(file) {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const refuse = (/** @type {string} */ why) => {
      throw new Error(`no program that can be run: ${why}`);
    };
    if (file.length < ROOM || new TextDecoder("latin1").decode(file.subarray(0, 8)) !== MAGIC) refuse("it does not begin like one");
    const [version, crc, said, words, numbers] = [1, 2, 3, 4, 5].map((i) => Number(view.getBigUint64(8 * i, true)));
    if (version !== VERSION) refuse(`it is of version ${version}, and this is version ${VERSION}`);
    if (file.length !== ROOM + said + words + numbers) refuse("it is not whole");
    if (checksum(file.subarray(ROOM)) !== crc) refuse("it is damaged: the checksum is another one");
    const at = this.room(words);
    this.bytes(at, words).set(file.subarray(ROOM + said, ROOM + said + words));
    const handle = this.wasm.read(at, words / 8);
    if (handle === 0) refuse(`instruction ${this.wasm.where()}: ${this.text(this.wasm.wrong())}`);
    const header = JSON.parse(new TextDecoder().decode(file.subarray(ROOM, ROOM + said)));
    return new Program(this, handle, header, file.subarray(ROOM + said + words));
  }
}

export class Program {
  /** @type {Map<string, State>} */
  #named = new Map();
  /** Where each slot's array lies. @type {number[]} */
  #at = [];

  /**
   * @param {Machine} machine
   * @param {number} handle
   * @param {Header} header
   * @param {Uint8Array} data
   */
  constructor(machine, handle, header, data) {
    this.scratch = 0;
    this.machine = machine;
    this.handle = handle;
    this.header = header;
    const { wasm } = machine;
    for (let slot = 0; slot < wasm.slots(handle); slot++) {
      this.#at.push(slot ? machine.room(wasm.size(handle, slot)) : wasm.place(handle, 0));
      if (slot) wasm.bind(handle, slot, this.#at[slot]);
    }
    for (const entry of header.state) this.#named.set(entry.name, entry);
    this.data = data;
    this.reset();
  }

  /** Everything as it is in the file. */
  reset() {
    const put = (/** @type {number} */ at, /** @type {[number, number]} */ [begin, size]) =>
      this.machine.bytes(at, size).set(this.data.subarray(begin, begin + size));
    for (const [offset, ...piece] of this.header.constants) put(this.#at[0] + offset, piece);
    for (const { slot, offset, numbers } of this.header.state) if (numbers) put(this.#at[slot] + offset, numbers);
  }

  /** The numbers at a place, to be read or set before anything else asks the machine for memory. @param {Place} place @returns {Numbers} */
  numbers(place) {
    return new KINDS[place.kind](this.machine.wasm.memory.buffer, this.#at[place.slot] + place.offset, length(place));
  }

  /** What is called so: a parameter, a learning rate, what an optimizer remembers. @param {string} name */
  state(name) {
    const entry = this.#named.get(name);
    if (!entry) throw new Error(`${this.header.name} has no state ${name}`);
    return this.numbers(entry);
  }

  /** @param {number} i */
  input(i) {
    return this.numbers(this.header.inputs[i]);
  }

  /** @param {number} i */
  output(i) {
    const result = this.header.outputs[i];
    return this.numbers(result.state === undefined ? result : this.header.state[result.state]);
  }

  /**
   * Let an array of this program be that of another one, so that what one changes the other sees. Single numbers stay apart.
   * @param {string} name
   * @param {Program} other
   * @param {string} theirs
   */
  share(name, other, theirs = name) {
    const [mine, entry] = [this.#named.get(name), other.#named.get(theirs)];
    if (!mine?.slot || !entry?.slot || length(mine) !== length(entry) || mine.kind !== entry.kind)
      throw new Error(`${name} and ${theirs} are not alike`);
    this.#at[mine.slot] = other.#at[entry.slot];
    this.machine.wasm.bind(this.handle, mine.slot, this.#at[mine.slot]);
  }

  /** @param {number} stopped */
  #refuse(stopped) {
    if (stopped >= 0) throw new Error(`${this.header.name}: ${this.header.checks[stopped] ?? "an index is out of range"}`);
  }

  /** One run, with what inputs and state hold; results and state hold what it leaves. */
  run() {
    this.#refuse(this.machine.wasm.run(this.handle));
    this.#copy();
  }

  #copy() {
    for (const [from, to] of this.header.copies)
      /** @type {any} */ (this.numbers(this.header.state[to])).set(this.numbers(this.header.state[from]));
  }

  /**
   * Many runs on the same inputs; returns the single number that is the first result, after each.
   * @param {number} times
   * @returns {Numbers}
   */
  repeat(times) {
    const { machine } = this;
    const result = this.header.outputs[0];
    const found = new KINDS[result.kind](times);
    if (this.header.copies.length) {
      for (let i = 0; i < times; i++) {
        this.run();
        found[i] = this.output(0)[0];
      }
      return found;
    }
    const item = found.BYTES_PER_ELEMENT;
    const from = this.#at[result.slot] + result.offset;
    const to = (this.scratch ||= machine.room(8 * 1024));
    for (let done = 0; done < times; ) {
      const some = Math.min(1024, times - done);
      this.#refuse(machine.wasm.repeat(this.handle, some, from, to, item));
      /** @type {any} */ (found).set(new KINDS[result.kind](machine.wasm.memory.buffer, to, some), done);
      done += some;
    }
    return found;
  }

  /** The seconds that each instruction took in a further run. */
  profile() {
    const { wasm } = this.machine;
    return new Float64Array(wasm.memory.buffer, wasm.profile(this.handle), wasm.count(this.handle)).slice();
  }
}
