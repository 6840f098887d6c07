"""Padding as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.padding import pad_sides
from .module import Module


class _Pad(Module):
    """Something laid around the last axes of (samples, channels, ...), or of (channels, ...).

    Parameters
    ----------
    padding
        One width for all sides, or for each axis, the last first, one before and one behind.
    """

    axes: ClassVar[int]
    kind: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        several = isinstance(padding, Sequence)
        self.padding: tuple[int, ...] = tuple(padding) if several else (padding,) * (2 * self.axes)  # type: ignore[arg-type, assignment]
        if len(self.padding) != 2 * self.axes:
            raise ValueError(f"{type(self).__name__}: expected {2 * self.axes} widths, got {padding}")
        self.value = 0.0

    def forward(self, input: Any) -> Tensor:
        name = type(self).__name__
        (x,) = coerce(name, (input,))
        # PyTorch lays numbers around whatever has the axes, and elements around channels alone.
        if x.ndim < self.axes or (self.kind != "constant" and x.ndim not in (self.axes + 1, self.axes + 2)):
            raise ValueError(
                f"{name}: expected (samples, channels, ...) with {self.axes + 2} axes, got shape {x.shape}"
            )
        return pad_sides(name, x, self.padding, self.axes, self.kind, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    """A number around the last axes; see `_Pad` for the widths."""

    kind = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A number around the last axis."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """A number around the last two axes."""

    axes = 2


class ConstantPad3d(_ConstantPad):
    """A number around the last three axes."""

    axes = 3


class ZeroPad1d(_Pad):
    """Zeros around the last axis."""

    axes = 1
    kind = "constant"


class ZeroPad2d(_Pad):
    """Zeros around the last two axes."""

    axes = 2
    kind = "constant"


class ZeroPad3d(_Pad):
    """Zeros around the last three axes."""

    axes = 3
    kind = "constant"


class ReflectionPad1d(_Pad):
    """The elements mirrored at the first and the last around the last axis."""

    axes = 1
    kind = "reflect"


class ReflectionPad2d(_Pad):
    """The elements mirrored at the first and the last around the last two axes."""

    axes = 2
    kind = "reflect"


class ReflectionPad3d(_Pad):
    """The elements mirrored at the first and the last around the last three axes."""

    axes = 3
    kind = "reflect"


class ReplicationPad1d(_Pad):
    """The first and the last elements again around the last axis."""

    axes = 1
    kind = "replicate"


class ReplicationPad2d(_Pad):
    """The first and the last elements again around the last two axes."""

    axes = 2
    kind = "replicate"


class ReplicationPad3d(_Pad):
    """The first and the last elements again around the last three axes."""

    axes = 3
    kind = "replicate"


class CircularPad1d(_Pad):
    """The elements from the other end around the last axis."""

    axes = 1
    kind = "circular"


class CircularPad2d(_Pad):
    """The elements from the other end around the last two axes."""

    axes = 2
    kind = "circular"


class CircularPad3d(_Pad):
    """The elements from the other end around the last three axes."""

    axes = 3
    kind = "circular"
