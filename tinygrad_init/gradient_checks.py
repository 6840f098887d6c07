"""Check gradients against finite differences, and say exactly where they differ.

The numeric derivative of Σ c·f(x) is (f(x + h) - f(x - h)) / 2h with fixed random weights c, so that wrong entries
cannot cancel in a plain sum. Where it disagrees, the two one-sided slopes at a much smaller step tell a kink (they stay
apart: any slope between them is a valid subgradient) from a wrong rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .engine.backward import differentiate
from .engine.gradients import grad
from .engine.modes import enable_grad, no_grad
from .engine.tensor import Tensor

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
        Half the distance of the two points of a central difference; at least 1e-9 of the element's size.
    atol, rtol
        Allowed difference: `atol + rtol * |numeric|`, and what rounding of the outputs does to the numeric value.
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
        An input is no tensor or is float32, none requires grad, or the function ignores all of them.
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

    with enable_grad():
        leaves = [Tensor(x.numpy(), requires_grad=x.requires_grad) for x in tensors]
        outputs = _as_list(function(*leaves))
        here = [y.numpy().astype(np.float64) for y in outputs]
        weights = _weights(here, seed)
        live = [(y, Tensor(w, y.dtype)) for y, w in zip(outputs, weights, strict=True) if y.requires_grad]
        wanted = [leaves[i] for i in checked]
        found: list[Any] = [None] * len(wanted)
        if live:
            found = differentiate([y for y, _ in live], [w for _, w in live], wanted, False, False)
            if all(g is None for g in found):
                raise ValueError(
                    f"{name}: the outputs depend on other tensors but not on the inputs: use the arguments"
                )
    analytic = [np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(found, wanted, strict=True)]
    # What rounding can do to a weighted sum of outputs; divided by a step, to a slope.
    rounding = (
        4
        * max(float(np.finfo(y.dtype).eps) for y in outputs)
        * sum(float(np.abs(w * y).sum()) for w, y in zip(weights, here, strict=True))
    )

    def value(arrays: list[np.ndarray[Any, Any]]) -> float:
        """How far the weighted sum of the outputs is from that at the inputs, element by element: nothing cancels."""
        with no_grad():
            now = _as_list(function(*[Tensor(a) for a in arrays]))
        return float(sum(np.sum(w * (y.numpy() - y0)) for w, y, y0 in zip(weights, now, here, strict=True)))

    for i, derivative in zip(checked, analytic, strict=True):
        arrays = [np.array(x.numpy()) for x in tensors]
        for index in np.ndindex(*arrays[i].shape):
            _check_element(name, value, arrays, i, index, float(derivative[index]), step, atol, rtol, rounding)
    return True


def gradgradcheck(function: Function, inputs: Tensor | Sequence[Tensor], *, seed: int = 0, **options: Any) -> bool:
    """Compare gradients of gradients with central differences of gradients; arguments as in `gradcheck`.

    Also derivatives by the incoming cotangent are checked.
    """
    tensors = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(tensors) if isinstance(x, Tensor) and x.requires_grad]
    with no_grad():
        outputs = _as_list(function(*tensors))
    weights = _weights([y.numpy() for y in outputs], seed)
    cotangents = [Tensor(w, y.dtype, requires_grad=True) for w, y in zip(weights, outputs, strict=True)]

    def gradient(*arguments: Tensor) -> list[Tensor]:
        points = [
            Tensor(x.numpy(), requires_grad=True) if not x.requires_grad else x for x in arguments[: len(tensors)]
        ]
        outputs = _as_list(function(*points))
        live = [(y, w) for y, w in zip(outputs, arguments[len(tensors) :], strict=True) if y.requires_grad]
        if not live:
            return [Tensor(np.zeros(points[i].shape)) for i in checked]
        ends, weights = zip(*live, strict=True)
        return list(grad(ends, [points[i] for i in checked], gradients=weights, create_graph=True))

    def recorded(*arguments: Tensor) -> list[Tensor]:
        # Central differences call this inside no_grad; the first derivative itself needs the graph.
        with enable_grad():
            return gradient(*arguments)

    return gradcheck(recorded, [*tensors, *cotangents], seed=seed + 1, name="gradgradcheck", **options)


def _as_list(outputs: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


def _weights(outputs: list[np.ndarray[Any, Any]], seed: int) -> list[np.ndarray[Any, Any]]:
    """Random weights away from zero, one for each element of each output."""
    rng = np.random.default_rng(seed)
    return [rng.choice([-1.0, 1.0], y.shape) * rng.uniform(0.5, 1.5, y.shape) for y in outputs]


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
    rounding: float,
) -> None:
    """Compare one derivative; at a kink any slope between the one-sided ones is right."""
    at = float(arrays[i][index])

    def slope(h: float) -> tuple[float, float]:
        """The value at a point near by over how far away that really is after rounding, and what rounding did to it."""
        arrays[i][index] = at + h
        distance = float(arrays[i][index]) - at
        change = value(arrays)
        arrays[i][index] = at
        return change / distance, rounding / abs(distance)

    h = max(step, 1e-9 * abs(at))
    (right, noise), (left, _) = slope(h), slope(-h)
    numeric = 0.5 * (left + right)
    allowed = atol + rtol * abs(numeric)
    if noise > 30 * allowed:
        raise GradcheckError(
            f"{name}: input {i}, index {index}: the outputs are so large that rounding may be {noise:.2g} of a slope "
            f"of {numeric:.3g}, and would hide errors; subtract a constant from them, or use a larger step or tolerance"
        )
    if abs(analytic - numeric) <= allowed + noise:
        return
    # A kink within the step, or a wrong rule? Look at both sides from much nearer.
    (right, noise), (left, _) = slope(h / 64), slope(-h / 64)
    low, high = min(left, right), max(left, right)
    at_a_kink = high - low > 4 * noise + h * (1.0 + abs(low) + abs(high))
    near_a_kink = abs(numeric - 0.5 * (left + right)) > 4 * noise + allowed
    if at_a_kink and low - noise - allowed <= analytic <= high + noise + allowed:
        return
    if near_a_kink and not at_a_kink and abs(analytic - 0.5 * (left + right)) <= allowed + noise:
        return
    raise GradcheckError(
        f"{name}: input {i}, index {index}: analytic {analytic:.9g}, numeric {numeric:.9g} "
        f"(at {at:.9g}, one-sided slopes {left:.9g} and {right:.9g})"
    )
