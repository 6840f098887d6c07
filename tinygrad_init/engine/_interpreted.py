"""Stands in for the `cython` module where the engine runs interpreted and Cython is not installed."""

from collections.abc import Callable
from typing import TypeVar

compiled = False
T = TypeVar("T")


def no_gc(cls: T) -> T:
    """Compiled, objects of the class are none of the garbage collector's business."""
    return cls


def cclass(cls: T) -> T:
    """Compiled, a class of C."""
    return cls


def binding(on: bool) -> Callable[[T], T]:
    """Compiled and off, methods check what they are called on; the others, which know more of themselves, crash."""
    return no_gc


def freelist(size: int) -> Callable[[T], T]:
    """Compiled, memory of so many objects is kept to be used again."""
    return no_gc


def boundscheck(on: bool) -> Callable[[T], T]:
    """Compiled and off, indices are taken to be right."""
    return no_gc
