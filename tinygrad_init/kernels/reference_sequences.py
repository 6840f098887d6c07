"""In NumPy what sequences need: the kernels of `csrc/rows.inc.h` and `csrc/recurrent.c`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import reference

Array = np.ndarray[Any, Any]
SOFTMAX, LOG_SOFTMAX, CAUSAL_SOFTMAX, SOFTMAX_VJP, LOG_SOFTMAX_VJP, NORMALIZED, SUMS, NORMALIZED_VJP = range(8)
OPERANDS = ("x", "x", "x", "xx", "xx", "xmww", "xxm", "xxmw")  # x: all numbers, m: moments, w: one for each column


def rows(which: int, operands: list[Array], queries: int = 1, eps: float = 0.0) -> Array:
    """A function of rows, the last axis of x, or what undoes it, see `tgi_of_rows`."""
    if not isinstance(operands[0], np.ndarray):
        return reference.recorded(operands[0], "rows", which, operands[1:], queries, eps)
    with np.errstate(all="ignore"):
        if which >= NORMALIZED:
            return _normalized(which, operands, eps)
        if which == SOFTMAX_VJP:
            g, out = operands
            return out * (g - (g * out).sum(-1, keepdims=True))
        if which == LOG_SOFTMAX_VJP:
            g, out = operands
            return g - np.exp(out) * g.sum(-1, keepdims=True)
        (x,) = operands
        if which == CAUSAL_SOFTMAX:
            places = np.arange(x.size // x.shape[-1]).reshape((*x.shape[:-1], 1)) % queries
            seen = np.arange(x.shape[-1]) <= places
            x = np.where(seen, x, x.dtype.type(-np.inf))
        top = x.max(-1, keepdims=True)
        shifted = x - np.where(np.isfinite(top), top, x.dtype.type(0))
        e = np.exp(shifted)
        total = e.sum(-1, keepdims=True)
        found: Array = shifted - np.log(total) if which == LOG_SOFTMAX else e / total
        return np.where(seen, found, x.dtype.type(0)) if which == CAUSAL_SOFTMAX else found


def _normalized(which: int, operands: list[Array], eps: float) -> Array:
    """Rows normalized, and what undoes it; x and g as they are, moments (2, rows)."""
    x, moments = operands[which > NORMALIZED], operands[1 if which == NORMALIZED else 2]
    mean, variance = moments.reshape((2, *x.shape[:-1], 1))
    scale = (1 / np.sqrt(variance + eps)).astype(x.dtype)
    y = (x - mean) * scale
    if which == NORMALIZED:
        return y * operands[2] + operands[3]
    g, axes = operands[0], tuple(range(x.ndim - 1))
    if which == SUMS:
        return np.stack([g.sum(axes), (g * y).sum(axes)])
    h = g * operands[3]
    found: Array = (h - h.mean(-1, keepdims=True) - y * (h * y).mean(-1, keepdims=True)) * scale
    return found


def lstm(which: int, operands: list[Any], shape: tuple[int, int, int]) -> Array:
    """Long short-term memory (0) and its derivative (1), see `tgi_lstm`."""
    if not isinstance(operands[0], np.ndarray):
        return reference.recorded(operands[0], "lstm", which, operands[1:], shape)
    steps, rows, units = shape
    with np.errstate(all="ignore"):
        if which:
            g, kept, first, w = operands
            return _lstm_vjp(g, kept, first, w, shape)
        given, h, c, w, bias = operands
        gates, states = np.empty((steps, rows, 4 * units), w.dtype), []
        for t, added in enumerate(given.reshape(gates.shape)):
            z = h.reshape(rows, units) @ w.T + added + (0 if bias is None else bias)
            gates[t] = reference.unary("sigmoid", z)
            gates[t, :, 2 * units : 3 * units] = np.tanh(z[:, 2 * units : 3 * units])
            i, f, candidate, o = np.split(gates[t], 4, 1)
            c = f * c.reshape(rows, units) + i * candidate
            h = o * np.tanh(c)
            states.append((h, c))
        found = [c for _, c in states[:-1]] + [h for h, _ in states] + [c]
        return np.concatenate([gates.reshape(4 * steps, rows, units), np.stack(found)])


def _lstm_vjp(g: Array, kept: Array, first: Array, w: Array, shape: tuple[int, int, int]) -> Array:
    steps, rows, units = shape
    gates, g = kept[: 4 * steps].reshape(steps, rows, 4 * units), g.reshape(steps + 1, rows, units)
    cells = [first.reshape(rows, units), *kept[4 * steps : 5 * steps - 1], kept[-1]]
    of_h, of_c, out = np.zeros_like(g[0]), g[steps], np.empty_like(gates)
    for t in reversed(range(steps)):
        i, f, candidate, o = np.split(gates[t], 4, 1)
        through_c, of_h = np.tanh(cells[t + 1]), g[t] + of_h
        of_c = of_c + of_h * o * (1 - through_c) * (1 + through_c)
        parts = [
            of_c * candidate * i * (1 - i),
            of_c * cells[t] * f * (1 - f),
            of_c * i * (1 - candidate) * (1 + candidate),
            of_h * through_c * o * (1 - o),
        ]
        out[t] = np.concatenate(parts, 1)
        of_c, of_h = of_c * f, out[t] @ w
    return np.concatenate([out.reshape(4 * steps, rows, units), of_h[np.newaxis], of_c[np.newaxis]])
