"""A call of a module as the way back sees it: its gradients come in together, and go out together.

Backward goes from tensor to tensor and knows no modules. So all that goes into a call, and all that comes out of it,
passes a gate: a node that the tensors depend on and that depends on them, so that it is reached once all of their
cotangents are known. Those are handed over beside the graph; through it goes a zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.graph import Operation
from ..engine.modes import is_grad_enabled, mode
from ..engine.tensor import Tensor, apply

Cotangents = list[Any]


def _through(came: Cotangents, i: int) -> Operation:
    """A tensor as it is, behind a gate; its cotangent is kept before the rule is asked."""

    def beside(g: Tensor) -> Tensor:
        """nothing: the cotangent is handed over beside the graph"""
        if came[i] is None:
            raise NotImplementedError(
                "a module with backward hooks is differentiated by backward alone; remove the hooks to push tangents "
                "or to look into the graph"
            )
        return Tensor(0.0, np.float64)

    return Operation(
        "through", "A tensor as it is, behind a gate.", lambda x, gate: x, (None, beside), ((), (-1,)), (0, 0), 2, (),
        (), False, False, True, -1, False, None,
    )  # fmt: skip


def _gated(
    name: str, tensors: Sequence[Tensor], pull: Callable[[Cotangents], Cotangents], inner: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """A gate, and the same tensors behind it: backward gives their cotangents to a function and goes on with others.

    Parameters
    ----------
    pull
        From the cotangents, None where none came, to others.
    inner
        A gate that is further in: backward comes there, too, even if it brings nothing from here.
    """
    if mode.trace is not None and mode.trace.recorder is mode.trace:  # of `vmap`, not of `capture`
        mode.trace.refuse(f"the gradients of {name}, by backward hooks")
    came: Cotangents = [None] * len(tensors)
    more = 0 if inner is None else 1

    def rule(g: Tensor) -> Cotangents:
        """the cotangents that came to the tensors behind the gate, after the hooks"""
        found = list(came)
        came[:] = [None] * len(came)
        return [*pull(found), *[g] * more]

    def keep(i: int) -> Callable[[Tensor], None]:
        return lambda g: came.__setitem__(i, g)

    op = Operation(
        name, "What goes into a module, or comes out of it.", lambda *arrays: np.zeros(()), (rule,), ((-1,),), (0,), -1,
        (), (), True, False, False, -1, False, None,
    )  # fmt: skip
    gate = apply(op, tuple(tensors) if inner is None else (*tensors, inner), ())
    passed = [apply(_through(came, i), (x, gate), ()) for i, x in enumerate(tensors)]
    for i, x in enumerate(passed):
        x.register_hook(keep(i))  # and a walk that meets hooks goes by the rules: see `programs/replay.py`
    return gate, passed


class Crossing:
    """One call of a module whose backward hooks want to know its gradients.

    It is held by the graph, so it holds no tensor of it.
    """

    def __init__(self, module: Any, before: list[Callable[..., Any]], after: list[Callable[..., Any]]) -> None:
        self.module, self.before, self.after = module, before, after
        self.inputs: tuple[Any, ...] = ()  # shape and dtype of each, None of what is no tensor
        self.outputs: tuple[Any, ...] = ()
        self.ways_in: list[int] = []  # the places of those that require grad
        self.ways_out: list[int] = []
        self.grad_output: tuple[Any, ...] | None = None  # while backward is inside of the module

    def entered(self, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Tensor | None]:
        """The inputs behind a gate, and the gate if there is need of one."""
        self.inputs, self.ways_in = _described(inputs), _learning(inputs)
        if not self.ways_in:
            return inputs, None
        name = f"inputs of {type(self.module).__name__}"
        gate, passed = _gated(name, [inputs[i] for i in self.ways_in], self._leaves)
        return _replaced(inputs, self.ways_in, passed), gate

    def left(self, output: Any, gate: Tensor | None) -> Any:
        """The output behind a gate; the other is that of the inputs."""
        outputs = output if isinstance(output, tuple) else (output,)
        self.outputs, self.ways_out = _described(outputs), _learning(outputs)
        if is_grad_enabled() and not any(self.outputs):
            warnings.warn(
                f"{type(self.module).__name__}: its backward hooks are not called, as its output is "
                f"{type(output).__name__}; they need a tensor or a tuple of tensors",
                stacklevel=4,
            )
        if not self.ways_out:
            return output
        name = f"outputs of {type(self.module).__name__}"
        _, passed = _gated(name, [outputs[i] for i in self.ways_out], self._comes, gate)
        found = _replaced(outputs, self.ways_out, passed)
        if not isinstance(output, tuple):
            return found[0]
        return type(output)(*found) if hasattr(output, "_fields") else found

    def _comes(self, cotangents: Cotangents) -> Cotangents:
        """Those of the outputs are there."""
        grads: Cotangents = [None] * len(self.outputs)
        for i, g in zip(self.ways_out, cotangents, strict=True):
            grads[i] = g
        for hook in self.before:
            grads = self._given(hook(self.module, tuple(grads)), grads, self.outputs, "grad_output")
        self.grad_output = tuple(grads)
        if not self.ways_in:
            nothing = (None,) * len(self.inputs)
            for hook in self.after:
                found = hook(self.module, nothing, self.grad_output)
                if found is not None and any(g is not None for g in found):
                    raise RuntimeError(
                        f"{type(self.module).__name__}: a backward hook returned a gradient, but no input of the "
                        "module requires one; expected None"
                    )
            self.grad_output = None
        return [grads[i] for i in self.ways_out]

    def _leaves(self, cotangents: Cotangents) -> Cotangents:
        """Those of the inputs are there."""
        if self.grad_output is None:  # a way past the outputs has led here
            return cotangents
        grads: Cotangents = [None if said is None else _zeros(said) for said in self.inputs]
        for i, g in zip(self.ways_in, cotangents, strict=True):
            grads[i] = grads[i] if g is None else g
        for hook in self.after:
            grads = self._given(hook(self.module, tuple(grads), self.grad_output), grads, self.inputs, "grad_input")
        self.grad_output = None
        return [grads[i] for i in self.ways_in]

    def _given(self, found: Any, grads: Cotangents, wanted: tuple[Any, ...], what: str) -> Cotangents:
        """What a hook returned in place of gradients."""
        if found is None:
            return grads
        owner = type(self.module).__name__
        if not isinstance(found, tuple | list):
            raise TypeError(
                f"{owner}: expected a backward hook to return None or a tuple for {what}, got {type(found).__name__}"
            )
        if len(found) != len(wanted):
            raise RuntimeError(
                f"{owner}: expected a backward hook to return {len(wanted)} gradients for {what}, got {len(found)}"
            )
        for i, (g, said) in enumerate(zip(found, wanted, strict=True)):
            if g is None:
                continue
            if not isinstance(g, Tensor):
                raise TypeError(f"{owner}: expected tensors in {what}, a backward hook returned {type(g).__name__}")
            if (g.shape, g.dtype) != said:
                raise ValueError(
                    f"{owner}: expected {'nothing' if said is None else said} as {what}[{i}], a backward hook returned "
                    f"shape {g.shape} and {g.dtype}"
                )
        return list(found)


def _described(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([(x.shape, x.dtype) if isinstance(x, Tensor) else None for x in values])


def _zeros(said: Any) -> Tensor:
    """The gradient of what nothing depends on."""
    shape, dtype = said
    return Tensor(np.zeros(shape), dtype)


def _learning(values: tuple[Any, ...]) -> list[int]:
    """The places of tensors that a gradient may come to."""
    if not is_grad_enabled():
        return []
    return [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]


def _replaced(values: tuple[Any, ...], places: list[int], others: list[Tensor]) -> tuple[Any, ...]:
    """Values with others at some places."""
    found = list(values)
    for i, x in zip(places, others, strict=True):
        found[i] = x
    return tuple(found)
