// What a run looks like, as the server of the Lab would say it (laboratory/looking/).

import { answersOf, findings, verdictOf } from "./findings.js";
import { factorsOf, factorsOfWeight } from "./measuring.js";
import { finite } from "./running.js";
import { eigenvalues, growth, singularValues } from "./spectra.js";
import { allFinite, column, histogram, norm, rms } from "./statistics.js";
import { expected } from "./theory.js";
import { zerosOf } from "./zeros.js";

/**
 * @typedef {import("./measuring.js").Look} Look
 * @typedef {import("./measuring.js").Layer} Layer
 * @typedef {import("../protocol.js").RunNow} RunNow
 * @typedef {import("../protocol.js").Map} Picture
 * @typedef {Pick<RunNow, "verdict" | "answers" | "notes" | "report_step">} Told
 * @typedef {{told: Told, theory: ReturnType<typeof expected>}} Report
 * @typedef {{run: number, layer: number | null, unit: number | null, input: number | null}} Selected
 */

/** Beyond so far lies what the curve of an activation does not show. */
const REACH = 6;

const POWERS = 30;

/** What is judged of a run. @param {import("./running.js").Running} running @param {Look} look @param {Layer[]} layers @returns {Report} */
export function report(running, look, layers) {
  const zeros = zerosOf(look, (steps) => running.trial(steps));
  const measured = { look, layers, factors: factorsOf(look), zeros, table: running.file.contents.table };
  const found = findings(measured);
  const answers = answersOf(measured, found);
  const told = JSON.stringify(answers);
  const notes = found.filter(({ fault, why }) => !fault && why.key !== "units.some_alike" && !told.includes(JSON.stringify(why)));
  const noted = notes.map(({ layer, why }) => (layer === null ? why : { key: "note.at", numbers: { layer, reason: why } }));
  const said = plain({ verdict: verdictOf(measured, found), answers, notes: noted, report_step: look.step });
  return { told: said, theory: expected(look, layers, running.file.contents.moments) };
}

/** Numbers that JSON does not know as Python writes them. @template T @param {T} value @returns {T} */
function plain(value) {
  return JSON.parse(JSON.stringify(value, (_, one) => (
    typeof one === "number" && !Number.isFinite(one) ? String(one).replace("Infinity", "inf").replace("NaN", "nan") : one
  )));
}

/**
 * @param {import("./running.js").Running} running
 * @param {Look} look
 * @param {Layer[]} layers
 * @param {Report} report
 * @param {Selected | null} selected
 * @returns {RunNow}
 */
export function now(running, look, layers, report, selected) {
  const { constants } = look;
  const score = running.map();
  const { y: test } = running.samples.test;
  const outside = running.test();
  const held = test.length ? running.tested(finite(lossOf(outside, test))) : [];
  return {
    loss: finite(look.loss),
    accuracy: accuracy(look.output, look.labels),
    test_loss: held.length ? held[held.length - 1][1] : null,
    test_accuracy: held.length ? accuracy(outside, test) : null,
    losses: running.curve(look.loss),
    test_losses: held,
    ...report.told,
    layers: layers.map((layer, i) => layerNow(look, layer, i, report.theory)),
    edges: look.places.map((place, i) => ({ weight: matrix(look.weights[i], place), gradient: matrix(look.arrays[place.dw], place), strong: null })),
    map: decision(score, constants.grid),
    unit_maps: running.coarse().map((values, i) => Array.from({ length: look.places[i].units }, (_, unit) => (
      unitMap(column(values, unit, look.places[i].units).slice(0, constants.coarse ** 2), constants.coarse)
    ))),
    confusion: null,
    detail: selected ? detail(running, look, selected) : null,
  };
}

/** One number a sample, above 0 for the second class: of one output, or the difference of two. @param {Float64Array} output @param {number} n samples */
const scores = (output, n) => Array.from({ length: n }, (_, i) => (output.length === n ? output[i] : output[2 * i + 1] - output[2 * i]));

/** The share of samples that are classified rightly. @param {Float64Array} output @param {number[]} labels */
function accuracy(output, labels) {
  return scores(output, labels.length).filter((score, i) => Number(score > 0) === labels[i]).length / labels.length;
}

/** The cross entropy, binary or of two classes. @param {Float64Array} output @param {number[]} labels */
function lossOf(output, labels) {
  const each = scores(output, labels.length).map((score, i) => {
    const wrong = labels[i] ? -score : score;
    return Math.max(wrong, 0) + Math.log1p(Math.exp(-Math.abs(wrong)));
  });
  return each.reduce((sum, loss) => sum + loss, 0) / labels.length;
}

/** @param {Look} look @param {Layer} layer @param {number} i @param {Report["theory"]} theory @returns {import("../protocol.js").LayerNow} */
function layerNow(look, layer, i, theory) {
  const place = look.places[i];
  const [z, a, dz, dw] = [place.z, place.a, place.dz, place.dw].map((at) => look.arrays[at]);
  const share = (/** @type {Float64Array} */ values) => (allFinite(values) ? 0 : values.filter((x) => !Number.isFinite(x)).length / values.length);
  const known = allFinite(look.weights[i]) && allFinite(look.biases[i]);
  return {
    dw: finite(Math.log10(norm(dw))),
    z: finite(rms(z)),
    a: finite(rms(a)),
    dz: finite(rms(dz) * look.samples),
    saturated: layer.saturated,
    dead: layer.dead.length / place.units,
    dead_units: layer.dead,
    not_finite: Math.max(...[z, a, dz, dw].map(share)),
    distinct: known ? layer.distinct.members.length : null,
    units: place.units,
    theory_z: bandAt(theory?.z[i]),
    theory_dz: bandAt(theory?.dz[i]),
  };
}

/** @param {readonly [number, number, number] | undefined} band @returns {any} */
const bandAt = (band) => (band ? [finite(band[0]), finite(band[1]), finite(band[2])] : null);

/** @param {Float64Array} values @param {import("./measuring.js").Place} place */
function matrix(values, { units, inputs }) {
  return Array.from({ length: units }, (_, unit) => Array.from(values.subarray(unit * inputs, (unit + 1) * inputs), finite));
}

/** @param {Float64Array} output @param {number} size @returns {Picture} */
function decision(output, size) {
  return picture("probability", size, 0, 1, scores(output, size ** 2).map((score) => 1 / (1 + Math.exp(-score))));
}

/** What one unit says, on a scale of its own. @param {Float64Array} values @param {number} size */
function unitMap(values, size) {
  const known = values.filter(Number.isFinite);
  const [low, high] = known.length ? [known.reduce((a, x) => Math.min(a, x)), known.reduce((a, x) => Math.max(a, x))] : [0, 0];
  return picture("unit", size, low, high, [...values]);
}

/** Numbers on a scale as bytes. @param {Picture["kind"]} kind @param {number} size @param {number} low @param {number} high @param {number[]} values @returns {Picture} */
function picture(kind, size, low, high, values) {
  const span = high - low || 1;
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.isNaN(values[i]) ? 128 : Math.round(255 * Math.min(Math.max((values[i] - low) / span, 0), 1));
  return { kind, size, low, high, values: btoa(String.fromCharCode(...bytes)) };
}

/** None where a number is not finite. @param {Float64Array} weight @param {import("./measuring.js").Place} place @returns {import("../protocol.js").SpectrumOf | null} */
function spectrumOf(weight, { units, inputs }) {
  if (!allFinite(weight)) return null;
  const square = units === inputs;
  return {
    singular: singularValues(weight, inputs),
    eigenvalues: square ? eigenvalues(weight, units) : [],
    growth: square ? growth(weight, units, POWERS).map(finite) : [],
  };
}

/** @param {import("./running.js").Running} running @param {Look} look @param {Selected} selected @returns {import("../protocol.js").Detail | null} */
function detail(running, look, { layer, unit: chosen, input: from }) {
  if (layer === null || !look.places[layer]) return null;
  const place = look.places[layer];
  const unit = chosen !== null && chosen < place.units ? chosen : null;
  const input = unit !== null && from !== null && from < place.inputs ? from : null;
  const of = (/** @type {number} */ at) => (unit === null ? look.arrays[at] : column(look.arrays[at], unit, place.units));
  const dw = look.arrays[place.dw];
  const factors = factorsOf(look)[layer];
  const told = unit !== null && input !== null ? factorsOfWeight(look, factors, layer, unit, input) : factors;
  return {
    layer,
    unit,
    input,
    histograms: {
      z: histogram(of(place.z)),
      a: histogram(of(place.a)),
      dz: histogram(of(place.dz).map((/** @type {number} */ x) => x * look.samples)),
      dw: histogram(unit === null ? dw : dw.subarray(unit * place.inputs, (unit + 1) * place.inputs)),
    },
    into: place.slope === null ? null : entering(look, place, of(place.into), of(place.slope)),
    spectrum: spectrumOf(look.weights[layer], place),
    factors: told.map((factor) => ({ ...factor, log10: finite(factor.log10), finite: !Number.isNaN(factor.log10) && factor.log10 !== Infinity })),
    unit_map: unit === null || layer === look.places.length - 1 ? null
      : unitMap(column(running.fine(layer), unit, place.units), look.constants.grid),
    weight: unit === null ? null : weightOf(look, layer, unit, input),
  };
}

/** @param {Look} look @param {import("./measuring.js").Place} place @param {Float64Array} into @param {Float64Array} slopes @returns {import("../protocol.js").Entering} */
function entering({ phi, constants }, { activation }, into, slopes) {
  const share = (/** @type {Float64Array} */ values, /** @type {(x: number) => boolean} */ is) => values.filter(is).length / values.length;
  const flat = share(slopes, (x) => Math.abs(x) / phi[activation].steepest < constants.flat);
  return { histogram: histogram(into), flat, outside: share(into, (x) => Math.abs(x) > REACH) };
}

/** @param {Look} look @param {number} layer @param {number} unit @param {number | null} input */
function weightOf(look, layer, unit, input) {
  const { dw, db, inputs } = look.places[layer];
  if (input === null) return { value: finite(look.biases[layer][unit]), gradient: finite(look.arrays[db][unit]) };
  const at = unit * inputs + input;
  return { value: finite(look.weights[layer][at]), gradient: finite(look.arrays[dw][at]) };
}

/** Where the layers that have an activation lie in its phase diagram. @param {import("./running.js").Running} running @param {number} run @param {string} activation @returns {import("../protocol.js").Dot[]} */
export function dotsOf(running, run, activation) {
  return running.parameters().flatMap(({ place, weight, bias }, layer) => place.activation !== activation ? [] : {
    run, layer, sigma_w: finite(Math.sqrt(place.inputs) * rms(weight)), sigma_b: finite(rms(bias)),
  });
}
