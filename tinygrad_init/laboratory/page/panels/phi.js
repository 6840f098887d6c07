// φ and φ' with the z of the selected layer under them: where the slope is almost 0, the gradient is multiplied by almost 0.

import { optionName } from "../controls/fields.js";
import { Chart } from "../displays/chart.js";
import { h, keyed, setText } from "../dom.js";
import { percent, t } from "../i18n.js";
import { store } from "../state.js";
import { detail, selectedName, selectedShape } from "./selection.js";
import { selectedBar } from "./selected.js";
import { steps } from "./histograms.js";

/**
 * The intervals of z where the slope is flat.
 * @param {import("../protocol.js").Curve} curve
 * @returns {[number, number][]}
 */
export function flatZones({ z, slope, flat: limit }) {
  /** @type {[number, number][]} */
  const zones = [];
  let open = false;
  z.forEach((at, i) => {
    const flat = Math.abs(slope[i] ?? 0) < (limit ?? 0);
    if (at === null) return;
    if (flat && !open) zones.push([at, at]);
    else if (flat) zones[zones.length - 1][1] = at;
    open = flat;
  });
  return zones;
}

/** @returns {import("./tabs.js").Panel} */
export function phi() {
  const bar = selectedBar("unit");
  const curve = () => store.built?.phi[selectedShape()?.activation ?? ""];
  /** @type {import("../displays/chart.js").Painter} */
  const shade = (context, frame, colours) => {
    const found = curve();
    context.fillStyle = `${colours.negative}22`;
    for (const [low, high] of found ? flatZones(found) : []) {
      const [left, right] = [Math.max(frame.x(low), frame.left), Math.min(frame.x(high), frame.left + frame.width)];
      if (right > left) context.fillRect(left, frame.top, right - left, frame.height);
    }
  };
  const x = { time: false, range: /** @type {[number, number]} */ ([-6, 6]) };
  const curves = new Chart({
    height: 190,
    under: true,
    paint: shade,
    label: () => t("phi.alt", { activation: optionName(selectedShape()?.activation ?? "identity") }),
    options: (colours) => ({
      scales: { x, y: { range: (_, low, high) => [Math.max(Math.min(low, -0.1), -3), Math.min(Math.max(high, 1.1), 3)] } },
      series: [{}, { stroke: colours.positive, width: 2, points: { show: false } }, { stroke: colours.negative, width: 2, dash: [6, 3], points: { show: false } }],
    }),
  });
  const under = new Chart({
    height: 110,
    stepped: true,
    under: true,
    paint: shade,
    label: () => t("phi.z.alt"),
    options: (colours) => ({
      scales: { x, y: { range: (_, __, high) => [0, high || 1] } },
      axes: [{ label: t("phi.z") }, {}],
      series: [{}, { stroke: colours.accent, fill: `${colours.accent}33`, width: 1.5, points: { show: false } }],
    }),
  });
  const words = h("p", { class: "hint" });
  const key = h("p", { class: "key" },
    keyed("line positive", "phi.value"), keyed("line negative dashed", "phi.slope"), keyed("swatch", "phi.flat"));
  const root = h("div", {}, bar.root, key, curves.root, under.root, words);
  let shown = "";
  return {
    name: "phi",
    root,
    draw() {
      bar.draw();
      const found = curve();
      const activation = selectedShape()?.activation ?? "";
      if (found && (shown !== activation || curves.data[0].length !== found.z.length)) {
        shown = activation;
        curves.set(/** @type {uPlot.AlignedData} */ ([found.z, found.value, found.slope]));
      }
      const into = detail()?.into;
      under.set(into?.histogram.edges.length ? steps(into.histogram) : [[-6, 6], [0, 0]]);
      const { layer } = store.selection;
      curves.root.hidden = under.root.hidden = key.hidden = layer !== null && !found;
      setText(words, layer === null ? "" : !found ? t("phi.none") : t("phi.words", {
        layer: selectedName(), activation: optionName(activation), share: percent(into?.flat ?? 0),
      }) + ((into?.outside ?? 0) >= 0.005 ? t("phi.outside", { share: percent(into?.outside) }) : ""));
    },
  };
}
