// The plane of σ_w and σ_b for one activation: order, chaos, the edge between them, and this network's layers as dots.

import { optionName, setOptions } from "../controls/fields.js";
import { channels } from "../colours.js";
import { Chart } from "../displays/chart.js";
import { drawPoint } from "../displays/points.js";
import { h, keyed, setText } from "../dom.js";
import { t } from "../i18n.js";
import { numbers } from "../scale.js";
import { onMessage, send } from "../lab.js";
import { activationsOf, store } from "../state.js";

/** log χ at which the colour is full: a layer more or less then changes the gradient by a factor of e. */
const FULL = 1;

/** Milliseconds between two questions while the network trains. */
const EVERY = 300;

/** Where cells around values meet. @param {number[]} values @returns {number[]} */
function borders(values) {
  const between = values.slice(1).map((value, i) => (value + values[i]) / 2);
  return [values[0], ...between, values[values.length - 1]];
}

/** @returns {import("./tabs.js").Panel} */
export function phase() {
  /** @type {import("../protocol.js").Phase | null} */
  let answer = null;
  let asked = "";
  /** When an answer may be asked for again: the layers move while the network trains. */
  let due = 0;
  /** What the menu was set to, as long as the network has these activations. */
  let chosen = "", network = "";
  const menu = h("select", { id: "phase-activation", onchange: () => ask(chosen = menu.value) });
  const chart = new Chart({
    height: 300,
    under: true,
    label: () => t("phase.alt", { activation: optionName(answer?.activation ?? "tanh") }),
    paint(context, frame, colours) {
      if (!answer) return;
      const [columns, rows, chi] = [numbers(answer.sigma_w), numbers(answer.sigma_b), answer.log_chi];
      const clip = (/** @type {number} */ v, /** @type {number} */ low, /** @type {number} */ size) => Math.min(Math.max(v, low), low + size);
      const xs = borders(columns).map((v) => Math.round(clip(frame.x(v), frame.left, frame.width)));
      const ys = borders(rows).map((v) => Math.round(clip(frame.y(v), frame.top, frame.height)));
      rows.forEach((_, i) => columns.forEach((_, k) => {
        const value = chi[i]?.[k];
        if (value === null || value === undefined) return;
        const share = Math.min(Math.abs(value) / FULL, 1);
        const [red, green, blue] = channels(value < 0 ? colours.positive : colours.negative);
        context.fillStyle = `rgba(${red}, ${green}, ${blue}, ${(0.6 * share).toFixed(2)})`;
        context.fillRect(xs[k], ys[i + 1], xs[k + 1] - xs[k], ys[i] - ys[i + 1]); // whole pixels: no gaps, no overlaps
      }));
      context.beginPath();
      answer.edge.forEach((w, i) => w !== null && w <= columns[columns.length - 1] && context.lineTo(frame.x(w), frame.y(rows[i])));
      context.strokeStyle = colours.text;
      context.lineWidth = 2 * devicePixelRatio;
      context.stroke();
      const r = 5 * devicePixelRatio;
      for (const { run, sigma_w, sigma_b } of answer.dots) {
        if (sigma_w === null || sigma_b === null) continue;
        // A start far outside stands at the border, rather than nowhere.
        const x = clip(frame.x(sigma_w), frame.left + r, frame.width - 2 * r);
        const y = clip(frame.y(sigma_b), frame.top + r, frame.height - 2 * r);
        drawPoint(/** @type {CanvasRenderingContext2D} */ (context), x, y, run, r, { ...colours, negative: colours.runs[0], positive: colours.runs[1] });
      }
    },
    options: () => ({
      scales: { x: { time: false, range: () => ends(numbers(answer?.sigma_w ?? [])) }, y: { range: () => ends(numbers(answer?.sigma_b ?? [])) } },
      axes: [{ label: "σ_w", grid: { show: false } }, { label: "σ_b", grid: { show: false } }],
      series: [{}, { show: false }],
    }),
  });
  const words = h("p", { class: "hint", "aria-live": "polite" });
  const key = h("p", { class: "key" },
    keyed("swatch positive", "phase.ordered"), keyed("swatch", "phase.chaotic"), keyed("line", "phase.edge"));
  const root = h("div", {}, h("div", { class: "selected" }, h("label", { for: "phase-activation", t: "phase.activation" }), menu), key, chart.root, words);

  /** @param {number[]} values @returns {[number, number]} */
  function ends(values) {
    return values.length ? [values[0], values[values.length - 1]] : [0, 1];
  }

  /** @param {string} activation */
  function ask(activation) {
    asked = activation;
    due = performance.now() + EVERY;
    send({ type: "phase", activation: /** @type {import("../protocol.js").AskPhase["activation"]} */ (activation) });
  }

  onMessage("phase", (message) => {
    answer = message;
    chart.set([[0], [0]]);
    const { dots } = message;
    const widths = dots.flatMap((dot) => dot.sigma_w ?? []);
    setText(words, widths.length ? t("phase.words", {
      step: message.step, n: widths.length, low: Math.min(...widths).toFixed(2), high: Math.max(...widths).toFixed(2),
    }) : t("phase.none", { activation: optionName(message.activation) }));
  });

  function sync() {
    setOptions(menu, (store.hello?.activations ?? []).map((name) => [name, optionName(name)]));
    menu.value = asked;
  }

  const visible = () => store.view.panel === "phase" && store.built !== null;
  const refresh = () => {
    if (!visible()) return;
    const activations = activationsOf(store.config);
    if (network !== activations.join()) chosen = "";
    network = activations.join();
    ask(chosen || (activations[0] ?? store.config.activations[0]));
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;
  function follow() {
    if (!visible() || !answer || !store.frame || store.frame.step === answer.step) return;
    const wait = due - performance.now();
    if (wait <= 0) ask(asked);
    else later ??= setTimeout(() => void (later = undefined, follow()), wait);
  }
  store.on(["hello", "language"], sync);
  store.on("built", refresh);
  return {
    name: "phase",
    root,
    draw() {
      sync();
      follow();
    },
    shown: refresh,
  };
}
