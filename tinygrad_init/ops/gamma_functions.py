"""The gamma function and what is made of it: its logarithm and derivatives, beta functions, incomplete ones.

Values are those of `special_values`, `gamma_values` and `beta_values`; formulas are numbered as in the Digital Library
of Mathematical Functions (dlmf.nist.gov).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from . import special_values as values
from .analysis import xlog1py, xlogy
from .elementwise import exp, gated, where
from .registry import Array, operation, pointwise


def _incomplete_gamma(a: Array, x: Array) -> tuple[Array, Array]:
    """P and Q; their file is read when somebody wants them."""
    from .gamma_values import incomplete_gamma

    return incomplete_gamma(a, x)


lgamma = pointwise("lgamma", "ln |Γ(x)|", values.lgamma, lambda g, x: gated(g, digamma(x)), domain=(0.2, 4.0))
digamma = pointwise(
    "digamma", "Γ'(x) / Γ(x)", values.digamma, lambda g, x: gated(g, _polygamma(x, 1)), domain=(0.4, 4.0)
)


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


def refuse_first(name: str, letter: str, last: str = "second") -> Callable[[Tensor], Tensor]:
    """The rule of an input by which there is no formula for the derivative."""

    def rule(g: Tensor) -> Tensor:
        raise ValueError(
            f"{name}: gradient asked for by the {letter}, which has no closed form; "
            f"expected a gradient by the {last} alone: detach the others"
        )

    return rule


@operation(
    refuse_first("zeta", "first input s"),
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
    refuse_first("gammainc", "first input a"),
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
    refuse_first("gammaincc", "first input a"),
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


@operation(lambda g, x, out: gated(g, out * digamma(x)), formula="Γ(x)", kind="unary", domain=(0.2, 4.0))
def gamma(x: Array, /) -> Array:
    """Γ(x) = ∫ t^(x - 1) e^-t dt over t > 0, and its continuation (5.2.1); ∞ at 0, NaN at whole numbers below."""
    from .gamma_values import gamma_everywhere

    with np.errstate(all="ignore"):
        return np.asarray(gamma_everywhere(x), x.dtype)


def _log_beta(a: Array, b: Array) -> Array:
    from .beta_values import log_beta

    return log_beta(a, b)


def _incomplete_beta(a: Array, b: Array, x: Array) -> tuple[Array, Array]:
    from .beta_values import incomplete_beta

    return incomplete_beta(a, b, x)


def _positive(rng: np.random.Generator) -> Any:
    return [((rng.uniform(0.4, 4.0, (2, 3)), rng.uniform(0.4, 4.0, 3)), {})]


@operation(
    lambda g, a, b: gated(g, digamma(a) - digamma(a + b)),
    lambda g, a, b: gated(g, digamma(b) - digamma(a + b)),
    formula="ln |B(a, b)|",
    broadcasts=True,
    examples=_positive,
)
def betaln(a: Array, b: Array, /) -> Array:
    """ln |B(a, b)|, exact also where a or b is large (5.12.1)."""
    with np.errstate(all="ignore"):
        return np.asarray(_log_beta(a, b), a.dtype)


def beta(a: Any, b: Any) -> Tensor:
    """B(a, b) = Γ(a) Γ(b) / Γ(a + b) (5.12.1); NaN unless both numbers are positive."""
    a, b = coerce("beta", (a, b))
    found: Tensor = where((a > 0) & (b > 0), exp(betaln(a, b)), np.nan)
    return found


def _beta_density(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """x^(a - 1) (1 - x)^(b - 1) / B(a, b), the derivative of I_x(a, b) by x (8.17.1)."""
    return exp(xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b))


@operation(
    refuse_first("betainc", "first input a", "third"),
    refuse_first("betainc", "second input b", "third"),
    lambda g, a, b, x: gated(g, _beta_density(a, b, x)),
    formula="I_x(a, b), the regularized incomplete beta function",
    broadcasts=True,
    exempt="not differentiable in a and b, whose derivatives have no closed form; tested by itself",
)
def betainc(a: Array, b: Array, x: Array, /) -> Array:
    """I_x(a, b) = ∫ t^(a - 1) (1 - t)^(b - 1) dt / B(a, b) from 0 to x, for a, b > 0 and 0 ≤ x ≤ 1 (8.17.2).

    The derivative is that by x.

    Raises
    ------
    ValueError
        A gradient by a or b is asked for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_incomplete_beta(a, b, x)[0], x.dtype)


@operation(
    refuse_first("betaincc", "first input a", "third"),
    refuse_first("betaincc", "second input b", "third"),
    lambda g, a, b, x: gated(g, -_beta_density(a, b, x)),
    formula="1 - I_x(a, b), the other tail",
    broadcasts=True,
    exempt="not differentiable in a and b, whose derivatives have no closed form; tested by itself",
)
def betaincc(a: Array, b: Array, x: Array, /) -> Array:
    """1 - I_x(a, b), which is I_1-x(b, a) (8.17.4), exact also where it is small and a and b are not.

    Raises
    ------
    ValueError
        A gradient by a or b is asked for.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_incomplete_beta(a, b, x)[1], x.dtype)


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


METHODS.update(mvlgamma=mvlgamma, polygamma=_polygamma_method)
