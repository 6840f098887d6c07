"""Nested lists, tuples and dictionaries of tensors: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def leaves_of(tree: Any) -> list[Any]:
    """Everything in a tree that is no list, tuple, dictionary or None, from left to right."""
    found: list[Any] = []
    rebuilt(tree, found.append)
    return found


def rebuilt(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """A tree of the same form with each leaf replaced by what a function makes of it.

    Tuples with names stay what they are; dictionaries keep their order.
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        return type(tree)((key, rebuilt(value, leaf)) for key, value in tree.items())
    if isinstance(tree, list | tuple):
        parts = [rebuilt(value, leaf) for value in tree]
        kind = type(tree)
        return kind(*parts) if hasattr(tree, "_fields") else kind(parts) if kind in (list, tuple) else kind(*parts)
    return leaf(tree)


def filled(tree: Any, values: list[Any]) -> Any:
    """A tree of the same form with other leaves, as many as it has."""
    rest = iter(values)
    return rebuilt(tree, lambda _: next(rest))


def form_of(tree: Any) -> Any:
    """What two trees of the same form have in common: hashable, without the leaves."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return type(tree), tuple((key, form_of(value)) for key, value in tree.items())
    if isinstance(tree, list | tuple):
        return type(tree), tuple(form_of(value) for value in tree)
    return "leaf"
