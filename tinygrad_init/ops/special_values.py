"""Values of special functions in float64, by formulas that hold to the last digits: what `special` differentiates.

The source of each formula is the Digital Library of Mathematical Functions (dlmf.nist.gov), by its number.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.reference import Array

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
FAR = 12.0  # from where on the asymptotic series below have converged
SQRT2 = math.sqrt(2.0)

erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _log_gamma(x: float) -> float:
    if x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.inf
    try:
        return math.lgamma(x)
    except OverflowError:
        return math.inf


lgamma = np.vectorize(_log_gamma, otypes=[np.float64])


def erfcx(x: Array) -> Array:
    """e^(x²) erfc(x) (7.2.3, and its asymptotic series 7.12.1 far out)."""
    x = np.asarray(x, np.float64)
    near = np.clip(x, -26.64, 25.0)
    high = np.round(near * 1024.0) / 1024.0  # whose square is exact
    found = np.exp(high * high) * np.exp((near - high) * (near + high)) * erfc(near)
    far = np.maximum(x, 25.0)
    term, series = np.ones_like(far), np.ones_like(far)
    for k in range(1, 8):
        term = term * -(2 * k - 1) / (2.0 * far * far)
        series = series + term
    out = np.where(x > 25.0, series / (far * math.sqrt(math.pi)), np.where(x < -26.64, np.inf, found))
    return np.where(np.isnan(x), np.nan, out)


def erfinv(y: Array) -> Array:
    """The x with erf(x) = y, by Halley's method (3.8.9) from Winitzki's approximation."""
    return _inverse(np.asarray(y, np.float64), 1.0 - np.abs(np.asarray(y, np.float64)))


def erfcinv(y: Array) -> Array:
    """The x with erfc(x) = y, of small y without loss of digits."""
    y = np.asarray(y, np.float64)
    return _inverse(1.0 - y, np.where(y < 1.0, y, 2.0 - y))


def ndtri(p: Array) -> Array:
    """The x below which a standard normal number lies with probability p."""
    p = np.asarray(p, np.float64)
    return SQRT2 * _inverse(2.0 * p - 1.0, np.where(p < 0.5, 2.0 * p, 2.0 * (1.0 - p)))


def _inverse(y: Array, rest: Array) -> Array:
    """erfinv(y), `rest` being 1 - |y| without loss of digits."""
    size = np.abs(y)
    inside = (rest > 0) & (rest <= 1)
    rest_ = np.where(inside, rest, 0.5)
    log = np.log(rest_) + np.log1p(np.minimum(size, 1.0))
    half = 2.0 / (math.pi * 0.147) + log / 2.0
    x = np.sqrt(np.maximum(np.sqrt(half * half - log / 0.147) - half, 0.0))
    for _ in range(3):
        miss = np.where(size < 0.5, erf(x) - size, rest_ - erfc(x))
        step = miss * (0.5 * math.sqrt(math.pi)) * np.exp(x * x)
        x = x - step / (1.0 + x * step)
    x = np.where(inside, x, np.where(rest == 0, np.inf, np.nan))
    return np.where(y == 0, 0.0, np.copysign(x, y))


def _cotangent(x: Array) -> Array:
    """cot(πx) for |x| ≤ 1/2, exact also where it is 0."""
    size = np.abs(x)
    small = np.where(size <= 0.25, size, 0.25)
    return np.copysign(np.where(size > 0.25, np.tan(math.pi * (0.5 - size)), 1.0 / np.tan(math.pi * small)), x)


def digamma(x: Array) -> Array:
    """ψ(x): the series 5.11.2 far out, reached by 5.5.2; by reflection 5.5.4 on the left."""
    x = np.asarray(x, np.float64)
    left = x < 0.5
    z, total = np.where(left, 1.0 - x, x), np.zeros_like(x)
    for _ in range(int(FAR)):
        near = z < FAR
        total = total - np.where(near, 1.0 / z, 0.0)
        z = np.where(near, z + 1.0, z)
    square, power, series = 1.0 / (z * z), 1.0 / (z * z), np.zeros_like(x)
    for k, number in enumerate(BERNOULLI, 1):
        series, power = series + number / (2 * k) * power, power * square
    found = total + np.log(z) - 0.5 / z - series
    part = x - np.round(x)
    whole = left & (part == 0)
    found = np.where(left, found - math.pi * _cotangent(np.where(whole, 0.25, part)), found)
    return np.where(whole, np.where(x == 0, -np.copysign(np.inf, x), np.nan), found)


def zeta(s: float | Array, q: float | Array) -> Array:
    """Hurwitz' Σ (q + k)^-s over k ≥ 0, s > 1, q > 0, by the sum of Euler and Maclaurin (25.11.28)."""
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    z, total = q.copy(), np.zeros(q.shape)
    for _ in range(int(FAR)):
        near = z < FAR
        total = total + np.where(near, z**-s, 0.0)
        z = np.where(near, z + 1.0, z)
    total = total + z ** (1.0 - s) / (s - 1.0) + 0.5 * z**-s
    factor, power, series = s.copy(), z ** (-s - 1.0), np.zeros(q.shape)
    for k, number in enumerate(BERNOULLI, 1):
        series = series + number / math.factorial(2 * k) * factor * power
        factor, power = factor * (s + 2 * k - 1) * (s + 2 * k), power / (z * z)
    found = total + series
    found = np.where(q == np.floor(q), np.where(q <= 0, np.inf, found), found)
    found = np.where((q < 0) & (q != np.floor(q)), np.nan, found)
    return np.where(s == 1, np.inf, np.where(s < 1, np.nan, found))


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of ψ: 5.15.1 on the right, by reflection 5.15.6 on the left."""
    if n == 0:
        return digamma(x)
    x = np.asarray(x, np.float64)
    left = x < 0.5
    sign = -1.0 if n % 2 == 0 else 1.0
    found = sign * math.factorial(n) * zeta(n + 1.0, np.where(left, 1.0 - x, x))
    if not np.any(left):
        return found
    part = x - np.round(x)
    whole = left & (part == 0)
    cotangent = _cotangent(np.where(whole, 0.25, part))
    # d^n cot(πx) / dx^n is a polynomial of the cotangent, each the derivative of the one before times -π(1 + c²).
    c = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        c = -math.pi * c.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0])
    reflected = (found if n % 2 == 0 else -found) - math.pi * c(cotangent)
    return np.where(left, np.where(whole, sign * np.inf, reflected), found)


def scaled_bessel_i(order: int, x: Array) -> Array:
    """e^-|x| I(x) of order 0 or 1: the integral 10.32.1 by 48 points of a period, the series 10.40.1 far out."""
    size = np.abs(np.asarray(x, np.float64))
    near, far = np.minimum(size, 50.0), np.maximum(size, 50.0)
    total = np.zeros_like(size)
    for k in range(48):
        c = math.cos(math.pi * (k + 0.5) / 96.0)
        grown = np.exp(near * (c - 1.0))
        if order == 0:
            total = total + grown * (1.0 + np.exp(-2.0 * near * c))
        else:
            total = total - c * grown * np.expm1(-2.0 * near * c)
    found = total / 96.0
    term, series = np.ones_like(far), np.ones_like(far)
    for k in range(1, 20):
        term = term * ((2 * k - 1) ** 2 - 4 * order) / (8.0 * k * far)
        series = series + term
    found = np.where(size > 50.0, series / np.sqrt(2.0 * math.pi * far), found)
    found = np.where(np.isnan(x), np.nan, np.where(np.isinf(x), 0.0, found))
    return np.copysign(found, x) if order else found
