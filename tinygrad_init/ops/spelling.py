"""Two spellings of one thing, NumPy's and PyTorch's: both are taken where they cannot be confused.

Where they can, since the same call means one thing there and another here, it is refused with both ways to write it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ..engine.graph import SPELLINGS

# What `either` takes besides the spellings that every operation takes.
NAMES = {
    **SPELLINGS,
    "dim1": "axis1",
    "dim2": "axis2",
    "end_dim": "end_axis",
    "shifts": "shift",
    "start_dim": "start_axis",
}
Function = TypeVar("Function", bound=Callable[..., Any])


def either(function: Function) -> Function:
    """Let a function be called with PyTorch's names of its parameters, too; a single operation is so by itself."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]

    # Of several axes PyTorch says `dims` where NumPy, and a function of one or several, says `axis`.
    spelled = {**NAMES, "dims": "axis"} if "axis" in names and "axes" not in names else NAMES

    @wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        if not options:
            return function(*args)
        return function(*args, **{key if key in names else spelled.get(key, key): v for key, v in options.items()})

    return called  # type: ignore[return-value]


def refuse(call: str, numpy: str, pytorch: str) -> TypeError:
    """The error where a call would mean one thing in NumPy and another in PyTorch."""
    return TypeError(f"{call} means one thing in NumPy and another in PyTorch: write {numpy}, or {pytorch}")
