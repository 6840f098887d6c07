"""Gradient descent whose weights are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array, not_negative
from .optimizer import Optimizer, Parameters, like, single, slope, zeros


class ASGD(Optimizer):
    """Averaged gradient descent (Polyak and Juditsky 1992, in the form of Bottou 2010).

    W ← (1 - λη) W - η g with η = η₀ / (1 + λ η₀ t)^α; the average of W from step t₀ on stands under "ax" in `state`.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, lambd, alpha, t0
        η₀, λ, α, t₀.
    weight_decay
        Times W, added to g.
    maximize, foreach, differentiable, capturable
        As in `SGD` and `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        execution = {"foreach": foreach, "differentiable": differentiable, "capturable": capturable}
        super().__init__(parameters, defaults | {"maximize": maximize} | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        not_negative("ASGD", weight_decay=options["weight_decay"])

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        return {"step": single(), "eta": single(options["lr"]), "mu": single(1.0), "ax": zeros(p)}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, lambd = options["lr"], options["lambd"]
        t, eta, mu, average = (state[name] for name in ("step", "eta", "mu", "ax"))
        gradient = slope(weight, gradient, options)
        weight *= like(weight, 1 - lambd * eta)
        weight -= like(weight, eta) * gradient
        share = like(weight, mu)
        average[...] = np.where(share == 1, weight, average + (weight - average) * share)
        eta[...] = lr / (1 + lambd * lr * t) ** options["alpha"]
        mu[...] = 1 / np.maximum(t - options["t0"], 1.0)
