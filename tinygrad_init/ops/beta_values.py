"""Values of beta functions in float64.

The source of each formula is the Digital Library of Mathematical Functions (dlmf.nist.gov), by its number.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.reference import Array
from .gamma_values import excess, stirling
from .special_values import FAR
from .special_values import lgamma as log_size

MOST = 20000  # terms of a continued fraction; of a and b up to 10⁶ it takes a fifth of them


def log_beta(a: Array, b: Array) -> Array:
    """ln |B(a, b)| = ln |Γ(a) Γ(b) / Γ(a + b)| (5.12.1): of large numbers without their large parts."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    small, large = np.minimum(a, b), np.maximum(a, b)
    far = (large >= FAR) & (small > 0) & (large < np.inf)
    x, y = np.where(far, large, FAR), np.where(far, small, 1.0)
    # ln Γ(x) - ln Γ(x + y)
    rest = y - (x + y - 0.5) * np.log1p(y / x) - y * np.log(x) + stirling(x) - stirling(x + y)
    with np.errstate(all="ignore"):
        near = log_size(a) + log_size(b) - log_size(a + b)
    return np.where(far, rest + log_size(y), near)


def incomplete_beta(a: Array, b: Array, x: Array) -> tuple[Array, Array]:
    """I_x(a, b) and 1 - I_x(a, b) (8.17.2): the tail on the side of x to its last digits, and what it leaves of 1.

    By the continued fraction 8.17.22 on the side of the mean where it converges fast, by 8.17.4 on the other. Where a
    or b is near 0 what is left may be the smaller one: it then has 10⁻¹⁶ / min(a, b) of itself as error.
    """
    a, b, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, b, x)))
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1) & (a < np.inf) & (b < np.inf)
    p, q, y = (np.where(inside, v, 0.5) for v in (a, b, x))
    turned = y > (p + 1.0) / (p + q + 2.0)
    p, q = np.where(turned, q, p), np.where(turned, p, q)
    y, rest = np.where(turned, 1.0 - y, y), np.where(turned, y, 1.0 - y)
    found = _front(p, q, y, rest) * _fraction(p, q, y) / p
    lower, upper = np.where(turned, 1.0 - found, found), np.where(turned, found, 1.0 - found)
    known = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf) & ((x == 0) | (x == 1))
    at_end = np.where(known, x, np.nan)
    return np.where(inside, lower, at_end), np.where(inside, upper, 1.0 - at_end)


def _front(a: Array, b: Array, x: Array, rest: Array) -> Array:
    """x^a (1 - x)^b / B(a, b), `rest` being 1 - x: of large a and b without the large parts that cancel."""
    far = (a >= FAR) & (b >= FAR)
    p, q = np.where(far, a, FAR), np.where(far, b, FAR)
    off = (q * x - p * rest) / p  # x is a/(a + b) times 1 + off, 1 - x is b/(a + b) times 1 - off a/b
    exponent = -p * excess(off, x * (p + q) / p) - q * excess(-off * p / q, rest * (p + q) / q)
    exponent = exponent + stirling(p + q) - stirling(p) - stirling(q)
    with np.errstate(all="ignore"):
        large = np.sqrt(p * q / (2.0 * math.pi * (p + q))) * np.exp(exponent)
        small = np.exp(a * _log(x, rest) + b * _log(rest, x) - log_beta(a, b))
    return np.where(far, large, small)


def _log(x: Array, rest: Array) -> Array:
    """ln x, `rest` being 1 - x."""
    return np.where(x < 0.5, np.log(x), np.log1p(-rest))


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction 8.17.22, by the method of Lentz (3.10(iii))."""
    tiny = 1e-300
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / np.where(d == 0, tiny, d)
    c, found, moving = np.ones_like(x), d, np.ones(x.shape, bool)
    for m in range(1, MOST):
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        before = found
        for term in (even, odd):
            d, c = 1.0 + term * d, 1.0 + term / c
            d = 1.0 / np.where(d == 0, tiny, d)
            c = np.where(c == 0, tiny, c)
            found = np.where(moving, found * (c * d), found)  # what has converged would gather errors of rounding
        moving = moving & (np.abs(found - before) > 2e-16 * np.abs(found))
        if not np.any(moving):
            break
    return found
