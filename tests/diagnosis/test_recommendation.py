"""Recommendations: tried out on copies, kept only if they help."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import digits
from tinygrad_init.diagnosis import recommend
from tinygrad_init.diagnosis.trials.redesign import activated, normalized, parts, residual

DATA = digits()
X = ((DATA.x - DATA.x.mean(0)) / np.maximum(DATA.x.std(0), 1e-9)).astype(np.float32)[:800]
Y = DATA.y[:800]


def network(activation: str, start: str, sizes: tuple[int, ...] = (64, 24, 24, 10)) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0)
    tgi.initialize(model, start, 0)
    return model


BAD = [("relu", "zeros"), ("relu", "constant"), ("tanh", "large"), ("tanh", "small"), ("sigmoid", "zeros")]


@pytest.mark.parametrize(("activation", "start"), BAD)
def test_every_bad_start_of_the_article_is_repaired(activation: str, start: str) -> None:
    model = network(activation, start)
    was = copy.deepcopy(model.state_dict())
    found = recommend(model, X, Y, lr=0.1, steps=300)
    assert found.before.verdict.word != "healthy" and found.after.verdict.word == "healthy"
    assert found.loss_after < 0.5 * found.loss_before and found.accuracy_after > 0.9 and found.learns
    assert any(change.startswith(("start: ", "activation: ")) for change in found.changes)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, was[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_is_recommended_is_what_was_tried_and_trains_as_promised() -> None:
    """A deep network of sigmoids; on samples that `recommend` has never seen, trained by what it hands back."""
    model = network("sigmoid", "xavier", (64, *(24,) * 6, 10))
    splits = [tgi.data.split(X, Y, 0.3, rng=seed) for seed in range(3)]
    all_found = [recommend(model, x, y) for x, y, *_ in splits]  # each measures on few samples: the mean counts
    assert all(found.accuracy_before < 0.3 for found in all_found)
    assert np.mean([found.accuracy_after for found in all_found]) > 0.9
    (x, y, other_x, other_y), setup = splits[0], all_found[0].setup
    history = setup.train(x, y, epochs=60, rng=5)
    assert history[-1] < 0.1 and np.mean(setup.predict(other_x).argmax(1) == other_y) > 0.93


def test_the_code_makes_the_same_setup() -> None:
    raw = DATA.x[:600].astype(np.float32)  # pixels from 0 to 16
    found = recommend(network("sigmoid", "small", (64, *(16,) * 4, 10)), raw, Y[:600], steps=200)
    code = found.setup.code()
    assert "StandardScaler" in code and "tgi.train" in code
    names: dict[str, Any] = {"model": network("sigmoid", "small", (64, *(16,) * 4, 10)), "x": raw, "y": Y[:600]}
    head, _, training = code.rpartition("\n")
    exec(head, names)
    for name, values in found.setup.model.state_dict().items():
        np.testing.assert_array_equal(names["model"].state_dict()[name], values)
    names["history"] = exec(f"history = {training.replace('batch_size', 'rng=0, batch_size')}", names)
    other = copy.deepcopy(found.setup).train(raw, Y[:600], epochs=10, rng=0)
    np.testing.assert_allclose(names["history"] or other, other)


def test_a_network_that_trains_is_left_as_it_is() -> None:
    for activation, start in (("relu", "he"), ("tanh", "xavier")):
        found = recommend(network(activation, start), X, Y, lr=0.3, steps=600)
        assert found.accuracy_after >= found.accuracy_before - 0.02
        if not found.changes:
            assert found.loss_after == found.loss_before and "Do: nothing" in str(found)


def test_the_optimizer_stays_the_users_or_becomes_adam_and_that_is_said() -> None:
    model = network("relu", "small", (64, *(24,) * 4, 10))
    found = recommend(model, X, Y, optimizer=optim.Adam(model.parameters(), 1e-6), steps=300)
    made = found.setup.optimizer(found.setup.model.parameters())
    assert type(made) is optim.Adam and made.lr == found.setup.lr > 1e-5
    assert not any("optimizer" in trial.change for trial in found.trials)  # Adam in place of Adam is no change
    found = recommend(model, X, Y, optimizer=lambda ps: optim.SGD(ps, 0.01, momentum=0.9), steps=100)
    made = found.setup.optimizer(found.setup.model.parameters())
    assert (type(made) is optim.Adam) == ("optimizer: Adam" in found.changes)
    assert isinstance(made, optim.Adam) or made.momentum == 0.9


@pytest.mark.parametrize("lr", [1e-6, 1000.0, 1e6])
def test_whatever_the_rate_was_it_becomes_one_that_trains(lr: float) -> None:
    found = recommend(network("relu", "he"), X, Y, lr=lr, steps=300)
    assert found.accuracy_after > 0.9 and found.learns and found.certain
    assert any(change.startswith("learning rate: ") for change in found.changes) and "Do: " in str(found)


def test_targets_and_inputs_are_scaled_and_predictions_scaled_back() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(50, 10, (400, 30)).astype(np.float32)
    y = 180_000 + 60_000 * np.tanh((x[:, :1] - 50) / 10) + rng.normal(0, 1000, (400, 1))
    model = nn.MLP((30, 32, 1), "relu", rng=0)
    found = recommend(model, x[:300], y[:300], "mse", steps=400)
    assert {"inputs: scaled", "targets: scaled"} <= set(found.changes)
    found.setup.train(x[:300], y[:300], epochs=60, rng=0)
    error = found.setup.predict(x[300:]) - y[300:]
    assert 1 - np.mean(error**2) / np.var(y[300:]) > 0.9


def test_an_output_that_the_loss_does_not_want_is_removed_and_any_other_stays() -> None:
    wrong = nn.Sequential(network("relu", "he"), nn.ReLU())
    with tgi.no_grad():
        wrong[0].linears()[-1].bias.fill_(-3.0)  # most outputs are 0
    found = recommend(wrong, X, Y, steps=300)
    assert "output: no activation" in found.changes and found.accuracy_after > 0.9
    right = nn.Sequential(*network("sigmoid", "small", (64, 16, 16, 16, 10)).layers, nn.Sigmoid())
    found = recommend(right, X, np.eye(10, dtype=np.float32)[Y], "mse", steps=300)
    assert isinstance(list(found.setup.model)[-1], nn.Sigmoid) and found.changes
    output = tgi.predict(found.setup.model.eval(), X)
    assert output.min() >= 0 and output.max() <= 1


def test_labels_that_belong_to_nothing_are_questioned() -> None:
    found = recommend(network("relu", "he"), X, np.random.default_rng(0).permutation(Y), steps=100)
    text = " ".join(str(found).split())
    assert not found.learns and not found.changes and "Do the labels belong to the inputs?" in text
    assert "Now: healthy" not in text


def test_few_samples_are_enough_but_nothing_is_certain() -> None:
    """The exclusive or has four."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    model = nn.MLP((2, 8, 2), "tanh", rng=0)
    tgi.initialize(model, "zeros", 0)
    found = recommend(model, x, np.array([0, 1, 1, 0]), steps=300)
    assert (
        found.accuracy_after == 1 and not found.certain and "no comparison is certain" in " ".join(str(found).split())
    )
    with pytest.raises(ValueError, match="at least 4 samples, got 3"):
        recommend(model, x[:3], np.array([0, 1, 1]))


class Mine(nn.Module):
    """An activation of one's own."""

    def forward(self, x: Any) -> Any:
        return tgi.sigmoid(x) * 0.5


class Shift(nn.Module):
    """No activation: neighbours are mixed."""

    def forward(self, x: Any) -> Any:
        return x - x.mean(-1, keepdims=True)


def test_activations_of_ones_own_are_replaced_like_others() -> None:
    model = nn.Sequential(
        nn.Linear(64, 24, rng=0), Mine(), nn.Linear(24, 24, rng=1), Shift(), nn.Linear(24, 10, rng=2), Mine()
    )
    other = activated(model, "tanh")
    assert other is not None
    kinds = [type(module) for module in other]
    assert kinds == [nn.Linear, nn.Activation, nn.Linear, Shift, nn.Linear, Mine]


def test_everything_tried_is_told_with_its_steps_and_the_clock_ends_it() -> None:
    found = recommend(network("tanh", "large"), X, Y, steps=300)
    assert {trial.steps for trial in found.trials} == {30, 90, 300}
    assert sum(trial.kept for trial in found.trials) == 1
    assert len({trial.change for trial in found.trials}) == len(found.trials) > 15
    told: list[str] = []
    short = recommend(network("tanh", "large"), X, Y, budget=1e-3, on_trial=lambda what: told.append(str(what)))
    assert len(short.trials) == len(told) < 3 and not short.changes and short.loss_after == short.loss_before


def test_the_same_seed_recommends_the_same() -> None:
    one, two = (recommend(network("relu", "constant"), X, Y, rng=3, steps=40) for _ in range(2))
    assert [(t.change, t.steps, t.kept) for t in one.trials] == [(t.change, t.steps, t.kept) for t in two.trials]
    np.testing.assert_array_equal([t.after for t in one.trials], [t.after for t in two.trials])


def test_designs_keep_what_the_network_computes_where_they_must() -> None:
    model = network("tanh", "xavier", (64, 24, 24, 24, 10))
    chain = parts(model)
    assert chain is not None
    x = tgi.Tensor(X[:5])
    np.testing.assert_array_equal(nn.Sequential(*chain)(x).numpy(), model(x).numpy())
    around = residual(model, X[:2])
    assert around is not None
    blocks = [module for module in around if isinstance(module, nn.Residual)]
    assert len(blocks) == 2 and [type(module) for module in blocks[0].branch] == [nn.Linear, nn.Activation]
    with_norm = normalized(model)
    assert with_norm is not None and normalized(with_norm) is None
    assert sum(isinstance(module, nn.BatchNorm) for module in with_norm) == 3
    other = activated(model, "relu")
    assert other is not None and activated(other, "relu") is None
    assert residual(nn.Linear(2, 2, rng=0), X[:2, :2]) is None and normalized(nn.Linear(2, 2, rng=0)) is None


def test_convolutions_are_repaired_too() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=0),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, rng=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Linear(32, 10, rng=2),
    )
    tgi.initialize(model, "constant", 0)
    found = recommend(model, X.reshape(-1, 1, 8, 8)[:300], Y[:300], steps=200)
    assert found.before.verdict.word == "symmetric"
    assert found.loss_after < 0.5 * found.loss_before


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="expected a loss out of"):
        recommend(network("relu", "he"), X, Y, "nonsense")
    for options in ({"steps": 0}, {"batch_size": 0}, {"budget": 0.0}, {"budget": math.nan}):
        with pytest.raises(ValueError, match="recommend: expected 1 to 100000 steps"):
            recommend(network("relu", "he"), X, Y, **options)
    with pytest.raises(ValueError, match="recommend: the optimizer holds none of this model's parameters"):
        recommend(network("relu", "he"), X, Y, optimizer=optim.SGD(network("relu", "he").parameters(), 0.1))
