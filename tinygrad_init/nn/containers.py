"""Modules and parameters in a row, or by names of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar

import numpy as np

from ..engine.modes import mode
from ..engine.tensor import Tensor
from .module import Module
from .parameters import Parameter

T = TypeVar("T", Module, Parameter)


class _Row(Module, Generic[T]):
    """What is held under the names "0", "1", and so on."""

    kind: type[T]

    def _items(self) -> list[T]:
        read_from(self)
        return [value for value in vars(self).values() if isinstance(value, self.kind)]

    def _checked(self, item: Any, at: Any) -> T:
        if not isinstance(item, self.kind):
            wanted = "modules" if self.kind is Module else "parameters"
            raise TypeError(f"{type(self).__name__}: expected {wanted}, got {type(item).__name__} at {at}")
        return item

    def _replace(self, items: Iterable[Any]) -> None:
        """Hold these and no others, named by position."""
        checked = [self._checked(item, i) for i, item in enumerate(items)]
        for name in [name for name, value in vars(self).items() if isinstance(value, self.kind)]:
            delattr(self, name)
        for i, item in enumerate(checked):
            setattr(self, str(i), item)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)._of(self._items()[index])
        return self._items()[index]

    @classmethod
    def _of(cls, items: list[T]) -> Self:
        return cls(items)

    def __setitem__(self, index: int, item: T) -> None:
        items = self._items()
        names = [name for name, value in vars(self).items() if isinstance(value, self.kind)]
        items[index] = self._checked(item, index)
        setattr(self, names[index], item)

    def __delitem__(self, index: int | slice) -> None:
        items = self._items()
        del items[index]
        self._replace(items)

    def append(self, item: T) -> Self:
        """Put one more at the end."""
        setattr(self, self._next(), self._checked(item, len(self)))
        return self

    def _next(self) -> str:
        name = len(self)
        while str(name) in vars(self):
            name += 1
        return str(name)

    def extend(self, items: Iterable[T]) -> Self:
        """Put several at the end."""
        for i, item in enumerate(list(items), len(self)):
            self._checked(item, i)
            self.append(item)
        return self

    def insert(self, index: int, item: T) -> Self:
        """Put one in front of another; all are named by position afterwards."""
        items = self._items()
        items.insert(index, self._checked(item, index))
        self._replace(items)
        return self

    def pop(self, index: int = -1) -> T:
        """Take one out."""
        item: T = self._items()[index]
        del self[index]
        return item


class Sequential(_Row[Module]):
    """Modules one after the other; parameters are named by position, "0.weight".

    Parameters
    ----------
    modules
        Modules, or one dictionary of them, whose names they keep.

    Raises
    ------
    TypeError
        Something is no module.
    KeyError
        A name of a dictionary is that of an attribute.
    """

    kind = Module

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, self._checked(module, repr(name)))
        else:
            self._replace(modules)
        self.name_parameters()

    @classmethod
    def _of(cls, items: list[Module]) -> Self:
        return cls(*items)

    def forward(self, input: Any) -> Any:
        for module in self._items():
            input = module(input)
        return input


class ModuleList(_Row[Module]):
    """Modules in a row, which are found as part of the module that has the list; it is indexed, not called.

    Parameters
    ----------
    modules
        Any number of modules.

    Raises
    ------
    TypeError
        Something is no module.
    """

    kind = Module

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self._replace(modules or ())

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class ParameterList(_Row[Parameter]):
    """Parameters in a row, which are found as part of the module that has the list.

    Parameters
    ----------
    values
        Parameters, or tensors and arrays, of which parameters are made.
    """

    kind = Parameter

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self._replace(values or ())

    def _checked(self, item: Any, at: Any) -> Parameter:
        return super()._checked(as_parameter(item), at)

    def extra_repr(self) -> str:
        return ", ".join(f"{p.shape}" for p in self)


class _Names(Module, Generic[T]):
    """What is held under names of one's own."""

    kind: type[T]

    def __getitem__(self, key: str) -> T:
        read_from(self)
        if key not in self:
            raise KeyError(f"{type(self).__name__}: there is no {key!r}; there are {', '.join(self) or 'none'}")
        found: T = vars(self)[key]
        return found

    def _put(self, key: str, value: Any) -> None:
        if not isinstance(value, self.kind):
            wanted = "modules" if self.kind is Module else "parameters"
            raise TypeError(f"{type(self).__name__}: expected {wanted}, got {type(value).__name__} at {key!r}")
        self._require_free(key, self.kind)
        setattr(self, key, value)

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __contains__(self, key: object) -> bool:
        return isinstance(vars(self).get(key), self.kind)  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[str]:
        read_from(self)
        return iter([name for name, value in vars(self).items() if isinstance(value, self.kind)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[T]:
        """What is held."""
        return [self[key] for key in self]

    def items(self) -> list[tuple[str, T]]:
        """Names and what is held under them."""
        return [(key, self[key]) for key in self]

    def update(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Put in all of another dictionary, or of pairs."""
        for key, value in dict(other).items():
            self[key] = value

    def pop(self, key: str) -> T:
        """Take one out."""
        found = self[key]
        del self[key]
        return found

    def clear(self) -> None:
        """Take all out."""
        for key in list(self):
            del self[key]


class ModuleDict(_Names[Module]):
    """Modules by names of one's own, which are found as part of the module that has the dictionary.

    Parameters
    ----------
    modules
        A dictionary, or pairs of names and modules.

    Raises
    ------
    TypeError
        Something is no module.
    KeyError
        A name is empty, has a dot in it, or is that of an attribute or a method.
    """

    kind = Module

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or {})


class ParameterDict(_Names[Parameter]):
    """Parameters by names of one's own; tensors and arrays become parameters. See `ModuleDict`."""

    kind = Parameter

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.update(parameters or {})

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, as_parameter(value))

    def extra_repr(self) -> str:
        return ", ".join(f"{key}: {p.shape}" for key, p in self.items())


def read_from(container: Module) -> None:
    """Let a captured program know that it depends on what is held: a list is not called, as other modules are."""
    if mode.unusual != 0 and mode.trace is not None:
        mode.trace.visits(container)


def as_parameter(value: Any) -> Any:
    """A parameter of a tensor or an array; anything else as it is."""
    if isinstance(value, Parameter) or not isinstance(value, Tensor | np.ndarray):
        return value
    return Parameter(value.detach() if isinstance(value, Tensor) else value)
