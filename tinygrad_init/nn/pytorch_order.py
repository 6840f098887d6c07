"""Arguments in the order in which PyTorch's functions and modules take them, for functions that take them by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .parameters import Buffer

OLD = ("size_average", "reduce")


def refuse_old(name: str, size_average: Any, reduce: Any) -> None:
    """Raise where one of the options is used that PyTorch has given up for `reduction`.

    Raises
    ------
    TypeError
        One is not None.
    """
    if size_average is not None or reduce is not None:
        raise TypeError(f'{name}: size_average and reduce are not to be had; write reduction="mean", "sum" or "none"')


def by_name(name: str, order: Sequence[str], values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by their names, from those by position and those by name.

    Raises
    ------
    TypeError
        There are too many, or one is given twice, or has been given up.
    """
    if len(values) > len(order):
        raise TypeError(f"{name}: takes {', '.join(order) or 'nothing'} by position; got {len(values)} values")
    given = dict(zip(order, values, strict=False))
    if twice := given.keys() & named.keys():
        raise TypeError(f"{name}: {', '.join(sorted(twice))} given twice")
    given |= named
    refuse_old(name, *(given.pop(old, None) for old in OLD))
    return given


def in_order(function: Callable[..., Any], *order: str, **defaults: Any) -> Callable[..., Any]:
    """A function whose options may be given by position, in PyTorch's order, and have PyTorch's defaults."""
    signature = inspect.signature(function)
    inputs = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY and p.name not in order]
    names = (*(p.name for p in inputs), *order)

    @wraps(function)
    def called(*values: Any, **named: Any) -> Any:
        return function(**(defaults | by_name(function.__name__, names, values, named)))

    called.__signature__ = ordered(signature, inputs, order, defaults)  # type: ignore[attr-defined]
    return called


def ordered(
    signature: inspect.Signature, first: Sequence[inspect.Parameter], order: Sequence[str], defaults: Mapping[str, Any]
) -> inspect.Signature:
    """What `inspect` says of a function or a class in PyTorch's order."""
    parameters = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in first]
    known = signature.parameters
    for name in order:
        default = defaults.get(name, known[name].default if name in known else None)
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    told = {p.name for p in parameters}
    parameters += [p for p in known.values() if p.kind is p.KEYWORD_ONLY and p.name not in told]
    return inspect.Signature(parameters)


def as_buffer(name: str, weight: Any) -> Buffer | None:
    """Weights of classes as numbers that a module keeps, if there are any.

    Raises
    ------
    TypeError
        They are no numbers, such as a reduction that was meant for `reduction=`.
    """
    if weight is None or isinstance(weight, Buffer):
        return weight
    if isinstance(weight, str):
        raise TypeError(f"{name}: expected weight as numbers, got {weight!r}; write reduction={weight!r}")
    numbers = weight.detach() if isinstance(weight, Tensor) else np.asarray(weight)
    return Buffer(numbers, numbers.dtype if numbers.dtype.kind == "f" else None)
