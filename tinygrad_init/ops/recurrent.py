"""Steps of recurrent networks, from what the input adds and the state before to the state after.

`given` is x W_ihᵀ + b_ih, which all steps of a sequence can be computed at once for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.tensor import Tensor
from .activations import relu, sigmoid, tanh
from .products import linear
from .shape import _getitem

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
