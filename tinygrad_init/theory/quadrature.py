"""Gaussian expectations to near machine precision: Gauss-Legendre rules on panels.

Two things have a scale of their own: the Gaussian, in z, and the function, in x = √q z. A transition such as that of
tanh(√q z) is 1/√q wide. So panels are cut twice: once a function, in x, at its kinks, at powers of two, and again
wherever it is not resolved (`resolve`); once an expectation, in z, for the Gaussian. Both sets of ends together make
panels on which the integrand is smooth, whatever q is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Function = Callable[[Array], Array]

# A rule of 16 points is exact up to degree 31: what has coefficients of 1e-8 at degree 15 has them of 1e-16 there.
ORDER = 16
NODES, WEIGHTS = np.polynomial.legendre.leggauss(ORDER)
RESOLVED = 1e-8
# From values at the nodes to the last two Legendre coefficients: c_k = (2k + 1)/2 ∫ f P_k.
LAST = np.stack(
    [(k + 0.5) * WEIGHTS * np.polynomial.legendre.legval(NODES, np.eye(ORDER)[k]) for k in (ORDER - 2, ORDER - 1)]
)

# Standard deviations at which the Gaussian is cut off, leaving out 2e-23 of it, and its own panels.
REACH = 10.0
SPAN = np.linspace(-REACH, REACH, 11)

# Panels of a function get no narrower than this: at an unknown kink the error is of that order.
FINEST = 2.0**-44
# A reach beyond this |x| (√q of 1600) gets no panels but powers of two: seen from there an activation is simple.
FAR = 2.0**14
MOST_PANELS = 2**16
# Numbers that are held in memory at a time.
BLOCK = 2**20


def resolve(f: Function, kinks: Sequence[float] = (), reach: float = REACH) -> Array:
    """Ends of panels, from -reach to reach or beyond, on each of which a polynomial of degree 15 fits the function.

    Parameters
    ----------
    f
        From an array (...) to an array (...), or to several functions at once (functions, ...).
    kinks
        Points at which a derivative jumps. One that is not known is found by halving panels down to 2^-44.
    reach
        Up to which |x|.

    Raises
    ------
    ValueError
        The function is rough everywhere: halving panels does not come to an end.
    """
    octaves = 2.0 ** np.arange(max(math.ceil(math.log2(reach)), 0) + 1)
    inside = [kink for kink in kinks if abs(kink) < octaves[-1]]
    ends = np.unique(np.concatenate([-octaves, [0.0], octaves, inside]))
    low, high = ends[:-1], ends[1:]
    if octaves[-1] > FAR:
        return ends
    # "Small" is in proportion to what the function has been nearer to 0: rounding of 1 - tanh² is no structure.
    _, peak = _judge(f, low, high)
    order = np.argsort(np.maximum(-low, high), kind="stable")
    size = np.empty_like(peak)
    size[:, order] = np.maximum.accumulate(peak[:, order], axis=1)
    found = [ends]
    while low.size:
        last, _ = _judge(f, low, high)
        middle = 0.5 * (low + high)
        rough = np.any(last > RESOLVED * size, axis=0) & (high - low > FINEST * np.maximum(1.0, np.abs(middle)))
        low, middle, high, size = low[rough], middle[rough], high[rough], size[:, rough]
        found.append(middle)
        low, high, size = np.concatenate([low, middle]), np.concatenate([middle, high]), np.tile(size, 2)
        if low.size > MOST_PANELS:
            raise ValueError(f"expected a piecewise smooth function; halving panels does not resolve it near {low[0]}")
    return np.unique(np.concatenate(found))


def _judge(f: Function, low: Array, high: Array) -> tuple[Array, Array]:
    """The last Legendre coefficients and the largest value of each function on each panel, (functions, panels)."""
    x = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * NODES
    values = np.asarray(f(x)).reshape(-1, *x.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.max(np.abs(values @ LAST.T), axis=-1), np.max(np.abs(values), axis=-1)


def gauss(ends: Array) -> tuple[Array, Array]:
    """Nodes z and weights, the standard normal density in them, of the rule on panels with these ends in any order.

    Parameters
    ----------
    ends
        Of shape (..., ends); they are cut off at ±10. Results have the shape (..., nodes).
    """
    span = np.broadcast_to(SPAN, (*ends.shape[:-1], SPAN.size))
    ends = np.sort(np.concatenate([span, np.clip(ends, -REACH, REACH)], axis=-1), axis=-1)
    half, middle = 0.5 * np.diff(ends, axis=-1)[..., None], 0.5 * (ends[..., 1:] + ends[..., :-1])[..., None]
    shape = (*ends.shape[:-1], -1)
    z = (middle + half * NODES).reshape(shape)
    return z, (half * WEIGHTS).reshape(shape) * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def expectation(f: Function, q: Any, kinks: Sequence[float] = ()) -> Any:
    """E[f(√q Z)], Z standard normal.

    Parameters
    ----------
    f
        From an array to an array of its shape.
    q
        A variance or an array of them, from 0 to about 1e6.
    kinks
        Points x at which a derivative of f jumps; unknown ones cost some digits (about 1e-12).

    Returns
    -------
    float or array
        In the shape of `q`. Relative to E|f|, about 1e-14 where f is smooth between its kinks.
    """
    variance = np.asarray(q, np.float64)
    check_variances(variance)
    breaks = resolve(f, kinks, max(REACH * math.sqrt(np.max(variance, initial=0.0)), 1.0))

    def integrate(root: Array) -> Array:
        z, weights = gauss(scaled(breaks, root[:, None]))
        return np.sum(weights * f(root[:, None] * z), axis=-1)

    roots = np.sqrt(variance.ravel())
    rows = max(BLOCK // (ORDER * (breaks.size + SPAN.size)), 1)
    parts = [integrate(roots[i : i + rows]) for i in range(0, roots.size, rows)]
    found = np.concatenate(parts).reshape(variance.shape)
    return float(found) if found.ndim == 0 else found


def pair_expectation(
    f: Function, g: Function, q: float, c: float, kinks: Sequence[float] = (), *, breaks: Array | None = None
) -> float:
    """E[f(u) g(v)], u and v normal with variance q and correlation c.

    With independent x and y, u = √q (a x + b y), v = √q (a x - b y), a = √((1 + c)/2), b = √((1 - c)/2): for c → 1 all
    depends on x alone, for c → -1 on y, and nothing cancels. Where u or v meets a kink, x and y lie on a straight line;
    the inner rule, over y, is cut there anew for every x, the outer one where two such lines cross.

    Parameters
    ----------
    f, g
        From an array to an array of its shape.
    q, c
        Variance and correlation.
    kinks
        Of both functions.
    breaks
        Ends of panels of both functions, if they are known (`resolve`).

    Raises
    ------
    ValueError
        The variance is negative or not finite, or the correlation not in [-1, 1].
    """
    check_variances(np.asarray(q, np.float64))
    if not -1.0 <= c <= 1.0:
        raise ValueError(f"expected a correlation in [-1, 1], got {c}")
    root = math.sqrt(q)
    a, b = math.sqrt(0.5 * (1.0 + c)), math.sqrt(0.5 * (1.0 - c))
    if breaks is None:
        reach = max(math.sqrt(2.0) * REACH * root, 1.0)
        breaks = np.union1d(resolve(f, kinks, reach), resolve(g, kinks, reach))
    lines = scaled(breaks, root)
    corners = scaled(0.5 * np.add.outer(kinks, kinks).ravel(), root)
    around = np.add.outer(corners, b * SPAN).ravel()  # beside a corner the inner integral changes over b/a
    outer, outer_weights = gauss(scaled(np.concatenate([lines, around]), a))
    total = 0.0
    rows = max(BLOCK // (ORDER * (2 * breaks.size + SPAN.size)), 1)
    for i in range(0, outer.size, rows):
        x, weights = a * outer[i : i + rows, None], outer_weights[i : i + rows]
        y, inner_weights = gauss(scaled(np.concatenate([lines - x, x - lines], axis=1), b))
        inner = np.sum(inner_weights * f(root * (x + b * y)) * g(root * (x - b * y)), axis=-1)
        total += float(weights @ inner)
    return total


def scaled(ends: Array, scale: Any) -> Array:
    """Ends divided by a scale that may be 0: they are then infinitely far away."""
    with np.errstate(over="ignore"):
        return ends / np.maximum(scale, 1e-300)


def check_variances(q: Array) -> None:
    """Refuse what is no variance.

    Raises
    ------
    ValueError
        A number is negative, infinite or NaN.
    """
    if not np.all((q >= 0) & np.isfinite(q)):
        raise ValueError(f"expected variances that are finite and not negative, got {q}")
