"""In NumPy what images need: the kernels of `csrc/convolution.inc.h`, `pooling.inc.h` and `normalization.inc.h`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from . import reference

Array = np.ndarray[Any, Any]
FORWARD, BY_INPUT, BY_WEIGHT = range(3)
LARGEST, LARGEST_VJP, AT_LARGEST, MEAN, MEAN_VJP = range(5)


class Windows:
    """The numbers of `tgi_windows` by their names."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.samples, self.groups, self.inputs, self.outputs = numbers[:4]
        axes = [numbers[i : i + 3] for i in range(4, 22, 3)]
        self.lengths, self.counts, self.size, self.stride, self.dilation, self.before = axes

    def padded(self, x: Array, value: float = 0.0) -> Array:
        """An array (..., *lengths) with as much around it as the windows reach for."""
        extent = [
            max(before + length, (count - 1) * stride + (size - 1) * dilation + 1)
            for before, length, count, stride, size, dilation in zip(
                self.before, self.lengths, self.counts, self.stride, self.size, self.dilation, strict=True
            )
        ]
        out = np.full((*x.shape[:-3], *extent), value, x.dtype)
        out[self.inside()] = x
        return out

    def inside(self) -> tuple[Any, ...]:
        """Where the array lies in what `padded` gives."""
        return (..., *(slice(b, b + n) for b, n in zip(self.before, self.lengths, strict=True)))

    def positions(self) -> Iterator[tuple[Any, ...]]:
        """For each position in a window where all windows have it."""
        for k in product(*map(range, self.size)):
            yield (
                ...,
                *(
                    slice(i * d, i * d + (n - 1) * s + 1, s)
                    for i, d, n, s in zip(k, self.dilation, self.counts, self.stride, strict=True)
                ),
            )


def convolve(
    which: int, left: Array, right: Array, bias: Array | None, windows: tuple[int, ...], shape: tuple[int, ...]
) -> Array:
    """A convolution (0) or its derivative by the input (1) or the weight (2), see `tgi_convolution`."""
    if not isinstance(left, np.ndarray):
        return reference.recorded(left, "convolve", which, right, bias, windows, shape)
    w = Windows(windows)
    images, maps = (w.samples, w.groups, w.inputs, *w.lengths), (w.samples, w.groups, w.outputs, *w.counts)
    weights = w.groups, w.outputs, w.inputs, math.prod(w.size)
    out = np.zeros((maps, images, weights)[which], left.dtype)
    with np.errstate(all="ignore"):
        if which == BY_INPUT:
            padded = w.padded(out)
            for k, at in enumerate(w.positions()):
                padded[at] += _by_group("ngo...,goc->ngc...", left.reshape(maps), right.reshape(weights)[..., k])
            return padded[w.inside()].reshape(shape)
        padded = w.padded(left.reshape(images))
        for k, at in enumerate(w.positions()):
            if which == BY_WEIGHT:
                out[..., k] = np.einsum("ngcp,ngop->goc", _flat(padded[at]), _flat(right.reshape(maps)), optimize=True)
            else:
                out += _by_group("ngc...,goc->ngo...", padded[at], right.reshape(weights)[..., k])
        if bias is not None:
            out += bias.reshape((w.groups, w.outputs, 1, 1, 1))
    return out.reshape(shape)


def _flat(x: Array) -> Array:
    """With all positions along one axis."""
    return x.reshape((*x.shape[:3], math.prod(x.shape[3:])))


def _by_group(what: str, x: Array, factors: Array) -> Array:
    found: Array = np.einsum(what, x, factors, optimize=True)
    return found


def pool(which: int, array: Array, given: Any, found: Any, windows: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """One number for each window, or what undoes it, see `tgi_pooling`; `given` and `found` are input and maxima."""
    if not isinstance(array, np.ndarray):
        return reference.recorded(array, "pool", which, given, found, windows, shape)
    w = Windows(windows)
    images, maps = (w.samples, *w.lengths), (w.samples, *w.counts)
    share = array.dtype.type(1.0 / math.prod(w.size))
    with np.errstate(all="ignore"):
        if which in (LARGEST, MEAN):
            padded = w.padded(array.reshape(images), -np.inf if which == LARGEST else 0.0)
            out = np.full(maps, -np.inf if which == LARGEST else 0.0, array.dtype)
            for at in w.positions():
                out = np.maximum(out, padded[at]) if which == LARGEST else out + padded[at]
            return (out if which == LARGEST else out * share).reshape(shape)
        if which == MEAN_VJP:
            padded = w.padded(np.zeros(images, array.dtype))
            for at in w.positions():
                padded[at] += array.reshape(maps) * share
            return padded[w.inside()].reshape(shape)
        x, largest = w.padded(given.reshape(images), np.nan), found.reshape(maps)
        still = np.ones(maps, bool)
        out = np.zeros(maps, array.dtype)
        padded = w.padded(np.zeros(images, array.dtype) if which == LARGEST_VJP else array.reshape(images))
        for at in w.positions():
            hit = still & (x[at] == largest)
            still &= ~hit
            if which == LARGEST_VJP:
                padded[at] += np.where(hit, array.reshape(maps), 0)
            else:
                out = np.where(hit, padded[at], out)
        return (padded[w.inside()] if which == LARGEST_VJP else out).reshape(shape)


def normalize(which: int, operands: list[Array], eps: float) -> Array:
    """Moments (0), channels normalized (1) and what undoes it (2, 3), see `tgi_normalization`."""
    if not isinstance(operands[0], np.ndarray):
        return reference.recorded(operands[0], "normalize", which, operands[1:], eps)
    with np.errstate(all="ignore"):
        if which == 0:
            return np.stack([operands[0].mean((0, 2)), operands[0].var((0, 2))])
        x, moments = operands[which > 1], operands[1 if which == 1 else 2]
        mean, variance = (m[:, np.newaxis] for m in moments)
        scale = (1 / np.sqrt(variance + eps)).astype(x.dtype)
        y = (x - mean) * scale
        if which == 1:
            return y * operands[2][:, np.newaxis] + operands[3][:, np.newaxis]
        g = operands[0]
        if which == 2:
            return np.stack([g.sum((0, 2)), (g * y).sum((0, 2))])
        of_g, of_products = (total[:, np.newaxis] / (x.shape[0] * x.shape[2]) for total in operands[4])
        found: Array = (g - of_g - y * of_products) * scale * operands[3][:, np.newaxis]
        return found.astype(x.dtype)
