"""Check gradients against finite differences, and say exactly where they differ.

The numeric derivative of Σ c·f(x) is (f(x + h) - f(x - h)) / 2h with fixed random weights c, so that wrong entries
cannot cancel in a plain sum. Where it disagrees, the two one-sided slopes at a much smaller step tell a kink (they stay
apart: any slope between them is a valid subgradient) from a wrong rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._engine.backward import grad
from ._engine.modes import enable_grad, no_grad
from ._engine.tensor import Tensor

Function = Callable[..., Tensor | Sequence[Tensor]]


class GradcheckError(AssertionError):
    """An analytic and a numeric derivative differ."""


def gradcheck(
    function: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    step: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    seed: int = 0,
    allow_float32: bool = False,
    name: str = "gradcheck",
) -> bool:
    """Compare the gradients that backward gives with central differences.

    Parameters
    ----------
    function
        From the inputs to a tensor or several.
    inputs
        Tensors; those that require grad are checked, element by element.
    step
        Half the distance of the two points of a central difference; scaled with the size of the element.
    atol, rtol
        Allowed difference: `atol + rtol * |numeric|`.
    seed
        Of the random weights that make one number of all outputs.
    allow_float32
        Check float32 inputs, too; `step` and tolerances must then be far larger to mean anything.

    Returns
    -------
    bool
        True. A derivative that differs raises.

    Raises
    ------
    GradcheckError
        Names the input, the index, the analytic and the numeric value.
    TypeError, ValueError
        An input is no tensor or is float32, or none requires grad.
    """
    tensors = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: expected input {i} to be a tensor, got {type(x).__name__}")
        if x.dtype == np.float32 and x.requires_grad and not allow_float32:
            raise TypeError(
                f"{name}: input {i} is float32, in which finite differences have about 3 digits; use float64, "
                "or allow_float32=True with a larger step and larger tolerances"
            )
    checked = [i for i, x in enumerate(tensors) if x.requires_grad]
    if not checked:
        raise ValueError(f"{name}: no input requires grad")

    weights = _weights(function, tensors, seed)
    leaves = [Tensor(x.numpy(), requires_grad=x.requires_grad) for x in tensors]
    total = _weighted(function(*leaves), weights)
    wanted = [leaves[i] for i in checked]
    live = total.requires_grad
    analytic = [g.numpy() for g in grad(total, wanted)] if live else [np.zeros(x.shape) for x in wanted]

    def value(arrays: list[np.ndarray[Any, Any]]) -> float:
        with no_grad():
            return _weighted(function(*[Tensor(a) for a in arrays]), weights).item()

    for i, derivative in zip(checked, analytic, strict=True):
        arrays = [np.array(x.numpy()) for x in tensors]
        for index in np.ndindex(*arrays[i].shape):
            _check_element(name, value, arrays, i, index, float(derivative[index]), step, atol, rtol)
    return True


def gradgradcheck(function: Function, inputs: Tensor | Sequence[Tensor], *, seed: int = 0, **options: Any) -> bool:
    """Compare gradients of gradients with central differences of gradients; arguments as in `gradcheck`.

    Also derivatives by the incoming cotangent are checked.
    """
    tensors = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(tensors) if isinstance(x, Tensor) and x.requires_grad]
    weights = _weights(function, tensors, seed)
    cotangents = [Tensor(w, requires_grad=True) for w in weights]

    def gradient(*arguments: Tensor) -> list[Tensor]:
        points = [
            Tensor(x.numpy(), requires_grad=True) if not x.requires_grad else x for x in arguments[: len(tensors)]
        ]
        outputs = _as_list(function(*points))
        live = [(y, w) for y, w in zip(outputs, arguments[len(tensors) :], strict=True) if y.requires_grad]
        if not live:
            return [Tensor(np.zeros(points[i].shape)) for i in checked]
        found = grad([y for y, _ in live], [points[i] for i in checked], True, gradients=[w for _, w in live])
        return list(found)

    def recorded(*arguments: Tensor) -> list[Tensor]:
        # Central differences call this inside no_grad; the first derivative itself needs the graph.
        with enable_grad():
            return gradient(*arguments)

    return gradcheck(recorded, [*tensors, *cotangents], seed=seed + 1, name="gradgradcheck", **options)


def _as_list(outputs: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


def _weights(function: Function, tensors: list[Tensor], seed: int) -> list[np.ndarray[Any, Any]]:
    """Random weights away from zero, one for each element of each output."""
    rng = np.random.default_rng(seed)
    outputs = _as_list(function(*tensors))
    return [rng.choice([-1.0, 1.0], y.shape) * rng.uniform(0.5, 1.5, y.shape) for y in outputs]


def _weighted(outputs: Tensor | Sequence[Tensor], weights: list[np.ndarray[Any, Any]]) -> Tensor:
    total = Tensor(0.0, np.float64)
    for y, w in zip(_as_list(outputs), weights, strict=True):
        total = total + (y.astype(np.float64) * Tensor(w)).sum()
    return total


def _check_element(
    name: str,
    value: Callable[[list[np.ndarray[Any, Any]]], float],
    arrays: list[np.ndarray[Any, Any]],
    i: int,
    index: tuple[int, ...],
    analytic: float,
    step: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare one derivative; at a kink any slope between the one-sided ones is right."""
    at = float(arrays[i][index])

    def shifted(h: float) -> tuple[float, float]:
        """The value at a point near by, and how far away that really is after rounding."""
        arrays[i][index] = at + h
        distance = float(arrays[i][index]) - at
        result = value(arrays)
        arrays[i][index] = at
        return result, distance

    def close(numeric: float, noise: float = 0.0) -> bool:
        return abs(analytic - numeric) <= atol + rtol * abs(numeric) + noise

    h = step * max(1.0, abs(at))
    (above, up), (below, down) = shifted(h), shifted(-h)
    numeric = (above - below) / (up - down)
    if close(numeric):
        return
    # A kink within the step, or a wrong rule? Look at both sides from much nearer.
    here, near = value(arrays), h / 64
    (above, up), (below, down) = shifted(near), shifted(-near)
    right, left = (above - here) / up, (below - here) / down
    noise = 8 * np.finfo(float).eps * (abs(here) + 1.0) / near
    low, high = min(left, right), max(left, right)
    kink = high - low > 4 * noise + 64 * near * (1.0 + abs(low) + abs(high))
    if kink and low - noise - atol <= analytic <= high + noise + atol:
        return
    if not kink and close(0.5 * (low + high), noise) and noise < max(atol, rtol * abs(numeric)) * 100:
        return
    raise GradcheckError(
        f"{name}: input {i}, index {index}: analytic {analytic:.9g}, numeric {numeric:.9g} "
        f"(at {at:.9g}, one-sided slopes {left:.9g} and {right:.9g})"
    )
