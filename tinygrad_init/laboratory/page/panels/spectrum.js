// Eigenvalues of W in the plane, with the unit circle, which decides where W^t goes; and its singular values, which say how
// much one layer can stretch, also on the way there.

import { Chart } from "../displays/chart.js";
import { h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { format } from "../scale.js";
import { detail } from "./selection.js";
import { selectedBar } from "./selected.js";

/** @returns {import("./tabs.js").Panel} */
export function spectrum() {
  const bar = selectedBar("layer");
  const spectrumOf = () => detail()?.spectrum ?? null;
  /** Eigenvalues that are numbers. @returns {[number, number][]} */
  const eigenvalues = () => (spectrumOf()?.eigenvalues ?? []).map(([re, im]) => [re ?? NaN, im ?? NaN]);
  const reach = () => Math.max(1.2, ...eigenvalues().map(([re, im]) => 1.1 * Math.max(Math.abs(re), Math.abs(im)) || 0));
  const plane = new Chart({
    height: 260,
    label: () => t("spectrum.alt", { radius: format(radius()) }),
    paint(context, frame, colours) {
      context.beginPath();
      for (let i = 0; i <= 72; i++) context.lineTo(frame.x(Math.cos(i * Math.PI / 36)), frame.y(Math.sin(i * Math.PI / 36)));
      context.strokeStyle = colours.muted;
      context.lineWidth = 1.5;
      context.stroke();
      const size = 5 * devicePixelRatio;
      for (const [re, im] of eigenvalues()) {
        const outside = Math.hypot(re, im) > 1;
        context.beginPath();
        const [x, y] = [frame.x(re), frame.y(im)];
        if (outside) context.rect(x - size, y - size, 2 * size, 2 * size);
        else context.arc(x, y, size, 0, 2 * Math.PI);
        context.fillStyle = outside ? colours.negative : colours.positive;
        context.fill();
      }
    },
    options: () => {
      const range = () => /** @type {[number, number]} */ ([-reach(), reach()]);
      return {
        scales: { x: { time: false, range }, y: { range } },
        axes: [{ label: t("spectrum.re") }, { label: t("spectrum.im") }],
        series: [{}, { show: false }],
      };
    },
  });
  const singular = new Chart({
    height: 260,
    label: () => t("spectrum.singular.alt", { largest: format(spectrumOf()?.singular[0]) }),
    paint(context, frame, colours) {
      context.beginPath();
      context.moveTo(frame.left, frame.y(0));
      context.lineTo(frame.left + frame.width, frame.y(0));
      context.strokeStyle = colours.muted;
      context.lineWidth = 1.5;
      context.stroke();
    },
    options: (colours) => ({
      scales: { x: { time: false, range: (_, __, high) => [0, Math.max(high, 1) + 1] }, y: { range: (_, low, high) => [Math.min(Math.floor(low), -1), Math.max(Math.ceil(high), 1)] } },
      axes: [{ label: t("spectrum.index") }, { values: (_, splits) => splits.map((v) => format(10 ** v)), size: 54 }],
      series: [{}, { stroke: colours.accent, width: 1.5, points: { show: true, size: 7, fill: colours.accent } }],
    }),
  });
  const growth = new Chart({
    height: 260,
    label: () => t("spectrum.growth.alt"),
    options: (colours) => ({
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(Math.floor(low ?? 0), -1), Math.max(Math.ceil(high ?? 0), 1)] } },
      axes: [{ label: "t" }, { values: (_, splits) => splits.map((v) => format(10 ** v)), size: 54 }],
      series: [{}, { stroke: colours.accent, width: 2, points: { show: false } }],
    }),
  });
  function radius() {
    return Math.max(0, ...eigenvalues().map(([re, im]) => Math.hypot(re, im)));
  }
  const words = h("p", { class: "hint" });
  const eigenFigure = h("figure", { class: "square" }, h("figcaption", { t: "spectrum.eigen" }), plane.root);
  const growthFigure = h("figure", {}, h("figcaption", { t: "spectrum.growth" }), growth.root);
  const root = h("div", {}, bar.root, h("div", { class: "three" }, eigenFigure,
    h("figure", {}, h("figcaption", { t: "spectrum.singular" }), singular.root), growthFigure), words);
  return {
    name: "spectrum",
    root,
    draw() {
      bar.draw();
      const found = spectrumOf();
      const square = !!found?.eigenvalues.length;
      eigenFigure.hidden = growthFigure.hidden = !square;
      // The charts' own data are empty: eigenvalues are painted. Setting them paints anew.
      if (square) {
        plane.set([[0], [0]]);
        growth.set([found.growth.map((_, i) => i + 1), found.growth]);
      }
      const values = found?.singular ?? [];
      singular.set([values.map((_, i) => i + 1), values.map((v) => (v !== null && v > 0 ? Math.log10(v) : null))]);
      setText(words, !found ? "" : square
        ? t("spectrum.words", { radius: format(radius()), norm: format(values[0]) })
        : t("spectrum.notSquare", { norm: format(values[0]) }));
    },
  };
}
