"""Steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .groups import Array, Group, Remembered, between_zero_and_one, not_negative
from .optimizer import Optimizer, Parameters, like, single, slope, zeros


class Moments(Optimizer):
    """What rules with two moments have in common: m ← β₁ m + (1-β₁) g, v ← β₂ v + (1-β₂) g²."""

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        owner = type(self).__name__
        not_negative(owner, eps=options["eps"], weight_decay=options["weight_decay"])
        between_zero_and_one(owner, options["betas"])

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {"step": single(), "exp_avg": zeros(p), "exp_avg_sq": zeros(p)}


def decayed(weight: Array, gradient: Array, options: Mapping[str, Any]) -> Array:
    """The gradient to go by; decoupled weight decay makes the weight smaller at once (Loshchilov and Hutter 2019)."""
    if not options["decoupled_weight_decay"]:
        return slope(weight, gradient, options)
    if options["weight_decay"]:
        weight *= like(weight, 1 - options["lr"] * options["weight_decay"])
    return -gradient if options["maximize"] else gradient


def moments(weight: Array, gradient: Array, state: Mapping[str, Array], betas: tuple[Any, Any]) -> tuple[Array, Array]:
    """The moments after one more gradient."""
    m, v = state["exp_avg"], state["exp_avg_sq"]
    m *= like(weight, betas[0])
    m += like(weight, 1 - betas[0]) * gradient
    v *= like(weight, betas[1])
    v += like(weight, 1 - betas[1]) * gradient * gradient
    return m, v


class Adam(Moments):
    """Steps scaled by running moments of the gradient (Kingma and Ba 2015, algorithm 1).

    m ← β₁ m + (1-β₁) g, v ← β₂ v + (1-β₂) g², W ← W - η m̂ / (√v̂ + ε) with m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ).
    Weight decay λ adds λ W to g; `AdamW` decouples it.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, betas, eps, weight_decay
        η, (β₁, β₂), ε, λ.
    amsgrad
        Divide by the largest v so far (Reddi et al. 2018).
    maximize
        Go uphill.
    foreach, capturable, differentiable, fused
        How PyTorch executes a step; nothing here depends on them, and `differentiable=True` is refused.
    decoupled_weight_decay
        As in `AdamW`.
    """

    unsaved = frozenset({"powers", "betas"})

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        more = {"maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}
        execution = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused}
        super().__init__(parameters, defaults | more | execution)

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        found = super().start(p, options)
        if options["amsgrad"]:
            return {**found, "max_exp_avg_sq": zeros(p)}
        return {**found, "powers": np.ones(2), "betas": np.array(options["betas"])}  # β₁ᵗ and β₂ᵗ, for the kernel

    def fit(self, p: Tensor, state: Remembered, options: Group) -> None:
        known = "powers" in state and tuple(state["betas"]) == options["betas"]
        super().fit(p, state, options)
        if options["amsgrad"] or "betas" in options.live:
            state.pop("powers", None)
        elif not known:  # what they are powers of has changed, or another program has saved the rest
            state["betas"][:] = options["betas"]
            state["powers"][:] = state["betas"] ** state["step"]

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, betas, eps = options["lr"], options["betas"], options["eps"]
        if "powers" in state:
            gradient = -gradient if options["maximize"] else gradient
            rule = (*betas, eps, options["weight_decay"], options["decoupled_weight_decay"])
            kernels.adam(weight, gradient, state["exp_avg"], state["exp_avg_sq"], state["powers"], lr, *rule)
            return
        gradient = decayed(weight, gradient, options)
        m, v = moments(weight, gradient, state, betas)
        if options["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest[...] = np.maximum(largest, v)
            v = largest
        t = state["step"]
        unbias = like(weight, np.sqrt(1 - betas[1] ** t))
        weight -= like(weight, lr / (1 - betas[0] ** t)) * m / (np.sqrt(v) / unbias + eps)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: W ← (1 - ηλ) W first (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            parameters, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
            capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip


class SparseAdam(Optimizer):
    """Not to be had: PyTorch's rule for gradients that name only some rows of a table."""

    def __init__(self, *values: Any, **options: Any) -> None:
        raise NotImplementedError(
            "SparseAdam: gradients are whole arrays here, and never sparse; Adam moves all rows of a table"
        )
