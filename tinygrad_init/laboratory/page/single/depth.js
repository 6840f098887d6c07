// The chart over depth of the page that is one file: how large the gradient of each layer's weights is, and the weights
// themselves, from the input to the output, on a logarithmic axis; dotted, the gradient from before the last change.

import { formatLog, powerOfTen } from "../scale.js";

/** The axis reaches at least this far, so that what is small looks small in every network; beyond, by steps of four decades. */
const [LOW, HIGH] = [-10, 2];
const STEP = 4;
const EDGE = { left: 48, right: 12, top: 10, bottom: 44 };

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** A decimal logarithm in words, also of what is 0 or not finite. @param {number} log */
const inWords = (log) => (log === -Infinity ? "0" : Number.isFinite(log) ? formatLog(log) : "not finite");

/** The chart in one sentence. @param {number[]} gradients decimal logarithms @param {number[]} before of the same, or empty */
export function sentenceOf(gradients, before) {
  const [first, last] = [gradients[0], gradients[gradients.length - 1]].map(inWords);
  const was = before.length ? ` Before the last change it was ${inWords(before[0])} in the first.` : "";
  return `Gradient of the weights: ${first} in the first layer, ${last} in the last.${was}`;
}

export class DepthChart {
  /** @type {number[][]} */
  #lines = [[], [], []];

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.svg = svg;
    new ResizeObserver(() => this.#paint()).observe(svg);
  }

  /**
   * Decimal logarithms of a size in each layer.
   * @param {number[]} gradients
   * @param {number[]} weights
   * @param {number[]} before the gradients before the last change, or empty
   */
  draw(gradients, weights, before) {
    this.#lines = [before, weights, gradients];
    this.svg.setAttribute("aria-label", sentenceOf(gradients, before));
    this.#paint();
  }

  #paint() {
    const n = this.#lines[2].length;
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!n || !width) return;
    const finite = this.#lines.flat().filter(Number.isFinite);
    const low = LOW - STEP * Math.ceil((LOW - Math.min(...finite, LOW)) / STEP);
    const high = HIGH + STEP * Math.ceil((Math.max(...finite, HIGH) - HIGH) / STEP);
    const x = (/** @type {number} */ i) => EDGE.left + ((i + 0.5) / n) * (width - EDGE.left - EDGE.right);
    // What is 0 lies on the floor of the chart, what is not finite at its ceiling: neither is a gap.
    const y = (/** @type {number} */ log) => {
      const inside = Number.isNaN(log) ? high : Math.min(Math.max(log, low), high);
      return EDGE.top + ((high - inside) / (high - low)) * (height - EDGE.top - EDGE.bottom);
    };
    const made = [];
    const each = high - low > 16 ? 4 : 2;
    for (let log = Math.ceil(low / each) * each; log <= high; log += each) {
      made.push(element("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(log), y2: y(log) }));
      made.push(element("text", { x: EDGE.left - 6, y: y(log) + 4, "text-anchor": "end" }, powerOfTen(log)));
    }
    const every = Math.ceil((22 * n) / (width - EDGE.left - EDGE.right));
    for (let i = 0; i < n; i += every) {
      made.push(element("text", { x: x(i), y: height - 26, "text-anchor": "middle" }, String(i + 1)));
    }
    made.push(element("text", { x: EDGE.left, y: height - 6 }, "← input"));
    made.push(element("text", { x: (EDGE.left + width - EDGE.right) / 2, y: height - 6, "text-anchor": "middle" }, "layer"));
    made.push(element("text", { x: width - EDGE.right, y: height - 6, "text-anchor": "end" }, "output →"));
    ["before", "weights", "gradients"].forEach((kind, k) => {
      const line = this.#lines[k];
      const points = line.map((log, i) => `${x((i * (n - 1)) / Math.max(line.length - 1, 1))},${y(log)}`);
      made.push(element("polyline", { class: kind, points: points.join(" ") }));
      if (kind === "gradients") made.push(...line.map((log, i) => element("circle", { class: kind, cx: x(i), cy: y(log), r: n > 24 ? 2 : 4 })));
    });
    this.svg.replaceChildren(...made);
  }
}
