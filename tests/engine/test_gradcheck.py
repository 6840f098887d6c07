"""The checker itself: it must find planted errors, pass right rules, and know a kink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY

from ..strategies import arrays


@pytest.fixture
def plant() -> Iterator[Any]:
    """Make operations with chosen rules that leave the registry again."""
    planted = []

    def make(forward: Any, *rules: Any) -> Any:
        name = f"planted{len(planted)}"
        planted.append(name)
        return tgi.operation(*rules, formula="planted", name=name, exempt="planted by a test of the checker")(forward)

    yield make
    for name in planted:
        REGISTRY.pop(name)


def square(x: Any, /) -> Any:
    return x * x


@pytest.mark.parametrize(
    "wrong",
    [
        lambda g, x: g * x,
        lambda g, x: -2.0 * g * x,
        lambda g, x: 2.0001 * g * x,
        lambda g, x: 2.0 * g * x + 1e-3,
        lambda g, x: 2.0 * g * x * (x > 0),
        lambda g, x: 2.0 * x,
        lambda g, x: (2.0 * g * x).detach() * 0.0,
    ],
)
def test_planted_wrong_gradients_are_found(plant: Any, wrong: Any) -> None:
    op = plant(square, wrong)
    with pytest.raises(tgi.GradcheckError, match=r"gradcheck: input 0, index \(\d,\): analytic .*, numeric"):
        tgi.gradcheck(op, tgi.tensor([-1.0, 2.0, -0.5], "float64", requires_grad=True))


@given(x=arrays(0.5, 2, shape=st.just((3,))), factor=st.floats(0.5, 2).filter(lambda f: abs(f - 1) > 1e-3))
def test_any_wrong_factor_is_found(x: Any, factor: float) -> None:
    op = tgi.operation(
        lambda g, x: factor * 2.0 * g * x, formula="planted", name="wrong_factor", exempt="planted by a test"
    )
    try:
        with pytest.raises(tgi.GradcheckError):
            tgi.gradcheck(op(square), tgi.tensor(x, requires_grad=True))
    finally:
        REGISTRY.pop("wrong_factor")


def test_the_message_names_input_index_and_values(plant: Any) -> None:
    op = plant(lambda x, y, /: x * y, lambda g, y: g * y, lambda g, x, y: g * tgi.where(y == 5.0, 0.0, x))
    x, y = (tgi.tensor(v, "float64", requires_grad=True) for v in ([1.0, 2.0], [4.0, 5.0]))
    with pytest.raises(tgi.GradcheckError, match=r"input 1, index \(1,\): analytic 0, numeric -?[\d.]+"):
        tgi.gradcheck(op, [x, y])


def test_a_wrong_second_derivative_is_found(plant: Any) -> None:
    """The first derivative is right, but detached from the graph: only the second order shows it."""
    op = plant(square, lambda g, x: g * (2.0 * x.detach()))
    t = tgi.tensor([1.0, 2.0], "float64", requires_grad=True)
    assert tgi.gradcheck(op, t)
    with pytest.raises(tgi.GradcheckError, match="gradgradcheck: input 0"):
        tgi.gradgradcheck(op, t)


@pytest.mark.parametrize(
    "function", [tgi.relu, tgi.abs, lambda x: tgi.maximum(x, 0.0), tgi.hardtanh, lambda x: tgi.clip(x, -1, 1)]
)
@pytest.mark.parametrize("offset", [0.0, 1e-9, -1e-9, 3e-7, -5e-7])
def test_kinks_are_recognized(function: Any, offset: float) -> None:
    assert tgi.gradcheck(function, tgi.tensor(np.array([0.0, 1.0, -1.0]) + offset, requires_grad=True))


def test_no_slope_outside_a_kink_passes(plant: Any) -> None:
    too_steep = plant(lambda x, /: np.maximum(x, 0), lambda g, x: tgi.where(x == 0, 1.5 * g, tgi.where(x > 0, g, 0.0)))
    too_flat = plant(lambda x, /: np.maximum(x, 0), lambda g, x: tgi.where(x == 0, -0.5 * g, tgi.where(x > 0, g, 0.0)))
    for wrong in (too_steep, too_flat):
        with pytest.raises(tgi.GradcheckError):
            tgi.gradcheck(wrong, tgi.tensor([0.0], "float64", requires_grad=True))


def test_what_it_refuses() -> None:
    with pytest.raises(TypeError, match="float32.*float64"):
        tgi.gradcheck(tgi.exp, tgi.tensor([1.0], requires_grad=True))
    assert tgi.gradcheck(
        tgi.exp, tgi.tensor([1.0], requires_grad=True), allow_float32=True, step=1e-2, atol=1e-2, rtol=1e-2
    )
    with pytest.raises(ValueError, match="no input requires grad"):
        tgi.gradcheck(tgi.exp, tgi.tensor([1.0], "float64"))
    with pytest.raises(TypeError, match="input 0 to be a tensor"):
        tgi.gradcheck(tgi.exp, [1.0])


def test_several_outputs_and_unused_inputs() -> None:
    x, y = (tgi.tensor([1.0, 2.0], "float64", requires_grad=True) for _ in range(2))
    assert tgi.gradcheck(lambda a, b: [a * 2.0, tgi.exp(a)], [x, y])
    assert tgi.gradcheck(lambda a: a.detach() * 0.0, x)


def test_a_large_offset_hides_no_error(plant: Any) -> None:
    op = plant(lambda x, /: x + 900.0, lambda g: 1.00009 * g)
    with pytest.raises(tgi.GradcheckError):
        tgi.gradcheck(op, tgi.tensor([1.0, 2.0], "float64", requires_grad=True))


def test_inside_no_grad_and_in_float32() -> None:
    x = tgi.tensor([1.0, 2.0], "float64", requires_grad=True)
    with tgi.no_grad():
        assert tgi.gradcheck(tgi.exp, x)
        assert tgi.gradgradcheck(tgi.exp, x)
    single = tgi.tensor([1.0, 2.0], requires_grad=True)
    assert tgi.gradgradcheck(tgi.exp, single, allow_float32=True, step=1e-2, atol=2e-2, rtol=2e-2)


def test_a_function_that_ignores_its_arguments_is_refused() -> None:
    p = tgi.tensor([1.0, 2.0], "float64", requires_grad=True)
    with pytest.raises(ValueError, match="use the arguments"):
        tgi.gradcheck(lambda *_: (p * p).sum(), [p])


@pytest.mark.parametrize("offset", [500.0, 1000.0, 1e6])
def test_an_error_is_not_lost_in_an_offset(plant: Any, offset: float) -> None:
    op = plant(square, lambda g, x: g * (2.0 * x + 9e-5))
    with pytest.raises(tgi.GradcheckError):
        tgi.gradcheck(lambda x: op(x).sum() + offset, tgi.tensor([0.3], "float64", requires_grad=True))


def test_large_arguments() -> None:
    assert tgi.gradcheck(tgi.sin, tgi.tensor([1e6], "float64", requires_grad=True))


def test_an_array_of_large_numbers() -> None:
    assert tgi.gradcheck(lambda a: (a * a).sum(), tgi.tensor([1e6, -2e6], "float64", requires_grad=True))
