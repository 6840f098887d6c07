"""Pooling over windows whose places are drawn at random, so that sizes shrink by any factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..engine.discrete import discrete
from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..init.drawing import Generator, generator_of
from ..ops.drawing import own_generator
from ..ops.windows import whole_numbers
from .module import Module

NAME = "fractional_max_pool2d"


def fractional_max_pool2d(
    input: Any,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: Generator | None = None,
) -> Any:
    """The largest number of each window; windows begin at random places (Graham 2014); see `nn.FractionalMaxPool2d`.

    Raises
    ------
    ValueError
        Not exactly one of `output_size` and `output_ratio` is given, or shapes do not fit.
    """
    if mode.trace is not None:
        mode.trace.refuse(f"{NAME}: which numbers are taken is drawn at random, and is known only in the run")
    (x,) = coerce(NAME, (input,))
    if x.ndim not in (3, 4):
        raise ValueError(f"{NAME}: expected (samples, channels, height, width), got shape {x.shape}")
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{NAME}: expected either output_size or output_ratio")
    window = whole_numbers(NAME, "kernel_size", kernel_size, 2, 1)
    sizes = x.shape[-2:]
    if output_size is not None:
        lengths = whole_numbers(NAME, "output_size", output_size, 2, 1)
    else:
        ratios = np.broadcast_to(np.asarray(output_ratio, float), 2).tolist()
        if not all(0 < ratio < 1 for ratio in ratios):
            raise ValueError(f"{NAME}: expected output_ratio between 0 and 1, got {output_ratio!r}")
        lengths = tuple(int(n * ratio) for n, ratio in zip(sizes, ratios, strict=True))
    if any(n < 1 or n + k - 1 > size for n, k, size in zip(lengths, window, sizes, strict=True)):
        raise ValueError(f"{NAME}: windows of {window} at {lengths} places do not fit into an input of {sizes}")
    lead = (*(1,) * (4 - x.ndim), *x.shape[:-2])
    if _random_samples is None:
        drawn = generator_of(rng).random((*lead, 2))
    else:
        drawn = np.asarray(operand(_random_samples), np.float64)
        if drawn.shape != (*lead, 2):
            raise ValueError(f"{NAME}: expected _random_samples of shape {(*lead, 2)}, got {drawn.shape}")
    # The first number is the width's, as in PyTorch.
    rows, columns = (
        _starts(drawn[..., 1 - i], sizes[i], lengths[i], window[i])[..., np.newaxis] + np.arange(window[i])
        for i in (0, 1)
    )
    places = rows[:, :, :, np.newaxis, :, np.newaxis] * sizes[1] + columns[:, :, np.newaxis, :, np.newaxis, :]
    places = places.reshape(*lead, lengths[0] * lengths[1], -1)
    flat = x.reshape(*lead, -1)
    numbers = np.take_along_axis(operand(flat)[..., np.newaxis, :], places, axis=-1)
    best = np.take_along_axis(places, numbers.argmax(axis=-1)[..., np.newaxis], axis=-1)[..., 0]
    shape = (*x.shape[:-2], *lengths)
    found = ops.gather(flat, 2, best).reshape(*shape)
    return (found, discrete(best.reshape(shape))) if return_indices else found


def _starts(drawn: Any, size: int, length: int, window: int) -> Any:
    """Where windows begin: about evenly, all shifted by the number drawn, the last one at the end."""
    step = (size - window) / (length - 1) if length > 1 else 0.0
    i = np.arange(length)
    found = ((i + drawn[..., np.newaxis]) * step).astype(np.int64) - (drawn[..., np.newaxis] * step).astype(np.int64)
    found[..., -1] = size - window
    return found


class FractionalMaxPool2d(Module):
    """The largest number of each window, (samples, channels, height, width), with windows at random places.

    Graham 2014. Windows overlap or leave gaps so that the result has any size below that of the input.

    Parameters
    ----------
    kernel_size
        Of windows: one number, or one for each axis.
    output_size, output_ratio
        How large the result is, in elements or as a share of the input: one of both.
    return_indices
        Whether the places of the largest numbers, in a plane as one row, are returned, too.
    _random_samples
        Numbers in [0, 1) of shape (samples, channels, 2) in place of those that are drawn at each call.
    rng
        What they are drawn from, as in `Dropout`.

    Raises
    ------
    ValueError
        When called: not exactly one of both sizes is given, or shapes do not fit.
    """

    _random_samples: Any

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        output_size: int | Sequence[int] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Any = None,
        *,
        rng: Generator | None = None,
    ) -> None:
        if (output_size is None) == (output_ratio is None):
            raise ValueError("FractionalMaxPool2d: expected either output_size or output_ratio")
        self.kernel_size, self.output_size, self.output_ratio = kernel_size, output_size, output_ratio
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.rng = own_generator(rng)

    def forward(self, input: Any) -> Tensor | tuple[Tensor, Any]:
        sizes = self.kernel_size, self.output_size, self.output_ratio
        found: Any = fractional_max_pool2d(input, *sizes, self.return_indices, self._random_samples, rng=self.rng)
        return found

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, output_size={self.output_size}, output_ratio={self.output_ratio}"
