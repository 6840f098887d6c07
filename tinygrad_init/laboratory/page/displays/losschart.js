// The losses of all runs over the steps.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { DASHES } from "../colours.js";
import { byId, h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { show } from "../lab.js";
import { format } from "../scale.js";
import { runName } from "../runnames.js";
import { runLabel, store } from "../state.js";
import { Chart, decades, STEPS } from "./chart.js";

/** Powers of ten, not too many; within a single one, its ends. @type {uPlot.Axis.Splits} */
const powers = (_, __, low, high) => {
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  return to > from ? decades(from, to).map((exponent) => 10 ** exponent) : [low, high];
};
/** Of losses so large that uPlot has no steps for them. @type {uPlot.Axis.Splits} */
const huge = (_, __, low, high, step) => {
  if (high > 1e15) return [low, (low + high) / 2, high];
  return Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_none, i) => low + i * step);
};

/** A single number makes no line, so it is a dot. @param {uPlot} plot @param {number} series */
const alone = (plot, series) => [...plot.data[series]].filter((value) => Number.isFinite(value ?? NaN)).length < 2;

export function lossChart() {
  const box = h("input", { id: "log-loss", type: "checkbox", onchange: () => show({ logLoss: box.checked }) });
  byId("loss-tools").append(h("span", { class: "check" }, box, h("label", { for: "log-loss", t: "loss.log" })));
  const legend = h("p", { class: "run-legend", "aria-hidden": "true" });
  const runs = () => store.built?.runs ?? [];
  const chart = new Chart({
    height: 150,
    label: () => t("loss.alt", {
      runs: (store.frame?.runs ?? []).map((run, i) => `${runLabel(i)} ${format(run.loss)}`).join(t("join")),
    }),
    options: (colours) => ({
      scales: { x: { time: false }, y: store.view.logLoss ? { distr: 3 } : { range: (_, low, high) => [Math.min(low, 0), high || 1] } },
      axes: [{ label: t("loss.step") }, { incrs: STEPS, splits: store.view.logLoss ? powers : huge, filter: (_, splits) => splits, values: (_, splits) => splits.map(format) }],
      // Each run has a line for the samples that it learns from, and a thin one for those that are held out.
      series: [{}, ...runs().flatMap((_, i) => [2, 1].map((width) => (
        { stroke: colours.runs[i], width, dash: DASHES[i], points: { show: alone }, spanGaps: true }
      )))],
    }),
  });
  const readout = h("p", { class: "readout numbers" });
  chart.root.addEventListener("pointermove", (event) => {
    const { plot } = chart;
    const xs = plot?.data[0];
    if (!plot || !xs?.length) return;
    const wanted = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    const i = [...xs].reduce((best, x, k) => (Math.abs(x - wanted) < Math.abs(xs[best] - wanted) ? k : best), 0);
    const said = runs().map((_, run) => `${runs().length > 1 ? `${runLabel(run)} ` : ""}${format(plot.data[1 + 2 * run]?.[i])}`);
    setText(readout, t("loss.at", { step: xs[i], losses: said.join(t("join")) }));
  });
  chart.root.addEventListener("pointerleave", () => setText(readout, ""));
  const held = h("p", { class: "hint", t: "loss.held" });
  byId("loss").append(chart.root, readout, legend, held);
  let logarithmic = store.view.logLoss;

  store.on("built", () => {
    chart.data = [[0], ...runs().flatMap(() => [[null], [null]])];
    chart.rebuild();
    legend.replaceChildren(...(runs().length > 1 ? runs().map((_, i) => h("span", { class: `run-name run-${i}` }, runLabel(i))) : []));
  });
  store.on("view", () => {
    box.checked = store.view.logLoss;
    if (logarithmic !== store.view.logLoss) {
      logarithmic = store.view.logLoss;
      chart.rebuild();
    }
  });

  return {
    draw() {
      const { frame } = store;
      if (!frame || frame.runs.length !== runs().length) return;
      // A loss that is not finite is a gap; on a logarithmic axis so is 0.
      const positive = (/** @type {number | null} */ v) => (logarithmic && v !== null && v <= 0 ? null : v);
      const tables = frame.runs.flatMap((run) => [run.losses, run.test_losses]).map((curve) => /** @type {uPlot.AlignedData} */ ([
        curve.map(([step]) => step), curve.map(([, loss]) => positive(loss)),
      ]));
      chart.set(uPlot.join(tables));
      held.hidden = !frame.runs.some((run) => run.test_losses.length);
      if (runs().length > 1) {
        frame.runs.forEach((run, i) => legend.children[i] && setText(legend.children[i], `${runName(i)} ${format(run.loss)}`));
      }
    },
  };
}
