"""The monitor: what goes wrong during training, in which step and where."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import load
from tinygrad_init.diagnosis import Event, Monitor
from tinygrad_init.diagnosis.fronts.own_modules import loss_and_cotangent
from tinygrad_init.diagnosis.measures.guess import best_constant_loss
from tinygrad_init.diagnosis.watching.loss_trend import Trend

from ..strategies import seeds

DATA = load("moons", rng=0)
X, Y = DATA.x.astype(np.float32), DATA.y


def watched(
    activation: str, start: str, lr: float, steps: int, every: int = 1, sizes: tuple[int, ...] = (2, 12, 12, 2)
) -> Monitor:
    model = nn.MLP(sizes, activation, rng=0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy, every=every)
    tgi.train(
        model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, lr), initializer=start, epochs=steps, rng=0,
        on_start=monitor.start, on_step=monitor,
    )  # fmt: skip
    return monitor


def words(monitor: Monitor) -> list[str]:
    return [event.word for event in monitor.events]


def first(monitor: Monitor, word: str) -> Event:
    return next(event for event in monitor.events if event.word == word)


def best(loss: Any, targets: Any, outputs: tuple[int, ...]) -> float:
    return best_constant_loss(loss_and_cotangent(loss, targets, np.float64), targets, outputs)


@given(share=st.floats(0.05, 0.95))
def test_the_best_constant_prediction(share: float) -> None:
    """Its loss is the entropy of the classes, or the variance of the targets."""
    n = 200
    ones = max(1, round(share * n))
    y = np.repeat([0, 1], [n - ones, ones])
    p = np.array([n - ones, ones]) / n
    entropy = -float(np.sum(p * np.log(np.maximum(p, 1e-300))))
    assert best(tgi.cross_entropy, y, (n, 2)) == pytest.approx(entropy, rel=2e-3, abs=1e-3)
    column = y[:, None].astype(float)
    assert best(tgi.binary_cross_entropy_with_logits, column, (n, 1)) == pytest.approx(entropy, rel=2e-3, abs=1e-3)
    assert best(tgi.mse, column, (n, 1)) == pytest.approx(np.var(column), rel=1e-2)
    far = 1000 + 50 * column  # targets as they come
    assert best(tgi.mse, far, (n, 1)) == pytest.approx(np.var(far), rel=1e-2)


def trend_of(losses: Any) -> Trend:
    trend = Trend()
    trend.add((float(loss), None) for loss in losses)
    return trend


@given(seed=seeds, size=st.floats(0.05, 0.5))
def test_a_swing_is_told_from_noise_and_from_descent(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(100)
    assert trend_of(1 + size * (t % 2 - 0.5) + 0.02 * size * rng.normal(size=100)).swings
    assert not trend_of(1 + size * 0.2 * rng.normal(size=100)).swings
    assert not trend_of(np.exp(-t / 50)).swings
    assert not trend_of(np.ones(100)).swings


@given(seed=seeds, slope=st.floats(0.002, 0.05))
def test_flat_is_what_no_longer_improves(seed: int, slope: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(1000)
    assert not trend_of(np.exp(-slope * t) + 1e-12).flat
    noise = 0.001 * rng.normal(size=1000)  # means of 20 move the loss by far less than 1 %
    assert trend_of(0.3 + noise).flat
    assert not trend_of(0.3 + noise[:40]).flat  # too early to say


def test_a_good_start_converges() -> None:
    monitor = watched("tanh", "xavier", 0.5, 3000, every=20)
    assert "plateau" not in words(monitor) and "not finite" not in words(monitor)
    assert monitor.trend.mean < 0.1


def test_a_loss_that_is_as_good_as_it_can_be_has_converged() -> None:
    """Targets that a linear map explains but for noise: the loss ends at the noise, and the gradient at 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = (x @ np.array([[1.0], [-2.0], [0.5]]) + 0.3 * rng.normal(size=(200, 1))).astype(np.float32)
    model = nn.MLP((3, 1), rng=0)
    monitor = Monitor(model, x, y, tgi.mse, every=10)
    tgi.train(model, x, y, tgi.mse, lambda ps: optim.SGD(ps, 0.1), epochs=400, rng=0, on_step=monitor)
    assert words(monitor) == ["converged"]


def test_a_loss_that_stops_too_early_is_a_plateau() -> None:
    monitor = watched("sigmoid", "zeros", 0.1, 400, every=10)
    event = first(monitor, "plateau")
    assert "no better than the best constant prediction (0.693)" in event.text
    assert "converged" not in words(monitor)
    assert "vanishing at layer 1" in event.text


def test_a_rate_that_is_too_high_makes_the_loss_swing() -> None:
    """Gradient descent on a parabola of curvature 2 swings at a rate just below 1 and diverges above."""
    x, y = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)
    model = nn.Sequential(nn.Linear(1, 1, bias=False, rng=0))
    with tgi.no_grad():
        model[0].weight.fill_(1.0)
    monitor = Monitor(model, x, y, lambda prediction, target: tgi.abs(prediction - target).mean(), every=1)
    # |w| has slope ±1: from 1 a rate of 1.4 leads to -0.4, back to 1, and so on for ever.
    for _ in range(40):
        optimizer = optim.SGD(list(model.parameters()), 1.4)
        loss = tgi.abs(model(tgi.Tensor(x))).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        monitor.after(loss.item())
    assert words(monitor) == ["oscillating"]


def test_a_rate_that_is_far_too_high_ends_in_infinities() -> None:
    x, y = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)
    model = nn.Sequential(nn.Linear(1, 1, bias=False, rng=0))
    monitor = Monitor(model, x, y, tgi.mse, every=1)
    tgi.train(model, x, y, tgi.mse, lambda ps: optim.SGD(ps, 1.5), epochs=1200, rng=0, on_step=monitor)
    assert words(monitor)[-1] == "not finite"


def test_units_that_were_born_dead_and_units_that_an_update_kills() -> None:
    model = nn.MLP((2, 8, 8, 2), "relu", rng=0)
    tgi.initialize(model, "he", 0)
    hidden = model.linears()[1]
    with tgi.no_grad():
        hidden.bias[3] = -50.0
    monitor = Monitor(model, X, Y, tgi.cross_entropy, every=1)
    monitor.start()
    born = [event for event in monitor.events if event.layer == 2]
    assert born[0].step == 0 and "were born dead" in born[0].text
    monitor.after(0.7)
    with tgi.no_grad():
        hidden.bias[5] = -60.0
    monitor.after(0.7)
    killed = [event for event in monitor.events if event.layer == 2][-1]
    assert killed.step == 2 and "killed after step 1 (unit 5: its bias moved z by -60" in killed.text


@pytest.mark.parametrize("which", ["weight", "bias"])
def test_the_first_number_that_is_not_finite_is_named(which: str) -> None:
    model = nn.MLP((2, 8, 8, 2), "relu", rng=0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy)
    monitor.after(0.7)
    with tgi.no_grad():
        getattr(model.linears()[1], which)[0] = math.nan
    monitor.after(math.nan)
    event = monitor.events[-1]
    assert (event.word, event.step, event.layer) == ("not finite", 2, 2)
    assert f"layers.2.{which}" in event.text
    monitor.after(math.nan)
    assert monitor.events[-1] is event


def test_explosions_are_told_in_the_step_in_which_they_happen() -> None:
    monitor = watched("relu", "large", 1e10, 20)
    event = first(monitor, "not finite")
    losses = [moment.loss for moment in monitor.timeline if moment.step > 0]
    assert not math.isfinite(losses[event.step - 1]) and all(map(math.isfinite, losses[: event.step - 1]))


def test_the_timeline_stays_small_and_keeps_its_ends() -> None:
    model = nn.MLP((2, 4, 2), "tanh", rng=0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy, every=1, capacity=16)
    for step in range(1000):
        monitor.after(1 / (step + 1))
    steps = [moment.step for moment in monitor.timeline]
    assert len(steps) <= 16 and steps[0] == 1
    assert len(set(np.diff(steps))) == 1 and steps[-1] > 900


def test_watching_changes_nothing() -> None:
    def weights(monitored: bool) -> list[Any]:
        model = nn.MLP((2, 6, 2), "relu", rng=0)
        monitor = Monitor(model, X, Y, tgi.cross_entropy, every=3) if monitored else None
        tgi.train(
            model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.1), epochs=9, batch_size=64, rng=0,
            on_step=monitor,
        )  # fmt: skip
        return [p.numpy().tolist() for p in model.parameters()]

    assert weights(True) == weights(False)


def test_watching_leaves_modes_statistics_and_masks_alone() -> None:
    def trained(monitored: bool) -> tuple[Any, ...]:
        rng = np.random.default_rng(0)
        model = nn.Sequential(
            nn.Linear(2, 8, rng=rng), nn.BatchNorm(8), nn.ReLU(), nn.Dropout(0.3, rng=5), nn.Linear(8, 8, rng=rng),
            nn.BatchNorm(8), nn.ReLU(), nn.Linear(8, 2, rng=rng),
        )  # fmt: skip
        model[1].eval()  # frozen
        monitor = Monitor(model, X, Y, tgi.cross_entropy, every=2) if monitored else None
        tgi.train(
            model, X, Y, tgi.cross_entropy, lambda ps: optim.SGD(ps, 1e-5), epochs=150, batch_size=None, rng=0,
            on_step=monitor,
        )  # fmt: skip
        assert monitor is None or {"plateau", "converged"} & set(words(monitor))  # it has asked for the baseline
        return {name: array.tolist() for name, array in model.state_dict().items()}, model[1].training

    assert trained(True) == trained(False)


def test_batches_that_differ_are_no_swing() -> None:
    model = nn.MLP((2, 8, 2), "tanh", rng=0)
    monitor = Monitor(model, X, Y, "cross_entropy", every=1)
    half = len(X) // 2  # the two halves hold one class each
    optimizer = optim.SGD(list(model.parameters()), 0.001)
    for epoch in range(60):
        for piece in (slice(0, half), slice(half, None)):
            loss = tgi.cross_entropy(model(tgi.Tensor(X[piece])), Y[piece])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            monitor.after(loss, epoch)
    assert "oscillating" not in words(monitor)


def test_every_death_is_told_with_its_cause() -> None:
    model = nn.MLP((2, 8, 8, 2), "relu", rng=0)
    tgi.initialize(model, "he", 0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy, every=1, capacity=4)
    for step in range(40):
        monitor.after(0.7)
        if step in (20, 30):
            with tgi.no_grad():
                model.linears()[1].bias[step // 10] = -50.0
    told = [event.text for event in monitor.events if event.layer == 2 and "killed" in event.text]
    assert len(told) == 2 and "killed after step 21 (unit 2: its bias" in told[0]
    assert "killed after step 31 (unit 3: its bias" in told[1]


def test_functions_and_residual_blocks_are_seen_as_by_a_diagnosis() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(2, 6, rng=0), nn.Linear(6, 2, rng=1)

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return self.b(tgi.relu(self.a(x)))

    model = Own()
    with tgi.no_grad():
        model.a.bias.fill_(-100.0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy)
    monitor.start()
    assert "6 of 6 units were born dead" in monitor.events[0].text
    block = nn.Sequential(
        nn.Linear(2, 4, rng=0),
        nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=1), nn.ReLU(), nn.Linear(4, 4, rng=2))),
        nn.Tanh(),
        nn.Linear(4, 2, rng=3),
    )
    with tgi.no_grad():
        block[0].bias.fill_(100.0)  # tanh, far above, is saturated; it is not the branch's own activation
    monitor = Monitor(block, X, Y, tgi.cross_entropy)
    monitor.start()
    assert all(event.layer != 3 for event in monitor.events)


def at_the_clock(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float]) -> None:
    """Let a monitor read this clock."""
    from tinygrad_init.diagnosis.watching import base_monitor, monitor

    for module in (base_monitor, monitor):
        monkeypatch.setattr(module, "perf_counter", clock)


def test_by_default_looks_are_rationed_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that ticks once a reading and looks that take 10 ticks each, a tenth of the time goes to looks."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    at_the_clock(monkeypatch, clock)
    model = nn.MLP((2, 4, 2), "tanh", rng=0)
    monitor = Monitor(model, X, Y, tgi.cross_entropy, budget=0.1)
    look, spent = monitor.look, 0.0

    def slow(loss: float) -> None:
        nonlocal now, spent
        now += 9.0
        spent += 10.0
        look(loss)

    monitor.look = slow  # type: ignore[method-assign]
    for _ in range(2000):
        monitor.after(0.5)
    assert 0.05 * now < spent <= 0.11 * now


DIGITS = load("digits")
PIXELS = ((DIGITS.x - DIGITS.x.mean(axis=0)) / np.maximum(DIGITS.x.std(axis=0), 1e-9)).astype(np.float32)


def on_digits(activation: str, start: str, optimizer: Any, epochs: int = 5, batch_size: int = 64) -> Monitor:
    """A training on digits, looked at rarely enough that the clock does not matter."""
    model = nn.MLP((64, 64, 64, 10), activation, rng=0)
    monitor = Monitor(model, PIXELS, DIGITS.y, "cross_entropy", every=25)
    tgi.train(
        model, PIXELS, DIGITS.y, "cross_entropy", optimizer, initializer=start, epochs=epochs, batch_size=batch_size,
        rng=0, monitor=monitor,
    )  # fmt: skip
    return monitor


@pytest.mark.parametrize(
    ("activation", "start", "optimizer", "batch_size"),
    [
        ("relu", "he", lambda ps: optim.SGD(ps, 0.01), 64),
        ("relu", "he", lambda ps: optim.SGD(ps, 0.1), 64),
        ("tanh", "xavier", lambda ps: optim.SGD(ps, 1.0), 64),
        ("relu", "he", lambda ps: optim.SGD(ps, 0.01, momentum=0.9), 64),
        ("gelu", "he", lambda ps: optim.Adam(ps, 1e-3), 64),
        ("relu", "he", lambda ps: optim.AdamW(ps, 1e-3), 64),
        ("tanh", "xavier", lambda ps: optim.Adam(ps, 0.01), 64),
        ("relu", "he", lambda ps: optim.SGD(ps, 0.01), 1),
        ("relu", "he", lambda ps: optim.SGD(ps, 0.3), 1797),
    ],
)
def test_of_a_training_that_goes_well_nothing_is_said(
    activation: str, start: str, optimizer: Any, batch_size: int
) -> None:
    monitor = on_digits(
        activation, start, optimizer, 40 if batch_size > 64 else 3 if batch_size == 1 else 8, batch_size
    )
    assert set(words(monitor)) <= {"converged"} and monitor.trend.mean < 0.3 * monitor.guessing()


@pytest.mark.parametrize(
    ("activation", "start", "optimizer", "batch_size", "word", "said"),
    [
        ("tanh", "xavier", lambda ps: optim.SGD(ps, 1.0), 8, "oscillating", "the learning rate is too high"),
        ("relu", "he", lambda ps: optim.SGD(ps, 0.1, weight_decay=0.5), 64, "shrinking", "weight decay outweighs"),
        ("relu", "he", lambda ps: optim.SGD(ps, 1e-5), 64, "plateau", "a larger learning rate would end it"),
        ("tanh", "zeros", lambda ps: optim.SGD(ps, 0.1), 64, "unmoved", "its gradient is 0"),
        ("relu", "he", lambda ps: optim.SGD(ps, 100.0), 64, "not finite", "the update has made"),
    ],
)
def test_what_is_wrong_is_named(
    activation: str, start: str, optimizer: Any, batch_size: int, word: str, said: str
) -> None:
    monitor = on_digits(activation, start, optimizer, 15, batch_size)
    assert word in words(monitor) and any(said in event.text for event in monitor.events if event.word == word)


def own_loop(lr: float, steps: int = 200, zero_grad: bool = True, step: bool = True, own: bool = True) -> Monitor:
    """A loop as one writes it, with or without what one forgets."""
    model, other = (nn.MLP((64, 64, 64, 10), "relu", rng=seed) for seed in (0, 1))
    tgi.initialize(model, "he", 0)
    optimizer = optim.SGD(list((model if own else other).parameters()), lr)
    monitor = Monitor(model, PIXELS, DIGITS.y, "cross_entropy")
    rng = np.random.default_rng(0)
    monitor.start()
    with np.errstate(all="ignore"):
        for _ in range(steps):
            rows = rng.integers(0, len(PIXELS), 64)
            loss = tgi.cross_entropy(model(tgi.Tensor(PIXELS[rows])), DIGITS.y[rows])
            if zero_grad:
                optimizer.zero_grad()
            loss.backward()
            if step:
                optimizer.step()
            monitor.after(loss)
    monitor.end()
    return monitor


@pytest.mark.parametrize("lr", [0.1, 0.01, 0.001])
def test_gradients_that_nobody_sets_to_zero_add_up(lr: float) -> None:
    monitor = own_loop(lr, zero_grad=False)
    assert "zero_grad()" in first(monitor, "accumulating").text
    assert "accumulating" not in words(own_loop(lr))


@pytest.mark.parametrize("forgotten", ["step", "own"])
def test_parameters_that_nobody_moves(forgotten: str) -> None:
    monitor = own_loop(0.1, **{forgotten: False})  # type: ignore[arg-type]
    assert words(monitor) == ["unmoved"] and "the optimizer's parameters" in monitor.events[0].text


def test_what_is_frozen_need_not_move() -> None:
    model = nn.MLP((64, 16, 10), "relu", rng=0)
    tgi.initialize(model, "he", 0)
    held = [p for name, p in model.named_parameters() if not name.startswith("layers.0")]
    monitor = Monitor(model, PIXELS, DIGITS.y, "cross_entropy", every=5)
    for frozen in (False, True):
        monitor = Monitor(model, PIXELS, DIGITS.y, "cross_entropy", every=5)
        model.linears()[0].weight.requires_grad = not frozen
        tgi.train(
            model, PIXELS, DIGITS.y, "cross_entropy", lambda ps: optim.SGD(held, 0.1), batch_size=64, epochs=1, rng=0,
            monitor=monitor,
        )  # fmt: skip
        assert ("unmoved" in words(monitor)) == (not frozen)
    assert not frozen or not monitor.events


def test_it_looks_before_the_first_after_the_tenth_and_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever that costs."""
    clock = iter(range(10**9))
    at_the_clock(monkeypatch, lambda: float(next(clock)))
    monitor = own_loop(0.1, steps=203)
    steps = [moment.step for moment in monitor.timeline]
    assert {0, 10, 203} <= set(steps)
    monitor.end()
    assert [moment.step for moment in monitor.timeline] == steps, "what was looked at is not looked at again"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"every": 0}, "every 1 or more steps, got 0"),
        ({"budget": 0}, "between 0 and 1"),
        ({"capacity": 1}, "2 or more"),
    ],
)
def test_wrong_settings(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Monitor(nn.MLP((2, 2), rng=0), X, Y, tgi.cross_entropy, **wrong)
