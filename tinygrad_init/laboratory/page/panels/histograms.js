// How the numbers of the selected layer are distributed: z, a, ∂C/∂z and ∂C/∂W.

import { Chart, ends } from "../displays/chart.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { format, numbers } from "../scale.js";
import { layerName, store } from "../state.js";
import { detail } from "./selection.js";
import { selectedBar } from "./selected.js";

const QUANTITIES = /** @type {const} */ (["z", "a", "dz", "dw"]);

/**
 * The steps of a histogram as a line: the last count is repeated for the right edge. Numbers that are all the same have a
 * bar as well.
 * @param {import("../protocol.js").Histogram} histogram
 * @returns {uPlot.AlignedData}
 */
export function steps({ edges, counts }) {
  const places = numbers(edges);
  const [low, high] = [places[0], places[places.length - 1]];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low <= 1e-3 * size) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const half = 0.05 * size || 0.5;
    return [[low - 3 * half, low - half, low + half, low + 3 * half], [0, total, 0, 0]];
  }
  return [places, [...counts, counts[counts.length - 1] ?? 0]];
}

/** @returns {import("./tabs.js").Panel} */
export function histograms() {
  const bar = selectedBar("unit");
  const charts = QUANTITIES.map((quantity, i) => ({
    quantity,
    chart: new Chart({
      height: 170,
      stepped: true,
      label: () => {
        const { layer, run } = store.selection;
        const found = detail()?.histograms[quantity];
        const range = { low: format(found?.edges[0] ?? null), high: format(found?.edges[found.edges.length - 1] ?? null) };
        return t("histograms.alt", { quantity: t(`quantity.${quantity}`), layer: layer === null ? "–" : layerName(layer, run), ...range });
      },
      options: (colours) => {
        const colour = i < 2 ? colours.positive : colours.negative;
        return {
          scales: { x: { time: false }, y: { range: (_, __, high) => [0, high || 1] } },
          axes: [ends, { size: 40 }],
          series: [{}, { stroke: colour, fill: `${colour}33`, width: 1.5, points: { show: false } }],
        };
      },
    }),
  }));
  const root = h("div", {}, bar.root, h("div", { class: "four" },
    ...charts.map(({ quantity, chart }) => h("figure", {}, h("figcaption", { t: `quantity.${quantity}` }), chart.root))));
  return {
    name: "histograms",
    root,
    draw() {
      bar.draw();
      const found = detail();
      for (const { quantity, chart } of charts) {
        const histogram = found?.histograms[quantity];
        chart.root.classList.toggle("empty", !histogram?.edges.length);
        chart.set(histogram?.edges.length ? steps(histogram) : [[0, 1], [0, 0]]);
      }
    },
  };
}
