"""Mean-field theory of a deep network at its start: how signal and gradient change from layer to layer.

In a layer z = W φ(z_before) + b with independent weights of variance σ_w²/fan_in and biases of variance σ_b², many
units make z Gaussian, and one number describes it: q = E z² (Poole et al. 2016; Schoenholz et al. 2017).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .fixed_point import fixed_points
from .phi import LEAST, MOST, phi_of
from .profile import LayerSpec, Profile, profile_of
from .quadrature import Array
from .roots import root

# χ this near to 1 counts as critical: the depth scale is then a billion layers.
CRITICAL = 1e-9

Phase = Literal["ordered", "critical", "chaotic"]
Stability = Literal["stable", "marginal", "unstable"]


@dataclass(frozen=True)
class FixedPoint:
    """A variance that maps to itself.

    Attributes
    ----------
    q
        The variance; 0 and inf are answers.
    chi, chi_parallel
        χ and χ∥ there (for 0 and inf their limits).
    stability
        Whether a small change of q dies out ("stable"), grows ("unstable"), or does neither to first order
        ("marginal").
    """

    q: float
    chi: float
    chi_parallel: float
    stability: Stability


class MeanField:
    """A network of infinite width.

    Parameters
    ----------
    activation
        What stands between linear maps: see `Phi`.
    sigma_w
        σ_w = √(fan_in·Var w), the "gain" of initializers.
    sigma_b
        The standard deviation of the biases.
    params
        Of the activation.

    Raises
    ------
    ValueError
        A standard deviation is negative or not finite.
    """

    def __init__(self, activation: Any, sigma_w: float, sigma_b: float = 0.0, **params: float) -> None:
        for name, value in (("sigma_w", sigma_w), ("sigma_b", sigma_b)):
            if not (value >= 0 and math.isfinite(value * value)):
                raise ValueError(f"MeanField: expected {name} to be finite and not negative, got {value}")
        self.phi = phi_of(activation, **params)
        self.sigma_w, self.sigma_b = float(sigma_w), float(sigma_b)
        self._w2, self._b2 = self.sigma_w**2, self.sigma_b**2

    def q_map(self, q: Any) -> Any:
        """q' = σ_w² E φ(√q Z)² + σ_b², of the next layer (Poole et al. 2016, eq. 3); in the shape of q."""
        return _plain(self._w2 * self.phi.moments(q).square + self._b2)

    def chi(self, q: Any = None) -> Any:
        """χ = σ_w² E φ'(√q Z)², the factor of the squared gradient a layer (Schoenholz et al. 2017, eq. 7).

        At the fixed point unless q is given. It is also the factor by which the difference of two nearly equal inputs
        grows.
        """
        return _plain(self._w2 * self.phi.moments(self.q_star if q is None else q).slope_square)

    def chi_parallel(self, q: Any = None) -> Any:
        """χ∥ = ∂q'/∂q, the factor of a small change of q a layer; at the fixed point unless q is given.

        For smooth φ it is σ_w² E[φ'² + φφ''] (Schoenholz et al. 2017, eq. 5).
        """
        return _plain(self._w2 * self.phi.moments(self.q_star if q is None else q).growth)

    def c_map(self, c: Any, q: float | None = None) -> Any:
        """The correlation of two inputs after a layer, from c before it (Poole et al. 2016, eq. 4).

        Parameters
        ----------
        c
            One correlation in [-1, 1] or an array of them.
        q
            The variance of both; the fixed point unless given.
        """
        q = min(max(self.q_star if q is None else float(q), LEAST), MOST)
        after = self.q_map(q)
        if after == 0:
            return _plain(np.full(np.shape(c), math.nan))  # nothing is left to correlate
        found = [(self._w2 * self.phi.overlap(q, float(each)) + self._b2) / after for each in np.ravel(c)]
        return _plain(np.reshape(found, np.shape(c)))

    def fixed_point(self, q0: float = 1.0) -> FixedPoint:
        """Where q ends, starting from q0 (a fixed point that is unstable only if q0 is exactly that)."""
        q, moments = fixed_points(self.phi, self._w2, self._b2, q0)
        chi, parallel = self._w2 * float(moments.slope_square), self._w2 * float(moments.growth)
        # ∞ is where everything goes that grows.
        distance = abs(parallel) - 1.0 if np.isfinite(q) else 1.0 - abs(parallel)
        stability: Stability = "marginal" if abs(distance) <= CRITICAL else "stable" if distance < 0 else "unstable"
        return FixedPoint(float(q), chi, parallel, stability)

    @functools.cached_property
    def _star(self) -> FixedPoint:
        return self.fixed_point()

    @property
    def q_star(self) -> float:
        """The fixed point of q that is reached from 1."""
        return self._star.q

    @functools.cached_property
    def c_star(self) -> float:
        """The correlation that any two inputs end with, at the fixed point of q; NaN if every correlation stays.

        The map is a power series in c without negative coefficients (Daniely et al. 2016), so it is convex on [0, 1]:
        if its slope at 1 is at most 1, c* is 1; else there is one other fixed point, and that is stable.
        """
        q = min(max(self.q_star, LEAST), MOST)
        slope = self._w2 * q * float(self.phi.moments(q).slope_square) / self.q_map(q) if self.q_map(q) > 0 else 0.0
        at_zero = self.c_map(0.0)
        if math.isnan(at_zero) or (at_zero < 1e-12 and abs(slope - 1.0) <= CRITICAL):
            return math.nan
        if slope <= 1.0 + CRITICAL:
            return 1.0
        if at_zero < 1e-15:
            return 0.0
        for distance in 2.0 ** -np.arange(1, 40):
            value = self.c_map(1.0 - distance) - (1.0 - distance)
            if value < 0:
                return root(lambda c: self.c_map(c) - c, 0.0, 1.0 - float(distance), (at_zero, value))
        return 1.0

    @property
    def phase(self) -> Phase:
        """Whether inputs become alike and gradients vanish ("ordered", χ < 1) or the opposite ("chaotic", χ > 1)."""
        return phase_of(self._star.chi)

    @property
    def xi_c(self) -> float:
        """ξ_c = -1/ln χ: layers over which correlations, and squared gradients, change by a factor e.

        Negative where they grow, infinite at criticality (Schoenholz et al. 2017, eq. 9).
        """
        return depth_scale(self._star.chi)

    @property
    def xi_q(self) -> float:
        """ξ_q = -1/ln χ∥: layers over which a deviation of q from its fixed point falls by e (ibid., eq. 6)."""
        return depth_scale(abs(self._star.chi_parallel))

    @property
    def trainable_depth(self) -> float:
        """About 6 |ξ_c| layers: as deep as networks were found to learn (Schoenholz et al. 2017, fig. 5)."""
        return 6.0 * abs(self.xi_c)

    def profile(self, depth: int, input_square: float = 1.0, width: int | Sequence[int] | None = None) -> Profile:
        """What to expect of every layer of a network of `depth` linear maps that are all alike; see `Profile`.

        Parameters
        ----------
        depth
            How many linear maps.
        input_square
            The mean square of the input's features, so that q_1 = σ_w² times it + σ_b².
        width
            The units of all layers, or of each, for the bands; None: infinitely many.

        Raises
        ------
        ValueError
            The depth is less than 1, `input_square` no mean square, or the widths do not fit.
        """
        if depth < 1:
            raise ValueError(f"profile: expected a depth of at least 1, got {depth}")
        many = width if isinstance(width, Sequence) else [np.inf if width is None else width] * depth
        units = np.asarray(many, np.float64)
        if units.shape != (depth,) or not np.all(units >= 1):
            raise ValueError(f"profile: expected {depth} widths of at least 1, got {width}")
        return profile_of([LayerSpec(self.phi, self._w2, self._b2, float(n)) for n in units], input_square)

    def __repr__(self) -> str:
        return f"MeanField({self.phi.name}, sigma_w={self.sigma_w:g}, sigma_b={self.sigma_b:g})"


def phase_of(chi: float) -> Phase:
    """The phase of a network with this χ."""
    if math.isnan(chi):
        raise ValueError("phase: χ is NaN")
    return "critical" if abs(chi - 1.0) <= CRITICAL else "ordered" if chi < 1 else "chaotic"


def depth_scale(factor: float) -> float:
    """-1/ln of the factor a layer: how many layers a factor e takes; 0 for the factor 0, infinite for 1."""
    if factor == 0:
        return 0.0
    return math.inf if abs(factor - 1.0) <= CRITICAL else -1.0 / math.log(factor)


def _plain(value: Array) -> Any:
    """A float instead of an array without axes."""
    return float(value) if np.ndim(value) == 0 else value
