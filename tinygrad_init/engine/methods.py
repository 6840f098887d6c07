"""What a tensor can be asked for besides its operators: operations that are methods, and advice for
other names."""

from __future__ import annotations

from types import MethodType
from typing import Any

from ..naming import nearest

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:

    def give(kind: Any, name: str, method: Any) -> None:
        setattr(kind, name, method)


METHODS: dict[str, Any] = {}  # operations that are also methods of a tensor, by name
PROPERTIES: dict[str, Any] = {}  # functions of a tensor whose result is had without a call
ADVICE: dict[str, str] = {}  # what to write instead of methods that others have


def method_of(tensor: Any, name: str) -> Any:
    """The method of that name, bound to a tensor; or the property.

    Raises
    ------
    AttributeError
        There is none; the message says what to write, or the nearest name.
    """
    method = METHODS.get(name)
    if method is not None:
        return MethodType(method, tensor)
    if name in PROPERTIES:
        return PROPERTIES[name](tensor)
    if name.startswith("_"):
        raise AttributeError(f"a tensor has no attribute {name!r}")
    instead = f"; write {ADVICE[name]}" if name in ADVICE else nearest(name, {known: known for known in dir(tensor)})
    raise AttributeError(f"a tensor has no attribute {name!r}{instead}")


@cython.binding(False)
class Method:
    """An operation as its class has it: found at once, where `__getattr__` is asked only after all else has failed."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function

    def __get__(self, tensor: Any, kind: Any) -> Any:
        return self.function if tensor is None else MethodType(self.function, tensor)


def adopt(kind: Any) -> None:
    """Let a class have all methods that it has no own ones for."""
    for name, function in METHODS.items():
        if not hasattr(kind, name):
            give(kind, name, Method(function))


class Count(int):
    """How many elements a tensor has; called, as PyTorch's users do, its shape or the length of one axis."""

    shape: tuple[int, ...]

    def __new__(cls, size: int, shape: tuple[int, ...]) -> Count:
        made = super().__new__(cls, size)
        made.shape = shape
        return made

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)
