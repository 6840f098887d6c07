"""Convolution, pooling and normalization by their kernels: what NumPy makes of the same arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init.kernels import reference_windows
from tinygrad_init.kernels.backend import kernels

from ..strategies import dtypes, seeds


@st.composite
def windows(draw: st.DrawFn, channels: bool) -> tuple[int, ...]:
    """Numbers of `tgi_windows`: rows shorter and longer than vectors, strides beyond the window, no samples at all."""
    many = (draw(st.integers(1, 3)), draw(st.integers(0, 4)), draw(st.integers(0, 20))) if channels else (1, 1, 1)
    axes = []
    for most in (2, 6, 40):
        size, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
        before = draw(st.integers(0, size // 2))
        reach = (size - 1) * dilation + 1
        length = max(reach - 2 * before, 1) + draw(st.integers(0, most))
        axes.append((length, (length + 2 * before - reach) // stride + 1, size, stride, dilation, before))
    return draw(st.integers(0, 4)), *many, *(n for kind in zip(*axes, strict=True) for n in kind)


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Whole ones, of which sums are exact; many are equal."""
    return rng.integers(-4, 5, shape).astype(dtype)


@given(windows(True), st.integers(0, 2), st.booleans(), dtypes, seeds)
def test_convolutions(found: tuple[int, ...], which: int, biased: bool, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = reference_windows.Windows(found)
    images, maps = (w.samples, w.groups * w.inputs, *w.lengths), (w.samples, w.groups * w.outputs, *w.counts)
    weights = w.groups * w.outputs, w.inputs, *w.size
    shapes = [(images, weights, maps), (maps, weights, images), (images, maps, weights)][which]
    left, right = (numbers(rng, shape, dtype) for shape in shapes[:2])
    bias = numbers(rng, weights[:1], dtype) if biased and which == 0 else None
    arguments = which, left, right, bias, found, shapes[2]
    mine, theirs = kernels.convolve(*arguments), reference_windows.convolve(*arguments)
    assert (mine.shape, mine.dtype) == (shapes[2], dtype)
    np.testing.assert_array_equal(mine, theirs)


@given(windows(False), st.integers(0, 4), st.booleans(), dtypes, seeds)
def test_pooling(found: tuple[int, ...], which: int, squares: bool, dtype: Any, seed: int) -> None:
    if squares:  # side by side, with and without a row and a column that belong to none
        samples, length, width = found[0], max(found[5], 2), max(found[6], 2)
        found = (samples, 1, 1, 1, 1, length, width, 1, length // 2, width // 2, 1, 2, 2, 1, 2, 2, 1, 1, 1, 0, 0, 0)
    rng = np.random.default_rng(seed)
    w = reference_windows.Windows(found)
    images, maps = (w.samples, 1, *w.lengths), (w.samples, 1, *w.counts)
    x = numbers(rng, images, dtype)
    largest = reference_windows.pool(0, x, None, None, found, maps)
    given_, wanted = (maps, images) if which in (1, 4) else (images, maps)
    arguments = which, numbers(rng, given_, dtype), x, largest, found, wanted
    mine, theirs = kernels.pool(*arguments), reference_windows.pool(*arguments)
    assert (mine.shape, mine.dtype) == (wanted, dtype)
    np.testing.assert_allclose(mine, theirs, rtol=4 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("width", [3, 5, 40])
def test_nan_is_the_largest(width: int) -> None:
    x = np.zeros((1, 1, 4, 2 * width))
    x[0, 0, 1, 1] = np.nan
    shape = 1, 1, 1, 1, 1, 4, 2 * width, 1, 2, width, 1, 2, 2, 1, 2, 2, 1, 1, 1, 0, 0, 0
    found = kernels.pool(0, x, None, None, shape, (1, 1, 2, width))
    assert math.isnan(found[0, 0, 0, 0]) and np.count_nonzero(np.isnan(found)) == 1


@given(st.integers(1, 3), st.integers(0, 4), st.sampled_from([1, 3, 16, 65, 700]), dtypes, seeds)
def test_normalization(outer: int, channels: int, inner: int, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, g = rng.normal(1, 2, (2, outer, channels, inner)).astype(dtype)
    w, b = rng.normal(size=(2, channels)).astype(dtype)
    m = reference_windows.normalize(0, [x], 0.0)
    s = reference_windows.normalize(2, [g, x, m], 0.25)
    for which, operands in enumerate(([x], [x, m, w, b], [g, x, m], [g, x, m, w, s])):
        mine, theirs = (f.normalize(which, operands, 0.25) for f in (kernels, reference_windows))
        assert (mine.shape, mine.dtype) == (theirs.shape, dtype)
        # Sums of `outer * inner` terms of size 1, in another order.
        np.testing.assert_allclose(mine, theirs, atol=16 * outer * inner * np.finfo(dtype).eps, rtol=0)


PLAIN = (1, 1, 1, 1, 1, 1, 4, 1, 1, 3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"found": PLAIN[:21]}, "22 numbers"),
        ({"found": (1, 1, 1, 1, 1, 1, 0, *PLAIN[7:])}, "no windows are described"),
        ({"found": (-1, *PLAIN[1:])}, "no windows are described"),
        ({"x": np.zeros(5)}, "expected an operand of 4 numbers, got shape"),
        ({"w": np.zeros(3)}, "expected an operand of 2 numbers"),
        ({"bias": np.zeros(2)}, "expected an operand of 1 numbers"),
        ({"w": np.zeros(2, np.float32)}, "do not mix"),
        ({"shape": (4,)}, "expected an operand of 3 numbers"),
        ({"which": 3}, "no convolution has the number 3"),
    ],
    ids=str,
)
def test_operands_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    if kernels.ISA == "numpy":
        pytest.skip("NumPy checks what it is given in its own words")
    given_: dict[str, Any] = {
        "which": 0,
        "x": np.zeros(4),
        "w": np.zeros(2),
        "bias": None,
        "found": PLAIN,
        "shape": (3,),
    }
    with pytest.raises((ValueError, TypeError), match=message):
        kernels.convolve(*(given_ | change).values())
