"""Steps of matrices whose singular values are all about 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array, not_negative
from .optimizer import Optimizer, Parameters, like, zeros

RATES = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """Momentum made nearly orthogonal (Jordan et al. 2024): U Vᵀ in place of U S Vᵀ, by a few products of matrices.

    B ← μ B + (1-μ) g; with Nesterov's step (1-μ) g + μ B in its place; W ← (1 - ηλ) W - η' O of that. O: of X, divided
    by its Frobenius norm, ns_steps times a X + (b A + c A²) X with A = X Xᵀ (Newton and Schulz). Only for matrices:
    what has another number of axes is given to another rule.

    Parameters
    ----------
    parameters
        As in `Optimizer`; all of two axes.
    lr, weight_decay, momentum, nesterov
        η, λ, μ, and whether the step looks ahead.
    ns_coefficients, ns_steps, eps
        (a, b, c), how often, and the least norm that is divided by.
    adjust_lr_fn
        η' for m rows and n columns: None and "original" are η √max(1, m/n), "match_rms_adamw" is 0.2 η √max(m, n) (Liu
        et al. 2025).

    Notes
    -----
    PyTorch computes O in bfloat16, with two or three digits; here it has the dtype of the weight.

    Raises
    ------
    ValueError
        A parameter is no matrix, or an option is out of range.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        iteration = {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps}
        super().__init__(parameters, defaults | iteration | {"adjust_lr_fn": adjust_lr_fn})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        other = [p.shape for p in self.param_groups[-1]["params"] if p.ndim != 2]
        if other:
            del self.param_groups[-1]
            raise ValueError(f"Muon: expected matrices alone, got shapes {other}; give those to AdamW, say")

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        not_negative("Muon", **{name: options[name] for name in ("weight_decay", "momentum", "eps")})
        if options["adjust_lr_fn"] not in RATES:
            raise ValueError(f"Muon: adjust_lr_fn must be out of {RATES}, got {options['adjust_lr_fn']!r}")
        if len(options["ns_coefficients"]) != 3 or not 0 <= options["ns_steps"] < 100:
            raise ValueError(
                f"Muon: expected three ns_coefficients and fewer than 100 ns_steps, got {options['ns_coefficients']} "
                f"and {options['ns_steps']}"
            )

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {"momentum_buffer": zeros(p)}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, mu, velocity = options["lr"], options["momentum"], state["momentum_buffer"]
        velocity += like(weight, 1 - mu) * (gradient - velocity)
        step = gradient + like(weight, mu) * (velocity - gradient) if options["nesterov"] else velocity
        step = orthogonal(step, options["ns_coefficients"], options["ns_steps"], options["eps"])
        weight *= like(weight, 1 - lr * options["weight_decay"])
        weight -= like(weight, lr * ratio(options["adjust_lr_fn"], *weight.shape)) * step


def ratio(how: str | None, rows: int, columns: int) -> float:
    """What a rate is multiplied by for a matrix of such a shape."""
    if how == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / columns))


def orthogonal(x: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """A matrix with singular values near 1 in place of its own."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / np.maximum(np.sqrt((x * x).sum()), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
