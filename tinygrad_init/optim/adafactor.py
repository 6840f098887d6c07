"""Steps scaled by squares of gradients that are remembered by rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array, not_negative
from .optimizer import Optimizer, Parameters, like, single, zeros


class Adafactor(Optimizer):
    """Adam's denominator from means along rows and columns, without momentum (Shazeer and Stern 2018, algorithm 4).

    With ω = tᶿ and ρ = min(η, 1/√t): R ← R + ω (mean g² of each row - R), C by columns alike, V = R Cᵀ / mean R;
    of vectors V ← V + ω (g² - V). U = g / max(√V, ε₁), W ← (1 - ηλ) W - max(ε₂, rms W) ρ U / max(1, rms U / d).

    Parameters
    ----------
    parameters
        As in `Optimizer`. Of more than two axes the last two are rows and columns.
    lr, beta2_decay, weight_decay
        η, θ, λ.
    eps
        (ε₁, ε₂); None for ε₁ is the spacing of numbers at 1 in the parameter's dtype.
    d
        The root of the mean square that steps are limited to.
    foreach
        How PyTorch executes a step; nothing here depends on it.
    maximize
        Go uphill.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay}
        super().__init__(parameters, defaults | {"foreach": foreach, "maximize": maximize})

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        eps = options["eps"]
        if not (isinstance(eps, tuple | list) and len(eps) == 2):
            raise ValueError(f"Adafactor: expected eps as two numbers, the first perhaps None, got {eps!r}")
        not_negative("Adafactor", weight_decay=options["weight_decay"], eps1=eps[0] or 0.0, eps2=eps[1])
        if not options["beta2_decay"] <= 0:
            raise ValueError(f"Adafactor: beta2_decay must not be positive, got {options['beta2_decay']}")
        if not options["d"] >= 1:
            raise ValueError(f"Adafactor: d must be at least 1, got {options['d']}")

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        if p.ndim < 2:
            return {"step": single(), "variance": zeros(p)}
        *lead, rows, columns = p.shape
        means = {"row_var": np.zeros((*lead, rows, 1), p.dtype), "col_var": np.zeros((*lead, 1, columns), p.dtype)}
        return {"step": single(), **means}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, t, (eps1, eps2) = options["lr"], state["step"], options["eps"]
        eps1 = float(np.finfo(weight.dtype).eps) if eps1 is None else eps1
        gradient = -gradient if options["maximize"] else gradient
        rate = np.maximum(root_mean_square(weight), eps2) * like(weight, np.minimum(1 / np.sqrt(t), lr))
        share = like(weight, t ** options["beta2_decay"])
        if options["weight_decay"]:
            weight *= like(weight, 1 - lr * options["weight_decay"])
        squares = gradient * gradient
        if weight.ndim < 2:
            variance = state["variance"]
            variance += share * (squares - variance)
        else:
            rows, columns = state["row_var"], state["col_var"]
            rows += share * (squares.mean(axis=-1, keepdims=True) - rows)
            columns += share * (squares.mean(axis=-2, keepdims=True) - columns)
            variance = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
        step = gradient / np.sqrt(np.maximum(variance, eps1 * eps1))
        weight -= rate / np.maximum(root_mean_square(step) / options["d"], 1.0) * step


def root_mean_square(x: Array) -> Array:
    """√(mean x²)."""
    return np.sqrt((x * x).mean())
