"""The records of a tape: what was computed, from what, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.graph import Operation

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Step:
    """One tensor of a tape: an application of an operation or, without one, a leaf or a constant.

    Attributes
    ----------
    number
        Its place in the tape, from 1, in forward order.
    name
        What it is called: a tensor's own name, a number that stands in the code, or x1, x2, ... by its place.
    op
        The operation; None of leaves and constants.
    parameters
        What the operation was told besides its inputs.
    inputs
        The numbers of the steps that it was applied to.
    shape, dtype
        None of a constant that was not kept.
    requires_grad
        False of a constant.
    value
        The numbers, or None if they are not known.
    slopes
        The local derivative by each input: a number where all is scalar, else the rule as a formula, in which ḡ is the
        cotangent of the result; None where the input is constant.
    cotangent
        The derivative of the tape's end by this, summed over all that use it. None if it was not asked for.
    handed
        What goes back from here to each input; None where the input is constant, and where it is not known.
    place, line
        Where the code stands that made it, and that line itself; "" if it was not kept.
    """

    number: int
    name: str
    op: Operation | None
    parameters: dict[str, Any]
    inputs: tuple[int, ...]
    shape: tuple[int, ...] | None
    dtype: Any
    requires_grad: bool
    value: Array | None
    slopes: tuple[float | str | None, ...]
    cotangent: Array | None
    handed: tuple[Array | None, ...]
    place: str
    line: str

    @property
    def operation(self) -> str:
        """The operation's name; "leaf" or "constant" where there is none."""
        return self.op.name if self.op is not None else "leaf" if self.requires_grad else "constant"

    @property
    def scalar(self) -> bool:
        return self.shape == ()


def brief(value: Any, digits: int = 4) -> str:
    """A number, small arrays in full, or what is to be said of larger ones."""
    if value is None:
        return ""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array.item():.{digits}g}"
    if array.size == 0:
        return "empty"
    if array.size <= 3 and array.ndim == 1:
        return f"[{' '.join(f'{v:.{digits - 1}g}' for v in array)}]"
    return f"‖·‖ {np.linalg.norm(array):.{digits - 1}g}"


def shape_text(shape: tuple[int, ...] | None) -> str:
    """A shape as 8×10; of a number nothing."""
    return "?" if shape is None else "×".join(map(str, shape))
