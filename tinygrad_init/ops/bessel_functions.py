"""Bessel functions and modified ones, of order 0 and 1 and of others.

Values are those of `special_values`, `bessel_values` and `bessel_orders`; formulas are numbered as in the Digital
Library of Mathematical Functions (dlmf.nist.gov).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from . import special_values as values
from .elementwise import abs, exp, gated, where
from .gamma_functions import refuse_first
from .registry import Array, operation, pointwise


def _bessel(kind: str, order: int, x: Array) -> Array:
    """Values of a Bessel function; its file is read when somebody wants one."""
    from . import bessel_values

    return bessel_values.bessel_j(order, x) if kind == "j" else bessel_values.bessel_y(order, x)


i0e = pointwise(
    "i0e", "e^-|x| I₀(x), I₀ the modified Bessel function", lambda x: values.scaled_bessel_i(0, x),
    lambda g, x, out: gated(g, i1e(x) - _sign(x) * out), kinks=(0.0,),
)  # fmt: skip
i1e = pointwise(
    "i1e", "e^-|x| I₁(x), I₁ the modified Bessel function", lambda x: values.scaled_bessel_i(1, x),
    lambda g, x, out: gated(g, i0e(x) - _over(out, x, exp(-abs(x))) - _sign(x) * out), kinks=(0.0,),
)  # fmt: skip
i0 = pointwise(
    "i0", "I₀(x), the modified Bessel function", lambda x: values.scaled_bessel_i(0, x) * np.exp(np.abs(x)),
    lambda g, x: gated(g, i1(x)), numpy=("i0",),
)  # fmt: skip
i1 = pointwise(
    "i1", "I₁(x), the modified Bessel function", lambda x: values.scaled_bessel_i(1, x) * np.exp(np.abs(x)),
    lambda g, x, out: gated(g, i0(x) - _over(out, x)),
)  # fmt: skip
# Derivatives by 10.6.3 (order 0) and 10.6.2 (order 1).
bessel_j0 = pointwise(
    "bessel_j0", "J₀(x), the Bessel function of the first kind (10.2.2)", lambda x: _bessel("j", 0, x),
    lambda g, x: gated(g, -bessel_j1(x)),
)  # fmt: skip
bessel_j1 = pointwise(
    "bessel_j1", "J₁(x), the Bessel function of the first kind (10.2.2)", lambda x: _bessel("j", 1, x),
    lambda g, x, out: gated(g, bessel_j0(x) - _over(out, x, sign=-1.0)),
)  # fmt: skip
bessel_y0 = pointwise(
    "bessel_y0", "Y₀(x), the Bessel function of the second kind (10.8.2)", lambda x: _bessel("y", 0, x),
    lambda g, x: gated(g, -bessel_y1(x)), domain=(0.3, 4.0),
)  # fmt: skip
bessel_y1 = pointwise(
    "bessel_y1", "Y₁(x), the Bessel function of the second kind (10.8.1)", lambda x: _bessel("y", 1, x),
    lambda g, x, out: gated(g, bessel_y0(x) - out / x), domain=(0.3, 4.0),
)  # fmt: skip


def _sign(x: Tensor) -> Tensor:
    return where(x > 0, 1.0, where(x < 0, -1.0, 0.0 * x))


def _over(y: Tensor, x: Tensor, scale: Any = 1.0, sign: float = 1.0) -> Tensor:
    """I₁(x) / x, by its series where x is small (10.25.2), `y` being I₁(x), both times a scale; J₁ where sign is -1."""
    small = (x > -0.05) & (x < 0.05)
    u = where(small, sign * x * x, 0.0)
    series = 0.5 + u * (1.0 / 16.0 + u * (1.0 / 384.0 + u * (1.0 / 18432.0)))
    return where(small, scale * series, y / where(small, 1.0, x))


def _orders(x: Array, what: str, order: Any, *options: Any) -> Array:
    from . import bessel_orders

    with np.errstate(all="ignore"):
        return np.asarray(getattr(bessel_orders, what)(order, x, *options), x.dtype)


@operation(
    lambda g, x, n: gated(g, 0.5 * (_jn(x, n - 1) - _jn(x, n + 1))),
    formula="J_n(x), the Bessel function of the first kind of whole order",
    examples=lambda rng: [((rng.uniform(-6.0, 6.0, 4),), {"n": n}) for n in (1, 3, -2)],
)
def _jn(x: Array, /, n: int) -> Array:
    return _orders(x, "bessel_j", n)


@operation(
    lambda g, x, n: gated(g, 0.5 * (_yn(x, n - 1) - _yn(x, n + 1))),
    formula="Y_n(x), the Bessel function of the second kind of whole order",
    examples=lambda rng: [((rng.uniform(0.8, 6.0, 4),), {"n": n}) for n in (1, 3, -2)],
)
def _yn(x: Array, /, n: int) -> Array:
    return _orders(x, "bessel_y", n)


def jn(n: int, x: Any) -> Tensor:
    """J_n(x), the Bessel function of the first kind, of whole order n (10.2.2); its derivative is 10.6.1.

    Raises
    ------
    ValueError
        n is no whole number.
    """
    return _jn(x, _order("jn", n))


def yn(n: int, x: Any) -> Tensor:
    """Y_n(x), the Bessel function of the second kind, of whole order n, for x > 0 (10.2.3); its derivative is 10.6.1.

    Raises
    ------
    ValueError
        n is no whole number.
    """
    return _yn(x, _order("yn", n))


def _order(name: str, n: Any) -> int:
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise ValueError(f"{name}: expected a whole number as order n, got {n!r}")
    return operator.index(n)


def _slope(v: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """The derivative of I_v, by 10.29.1, and of orders below 1 by 10.29.2, both times e^-|x|."""
    above, below = ive(v + 1.0, x), ive(where(v >= 1.0, v - 1.0, 0.0), x)
    low = above + v * out / where(v > 0, x, 1.0)
    return where(v >= 1.0, 0.5 * (above + below), low)


@operation(
    refuse_first("ive", "first input v"),
    lambda g, v, x, out: gated(g, _slope(v, x, out) - _sign(x) * out),
    formula="e^-|x| I_v(x), I_v the modified Bessel function of the first kind",
    broadcasts=True,
    exempt="not differentiable in v, whose derivative has no closed form; tested by itself",
)
def ive(v: Array, x: Array, /) -> Array:
    """e^-|x| I_v(x) of any order v ≥ 0; of x < 0 where the order is whole. The derivative is that by x.

    Raises
    ------
    ValueError
        A gradient by v is asked for.
    """
    return _orders(x, "bessel_i", v, True)


@operation(
    refuse_first("iv", "first input v"),
    lambda g, v, x: gated(g, _slope(v, x, ive(v, x)) * exp(abs(x))),
    formula="I_v(x), the modified Bessel function of the first kind",
    broadcasts=True,
    exempt="not differentiable in v, whose derivative has no closed form; tested by itself",
)
def iv(v: Array, x: Array, /) -> Array:
    """I_v(x) of any order v ≥ 0 (10.25.2); of x < 0 where the order is whole. The derivative is that by x.

    Raises
    ------
    ValueError
        A gradient by v is asked for.
    """
    return _orders(x, "bessel_i", v, False)
