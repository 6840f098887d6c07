"""Results of several tensors, which have names: cheaper to define than named tuples, which take a compiler."""

from __future__ import annotations

from typing import Any


class Results(tuple[Any, ...]):
    """A tuple whose items have names, those in `names`."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def __new__(cls, *values: Any) -> Results:
        return tuple.__new__(cls, values)

    @classmethod
    def _make(cls, values: Any) -> Results:
        """As that of named tuples."""
        return cls(*values)

    def __getattr__(self, name: str) -> Any:
        if name not in self.names:
            raise AttributeError(f"{type(self).__name__} has {', '.join(self.names)}, not {name!r}")
        return self[self.names.index(name)]

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        parts = (f"{name}={value!r}" for name, value in zip(self.names, self, strict=True))
        return f"{type(self).__name__}({', '.join(parts)})"


class Extreme(Results):
    """What PyTorch's `max(dim=...)`, `sort` and `topk` give."""

    __slots__ = ()
    names = ("values", "indices")
