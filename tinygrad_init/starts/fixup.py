"""Starts for residual networks, x + branch(x), in which plain sums double the variance at every block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..activations import activation
from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from ..init.distributions import zeros_
from ..init.drawing import Generator
from ..init.scaling import kaiming_normal_
from ..nn import Module, linear_maps
from .linear_maps import named_linear_maps, without_biases


def fixup_(
    model: Module,
    rng: Generator,
    classifier: Module | None = None,
    start: Callable[[Tensor, Generator], Tensor] = kaiming_normal_,
) -> dict[str, float]:
    """Start a residual network without normalization (Zhang et al. 2019, "Fixup").

    With L branches of m linear maps each, the last map of a branch starts as 0 and the others are multiplied by
    L^(-1/(2m - 2)), so that an update of all branches together changes the output as much as one of a single layer.
    Maps outside branches keep their standard start, biases are 0. Where an activation that is flat at 0, such as ReLU,
    comes after the last map in the branch, zeros would never get a gradient: it is multiplied by L^(-1/2) instead, with
    which the sum of all branches has the variance of one.

    Parameters
    ----------
    model
        Every module in it with an attribute `branch` (itself a module) is a residual block. A map in nested blocks
        belongs to the innermost. "Last" is by the order in which modules are found.
    rng
        A generator or a seed.
    classifier
        The linear map before the loss, which starts as 0, too (rule 1 of the paper); None leaves it as it is.
    start
        The standard start of a weight; He's unless given.

    Returns
    -------
    dict
        The factor of each linear map inside a branch, by name.

    Notes
    -----
    The paper's third rule, a scalar bias before and a scalar multiplier inside each branch, is one of architecture.

    Raises
    ------
    TypeError
        There is no residual block with a linear map, or the classifier has no weight.
    """
    generator = np.random.default_rng(rng)
    if classifier is not None and not isinstance(getattr(classifier, "weight", None), Tensor):
        raise TypeError(f"fixup_: expected a classifier with a weight, got {classifier!r}")
    names = {id(module): name for name, module in named_linear_maps(model)}
    owner: dict[int, int] = {}
    flat: set[int] = set()
    for _, module in model.named_modules():  # outer blocks come first, so that inner ones have the last word
        if isinstance(branch := getattr(module, "branch", None), Module):
            owner |= {id(inner): id(module) for _, inner in branch.named_modules() if id(inner) in names}
            flat |= {id(inner) for inner, phi in linear_maps(branch) if phi is not None and is_flat_at_zero(phi)}
    if not owner:
        raise TypeError("fixup_: expected modules with an attribute `branch` that has linear maps; found none")
    branches: dict[int, list[Any]] = {}
    for _, module in named_linear_maps(model):
        start(module.weight, generator)
        if id(module) in owner:
            branches.setdefault(owner[id(module)], []).append(module)
    without_biases(model)
    factors: dict[str, float] = {}
    for maps in branches.values():
        for module in maps[:-1]:
            factor = factors[names[id(module)]] = len(branches) ** (-1.0 / (2 * len(maps) - 2))
            with no_grad():
                module.weight.copy_(module.weight * factor)
        last = len(branches) ** -0.5 if id(maps[-1]) in flat else 0.0
        factors[names[id(maps[-1])]] = last
        with no_grad():
            maps[-1].weight.copy_(maps[-1].weight * last)
    if classifier is not None:
        zeros_(classifier.weight)  # type: ignore[attr-defined]
    return factors


def is_flat_at_zero(phi: Module) -> bool:
    """Whether an activation has no slope at 0."""
    return not activation(phi).slope(np.zeros((1, 1))).any()
