"""Units that are the same unit, the network they are worth, and seeds used twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import classes, diagnose, quotient, same_draws, side_by_side
from tinygrad_init.init import constant_

from ..strategies import seeds


def test_distinct_units_ignore_rounding_but_nothing_else() -> None:
    weight = np.array([[1.0, 2, 3], [1, 2, 3 + 1e-14], [1, 2, 3.001], [-1, -2, -3]])
    bias = np.zeros(4)
    found = classes([weight, bias])
    assert found.members == ((0, 1), (2,), (3,)) and not found.exact
    assert str(found) == "4 units, 3 of them different, different only by rounding"
    bias[0] = 1.0
    assert len(classes([weight, bias])) == 4
    assert classes([0 * weight, 0 * bias]).members == ((0, 1, 2, 3),)
    assert len(classes([weight], tolerance=0.01)) == 2
    unknown = classes([np.array([[1.0, 2], [np.nan, 2], [1, 2], [np.inf, 2], [np.nan, 2]])])
    assert unknown.members == ((0, 2),) and unknown.exact  # what is not finite is not distinct


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), seed=seeds)
def test_classes_are_found_whatever_the_order(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(len(sizes), 3)), sizes, axis=0)
    order = rng.permutation(len(rows))
    found = classes([rows[order]])
    assert found.exact and sorted(len(members) for members in found.members) == sorted(sizes)
    for members in found.members:
        assert np.ptp(rows[order][list(members)], axis=0).max() == 0


@given(
    hidden=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    activation=st.sampled_from(["tanh", "sigmoid", "relu", "gelu"]),
    outputs=st.integers(1, 3),
    seed=seeds,
)
def test_a_constant_start_is_a_network_of_width_one(
    hidden: list[int], activation: str, outputs: int, seed: int
) -> None:
    """Both losses fall alike to the last bits, at a stable learning rate."""
    rng = np.random.default_rng(seed)
    model = nn.MLP((3, *hidden, outputs), activation, rng=0)
    for linear in model.linears():
        constant_(linear.weight, float(rng.uniform(0.1, 1)) / linear.in_features)
        constant_(linear.bias, float(rng.uniform(-0.1, 0.1)))
    small = quotient(model)
    assert [linear.out_features for linear in small.model.linears()] == [*(1 for _ in hidden), outputs]
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, outputs))
    wide, narrow = side_by_side(model, x, y, tgi.half_squared_error, 0.02, 200)
    np.testing.assert_allclose(narrow, wide, rtol=1e-12, atol=1e-14)
    assert wide[-1] <= wide[0]


@given(seed=seeds, copies=st.lists(st.integers(1, 3), min_size=2, max_size=3))
def test_a_layer_of_copies_is_worth_one_unit_a_class(seed: int, copies: list[int]) -> None:
    rng = np.random.default_rng(seed)
    model = nn.MLP((3, sum(copies), 4, 2), "tanh", rng=rng, dtype="float64")
    first, second, _ = model.linears()
    which = np.repeat(np.arange(len(copies)), copies)
    with tgi.no_grad():
        first.weight.copy_(first.weight.numpy()[which])
        first.bias.copy_(first.bias.numpy()[which])
        second.weight.copy_(second.weight.numpy()[:, which])  # what leaves copies is alike, too
    assert [linear.out_features for linear in quotient(model).model.linears()] == [len(copies), 4, 2]
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    wide, narrow = side_by_side(model, x, y, tgi.half_squared_error, 0.05, 100)
    np.testing.assert_allclose(narrow, wide, rtol=1e-11)


def test_training_keeps_a_constant_layer_one_class_though_rounding_differs() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 5)).astype(np.float32), rng.integers(0, 3, 64)
    model = nn.MLP((5, 7, 7, 3), "tanh", rng=0)
    tgi.initialize(model, "constant", 0)
    tgi.train(model, x, y, tgi.cross_entropy, lambda ps: tgi.optim.SGD(ps, 0.1), epochs=20, batch_size=16, rng=0)
    report = diagnose(model, x, y)
    assert [len(layer.distinct) for layer in report.layers] == [1, 1, 3]
    assert report.verdict.word == "symmetric"


@pytest.mark.parametrize("start", ["he", "xavier", "orthogonal"])
def test_a_seed_used_twice_is_found_whatever_the_scale(start: str) -> None:
    model = nn.MLP((16, 16, 16, 8), "tanh", rng=0)
    tgi.initialize(model, start, 0)
    weights = {name: p.numpy() for name, p in model.named_parameters() if p.ndim == 2}
    assert same_draws(weights) == []
    for linear in model.linears():
        tgi.init.kaiming_normal_(linear.weight, rng=3)  # the mistake: one seed for every layer
    assert len(same_draws({name: p.numpy() for name, p in model.named_parameters() if p.ndim == 2})) == 3
    rng = np.random.default_rng(0)
    found = diagnose(model, rng.normal(size=(30, 16)), rng.integers(0, 8, 30))
    assert found.verdict.word == "correlated" and "one generator" in found.answers[-1].sentence


def test_constants_and_patterns_are_no_seed() -> None:
    eye = np.eye(8)
    assert same_draws({"a": eye, "b": 2 * eye, "c": np.ones((8, 8)), "d": np.ones((8, 8))}) == []
