"""How NumPy's functions are called on tensors, for tests: by name, the call and the arrays it is differentiated by."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_init as tgi

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
Y = RNG.normal(size=(3, 4))
P = RNG.uniform(0.3, 0.9, size=(3, 4))
Q = RNG.uniform(1.1, 1.9, size=(3, 4))
V = RNG.normal(size=5)
W = RNG.normal(size=3)
S = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
SPD = S @ S.T
T3 = RNG.normal(size=(2, 3, 4))
HOLES = np.where(RNG.random((3, 4)) > 0.7, np.nan, X)
MASK = X > 0

# For each function: how it is called, and of what; several ways where options change what it does. What it is called
# with is differentiated, all of it.
Case = tuple[Any, ...]
CASES: dict[str, list[Case]] = {
    "append": [(lambda a, b: np.append(a, b), X, V), (lambda a, b: np.append(a, b, 0), X, Y)],
    "apply_along_axis": [(lambda a: np.apply_along_axis(lambda v: np.sort(v) * 2.0, 1, a), X)],
    "apply_over_axes": [(lambda a: np.apply_over_axes(np.sum, a, [0, 2]), T3)],
    "arctan2": [(np.arctan2, P, Q)],
    "astype": [(lambda a: np.astype(a, np.float64), X)],
    "around": [(lambda a: np.around(a, 1), X)],
    "array_split": [(lambda a: np.array_split(a, 3, 1), X), (lambda a: np.array_split(a, [1, 2]), X)],
    "atleast_1d": [(lambda a, b: np.atleast_1d(a, b), np.array(2.0), X)],
    "atleast_2d": [(np.atleast_2d, V)],
    "atleast_3d": [(np.atleast_3d, X)],
    "average": [
        (lambda a, w: np.average(a, weights=w), X, Q),
        (lambda a, w: np.average(a, 0, w), X, RNG.uniform(1, 2, 3)),
        (lambda a, w: np.average(a, 1, w, returned=True), X, Q),
    ],
    "bincount": [(lambda w: np.bincount([0, 2, 2, 1, 0], w, 5), V)],
    "block": [(lambda a, b: np.block([[a, b], [b, a]]), X, Y)],
    "broadcast_arrays": [(lambda a, b: np.broadcast_arrays(a, b), X, X[0])],
    "broadcast_to": [(lambda a: np.broadcast_to(a, (2, 3, 4)), X)],
    "choose": [(lambda a, b: np.choose(MASK.astype(int), [a, b]), X, Y)],
    "clip": [
        (lambda a: np.clip(a, -0.5, 0.7), X),
        (lambda a: np.clip(a, None, 0.7), X),
        (lambda a, b: np.clip(a, b, None), X, Y),
        (lambda a: np.clip(a, min=0.1), X),
    ],
    "column_stack": [(lambda a, b: np.column_stack([a, b]), X, W)],
    "compress": [(lambda a: np.compress([True, False, True], a, 0), X)],
    "concat": [(lambda a, b: np.concat([a, b], 1), X, Y)],
    "concatenate": [(lambda a, b: np.concatenate([a, b]), X, Y), (lambda a, b: np.concatenate([a, b], None), X, V)],
    "convolve": [
        (lambda a, v, m=m: np.convolve(a, v, m), x, y) for m in ("full", "same", "valid") for x, y in ((V, W), (W, V))
    ],
    "corrcoef": [(lambda a: np.corrcoef(a), X), (lambda a, b: np.corrcoef(a, b, rowvar=False), X, Y)],
    "correlate": [
        (lambda a, v, m=m: np.correlate(a, v, m), x, y)
        for m in ("full", "same", "valid")
        for x, y in ((V, W), (W, V), (V, V[:4]), (V[:4], V))
    ],
    "cov": [(lambda a: np.cov(a), X), (lambda a, b: np.cov(a, b, False, True), X, Y), (lambda a: np.cov(a), V)],
    "cross": [(np.cross, S, T3[0].T[:3]), (lambda a, b: np.cross(a, b, axisa=0, axisc=0), S, T3[0].T[:3])],
    "cumprod": [(lambda a: np.cumprod(a, 1), X), (np.cumprod, X)],
    "cumsum": [(lambda a: np.cumsum(a, 0), X), (np.cumsum, X)],
    "cumulative_prod": [(lambda a: np.cumulative_prod(a, axis=1, include_initial=True), X)],
    "cumulative_sum": [(lambda a: np.cumulative_sum(a, axis=0, include_initial=True), X), (np.cumulative_sum, V)],
    "delete": [(lambda a: np.delete(a, [0, 2], 1), X)],
    "diag": [(lambda a: np.diag(a, 1), X), (lambda a: np.diag(a, -1), V)],
    "diagflat": [(lambda a: np.diagflat(a, 1), X)],
    "diagonal": [(lambda a: np.diagonal(a, 1, 0, 2), T3)],
    "diff": [(lambda a: np.diff(a, 2, 0), X), (lambda a, b: np.diff(a, prepend=b, append=0.5), X, X[:, :1])],
    "divmod": [(np.divmod, Q, P)],
    "dot": [
        (np.dot, X, T3.transpose(0, 2, 1)),
        (np.dot, W, X),
        (np.dot, V, V + 1),
        (lambda a: np.dot(a, 2.0), X),
    ],
    "dsplit": [(lambda a: np.dsplit(a, 2), T3)],
    "dstack": [(lambda a, b: np.dstack([a, b]), X, Y)],
    "ediff1d": [(lambda a: np.ediff1d(a, to_begin=0.5, to_end=[1.0, 2.0]), X)],
    "einsum": [
        (lambda a, b: np.einsum("ij,kj->ik", a, b), X, Y),
        (lambda a, b: np.einsum(a, [0, 1], b, [0, 1], [1]), X, Y),
    ],
    "empty_like": [],
    "expand_dims": [(lambda a: np.expand_dims(a, (0, 2)), X)],
    "extract": [(lambda a: np.extract(MASK, a), X)],
    "fft.fftshift": [(np.fft.fftshift, X)],
    "fft.ifftshift": [(np.fft.ifftshift, X)],
    "flip": [(np.flip, X), (lambda a: np.flip(a, 1), X)],
    "float_power": [(np.float_power, P, Q)],
    "floor_divide": [(np.floor_divide, Q, P)],
    "fmod": [(np.fmod, Q, P)],
    "full_like": [
        (
            lambda v: (
                np.full_like(tgi.tensor(X), v, shape=(2, 3))
                if isinstance(v, tgi.Tensor)
                else np.full_like(X, v, shape=(2, 3))
            ),
            np.array(1.5),
        )
    ],
    "geomspace": [(lambda a, b: np.geomspace(a, b, 5), np.array(1.0), np.array(8.0))],
    "gradient": [
        (np.gradient, X),
        (lambda a: np.gradient(a, 0.5, axis=1, edge_order=2), X),
        (lambda a: np.gradient(a, [0.0, 1.0, 3.0, 3.5], axis=1, edge_order=2), X),
        (lambda a, x: np.gradient(a, x), V, np.array([0.0, 1.0, 1.5, 3.0, 4.5])),
    ],
    "heaviside": [(lambda a: np.heaviside(a, 0.5), X)],
    "hsplit": [(lambda a: np.hsplit(a, 2), X)],
    "hstack": [(lambda a, b: np.hstack([a, b]), X, Y)],
    "inner": [(np.inner, X, Y), (np.inner, T3, X), (lambda a: np.inner(a, 3.0), X)],
    "insert": [(lambda a, b: np.insert(a, 1, b, 0), X, X[0]), (lambda a: np.insert(a, [0, 2], [1.0, 2.0]), V)],
    "interp": [
        (lambda x, fp: np.interp(x, [-1.0, 0.0, 0.4, 1.0], fp), X, X[0]),
        (lambda x, xp: np.interp(x, xp, [1.0, 3.0, 2.0], 0.5), V, np.array([-1.0, 0.1, 1.2])),
    ],
    "intersect1d": [(lambda a: np.intersect1d(a, V[::2]), V)],
    "kron": [(np.kron, X, S), (np.kron, T3, X), (np.kron, V, X)],
    "ldexp": [(lambda a: np.ldexp(a, np.array(3)), X)],
    "linalg.cholesky": [(np.linalg.cholesky, SPD), (lambda a: np.linalg.cholesky(a, upper=True), SPD)],
    "linalg.cond": [(lambda a, p=p: np.linalg.cond(a, p), S) for p in (None, 2, -2, "fro", "nuc", 1, np.inf)],
    "linalg.cross": [(np.linalg.cross, S, T3[0].T[:3])],
    "linalg.eig": [(lambda a: np.linalg.eig(a), np.diag([1.0, 2.0, 4.0]) + 0.2 * S)],
    "linalg.eigh": [(lambda a, u=u: np.linalg.eigh(a, u), S) for u in "LU"],
    "linalg.eigvals": [(np.linalg.eigvals, np.diag([1.0, 2.0, 4.0]) + 0.2 * S)],
    "linalg.eigvalsh": [(np.linalg.eigvalsh, S)],
    "linalg.inv": [(np.linalg.inv, S)],
    "linalg.det": [(np.linalg.det, S)],
    "linalg.lstsq": [
        (lambda a, b: np.linalg.lstsq(a, b)[0], X.T, RNG.normal(size=4)),
        (lambda a, b: np.linalg.lstsq(a, b)[1], X.T, RNG.normal(size=(4, 2))),
    ],
    "linalg.matmul": [(np.linalg.matmul, X, Y.T)],
    "linalg.matrix_norm": [(lambda a, o=o: np.linalg.matrix_norm(a, ord=o), T3) for o in ("fro", "nuc", 1, -1, 2, -2)],
    "linalg.matrix_power": [(lambda a: np.linalg.matrix_power(a, 3), S), (lambda a: np.linalg.matrix_power(a, -2), S)],
    "linalg.multi_dot": [(lambda a, b, c: np.linalg.multi_dot([a, b, c]), X, Y.T, S)],
    "linalg.norm": [
        (np.linalg.norm, X),
        (lambda a: np.linalg.norm(a, 3, 1), X),
        (lambda a: np.linalg.norm(a, "nuc"), X),
        (lambda a: np.linalg.norm(a, np.inf), X),
        (lambda a: np.linalg.norm(a, -1, (0, 2), True), T3),
        (lambda a: np.linalg.norm(a, 0.5), V),
        (lambda a: np.linalg.norm(a, 0), V),
    ],
    "linalg.outer": [(np.linalg.outer, V, W)],
    "linalg.pinv": [(np.linalg.pinv, X), (np.linalg.pinv, T3)],
    "linalg.qr": [
        (lambda a: np.linalg.qr(a), X.T),
        (lambda a: np.linalg.qr(a), X),
        (lambda a: np.linalg.qr(a, "r"), X.T),
    ],
    "linalg.slogdet": [(lambda a: np.linalg.slogdet(a)[1], S)],
    "linalg.solve": [(np.linalg.solve, S, X), (np.linalg.solve, S, W)],
    "linalg.svd": [
        (lambda a: np.linalg.svd(a, full_matrices=False), X),
        (lambda a: np.linalg.svd(a), S),
        (lambda a: np.linalg.svd(a, compute_uv=False), X),
    ],
    "linalg.tensordot": [(lambda a, b: np.linalg.tensordot(a, b, axes=1), X, Y.T)],
    "linalg.tensorinv": [(lambda a: np.linalg.tensorinv(a, 1), RNG.normal(size=(4, 2, 2)))],
    "linalg.tensorsolve": [(np.linalg.tensorsolve, RNG.normal(size=(2, 3, 6)), X[:2, :3])],
    "linalg.vecdot": [(np.linalg.vecdot, X, Y)],
    "linalg.vector_norm": [(lambda a: np.linalg.vector_norm(a, axis=1, ord=3), X)],
    "linspace": [
        (lambda a, b: np.linspace(a, b, 5, axis=1), X, Y),
        (lambda a: np.linspace(a, 2.0, 4, endpoint=False), V),
        (lambda a: np.linspace(a, 2.0, 4, retstep=True), V),
    ],
    "logspace": [(lambda a, b: np.logspace(a, b, 4), np.array(0.1), np.array(1.5))],
    "matmul": [(np.matmul, X, Y.T)],
    "max": [
        (lambda a: np.max(a, 1), X),
        (lambda a: np.max(a, 0, where=MASK, initial=-2.0), X),
        (lambda a: np.max(a, keepdims=True, initial=0.3), X),
    ],
    "mean": [(lambda a: np.mean(a, (0, 2)), T3), (lambda a: np.mean(a, 1, where=MASK | (Y > 0)), X)],
    "median": [(lambda a: np.median(a, 1), X), (np.median, V), (lambda a: np.median(a, (0, 2), keepdims=True), T3)],
    "meshgrid": [
        (lambda a, b: np.meshgrid(a, b), V, W),
        (lambda a, b: np.meshgrid(a, b, indexing="ij", sparse=True), V, W),
    ],
    "min": [(lambda a: np.min(a, 1, keepdims=True), X)],
    "modf": [(np.modf, X)],
    "moveaxis": [(lambda a: np.moveaxis(a, [0, 1], [-1, 0]), T3)],
    "nan_to_num": [(lambda a: np.nan_to_num(a, nan=2.0), X)],
    "nanquantile": [(lambda a: np.nanquantile(a, [0.3, 0.6], 1), X), (lambda a: np.nanquantile(a, 0.7), X)],
    "nanpercentile": [(lambda a: np.nanpercentile(a, 30, 0, keepdims=True), X)],
    "nanstd": [(lambda a: np.nanstd(a, 1, ddof=1), X)],
    "nanvar": [(lambda a: np.nanvar(a, 0, keepdims=True), X)],
    "ones_like": [],
    "outer": [(np.outer, X, V)],
    "pad": [
        (lambda a, m=m: np.pad(a, [(1, 2), (0, 3)], m), X) for m in ("constant", "edge", "reflect", "symmetric", "wrap")
    ]
    + [(lambda a: np.pad(a, 2, constant_values=((1.0, 2.0), (3.0, 4.0))), X), (lambda a: np.pad(a, (1, 2)), X)],
    "partition": [(lambda a: np.sort(np.partition(a, 2, 1)[:, :2], 1), X)],
    "percentile": [(lambda a: np.percentile(a, [10, 50, 95], 1), X)],
    "piecewise": [
        (lambda a: np.piecewise(a, [a < -0.5, a > 0.5], [lambda v: v * v, 3.0, lambda v: v * v * v]), X),
    ],
    "poly": [(np.poly, V)],
    "polyadd": [(np.polyadd, V, W)],
    "polyder": [(lambda a: np.polyder(a, 2), V)],
    "polyfit": [
        (lambda x, y: np.polyfit(x, y, 2), np.linspace(0, 2, 5), V),
        (lambda x, y: np.polyfit(x, y, 1, w=np.array([1.0, 2.0, 1.0, 0.5, 2.0])), np.linspace(0, 2, 5), V),
    ],
    "polyint": [(lambda a: np.polyint(a, 2, [1.0, 2.0]), V)],
    "polymul": [(np.polymul, V, W)],
    "polysub": [(np.polysub, V, W)],
    "polyval": [(np.polyval, W, X)],
    "power": [(np.power, P, Q)],
    "prod": [(lambda a: np.prod(a, 1), X), (lambda a: np.prod(a, where=MASK, initial=2.0), X)],
    "ptp": [(lambda a: np.ptp(a, 1), X)],
    "quantile": [
        (lambda a, m=m: np.quantile(a, [0.15, 0.62], 1, method=m), X)
        for m in ("linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased")
    ],
    "ravel": [(np.ravel, X), (lambda a: np.ravel(a, order="F"), X)],
    "remainder": [(np.remainder, Q, P)],
    "repeat": [(lambda a: np.repeat(a, [1, 0, 2], 0), X), (lambda a: np.repeat(a, 2), X)],
    "reshape": [(lambda a: np.reshape(a, (2, -1)), X), (lambda a: np.reshape(a, (2, 6), order="F"), X)],
    "resize": [(lambda a: np.resize(a, (5, 3)), X)],
    "roll": [(lambda a: np.roll(a, (1, -2), (0, 1)), X), (lambda a: np.roll(a, 5), X)],
    "rollaxis": [(lambda a: np.rollaxis(a, 2), T3)],
    "rot90": [(lambda a: np.rot90(a, 3, (0, 2)), T3)],
    "round": [(lambda a: np.round(a, 1), X)],
    "select": [(lambda a, b: np.select([a > 0.5, a < -0.5], [a, b * b], 0.7), X, Y)],
    "setdiff1d": [(lambda a: np.setdiff1d(a, V[:2]), V)],
    "setxor1d": [(lambda a: np.setxor1d(a, W), V)],
    "split": [(lambda a: np.split(a, 2, 1), X), (lambda a: np.split(a, [1, 3], 1), X)],
    "stack": [(lambda a, b: np.stack([a, b], 1), X, Y)],
    "std": [
        (lambda a: np.std(a, 1), X),
        (lambda a: np.std(a, ddof=1), X),
        (lambda a: np.std(a, 0, mean=a.mean(0, keepdims=True)), X),
    ],
    "sum": [
        (lambda a: np.sum(a, (0, -1)), T3),
        (lambda a: np.sum(a, 1, where=MASK, initial=0.5, keepdims=True), X),
        (lambda a: np.sum(a, dtype=np.float32), X.astype(np.float32)),
    ],
    "swapaxes": [(lambda a: np.swapaxes(a, 0, 2), T3)],
    "take": [(lambda a: np.take(a, [[0, 3], [1, 1]], 1), X), (lambda a: np.take(a, [-1, 20], mode="wrap"), X)],
    "take_along_axis": [(lambda a: np.take_along_axis(a, np.argsort(X, 1), 1), X)],
    "tensordot": [(lambda a, b: np.tensordot(a, b, ([1, 0], [0, 1])), X, Y.T)],
    "tile": [(lambda a: np.tile(a, (2, 1, 3)), X)],
    "trace": [(lambda a: np.trace(a, 1, 0, 2), T3)],
    "transpose": [
        (np.transpose, T3),
        (lambda a: np.transpose(a, (0, 1)), X),
        (lambda a: np.transpose(a, (2, 0, 1)), T3),
    ],
    "trapezoid": [
        (lambda a, x: np.trapezoid(a, x), X, np.array([0.0, 1.0, 1.5, 3.0])),
        (lambda a: np.trapezoid(a, dx=0.5, axis=0), X),
    ],
    "tril": [(lambda a: np.tril(a, 1), X), (np.tril, V)],
    "triu": [(lambda a: np.triu(a, -1), T3)],
    "trim_zeros": [(np.trim_zeros, np.array([0.0, 1.0, 0.0, 2.0, 0.0]))],
    "true_divide": [(np.true_divide, X, Q)],
    "union1d": [(np.union1d, V, W)],
    "unique": [(lambda a: np.unique(a), X), (lambda a: np.unique(a, axis=0), X)],
    "unstack": [(lambda a: np.unstack(a, axis=1), X)],
    "unwrap": [(lambda a: np.unwrap(a * 4.0), V)],
    "vander": [(lambda a: np.vander(a, 3, increasing=True), V), (np.vander, W)],
    "var": [(lambda a: np.var(a, (0, 2), keepdims=True), T3), (lambda a: np.var(a, 1, where=MASK | (Y > 0)), X)],
    "vdot": [(np.vdot, X, Y)],
    "vecdot": [(np.vecdot, X, Y)],
    "vsplit": [(lambda a: np.vsplit(a, [1]), X)],
    "vstack": [(lambda a, b: np.vstack([a, b]), X, X[0])],
    "where": [(lambda a, b: np.where(MASK, a, b), X, Y), (lambda a: np.where(MASK.astype(int), a, 0.5), X)],
    "zeros_like": [],
}
if hasattr(np, "matvec"):  # since version 2.2
    CASES |= {"matvec": [(np.matvec, T3, T3[0, 0])], "vecmat": [(np.vecmat, T3[0].T[0], T3)]}
# Where functions of one or two arrays are tried, if not at X and Y.
DOMAINS = {
    "arccosh": Q,
    "arccos": P,
    "arcsin": P,
    "arctanh": P,
    "log": Q,
    "log2": Q,
    "log10": Q,
    "log1p": P,
    "sqrt": Q,
    "cbrt": Q,
    "reciprocal": Q,
    "i0": P,
    "nanprod": Q,
}
# Another number is chosen once one is changed: finite differences say nothing.
JUMPING = ("intersect1d", "setdiff1d", "trim_zeros")
