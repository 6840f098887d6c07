"""The product of factors: exact for matrices, literal for single units, known where numbers underflow."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import attribute, literal_factors, run

from ..strategies import seeds

ACTIVATIONS = ["sigmoid", "tanh", "relu", "gelu", "selu", "softplus", "sin"]


class Handmade(nn.Module):
    """Modules that are called one after the other by a forward of one's own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.first, self.middle, self.last = nn.Linear(4, 6, rng=rng), nn.Tanh(), nn.Linear(6, 4, rng=rng)

    def forward(self, x: tgi.Tensor) -> tgi.Tensor:
        return self.last(self.middle(self.first(x)))


def batch(rng: np.random.Generator, features: int, classes: int, samples: int = 12) -> tuple[Any, Any]:
    return rng.normal(size=(samples, features)), rng.integers(0, classes, samples)


@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    activation=st.sampled_from(ACTIVATIONS),
    start=st.sampled_from(["lecun", "he", "small", "large", "orthogonal", "constant"]),
    seed=seeds,
)
def test_logarithms_of_the_factors_add_up_to_that_of_the_gradient(
    widths: list[int], activation: str, start: str, seed: int
) -> None:
    """∂C/∂W_l = loss derivative, activation derivatives, weight matrices, layer input: nothing is left over."""
    rng = np.random.default_rng(seed)
    model = nn.MLP((3, *widths, 4), activation, rng=0)
    tgi.initialize(model, start, rng)
    x, y = batch(rng, 3, 4)
    for found in attribute(run(model, x, y, tgi.cross_entropy, np.float64)):
        kinds = [factor.kind for factor in found.factors]
        assert kinds[0] == "loss" and kinds[-2:] == ["input", "alignment"]
        # From the loss back: the layer's own activation derivative, then in turn a matrix and a derivative.
        assert kinds[1:-2] == ["weights", "activation"] * ((len(kinds) - 3) // 2)
        if math.isfinite(found.measured) and found.measured > -300:
            assert found.residual < 1e-12 * max(1.0, abs(found.measured))
            assert found.factors[-1].log10 <= 1e-12  # the samples cannot agree more than completely


def test_blocks_and_models_of_ones_own_are_chains_too() -> None:
    rng = np.random.default_rng(0)
    inner = nn.Sequential(nn.Linear(4, 5, rng=rng), nn.ReLU(), nn.Linear(5, 4, rng=rng))
    model = nn.Sequential(Handmade(rng), nn.Residual(inner), nn.GELU(), nn.Linear(4, 3, rng=rng))
    x, y = batch(rng, 4, 3)
    found = attribute(run(model, x, y, tgi.cross_entropy, np.float64))
    assert [attribution.name for attribution in found] == [
        "0.first.weight", "0.last.weight", "1.branch.0.weight", "1.branch.2.weight", "3.weight",
    ]  # fmt: skip
    assert all(attribution.residual < 1e-12 for attribution in found)
    assert [factor.kind for factor in found[0].factors] == [
        "loss", "weights", "activation", "residual", "weights", "activation", "input", "alignment",
    ]  # fmt: skip


def test_functions_between_modules_are_links() -> None:
    """As PyTorch's users write it: layers are modules, activations and shapes are functions."""

    class Net(nn.Module):
        def __init__(self) -> None:
            self.conv, self.dense = nn.Conv2d(1, 4, 3, rng=0), nn.Linear(64, 3, rng=1)

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return self.dense(tgi.leaky_relu(self.conv(x), 0.2).reshape((-1, 64)))

    x, y = np.random.default_rng(0).normal(size=(12, 1, 6, 6)), np.arange(12) % 3
    chain = run(Net(), x, y, tgi.cross_entropy, np.float64)
    assert [link.label for link in chain.links] == ["conv2d", "leaky_relu", "reshape", "linear"]
    assert all(attribution.residual < 1e-12 for attribution in attribute(chain))
    assert "leaky_relu'" in attribute(chain)[0].totals()


@given(depth=st.integers(1, 12), activation=st.sampled_from(ACTIVATIONS), seed=seeds)
def test_a_chain_of_single_units_has_the_articles_list_of_factors(depth: int, activation: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = nn.MLP((1,) * (depth + 1), activation, rng=rng, dtype="float64")
    x, y = rng.normal(size=(1, 1)), rng.normal(size=(1, 1))
    chain = run(model, x, y, tgi.half_squared_error)
    phi = nn.ACTIVATIONS[activation]
    a, slopes, weights = float(x[0, 0]), [], [float(linear.weight.item()) for linear in model.linears()]
    inputs = []
    for i, linear in enumerate(model.linears()):
        inputs.append(a)
        z = tgi.tensor(weights[i] * a + linear.bias.item(), "float64", requires_grad=True)
        out = phi(z) if i < depth - 1 else z
        slopes.append(tgi.grad(out, z)[0].item())
        a = out.item()
    for layer in range(depth):
        expected = [a - float(y[0, 0])]
        for i in reversed(range(layer, depth)):
            expected += [slopes[i]] if i < depth - 1 else []
            expected += [weights[i] if i > layer else inputs[i]]
        found = literal_factors(chain, f"layers.{2 * layer}.weight")
        np.testing.assert_allclose([factor.value for factor in found], expected, rtol=1e-9)
        product = math.prod(factor.value for factor in found)
        assert product == pytest.approx(chain.gradients[f"layers.{2 * layer}.weight"].item(), rel=1e-9, abs=1e-300)


def test_literal_factors_want_single_units() -> None:
    x, y = batch(np.random.default_rng(0), 2, 2, samples=1)
    chain = run(nn.MLP((2, 1, 2), "tanh", rng=0), x, y, tgi.cross_entropy)
    with pytest.raises(ValueError, match=r"layers\.0 has more numbers"):
        literal_factors(chain, "layers.0.weight")
    one = run(nn.MLP((1, 1), rng=0), np.ones((1, 1)), np.ones((1, 1)), tgi.mse)
    with pytest.raises(ValueError, match=r"out of layers\.0\.weight; got 'w'"):
        literal_factors(one, "w")


def test_literal_factors_want_a_chain() -> None:
    class Square(nn.Module):
        def __init__(self) -> None:
            self.a = nn.Linear(1, 1, rng=0)

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return self.a(x) * self.a(x)

    network = run(Square(), np.ones((1, 1)), np.ones((1, 1)), tgi.mse)
    with pytest.raises(ValueError, match="one after the other, each with one input"):
        literal_factors(network, "a.weight")


def test_gradients_beyond_the_smallest_number_are_known() -> None:
    """Two thousand sigmoid layers lose some 1200 decades: float64 ends at 10^-324."""
    model = nn.MLP((4, *(8,) * 2000, 2), "sigmoid", rng=0)
    tgi.initialize(model, "xavier", 0)
    x, y = batch(np.random.default_rng(0), 4, 2)
    found = attribute(run(model, x, y, tgi.cross_entropy, np.float64))
    assert found[0].measured == -math.inf and -1500 < found[0].log10 < -1000
    ways = [attribution.way for attribution in found]
    assert all(below < above for below, above in itertools.pairwise(ways[::50]))
    totals = found[0].totals()
    assert totals["sigmoid'"] < 2000 * math.log10(0.25) * 0.99 and totals["W"] > totals["sigmoid'"]


def test_what_sigmoid_costs_is_told_apart_from_what_the_weights_do() -> None:
    """Ten layers with Xavier's start: six decades and more go to sigmoid', hardly any to W."""
    model = nn.MLP((20, *(20,) * 10, 5), "sigmoid", rng=0)
    tgi.initialize(model, "xavier", 0)
    x, y = batch(np.random.default_rng(1), 20, 5, samples=100)
    first = attribute(run(model, x, y, tgi.cross_entropy, np.float64))[0]
    totals = first.totals()
    assert totals["sigmoid'"] < 10 * math.log10(0.25)
    assert abs(totals["W"]) < 1
    assert str(first).startswith("layers.0.weight lost ") and "from sigmoid'" in str(first)
