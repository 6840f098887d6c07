"""Axes and shapes that are none: every operation that takes one says what it expected and what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi

X = tgi.tensor(np.arange(6.0).reshape(2, 3))
REDUCTIONS = ["sum", "mean", "max", "min", "norm", "logsumexp", "var", "std"]
SEVERAL: dict[str, Any] = {
    **{name: lambda axis, name=name: getattr(tgi, name)(X, axis=axis) for name in REDUCTIONS},
    "softmax": lambda axis: tgi.softmax(X, axis),
    "log_softmax": lambda axis: tgi.log_softmax(X, axis),
    "squeeze": lambda axis: tgi.squeeze(tgi.tensor(np.ones((1, 1))), axis),
}
ONE: dict[str, Any] = {
    "concatenate": lambda axis: tgi.concatenate([X, X], axis),
    "stack": lambda axis: tgi.stack([X, X], axis),
    "expand_dims": lambda axis: tgi.expand_dims(X, axis),
    "flatten": lambda axis: tgi.flatten(X, axis),
    "swapaxes": lambda axis: tgi.swapaxes(X, 0, axis),
    "flatten layer": lambda axis: tgi.nn.Flatten(axis)(X),
}
ORDERS = {"transpose": lambda axis: tgi.transpose(X, (0, axis))}


def refused(function: Any, given: Any, kind: type[Exception], message: str) -> None:
    """Raised by the package itself, with its own words."""
    with pytest.raises(kind, match=message) as caught:
        function(given)
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", [*SEVERAL, *ONE, *ORDERS])
@pytest.mark.parametrize("axis", [9, -9])
def test_axes_out_of_range(name: str, axis: int) -> None:
    """NumPy's kind of error for it, which is a ValueError, and an IndexError as PyTorch raises it."""
    message = f": axis {axis} is out of range for a tensor with . axes"
    refused((SEVERAL | ONE | ORDERS)[name], axis, np.exceptions.AxisError, message)
    with pytest.raises(IndexError):
        (SEVERAL | ONE | ORDERS)[name](axis)


@pytest.mark.parametrize("name", [*SEVERAL, *ONE, *ORDERS])
@pytest.mark.parametrize("axis", [0.0, "0", True, False, np.True_, np.float32(1), {0}, 1j], ids=repr)
def test_axes_that_are_no_whole_numbers(name: str, axis: Any) -> None:
    refused((SEVERAL | ONE | ORDERS)[name], axis, TypeError, ": expected an axis as a whole number, got ")


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("axis", [None, (0,), (0, 1), [1]], ids=repr)
def test_where_one_axis_is_wanted_others_are_not_left_out_in_silence(name: str, axis: Any) -> None:
    refused(ONE[name], axis, TypeError, ": expected an axis as a whole number, got ")


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("axis", [(0, 0), (1, -1)])
def test_axes_that_are_named_twice(name: str, axis: tuple[int, ...]) -> None:
    refused(SEVERAL[name], axis, ValueError, r": an axis is named twice in \(")
    with pytest.raises(ValueError, match="transpose: an axis is named twice"):
        tgi.transpose(X, axis)


def test_axes_of_numbers_without_axes() -> None:
    """As in NumPy and PyTorch they count as ones of a single element: they have an axis 0, and no other."""
    x = tgi.tensor(1.5)
    for name, expected in {"softmax": 1.0, "log_softmax": 0.0, "sum": 1.5, "cumsum": 1.5, "prod": 1.5}.items():
        function = getattr(tgi, name)
        for axis in (0, -1):
            found = function(x, axis=axis)
            assert found.shape == () and found.item() == expected
        with pytest.raises(ValueError, match=f"{name}: axis 1 is out of range for a tensor with . axes"):
            function(x, axis=1)
    assert tgi.swapaxes(x, 0, 0) is x
    with pytest.raises(ValueError, match="concatenate: axis 0 is out of range for a tensor with 0 axes"):
        tgi.concatenate([tgi.tensor(1.0), tgi.tensor(2.0)])


@pytest.mark.parametrize("axis", [np.int64(1), np.array(1), -1])
def test_whole_numbers_of_any_kind_are_axes(axis: Any) -> None:
    for function in (*SEVERAL.values(), *ONE.values()):
        function(axis)


@given(shape=hnp.array_shapes(max_dims=3, max_side=4, min_side=0), wanted=st.lists(st.integers(-2, 6), max_size=3))
def test_reshape_accepts_what_numpy_does_and_what_it_means(shape: tuple[int, ...], wanted: list[int]) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    meant = all(n >= -1 for n in wanted) and wanted.count(-1) <= 1 and not (-1 in wanted and 0 in wanted)
    try:
        expected = array.reshape(wanted) if meant else None
    except ValueError:
        expected = None
    if expected is not None:
        np.testing.assert_array_equal(tgi.reshape(tgi.tensor(array), tuple(wanted)).numpy(), expected)
        np.testing.assert_array_equal(tgi.tensor(array).reshape(*wanted).numpy(), expected)
    else:
        with pytest.raises(ValueError, match=r"^reshape: "):
            tgi.reshape(tgi.tensor(array), tuple(wanted))


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ((-2, 3), ValueError, r"expected lengths of at least 0, and -1 once at most, got \(-2, 3\)"),
        ((-1, -1), ValueError, r"expected lengths of at least 0, and -1 once at most, got \(-1, -1\)"),
        ((0, -1), ValueError, r"-1 can stand for any length beside one of 0 in \(0, -1\); say which"),
        ((4, 2), ValueError, r"6 elements of shape \(2, 3\) do not fit shape \(4, 2\)"),
        ((4, -1), ValueError, r"6 elements of shape \(2, 3\) do not fit shape \(4, -1\)"),
        ((2.0, 3), TypeError, "expected a length as a whole number, got 2.0"),
        ((True, 6), TypeError, "expected a length as a whole number, got True"),
        (("23",), TypeError, "expected a length as a whole number, got '23'"),
        ((None,), TypeError, "expected a length as a whole number, got None"),
    ],
)
def test_shapes_that_are_none(shape: tuple[Any, ...], kind: type[Exception], message: str) -> None:
    refused(lambda given: tgi.reshape(X, given), shape, kind, f"reshape: {message}")
    refused(lambda given: X.reshape(*given), shape, kind, f"reshape: {message}")


@pytest.mark.parametrize("shape", [(2.0, 3), ("2",), (True, 2, 3), 2.5])
def test_lengths_of_stretched_tensors_are_whole_numbers(shape: Any) -> None:
    refused(lambda given: tgi.broadcast_to(X, given), shape, TypeError, "broadcast_to: expected a length as a whole")


@pytest.mark.parametrize("function", [tgi.reshape, tgi.squeeze, tgi.expand_dims, tgi.transpose, tgi.flatten])
def test_lists_are_no_tensors(function: Any) -> None:
    name = function.__name__
    with pytest.raises(TypeError, match=f"{name}: expected a tensor, an array or a number, got list"):
        function([1.0], *({"reshape": (1,), "expand_dims": (0,)}.get(name, ())))


@pytest.mark.parametrize("option", ["stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_options_of_windows_are_whole_numbers(option: str, value: Any) -> None:
    if option == "padding" and value == "1":
        kind, message = ValueError, "expected padding as whole numbers, 'same' or 'valid', got '1'"
    else:
        kind, message = TypeError, f"expected {option} as a whole number"
    with pytest.raises(kind, match=f"conv1d: {message}"):
        tgi.conv1d(np.ones((1, 1, 4)), np.ones((1, 1, 2)), **{option: value})


@pytest.mark.parametrize("size", [2.0, "2", True, None, np.float32(2)], ids=repr)
def test_sizes_of_layers_are_whole_numbers(size: Any) -> None:
    nn = tgi.nn
    for make in (
        lambda: nn.Linear(size, 3),
        lambda: nn.Linear(3, size),
        lambda: nn.MLP([2, size, 2]),
        lambda: nn.Conv1d(size, 3, 2),
        lambda: nn.Conv2d(2, size, 2),
        lambda: nn.ConvTranspose1d(2, 2, 2, groups=size),
        lambda: nn.BatchNorm(size),
        lambda: nn.LayerNorm(size),
        lambda: nn.LayerNorm((2, size)),
        lambda: nn.PReLU(size),
    ):
        with pytest.raises(TypeError, match=r": expected .* as a whole number, got "):
            make()


def test_sizes_of_layers_may_be_numpys() -> None:
    two = np.int64(2)
    assert tgi.nn.LayerNorm(two).normalized_shape == (2,)
    assert repr(tgi.nn.Linear(two, two)) == repr(tgi.nn.Linear(2, 2))
    assert repr(tgi.nn.Conv1d(two, two, two)) == repr(tgi.nn.Conv1d(2, 2, 2))
