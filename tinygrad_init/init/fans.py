"""How many inputs a unit sums up, and how many units an input feeds."""

from __future__ import annotations

import math

from ..engine.tensor import Tensor


def fans(shape: tuple[int, ...] | Tensor, *, groups: int = 1, transposed: bool = False) -> tuple[int, int]:
    """How many inputs a unit sums up (`fan_in`) and how many units an input feeds (`fan_out`).

    Parameters
    ----------
    shape
        Of a weight (out_features, in_features) or a kernel (out_channels, in_channels / groups, *window), or the
        weight itself. One that has an attribute `fans` of its own knows better, and that is the answer.
    groups
        Into how many groups the channels of the kernel fall.
    transposed
        Whether the kernel is that of a transposed convolution, (in_channels, out_channels / groups, *window).

    Notes
    -----
    With stride 1; a stride s divides the fan_out of a convolution by s an axis, and the fan_in of a transposed one.

    Raises
    ------
    ValueError
        The shape has fewer than two axes, or the groups do not divide the channels.
    """
    own: tuple[int, int] | None = getattr(shape, "fans", None)
    if own is not None:
        return own
    shape = shape.shape if isinstance(shape, Tensor) else tuple(shape)
    if len(shape) < 2:
        raise ValueError(f"fans: expected a weight with at least 2 axes (out, in, *window), got shape {shape}")
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"fans: expected a number of groups that divides {shape[0]} channels, got {groups}")
    window = math.prod(shape[2:])
    first, second = shape[0] // groups * window, shape[1] * window
    return (first, second) if transposed else (second, first)
