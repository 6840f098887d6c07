"""Whole numbers stay whole and exact where they are moved, compared, added or multiplied; bits read as others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.engine.discrete import DiscreteTensor
from tinygrad_init.nn import functional as F

BIG = 2**53 + np.arange(64).reshape(1, 4, 4, 4) * 3  # what float64 rounds
SMALL = np.random.default_rng(0).integers(-9, 9, (2, 4, 5, 6))


def repeated(x: Any, *places: Any) -> Any:
    """Elements by number along the last two axes."""
    return x[..., places[0], :][..., places[1]]


MOVED: dict[str, tuple[Any, Any]] = {
    "pad": (lambda x: F.pad(x, (1, 0, 0, 2), value=7), lambda a: np.pad(
        a, [(0, 0), (0, 0), (0, 2), (1, 0)], constant_values=7)),
    "pad that cuts": (lambda x: F.pad(x, (-1, 1)), lambda a: np.pad(a[..., 1:], [(0, 0)] * 3 + [(0, 1)])),
    "reflected": (lambda x: F.pad(x, (2, 0), mode="reflect"), lambda a: np.pad(a, [(0, 0)] * 3 + [(2, 0)], "reflect")),
    "nearest": (lambda x: F.interpolate(x, (2, 8)), lambda a: repeated(a, [0, 2], np.repeat(range(4), 2))),
    "nearest-exact": (
        lambda x: F.interpolate(x, (2, 4), mode="nearest-exact"), lambda a: repeated(a, [1, 3], range(4))),
    "pixel_shuffle": (
        lambda x: F.pixel_shuffle(x, 2),
        lambda a: a.reshape(1, 1, 2, 2, 4, 4).transpose(0, 1, 4, 2, 5, 3).reshape(1, 1, 8, 8)),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), lambda a: a),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), lambda a: a[:, [0, 2, 1, 3]]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), lambda a: a[:, :, 1::2, 1::2]),  # BIG grows along both axes
    "max_pool1d": (lambda x: F.max_pool1d(x[0], 2), lambda a: a[0, :, :, 1::2]),
}  # fmt: skip
SUMS: dict[str, tuple[Any, Any]] = {
    "einsum": (lambda x: tgi.einsum("abij,abik->bjk", x, x), lambda a: np.einsum("abij,abik->bjk", a, a)),
    "einsum, one": (lambda x: tgi.einsum("abii->b", x), lambda a: np.einsum("abii->b", a)),
    "tensordot": (lambda x: tgi.tensordot(x, x, ([2, 3], [2, 3])), lambda a: np.tensordot(a, a, ([2, 3], [2, 3]))),
    "outer": (lambda x: tgi.outer(x.flatten(), x.flatten()), lambda a: np.outer(a, a)),
    "matrix_power": (lambda x: tgi.matrix_power(x, 3), lambda a: np.linalg.matrix_power(a, 3)),
    "matrix_power 0": (lambda x: tgi.matrix_power(x, 0), lambda a: np.linalg.matrix_power(a, 0)),
}


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_what_moves_numbers_leaves_them_as_they_are(name: str, dtype: str) -> None:
    ours, theirs = MOVED[name]
    array = BIG if dtype == "int64" else (BIG - 2**53).astype(dtype)
    found = ours(tgi.tensor(array))
    assert isinstance(found, DiscreteTensor) and found.dtype == dtype
    np.testing.assert_array_equal(found, theirs(array))


@pytest.mark.parametrize("name", SUMS)
def test_sums_and_products_are_whole_and_exact(name: str) -> None:
    """Here no float32 has all digits of the results, and not always a float64."""
    ours, theirs = SUMS[name]
    array = 3**11 + np.arange(64).reshape(1, 4, 4, 4) * 1001
    found = ours(tgi.tensor(array))
    assert isinstance(found, DiscreteTensor) and found.dtype == np.int64
    np.testing.assert_array_equal(found, theirs(array))


@pytest.mark.peer
@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 2}, {"kernel_size": 3, "padding": 1, "stride": 2}, {"kernel_size": (2, 1), "ceil_mode": True},
     {"kernel_size": 2, "dilation": 2, "padding": 1}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_pooled_as_in_pytorch(options: dict[str, Any], dtype: str) -> None:
    """Padding is never the largest, also where all numbers are below 0; of several largest the first is meant."""
    torch = pytest.importorskip("torch")
    array = (SMALL - 10).astype(dtype)
    found, places = F.max_pool2d(tgi.tensor(array), **options, return_indices=True)
    theirs = torch.nn.functional.max_pool2d(torch.tensor(array), **options, return_indices=True)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, theirs[0].numpy())
    np.testing.assert_array_equal(places, theirs[1].numpy())
    np.testing.assert_array_equal(F.max_pool2d(tgi.tensor(array), **options), found)


class TestBytesBetweenPixels:
    image = np.random.default_rng(1).integers(0, 256, (2, 3, 7, 9)).astype(np.uint8)

    @pytest.mark.peer
    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    @pytest.mark.parametrize("corners", [False, True])
    def test_as_in_pytorch(self, mode: str, corners: bool) -> None:
        torch = pytest.importorskip("torch")
        for options in ({"size": (4, 12)}, {"size": (15, 2)}, {"size": (7, 5)}, {"scale_factor": 1.7}):
            options |= {"mode": mode, "align_corners": corners}
            found = F.interpolate(tgi.tensor(self.image), **options)
            assert isinstance(found, DiscreteTensor) and found.dtype == np.uint8
            expected = torch.nn.functional.interpolate(torch.tensor(self.image), **options)
            np.testing.assert_array_equal(found, expected.numpy())

    def test_on_lines_at_most_half_a_step_off_along_each_axis(self) -> None:
        floats = F.interpolate(tgi.tensor(self.image.astype(float)), (5, 20), mode="bilinear").numpy()
        found = np.asarray(F.interpolate(tgi.tensor(self.image), (5, 20), mode="bilinear"))
        assert np.abs(found - floats).max() <= 1.0 + 4 * 255 / 2**15  # and what rounded weights add

    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    @pytest.mark.parametrize("value", [0, 1, 254, 255])
    def test_one_colour_stays_what_it_is(self, mode: str, value: int) -> None:
        """Where a curve overshoots no byte wraps around."""
        plain = tgi.tensor(np.full((1, 1, 3, 4), value, np.uint8))
        assert (F.interpolate(plain, (7, 5), mode=mode) == value).all()
        edge = tgi.tensor(np.repeat([[[[0, 0, 255, 255]]]], 3, axis=2).astype(np.uint8))
        found = np.asarray(F.interpolate(edge, (3, 16), mode=mode)).astype(int)
        assert (np.diff(found[..., 6:10]) >= 0).all() and found[..., :6].max() < 30 and found[..., 10:].min() > 225


@pytest.mark.parametrize("value", [0.5, 300, -1, np.inf, np.nan])
def test_padding_has_to_be_such_a_number(value: float) -> None:
    with pytest.raises(ValueError, match=r"^pad: expected a value that uint8 can have, got "):
        F.pad(tgi.tensor(np.zeros(3, np.uint8)), (1, 1), value=value)


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_widths_below_0_cut_off_as_in_pytorch(mode: str) -> None:
    """What is laid around on the other side may still come from there."""
    torch = pytest.importorskip("torch")
    x = np.arange(1.0, 6.0).reshape(1, 1, 5)
    for before in range(-4, 5):
        for behind in range(max(-4, -before - 4), 5):
            found = F.pad(tgi.tensor(x), (before, behind), mode=mode).numpy()
            expected = torch.nn.functional.pad(torch.tensor(x), (before, behind), mode=mode)
            np.testing.assert_array_equal(found, expected.numpy(), f"{before}, {behind}")
    with pytest.raises(ValueError, match="cut off more than"):
        F.pad(tgi.tensor(x), (-3, -3), mode=mode)


def test_widths_below_0_among_those_that_go_around() -> None:
    """Modulo the length; PyTorch leaves some of these uninitialized."""
    x = tgi.tensor(np.arange(5.0).reshape(1, 1, 5), requires_grad=True)
    found = F.pad(x, (-2, 3), mode="circular")
    assert found.numpy().ravel().tolist() == [2.0, 3.0, 4.0, 0.0, 1.0, 2.0]
    found.sum().backward()
    assert x.grad is not None and x.grad.numpy().ravel().tolist() == [1.0, 1.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize(("low", "high"), [(0.5, 3), (0.5, None), (None, 2.5), (1, 2.5)])
def test_limits_that_are_not_whole_give_floats(low: float | None, high: float | None) -> None:
    """Of the default dtype, as PyTorch has it, and not of NumPy's float64."""
    whole = tgi.tensor([1, 5, -3])
    for found in (tgi.clip(whole, low, high), whole.clamp(low, high)):
        assert isinstance(found, tgi.Tensor) and found.dtype == np.float32
        np.testing.assert_array_equal(found.numpy(), np.clip([1.0, 5.0, -3.0], low, high))
    assert isinstance(tgi.clip(whole, -1, 3), DiscreteTensor) and tgi.clip(whole, -1, 3).tolist() == [1, 3, -1]


def test_captured() -> None:
    factor = tgi.tensor(2.0)
    functions = [
        lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: F.pad(x, (1, 1), value=3), lambda x: F.pad(x, (-1, 1)),
        lambda x: tgi.clip(x, 0.5, 3.5), lambda x: tgi.outer(x.flatten(), x.flatten()),
        lambda x: F.interpolate(x, (3, 5)),
    ]  # fmt: skip
    for function in functions:
        step = tgi.capture(lambda x, function=function: function(x) * factor)
        for array in (SMALL, SMALL[::-1].copy(), SMALL - 5):
            x = tgi.tensor(array)
            np.testing.assert_array_equal(step(x).numpy(), (function(x) * factor).numpy())


class TestBits:
    x = np.array([[1.5, -0.0, np.inf, np.nan], [-2.0, 0.1, 1e-40, 3e38]], np.float32)

    @pytest.mark.parametrize("dtype", ["int32", np.int32, np.dtype("uint8"), "float64", "int64", "bool"])
    def test_as_numpy_reads_them(self, dtype: Any) -> None:
        array = (self.x != 0).astype(np.uint8) if dtype == "bool" else self.x
        found = tgi.tensor(array).view(dtype)
        expected = array.view(dtype)
        assert isinstance(found, tgi.Tensor if expected.dtype.kind == "f" else DiscreteTensor)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert found.numpy().tobytes() == expected.tobytes()

    def test_there_and_back(self) -> None:
        x = tgi.tensor(self.x, requires_grad=True)
        back = x.view("int32").view("float32")
        assert isinstance(back, tgi.Tensor) and not back.requires_grad
        assert back.numpy().tobytes() == self.x.tobytes()
        turned = tgi.tensor(self.x.T).view("int32")  # laid out otherwise
        assert turned.tolist() == np.ascontiguousarray(self.x.T).view(np.int32).tolist()

    def test_a_copy(self) -> None:
        """What is written into the bits does not change numbers that a graph may need."""
        x = tgi.tensor(self.x)
        bits = x.view("int32")
        bits[...] = 0
        assert x.numpy().tobytes() == self.x.tobytes()

    def test_what_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match=r"view: float32 of shape \(3,\) cannot be read as float64"):
            tgi.tensor(np.zeros(3, np.float32)).view("float64")
        with pytest.raises(ValueError, match=r"view: float32 of shape \(\) cannot be read as uint8"):
            tgi.tensor(1.0).view("uint8")
        with pytest.raises(TypeError, match="expected dtype float32 or float64, got float16"):
            tgi.tensor(np.zeros(4, np.float32)).view("float16")


def test_a_clone_of_minus_zero_is_minus_zero() -> None:
    for x in (tgi.tensor(-0.0), tgi.tensor([-0.0])):
        assert np.signbit(x.clone().numpy()).all()
