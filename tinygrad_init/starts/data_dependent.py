"""Starts that look at data: unit variance of every layer's output, and balanced updates.

They run the model and observe its linear maps, so they work for any module, in the order in which it calls them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.samples import same_length
from ..engine.gradients import grad
from ..engine.modes import enable_grad, no_grad
from ..engine.tensor import Tensor
from ..init.distributions import fill
from ..init.drawing import Generator
from ..init.structured import orthogonal_
from ..nn.module import Module
from ..nn.observing import undisturbed
from ..ops.losses import loss_of
from .linear_maps import Array, bias_of, named_linear_maps, outputs, without_biases


@dataclass(frozen=True)
class LayerReport:
    """What was reached at one linear map.

    Attributes
    ----------
    name
        Of the module.
    steps
        How often it was scaled.
    std
        Of its output over everything.
    across_samples
        The standard deviation from sample to sample of one unit's output, root mean square over units: what is left of
        the input. Where it is much smaller than `std`, units differ and samples do not.
    reached
        Whether the target was.
    """

    name: str
    steps: int
    std: float
    across_samples: float
    reached: bool


def lsuv_(model: Module, x: Any, rng: Generator = 0, tolerance: float = 0.02, max_steps: int = 10) -> list[LayerReport]:
    """Layer-sequential unit-variance start (Mishkin and Matas 2016, algorithm 1).

    Orthogonal weights and zero biases; then, layer by layer from the input on, the weight is divided by the standard
    deviation of its output on a batch until the variance is 1.

    Parameters
    ----------
    model
        Any; its linear maps are the modules with a weight of at least two axes.
    x
        A batch, as the model takes it.
    rng
        A generator or a seed, for the orthogonal matrices.
    tolerance
        How far the variance may be from 1.
    max_steps
        How often a layer is scaled at most.

    Returns
    -------
    list of LayerReport
        In the order of the calls.

    Warns
    -----
    RuntimeWarning
        A layer cannot reach it (its output is 0 or not finite, or steps run out) or is never called; it is named and
        left as it is.
    """
    _at_least_0("lsuv_", max_steps)
    generator = np.random.default_rng(rng)
    for _, module in named_linear_maps(model):
        orthogonal_(module.weight, generator)
    without_biases(model)
    reports = []
    for name, module in _called(model, x):
        for steps in range(max_steps + 1):
            found = outputs(model, x)[id(module)]
            variance = _variance(found)
            reached = abs(variance - 1.0) <= tolerance
            if reached or steps == max_steps or not (math.isfinite(variance) and variance > 0):
                break
            with no_grad():
                module.weight.copy_(module.weight * variance**-0.5)
        if not reached:
            _warn("lsuv_", name, f"the variance of its output is {variance:.3g} after {steps} steps, not 1")
        reports.append(_report(name, module, steps, found, reached))
    return reports


def data_dependent_(model: Module, x: Any, tolerance: float = 1e-3) -> list[LayerReport]:
    """Every channel of every linear map with mean 0 and variance 1 on a batch (Krähenbühl et al. 2016, algorithm 1).

    The model keeps its directions (random, or from PCA or k-means as in the paper): weights of a channel are divided by
    the standard deviation of its output, and the bias takes away the mean, layer by layer from the input on.

    Parameters
    ----------
    model
        Any; its linear maps are the modules with a weight of at least two axes. Channels are the last axis of an
        output, after kernels with a window the second. Without a bias the mean stays.
    x
        A batch, as the model takes it.
    tolerance
        How far the standard deviation of a channel may be from 1 afterwards.

    Returns
    -------
    list of LayerReport
        In the order of the calls.

    Warns
    -----
    RuntimeWarning
        Channels are constant on the batch, or their scale does not answer to the weight; the layer is named.

    Raises
    ------
    TypeError
        No axis of a weight has the size of the output's channels.
    """
    reports = []
    for name, module in _called(model, x):
        mean, std = _channels(module, outputs(model, x)[id(module)])
        constant = ~(np.isfinite(std) & (std > 1e-12 * (1.0 + np.abs(mean))))
        scale = 1.0 / np.where(constant, 1.0, std)
        weight, bias = module.weight, bias_of(module)
        if hasattr(module, "from_units"):  # a convolution, whose channels may lie on another axis
            fill(weight, module.from_units(module.by_unit(weight.numpy()) * scale[:, None]))
        else:
            fill(weight, weight.numpy() * scale.reshape(-1, *[1] * (weight.ndim - 1)))
        if bias is not None:
            fill(bias, np.where(constant, bias.numpy(), (bias.numpy() - mean) * scale))
        if constant.any():
            _warn("data_dependent_", name, f"{constant.sum()} of {constant.size} channels are constant on the batch")
        found = outputs(model, x)[id(module)]
        off = np.abs(_channels(module, found)[1] - 1.0)[~constant]
        if np.any(off > tolerance):
            _warn("data_dependent_", name, f"standard deviations are off by {off.max():.3g} after scaling")
        reports.append(_report(name, module, 1, found, not constant.any() and not np.any(off > tolerance)))
    return reports


def balance_(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Callable[[Tensor, Any], Tensor],
    tolerance: float = 0.01,
    max_steps: int = 100,
) -> dict[str, float]:
    """Scale weights until every layer learns at the same rate: equal ‖∂C/∂W‖/‖W‖ (Krähenbühl et al. 2016, sec. 3.2).

    A layer's weight is multiplied by r = (its rate / the geometric mean of all rates)^(1/2). The product of the factors
    is 1, so a chain of linear maps and ReLU computes what it did before; the gradient of the layer is divided by r, its
    rate by r², and one step is enough. Other networks take more steps, and shorter ones where those overshoot. Biases
    go along with the factors of the layers up to theirs.

    Parameters
    ----------
    model
        Any; its linear maps are the modules with a weight of at least two axes.
    x, y, loss
        A batch and what is minimized: the name of a loss, or a function so that `loss(model(x), y)` is one number.
    tolerance
        How far a rate may be from the geometric mean, as a share of it.
    max_steps
        How often all layers are scaled at most.

    Returns
    -------
    dict
        The rate of each layer in the end, by name in the order of the calls. Times the learning rate it is the update
        as a share of the weight.

    Warns
    -----
    RuntimeWarning
        A layer has no gradient or no weights and is left as it is, or steps run out; layers are named.

    Raises
    ------
    TypeError, ValueError
        x and y differ in length, or there is no such loss.
    """
    _at_least_0("balance_", max_steps)
    same_length("balance_", x, y)
    function = loss_of(loss)
    maps = _called(model, x)
    least, damping = math.inf, 1.0
    for steps in range(max_steps + 1):
        rates = _rates(maps, model, x, y, function)
        alive = np.isfinite(rates) & (rates > 0)
        logs = np.log(np.where(alive, rates, 1.0))
        # In logarithms; 0 for a layer that has no rate, which so keeps its weights.
        off = np.where(alive, logs - np.sum(logs) / max(np.sum(alive), 1), 0.0)
        worst = float(np.max(np.abs(np.expm1(off))))
        if worst <= tolerance or steps == max_steps:
            break
        damping, least = damping if worst < least else damping / 2, min(least, worst)
        factors = np.exp(0.5 * damping * off)
        for (_, module), factor, product in zip(maps, factors, np.cumprod(factors), strict=True):
            fill(module.weight, module.weight.numpy() * factor)
            if (bias := bias_of(module)) is not None:
                fill(bias, bias.numpy() * product)
    for (name, _), ok in zip(maps, alive, strict=True):
        if not ok:
            _warn("balance_", name, "it has no gradient or no weights")
    if worst > tolerance:
        name = maps[int(np.argmax(np.abs(off)))][0]
        _warn("balance_", name, f"its rate is off by {worst:.3g} of the geometric mean after {steps} steps")
    return {name: float(rate) for (name, _), rate in zip(maps, rates, strict=True)}


def _rates(maps: list[tuple[str, Any]], model: Module, x: Any, y: Any, loss: Callable[[Tensor, Any], Tensor]) -> Array:
    """‖∂C/∂W‖/‖W‖ of each linear map; NaN for a weight that is 0."""
    frozen = [module.weight for _, module in maps if not module.weight.requires_grad]
    for weight in frozen:
        weight.requires_grad = True
    try:
        with enable_grad(), undisturbed(model):
            gradients = grad(loss(model(x), y), [module.weight for _, module in maps])
    finally:
        for weight in frozen:
            weight.requires_grad = False
    norms = np.array(
        [
            [np.linalg.norm(np.asarray(t.numpy(), np.float64)) for t in (gradient, module.weight)]
            for gradient, (_, module) in zip(gradients, maps, strict=True)
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(norms[:, 1] > 0, norms[:, 0] / norms[:, 1], np.nan)


def _called(model: Module, x: Any) -> list[tuple[str, Any]]:
    """The linear maps in the order of their first calls; the others are named in a warning."""
    maps = {id(module): (name, module) for name, module in named_linear_maps(model)}
    order = outputs(model, x)
    for key in maps.keys() - order.keys():
        _warn("a start from data", maps[key][0], "the model does not call it")
    return [maps[key] for key in order]


def _variance(found: list[Array]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.var(np.concatenate([array.ravel() for array in found])))


def _by_channel(module: Any, found: list[Array]) -> Array:
    """Outputs as a matrix (everything else, channels)."""
    axis = 1 if module.weight.ndim > 2 else -1
    return np.concatenate([np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]) for a in found])


def _channels(module: Any, found: list[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel."""
    values = _by_channel(module, found)
    with np.errstate(over="ignore", invalid="ignore"):
        return values.mean(axis=0), values.std(axis=0)


def _report(name: str, module: Any, steps: int, found: list[Array], reached: bool) -> LayerReport:
    _, std = _channels(module, found)
    return LayerReport(name, steps, math.sqrt(_variance(found)), float(np.sqrt(np.mean(std**2))), reached)


def _at_least_0(who: str, steps: int) -> None:
    if steps < 0:
        raise ValueError(f"{who}: max_steps must not be negative, got {steps}")


def _warn(who: str, name: str, what: str) -> None:
    warnings.warn(f"{who}: {name or 'the model'}: {what}", RuntimeWarning, stacklevel=3)
