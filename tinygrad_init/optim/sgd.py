"""Gradient descent, with momentum if asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .groups import Array, Group, Remembered, not_negative
from .optimizer import Optimizer, Parameters, like, single, slope, zeros


class SGD(Optimizer):
    """Gradient descent.

    v ← μ v + (1-τ) g, W ← W - η v (Polyak 1964, in PyTorch's form, where the first v is g); Nesterov (Sutskever et al.
    2013): W ← W - η (g + μ v). Weight decay λ adds λ W to g.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr, momentum, dampening, weight_decay
        η, μ, τ, λ.
    nesterov
        Look ahead; needs momentum, and no dampening.
    maximize
        Go uphill.
    foreach, differentiable, fused
        How PyTorch executes a step; nothing here depends on them, and `differentiable=True` is refused.
    """

    unsaved = frozenset({"started"})

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        *,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        execution = {"foreach": foreach, "differentiable": differentiable, "fused": fused}
        super().__init__(parameters, defaults | {"nesterov": nesterov, "maximize": maximize} | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        not_negative("SGD", momentum=options["momentum"], weight_decay=options["weight_decay"])
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov needs a momentum and no dampening, "
                f"got momentum={options['momentum']}, dampening={options['dampening']}"
            )

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        if options["momentum"] == 0 and "momentum" not in getattr(options, "live", ()):
            return {}
        return {"momentum_buffer": zeros(p), **({"started": single(0.0)} if options["dampening"] else {})}

    def fit(self, p: Tensor, state: Remembered, options: Group) -> None:
        if "momentum_buffer" in state and options["dampening"]:
            state.setdefault("started", single(1.0))
        super().fit(p, state, options)

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        lr, mu, dampening = options["lr"], options["momentum"], options["dampening"]
        live = hasattr(mu, "recorder")  # which a program reads at each run: it may be anything
        velocity = state["momentum_buffer"] if live or mu else None
        if not live and not dampening:
            gradient = -gradient if options["maximize"] else gradient
            kernels.sgd(weight, gradient, velocity, lr, mu, options["nesterov"], options["weight_decay"])
            return
        gradient = slope(weight, gradient, options)
        if velocity is not None:
            share: Any = 1.0
            if dampening:
                share, started = np.where(state["started"] > 0, 1 - dampening, 1.0), state["started"]
                started[...] = 1.0
            mu = like(weight, mu)
            velocity *= mu
            velocity += like(weight, share) * gradient
            gradient = gradient + mu * velocity if options["nesterov"] else velocity
        weight -= like(weight, lr) * gradient
