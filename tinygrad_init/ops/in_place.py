"""Methods whose name ends in an underscore, as PyTorch has them: the result is written over the tensor.

What is on the way to a gradient is not overwritten: the error says which line to write instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.modes import mode, no_grad
from ..engine.tensor import Tensor

CHANGING = (
    "abs", "add", "addcdiv", "addcmul", "addmm", "atan", "ceil", "clamp", "clamp_max", "clamp_min", "copysign", "cos",
    "cumsum", "cumprod", "div", "divide", "erf", "exp", "expm1", "floor", "fmod", "index_add",
    "index_copy", "index_fill", "index_put", "lerp", "log", "log1p", "masked_fill", "masked_scatter", "mul", "multiply",
    "nan_to_num", "neg", "negative", "pow", "reciprocal", "relu", "remainder", "round", "rsqrt", "scatter",
    "scatter_add", "scatter_reduce", "sigmoid", "sign", "sin", "sqrt", "square", "sub", "subtract", "tanh", "tril",
    "triu", "trunc",
)  # fmt: skip
NO_GRADIENT = "a tensor that requires grad can be changed in place only inside no_grad()"


def _in_place(name: str, method: Any) -> Any:
    """The method of that name and an underscore."""

    def changed(x: Any, *args: Any, **options: Any) -> Any:
        if mode.grad:
            if x.requires_grad:
                raise RuntimeError(f"{name}_: {NO_GRADIENT}; write x = x.{name}(...)")
            if any(isinstance(value, Tensor) and value.requires_grad for value in (*args, *options.values())):
                raise RuntimeError(f"{name}_: what is written would need a gradient; write x = x.{name}(...)")
        with no_grad():
            found = method(x.detach(), *args, **options)
        if isinstance(x, Tensor):
            return x.copy_(found)
        if tuple(found.shape) != x.shape or found.dtype.kind == "f":
            raise TypeError(f"{name}_: a result of shape {found.shape} and {found.dtype} does not fit {x.dtype}")
        x[...] = found
        return x

    changed.__name__ = changed.__qualname__ = f"{name}_"
    changed.__doc__ = f"`{name}`, whose result is written over the tensor."
    return changed


def fill_diagonal_(x: Any, value: float, wrap: bool = False) -> Any:
    """Overwrite the diagonal of a matrix, or of a tensor of more axes that are all of one length, with a number.

    Parameters
    ----------
    value
        The number.
    wrap
        In a matrix with more rows than columns, begin again one row below where it ends.

    Raises
    ------
    RuntimeError
        x requires grad.
    ValueError
        x has fewer than two axes, or more of different lengths.
    """
    if mode.grad and x.requires_grad:
        raise RuntimeError(f"fill_diagonal_: {NO_GRADIENT}; write x = x.masked_fill(mask, value)")
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise ValueError(f"fill_diagonal_: expected a matrix, or axes of one length, got shape {tuple(x.shape)}")
    places = np.zeros(tuple(x.shape), np.bool_)
    np.fill_diagonal(places, True, wrap)
    x[places] = value
    return x


METHODS["fill_diagonal_"] = fill_diagonal_
METHODS.update({f"{name}_": _in_place(name, METHODS[name]) for name in CHANGING})
