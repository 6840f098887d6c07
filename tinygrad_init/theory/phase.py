"""The phase diagram over σ_w and σ_b."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .criticality import edge_of_chaos
from .fixed_point import fixed_points
from .mean_field import CRITICAL
from .phi import phi_of
from .quadrature import Array


@dataclass(frozen=True)
class PhaseDiagram:
    """Arrays of shape (σ_b, σ_w) unless said otherwise.

    Attributes
    ----------
    sigma_w, sigma_b
        The axes, one-dimensional.
    q
        The fixed point reached from q = 1; 0 and inf are answers.
    log_chi
        ln χ there.
    xi_c
        -1/ln χ; negative in the chaotic phase, infinite on the edge.
    phase
        -1 ordered, 0 critical, 1 chaotic.
    edge
        σ_w on the edge of chaos for every σ_b, one-dimensional; NaN where there is none.
    """

    sigma_w: Array
    sigma_b: Array
    q: Array
    log_chi: Array
    xi_c: Array
    phase: Array
    edge: Array


def phase_diagram(
    activation: Any, sigma_w: Sequence[float] | Array, sigma_b: Sequence[float] | Array, **params: float
) -> PhaseDiagram:
    """The phase of every network on a grid (Poole et al. 2016, fig. 1; Schoenholz et al. 2017, fig. 1).

    Parameters
    ----------
    activation, params
        See `Phi`.
    sigma_w, sigma_b
        The axes.

    Raises
    ------
    ValueError
        A standard deviation is negative or not finite.
    """
    ws, bs = np.asarray(sigma_w, np.float64), np.asarray(sigma_b, np.float64)
    for name, axis in (("sigma_w", ws), ("sigma_b", bs)):
        if axis.ndim != 1 or not np.all((axis >= 0) & np.isfinite(axis)):
            raise ValueError(f"phase_diagram: expected {name} to be numbers that are finite and not negative")
    phi = phi_of(activation, **params)
    q, moments = fixed_points(phi, ws**2, (bs**2)[:, None])
    chi = ws**2 * moments.slope_square
    critical = np.abs(chi - 1.0) <= CRITICAL
    with np.errstate(divide="ignore"):
        log_chi = np.log(chi)
        xi_c = np.where(critical, math.inf, -1.0 / np.where(critical, 1.0, log_chi))
    points = [edge_of_chaos(phi, float(b)) for b in bs]
    edge = np.array([math.nan if point is None else point.sigma_w for point in points])
    return PhaseDiagram(ws, bs, q, log_chi, xi_c, np.where(critical, 0, np.sign(log_chi)).astype(int), edge)
