"""Steps by the signs of gradients alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array
from .optimizer import Optimizer, Parameters, single, zeros


class Rprop(Optimizer):
    """A step size for each weight, longer while its gradient keeps its sign (Riedmiller and Braun 1993).

    Where the sign has turned, the step is made shorter and the weight stays for once.

    Parameters
    ----------
    parameters
        As in `Optimizer`.
    lr
        The first step size.
    etas
        Factors of a step size after a turn and after none.
    step_sizes
        The smallest and the largest.
    maximize, foreach, differentiable, capturable
        As in `SGD` and `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        execution = {"capturable": capturable, "foreach": foreach, "differentiable": differentiable}
        super().__init__(parameters, defaults | execution)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        shorter, longer = options["etas"]
        if not 0 < shorter < 1 < longer:
            raise ValueError(f"Rprop: etas must be a factor in (0, 1) and one above 1, got {options['etas']}")

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        size = zeros(p)
        size += options["lr"]
        return {"step": single(), "prev": zeros(p), "step_size": size}

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        (shorter, longer), before, size = options["etas"], state["prev"], state["step_size"]
        gradient = -gradient if options["maximize"] else gradient
        agreement = gradient * before
        size *= np.where(agreement > 0, longer, np.where(agreement < 0, shorter, 1.0)).astype(weight.dtype)
        size[...] = np.clip(size, *options["step_sizes"])
        before[...] = np.where(agreement < 0, 0.0, gradient)
        weight -= np.where(before > 0, size, np.where(before < 0, -size, before))
