"""Numbers kept between limits, which may be tensors: `clip` is the operation with numbers as limits."""

from __future__ import annotations

from typing import Any

from ..engine.graph import SPELLINGS
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.tensor import Tensor
from . import elementwise
from .elementwise import where

__all__ = ["clamp", "clamp_max", "clamp_min"]


def clamp(x: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    """Every element limited to the interval from `low` to `high`; at the limits the derivative is 1.

    Parameters
    ----------
    low, high
        Numbers, or tensors that stretch to a common shape with x and get the cotangent of what they limit; None for no
        limit. PyTorch's names are `min` and `max`, NumPy's `a_min` and `a_max`.
        Where they cross, `high` wins, as in NumPy and PyTorch.
    """
    for key, value in named.items():
        match SPELLINGS.get(key):
            case "low":
                low = value
            case "high":
                high = value
            case _:
                raise TypeError(f"clamp: there is no parameter {key!r}; expected low and high")
    if not any(isinstance(v, Tensor) or getattr(v, "ndim", 0) > 0 for v in (low, high)):
        return elementwise.clip(x, low, high)
    if low is not None:
        x, low = as_tensors("clamp", (x, low))
        x = where(x < low, low, x)
    if high is not None:
        x, high = as_tensors("clamp", (x, high))
        x = where(x > high, high, x)
    return x


def clamp_min(x: Any, low: Any = None, **named: Any) -> Any:
    """Every element brought to at least `low` (PyTorch's `min`)."""
    return clamp(x, named.get("min", low))


def clamp_max(x: Any, high: Any = None, **named: Any) -> Any:
    """Every element brought to at most `high` (PyTorch's `max`)."""
    return clamp(x, None, named.get("max", high))


METHODS.update(clip=clamp, clamp=clamp, clamp_min=clamp_min, clamp_max=clamp_max)
