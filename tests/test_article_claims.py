"""Every claim of the article on initialization, in its order, and the whole truth where it stops short."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import StandardScaler, load
from tinygrad_init.diagnosis import (
    Monitor,
    attribute,
    diagnose,
    jacobian,
    literal_factors,
    run,
    side_by_side,
    spectrum,
    wake_up,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 6)), RNG.integers(0, 3, 60)


def mlp(activation: str, start: Any, sizes: tuple[int, ...] = (6, 12, 12, 3), dtype: str = "float64") -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0, dtype=dtype)
    tgi.initialize(model, start, 0)
    return model


def chain_of_units(depth: int, activation: str = "sigmoid") -> Any:
    """A network of single units, run on one sample."""
    rng = np.random.default_rng(1)
    model = nn.MLP((1,) * (depth + 1), activation, rng=rng, dtype="float64")
    return run(model, rng.normal(size=(1, 1)), rng.normal(size=(1, 1)), tgi.half_squared_error)


class TestForwardAndBackward:
    def test_training_repeats_forward_loss_backward_and_update_until_the_loss_no_longer_falls(self) -> None:
        model = mlp("tanh", "xavier")
        optimizer = optim.SGD(list(model.parameters()), 0.1)
        losses = []
        for _ in range(200):
            loss = tgi.cross_entropy(model(tgi.Tensor(X)), Y)
            optimizer.zero_grad()
            loss.backward()
            before = {name: p.numpy().copy() for name, p in model.named_parameters()}
            optimizer.step()
            for name, p in model.named_parameters():  # W(t+1) = W(t) - η dC/dW
                np.testing.assert_allclose(p.numpy(), before[name] - 0.1 * p.grad.numpy(), rtol=1e-12, atol=1e-15)
            losses.append(loss.item())
        assert losses[-1] < losses[0]

    def test_every_derivative_has_the_loss_derivative_as_a_common_factor(self) -> None:
        chain = chain_of_units(5)
        firsts = {literal_factors(chain, f"layers.{2 * i}.weight")[0] for i in range(5)}
        assert len(firsts) == 1 and firsts.pop().symbol == "∂C/∂output"

    def test_every_activation_passed_gives_its_derivative_and_every_linear_map_its_weights(self) -> None:
        chain = chain_of_units(5)
        for i in range(5):
            symbols = [factor.symbol for factor in literal_factors(chain, f"layers.{2 * i}.weight")]
            assert sum(symbol.startswith("sigmoid'") for symbol in symbols) == 4 - i
            assert [s for s in symbols if s.startswith("w")] == [f"w{k}" for k in range(5, i + 1, -1)]

    def test_the_layers_input_is_a_factor_exactly_once(self) -> None:
        chain = chain_of_units(5)
        for i in range(5):
            symbols = [factor.symbol for factor in literal_factors(chain, f"layers.{2 * i}.weight")]
            assert [s for s in symbols if s in ("x", "a1", "a2", "a3", "a4")] == ["x" if i == 0 else f"a{i}"]

    def test_linear_maps_may_be_convolutions(self) -> None:
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3, rng=0), nn.Sigmoid(), nn.Conv2d(4, 4, 3, rng=1), nn.Sigmoid(), nn.Flatten(),
            nn.Linear(16, 3, rng=2),
        )  # fmt: skip
        found = attribute(run(model, RNG.normal(size=(9, 1, 6, 6)), Y[:9], tgi.cross_entropy, np.float64))
        kinds = [factor.kind for factor in found[0].factors if factor.kind != "other"]
        assert kinds == ["loss", "weights", "activation", "weights", "activation", "input", "alignment"]
        assert all(attribution.residual < 1e-12 for attribution in found)

    @pytest.mark.parametrize("factor", ["φ'", "input", "next weights"])
    def test_one_factor_of_zero_makes_the_derivative_zero(self, factor: str) -> None:
        model = mlp("relu", "he")
        x = X.copy()
        first, second, _ = model.linears()
        with tgi.no_grad():
            first.bias.fill_(0.1)
            second.bias.fill_(1.0)
            if factor == "φ'":
                first.bias.fill_(-100.0)
            elif factor == "input":
                x[:] = 0
            else:
                second.weight.fill_(0.0)
        zeros = diagnose(model, x, Y).zeros[0]
        rule = {"φ'": "slope", "input": "input", "next weights": "next weights"}[factor]
        assert zeros.whole and zeros.rules == {rule: 1.0}


class TestVanishingAndExploding:
    def test_depth_makes_the_product_exponential(self) -> None:
        """The decades that the gradient loses are in proportion to the number of layers."""
        ways = []
        for depth in (5, 10, 20, 40):
            model = mlp("sigmoid", "xavier", (6, *(12,) * depth, 3))
            ways.append(attribute(run(model, X, Y, tgi.cross_entropy))[0].way / depth)
        assert all(abs(a - b) < 0.06 for a, b in pairwise(ways)) and -0.8 < ways[-1] < -math.log10(4) * 0.9

    def test_a_vanished_gradient_looks_like_convergence_though_nothing_was_learned(self) -> None:
        """The loss no longer falls, yet guessing would be as good: a plateau, not convergence."""
        data = load("moons", rng=0)
        x, y = data.x.astype(np.float32), data.y
        model = nn.MLP((2, *(8,) * 10, 2), "sigmoid", rng=0)
        monitor = Monitor(model, x, y, tgi.cross_entropy, every=10)
        tgi.train(
            model, x, y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.1), initializer="xavier", epochs=300, rng=0,
            on_step=monitor,
        )  # fmt: skip
        words = [event.word for event in monitor.events]
        assert "plateau" in words and "converged" not in words and "vanishing" in words

    def test_an_exploding_gradient_ends_in_numbers_that_are_none(self) -> None:
        model = mlp("relu", "large", dtype="float32")
        losses = tgi.train(
            model, X.astype(np.float32), Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 1e9), epochs=10, rng=0
        )
        assert not math.isfinite(losses[-1])

    def test_clipping_bounds_every_step(self) -> None:
        """The article names gradient clipping as a way to control the gradient."""
        model = mlp("relu", "large", dtype="float32")
        before = [p.numpy().copy() for p in model.parameters()]
        tgi.train(
            model, X.astype(np.float32), Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.1), epochs=1, clip=1.0, rng=0
        )
        moved = math.sqrt(
            sum(float(np.sum((p.numpy() - b) ** 2)) for p, b in zip(model.parameters(), before, strict=True))
        )
        assert moved == pytest.approx(0.1, rel=1e-3)

    def test_scaling_the_input_comes_first(self) -> None:
        """Step 1: features of very different size let one feature decide; scaled, they start alike."""
        x = X * np.array([1e3, 1, 1, 1, 1, 1e-3])
        raw, scaled = (
            diagnose(mlp("tanh", "xavier"), inputs, Y) for inputs in (x, StandardScaler().fit(x).transform(x))
        )
        assert raw.verdict.word == "unscaled" and scaled.verdict.word == "healthy"


class TestActivations:
    @pytest.mark.parametrize(("name", "steepest"), [("sigmoid", 0.25), ("tanh", 1.0)])
    def test_sigmoid_and_tanh_are_steepest_at_the_origin_and_flat_far_from_it(self, name: str, steepest: float) -> None:
        z = tgi.Tensor(np.linspace(-20, 20, 4001), "float64", requires_grad=True)
        slope = tgi.grad(nn.ACTIVATIONS[name](z).sum(), z)[0].numpy()
        assert np.argmax(slope) == 2000 and slope[2000] == pytest.approx(steepest)
        assert np.all(np.diff(slope[:2001]) >= 0) and slope[0] < 1e-7

    def test_near_the_origin_tanh_is_better_than_sigmoid(self) -> None:
        """Ten layers, small preactivations: the slopes of tanh cost next to nothing, those of sigmoid six decades."""
        costs = {}
        for name in ("sigmoid", "tanh"):
            totals = attribute(run(mlp(name, "xavier", (6, *(12,) * 10, 3)), 0.1 * X, Y, tgi.cross_entropy))[0].totals()
            costs[name] = totals[f"{name}'"]
        assert costs["sigmoid"] < 10 * math.log10(0.25) < -6 and costs["tanh"] > -0.3

    def test_saturated_units_hardly_move(self) -> None:
        """Far out on tanh, a step changes weights by a thousandth of what it does near the origin."""
        near, far = mlp("tanh", "xavier", (6, 12, 3)), mlp("tanh", "xavier", (6, 12, 3))
        with tgi.no_grad():
            far.linears()[0].bias.fill_(6.0)
        ratios = [diagnose(model, X, Y).layers[0].update_ratio for model in (near, far)]
        assert ratios[1] < 1e-3 * ratios[0]
        assert diagnose(far, X, Y).layers[0].saturated == 1.0

    def test_relu_saturates_on_the_negative_side_only_but_explodes_all_the_same(self) -> None:
        z = tgi.Tensor(np.array([-5.0, -0.1, 0.1, 5.0, 500.0]), "float64", requires_grad=True)
        assert tgi.grad(tgi.relu(z).sum(), z)[0].numpy().tolist() == [0, 0, 1, 1, 1]
        found = diagnose(mlp("relu", "large", (6, *(12,) * 8, 3)), X, Y)
        assert found.verdict.word == "exploding" and found.attributions[0].totals()["W"] > 5


class TestWeightMatrix:
    @pytest.mark.parametrize(("value", "power"), [(0.5, -30), (2.0, 30)])
    def test_eigenvalues_below_one_vanish_and_above_one_explode(self, value: float, power: int) -> None:
        v = np.array([[1.0, 2.0], [0.5, -1.0]])
        w = v @ np.diag([value, value / 2]) @ np.linalg.inv(v)
        assert spectrum(w, powers=100).growth[-1] == pytest.approx(power, abs=1)

    def test_powers_are_those_of_the_eigenvalues(self) -> None:
        w = np.random.default_rng(3).normal(size=(4, 4))
        values, v = np.linalg.eig(w)
        power = (v @ np.diag(values**9) @ np.linalg.inv(v)).real
        np.testing.assert_allclose(power, np.linalg.matrix_power(w, 9), rtol=1e-9)

    def test_with_equal_matrices_forward_and_backward_multiply_by_powers(self) -> None:
        model = nn.MLP((4,) * 7, "identity", rng=0, dtype="float64")
        w = np.random.default_rng(4).normal(size=(4, 4))
        for linear in model.linears():
            with tgi.no_grad():
                linear.weight.copy_(w)
        np.testing.assert_allclose(jacobian(model, np.zeros(4)), np.linalg.matrix_power(w, 6), rtol=1e-10)

    def test_the_whole_truth_is_in_the_singular_values(self) -> None:
        """Both eigenvalues are 0.9, and yet the tenth power stretches 38.7-fold; and matrices that differ from layer
        to layer have no common eigenvectors at all."""
        found = spectrum([[0.9, 10.0], [0.0, 0.9]], powers=10)
        assert found.radius == pytest.approx(0.9) and 10 ** found.growth[9] == pytest.approx(38.7, abs=0.05)
        a, b = np.array([[0.0, 3.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 0.0]])
        assert spectrum(a).radius == spectrum(b).radius == 0
        assert np.linalg.norm(np.linalg.matrix_power(a @ b, 5), 2) == pytest.approx(9.0**5)


class TestBadStarts:
    def test_too_small_a_start_makes_the_gradient_vanish_and_the_loss_stay(self) -> None:
        model = mlp("tanh", "small", (6, 12, 12, 12, 3))
        found = diagnose(model, X, Y)
        assert "vanishing" in {finding.word for answer in found.answers[:2] for finding in answer.findings}
        losses = tgi.train(model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.1), epochs=30, rng=0)
        assert losses[-1] > 0.97 * math.log(3)

    def test_too_large_a_start_makes_the_gradient_explode(self) -> None:
        found = diagnose(mlp("relu", "large", (6, *(12,) * 5, 3)), X, Y)
        assert found.verdict.word == "exploding" and found.loss > 100 * found.guess

    @pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
    def test_a_constant_start_makes_every_layer_worth_one_unit_for_ever(self, activation: str) -> None:
        model = mlp(activation, lambda w, rng, name: tgi.init.constant_(w, 0.3))
        for _ in range(3):
            found = diagnose(model, X, Y)
            assert [len(layer.distinct) for layer in found.layers[:-1]] == [1, 1]
            assert [len(layer.distinct_updates) for layer in found.layers[:-1]] == [1, 1]
            assert found.verdict.word == "symmetric"
            tgi.train(model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.1), epochs=5, rng=0)
        wide, narrow = side_by_side(model, X, Y, tgi.cross_entropy, 0.05, 300)
        np.testing.assert_allclose(narrow, wide, rtol=1e-12)

    @pytest.mark.parametrize("activation", ["relu", "tanh"])
    def test_all_zero_with_phi_of_zero_zero_no_weight_ever_moves(self, activation: str) -> None:
        found = diagnose(mlp(activation, "zeros"), X, Y)
        assert all(zeros.whole and zeros.wakes is None for zeros in found.zeros)
        assert [zeros.because for zeros in found.zeros] == [
            "the next layer's weights are 0",
            "the next layer's weights are 0",
            "the layer's input is 0 on every sample",
        ]

    def test_the_whole_truth_is_that_the_output_bias_does_move(self) -> None:
        """The article says that all gradients are 0; the output's bias has one, and only it."""
        assert wake_up(run(mlp("relu", "zeros"), X, Y, tgi.cross_entropy)) == {"layers.4.bias": 0}

    def test_all_zero_with_phi_of_zero_not_zero_layers_wake_from_the_last_to_the_first(self) -> None:
        model = mlp("sigmoid", "zeros", (6, 5, 5, 5, 3))
        steps = wake_up(run(model, X, Y, tgi.cross_entropy))
        assert steps is not None
        assert [steps[f"layers.{2 * i}.weight"] for i in range(4)] == [3, 2, 1, 0]
        tgi.train(model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.5), epochs=6, rng=0)
        found = diagnose(model, X, Y)  # awake, but each layer of identical units
        assert not any(zeros.whole for zeros in found.zeros)
        assert [len(layer.distinct) for layer in found.layers[:-1]] == [1, 1, 1]

    def test_the_whole_truth_is_that_balanced_labels_keep_even_those_asleep(self) -> None:
        """Σ (p - y) = 0 where p is 1/2 for every sample and half of the labels are 1 (and 1/n is exact)."""
        model, x = mlp("sigmoid", "zeros", (6, 12, 12, 2)), X[:32]
        assert wake_up(run(model, x, np.tile([0, 1], 16), tgi.cross_entropy)) == {}
        steps = wake_up(run(model, x, np.repeat([0, 1], [17, 15]), tgi.cross_entropy))
        assert steps is not None and len(steps) == 6

    @pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
    def test_in_the_experiment_any_hidden_activation_may_be_chosen(self, activation: str) -> None:
        """[2, 6, 3, 1], full batch: the public page knows ReLU alone."""
        data = load("circles", rng=0)
        model = nn.MLP((2, 6, 3, 1), activation, rng=0, dtype="float64")
        tgi.initialize(model, "lecun", 0)
        y = data.y[:, None].astype(float)
        losses = tgi.train(
            model, data.x, y, tgi.binary_cross_entropy_with_logits, lambda ps: optim.SGD(ps, 0.1), epochs=100, rng=0
        )
        assert losses[-1] < losses[0]
