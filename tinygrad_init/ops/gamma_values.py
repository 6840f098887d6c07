"""Values of the incomplete gamma functions in float64.

The source of each formula is the Digital Library of Mathematical Functions (dlmf.nist.gov), by its number.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..kernels.reference import Array
from .special_values import BERNOULLI, FAR, zeta

NOTHING = 39.0  # e to minus this is lost beside 1

gamma = np.vectorize(math.gamma, otypes=[np.float64])
log_gamma = np.vectorize(math.lgamma, otypes=[np.float64])


def _gamma(x: float) -> float:
    """Γ of one number; at 0 and where it overflows ∞, at whole numbers below 0 and at -∞ NaN, as SciPy has it."""
    try:
        return math.gamma(x)
    except OverflowError:
        return math.copysign(math.inf, x)
    except ValueError:
        return math.copysign(math.inf, x) if x == 0 else math.nan


gamma_everywhere = np.vectorize(_gamma, otypes=[np.float64])


def incomplete_gamma(a: Array, x: Array) -> tuple[Array, Array]:
    """P(a, x) and Q(a, x), which is 1 - P(a, x) (8.2.4), both to their last digits.

    Where a ≤ 1 and x < 3/2 by the series 8.7.1; else that of both which is at most about one half is an integral.
    """
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    inside = (a > 0) & (x > 0) & (a < np.inf) & (x < np.inf)
    a_, x_ = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    few = (a_ <= 1.0) & (x_ < 1.5)
    p, q = _series(np.where(few, a_, 1.0), np.where(few, x_, 1.0))
    found = _integral(np.where(few, 2.0, a_), np.where(few, 1.0, x_))
    upper = x_ >= a_
    p = np.where(few, p, np.where(upper, 1.0 - found, found))
    q = np.where(few, q, np.where(upper, found, 1.0 - found))
    unknown = ~((a >= 0) & (x >= 0)) | ((a == 0) & (x == 0)) | (np.isinf(a) & np.isinf(x))
    one = (a == 0) | np.isinf(x)  # where P is 1
    at_end = np.where(unknown, np.nan, np.where(one, 1.0, 0.0))
    return np.where(inside, p, at_end), np.where(inside, q, 1.0 - at_end)


def _series(a: Array, x: Array) -> tuple[Array, Array]:
    """P and Q where both inputs are small: P = x^a / Γ(a + 1) · (1 + a Σ (-x)^k / ((a + k) k!)) (8.7.1, 8.2.6)."""
    term, total = np.ones_like(x), np.zeros_like(x)
    for k in range(1, 24):
        term = term * -x / k
        total = total + term / (a + k)
    # ln Γ(1 + a) by 5.7.3 where a is small: 1 + a would lose digits.
    low = np.where(a <= 0.5, a, 0.5)
    powers = np.arange(2.0, 30.0)
    ones = np.polynomial.polynomial.polyval(-low, np.concatenate([[0.0, 0.0], zeta(powers, 2.0) / powers]))
    log = a * np.log(x) - np.where(a <= 0.5, ones + low * (1.0 - np.euler_gamma) - np.log1p(low), log_gamma(1.0 + a))
    lead = np.exp(log)
    return lead * (1.0 + a * total), -np.expm1(log) - lead * a * total


def _integral(a: Array, x: Array) -> Array:
    """Q where x ≥ a, by 8.6.7, and P where x < a, by 8.6.3: what is integrated falls from 1 without a peak.

    Both are x^a e^-x / Γ(a) times the integral of exp(-|x - a| t - x h(±t)) over t ≥ 0, h(t) being e^t - 1 - t. To
    where the exponent is surely below -39, a rule of Gauss is exact to some units of the last digit but one.
    """
    upper, gap = x >= a, np.abs(x - a)
    slope = 2.0 * gap - NOTHING
    end = np.where(
        upper,
        2.0 * NOTHING / (gap + np.sqrt(gap * gap + 2.0 * NOTHING * x)),  # as h(t) ≥ t²/2
        4.0 * NOTHING / (slope + np.sqrt(slope * slope + 8.0 * NOTHING * a)),  # as h(-t) ≥ t²/(2 + t)
    )
    total = np.zeros_like(x)
    for node, weight in _rule():
        t = end * (0.5 + 0.5 * node)
        total = total + weight * np.exp(-gap * t - x * _without_two(np.where(upper, t, -t)))
    return _front(a, x) * total * (0.5 * end)


@cache
def _rule() -> list[Any]:
    """Nodes and weights of Gauss and Legendre, when first asked for: NumPy's polynomials take long to import."""
    nodes, weights = np.polynomial.legendre.leggauss(56)
    return list(zip(nodes.tolist(), weights.tolist(), strict=True))


def _without_two(t: Array) -> Array:
    """e^t - 1 - t, exact also where t is small."""
    small = np.where(np.abs(t) < 0.7, t, 0.0)
    series = np.zeros_like(t)
    for k in range(16, 1, -1):
        series = small * series + 1.0 / math.factorial(k)
    return np.where(np.abs(t) < 0.7, small * small * series, np.expm1(t) - t)


def _front(a: Array, x: Array) -> Array:
    """x^a e^-x / Γ(a): where a is large by Stirling's series 5.11.1, whose large parts cancel those of x^a e^-x."""
    low = np.where(a < FAR, a, 1.0)
    near = np.where(a < FAR, np.minimum(x, 1e4), 1.0)  # beyond it is 0
    small = near**low * np.exp(-near) / gamma(np.maximum(low, 1e-300))
    high = np.where(a < FAR, FAR, a)
    large = np.sqrt(high / (2.0 * math.pi)) * np.exp(-high * excess((x - high) / high, x / high) - stirling(high))
    return np.where(a < FAR, small, large)


def stirling(x: Array) -> Array:
    """ln Γ(x) - (x - 1/2) ln x + x - ln √(2π), for x ≥ 12 (5.11.1)."""
    square, total = 1.0 / (x * x), np.zeros_like(x)
    for k in range(len(BERNOULLI), 0, -1):
        total = total * square + BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    return total / x


def excess(z: Array, more: Array) -> Array:
    """z - ln(1 + z), `more` being 1 + z: where z is small r(z - 2Σ r^2k/(2k + 1)), r being z/(2 + z) (4.6.4)."""
    small = np.where(np.abs(z) < 0.5, z, 0.0)
    r, tail = small / (2.0 + small), np.zeros_like(z)
    for k in range(18, 0, -1):
        tail = (tail + 1.0 / (2 * k + 1)) * r * r
    return np.where(np.abs(z) < 0.5, r * (small - 2.0 * tail), z - np.log(more))
