"""Arguments in the order in which PyTorch's functions and modules take them, for functions that take them by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.graph import MISSING, Operation
from ..engine.tensor import Tensor
from .options import require_flag
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


def like(function: Callable[..., Any], *order: str, **defaults: Any) -> Callable[..., Any]:
    """A function as PyTorch has it: its names of arguments, its order, its defaults.

    Parameters
    ----------
    function
        What is called: its first argument by position, all others by name.
    order
        PyTorch's names in its order; "input:x" is called x here. `inplace` is taken and dropped; `size_average` and
        `reduce` are refused.
    defaults
        PyTorch's defaults where they are others than the function's.
    """
    ours = {name.partition(":")[0]: name.partition(":")[2] or name for name in order}
    names = tuple(ours)
    first = names[0]
    known = signature_of(function)
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=False if name == "inplace" else None if name in OLD else defaults.get(name, known.get(ours[name])),
        )
        for name in names
    ]
    named = [name for name in known if name not in ours.values()]

    def called(*values: Any, **options: Any) -> Any:
        said = called.__name__
        given = defaults | by_name(said, names, values, options)
        if unknown := [name for name in given if name not in ours and name not in named]:
            raise TypeError(f"{said}: takes {', '.join((*names, *named))}; got {', '.join(unknown)}")
        if missing := [p.name for p in parameters if p.default is inspect.Parameter.empty and p.name not in given]:
            raise TypeError(f"{said}: {', '.join(missing)} missing")
        require_flag(said, "inplace", given.pop("inplace", False))
        return function(given.pop(first), **{ours.get(name, name): value for name, value in given.items()})

    called.__name__ = called.__qualname__ = getattr(function, "__name__", None) or function.name  # type: ignore[attr-defined]
    called.__doc__ = function.__doc__
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def signature_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of a function or an operation with their defaults, `empty` where there are none."""
    if isinstance(function, Operation):
        inputs = dict.fromkeys(("x",), inspect.Parameter.empty)
        pairs = zip(function.param_names, function.defaults, strict=True)
        return inputs | {name: inspect.Parameter.empty if value is MISSING else value for name, value in pairs}
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


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
