"""Steps scaled by running moments of the gradient: Adam and what has been made of it."""

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

    unsaved = frozenset({"powers"})

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
        # The kernel keeps β₁ᵗ and β₂ᵗ; beside them the betas that they are powers of.
        return {**found, "powers": np.array([1.0, 1.0, *options["betas"]])}

    def fit(self, p: Tensor, state: Remembered, options: Group) -> None:
        begun = "step" in state and state["step"] > 0
        super().fit(p, state, options)
        if options["amsgrad"] or "betas" in options.live:
            state.pop("powers", None)
        elif (begun and tuple(state["powers"][2:]) != options["betas"]) or (begun and state["powers"][0] == 1.0):
            betas = np.array(options["betas"])
            state["powers"][:] = [*betas ** state["step"], *betas]

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, betas, eps = options["lr"], options["betas"], options["eps"]
        if "powers" in state and not options["amsgrad"]:
            gradient = -gradient if options["maximize"] else gradient
            rule = (*betas, eps, options["weight_decay"], options["decoupled_weight_decay"])
            kernels.adam(weight, gradient, state["exp_avg"], state["exp_avg_sq"], state["powers"][:2], lr, *rule)
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


class Adamax(Moments):
    """Adam with the largest gradient in place of the root of v (Kingma and Ba 2015, algorithm 2).

    u ← max(β₂ u, |g| + ε), W ← W - η/(1-β₁ᵗ) m/u.

    Parameters are those of `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        execution = {"foreach": foreach, "differentiable": differentiable, "capturable": capturable}
        super().__init__(parameters, defaults | execution)

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {"step": single(), "exp_avg": zeros(p), "exp_inf": zeros(p)}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        beta1, beta2 = options["betas"]
        m, largest = state["exp_avg"], state["exp_inf"]
        gradient = slope(weight, gradient, options)
        m *= like(weight, beta1)
        m += like(weight, 1 - beta1) * gradient
        largest[...] = np.maximum(like(weight, beta2) * largest, np.abs(gradient) + options["eps"])
        weight -= like(weight, options["lr"] / (1 - beta1 ** state["step"])) * m / largest


class NAdam(Moments):
    """Adam with Nesterov's momentum (Dozat 2016).

    With μₜ = β₁ (1 - 0.96^(tψ)/2): W ← W - η ((1-μₜ)/(1-∏μ) g + μₜ₊₁/(1-∏μ μₜ₊₁) m) / (√v̂ + ε).

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, betas, eps, weight_decay, decoupled_weight_decay, maximize, foreach, capturable, differentiable
        As in `Adam`.
    momentum_decay
        ψ.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        more = {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        execution = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        super().__init__(parameters, defaults | more | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        not_negative("NAdam", momentum_decay=options["momentum_decay"])

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {**super().start(p, options), "mu_product": single(1.0)}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, (beta1, beta2), psi = options["lr"], options["betas"], options["momentum_decay"]
        t, product = state["step"], state["mu_product"]
        gradient = decayed(weight, gradient, options)
        now, following = (beta1 * (1 - 0.5 * 0.96 ** (u * psi)) for u in (t, t + 1))
        product *= now
        m, v = moments(weight, gradient, state, (beta1, beta2))
        denominator = np.sqrt(v / like(weight, 1 - beta2**t)) + options["eps"]
        weight -= like(weight, lr * (1 - now) / (1 - product)) * gradient / denominator
        weight -= like(weight, lr * following / (1 - product * following)) * m / denominator


class RAdam(Moments):
    """Adam with a rectified variance (Liu et al. 2020, algorithm 2).

    Plain momentum steps m̂ while the moving average of squares is too short, ρₜ ≤ 5; then m̂ r √(1-β₂ᵗ) / (√v + ε).

    Parameters are those of `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        execution = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        super().__init__(parameters, defaults | {"decoupled_weight_decay": decoupled_weight_decay} | execution)

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        (beta1, beta2), t = options["betas"], state["step"]
        gradient = decayed(weight, gradient, options)
        m, v = moments(weight, gradient, state, (beta1, beta2))
        unbias2 = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / unbias2
        # Where it is too short the root is of a negative number, and not used.
        rectifier = np.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        adapted = like(weight, rectifier * np.sqrt(unbias2)) / (np.sqrt(v) + options["eps"])
        factor = np.where(like(weight, length) > 5, adapted, 1.0)
        weight -= like(weight, options["lr"] / (1 - beta1**t)) * m * factor
