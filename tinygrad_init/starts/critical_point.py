"""A whole network on the edge of chaos, where gradients neither vanish nor explode, for any activation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import theory
from ..init.criticality import second_best
from ..init.distributions import normal_
from ..init.drawing import Generator
from ..init.scaling import fan
from ..nn.module import Module
from .linear_maps import bias_of, named_linear_maps


def critical(model: Module, rng: Generator, activation: Any) -> theory.CriticalPoint | None:
    """Fill every weight and bias of a model from a critical point: normal, σ_w²/fan_in and σ_b².

    It is the one without biases, if signals go there, and else that of joint criticality χ = χ∥ = 1, which gelu, silu
    and mish have (σ_w² = 1.983 and σ_b² = 0.173 for gelu).

    Parameters
    ----------
    model
        Any; its linear maps are the modules with a weight of at least two axes.
    rng
        A generator or a seed.
    activation
        What follows its linear maps; see `theory.Phi`.

    Returns
    -------
    CriticalPoint or None
        The point; None where there is none.

    Warns
    -----
    RuntimeWarning
        There is no critical point (softplus); see `critical_`.
    """
    generator = np.random.default_rng(rng)
    point = critical_point(activation)
    sigma_w, sigma_b = sigmas_at(point, activation)
    for _, module in named_linear_maps(model):
        normal_(module.weight, generator, std=sigma_w / math.sqrt(fan(module.weight, "fan_in")))
        if (bias := bias_of(module)) is not None:
            normal_(bias, generator, std=sigma_b)
    return point


def critical_point(activation: Any) -> theory.CriticalPoint | None:
    """The point without biases, if signals go there, else that of joint criticality; None where there is none."""
    point = theory.edge_of_chaos(activation)
    if point is None or not point.reached:
        point = theory.joint_criticality(activation)
        point = point if point is not None and point.q else None
    return point


def sigmas_at(point: theory.CriticalPoint | None, activation: Any) -> tuple[float, float]:
    """σ_w and σ_b at a point, or the second best where there is none."""
    return (point.sigma_w, point.sigma_b) if point else (second_best(activation), 0.0)


def critical_sigmas(activation: Any) -> tuple[float, float]:
    """σ_w and σ_b of `critical`, without a word about what is second best."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sigmas_at(critical_point(activation), activation)
