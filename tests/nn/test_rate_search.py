"""Learning rates by a range test, and rehearsals: a copy is trained, the model stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.rehearsal import Rehearsal, makes, options_of

DIGITS = tgi.data.digits()
X = ((DIGITS.x - DIGITS.x.mean(0)) / np.maximum(DIGITS.x.std(0), 1e-9)).astype(np.float32)[:800]
Y = DIGITS.y[:800]


def network(activation: str = "relu", depth: int = 2) -> nn.MLP:
    model = nn.MLP((64, *(32,) * depth, 10), activation, rng=0)
    tgi.initialize(model, "he", 0)
    return model


RULES = {
    "gradient descent": None,
    "momentum": lambda ps: optim.SGD(ps, 1.0, momentum=0.9),
    "Adam": optim.Adam,
}


@pytest.mark.parametrize("rule", RULES, ids=list(RULES))
@pytest.mark.parametrize("depth", [1, 8])
def test_the_rate_that_is_suggested_trains(rule: str, depth: int) -> None:
    make: Any = RULES[rule]
    model = network(depth=depth)
    found = tgi.find_lr(model, X, Y, optimizer=make)
    assert found.lr <= found.breakdown / 4 and found.lr in dict(found.tried)

    def accuracy(lr: float) -> float:
        trained = copy.deepcopy(model)
        own = makes(make, trained, "test")

        def rule(parameters: Any) -> optim.Optimizer:
            made = own(parameters)
            made.lr = lr
            return made

        with np.errstate(all="ignore"):
            tgi.train(trained, X, Y, "cross_entropy", rule, epochs=30, batch_size=64, rng=1)
            output = tgi.predict(trained, X)
        return float(np.mean(output.argmax(1) == Y)) if np.isfinite(output).all() else 0.0

    assert accuracy(found.lr) > 0.97


def test_the_curve_ends_where_training_breaks_down() -> None:
    found = tgi.find_lr(network(), X, Y)
    assert len(found.rates) == len(found.losses) < 120 and found.rates[-1] == found.breakdown
    assert np.all(np.diff(np.log(found.rates)) == pytest.approx(np.log(1e8) / 119))
    short = tgi.find_lr(network(), X, Y, highest=1e-3, steps=20)
    assert len(short.rates) == 20 and short.breakdown == np.inf and "up to 0.001" in str(short)
    assert f"learning rate {found.lr:.2g}" in str(found)


def test_the_curve_can_be_drawn() -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    axes = tgi.find_lr(network(), X, Y).figure().axes[0]
    assert axes.get_xscale() == "log" and len(axes.lines) == 3


def test_nothing_of_the_model_changes() -> None:
    model = nn.Sequential(
        nn.Linear(64, 16, rng=0), nn.BatchNorm(16), nn.ReLU(), nn.Dropout(0.1, rng=0), nn.Linear(16, 10, rng=1)
    )
    rule = optim.Adam(model.parameters())
    before = {name: np.array(values) for name, values in model.state_dict().items()}
    first, second = (tgi.find_lr(model, X, Y, optimizer=rule) for _ in range(2))
    assert all(np.array_equal(values, before[name]) for name, values in model.state_dict().items())
    assert rule.state == {} and rule.lr == 1e-3 and all(p.grad is None for p in model.parameters())
    assert first.lr == second.lr and np.array_equal(first.losses, second.losses)


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, 0.1, momentum=0.9), lambda ps: optim.Adam(ps, 0.01), 0.2])
def test_a_rehearsal_begins_again_where_it_began(make: Any) -> None:
    model = nn.Sequential(nn.Linear(64, 16, rng=0), nn.BatchNorm(16), nn.Tanh(), nn.Linear(16, 10, rng=1))
    one = Rehearsal(model, X, Y, tgi.cross_entropy, make)
    one.advance(25)
    losses, lr = list(one.losses), one.optimizer.lr
    one.restart(3 * lr)
    one.advance(5)
    assert one.losses[0] == losses[0] and one.losses[1:] != losses[1:5]
    one.restart(lr)
    one.advance(25)
    assert one.losses == losses


def test_an_optimizer_is_copied_with_its_options() -> None:
    model = network()
    rule = optim.AdamW(model.parameters(), 3e-4, betas=(0.8, 0.9), weight_decay=0.1)
    other = network()
    made = makes(rule, model, "test")(other.parameters())
    assert type(made) is optim.AdamW and options_of(made) == options_of(rule)
    assert {id(p) for p in made.parameters} == {id(p) for p in other.parameters()}


def test_wrong_input() -> None:
    with pytest.raises(
        ValueError, match="expected rates 0 < lowest < highest and at least 10 steps, got 1, 0.1 and 120"
    ):
        tgi.find_lr(network(), X, Y, lowest=1, highest=0.1)
    with pytest.raises(ValueError, match="at least 10 steps"):
        tgi.find_lr(network(), X, Y, steps=3)
    with pytest.raises(TypeError, match="find_lr: expected an optimizer, a function that makes one"):
        tgi.find_lr(network(), X, Y, optimizer="adam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="find_lr: the optimizer holds none of this model's parameters"):
        tgi.find_lr(network(), X, Y, optimizer=optim.SGD(network().parameters(), 0.1))
