// The picture that all is about: how large the gradient that comes back, the signal that goes forward and what the weights
// get are in every layer, of all runs, on one logarithmic axis; with theory's band and where number formats end.

import { DASHES } from "../colours.js";
import { optionName } from "../controls/fields.js";
import { byId, h, setText } from "../dom.js";
import { endsNear } from "../floats.js";
import { QUANTITIES, sizeOf, sizesBefore } from "../history.js";
import { t } from "../i18n.js";
import { select, show } from "../lab.js";
import { formatLog, powerOfTen } from "../scale.js";
import { runName } from "../runnames.js";
import { layerName, runLabel, store } from "../state.js";
import { help } from "../terms.js";
import { Chart, decades } from "./chart.js";
import { DepthStrip } from "./depthstrip.js";

/** @typedef {import("../history.js").Quantity} Quantity */

/** The axis reaches at least this far, so that what is small looks small in every network; beyond, by steps of four decades. */
const [LOW, HIGH] = [-8, 2];
const STEP = 4;

/** What is drawn: as was chosen, else all that can be told apart. @returns {Quantity[]} */
function shown() {
  const chosen = store.view.sizes ?? ((store.built?.runs.length ?? 1) > 1 ? ["dz"] : QUANTITIES);
  return QUANTITIES.filter((quantity) => chosen.includes(quantity));
}

export function depth() {
  /** What the axis shows now. */
  let range = [LOW, HIGH];
  /** What the chart was made for. */
  let made = "";
  const runs = () => store.built?.runs ?? [];
  const several = () => runs().length > 1;
  const longest = () => Math.max(1, ...runs().map(({ layers }) => layers.length));

  const chart = new Chart({
    height: 230,
    under: true,
    fitted: () => strip.draw(shown()[0] ?? "dz"),
    label: alternative,
    options: (colours) => ({
      scales: { x: { time: false, range: () => [0.5, longest() + 0.5] }, y: { range: () => /** @type {[number, number]} */ (range) } },
      axes: [
        { splits: () => layerTicks(longest(), (chart.root.clientWidth - 70) / longest()), values: (_, splits) => splits.map((i) => nameOf(i)), label: t("depth.axis") },
        { splits: () => decades(range[0], range[1]), values: (_, splits) => splits.map(powerOfTen) },
      ],
      series: [{}, ...shown().flatMap((quantity) => runs().map((_, run) => ({
        stroke: colourOf(colours, quantity, run),
        width: quantity === "dz" ? 2.5 : 1.5,
        dash: several() ? DASHES[run] : quantity === "dw" ? [3, 3] : quantity === "z" ? [8, 4] : [],
        points: { show: true, size: longest() > 24 ? 3 : quantity === "dz" ? 7 : 5, fill: quantity === "dz" ? undefined : colours.surface },
      })))],
    }),
    paint: (context, frame, colours) => {
      paintTheory(context, frame, colours);
      paintEnds(context, frame, colours);
      paintBefore(context, frame, colours);
      paintSelected(context, frame, colours);
    },
  });
  const strip = new DepthStrip(chart);
  const toggles = QUANTITIES.map((quantity) => {
    const box = h("input", {
      id: `size-${quantity}`, type: "checkbox",
      onchange: () => show({ sizes: QUANTITIES.filter((one) => (one === quantity ? box.checked : shown().includes(one))) }),
    });
    return { quantity, box, root: h("span", { class: "check" }, box, h("label", { for: box.id, class: `quantity ${quantity}`, t: `depth.${quantity}` }), help(`depth.${quantity}`)) };
  });
  byId("depth-tools").append(...toggles.map(({ root }) => root));
  const legend = h("p", { class: "run-legend", "aria-hidden": "true" });
  const readout = h("p", { class: "readout numbers" });
  const key = h("p", { class: "hint depth-key" });
  byId("depth").append(legend, chart.root, readout, strip.root, key);

  chart.root.addEventListener("pointermove", (event) => read(event));
  chart.root.addEventListener("pointerleave", () => read(null));
  chart.root.addEventListener("click", (event) => {
    const layer = layerAt(event);
    if (layer !== null) select({ layer, unit: null, input: null });
  });

  /** @param {MouseEvent} event @returns {number | null} the layer from 0 */
  function layerAt(event) {
    const { plot } = chart;
    if (!plot) return null;
    const x = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    return Math.min(Math.max(Math.round(x), 1), longest()) - 1;
  }

  /** @type {number | null} */
  let pointed = null;
  /** @param {PointerEvent | null} event */
  function read(event) {
    pointed = event && layerAt(event);
    sayLayer();
  }

  /** The numbers of the layer that is pointed at, else of the selected one. */
  function sayLayer() {
    const layer = pointed ?? store.selection.layer ?? 0;
    setText(readout, sentenceOf(layer));
  }

  function draw() {
    const { frame } = store;
    if (!frame || frame.runs.length !== runs().length) return;
    const now = JSON.stringify([shown(), runs().map(({ layers }, i) => [runName(i), layers.length])]);
    const values = shown().flatMap((quantity) => frame.runs.map(({ layers }) => layers.map((layer) => sizeOf(layer, quantity))));
    const finite = values.flat().filter(Number.isFinite);
    const [least, most] = [Math.min(...finite, LOW), Math.max(...finite, HIGH)];
    const wanted = [LOW - STEP * Math.ceil((LOW - least) / STEP), HIGH + STEP * Math.ceil((most - HIGH) / STEP)];
    // What is 0 lies on the floor of the chart, what is not finite at its ceiling: neither is a gap.
    const placed = values.map((line) => Array.from({ length: longest() }, (_, i) => {
      if (i >= line.length) return null;
      return Number.isNaN(line[i]) ? wanted[1] : Math.max(line[i], wanted[0]);
    }));
    /** @type {uPlot.AlignedData} */
    const data = [Array.from({ length: longest() }, (_, i) => i + 1), ...placed];
    if (wanted.join() !== range.join() || now !== made) {
      range = wanted;
      made = now;
      chart.data = data; // as many lines as the new chart will have
      chart.rebuild();
      legend.replaceChildren(...(several() ? runs().map((_, i) => h("span", { class: `run-name run-${i}` }, runName(i))) : []));
    }
    chart.set(data);
    strip.draw(shown()[0] ?? "dz");
    sayLayer();
    const expected = frame.runs[store.selection.run]?.layers.some(({ theory_z: band }) => band);
    const before = lineBefore() ? t("depth.before") : ""; // said below: in the chart it would lie over lines
    setText(key, t(expected ? "depth.key" : "depth.key.plain", { before, run: runLabel(store.selection.run) }));
  }

  function sync() {
    for (const { quantity, box } of toggles) {
      box.checked = shown().includes(quantity);
      box.disabled = box.checked && shown().length === 1;
    }
  }
  sync();
  store.on("view", () => {
    sync();
    draw();
  });
  store.on("built", () => {
    sync();
    // Until its first frame has come there is nothing to see of it, whatever is done to the page.
    made = "";
    chart.data = [[]];
  });
  return { draw };
}

/** @param {import("../colours.js").Palette} colours @param {Quantity} quantity @param {number} run */
function colourOf(colours, quantity, run) {
  if ((store.built?.runs.length ?? 1) > 1) return colours.runs[run];
  return quantity === "z" ? colours.positive : colours.negative;
}

/** Numbers of layers that have room, so many pixels from each other; the first and the last always. @param {number} n @param {number} apart */
function layerTicks(n, apart) {
  const every = Math.max(Math.ceil(n / 16), Math.ceil(22 / apart));
  const ticks = Array.from({ length: n }, (_, i) => i + 1).filter((i) => (i - 1) % every === 0 && ((n - i) * apart > 42 || i === n));
  return ticks.includes(n) ? ticks : [...ticks, n];
}

/** @param {number} layer from 1 */
function nameOf(layer) {
  const lengths = new Set((store.built?.runs ?? []).map(({ layers }) => layers.length));
  return lengths.size === 1 && lengths.has(layer) ? t("depth.out") : String(layer);
}

/** What one layer is like, in all runs. @param {number} layer */
function sentenceOf(layer) {
  const { built, frame } = store;
  if (!built || !frame) return "";
  const parts = frame.runs.flatMap((run, i) => {
    const now = run.layers[layer];
    if (!now || built.runs.length !== frame.runs.length) return [];
    const numbers = shown().map((quantity) => {
      const size = sizeOf(now, quantity);
      return `${t(`depth.${quantity}`)} ${Number.isNaN(size) ? t("layers.notFinite") : size === -Infinity ? "0" : formatLog(size)}`;
    });
    const activation = built.runs[i]?.layers[layer]?.activation;
    const name = [...(built.runs.length > 1 ? [runLabel(i)] : []), ...(activation ? [optionName(activation)] : [])].join(" · ");
    return [[...(name ? [name] : []), numbers.join(t("join"))].join(t("colon"))];
  });
  return parts.length ? `${layerName(layer, store.selection.run)} · ${parts.join(t("join.parts"))}` : "";
}

/** The chart in words: for each run the gradient at its two ends. */
function alternative() {
  const said = (store.frame?.runs ?? []).map(({ layers }, i) => t("depth.alt.run", {
    label: runLabel(i),
    first: formatLog(sizeOf(layers[0], "dz")),
    last: formatLog(sizeOf(layers[layers.length - 1], "dz")),
    n: layers.length,
  }));
  return t("depth.alt", { runs: said.join(t("join.parts")) });
}

/** Where theory expects the sizes of the selected run. @type {import("./chart.js").Painter} */
function paintTheory(context, { x, y, top, height }, colours) {
  const layers = store.frame?.runs[store.selection.run]?.layers ?? [];
  for (const quantity of shown()) {
    if (quantity === "dw") continue;
    const band = layers.map((layer) => (quantity === "z" ? layer.theory_z : layer.theory_dz));
    const known = band.flatMap((one, i) => (one?.every((value) => value !== null && value > 0) ? [{ i, low: one[0] ?? 1, high: one.at(-1) ?? 1 }] : []));
    if (known.length < 2) continue;
    const inside = (/** @type {number} */ value) => Math.min(Math.max(y(Math.log10(value)), top), top + height);
    context.beginPath();
    known.forEach(({ i, high }, k) => (k ? context.lineTo(x(i + 1), inside(high)) : context.moveTo(x(i + 1), inside(high))));
    for (const { i, low } of [...known].reverse()) context.lineTo(x(i + 1), inside(low));
    context.closePath();
    context.fillStyle = `${colourOf(colours, quantity, store.selection.run)}26`;
    context.fill();
  }
}

/** Where number formats end. @type {import("./chart.js").Painter} */
function paintEnds(context, { y, left, top, width, height }, colours) {
  const sizes = (store.frame?.runs ?? []).flatMap(({ layers }) => shown().flatMap((q) => layers.map((layer) => sizeOf(layer, q)))).filter(Number.isFinite);
  if (!sizes.length) return;
  const ratio = devicePixelRatio;
  for (const { at, names, kind } of endsNear(Math.min(...sizes), Math.max(...sizes))) {
    const place = y(at);
    if (place < top || place > top + height) continue;
    context.strokeStyle = colours.bad;
    context.setLineDash([6 * ratio, 4 * ratio]);
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(left, place);
    context.lineTo(left + width, place);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colours.bad;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    const words = t(`depth.${kind}`, { names: names.join(t("join")) });
    context.fillText(words, left + width - 6 * ratio, kind === "floor" ? place + 12 * ratio : place - 4 * ratio);
  }
}

/** The first run's gradient before the last change, faintly. @type {import("./chart.js").Painter} */
function paintBefore(context, { x, y, top, height }, colours) {
  const line = lineBefore();
  if (!line) return;
  context.strokeStyle = colours.muted;
  context.lineWidth = 1.5 * devicePixelRatio;
  context.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
  context.beginPath();
  line.forEach((size, i) => {
    const place = Math.min(Math.max(Number.isFinite(size) ? y(size) : top + height, top), top + height);
    if (i) context.lineTo(x(i + 1), place);
    else context.moveTo(x(i + 1), place);
  });
  context.stroke();
  context.setLineDash([]);
}

/** The first run's gradient before the last change, if it can be compared and is shown. */
function lineBefore() {
  const [line, runs] = [sizesBefore("dz"), store.built?.runs ?? []];
  return line && shown().includes("dz") && runs.length === 1 && line.length === runs[0].layers.length ? line : null;
}

/** The selected layer. @type {import("./chart.js").Painter} */
function paintSelected(context, { x, top, height }, colours) {
  const { layer } = store.selection;
  if (layer === null) return;
  context.fillStyle = `${colours.accent}22`;
  const half = Math.min((x(2) - x(1)) / 2, 14 * devicePixelRatio);
  context.fillRect(x(layer + 1) - half, top, 2 * half, height);
}
