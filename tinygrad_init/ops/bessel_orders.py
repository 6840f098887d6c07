"""Values of Bessel functions of whole order, and of modified ones of any order, in float64.

The source of each formula is the Digital Library of Mathematical Functions (dlmf.nist.gov), by its number.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..kernels.reference import Array
from . import bessel_values
from .gamma_values import log_gamma

LARGE = 1e120  # beyond it numbers on the way are made small again
WIDE = 25.0  # orders from where on the uniform series has converged
LONG = 500.0  # arguments up to which the power series of lower orders is summed


def bessel_j(n: int, x: Array) -> Array:
    """J_n(x): by the recurrence 10.6.1 upwards where n ≤ |x|, downwards beyond (3.6(v)), scaled by the sum 10.12.4."""
    size = np.abs(np.asarray(x, np.float64))
    order = abs(n)
    below, at = bessel_values.bessel_j(0, size), bessel_values.bessel_j(1, size)
    if order == 0:
        return below
    up = np.where((size >= order) & (size < np.inf), size, np.inf)
    for k in range(1, order):
        below, at = at, 2.0 * k / up * at - below
    if order > 1:
        at = np.where(size >= order, at, _downwards(order, size))
    sign = -1.0 if order % 2 and n < 0 else 1.0
    return sign * at * (np.where(np.asarray(x) < 0, -1.0, 1.0) if order % 2 else 1.0)


def _downwards(order: int, size: Array) -> Array:
    """J of an order above `size`, by Miller's algorithm."""
    x = np.where((size < order) & (size > 0), size, 1.0)
    above, at, total, found = np.zeros_like(x), np.full_like(x, 1.0 / LARGE), np.zeros_like(x), np.zeros_like(x)
    for k in range(order + 20 + math.ceil(13.0 * order ** (1.0 / 3.0)), 0, -1):  # J is 10⁻¹⁷ of that sought there
        above, at = at, 2.0 * k / x * at - above
        found = at if k - 1 == order else found
        if k % 2:
            total = total + (2.0 if k > 1 else 1.0) * at
        shrink = np.where(np.abs(at) > LARGE, 1.0 / LARGE, 1.0)
        above, at, total, found = above * shrink, at * shrink, total * shrink, found * shrink
    return np.where(size == 0, 0.0, found / total) + 0.0 * np.where(np.isnan(size), np.nan, 0.0)


def bessel_y(n: int, x: Array) -> Array:
    """Y_n(x), by the recurrence 10.6.1 upwards, in which it is the growing one."""
    x = np.asarray(x, np.float64)
    order = abs(n)
    below, at = bessel_values.bessel_y(0, x), bessel_values.bessel_y(1, x)
    if order == 0:
        return below
    whole = np.where((x > 0) & (x < np.inf), x, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, order):
            below, at = at, np.where(np.isinf(at), at, 2.0 * k / whole * at - below)
    found = np.where(x > 0, np.where(np.isinf(x), 0.0, at), np.where(x == 0, -np.inf, np.nan))
    return -found if order % 2 and n < 0 else found


def bessel_i(v: Array, x: Array, scaled: bool) -> Array:
    """I_v(x), or where it is scaled e^-|x| I_v(x), v ≥ 0.

    By the power series 10.25.2, far out by 10.40.1, and by 10.41.3 where v is at least 25.
    NaN where v < 0, and where x < 0 unless v is a whole number.
    """
    v, x = np.broadcast_arrays(np.asarray(v, np.float64), np.asarray(x, np.float64))
    size = np.abs(x)
    inside = (v >= 0) & (v < np.inf) & (size > 0) & (size < np.inf)
    v_, z = np.where(inside, v, 0.0), np.where(inside, size, 1.0)
    found = np.where(z > LONG, _far(v_, z), _series(np.where(v_ < WIDE, v_, 0.0), np.minimum(z, LONG)))
    found = found if scaled else found * np.exp(z)
    found = np.where(v_ < WIDE, found, _uniform(np.maximum(v_, WIDE), z, 0.0 if scaled else z))
    at_zero = np.where(size == 0, np.where(v == 0, 1.0, 0.0), 0.0 if scaled else np.where(v < np.inf, np.inf, 0.0))
    found = np.where(inside, found, np.where((v >= 0) & ~np.isnan(x), at_zero, np.nan))
    whole = v == np.floor(v)
    return np.where(x >= 0, found, np.where(whole, np.where(v % 2 == 1, -found, found), np.nan))


def _series(v: Array, x: Array) -> Array:
    """Whose terms are all positive."""
    quarter = 0.25 * x * x
    term, total = np.ones_like(x), np.ones_like(x)
    for k in range(1, 4 * int(LONG)):
        term = term * quarter / (k * (v + k))
        total = total + term
        if np.all(term <= 1e-17 * total):
            break
    # Of arguments up to 500 the sum is below 10²¹⁶.
    return np.exp(v * np.log(0.5 * x) - log_gamma(v + 1.0) - x) * total


def _far(v: Array, x: Array) -> Array:
    """Of low orders, 10.40.1."""
    z, mu = np.maximum(x, LONG), 4.0 * np.where(v < WIDE, v * v, 0.0)
    term, total = np.ones_like(z), np.ones_like(z)
    for k in range(1, 24):
        term = -term * (mu - (2 * k - 1) ** 2) / (8.0 * k * z)
        total = total + term
    return total / np.sqrt(2.0 * math.pi * z)


def _uniform(v: Array, x: Array, grown: Any) -> Array:
    """Of high orders, times e^(grown - x), by 10.41.3.

    It is e^(vη) Σ U_k(p) v^-k / √(2πv) (1 + z²)^¼ with z = x/v and p = (1 + z²)^-½.
    """
    z = x / v
    root = np.sqrt(1.0 + z * z)
    p, total = 1.0 / root, np.zeros_like(v)
    for coefficients in reversed(_polynomials()):
        total = total / v + np.polynomial.polynomial.polyval(p, coefficients)
    # v η - x = v (√(1 + z²) - z + ln(z / (1 + √(1 + z²))))
    exponent = v * (1.0 / (root + z) - np.arcsinh(1.0 / z)) + grown
    return np.exp(exponent) * total / np.sqrt(2.0 * math.pi * v * root)


@cache
def _polynomials() -> list[Any]:
    """Coefficients of U_0, U_1, ... (10.41.9), made when first asked for."""
    polynomial = np.polynomial.Polynomial
    square, weight = polynomial([0.0, 0.0, 0.5, 0.0, -0.5]), polynomial([1.0, 0.0, -5.0])
    found = [polynomial([1.0])]
    for _ in range(13):
        last = found[-1]
        found.append(square * last.deriv() + 0.125 * (weight * last).integ())
    return [u.coef for u in found]
