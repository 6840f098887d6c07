"""Nested lists, tuples and dictionaries of tensors: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any


def leaves_of(tree: Any) -> list[Any]:
    """Everything in a tree that is no list, tuple, dictionary or None, from left to right."""
    found: list[Any] = []
    form_of(tree, found)
    return found


def form_of(tree: Any, leaves: list[Any] | None = None) -> Any:
    """What two trees of the same form have in common: hashable, without the leaves, which are appended to a list."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return type(tree), tuple([(key, form_of(value, leaves)) for key, value in tree.items()])
    if isinstance(tree, list | tuple):
        return type(tree), tuple([form_of(value, leaves) for value in tree])
    if leaves is not None:
        leaves.append(tree)
    return "leaf"


def rebuilt(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """A tree of the same form with each leaf replaced by what a function makes of it.

    Lists, tuples and dictionaries stay what they are, those of a class of their own and named ones, too.
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        made = copy(tree)  # with its order and, if it has that, its default
        for key, value in tree.items():
            made[key] = rebuilt(value, leaf)
        return made
    if isinstance(tree, list | tuple):
        make = getattr(type(tree), "_make", type(tree))  # named tuples take their items one by one
        return make([rebuilt(value, leaf) for value in tree])
    return leaf(tree)


def filled(tree: Any, values: list[Any]) -> Any:
    """A tree of the same form with other leaves, as many as it has."""
    rest = iter(values)
    return rebuilt(tree, lambda _: next(rest))
