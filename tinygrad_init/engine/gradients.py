"""`grad`, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backward import differentiate
from .tensor import Tensor, wrap


class Gradients(tuple[Tensor, ...]):
    """One gradient for each input; what only a tensor can do says so."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"grad gives a tuple with one gradient for each input; write grad(y, x)[0].{name}")

    def _refuse(self, *others: Any) -> Any:
        raise TypeError("grad gives a tuple with one gradient for each input; write grad(y, x)[0] to calculate with it")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __neg__ = __abs__ = __float__ = __array__ = _refuse


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    *,
    gradients: Any = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Gradients:
    """The derivatives of (the sum of) `outputs` by `inputs`, without touching any `.grad`.

    Parameters
    ----------
    outputs
        One tensor or several.
    inputs
        One tensor or several, leaves or results of operations.
    create_graph, retain_graph
        As in `Tensor.backward`.
    gradients
        The cotangents to start from, one an output; an output with one element starts from 1 by itself.

    Returns
    -------
    tuple of Tensor
        One for each input, also where there is but one, as PyTorch's `autograd.grad` has it: `grad(y, x)[0]`. An input
        that the outputs do not depend on gets zeros.
    """
    ends: list[Any] = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    starts: list[Any] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    seeds: list[Any] = (
        [None] * len(ends) if gradients is None else [gradients] if isinstance(outputs, Tensor) else list(gradients)
    )
    for kind, tensors in (("outputs", ends), ("inputs", starts)):
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"grad: expected {kind} to be tensors, got {type(tensor).__name__}")
    if len(seeds) != len(ends):
        raise ValueError(f"grad: expected {len(ends)} gradients, one an output, got {len(seeds)}")
    found = differentiate(ends, seeds, starts, retain_graph, create_graph)
    return Gradients(wrap(np.zeros(x.shape, x.dtype)) if d is None else d for x, d in zip(starts, found, strict=True))
