"""Copies of models in other dtypes or with other parameters: what is looked at is left as it was."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import Module, Parameter

Array = np.ndarray[Any, Any]


def converted(
    model: Module, dtype: Any, parameters: dict[str, Array] | None = None, evaluating: bool = False
) -> Module:
    """A copy of a model, its numbers in another dtype (None: in their own); nothing in it is frozen."""
    known: dict[int, Any] = {}  # what a copy has instead
    for _, module in model.named_modules():
        for value in vars(module).values():
            if isinstance(value, Tensor):
                known[id(value)] = cast(value, value.dtype if dtype is None else dtype)
                if isinstance(value, Parameter):
                    known[id(value)].requires_grad = True
            elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and dtype is not None:
                known[id(value)] = value.astype(dtype)
    copied = copy.deepcopy(model, known)
    overwrite(copied, parameters or {})
    return copied.eval() if evaluating else copied


def overwrite(model: Module, parameters: dict[str, Array]) -> None:
    """Give parameters other values, by name."""
    named = dict(model.named_parameters())
    if unknown := sorted(parameters.keys() - named.keys()):
        raise KeyError(f"expected parameters out of {', '.join(named)}; got {', '.join(unknown)}")
    with no_grad():
        for name, values in parameters.items():
            named[name].copy_(np.asarray(values, named[name].dtype))


def cast(tensor: Any, dtype: Any) -> Any:
    """A leaf like this one in another dtype."""
    made, (array, *rest) = tensor.__reduce__()[:2]
    return made(np.asarray(array, dtype), *rest)


def as_array(values: Any, dtype: Any = None) -> Array:
    """Numbers as an array, real ones in the dtype of the predictions (None: in their own)."""
    found = values.numpy() if isinstance(values, Tensor) else np.asarray(values)
    return found.astype(dtype) if found.dtype.kind == "f" and dtype is not None else found
