"""Starts on the edge of chaos, where gradients neither vanish nor explode, for any activation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import theory
from .._engine.tensor import Tensor
from ..nn.module import Module
from .distributions import Generator, normal_
from .linear_maps import bias_of, named_linear_maps
from .scaling import fan


def critical_(weight: Tensor, rng: Generator, activation: Any, sigma_b: float = 0.0) -> Tensor:
    """Normal, Var = σ_w²/fan_in with σ_w on the edge of chaos (Schoenholz et al. 2017): χ = σ_w² E φ'² = 1.

    For ReLU that is He's start, for tanh LeCun's.

    Parameters
    ----------
    weight, rng
        What is filled, and from where.
    activation
        What follows; see `theory.Phi`.
    sigma_b
        The standard deviation that the biases are given.

    Warns
    -----
    RuntimeWarning
        There is no critical point with these biases (softplus), or none that signals reach (gelu without biases): the
        gain √(1/E φ²) keeps E z² = 1 instead, and the message says how the gradient changes.
    """
    point = theory.edge_of_chaos(activation, sigma_b)
    if point is not None and point.reached:
        sigma_w = point.sigma_w
    else:
        sigma_w = _second_best(activation, f"no critical point with sigma_b = {sigma_b:g} that signals reach")
    return normal_(weight, rng, std=sigma_w / math.sqrt(fan(weight, "fan_in")))


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
    point = theory.edge_of_chaos(activation)
    if point is None or not point.reached:
        point = theory.joint_criticality(activation)
        point = point if point is not None and point.q else None
    sigma_w, sigma_b = (point.sigma_w, point.sigma_b) if point else (_second_best(activation, "no critical point"), 0.0)
    for _, module in named_linear_maps(model):
        normal_(module.weight, generator, std=sigma_w / math.sqrt(fan(module.weight, "fan_in")))
        if (bias := bias_of(module)) is not None:
            normal_(bias, generator, std=sigma_b)
    return point


def _second_best(activation: Any, reason: str) -> float:
    """The gain that keeps E z² = 1, and a warning."""
    found = theory.gains(activation)
    warnings.warn(
        f"{theory.phi_of(activation).name}: {reason}; the variance-preserving gain {found.forward:.6f} is used, with "
        f"which squared gradients change by {found.chi:.4f} a layer" + (f" ({found.warning})" if found.warning else ""),
        RuntimeWarning,
        stacklevel=3,
    )
    return found.forward
