"""`train` is the loop one would write by hand; what it calls when; what its parts do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import StandardScaler, batches
from tinygrad_init.training import Progress, captured, initialize, learning_step, predict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 3)) * [1.0, 5.0, 0.2] + 2.0
Y = RNG.integers(0, 2, 11)
TARGETS = RNG.normal(size=(11, 2))


def network(dtype: Any = "float64") -> nn.MLP:
    return nn.MLP((3, 5, 2), "tanh", rng=0, dtype=dtype)


def sgd(parameters: Any) -> optim.SGD:
    return optim.SGD(parameters, 0.5, 0.9)


def by_hand(
    model: nn.Module, x: Any, y: Any, loss: Any, epochs: int, size: int | None, clip: float | None
) -> list[float]:
    """Every step in plain sight; the mean loss of an epoch counts each sample once."""
    optimizer, generator, history = sgd(list(model.parameters())), np.random.default_rng(3), []
    for _ in range(epochs):
        total = 0.0
        for xs, ys in batches(x, y, size, generator):
            cost = loss(model(tgi.tensor(xs)), ys)
            optimizer.zero_grad()
            cost.backward()
            if clip is not None:
                optim.clip_grad_norm_(list(model.parameters()), clip)
            optimizer.step()
            total += cost.item() * len(xs)
        history.append(total / len(x))
    return history


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("size", [None, 4, 100])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_training_is_the_loop_by_hand(loss: str, size: int | None, clip: float | None) -> None:
    ours, theirs = network(), network()
    y = Y if loss == "cross_entropy" else TARGETS
    function = getattr(tgi, loss)
    found = tgi.train(ours, X, y, loss, sgd, epochs=3, batch_size=size, clip=clip, rng=3)
    np.testing.assert_allclose(found, by_hand(theirs, X, y, function, 3, size, clip), rtol=1e-9)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12)


def test_what_is_left_out() -> None:
    """Ten epochs, all samples at once, no clipping, parameters as they are."""
    ours, theirs = network(), network()
    found = tgi.train(ours, X, Y, "cross_entropy", sgd)
    assert len(found) == 10
    np.testing.assert_allclose(found, by_hand(theirs, X, Y, tgi.cross_entropy, 10, None, None), rtol=1e-9)


def test_a_scaler_is_fitted_to_what_is_trained_on() -> None:
    ours, theirs, scaler = network(), network(), StandardScaler()
    found = tgi.train(ours, X, Y, "cross_entropy", sgd, scaler=scaler, epochs=2, rng=3)
    np.testing.assert_allclose(scaler.transform(X).mean(axis=0), 0.0, atol=1e-12)
    scaled = StandardScaler().fit(X).transform(X)
    np.testing.assert_allclose(found, by_hand(theirs, scaled, Y, tgi.cross_entropy, 2, None, None), rtol=1e-9)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_numbers_are_brought_to_the_models_dtype(given: str, kind: str) -> None:
    """Real targets too; numbers of classes stay whole."""
    model = network(kind)
    seen = set()

    def loss(prediction: Any, target: Any) -> Any:
        seen.add((prediction.dtype, target.dtype))
        return tgi.mse(prediction, target)

    tgi.train(model, X.astype(given), TARGETS.astype(given), loss, sgd, epochs=1)
    assert seen == {(np.dtype(kind), np.dtype(kind))}
    tgi.train(model, X.astype(given), Y, "cross_entropy", sgd, epochs=1)


def test_who_is_called_when() -> None:
    model = network()
    calls: list[Any] = []

    def begun() -> None:
        calls.append(("start", model.linears()[0].bias.numpy().any(), model.linears()[0].weight.numpy().copy()))

    def stepped(progress: Progress) -> None:
        calls.append(progress)

    found = tgi.train(
        model, X, Y, "cross_entropy", sgd, initializer="xavier", epochs=2, batch_size=4, rng=0,
        on_start=begun, on_step=stepped,
    )  # fmt: skip
    started, *steps = calls
    twin = network()
    initialize(twin, "xavier", np.random.default_rng(0))
    assert started[:2] == ("start", False)
    np.testing.assert_array_equal(started[2], twin.linears()[0].weight.numpy())
    assert [(at.epoch, at.step) for at in steps] == [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6)]
    sizes = np.array([4, 4, 3])
    for epoch in range(2):
        losses = [at.loss for at in steps if at.epoch == epoch]
        assert found[epoch] == pytest.approx(np.sum(sizes * losses) / 11)


class Branches(nn.Module):
    """Goes one way or the other by what its numbers are, which no program can."""

    def __init__(self) -> None:
        self.one, self.other = (nn.Linear(3, 2, rng=0, dtype="float64") for _ in range(2))

    def forward(self, x: Any) -> Any:
        x = tgi.tensor(x) if not isinstance(x, tgi.Tensor) else x
        return self.one(x) if float(x.sum()) > 0 else self.other(x)


def test_what_cannot_be_captured_is_trained_all_the_same() -> None:
    ours, theirs = Branches(), Branches()
    with pytest.warns(RuntimeWarning, match="without a program"):
        found = tgi.train(ours, X, Y, "cross_entropy", sgd, epochs=3, rng=3)
    np.testing.assert_allclose(found, by_hand(theirs, X, Y, tgi.cross_entropy, 3, None, None), rtol=1e-9)
    calls = []

    def odd(x: Any) -> Any:
        calls.append(1)
        return x * 2.0 if float(x.sum()) > 0 else x

    run = captured(odd)
    for sign in (1.0, -1.0, 1.0):
        np.testing.assert_array_equal(np.asarray(run(np.array([sign, sign]))), [sign, sign] if sign < 0 else [2.0, 2.0])


@pytest.mark.parametrize("penalized", [False, True])
def test_a_penalty_is_added_to_what_is_differentiated_and_not_to_what_is_told(penalized: bool) -> None:
    model = nn.Linear(3, 2, rng=0, dtype="float64")
    before = model.weight.numpy().copy()
    plain = tgi.mse(model(tgi.tensor(X)), TARGETS)
    gradient = tgi.grad(plain, model.weight)[0].numpy()
    update = optim.SGD([model.weight], 0.1)
    penalty: Callable[[], tgi.Tensor] | None = (lambda: (model.weight * model.weight).sum()) if penalized else None
    cost = learning_step(model, tgi.mse, update, None, penalty)(tgi.tensor(X), TARGETS)
    assert cost.item() == pytest.approx(plain.item())
    expected = before - 0.1 * (gradient + 2 * before * penalized)
    np.testing.assert_allclose(model.weight.numpy(), expected, rtol=1e-12)


def test_a_step_forgets_the_gradients_of_the_one_before() -> None:
    model = nn.Linear(3, 2, rng=0, dtype="float64")
    learn = learning_step(model, tgi.mse, optim.SGD(list(model.parameters()), 0.0))
    for _ in range(3):
        learn(tgi.tensor(X), TARGETS)
    (weight, *_) = model.parameters()
    assert weight.grad is not None
    expected = tgi.grad(tgi.mse(model(tgi.tensor(X)), TARGETS), weight)[0].numpy()
    np.testing.assert_allclose(weight.grad.numpy(), expected, rtol=1e-12)


def test_every_linear_map_gets_its_activation_and_no_two_the_same_numbers() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.Conv2d(4, 4, 3, bias=False, rng=0), nn.Tanh(), nn.Flatten(),
        nn.Linear(16, 16, rng=0), nn.Linear(16, 16, rng=0),
    )  # fmt: skip
    given = []

    def start(weight: Any, rng: Any, activation: Any) -> None:
        given.append((weight.shape, activation if isinstance(activation, str) else activation.name, rng))
        tgi.init.normal_(weight, rng)

    initialize(model, start, 5)
    assert [each[:2] for each in given] == [
        ((4, 1, 3, 3), "relu"), ((4, 4, 3, 3), "tanh"), ((16, 16), "linear"), ((16, 16), "linear"),
    ]  # fmt: skip
    assert all(each[2] is given[0][2] for each in given)
    weights = [module.weight.numpy() for module in model if hasattr(module, "weight")]
    assert not np.array_equal(weights[2], weights[3])
    assert all(not module.bias.numpy().any() for module in model if getattr(module, "bias", None) is not None)
    with pytest.raises(ValueError, match="nonsense"):
        initialize(model, "nonsense", 0)


@pytest.mark.parametrize("wrong", [optim.SGD(list(nn.Linear(2, 2).parameters()), 0.1), "sgd", None, 0.1])
def test_an_optimizer_is_made_by_a_function(wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"a function that makes the optimizer .*got {type(wrong).__name__}"):
        tgi.train(network(), X, Y, "cross_entropy", wrong)


def test_predictions_have_no_graph() -> None:
    model = network()
    found = predict(model, X)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, model(tgi.tensor(X)).numpy())
