"""Records of activations: the same whatever one is named by, with its parameters, slopes and ends."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.activations import ActivationRecord, activation
from tinygrad_init.nn import ACTIVATIONS

X = np.linspace(-3.0, 3.0, 13)
# On the left and on the right: |φ'| is below a tenth of the steepest.
FLAT = {
    "tanh": (True, True), "sigmoid": (True, True), "hardtanh": (True, True), "hard_sigmoid": (True, True),
    "softsign": (True, True), "erf": (True, True), "relu": (True, False), "elu": (True, False), "selu": (True, False),
    "gelu": (True, False), "silu": (True, False), "mish": (True, False), "softplus": (True, False),
    "leaky_relu": (True, False), "identity": (False, False),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_names_operations_modules_and_records_are_one(name: str) -> None:
    record = activation(name)
    assert activation(name) is record
    for given in (ACTIVATIONS[name], tgi.nn.Activation(name), record):
        assert activation(given) == record
    np.testing.assert_array_equal(record.value(X), ACTIVATIONS[name](tgi.tensor(X)).numpy())
    t = tgi.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(record.slope(X), tgi.grad(ACTIVATIONS[name](t).sum(), t)[0].numpy())
    with tgi.no_grad():
        assert record.slope(X).shape == X.shape
    assert record.units == 1 and record.slopes is None and record.name == name


@pytest.mark.parametrize("name", sorted(FLAT.keys() & ACTIVATIONS.keys()))
def test_ends(name: str) -> None:
    record = activation(name)
    assert (record.flat_left, record.flat_right) == FLAT[name]
    assert record.saturates == all(FLAT[name])


@pytest.mark.parametrize(("name", "param"), [("leaky_relu", "negative_slope"), ("elu", "alpha")])
def test_parameters(name: str, param: str) -> None:
    usual = activation(name)
    assert usual.params == () and usual.known_params == {param: {"leaky_relu": 0.01, "elu": 1.0}[name]}
    other = activation(name, **{param: 0.5})
    assert other.params == ((param, 0.5),) and other.known_params == {param: 0.5} and other != usual
    for given in (ACTIVATIONS[name], usual, other, activation(name, **{param: 0.25}), tgi.nn.Activation(name)):
        assert activation(given, **{param: 0.5}) == other  # what is said now counts
    assert activation(other) is other
    np.testing.assert_array_equal(other.value(X), ACTIVATIONS[name](tgi.tensor(X), 0.5).numpy())


def test_flat_is_by_the_steepest_slope() -> None:
    """Below a tenth of it, on either side."""
    for slope, left, right in ((0.2, False, False), (0.05, True, False), (-4.0, False, False), (20.0, False, True)):
        record = activation("leaky_relu", negative_slope=slope)
        assert (record.flat_left, record.flat_right) == (left, right), slope


def test_records_are_values() -> None:
    """Others keep them, so nobody may change one."""
    for name in ("name", "params", "slopes"):
        with pytest.raises(FrozenInstanceError):
            setattr(activation("relu"), name, None)
    assert activation("relu").kinks == activation("elu").kinks == (0.0,)
    assert activation("tanh").kinks == () and activation("hardtanh").kinks == (-1.0, 1.0)


def test_synonyms() -> None:
    assert activation("linear") == activation("identity")
    assert activation("prelu") == activation("leaky_relu", negative_slope=0.25)
    assert activation("prelu", negative_slope=0.5) == activation("leaky_relu", negative_slope=0.5)


@pytest.mark.parametrize("slopes", [[0.5], [0.5, 0.1, -0.3]])
def test_learned_slopes(slopes: list[float]) -> None:
    module = tgi.nn.PReLU(len(slopes))
    with tgi.no_grad():
        module.weight.copy_(np.array(slopes, np.float32))
    record, x = activation(module), np.repeat(X[:, None], len(slopes), axis=1)
    assert record.units == len(slopes)
    expected = np.where(x > 0, x, np.float32(slopes) * x)
    np.testing.assert_allclose(record.value(x), expected, 1e-6)
    np.testing.assert_allclose(record.slope(x), np.where(x > 0, 1.0, np.float32(slopes)), 1e-6)
    assert record.known_params == {"negative_slope": pytest.approx(np.mean(slopes))}
    assert record.gain == pytest.approx(math.sqrt(2.0 / (1.0 + np.mean(slopes) ** 2)))


GAINS = {"relu": math.sqrt(2.0), "tanh": 5 / 3, "sigmoid": 1.0, "selu": 0.75, "identity": 1.0}


@pytest.mark.parametrize("name", GAINS)
def test_conventional_gains(name: str) -> None:
    """Those of `torch.nn.init.calculate_gain`."""
    assert activation(name).gain == pytest.approx(GAINS[name])


def test_a_gain_that_depends_on_a_parameter() -> None:
    for slope in (0.01, 0.5):
        assert activation("leaky_relu", negative_slope=slope).gain == pytest.approx(math.sqrt(2 / (1 + slope**2)))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "identity", "tanh", "gelu"])
def test_homogeneous(name: str) -> None:
    record = activation(name)
    assert record.homogeneous == np.allclose(record.value(3.0 * X), 3.0 * record.value(X), 1e-12)


def test_the_steepest_slope() -> None:
    """1 for a function without any, as it divides."""
    flat = ActivationRecord("flat", tgi.ops.clip, (("high", 0.123), ("low", 0.123)))
    assert flat.steepest == 1.0 and flat.saturates
    assert activation("leaky_relu", negative_slope=0.0).steepest == activation("tanh").steepest == 1.0
    assert activation("leaky_relu", negative_slope=-4.0).steepest == 4.0
    assert activation("sigmoid").steepest == 0.25


@pytest.mark.parametrize(
    ("given", "params", "error", "message"),
    [
        ("swoosh", {}, ValueError, "got 'swoosh'"),
        (tgi.tanh, {"alpha": 1.0}, TypeError, "tanh: takes no parameters, got alpha"),
        (tgi.elu, {"beta": 1.0}, TypeError, "elu: takes alpha, got beta"),
        (tgi.maximum, {}, TypeError, "and 2 tensors, not one"),
        (3, {}, TypeError, "expected the name of an activation.*got int$"),
        (tgi.nn.Linear(1, 1), {}, TypeError, "got Linear$"),
        (tgi.nn.PReLU(), {"negative_slope": 0.5}, TypeError, "got PReLU and {'negative_slope': 0.5}"),
    ],
)
def test_what_is_no_activation(given: Any, params: dict[str, float], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        activation(given, **params)
