"""Constant starts: a layer of identical units is worth one unit, for ever, and the whole network a chain of single
units; and all-zero starts: what wakes, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.diagnosis import classes
from tinygrad_init.init import constant_, zeros_

from ..strategies import seeds

SMOOTH = [
    "sigmoid",
    "tanh",
    "erf",
    "gelu",
    "silu",
    "softplus",
    "elu",
    "selu",
    "mish",
    "softsign",
    "sin",
    "relu",
    "leaky_relu",
]

widths = st.lists(st.integers(2, 6), min_size=1, max_size=4)

OPTIMIZERS: dict[str, Callable[[list[tgi.Tensor]], optim.Optimizer]] = {
    "sgd": lambda ps: optim.SGD(ps, 0.05),
    "momentum": lambda ps: optim.SGD(ps, 0.05, momentum=0.9),
    "nesterov and decay": lambda ps: optim.SGD(ps, 0.05, momentum=0.5, nesterov=True, weight_decay=0.01),
    "adam": lambda ps: optim.Adam(ps, 0.01),
    "adamw": lambda ps: optim.AdamW(ps, 0.01),
}


def constant_mlp(sizes: list[int], activation: str, constants: list[float]) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0, dtype="float64")
    for linear, constant in zip(model.linears(), constants, strict=True):
        constant_(linear.weight, constant)
        assert linear.bias is not None
        zeros_(linear.bias)
    return model


def step(model: nn.Module, optimizer: optim.Optimizer, x: Any, y: Any) -> float:
    optimizer.zero_grad()
    loss = tgi.half_squared_error(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


@given(
    hidden=widths,
    activation=st.sampled_from(SMOOTH),
    constant=st.floats(-1, 1),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    steps=st.integers(1, 8),
    seed=seeds,
)
def test_all_units_of_a_layer_stay_identical(
    hidden: list[int], activation: str, constant: float, optimizer: str, steps: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    # Divided by the fan-in, the constant keeps training stable; where it diverges, chaos amplifies rounding.
    sizes = [3, *hidden, 2]
    model = constant_mlp(sizes, activation, [constant / fan_in for fan_in in sizes[:-1]])
    update = OPTIMIZERS[optimizer](list(model.parameters()))
    for _ in range(steps):
        step(model, update, x, y)
        *inner, last = model.linears()
        for i, linear in enumerate(inner):
            weight, bias = linear.weight.numpy(), linear.bias.numpy()
            scale = np.abs(weight).max() + np.abs(bias).max() + 1e-30
            assert np.ptp(bias) <= 1e-13 * scale
            assert np.all(np.ptp(weight, axis=0) <= 1e-13 * scale), "rows are the units"
            if i > 0:  # and what comes from identical units is weighted identically
                assert np.all(np.ptp(weight, axis=1) <= 1e-13 * scale)
            assert len(classes([weight, bias])) == 1
        assert np.all(np.ptp(last.weight.numpy(), axis=1) <= 1e-13 * (np.abs(last.weight.numpy()).max() + 1e-30))


@given(
    hidden=widths,
    activation=st.sampled_from(SMOOTH),
    # Products of numbers near 1e-308 keep few digits, in the wide network others than in the chain.
    constants=st.lists(st.floats(-0.8, 0.8).map(lambda c: c if abs(c) > 1e-30 else 0.0), min_size=5, max_size=5),
    steps=st.integers(1, 40),
    seed=seeds,
)
def test_a_constant_network_is_a_chain_of_single_units(
    hidden: list[int], activation: str, constants: list[float], steps: int, seed: int
) -> None:
    """With W_l = c_l 1 1ᵀ the network of widths n_l is the width-1 chain with u_l = n_{l-1} c_l (l ≥ 2), trained at the
    rates η/n_1 for the first layer, η n_{l-1}/n_l for hidden ones, η n_{L-1} for the output, η/n_l for biases."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    eta = 0.02
    sizes, narrow = [3, *hidden, 1], [3, *[1] * len(hidden), 1]
    constants = constants[: len(hidden) + 1]
    wide = constant_mlp(sizes, activation, [c / n for c, n in zip(constants, sizes, strict=False)])
    chain = constant_mlp(narrow, activation, [constants[0] / 3, *constants[1:]])
    depth = len(hidden) + 1
    for _ in range(steps):
        losses = []
        for model in (wide, chain):
            model.zero_grad()
            loss = tgi.half_squared_error(model(x), y)
            loss.backward()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-10, abs=1e-13)
        with tgi.no_grad():
            for p in wide.parameters():
                p.mutable_()[...] -= eta * p.grad.numpy()
            for i, linear in enumerate(chain.linears(), 1):
                before = 1 if i == 1 else sizes[i - 1]
                here = 1 if i == depth else sizes[i]
                linear.weight.mutable_()[...] -= eta * before / here * linear.weight.grad.numpy()
                linear.bias.mutable_()[...] -= eta / here * linear.bias.grad.numpy()


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "silu", "elu", "sin", "softsign"])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_all_zero_where_phi_of_zero_is_zero_only_the_output_bias_moves(activation: str, optimizer: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    model = constant_mlp([3, 4, 4, 2], activation, [0.0, 0.0, 0.0])
    update = OPTIMIZERS[optimizer](list(model.parameters()))
    for _ in range(10):
        step(model, update, x, y)
    *inner, last = model.linears()
    assert all(np.all(linear.weight.numpy() == 0) for linear in (*inner, last))
    assert all(np.all(linear.bias.numpy() == 0) for linear in inner)
    assert np.all(last.bias.numpy() != 0)


@pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
def test_all_zero_where_phi_of_zero_is_not_zero_layers_wake_from_the_last_to_the_first(activation: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(9, 3))
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    model = constant_mlp([3, 4, 4, 4, 3], activation, [0.0] * 4)
    update = optim.SGD(list(model.parameters()), 0.5)
    depth = len(model.linears())
    for t in range(1, depth + 3):
        update.zero_grad()
        tgi.cross_entropy(model(x), labels).backward()
        update.step()
        awake = [bool(np.any(linear.weight.numpy() != 0)) for linear in model.linears()]
        assert awake == [i >= depth - t for i in range(depth)]


def test_all_zero_with_exactly_balanced_labels_nothing_ever_moves() -> None:
    x = np.random.default_rng(3).normal(size=(8, 3))
    targets = np.array([[0.0], [1.0]] * 4)
    model = constant_mlp([3, 4, 1], "sigmoid", [0.0, 0.0])
    update = optim.SGD(list(model.parameters()), 0.5)
    for _ in range(5):
        update.zero_grad()
        tgi.binary_cross_entropy_with_logits(model(x), targets).backward()
        update.step()
    assert all(np.all(p.numpy() == 0) for p in model.parameters())
