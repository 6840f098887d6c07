"""Attributes of a module that are computed from others each time they are asked for, such as normalized weights."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol


class Rule(Protocol):
    """How an attribute is read, and what assigning to it does."""

    def read(self, module: Any) -> Any:
        """The value of now."""

    def write(self, module: Any, value: Any) -> None:
        """Let it be computed as this from now on."""


class _Attribute:
    """Stands in a class for an attribute that the rules of its objects compute."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, kind: Any = None) -> Any:
        return self if module is None else module._computed[self.name].read(module)

    def __set__(self, module: Any, value: Any) -> None:
        module._computed[self.name].write(module, value)


def _of_base(base: Any, names: tuple[str, ...], called: str) -> Any:
    return object.__new__(_class(base, names, called))


@cache
def _class(base: Any, names: tuple[str, ...], called: str) -> Any:
    """A class like another, with attributes that are computed: one for all objects, and never changed."""

    def reduce(self: Any, protocol: Any = None) -> Any:
        return _of_base, (base, names, called), vars(self)

    own = {name: _Attribute(name) for name in names}
    more = {"__reduce_ex__": reduce, "__doc__": base.__doc__, "__module__": base.__module__, "computed_of": base}
    return type(called, (base,), {**own, **more})


def compute(module: Any, name: str, rule: Rule, called: str) -> None:
    """Let an attribute of a module be computed; the class of the module is another then, of a name of one's own."""
    rules = {**vars(module).get("_computed", {}), name: rule}
    if name in vars(module):
        delattr(module, name)
    _become(module, rules, called)


def stop_computing(module: Any, name: str) -> None:
    """Let a module have no such attribute any more."""
    rules = {key: rule for key, rule in module._computed.items() if key != name}
    _become(module, rules, type(module).__name__)


def _become(module: Any, rules: dict[str, Rule], called: str) -> None:
    base: Any = getattr(module, "computed_of", type(module))
    module._computed = rules
    module.__class__ = _class(base, tuple(sorted(rules)), called) if rules else base
    if not rules:
        del module._computed


def rule_of(module: Any, name: str, kind: type) -> Any:
    """How an attribute is computed, if it is in such a way; None if not."""
    found = vars(module).get("_computed", {}).get(name)
    return found if isinstance(found, kind) else None
