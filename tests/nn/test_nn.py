"""Modules: names, state, shapes, and what a network computes."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.ops.losses import LOSSES

from ..strategies import seeds


def test_names_are_pytorchs() -> None:
    model = nn.MLP([3, 4, 2], "tanh", rng=0)
    assert [name for name, _ in model.named_parameters()] == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.2.weight",
        "layers.2.bias",
    ]
    assert [p.shape for p in model.parameters()] == [(4, 3), (4,), (2, 4), (2,)]
    chain = nn.Sequential(nn.Linear(2, 2, bias=False), nn.PReLU(2))
    assert [name for name, _ in chain.named_parameters()] == ["0.weight", "1.weight"]


def test_shared_parameters_count_once() -> None:
    linear = nn.Linear(3, 3)
    model = nn.Sequential(linear, nn.Tanh(), linear)
    assert len(list(model.parameters())) == 2


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=5), seed=seeds)
def test_state_moves_between_networks(sizes: list[int], seed: int) -> None:
    a, b = nn.MLP(sizes, rng=seed), nn.MLP(sizes, rng=seed + 1)
    b.load_state_dict(a.state_dict())
    x = np.random.default_rng(seed).normal(size=(4, sizes[0])).astype(np.float32)
    np.testing.assert_array_equal(a(x).numpy(), b(x).numpy())


def test_state_that_does_not_fit_changes_nothing() -> None:
    model = nn.MLP([2, 3, 1], rng=0)
    before = copy.deepcopy(model.state_dict())
    wrong = {**before, "layers.0.weight": np.zeros((2, 3)), "layers.2.bias": np.zeros(4)}
    with pytest.raises(
        ValueError,
        match=r"layers.0.weight: expected \(3, 2\), got \(2, 3\); layers.2.bias: expected \(1,\), got \(4,\)",
    ):
        model.load_state_dict(wrong)
    with pytest.raises(KeyError, match=r"missing \['layers.2.bias'\], unknown \['other'\]"):
        model.load_state_dict({**{k: v for k, v in before.items() if k != "layers.2.bias"}, "other": np.zeros(1)})
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_networks_and_operations_can_be_pickled() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.3), nn.Linear(3, 1), nn.Activation("tanh"))
    again = pickle.loads(pickle.dumps(model))
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    assert pickle.loads(pickle.dumps(tgi.exp)) is tgi.exp


def test_a_copy_is_independent() -> None:
    model = nn.MLP([2, 3, 1], rng=0)
    twin = copy.deepcopy(model)
    nn_weight = model.linears()[0].weight
    with tgi.no_grad():
        nn_weight.fill_(0.0)
    assert np.any(twin.linears()[0].weight.numpy() != 0)
    assert twin.linears()[0].weight.requires_grad and isinstance(twin.linears()[0].weight, nn.Parameter)


@pytest.mark.parametrize("name", [*nn.ACTIVATIONS, "prelu"])
def test_gradients_through_a_network(name: str) -> None:
    model = nn.MLP([3, 4, 4, 2], name, rng=1, dtype="float64")
    x, y = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    parameters = list(model.parameters())

    def cost(*values: tgi.Tensor) -> tgi.Tensor:
        it = iter(values)
        for module in model.layers:
            for key in [k for k, v in vars(module).items() if isinstance(v, tgi.Tensor)]:
                object.__setattr__(module, key, next(it))
        return tgi.cross_entropy(model(x), y)

    assert tgi.gradcheck(cost, parameters, atol=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(name: str, reduction: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4, 3))
    target: Any = {"cross_entropy": np.array([0, 2, 1, 1]), "hinge": np.array([2, 0, 1, 1])}.get(
        name, rng.random((4, 3))
    )
    t = tgi.tensor(z, requires_grad=True)
    assert tgi.gradcheck(lambda p: LOSSES[name](p, target, reduction), t)
    assert tgi.gradgradcheck(lambda p: LOSSES[name](p, target, reduction), t)
    each = LOSSES[name](t, target, "none").numpy()
    np.testing.assert_allclose(LOSSES[name](t, target, "sum").item(), each.sum())
    np.testing.assert_allclose(LOSSES[name](t, target).item(), each.mean())


def test_losses_by_their_definitions() -> None:
    z, y = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    t = tgi.tensor(z, requires_grad=True)
    assert tgi.half_squared_error(t, y).item() == pytest.approx(0.5 * np.sum((z - y) ** 2) / 2)
    np.testing.assert_allclose(tgi.grad(tgi.half_squared_error(t, y, "sum"), t)[0].numpy(), z - y)
    assert tgi.mse(t, y).item() == pytest.approx(np.mean((z - y) ** 2))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert tgi.cross_entropy(t, np.array([1, 0])).item() == pytest.approx(-np.mean(np.log(p[[0, 1], [1, 0]])))
    assert tgi.cross_entropy(t, y).item() == pytest.approx(-np.mean(np.sum(y * np.log(p), 1)))
    s = 1 / (1 + np.exp(-z))
    assert tgi.binary_cross_entropy_with_logits(t, y).item() == pytest.approx(
        -np.mean(y * np.log(s) + (1 - y) * np.log(1 - s))
    )
    signs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert tgi.hinge(t, signs).item() == pytest.approx(np.mean(np.maximum(0, 1 - signs * z)))
    assert tgi.hinge(t, np.array([1, 0])).item() == pytest.approx(np.mean([max(0, 1 + 1 + 2), max(0, 1 + 3 - 0.5)]))


def test_errors_that_teach() -> None:
    with pytest.raises(ValueError, match=r"weight has shape \(4, 3\) but input has 2 features; expected \(\*, 2\)"):
        nn.Linear(3, 4)(np.zeros((1, 2), np.float32))
    with pytest.raises(TypeError, match="float64.*float32|float32.*float64"):
        nn.Linear(3, 4)(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="activation out of"):
        nn.MLP([1, 1, 1], "swoosh")
    with pytest.raises(ValueError, match="at least 1"):
        nn.Linear(0, 1)
    with pytest.raises(ValueError, match="input and an output size"):
        nn.MLP([3])
    with pytest.raises(TypeError, match="expected modules, got function at 1"):
        nn.Sequential(nn.Tanh(), lambda x: x)
    with pytest.raises(TypeError, match="parameters inside a list would not be found"):
        nn.Tanh().layers = [nn.Linear(2, 2)]
    with pytest.raises(TypeError, match="takes negative_slope"):
        nn.LeakyReLU(slope=0.1)
    with pytest.raises(ValueError, match="loss out of"):
        nn.Loss("nonsense")


def test_repr_reads_like_the_network() -> None:
    text = repr(nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 1, bias=False)))
    assert "(0): Linear(2, 3)" in text and "LeakyReLU(negative_slope=0.2)" in text and "bias=False" in text


def test_train_and_eval_reach_every_module() -> None:
    model = nn.MLP([2, 3, 1])
    assert all(not m.training for _, m in model.eval().named_modules())
    assert all(m.training for _, m in model.train().named_modules())


def test_calls_of_modules_are_observed_where_somebody_asks() -> None:
    model = nn.MLP((3, 4, 2), "tanh", rng=0)
    x = np.ones((5, 3), np.float32)
    with nn.observe() as calls:
        expected = model(x)
    model(x)
    assert [call.module for call in calls] == [*model.layers, model.layers, model]
    assert calls[0].inputs[0] is x
    assert calls[-1].output is expected
    for before, after in pairwise(calls[:3]):
        assert after.inputs[0] is before.output
