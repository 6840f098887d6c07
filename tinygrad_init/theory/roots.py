"""Where a continuous function of one number changes its sign."""

from __future__ import annotations

from collections.abc import Callable


def root(f: Callable[[float], float], low: float, high: float, ends: tuple[float, float] | None = None) -> float:
    """The point between `low` and `high` where f changes its sign, to the last digits.

    Inverse quadratic interpolation where it is safe, bisection where it is not (Chandrupatla 1997).

    Parameters
    ----------
    f
        Continuous, of different signs at the ends.
    low, high
        Where to look.
    ends
        The values of f there, if they are known.

    Raises
    ------
    ValueError
        f has the same sign at both ends.
    """
    a, b = high, low
    fb, fa = (f(low), f(high)) if ends is None else ends
    if fa == 0 or fb == 0:
        return a if fa == 0 else b
    if (fa > 0) == (fb > 0):
        raise ValueError(f"root: expected a change of sign, got {fb} at {low} and {fa} at {high}")
    share = 0.5
    while True:
        x = a + share * (b - a)
        fx = f(x)
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best = a if abs(fa) < abs(fb) else b
        tolerance = 2e-16 * abs(best) / abs(b - a) if b != a else 1.0
        if tolerance > 0.25 or fa == 0:
            return best if fa != 0 else a
        inner, outer = (a - b) / (c - b), (fa - fb) / (fc - fb)
        if outer**2 < inner and (1 - outer) ** 2 < 1 - inner:
            share = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        else:
            share = 0.5
        share = min(max(share, tolerance), 1 - tolerance)
