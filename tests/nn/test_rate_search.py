"""Learning rates by a range test, and rehearsals: a copy is trained, the model stays as it is."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.rate_search import RateSearch, kept, range_test
from tinygrad_init.rehearsal import Rehearsal, in_words, makes, options_of

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


def drawn(losses: Any, breakdown: float) -> Any:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    rates = np.geomspace(1e-3, 1.0, len(losses))
    return RateSearch("SGD", rates, np.array(losses), breakdown, ((0.1, 1.0),)).figure().axes[0]


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e3])
def test_the_picture_shows_where_the_loss_falls_and_not_how_far_it_breaks_down(size: float) -> None:
    losses = [2.0 * size, 1.8 * size, 1.0 * size, 1e6 * size]
    axes = drawn(losses, 1.0)
    low, high = axes.get_ylim()
    assert low == pytest.approx(0.9 * size) and high == pytest.approx(2.5 * size), "a tenth below, a half above"
    assert [line.get_xdata()[0] for line in axes.lines[1:]] == [0.1, 1.0]
    assert [line.get_label() for line in axes.lines[1:]] == ["suggested 0.1", "breakdown 1"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), losses)


def test_a_loss_that_never_moves_or_breaks_down_can_be_drawn() -> None:
    axes = drawn([1.0, 1.0, 1.0], math.inf)
    low, high = axes.get_ylim()
    assert low < 1.0 < high and len(axes.lines) == 2


def suggested(first: float, *ends: float) -> int:
    """Which of the rates that were tried is suggested, by the losses in the end."""
    tried = tuple((3.0**-i, loss) for i, loss in enumerate(ends))
    found = RateSearch("SGD", np.ones(1), np.array([first]), 1.0, tried)
    return [rate for rate, _ in tried].index(found.lr)


def test_the_best_of_those_that_were_tried_is_suggested() -> None:
    assert suggested(2.0, 0.5) == 0
    assert suggested(2.0, 0.5, 0.6) == 0
    assert suggested(2.0, 0.6, 0.5, 0.7) == 1
    assert suggested(2.0, math.inf, math.inf) == 0, "of none that is better"


@pytest.mark.parametrize(
    ("above", "next_one", "index"),
    [
        (1.01, 0.6, 2),  # three times the best has failed: the best is too near
        (0.99, 0.6, 1),
        (math.inf, 0.6, 2),
        (math.inf, 1.899, 2),
        (math.inf, 1.901, 1),  # with the next the loss has hardly fallen
        (math.inf, math.inf, 1),
    ],
)
def test_a_rate_whose_triple_has_failed_is_too_near(above: float, next_one: float, index: int) -> None:
    assert suggested(2.0, above, 0.5, next_one) == index
    assert suggested(2.0, above, 0.5) == 1, "there is no next one"


class Told:
    """A training whose losses are told by a function of the rate and the step, in place of one that runs."""

    def __init__(self, loss: Any) -> None:
        self.loss, self.losses = loss, list[float]()
        self.lr, self.rule = 1.0, "SGD"
        self.kept: list[float] = []

    def restart(self, lr: float) -> None:
        self.lr, self.losses = lr, []
        self.kept.append(lr)

    def step(self) -> float:
        self.losses.append(float(self.loss(self.lr, len(self.losses))))
        return self.losses[-1]

    advance = Rehearsal.advance


def test_a_range_test_ends_at_one_and_a_half_times_the_lowest_average() -> None:
    """Averages of about the last five steps: a loss that jumps to 4 is above 1.5 after one step, to 3 after two."""
    for jump, late in ((4.0, 0), (3.0, 1), (1.4, None)):
        told: Any = Told(lambda rate, step, jump=jump: 1.0 if rate < 1e-2 else jump)
        found = range_test(told, 1e-4, 1.0, 41)
        at = 20  # the first rate of 1e-2
        if late is None:
            assert found.breakdown == math.inf and len(found.rates) == 41
        else:
            assert found.breakdown == found.rates[-1] == pytest.approx(10 ** (-4 + (at + late) / 10), rel=1e-6)


def test_averages_begin_with_the_first_loss_and_follow_the_last_five() -> None:
    """Of a loss that falls steadily they are four steps behind in the end, and never outside what was seen."""
    told: Any = Told(lambda rate, step: 200.0 - step)
    found = range_test(told, 1e-4, 1.0, 120)
    assert found.losses[0] == 200.0 and found.losses[-1] == pytest.approx(200 - 119 + 4, rel=1e-6)
    assert np.all(np.diff(found.losses) < 0)


def test_a_quarter_of_the_breakdown_is_tried_or_the_rate_of_the_lowest_loss() -> None:
    broken: Any = Told(lambda rate, step: 1.0 if rate < 0.1 else math.nan)
    assert range_test(broken, 1e-3, 10.0, 41).tried[0][0] == pytest.approx(1e-3), "the first of the lowest"
    steep: Any = Told(lambda rate, step: 1.0 - rate if rate < 0.1 else math.nan)
    found = range_test(steep, 1e-3, 10.0, 41)
    assert found.breakdown == pytest.approx(0.1) and found.tried[0][0] == pytest.approx(0.025)


def test_thirds_of_a_rate_are_tried_as_long_as_they_end_lower() -> None:
    best: Any = Told(lambda rate, step: 1.0 if step == 0 else abs(math.log(rate / 0.1)) / 10)
    tried = list(kept(best, 0.9))
    assert [rate for rate, _ in tried] == pytest.approx([0.9, 0.3, 0.1, 0.1 / 3])
    assert best.kept == [rate for rate, _ in tried] and len(best.losses) == 60
    early: Any = Told(lambda rate, step: 1.0 if step == 0 else 0.9 - rate / 10)
    assert len(list(kept(early, 0.9))) == 2, "the first smaller one ends higher"
    never: Any = Told(lambda rate, step: 1.0)
    assert len(list(kept(never, 0.9))) == 4, "as long as none has fallen"
    failing: Any = Told(lambda rate, step: 1.0 if step < 59 or rate < 0.2 else math.inf)
    assert [loss for _, loss in kept(failing, 0.9)] == [math.inf, math.inf, 1.0, 1.0]


def test_what_a_rate_ends_with_is_the_mean_of_the_last_ten_losses() -> None:
    told: Any = Told(lambda rate, step: 100.0 - step)
    assert next(kept(told, 0.1)) == (0.1, np.mean(100.0 - np.arange(50, 60)))


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


class Plain(optim.Optimizer):
    """One of somebody's own, without a rate."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ps: optim.SGD(ps, 0.1), "SGD, lr 0.1"),
        (lambda ps: optim.SGD(ps, 0.12345, momentum=0.9), "SGD, lr 0.123, momentum 0.9"),
        (
            lambda ps: optim.SGD(ps, 0.1, momentum=0.5, weight_decay=1e-4),
            "SGD, lr 0.1, momentum 0.5, weight decay 0.0001",
        ),
        (optim.Adam, "Adam, lr 0.001"),
        (optim.AdamW, "AdamW, lr 0.001, weight decay 0.01"),
        (Plain, "Plain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_optimizer_is_told_with_what_is_not_usual(make: Any, words: str) -> None:
    assert in_words(make(network().parameters())) == words


def test_a_rehearsal_takes_batches_of_one_size_epoch_after_epoch() -> None:
    x = np.arange(10.0)[:, None]
    model = nn.Linear(1, 1, rng=0)
    run = Rehearsal(model, x, x, tgi.mse, 0.0, batch_size=4)
    epochs = [np.concatenate([next(run.order)[0] for _ in range(2)]).ravel() for _ in range(3)]
    assert all(len(set(epoch)) == 8 for epoch in epochs), "no sample twice in an epoch; what is left over waits"
    assert len({tuple(epoch) for epoch in epochs}) == 3, "in another order each time"
    again, other = (Rehearsal(model, x, x, tgi.mse, 0.0, batch_size=4, rng=rng) for rng in (0, 1))
    np.testing.assert_array_equal(np.concatenate([next(again.order)[0] for _ in range(2)]).ravel(), epochs[0])
    assert not np.array_equal(np.concatenate([next(other.order)[0] for _ in range(2)]).ravel(), epochs[0])
    assert len(next(Rehearsal(model, x, x, tgi.mse, 0.0).order)[0]) == 10, "all if there are fewer"
    wanted = Rehearsal(model, tgi.tensor(x), np.arange(10), tgi.mse, 0.0)
    assert wanted.x.dtype == np.float32 and wanted.y.dtype.kind == "i"
    np.testing.assert_array_equal(wanted.x, x)


def test_a_rehearsal_ends_where_the_loss_is_no_longer_finite() -> None:
    run = Rehearsal(network(), X, Y, tgi.cross_entropy, 1e30)
    run.advance(50)
    assert 1 < len(run.losses) < 50 and not math.isfinite(run.losses[-1])
    assert all(map(math.isfinite, run.losses[:-1]))
    run.advance(50)
    assert len(run.losses) < 50
    run.restart(1e-3)
    run.advance(3)
    run.advance(5)
    run.advance(4)
    assert len(run.losses) == 5, "until so many steps have been taken"


def test_a_rehearsal_shortens_gradients_that_are_too_long() -> None:
    model = nn.Linear(64, 10, rng=0, dtype="float64")
    run = Rehearsal(model, X, Y, tgi.cross_entropy, 1.0, clip=0.01)
    run.step()
    moved = [a.numpy() - b.numpy() for a, b in zip(run.model.parameters(), model.parameters(), strict=True)]
    assert math.sqrt(sum(float(np.sum(change**2)) for change in moved)) == pytest.approx(0.01, rel=1e-3)


def test_predictions_of_a_rehearsal_are_those_of_a_network_that_is_used() -> None:
    model = nn.Sequential(nn.Linear(64, 8, rng=0), nn.Dropout(0.5, rng=0), nn.BatchNorm(8), nn.Linear(8, 10, rng=1))
    run = Rehearsal(model.eval(), X, Y, tgi.cross_entropy, 0.1)
    np.testing.assert_array_equal(run.predictions(X[:5].astype(float)), tgi.predict(model, X[:5]))
    assert run.model.training and all(module.training for _, module in run.model.named_modules())
    assert not model.training


def test_rules_are_made_anew_and_refused_if_they_are_of_another_model() -> None:
    model = network()
    for given, lr in ((None, 0.3), (0.2, 0.2), (1, 1)):
        rule = makes(given, model, "me", 0.3)(list(model.parameters()))
        assert type(rule) is optim.SGD and rule.lr == lr
    frozen = network()
    frozen.linears()[0].weight.requires_grad = False
    held = makes(lambda ps: optim.SGD(ps, len(ps) / 100), frozen, "me")
    run = Rehearsal(frozen, X, Y, tgi.cross_entropy, held)
    assert len(run.optimizer.parameters) == len(list(frozen.parameters())) - 1
    for wrong in (True, "sgd", [0.1]):
        with pytest.raises(TypeError, match=f"me: expected an optimizer, .* got {type(wrong).__name__}"):
            makes(wrong, model, "me")  # type: ignore[arg-type]
    some = optim.SGD([*network().parameters(), *list(model.parameters())[:1]], 0.1)
    assert makes(some, model, "me")(list(model.parameters())).lr == 0.1, "one parameter of this model is enough"
