"""The optimizer is part of the question: a few steps on a copy say whether its steps lead down."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.diagnosis import diagnose
from tinygrad_init.diagnosis.fronts.few_steps import BATCH, PATIENT, STEPS, few_steps, parts

DIGITS = tgi.data.digits()
X = ((DIGITS.x - DIGITS.x.mean(0)) / np.maximum(DIGITS.x.std(0), 1e-9)).astype(np.float32)[:600]
Y = DIGITS.y[:600]
GUESS = 2.3  # the loss of equal shares of ten classes


def network(start: str = "he", activation: str = "relu", depth: int = 2) -> nn.MLP:
    model = nn.MLP((64, *(32,) * depth, 10), activation, rng=0)
    tgi.initialize(model, start, 0)
    return model


def test_the_steps_are_those_of_training_and_leave_everything_as_it_was() -> None:
    model = network()
    rule = optim.SGD(model.parameters(), 0.1, momentum=0.9)
    before, state = copy.deepcopy(model.state_dict()), dict(rule.state)
    ahead = few_steps(model, X, Y, tgi.cross_entropy, rule, GUESS)
    assert all(np.array_equal(model.state_dict()[name], values) for name, values in before.items())
    assert rule.state == state == {} and all(p.grad is None for p in model.parameters())
    rng, losses = np.random.default_rng(0), []
    seen, held = parts(len(X))
    assert len(held) == len(X) // 4 and sorted([*seen, *held]) == list(range(len(X)))
    x, y = X[seen], Y[seen]
    epochs = [rng.permutation(len(x)) for _ in range(STEPS * BATCH // len(x) + 2)]
    full = len(x) // BATCH * BATCH  # batches are all of one size
    order = np.concatenate([epoch[:full] for epoch in epochs])
    for step in range(STEPS):
        chosen = order[step * BATCH : (step + 1) * BATCH]
        loss = tgi.cross_entropy(model(x[chosen]), y[chosen])
        rule.zero_grad()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    assert (ahead.first, ahead.last) == pytest.approx((losses[0], np.mean(losses[-20:])), rel=1e-4)
    assert ahead.held_out == pytest.approx(tgi.cross_entropy(model(X[held]), Y[held]).item(), rel=1e-4)
    assert ahead.rule == "SGD, lr 0.1, momentum 0.9"


def test_what_the_optimizer_remembers_goes_on() -> None:
    """An optimizer in the middle of a training is asked from there."""
    model = network()
    rule = optim.Adam(model.parameters(), 1e-2)
    first = few_steps(model, X, Y, tgi.cross_entropy, rule, GUESS)
    for _ in range(20):
        rule.zero_grad()
        tgi.cross_entropy(model(X), Y).backward()
        rule.step()
    later = few_steps(model, X, Y, tgi.cross_entropy, rule, GUESS)
    assert later.first < 0.7 * first.first and len(rule.state) == 6


@pytest.mark.parametrize(
    "optimizer", [30.0, lambda ps: optim.SGD(ps, 5.0, momentum=0.9), lambda ps: optim.Adam(ps, 10.0)]
)
def test_steps_that_are_too_large_are_a_verdict(optimizer: Any) -> None:
    model = network(depth=4)
    assert diagnose(model, X, Y).verdict.word == "healthy"
    found = diagnose(model, X, Y, optimizer=optimizer)
    assert found.verdict.word == "overshooting" and found.verdict.fault
    assert "learning rate of about" in found.answers[-1].sentence


@pytest.mark.parametrize(
    "optimizer", [0.1, lambda ps: optim.SGD(ps, 0.02, momentum=0.9), lambda ps: optim.Adam(ps, 1e-3)]
)
def test_a_network_that_learns_is_healthy(optimizer: Any) -> None:
    found = diagnose(network(), X, Y, optimizer=optimizer)
    assert found.verdict.word == "healthy" and found.ahead is not None and found.ahead.growth < 0.5
    assert f"120 steps of {found.ahead.rule} bring the loss" in found.verdict.reason


def zero_readout() -> nn.Module:
    model = network()
    with tgi.no_grad():
        model.linears()[-1].weight.fill_(0.0)
    return model


def zero_branches() -> nn.Module:
    blocks = [
        nn.Residual(nn.Sequential(nn.Linear(32, 32, rng=i), nn.ReLU(), nn.Linear(32, 32, rng=i))) for i in range(4)
    ]
    model = nn.Sequential(nn.Linear(64, 32, rng=8), *blocks, nn.Linear(32, 10, rng=9))
    tgi.starts.fixup_(model, 0)
    return model


@pytest.mark.parametrize(
    "make", [zero_readout, zero_branches, lambda: nn.Linear(64, 10)], ids=["readout", "fixup", "one"]
)
def test_deliberate_zeros_that_wake_are_notes(make: Any) -> None:
    model = make()
    if isinstance(model, nn.Linear):
        with tgi.no_grad():
            model.weight.fill_(0.0)
        model = nn.Sequential(model)
    found = diagnose(model, X, Y, optimizer=0.1)
    assert found.verdict.word == "healthy" and not any(note.fault for note in found.notes)
    assert found.notes and all(answer.good for answer in found.answers)


@pytest.mark.parametrize(
    ("optimizer", "word", "factor"),
    [(1e-4, "creeping", 10.0), (lambda ps: optim.Adam(ps, 1e-6), "creeping", 10.0), (1.0, "healthy", 0.0)],
)
def test_steps_that_are_too_small_are_a_verdict_with_a_rate_that_trains(
    optimizer: Any, word: str, factor: float
) -> None:
    found = diagnose(network(activation="tanh"), X, Y, optimizer=optimizer)
    assert found.verdict.word == word and found.ahead is not None
    if factor:
        assert found.ahead.rate_factor > factor and found.ahead.better_last < 0.5 * found.guess
        other = optimizer if callable(optimizer) else lambda ps: optim.SGD(ps, 1.0)

        def better(parameters: Any) -> optim.Optimizer:
            rule = other(parameters)
            rule.lr = found.ahead.better
            return rule

        assert diagnose(network(activation="tanh"), X, Y, optimizer=better).verdict.word == "healthy"


@pytest.mark.parametrize("rate", [0.3, 2.0])
def test_labels_that_belong_to_nothing_are_learned_by_heart(rate: float) -> None:
    shuffled = np.random.default_rng(1).permutation(Y)
    model = network("xavier", "tanh", 1)
    found = diagnose(model, X, shuffled, optimizer=rate)
    assert found.verdict.key == "steps.memorized" and not found.answers[0].good
    assert "Do the labels belong to the inputs?" in found.answers[-1].sentence
    assert diagnose(model, X, Y, optimizer=rate).verdict.word == "healthy"


def test_a_loss_that_falls_too_slowly_is_slow() -> None:
    found = diagnose(network("xavier", "sigmoid", 1), X, Y, optimizer=0.02)
    assert found.verdict.word == "slow" and 0.5 < found.ahead.last / found.guess < 0.75
    assert found.ahead.steps == PATIENT and "instead of 0.02" in found.answers[-1].sentence


def test_running_averages_that_lag_behind_are_told() -> None:
    """A batch normalization that hardly follows: right in training mode, wrong when it is used."""
    for momentum, key in ((0.1, "healthy.ahead"), (1e-4, "steps.lagging")):
        normalization = nn.BatchNorm(32, momentum=momentum)
        model = nn.Sequential(nn.Linear(64, 32, rng=0), normalization, nn.ReLU(), nn.Linear(32, 10, rng=1))
        tgi.init.constant_(model[0].bias, 8.0)
        found = diagnose(model, X, Y, optimizer=0.1)
        assert found.verdict.key == key
        assert found.ahead.last < 0.5 * found.guess
        assert (found.ahead.evaluated > found.guess) == (key == "steps.lagging")


def test_a_model_that_takes_batches_of_one_size_is_looked_at_no_further() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            self.inner = network()

        def forward(self, x: Any) -> Any:
            if len(x) not in (BATCH, len(X)):
                raise ValueError(f"expected {BATCH} samples")
            return self.inner(x)

    ahead = few_steps(Fixed(), X, Y, tgi.cross_entropy, 0.1, GUESS)
    assert ahead.last < 0.5 * GUESS and np.isnan(ahead.held_out)


def test_branches_that_start_at_zero_and_learn_are_worth_to_know_and_no_fault() -> None:
    """Their units are alike at first; what comes past them is not."""
    branch = nn.Sequential(nn.Linear(64, 64, rng=0), nn.Tanh())
    tgi.init.zeros_(branch[0].weight)
    found = diagnose(nn.Sequential(nn.Residual(branch), nn.Linear(64, 10, rng=1)), X, Y, optimizer=0.3)
    assert found.verdict.word == "healthy" and found.ahead.last < 0.3 * found.guess


@pytest.mark.parametrize("start", ["zeros", "constant", "small"])
def test_bad_starts_stay_faults(start: str) -> None:
    for optimizer in (0.1, lambda ps: optim.Adam(ps, 1e-3)):
        assert diagnose(network(start, "sigmoid", 4), X, Y, optimizer=optimizer).verdict.fault


def test_what_does_not_fit_stays_a_fault_even_if_the_loss_falls() -> None:
    class Probabilities(nn.Module):
        def __init__(self) -> None:
            self.layers = network()

        def forward(self, x: Any) -> Any:
            return tgi.softmax(self.layers(x))

    found = diagnose(Probabilities(), X, Y, optimizer=lambda ps: optim.Adam(ps, 1e-2))
    assert found.ahead is not None and found.ahead.growth < 0.8 and found.verdict.key == "fit.twice"


def test_what_is_no_optimizer_of_this_model_is_refused() -> None:
    other = optim.SGD(network().parameters(), 0.1)
    with pytest.raises(ValueError, match="holds none of this model's parameters"):
        diagnose(network(), X, Y, optimizer=other)
    with pytest.raises(ValueError, match="holds none of this model's parameters"):
        diagnose(network(), X, Y, optimizer=lambda ps: other)
    for wrong, name in ((lambda ps: ps, "list"), ("adam", "str"), (True, "bool")):
        with pytest.raises(TypeError, match=f"function that makes one, or a learning rate; got {name}"):
            diagnose(network(), X, Y, optimizer=wrong)


def test_one_sample_shows_nothing_of_the_steps() -> None:
    model = nn.Sequential(nn.Linear(64, 8, rng=0), nn.BatchNorm(8), nn.Linear(8, 10, rng=0)).eval()
    assert diagnose(model, X[:1], Y[:1], optimizer=0.1).ahead is None


def test_the_rate_is_that_of_the_optimizer() -> None:
    found = diagnose(network(), X, Y, lr=1e-7, optimizer=0.1)
    assert found.lr == 0.1 and "instead of" not in found.answers[-1].sentence


def test_without_an_optimizer_no_steps_are_taken() -> None:
    found = diagnose(network(), X, Y)
    assert found.ahead is None and found.to_dict()["ahead"] is None
