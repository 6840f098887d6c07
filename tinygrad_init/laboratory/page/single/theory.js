// Where theory expects the sizes of the layers (diagnosis/measures/expectation.py, theory/profile.py): the recursions are
// here, Gaussian moments of the activations come as tables (serving/moments.py).

/**
 * @typedef {{low: number, high: number, rows: number[][], at_zero: number}} Table of variances from 10^low to 10^high in even steps of
 *   the logarithm, a row for each: ln E φ², ln E φ'², the relative variances of φ² and 3φ'² - 1 and the covariance of both,
 *   and d ln E φ²/d ln q, d ln E φ'²/d ln q
 * @typedef {{table: Table, w2: number, b2: number, units: number}} Spec
 * @typedef {(readonly [number, number, number])[]} Band low, expected and high of every layer
 */

const DEVIATIONS = 3;
const GROUPS = 8;
const [LEAST, MOST] = [1e-30, 1e30];
/** Points of the table that a value is found between. */
const POINTS = 6;

/** A row of a table at any variance; beyond its ends powers of q go on. @param {Table} table @param {number} q */
function rowAt({ low, high, rows }, q) {
  const log = Math.log10(q);
  const at = ((Math.min(Math.max(log, low), high) - low) / (high - low)) * (rows.length - 1);
  const from = Math.min(Math.max(Math.floor(at) - POINTS / 2 + 1, 0), rows.length - POINTS);
  const shares = Array.from({ length: POINTS }, (_, i) => {
    let share = 1;
    for (let k = 0; k < POINTS; k++) if (k !== i) share *= (at - from - k) / (i - k); // Lagrange's
    return share;
  });
  const row = rows[0].map((_, k) => shares.reduce((sum, share, i) => sum + share * rows[from + i][k], 0));
  const beyond = Math.LN10 * (log - Math.min(Math.max(log, low), high));
  [row[0], row[1]] = [row[0] + row[5] * beyond, row[1] + row[6] * beyond];
  return row;
}

/** Squares, and mean and deviation of their logarithms, of q and of the gradient, for inputs of one size; null where no float holds them. @param {Spec[]} layers @param {number} input */
function profile(layers, input) {
  let before = input;
  let [variance, drift] = [0, 0];
  const passed = [];
  for (const [i, { table, w2, b2, units }] of layers.entries()) {
    const q = w2 * before + b2;
    if (!Number.isFinite(q)) return null;
    const kept = Math.min(Math.max(q, LEAST), MOST);
    const [square, slope, a, g, both, grows, slopes] = rowAt(table, kept);
    const toQ = q > 0 ? (w2 * before) / q : 0;
    const [toA, toG] = [toQ * grows * (q / kept), toQ * slopes * (q / kept)];
    const own = { a: Math.max(a, 0) / units, g: Math.max(g, 0) / units, both: both / units };
    const chi = layers[Math.min(i + 1, layers.length - 1)].w2 * Math.exp(slope);
    passed.push({ q, chi, own, toA, toG, variance, std: Math.sqrt(toQ ** 2 * variance + 2 / units), shift: toQ * drift - 1 / units });
    [variance, drift] = [toA ** 2 * variance + own.a, toA * drift - own.a / 2];
    before = q > 0 ? Math.exp(square) : table.at_zero ** 2;
  }
  const back = passed.map(() => ({ square: 1, std: 0, shift: 0 }));
  let [answer, added] = [0, 0];
  for (let i = layers.length - 2; i >= 0; i--) {
    const { chi, own, toA, toG, variance } = passed[i];
    added += answer ** 2 * own.a + 2 * answer * own.both + own.g;
    answer = toG + toA * answer;
    const all = Math.max(added + answer ** 2 * variance, 0);
    back[i] = { square: chi * back[i + 1].square, std: Math.sqrt(all), shift: -all / 2 };
  }
  return { z: passed.map(({ q, std, shift }) => ({ square: q, std, shift })), dz: back };
}

/** rms z and rms ∂C/∂z as they are expected, of plain networks. @param {import("./measuring.js").Look} look @param {import("./measuring.js").Layer[]} layers @param {Record<string, Table>} tables @returns {{z: Band, dz: Band} | null} */
export function expected(look, layers, tables) {
  const { places, arrays, weights, biases } = look;
  if (!look.plain || !layers.every(({ z }) => Number.isFinite(z.rms)) || !places.every(({ activation }) => tables[activation || "identity"])) return null;
  const mean = (/** @type {ArrayLike<number>} */ values) => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
  const specs = places.map(({ activation, inputs, units }, i) => ({
    table: tables[activation || "identity"], units, w2: inputs * mean(weights[i].map((x) => x * x)), b2: mean(biases[i].map((x) => x * x)),
  }));
  const { x, inputs } = { x: arrays[places[0].x], inputs: places[0].inputs };
  const squares = Array.from({ length: x.length / inputs }, (_, i) => mean(x.subarray(i * inputs, (i + 1) * inputs).map((value) => value * value)));
  squares.sort((a, b) => a - b);
  const count = Math.min(squares.length, GROUPS);
  /** @type {NonNullable<ReturnType<typeof profile>>[]} */
  const profiles = [];
  for (let i = 0, from = 0; i < count; i++) {
    const size = Math.floor(squares.length / count) + Number(i < squares.length % count);
    const found = profile(specs, mean(squares.slice(from, from += size)));
    if (!found) return null;
    profiles.push(found);
  }
  const last = layers.length - 1;
  const band = (/** @type {"z" | "dz"} */ what, /** @type {(i: number) => number} */ scale) => layers.map((_, i) => {
    const rms = (/** @type {number | null} */ deviations) => scale(i) * Math.sqrt(mean(profiles.map((one) => {
      const { square, std, shift } = one[what][i];
      return deviations === null ? square : square * Math.exp(shift) * Math.exp(deviations * std);
    })));
    return /** @type {const} */ ([rms(-DEVIATIONS), rms(null), rms(DEVIATIONS)]);
  });
  return { z: band("z", () => 1), dz: band("dz", (i) => layers[last].dz.rms * Math.sqrt(layers[last].units / layers[i].units)) };
}
