"""Steps scaled by past squares of the gradient: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array, Remembered, not_negative
from .optimizer import Optimizer, Parameters, like, single, slope, zeros


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squares (Duchi et al. 2011).

    s ← s + g², W ← W - η/(1 + (t-1) κ) g / (√s + ε).

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, lr_decay, eps
        η, κ, ε.
    weight_decay
        Times W, added to g.
    initial_accumulator_value
        The first s.
    maximize, foreach, differentiable, fused
        As in `SGD`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        execution = {"foreach": foreach, "differentiable": differentiable, "fused": fused}
        super().__init__(parameters, defaults | {"initial_accumulator_value": initial_accumulator_value} | execution)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:  # here and in PyTorch from the beginning, and not with the first gradient
            self.state[p] = Remembered(self.start(p, group))

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        names = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        not_negative("Adagrad", **{name: options[name] for name in names})

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        total = zeros(p)
        total += options["initial_accumulator_value"]
        return {"step": single(), "sum": total}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        total = state["sum"]
        gradient = slope(weight, gradient, options)
        total += gradient * gradient
        rate = like(weight, options["lr"] / (1 + (state["step"] - 1) * options["lr_decay"]))
        weight -= rate * gradient / (np.sqrt(total) + options["eps"])


class Adadelta(Optimizer):
    """Steps in the units of the weights (Zeiler 2012, algorithm 1).

    v ← ρ v + (1-ρ) g², Δ = √(u + ε)/√(v + ε) g, u ← ρ u + (1-ρ) Δ², W ← W - η Δ.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, rho, eps
        η, ρ, ε.
    weight_decay
        Times W, added to g.
    maximize, foreach, differentiable, capturable
        As in `SGD` and `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        execution = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        super().__init__(parameters, defaults | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        not_negative("Adadelta", eps=options["eps"], weight_decay=options["weight_decay"])
        if not 0 <= options["rho"] <= 1:
            raise ValueError(f"Adadelta: rho must lie in [0, 1], got {options['rho']}")

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {"step": single(), "square_avg": zeros(p), "acc_delta": zeros(p)}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        rho, eps = options["rho"], options["eps"]
        squares, moved = state["square_avg"], state["acc_delta"]
        gradient = slope(weight, gradient, options)
        squares *= rho
        squares += (1 - rho) * gradient * gradient
        delta = np.sqrt(moved + eps) / np.sqrt(squares + eps) * gradient
        moved *= rho
        moved += (1 - rho) * delta * delta
        weight -= like(weight, options["lr"]) * delta


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squares (Hinton, lecture 6e of 2012).

    v ← α v + (1-α) g², W ← W - η g / (√v + ε). Centered (Graves 2013): the running mean of g, squared, is taken from v
    first. Momentum: b ← μ b + g / (√v + ε), W ← W - η b.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, alpha, eps, momentum, centered
        η, α, ε, μ, and whether v is a variance.
    weight_decay
        Times W, added to g.
    maximize, foreach, differentiable, capturable
        As in `SGD` and `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        more = {"weight_decay": weight_decay, "maximize": maximize}
        execution = {"capturable": capturable, "foreach": foreach, "differentiable": differentiable}
        super().__init__(parameters, defaults | more | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        names = ("alpha", "eps", "weight_decay", "momentum")
        not_negative("RMSprop", **{name: options[name] for name in names})

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        found = {"step": single(), "square_avg": zeros(p)}
        if options["momentum"]:
            found["momentum_buffer"] = zeros(p)
        if options["centered"]:
            found["grad_avg"] = zeros(p)
        return found

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        alpha, lr = options["alpha"], like(weight, options["lr"])
        squares = state["square_avg"]
        gradient = slope(weight, gradient, options)
        squares *= alpha
        squares += (1 - alpha) * gradient * gradient
        variance: Array = squares
        if options["centered"]:
            mean = state["grad_avg"]
            mean *= alpha
            mean += (1 - alpha) * gradient
            variance = squares - mean * mean
        step = gradient / (np.sqrt(variance) + options["eps"])
        if "momentum_buffer" in state:
            velocity = state["momentum_buffer"]
            velocity *= like(weight, options["momentum"])
            velocity += step
            step = velocity
        weight -= lr * step
