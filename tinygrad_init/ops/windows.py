"""Windows that slide over the last axes of an array: where they lie, and what is padded around the array for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .registry import Array
from .shape import whole

Ints = tuple[int, ...]
Index = tuple[Any, ...]


class Windows(NamedTuple):
    """Windows over the last axes of an array: position k of window p is the element p·stride + k·dilation - before.

    Attributes
    ----------
    lengths
        Of the array's last axes.
    counts
        How many windows lie along each of them.
    size, stride, dilation
        Of a window: positions, the step to the next window, the step from one position to the next.
    before
        How many elements of padding lie in front of the array; behind it there are as many as the windows reach for.
    """

    lengths: Ints
    counts: Ints
    size: Ints
    stride: Ints
    dilation: Ints
    before: Ints

    @property
    def extent(self) -> Ints:
        """The lengths with the padding."""
        return tuple(
            max(before + length, (count - 1) * stride + (size - 1) * dilation + 1)
            for length, count, size, stride, dilation, before in zip(
                self.lengths, self.counts, self.size, self.stride, self.dilation, self.before, strict=True
            )
        )

    def numbers(self, samples: int, groups: int = 1, inputs: int = 1, outputs: int = 1) -> Ints:
        """As the kernels want it (`tgi_windows`), with so many channels in each group before and after; three axes."""
        ones, none = (1,) * (3 - len(self.size)), (0,) * (3 - len(self.size))
        along = self.lengths, self.counts, self.size, self.stride, self.dilation
        found = (samples, groups, inputs, outputs, *(n for axis in along for n in ones + axis))
        return (*found, *none, *self.before)

    @property
    def inside(self) -> Index:
        """Where the array lies within its padding."""
        return (..., *(slice(b, b + n) for b, n in zip(self.before, self.lengths, strict=True)))

    @property
    def positions(self) -> list[Index]:
        """For each position of a window where all windows have it in the padded array: slices, as long as `counts`."""
        starts = product(*(range(0, n * d, d) for n, d in zip(self.size, self.dilation, strict=True)))
        return [
            (
                ...,
                *(
                    slice(at, at + (count - 1) * stride + 1, stride)
                    for at, count, stride in zip(start, self.counts, self.stride, strict=True)
                ),
            )
            for start in starts
        ]

    def reaching_over(self) -> Windows:
        """With a last window along each axis that hangs over the end, if it begins before the padding behind."""
        counts = []
        for n, count, size, step, d, b in zip(
            self.lengths, self.counts, self.size, self.stride, self.dilation, self.before, strict=True
        ):
            left = n + 2 * b - (size - 1) * d - 1 - (count - 1) * step
            counts.append(count + (left > 0 and count * step < n + b))
        return self._replace(counts=tuple(counts))

    def elements(self, padding: bool) -> Array:
        """How many elements each window has, those of the padding among them or not."""
        found: Any = 1
        for i, (n, count, size, step, b) in enumerate(
            zip(self.lengths, self.counts, self.size, self.stride, self.before, strict=True)
        ):
            start = np.arange(count) * step - b
            end = np.minimum(start + size, n + b)
            along = end - start if padding else np.minimum(end, n) - np.maximum(start, 0)
            found = found * along.reshape((-1, *(1,) * (len(self.lengths) - 1 - i)))
        return found

    def padded_shape(self, shape: Ints) -> Ints:
        """The shape of an array with the padding."""
        return (*shape[: len(shape) - len(self.size)], *self.extent)

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """The array with the padding around it; itself if there is none."""
        if self.extent == self.lengths:
            return x
        out = np.zeros(self.padded_shape(x.shape), x.dtype, like=x)
        if value != 0.0:
            out[...] = value
        out[self.inside] = x
        return out

    def fold(self, parts: Iterable[Array]) -> Array:
        """What the windows hold, one array for each position, added up where it lies; what falls on padding is lost."""
        out = None
        for at, part in zip(self.positions, parts, strict=True):
            if out is None:
                out = np.zeros(self.padded_shape(part.shape), part.dtype, like=part)
            with np.errstate(all="ignore"):
                out[at] += part
        assert out is not None
        return out if self.extent == self.lengths else out[self.inside]


def whole_numbers(name: str, what: str, value: int | Sequence[int], axes: int, least: int) -> Ints:
    """An option for each axis, given as one whole number for all or as a tuple.

    Raises
    ------
    TypeError
        It is not made of whole numbers.
    ValueError
        There are not as many as axes, or one is too small.
    """
    given = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * axes
    try:
        found = tuple([whole(name, what, n) for n in given])
    except TypeError:
        raise TypeError(f"{name}: expected {what} as a whole number or a tuple of them, got {value!r}") from None
    if len(found) != axes or min(found) < least:
        raise ValueError(f"{name}: expected {what} as one or {axes} whole numbers of at least {least}, got {value}")
    return found


def require_lengths(name: str, lengths: Ints, size: Ints) -> None:
    """Raise where windows or what they slide over hold nothing; of samples and channels there may be none."""
    if 0 in lengths or 0 in size:
        raise ValueError(f"{name}: expected lengths of at least 1, got windows of {size} for an input of {lengths}")


def slide(
    name: str,
    lengths: Ints,
    size: Ints,
    stride: int | Sequence[int],
    padding: int | str | Sequence[int],
    dilation: int | Sequence[int],
) -> Windows:
    """As many windows as lie within axes of such lengths and their padding.

    Parameters
    ----------
    name
        What errors call the operation.
    padding
        How many elements there are before and behind each axis, or "valid" (none), or "same" (as many windows as
        elements, which needs a stride of 1; if the padding is odd, there is one more behind).

    Raises
    ------
    TypeError, ValueError
        An option is not made of whole numbers, or is too small; or not even one window fits; or an axis or a window has
        a length of 0.
    """
    require_lengths(name, lengths, size)
    axes = len(size)
    steps = whole_numbers(name, "stride", stride, axes, 1)
    spread = whole_numbers(name, "dilation", dilation, axes, 1)
    reach = tuple((n - 1) * d for n, d in zip(size, spread, strict=True))
    if padding == "same":
        if set(steps) != {1}:
            raise ValueError(f"{name}: padding 'same' needs a stride of 1, got {stride}")
        before, both = tuple(r // 2 for r in reach), reach
    elif isinstance(padding, str) and padding != "valid":
        raise ValueError(f"{name}: expected padding as whole numbers, 'same' or 'valid', got {padding!r}")
    else:
        before = whole_numbers(name, "padding", 0 if isinstance(padding, str) else padding, axes, 0)
        both = tuple(2 * n for n in before)
    room = tuple(length + p - r for length, p, r in zip(lengths, both, reach, strict=True))
    if min(room) < 1:
        raise ValueError(
            f"{name}: windows of {size} with dilation {spread} do not fit into an input of {lengths} with padding "
            f"{padding}"
        )
    counts = tuple((n - 1) // step + 1 for n, step in zip(room, steps, strict=True))
    return Windows(tuple(lengths), counts, tuple(size), steps, spread, before)
