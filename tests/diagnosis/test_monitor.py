"""The monitor: what goes wrong during training, in which step and where."""

from __future__ import annotations

import math
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
    assert best(tgi.binary_cross_entropy, column, (n, 1)) == pytest.approx(entropy, rel=2e-3, abs=1e-3)
    assert best(tgi.mse, column, (n, 1)) == pytest.approx(np.var(column), rel=1e-2)
    far = 1000 + 50 * column  # targets as they come
    assert best(tgi.mse, far, (n, 1)) == pytest.approx(np.var(far), rel=1e-2)


def trend_of(losses: Any) -> Trend:
    trend = Trend()
    for loss in losses:
        trend.add(float(loss))
    return trend


@given(seed=seeds, size=st.floats(0.05, 0.5))
def test_a_swing_is_told_from_noise_and_from_descent(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(100)
    assert trend_of(1 + size * (t % 2 - 0.5) + 0.02 * size * rng.normal(size=100)).oscillating
    assert not trend_of(1 + size * 0.2 * rng.normal(size=100)).oscillating
    assert not trend_of(np.exp(-t / 50)).oscillating
    assert not trend_of(np.ones(100)).oscillating


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
    for _ in range(30):
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


def test_by_default_looks_are_rationed_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that ticks once a reading and looks that take 10 ticks each, a tenth of the time goes to looks."""
    from tinygrad_init.diagnosis.watching import monitor as module

    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    monkeypatch.setattr(module, "perf_counter", clock)
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
