"""Where a network neither forgets nor scrambles: the edge of chaos, joint criticality, and gains.

On the edge χ = 1 at the fixed point. With q as the parameter it is explicit: σ_w² = 1/E φ'² and σ_b² = q - σ_w² E φ².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fixed_point import STILL
from .phi import Moments, Phi, phi_of
from .quadrature import Array
from .roots import root

# Below this χ∥/χ - 1 counts as 0 on the table, whose noise is smaller.
SAME = 1e-10


@dataclass(frozen=True)
class CriticalPoint:
    """A network with χ = 1.

    Attributes
    ----------
    sigma_w, sigma_b
        Standard deviations of √fan_in·w and of the biases.
    q
        The fixed point of the variance; 0 where it is the limit q → 0, None where every q is one (ReLU).
    chi_parallel
        χ∥ there.
    reached
        Whether a signal that starts with q = 1 goes there. For gelu, silu and mish with σ_b = 0 it does not: it grows.
    """

    sigma_w: float
    sigma_b: float
    q: float | None
    chi_parallel: float
    reached: bool


def edge_of_chaos(
    activation: Any, sigma_b: float = 0.0, *, sigma_w: float | None = None, **params: float
) -> CriticalPoint | None:
    """The network with χ = 1 that has these biases or these weights (Schoenholz et al. 2017; Hayou et al. 2019).

    Parameters
    ----------
    activation
        See `Phi`.
    sigma_b
        The standard deviation of the biases.
    sigma_w
        That of √fan_in·w instead; σ_b is then what is found.
    params
        Of the activation.

    Returns
    -------
    CriticalPoint or None
        The one of smallest q; None if there is none, as for softplus (any σ_b) or ReLU (σ_b > 0).

    Raises
    ------
    ValueError
        A standard deviation is negative or not finite.
    """
    phi = phi_of(activation, **params)
    given = sigma_b if sigma_w is None else sigma_w
    if not (given >= 0 and math.isfinite(given)):
        raise ValueError(f"edge_of_chaos: expected a standard deviation, finite and not negative, got {given}")
    q, moments = phi.table
    if sigma_w is None:
        biases = _bias_variance(q, moments) - sigma_b**2
        signs = np.where(np.abs(biases) > STILL * q, np.sign(biases), 0.0)
        if signs[0] == 0:  # φ(0) = 0 and no biases: the limit q → 0, or any q
            return _point(phi, None if not signs.any() else 0.0)
        return _at_change(phi, q, signs, lambda at: float(_bias_variance(at, phi.moments(at))) - sigma_b**2, sigma_b)
    chi = sigma_w**2 * moments.slope_square - 1.0
    signs = np.where(np.abs(chi) > STILL, np.sign(chi), 0.0)
    if signs[0] == 0 and phi.at_zero == 0:
        return _point(phi, None if not signs.any() else 0.0)
    return _at_change(phi, q, signs, lambda at: sigma_w**2 * float(phi.moments(at).slope_square) - 1.0)


def joint_criticality(activation: Any, **params: float) -> CriticalPoint | None:
    """The network with χ = 1 and χ∥ = 1, in which neither gradients nor variances change in the long run.

    Parameters
    ----------
    activation, params
        See `Phi`.

    Returns
    -------
    CriticalPoint or None
        One with q > 0 if there is one (gelu: σ_w² = 1.983, σ_b² = 0.173), else the limit q → 0 (tanh: σ_w = 1,
        σ_b = 0) or any q (ReLU); None if there is none.
    """
    phi = phi_of(activation, **params)
    q, moments = phi.table
    excess = _quotient(moments.growth, moments.slope_square) - 1.0
    signs = np.where(np.abs(excess) > SAME, np.sign(excess), 0.0)
    if not signs.any():
        return edge_of_chaos(phi)

    def difference(at: float) -> float:
        here = phi.moments(at)
        return float(_quotient(here.growth, here.slope_square)) - 1.0

    found = _at_change(phi, q, signs, difference)
    if found is not None:
        return found
    limit = edge_of_chaos(phi)
    return limit if limit is not None and limit.q == 0 and signs[0] == 0 else None


@dataclass(frozen=True)
class Gains:
    """Factors on 1/√fan_in for one activation, without biases.

    Attributes
    ----------
    forward
        √(q/E φ²): keeps E z² = q.
    backward
        √(1/E φ'²): keeps the gradient's norm where E z² = q.
    critical
        The edge of chaos, where both are kept; None if there is none.
    chi, chi_parallel
        At the forward gain.
    """

    q: float
    forward: float
    backward: float
    critical: CriticalPoint | None
    chi: float
    chi_parallel: float

    @property
    def stable(self) -> bool:
        """Whether the forward gain holds q: only then do deviations not grow from layer to layer."""
        return self.chi_parallel <= 1.0 + SAME

    @property
    def warning(self) -> str:
        """What is wrong with the forward gain; empty if nothing is."""
        if self.stable:
            return ""
        return (
            f"χ∥ = {self.chi_parallel:.4f} > 1 at the variance-preserving gain {self.forward:.6f}: "
            f"it holds only if E z² starts at exactly {self.q:g}, and deviations grow by χ∥ a layer"
        )


def gains(activation: Any, q: float = 1.0, **params: float) -> Gains:
    """The gains of an activation at E z² = q.

    Raises
    ------
    ValueError
        q is not positive and finite, or φ or φ' is 0 everywhere.
    """
    if not (q > 0 and math.isfinite(q)):
        raise ValueError(f"gains: expected a positive variance, got {q}")
    phi = phi_of(activation, **params)
    moments = phi.moments(q)
    square, slope_square = float(moments.square), float(moments.slope_square)
    if square == 0 or slope_square == 0:
        raise ValueError(f"gains: {phi.name} has no gain: E φ² = {square}, E φ'² = {slope_square}")
    w2 = q / square
    return Gains(
        q,
        math.sqrt(w2),
        math.sqrt(1.0 / slope_square),
        edge_of_chaos(phi),
        w2 * slope_square,
        w2 * float(moments.growth),
    )


def _bias_variance(q: Any, moments: Moments) -> Array:
    """σ_b² on the edge with fixed point q."""
    return q - _quotient(moments.square, moments.slope_square)


def _quotient(part: Array, whole: Array) -> Array:
    """A quotient of what is not negative; 0/0, both smaller than any number, is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((whole > 0) | (part > 0), part / whole, 0.0)


def _at_change(
    phi: Phi, q: Array, signs: Array, f: Callable[[float], float], sigma_b: float | None = None
) -> CriticalPoint | None:
    """The critical point at the first change of a sign along the table."""
    known = np.flatnonzero(signs)
    changes = np.flatnonzero(np.diff(signs[known]))
    if not changes.size:
        return None
    low, high = q[known[changes[0]]], q[known[changes[0] + 1]]
    return _point(phi, math.exp(root(lambda u: f(math.exp(u)), math.log(low), math.log(high))), sigma_b)


def _point(phi: Phi, q: float | None, sigma_b: float | None = None) -> CriticalPoint | None:
    """The network with χ = 1 at q; None where φ' is 0 there or σ_b² would be negative."""
    moments = phi.moments(1.0 if q is None else q)
    if moments.slope_square == 0:
        return None
    w2 = 1.0 / float(moments.slope_square)
    if sigma_b is None:
        b2 = float(_bias_variance(q, moments)) if q else 0.0
        if b2 < -STILL * (q or 0.0):
            return None
        sigma_b = math.sqrt(max(b2, 0.0))
    reached = q is None or _is_on_the_way(phi, w2, sigma_b**2, q)
    return CriticalPoint(math.sqrt(w2), sigma_b, q, w2 * float(moments.growth), reached)


def _is_on_the_way(phi: Phi, w2: float, b2: float, q: float) -> bool:
    """Whether variances between 1 and q, as far as they move, move towards q."""
    table, moments = phi.table
    between = (table - 1.0) * (table - q) < 0
    change = (w2 * moments.square + b2 - table)[between]
    moves = np.abs(change) > STILL * table[between]
    return bool(np.all(change[moves] > 0)) if q > 1 else bool(np.all(change[moves] < 0))
