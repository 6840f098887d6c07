"""Special functions: the error function's relatives, gamma and Bessel functions, entropies.

Values are those of `special_values`, `gamma_values` and `bessel_values`, float64 inside; a value without kernel costs
some hundred nanoseconds, of an incomplete gamma function three microseconds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from . import special_values as values
from .activations import erf as erf
from .activations import log_softmax as log_softmax
from .activations import sigmoid
from .activations import softmax as softmax
from .analysis import exp2 as exp2
from .analysis import logit as logit
from .elementwise import abs, cos, exp, gated, log, log1p, where
from .elementwise import expm1 as expm1
from .reductions import logsumexp as logsumexp
from .registry import Array, operation, pointwise
from .rounding import round as round


def _bessel(kind: str, order: int, x: Array) -> Array:
    """Values of a Bessel function; its file is read when somebody wants one."""
    from . import bessel_values

    return bessel_values.bessel_j(order, x) if kind == "j" else bessel_values.bessel_y(order, x)


def _incomplete_gamma(a: Array, x: Array) -> tuple[Array, Array]:
    """P and Q, likewise."""
    from .gamma_values import incomplete_gamma

    return incomplete_gamma(a, x)


__all__ = [
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erfc", "erfcx", "erfinv", "gammainc",
    "gammaincc", "i0", "i0e", "i1", "i1e", "lgamma", "log_ndtr", "mvlgamma", "ndtr", "ndtri", "polygamma", "sinc",
    "xlog1py", "xlogy", "zeta",
]  # fmt: skip

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)

erfc = pointwise(
    "erfc", "1 - erf(x), exact also where that is 0", values.erfc,
    lambda g, x: gated(g, -TWO_OVER_ROOT_PI * exp(-x * x)),
)  # fmt: skip
erfcx = pointwise("erfcx", "e^(x²) erfc(x)", values.erfcx, lambda g, x, out: gated(g, 2.0 * x * out - TWO_OVER_ROOT_PI))
erfinv = pointwise(
    "erfinv", "the inverse of erf", values.erfinv, lambda g, out: gated(g, exp(out * out) / TWO_OVER_ROOT_PI),
    domain=(-0.9, 0.9),
)  # fmt: skip
ndtr = pointwise(
    "ndtr", "the probability that a standard normal number is at most x",
    lambda x: 0.5 * values.erfc(-x / values.SQRT2),
    lambda g, x: gated(g, exp(-0.5 * x * x) * (1.0 / math.sqrt(2.0 * math.pi))),
)  # fmt: skip
ndtri = pointwise(
    "ndtri", "the inverse of ndtr", values.ndtri,
    lambda g, out: gated(g, exp(0.5 * out * out) * math.sqrt(2.0 * math.pi)), domain=(0.1, 0.9),
)  # fmt: skip


def _log_ndtr(x: Array) -> Array:
    x = np.asarray(x, np.float64)
    low = np.minimum(x, -1.0)
    tail = np.log(0.5 * values.erfcx(-low / values.SQRT2)) - 0.5 * low * low
    return np.where(x < -1.0, tail, np.log1p(-0.5 * values.erfc(x / values.SQRT2)))


log_ndtr = pointwise(
    "log_ndtr", "ln ndtr(x), exact also where ndtr underflows", _log_ndtr,
    lambda g, x: gated(g, math.sqrt(2.0 / math.pi) / erfcx(x * (-1.0 / values.SQRT2))),
)  # fmt: skip
lgamma = pointwise("lgamma", "ln |Γ(x)|", values.lgamma, lambda g, x: gated(g, digamma(x)), domain=(0.2, 4.0))
digamma = pointwise(
    "digamma", "Γ'(x) / Γ(x)", values.digamma, lambda g, x: gated(g, _polygamma(x, 1)), domain=(0.4, 4.0)
)
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


def _sinc_rule(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """By the series of the derivative where x is small: the quotient loses its digits there."""
    small = (x > -0.05) & (x < 0.05)
    t = where(small, math.pi * x, 0.0)
    u = t * t
    series = t * (-1.0 / 3.0 + u * (1.0 / 30.0 - u * (1.0 / 840.0 - u * (1.0 / 45360.0 - u * (1.0 / 3991680.0)))))
    return gated(g, where(small, math.pi * series, (cos(math.pi * x) - out) / where(small, 1.0, x)))


sinc = pointwise("sinc", "sin(πx) / (πx), 1 at 0", np.sinc, _sinc_rule, domain=(0.1, 3.0), numpy=("sinc",))


@operation(
    lambda g, x, n: gated(g, _polygamma(x, n + 1)),
    formula="the n-th derivative of digamma",
    examples=lambda rng: [((rng.uniform(0.6, 3.0, 4),), {"n": n}) for n in (1, 2)],
)
def _polygamma(x: Array, /, n: int) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(values.polygamma(n, x), x.dtype)


def polygamma(n: int, x: Any) -> Tensor:
    """The n-th derivative of `digamma`, element by element.

    Raises
    ------
    ValueError
        n is no whole number of at least 0.
    """
    if not isinstance(n, int) or n < 0:
        raise ValueError(f"polygamma: expected a whole number of at least 0 as n, got {n!r}")
    return digamma(x) if n == 0 else _polygamma(x, n)


def _polygamma_method(x: Any, n: int) -> Tensor:
    return polygamma(n, x)


def _refuse(what: str) -> Tensor:
    raise ValueError(f"{what}, which has no closed form; expected a gradient by the second alone: detach the first")


@operation(
    lambda g: _refuse("zeta: gradient asked for by the first input s"),
    lambda g, s, q: gated(g, -s * zeta(s + 1.0, q)),
    formula="Hurwitz' Σ (q + k)^-s over k ≥ 0",
    broadcasts=True,
    exempt="not differentiable in s, whose derivative has no closed form; tested by itself",
)
def zeta(s: Array, q: Array, /) -> Array:
    """Hurwitz' zeta function Σ (q + k)^-s over k ≥ 0, for s > 1; the derivative is that by q (dlmf.nist.gov, 25.11.17).

    Raises
    ------
    ValueError
        A gradient by s is asked for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(values.zeta(s, q), s.dtype)


def _density(a: Tensor, x: Tensor) -> Tensor:
    """x^(a - 1) e^-x / Γ(a), the derivative of P(a, x) by x (8.8.13)."""
    return exp(xlogy(a - 1.0, x) - x - lgamma(a))


@operation(
    lambda g: _refuse("gammainc: gradient asked for by the first input a"),
    lambda g, a, x: gated(g, _density(a, x)),
    formula="P(a, x), the regularized lower incomplete gamma function",
    broadcasts=True,
    exempt="not differentiable in a, whose derivative has no closed form; tested by itself",
)
def gammainc(a: Array, x: Array, /) -> Array:
    """P(a, x) = ∫ t^(a - 1) e^-t dt / Γ(a) from 0 to x, for a, x ≥ 0 (dlmf.nist.gov, 8.2.4).

    The derivative is that by x.

    Raises
    ------
    ValueError
        A gradient by a is asked for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_incomplete_gamma(a, x)[0], x.dtype)


@operation(
    lambda g: _refuse("gammaincc: gradient asked for by the first input a"),
    lambda g, a, x: gated(g, -_density(a, x)),
    formula="Q(a, x), the regularized upper incomplete gamma function",
    broadcasts=True,
    exempt="not differentiable in a, whose derivative has no closed form; tested by itself",
)
def gammaincc(a: Array, x: Array, /) -> Array:
    """Q(a, x) = ∫ t^(a - 1) e^-t dt / Γ(a) from x to ∞, for a, x ≥ 0 (dlmf.nist.gov, 8.2.4).

    Exact also where it is small, as 1 - P is not; the derivative is that by x.

    Raises
    ------
    ValueError
        A gradient by a is asked for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_incomplete_gamma(a, x)[1], x.dtype)


def xlogy(x: Any, y: Any) -> Tensor:
    """x·ln y, and 0 where x is 0, whatever y is (unless NaN)."""
    x, y = coerce("xlogy", (x, y))
    nothing = (x == 0) & ~(y != y)
    return where(nothing, 0.0, x * log(where(nothing, 1.0, y)))


def xlog1py(x: Any, y: Any) -> Tensor:
    """x·ln(1 + y), and 0 where x is 0, whatever y is (unless NaN)."""
    x, y = coerce("xlog1py", (x, y))
    nothing = (x == 0) & ~(y != y)
    return where(nothing, 0.0, x * log1p(where(nothing, 0.0, y)))


@operation(
    lambda g, x: gated(g, where(x >= 0, -log(where(x < 0, 1.0, x)) - 1.0, np.nan)),
    formula="-x·ln x, 0 at 0, -∞ below",
    kind="unary",
    domain=(0.2, 3.0),
)
def entr(x: Array, /) -> Array:
    """-x·ln x, which is 0 at 0 and -∞ below: the terms of an entropy."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x))), x.dtype)


def mvlgamma(x: Any, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p, element by element.

    ln Γ_p(x) = p(p - 1)/4 · ln π + Σ_{j < p} ln Γ(x - j/2) (dlmf.nist.gov, 35.3.5)
    """
    (x,) = coerce("mvlgamma", (x,))
    if not isinstance(p, int) or p < 1:
        raise ValueError(f"mvlgamma: expected a whole number of at least 1 as p, got {p!r}")
    total = lgamma(x)
    for j in range(1, p):
        total = total + lgamma(x - 0.5 * j)
    return total + p * (p - 1) / 4.0 * math.log(math.pi)


METHODS.update(
    mvlgamma=mvlgamma, polygamma=_polygamma_method, xlogy=xlogy, xlog1py=xlog1py,
)  # fmt: skip

# Other names of these, and what else belongs here: `torch.special` and `scipy.special` have them so.
expit, gammaln, multigammaln, psi = sigmoid, lgamma, mvlgamma, digamma
NAMESPACE = (
    *__all__, "erf", "exp2", "expit", "expm1", "gammaln", "log1p", "log_softmax", "logit", "logsumexp", "multigammaln",
    "psi", "round", "softmax",
)  # fmt: skip


def __dir__() -> list[str]:
    return sorted(NAMESPACE)
