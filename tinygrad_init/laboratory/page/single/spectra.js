// Eigenvalues and singular values of small matrices, and how their powers grow (diagnosis/measures/spectra.py): what
// LAPACK finds in the installed Lab, to all digits that are shown.

import { norm } from "./statistics.js";

const SWEEPS = 60;

/** @param {Float64Array} values */
const largest = (values) => values.reduce((top, x) => Math.max(top, Math.abs(x)), 0);

/**
 * Singular values, largest first: rows are turned in pairs until all are orthogonal (Hestenes 1958).
 * @param {Float64Array} matrix row by row, of finite numbers
 * @param {number} columns
 */
export function singularValues(matrix, columns) {
  const top = largest(matrix) || 1;
  const count = matrix.length / columns;
  const across = Array.from({ length: count }, (_, i) => matrix.slice(i * columns, (i + 1) * columns).map((x) => x / top));
  const rows = count <= columns ? across : Array.from({ length: columns }, (_, k) => Float64Array.from(across, (row) => row[k]));
  for (let sweep = 0, turned = true; turned && sweep < SWEEPS; sweep++) {
    turned = false;
    for (let i = 1; i < rows.length; i++) for (let k = 0; k < i; k++) turned = apart(rows[i], rows[k]) || turned;
  }
  return rows.map((row) => top * norm(row)).sort((a, b) => b - a);
}

/** Turns two rows so that they are orthogonal; whether they were not. @param {Float64Array} p @param {Float64Array} q */
function apart(p, q) {
  let [pp, qq, pq] = [0, 0, 0];
  for (let i = 0; i < p.length; i++) [pp, qq, pq] = [pp + p[i] * p[i], qq + q[i] * q[i], pq + p[i] * q[i]];
  if (Math.abs(pq) <= Number.EPSILON * Math.sqrt(pp * qq) || Math.abs(pq) < Number.MIN_VALUE / Number.EPSILON) return false;
  const zeta = (qq - pp) / (2 * pq);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  for (let i = 0; i < p.length; i++) [p[i], q[i]] = [cosine * (p[i] - tangent * q[i]), cosine * (tangent * p[i] + q[i])];
  return true;
}

/** log10 of the largest singular value of W^t for t = 1, …; the power is kept at size 1 and its logarithm beside it. @param {Float64Array} matrix @param {number} n @param {number} powers */
export function growth(matrix, n, powers) {
  const top = largest(matrix);
  /** @type {number[]} */
  const found = Array(powers).fill(-Infinity);
  const w = matrix.map((x) => x / (top || 1));
  let power = Float64Array.from(w, (_, i) => Number(i % (n + 1) === 0));
  for (let t = 0, log10 = 0; t < powers && top; t++) {
    power = power.map((_, at) => {
      let sum = 0;
      for (let k = 0, row = at - (at % n); k < n; k++) sum += power[row + k] * w[k * n + (at % n)];
      return sum;
    });
    const [size] = singularValues(power, n);
    if (size === 0) break;
    power = power.map((x) => x / size);
    found[t] = log10 += Math.log10(top) + Math.log10(size);
  }
  return found;
}

/**
 * Eigenvalues as pairs, largest first: the QR algorithm with shifts (Francis 1961) in complex numbers.
 * @param {Float64Array} matrix row by row, of finite numbers
 * @param {number} n rows and columns
 * @returns {[number, number][]}
 */
export function eigenvalues(matrix, n) {
  const top = largest(matrix) || 1;
  const [re, im] = [matrix.map((x) => x / top), new Float64Array(n * n)];
  /** What turns rows i and j so that (j, k) becomes 0. @param {number} i @param {number} j @param {number} k */
  const turn = (i, j, k) => {
    const [a, b] = [i * n + k, j * n + k];
    const size = Math.hypot(re[a], im[a], re[b], im[b]);
    return size ? [re[a] / size, im[a] / size, re[b] / size, im[b] / size] : [1, 0, 0, 0];
  };
  /** Entries x and y become āx + b̄y and ay - bx. @param {number} x @param {number} y @param {number[]} by */
  const mix = (x, y, [ar, ai, br, bi]) => {
    const [xr, xi, yr, yi] = [re[x], im[x], re[y], im[y]];
    [re[x], im[x]] = [ar * xr + ai * xi + br * yr + bi * yi, ar * xi - ai * xr + br * yi - bi * yr];
    [re[y], im[y]] = [ar * yr - ai * yi - br * xr + bi * xi, ar * yi + ai * yr - br * xi - bi * xr];
  };
  const rows = (/** @type {number} */ i, /** @type {number} */ j, /** @type {number[]} */ by) => {
    for (let k = 0; k < n; k++) mix(i * n + k, j * n + k, by);
  };
  const columns = (/** @type {number} */ i, /** @type {number} */ j, /** @type {number[]} */ [ar, ai, br, bi]) => {
    for (let k = 0; k < n; k++) mix(k * n + i, k * n + j, [ar, -ai, br, -bi]);
  };
  for (let k = 0; k < n - 2; k++) {
    for (let j = k + 2; j < n; j++) {
      const by = turn(k + 1, j, k);
      rows(k + 1, j, by);
      columns(k + 1, j, by);
    }
  }
  for (let last = n - 1, round = 1; last > 0; round++) {
    let first = last;
    const small = (/** @type {number} */ i) => {
      const [below, here, above] = [i * n + i - 1, i * n + i, (i - 1) * (n + 1)].map((at) => Math.hypot(re[at], im[at]));
      return below <= Number.EPSILON * (here + above || 1);
    };
    while (first > 0 && !small(first)) first--;
    if (first === last || round > SWEEPS) {
      [last, round] = [last - 1, 0];
      continue;
    }
    const [sr, si] = round % 10 ? shift(re, im, n, last) : [re[last * n + last - 1], im[last * n + last - 1]]; // now and then another, or it could go in circles
    for (let i = first; i <= last; i++) [re[i * (n + 1)], im[i * (n + 1)]] = [re[i * (n + 1)] - sr, im[i * (n + 1)] - si];
    const turns = [];
    for (let i = first; i < last; i++) {
      turns.push(turn(i, i + 1, i));
      rows(i, i + 1, turns[i - first]);
    }
    turns.forEach((by, i) => columns(first + i, first + i + 1, by));
    for (let i = first; i <= last; i++) [re[i * (n + 1)], im[i * (n + 1)]] = [re[i * (n + 1)] + sr, im[i * (n + 1)] + si];
  }
  const found = Array.from({ length: n }, (_, i) => /** @type {[number, number]} */ ([top * re[i * (n + 1)], top * im[i * (n + 1)]]));
  return found.sort((a, b) => Math.hypot(...b) - Math.hypot(...a));
}

/** The eigenvalue of the last two rows and columns that is nearer to the last entry (Wilkinson 1965). @param {Float64Array} re @param {Float64Array} im @param {number} n @param {number} last */
function shift(re, im, n, last) {
  const at = [(last - 1) * (n + 1), (last - 1) * n + last, last * n + last - 1, last * (n + 1)];
  const [p, q, r, s] = at.map((one) => [re[one], im[one]]);
  const qr = [q[0] * r[0] - q[1] * r[1], q[0] * r[1] + q[1] * r[0]];
  const half = [(p[0] - s[0]) / 2, (p[1] - s[1]) / 2];
  const square = [half[0] ** 2 - half[1] ** 2 + qr[0], 2 * half[0] * half[1] + qr[1]];
  const size = Math.sqrt(Math.hypot(square[0], square[1]));
  const angle = Math.atan2(square[1], square[0]) / 2;
  const root = [size * Math.cos(angle), size * Math.sin(angle)];
  const sign = half[0] * root[0] + half[1] * root[1] < 0 ? -1 : 1;
  const [re_, im_] = [half[0] + sign * root[0], half[1] + sign * root[1]];
  const length = re_ * re_ + im_ * im_;
  if (!length) return s;
  return [s[0] - (qr[0] * re_ + qr[1] * im_) / length, s[1] - (qr[1] * re_ - qr[0] * im_) / length];
}
