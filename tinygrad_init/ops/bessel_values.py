"""Values of Bessel functions of order 0 and 1 in float64.

The source of each formula is the Digital Library of Mathematical Functions (dlmf.nist.gov), by its number.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.reference import Array

FAR = 25.0  # from where on Hankel's series has converged
POINTS = 32


def bessel_j(order: int, x: Array) -> Array:
    """J(x) of order 0 or 1: the means 10.9.1 and 10.9.2 up to 25, Hankel's series 10.17.3 beyond."""
    x = np.asarray(x, np.float64)
    size = np.abs(x)
    near = np.minimum(size, FAR)
    total = np.zeros_like(near)
    for k in range(POINTS):
        c = math.cos(math.pi * (k + 0.5) / (2 * POINTS))
        total = total + (c * np.sin(near * c) if order else np.cos(near * c))
    found = np.where(size > FAR, _hankel(order, size, 0), total / POINTS)
    return found * np.copysign(1.0, x) if order else found


def bessel_y(order: int, x: Array) -> Array:
    """Y(x) of order 0 or 1: by the series 10.23.16 and its derivative up to 25, Hankel's series 10.17.4 beyond.

    The series asks for J of every even order: they are the coefficients of cos(x cos θ) as a series of cosines
    (10.12.3), and their sum is therefore a mean like that of J, with weights.
    """
    x = np.asarray(x, np.float64)
    near = np.where(x > 0, np.minimum(x, FAR), 1.0)
    even, odd, sum_ = np.zeros_like(near), np.zeros_like(near), np.zeros_like(near)
    for k in range(POINTS):
        angle = math.pi * (k + 0.5) / POINTS
        c = math.cos(angle / 2)
        weight = math.fsum(math.cos(n * angle) / n for n in range(1, POINTS))
        wave, slope = np.cos(near * c), c * np.sin(near * c)
        even, odd = even + wave, odd + slope
        sum_ = sum_ + weight * (slope if order else wave)
    log = np.log(near / 2.0) + np.euler_gamma
    found = log * (odd if order else even) - 2.0 * sum_
    found = (2.0 / math.pi) * (found / POINTS - (even / POINTS / near if order else 0.0))
    found = np.where(x > FAR, _hankel(order, x, 1), found)
    return np.where(x > 0, found, np.where(x == 0, -np.inf, np.nan))


def _hankel(order: int, x: Array, kind: int) -> Array:
    """J (kind 0) or Y (kind 1) where x is large, √(2/πx) (P cos ω - Q sin ω) and √(2/πx) (P sin ω + Q cos ω)."""
    far = np.where((x > FAR) & (x < np.inf), x, FAR)
    term, p, q = np.ones_like(far), np.ones_like(far), np.zeros_like(far)
    for k in range(1, 24):
        term = term * (4 * order - (2 * k - 1) ** 2) / (8.0 * k * far)
        signed = term if k % 4 < 2 else -term
        p, q = (p, q + signed) if k % 2 else (p + signed, q)
    # ω = x - (2·order + 1) π/4: by the sine of a sum, as the difference would lose the digits of a large x.
    sin, cos = np.sin(far), np.cos(far)
    sin_, cos_ = (-(sin + cos), sin - cos) if order else (sin - cos, sin + cos)
    found = (p * sin_ + q * cos_ if kind else p * cos_ - q * sin_) / np.sqrt(math.pi * far)
    return np.where(np.isinf(x), 0.0, np.where(np.isnan(x), np.nan, found))
