"""What is known of how a module was made, so that it can be made again: see `saving`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..engine.graph import Operation

# Asked before a parameter or buffer is made of so many numbers; it raises if they are too many for what is being built.
admission: ContextVar[Callable[[int], None] | None] = ContextVar("admission", default=None)


def admit(data: Any) -> None:
    """Ask whether a parameter or buffer may be made of these numbers, if there is somebody to ask."""
    ask = admission.get()
    if ask is not None:
        ask(int(np.size(data)))


class Omitted(NamedTuple):
    """Stands for what a module was made with and is not remembered: a module, a generator, an array, a function."""

    kind: type


def remembered(value: Any) -> Any:
    """What a module was made with, without what takes memory or changes."""
    match value:
        case np.generic():
            return value.item()
        case None | bool() | int() | float() | str() | type() | np.dtype() | Operation():
            return value
        case list():
            return [remembered(item) for item in value]
        case tuple():
            return tuple([remembered(item) for item in value])
        case dict():
            return {key: remembered(item) for key, item in value.items()}
        case FunctionType() if value.__module__ == f"{__package__}.functional" and value.__qualname__.isidentifier():
            return value
    return Omitted(type(value))
