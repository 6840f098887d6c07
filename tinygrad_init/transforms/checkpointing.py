"""Checkpoints: a part of the forward pass keeps only its inputs, and is run again when backward comes to it.

Memory for time (Griewank and Walther 2000; Chen et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.gradients import grad
from ..engine.graph import NEEDS, OUT, OUT_BIT, Operation
from ..engine.modes import enable_grad, is_grad_enabled, mode, no_grad
from ..engine.tensor import Tensor
from ..trees import filled, leaves_of
from .custom import custom_op

MOST = 16  # tensors among the arguments: what a node can keep


def checkpoint(function: Callable[..., Any], *args: Any, parameters: Any = None, **options: Any) -> Any:
    """What a function gives, without keeping what backward will need: that is computed again when it is needed.

    In captured programs, whose memory is planned as a whole, the function is just called.

    Parameters
    ----------
    function
        From tensors to a tensor; a module is one. Called again it must do the same.
    args, options
        What it is called with. PyTorch's `use_reentrant` is taken and changes nothing.
    parameters
        Which other tensors that require grad the function depends on: all parameters, if it is a module.

    Returns
    -------
    Tensor
        As `function(*args)`, and its gradients are the same.

    Raises
    ------
    TypeError
        The function does not return one tensor.
    ValueError
        There are more than 16 tensors among the arguments.
    RuntimeError
        In backward: called again the function gave other numbers, since it draws at random or something that it
        depends on was changed in between.
    """
    options.pop("use_reentrant", None)
    others = list(parameters if parameters is not None else getattr(function, "parameters", list)())
    inputs = [x for x in leaves_of(args) if isinstance(x, Tensor)]
    if mode.trace is not None or not is_grad_enabled() or not any(x.requires_grad for x in (*inputs, *others)):
        return function(*args, **options)
    if len(inputs) > MOST:
        raise ValueError(f"checkpoint: expected at most {MOST} tensors among the arguments, got {len(inputs)}")

    def run(values: list[Tensor]) -> Tensor:
        """The function of other tensors in the places of its arguments."""
        rest = iter(values)
        given = filled(args, [next(rest) if isinstance(x, Tensor) else x for x in leaves_of(args)])
        found = function(*given, **options)
        if not isinstance(found, Tensor):
            raise TypeError(f"checkpoint: expected the function to return one tensor, got {type(found).__name__}")
        return found

    def forward(*arrays: Any) -> Any:
        with no_grad():
            return np.array(run(inputs).numpy())

    def rule(g: Tensor, out: Tensor, needs: tuple[bool, ...], *saved: Tensor) -> list[Any]:
        recording = is_grad_enabled()
        gate = _Gate()
        new = gate.behind if recording else _variable
        with enable_grad():
            values = [new(x) if need else x for x, need in zip(saved, needs, strict=False)]
            again = run(values)
            if not np.array_equal(again.numpy(), out.numpy(), equal_nan=True):
                raise RuntimeError(
                    "checkpoint: called again the function gave other numbers; it must not draw at random, and what it "
                    "depends on must not be changed between forward and backward"
                )
            wanted = [x for x, need in zip([*values, *others], needs, strict=True) if need]
            found = iter(grad(again, wanted, gradients=g, create_graph=recording))
            gate.opened = True
        return [next(found) if need else None for need in needs]

    plan = (-1, OUT, NEEDS, *range(len(inputs)))
    kept = OUT_BIT | ((1 << len(inputs)) - 1)
    name = f"checkpoint of {getattr(function, '__name__', type(function).__name__)}"
    op = Operation(
        name, "A part of the forward pass that is run again.", forward, (rule,), (plan,), (kept,), -1, (), (), True,
        False, False, -1, False, None,
    )  # fmt: skip
    return op(*inputs, *others)


class _Gate:
    """What keeps a gradient from going on to what an input is made of, another input or a parameter of the function.

    It is the derivative by each of them alone that the rule returns; the derivative of what it returns goes through.
    """

    def __init__(self) -> None:
        self.opened = False

    def behind(self, x: Tensor) -> Tensor:
        """The same numbers, as the result of an operation on them."""

        @custom_op(lambda g: g if self.opened else None)
        def gate(x: Any, /) -> Any:
            return x

        found: Tensor = gate(x)
        return found


def _variable(x: Tensor) -> Tensor:
    """A leaf with the same numbers."""
    leaf = x.detach()
    leaf.requires_grad = True
    return leaf
