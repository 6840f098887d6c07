"""Steps of recurrent networks, from what the input adds and the state before to the state after.

`given` is x W_ihᵀ + b_ih, which all steps of a sequence can be computed at once for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.modes import is_grad_enabled
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .activations import relu, sigmoid, tanh
from .products import linear, matmul
from .registry import Array, operation
from .shape import _getitem, _reshape, concatenate, expand_dims, stack, swapaxes

NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": tanh, "relu": relu}


def gate(x: Tensor, i: int, size: int) -> Tensor:
    """The i-th of parts of one size, along the last axis."""
    return _getitem(x, (..., slice(i * size, (i + 1) * size)))


def plain_step(given: Tensor, h: Tensor, w: Tensor, b: Tensor | None, nonlinearity: str) -> Tensor:
    """h' = φ(given + h W_hhᵀ + b_hh) (Elman 1990)."""
    return NONLINEARITIES[nonlinearity](given + linear(h, w, b))


def gru_step(given: Tensor, h: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """h' = (1 - z) n + z h, with gates r and z, and n = tanh(given_n + r (h W_hnᵀ + b_hn)) (Cho et al. 2014)."""
    size, own = h.shape[-1], linear(h, w, b)
    r = sigmoid(gate(given, 0, size) + gate(own, 0, size))
    z = sigmoid(gate(given, 1, size) + gate(own, 1, size))
    n = tanh(gate(given, 2, size) + r * gate(own, 2, size))
    return n + z * (h - n)


def lstm_step(
    given: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor | None, projection: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """c' = f c + i g and h' = o tanh c', or W_hr of that (Hochreiter and Schmidhuber 1997; Sak et al. 2014)."""
    size, all_ = c.shape[-1], given + linear(h, w, b)
    i, f, o = (sigmoid(gate(all_, k, size)) for k in (0, 1, 3))
    c = f * c + i * tanh(gate(all_, 2, size))
    h = o * tanh(c)
    return (h if projection is None else linear(h, projection)), c


ONLY_INSIDE = "part of `lstm`, which is checked beside its steps, twice differentiable"


def _sizes(given: Array, h: Array) -> tuple[int, int, int]:
    """Steps, samples and units."""
    rows, units = h.shape
    return given.shape[0], rows, units


@operation(None, None, None, None, None, formula="gates and states at all steps, see `tgi_lstm`", exempt=ONLY_INSIDE)
def _lstm_kept(given: Array, h: Array, c: Array, w: Array, b: Array, /) -> Array:
    return kernels.lstm(0, [given, h, c, w, b], _sizes(given, h))


@operation(None, None, None, None, formula="cotangents of gates and first states, see `tgi_lstm`", exempt=ONLY_INSIDE)
def _lstm_slope(g: Array, kept: Array, c: Array, w: Array, /) -> Array:
    return kernels.lstm(1, [g, kept, c, w], (g.shape[0] - 1, *c.shape))


def _back_through_steps(
    g: Tensor, given: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The cotangents of the gates, the states h before each step, and the cotangents of the first states."""
    steps, size, seen, before = given.shape[0], h.shape[-1], [], []
    for t in range(steps):
        z = _getitem(given, t) + linear(h, w, b)
        i, f, o = (sigmoid(gate(z, k, size)) for k in (0, 1, 3))
        n = tanh(gate(z, 2, size))
        before.append(h)
        seen.append((i, f, n, o, c))
        c = f * c + i * n
        h = o * tanh(c)
    of_h, of_c, found = 0.0 * h, _getitem(g, steps), []
    for t in reversed(range(steps)):
        i, f, n, o, earlier = seen[t]
        through, of_h = tanh(f * earlier + i * n), _getitem(g, t) + of_h
        of_c = of_c + of_h * o * (1.0 - through * through)
        parts = [
            of_c * n * i * (1.0 - i),
            of_c * earlier * f * (1.0 - f),
            of_c * i * (1.0 - n * n),
            of_h * through * o * (1.0 - o),
        ]
        found.append(concatenate(parts, 1))
        of_c, of_h = of_c * f, matmul(found[-1], w)
    return stack(found[::-1]), stack(before), of_h, of_c


def _lstm_rule(
    g: Tensor, given: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor, kept: Tensor, needs: tuple[bool, ...]
) -> list[Tensor | None]:
    """Back through time by the kernel, or by operations where they may be differentiated again; then W̄ = δᵀ h."""
    if is_grad_enabled():
        delta, before, of_h, of_c = _back_through_steps(g, given, h, c, w, b)
    else:
        steps = given.shape[0]
        found = _lstm_slope(g, kept, c, w)
        delta = _reshape(_getitem(found, slice(0, 4 * steps)), given.shape)
        before = concatenate([expand_dims(h, 0), _getitem(kept, slice(5 * steps - 1, 6 * steps - 2))], 0)
        of_h, of_c = _getitem(found, 4 * steps), _getitem(found, 4 * steps + 1)
    rows = _reshape(delta, (-1, w.shape[0]))
    dw = matmul(swapaxes(rows, 0, 1), _reshape(before, (-1, w.shape[1]))) if needs[3] else None
    return [delta, of_h, of_c, dw, rows.sum(0) if needs[4] else None, None]


@operation(
    _lstm_rule,
    formula="the states h at all steps and the last c, of what is kept",
    joint=True,
    exempt=ONLY_INSIDE,
)
def _lstm(given: Array, h: Array, c: Array, w: Array, b: Array, kept: Array, /) -> Array:
    return kept[5 * given.shape[0] - 1 :].copy()


def lstm(given: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor]:
    """Steps of `lstm_step` in a row: the states h at all of them, and the last c.

    Parameters
    ----------
    given
        Of shape (steps, samples, 4 units).
    h, c
        The first states, of shape (samples, units).
    w, b
        Of shapes (4 units, units) and (4 units,); b may be None.
    """
    bias = Tensor(np.zeros(w.shape[0]), w.dtype) if b is None else b
    out = _lstm(given, h, c, w, bias, _lstm_kept(given, h, c, w, bias))
    steps = given.shape[0]
    return _getitem(out, slice(0, steps)), _getitem(out, steps)


def require_nonlinearity(name: str, nonlinearity: Any) -> str:
    """The name of a nonlinearity.

    Raises
    ------
    ValueError
        It is neither "tanh" nor "relu".
    """
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"{name}: expected nonlinearity 'tanh' or 'relu', got {nonlinearity!r}")
    return str(nonlinearity)
