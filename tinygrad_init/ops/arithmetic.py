"""The four operations as functions, with what PyTorch's functions of these names take besides two operands."""

from __future__ import annotations

from typing import Any

from ..engine.methods import METHODS
from . import elementwise
from .elementwise import maximum, minimum, mul
from .rounding import floor_divide, truncated_quotient

__all__ = ["add", "div", "sub"]


def add(x: Any, y: Any, *, alpha: float = 1) -> Any:
    """x + alpha·y, element by element."""
    return elementwise.add(x, y if alpha == 1 else mul(alpha, y))


def sub(x: Any, y: Any, *, alpha: float = 1) -> Any:
    """x - alpha·y, element by element."""
    return elementwise.sub(x, y if alpha == 1 else mul(alpha, y))


def div(x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    """x / y, element by element.

    Parameters
    ----------
    rounding_mode
        None for the quotient itself, "floor" for the largest whole number not above it, "trunc" for what is before
        its decimal point.

    Raises
    ------
    ValueError
        `rounding_mode` is none of these.
    ZeroDivisionError
        Whole numbers are divided by zero, and the quotient is to be whole.
    """
    if rounding_mode is None:
        return elementwise.div(x, y)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(f"div: expected rounding_mode 'floor', 'trunc' or None, got {rounding_mode!r}")
    return floor_divide(x, y) if rounding_mode == "floor" else truncated_quotient(x, y)


METHODS.update(add=add, sub=sub, mul=mul, div=div, maximum=maximum, minimum=minimum)
