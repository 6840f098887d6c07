"""What a monitor measures between two looks: single steps, gradients that add up, how far parameters have come."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Moment, Monitor
from tinygrad_init.diagnosis.measures.signal import rms
from tinygrad_init.diagnosis.watching.layer_states import LayerState, Watch, norm
from tinygrad_init.diagnosis.watching.loss_trend import Trend
from tinygrad_init.words import phrase

X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = np.arange(40) % 2


def network(dtype: Any = "float64") -> nn.MLP:
    return nn.MLP((2, 4, 4, 2), "tanh", rng=0, dtype=dtype)


class Told:
    """A watch that is told what it sees after each step: the probe's loss, its gradient, and the step's gradients."""

    def __init__(self, losses: Iterable[float], gradients: Iterable[Any], probe: Iterable[float] = ()) -> None:
        self.losses, self.steps, self.probes = iter(losses), iter(gradients), iter(probe)
        self.asked: list[float] = []
        self.moved, self.causes, self.samples = True, dict[Any, Any](), len(X)

    def look(self, whole: bool = False) -> tuple[LayerState, ...]:
        return (LayerState("a", 1.0, 1.0, 1.0, 0.0, (), 4),) * 2

    @property
    def gradients(self) -> list[Any]:
        return list(next(self.steps))

    def probe_loss(self, fresh: bool = False) -> float:
        self.asked.append(next(self.losses))
        return self.asked[-1]

    def probe_gradient(self) -> float:
        return next(self.probes, 1.0)

    def growth(self) -> float:
        return 1.0

    distance = growth


def told(
    losses: Iterable[float], gradients: Iterable[Any] | None = None, probe: Iterable[float] = (), **options: Any
) -> tuple[Monitor, Told]:
    """A monitor that looks after the first step of a hundred, and what it looks through."""
    monitor = Monitor(network(), X, Y, "cross_entropy", **{"every": 100, **options})
    watch = Told(losses, gradients if gradients is not None else iter(lambda: [np.ones(1)], 0), probe)
    monitor.watch = watch  # type: ignore[assignment]
    monitor._guessing = 1.0
    return monitor, watch


def after(monitor: Monitor, steps: int) -> list[float]:
    """What has added up after each of so many steps."""
    found = []
    for _ in range(steps):
        monitor.after(0.5)
        found.append(monitor.added)
    return found


class TestSingleSteps:
    def test_four_steps_after_a_look_are_compared_and_no_more(self) -> None:
        monitor, watch = told([2.0, 3.0, 1.5, 1.5, 3.0, 99.0])
        after(monitor, 20)
        assert watch.asked == [2.0, 3.0, 1.5, 1.5, 3.0]
        assert list(monitor.jumps) == [0.5, -0.5, 0.0, 1.0], "by shares of what was before"

    def test_after_the_next_look_the_last_four_count(self) -> None:
        monitor, _ = told([1.0, 2.0, 4.0, 8.0, 16.0, *[16.0] * 5], every=5)
        after(monitor, 8)
        assert list(monitor.jumps) == [1.0, 1.0, 0.0, 0.0]

    @pytest.mark.parametrize(
        ("losses", "jumps"),
        [
            ([0.0, 1.0, 2.0, 1.0, 1.0], [1.0, -0.5, 0.0]),  # of nothing there is no share
            ([1.0, math.inf, 1.0, 2.0, 2.0], [1.0, 0.0]),
            ([1.0, math.nan, 1.0, 2.0, 2.0], [1.0, 0.0]),
        ],
    )
    def test_shares_of_what_is_no_number_are_none(self, losses: list[float], jumps: list[float]) -> None:
        monitor, _ = told(losses)
        after(monitor, 6)
        assert list(monitor.jumps) == jumps

    def test_the_best_loss_of_the_probe_and_when_it_was(self) -> None:
        """Improvements by less than a hundredth do not count."""
        monitor, _ = told([1.0, 0.991, 0.989, 0.985, 2.0])
        found = []
        for _ in range(5):
            monitor.after(0.5)
            found.append((monitor.probe, monitor.probe_best, monitor.probe_improved))
        assert found == [(1.0, 1.0, 1), (0.991, 1.0, 1), (0.989, 0.989, 3), (0.985, 0.989, 3), (2.0, 0.989, 3)]

    def test_without_a_look_the_layers_are_those_of_the_last(self) -> None:
        monitor, _ = told([1.0] * 5)
        judged: list[tuple[int, bool]] = []
        judge = monitor.judge

        def noted(moment: Moment, fresh: bool = True) -> None:
            judged.append((moment.step, fresh))
            judge(moment, fresh)

        monitor.judge = noted  # type: ignore[method-assign]
        after(monitor, 20)
        assert judged == [(1, True), (5, False)], "once more, when the steps after it are known"


class TestAddedUp:
    def growing(self, *changes: float) -> list[Any]:
        """Gradients of norm 10, each changed by so much since the one before."""
        values = np.cumsum([0.0, *changes])
        return [[10 * np.array([np.cos(v / 10), np.sin(v / 10)])] for v in values]

    def test_gradients_that_are_nearly_the_same_three_times_have_added_up(self) -> None:
        probe = [10.0, 1.0, 1.0]  # at first as large as the probe's own
        monitor, _ = told([1.0] * 9, self.growing(1.0, 1.0, 1.0, 1.0), probe)
        assert after(monitor, 5) == pytest.approx([0.0, 0.0, 0.0, 10.0, 10.0])

    @pytest.mark.parametrize(
        ("changes", "counts"),
        [
            ((4.9, 4.9, 4.9), True),
            ((5.1, 4.9, 4.9), False),  # by half of their norm
            ((4.9, 4.9, 5.2), False),
            ((1.0, 0.0, 1.0), False),  # the very same: nobody has computed any
            ((1e-3, 1e-3, 1e-3), True),
        ],
    )
    def test_nearly_the_same_is_by_less_than_half(self, changes: tuple[float, ...], counts: bool) -> None:
        monitor, _ = told([1.0] * 9, self.growing(*changes), [10.0, 1.0])
        assert (after(monitor, 4)[-1] > 0) == counts

    def test_after_one_that_differs_counting_begins_again(self) -> None:
        monitor, _ = told([1.0] * 9, self.growing(1.0, 1.0, 9.0, 1.0), [10.0, 1.0])
        assert after(monitor, 5) == [0.0] * 5
        monitor, _ = told([1.0] * 9, self.growing(1.0, 1.0, 1.0, 9.0), [10.0, 1.0])
        assert after(monitor, 5) == pytest.approx([0.0, 0.0, 0.0, 10.0, 0.0])

    def test_how_large_they_are_is_also_measured_by_the_first_step(self) -> None:
        """Which may have been of a batch with larger gradients, or of a mean where the loss has a sum."""
        for first, later, times in ((5.0, 1.0, 5.0), (20.0, 1.0, 10.0), (2.0, 1.0, 2.0)):
            monitor, _ = told([1.0] * 9, self.growing(1.0, 1.0, 1.0), [first, later])
            assert after(monitor, 4)[-1] == pytest.approx(min(10 / later, times)), (first, later)

    def test_other_parameters_with_gradients_are_others(self) -> None:
        more = [[np.ones(2)] * n for n in (1, 2, 2, 2, 2)]
        monitor, _ = told([1.0] * 9, more, [10.0, 1.0])
        assert after(monitor, 4) == [0.0] * 4

    def test_largest_and_steepest_are_of_what_is_finite(self) -> None:
        monitor, _ = told([1.0] * 30, [[np.full(1, g)] for g in (3.0, 4.0, math.inf, 2.0)], [7.0], every=1)
        for largest in (3.0, 3.0, 3.0):
            monitor.following = 0
            monitor.after(0.5)
            assert monitor.largest >= largest and math.isfinite(monitor.largest)
        assert monitor.largest == 4.0 and monitor.steepest == 7.0
        assert monitor.at_first == pytest.approx(3 / 7)


def test_the_loss_of_guessing_is_found_once() -> None:
    monitor = Monitor(network(), X, Y, "cross_entropy", every=1)
    monitor.after(0.5)
    assert monitor.guessing() == pytest.approx(math.log(2))
    monitor.y = np.zeros(40, int)
    assert monitor.guessing() == pytest.approx(math.log(2))


class TestParameters:
    def test_growth_and_distance_are_shares_of_all_parameters(self) -> None:
        model = network()
        watch = Watch(model, X, Y, tgi.cross_entropy)
        watch.look()
        assert (watch.growth(), watch.distance(), watch.moved) == (1.0, 0.0, False)
        with tgi.no_grad():
            for parameter in model.parameters():
                parameter.copy_(3 * parameter)
        assert watch.growth() == pytest.approx(3.0) and watch.distance() == pytest.approx(2 / 3) and watch.moved
        with tgi.no_grad():
            for parameter in model.parameters():
                parameter.fill_(0.0)
        assert watch.growth() == 0.0 and math.isnan(watch.distance())

    def test_of_nothing_there_is_no_growth(self) -> None:
        model = network()
        with tgi.no_grad():
            for parameter in model.parameters():
                parameter.fill_(0.0)
        watch = Watch(model, X, Y, tgi.cross_entropy)
        watch.look()
        with tgi.no_grad():
            model.linears()[1].weight.fill_(1.0)
        assert math.isnan(watch.growth()) and watch.distance() == 1.0 and watch.moved

    def test_what_has_moved_once_or_is_frozen_is_not_still(self) -> None:
        model = network()
        watch = Watch(model, X, Y, tgi.cross_entropy)
        first, second, third = model.linears()
        first.weight.requires_grad = False
        assert [layer.moved for layer in watch.look()] == [True, False, False]
        before = second.weight.numpy().copy()
        with tgi.no_grad():
            second.weight.copy_(before + 1)
        assert [layer.moved for layer in watch.look()] == [True, True, False]
        with tgi.no_grad():
            second.weight.copy_(before)
            third.bias.fill_(1.0)
        assert [layer.moved for layer in watch.look()] == [True, True, False], "of a weight, not of its bias"
        first.weight.requires_grad = True
        assert not watch.look()[0].moved

    def test_gradients_are_copies_of_those_that_are_there(self) -> None:
        model = network()
        watch = Watch(model, X, Y, tgi.cross_entropy)
        assert watch.gradients == [] and all(math.isnan(layer.gradient_rms) for layer in watch.look())
        tgi.cross_entropy(model(tgi.tensor(X, "float64")), Y).backward()
        kept = watch.gradients
        expected = [parameter.grad.numpy().copy() for parameter in model.parameters()]
        layers = watch.look()
        assert layers[1].gradient_rms == pytest.approx(rms(model.linears()[1].weight.grad.numpy()))
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad = parameter.grad * 2.0
        for a, b in zip(kept, expected, strict=True):
            np.testing.assert_array_equal(a, b)


class TestTheProbe:
    def model(self) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(2, 8, rng=0), nn.BatchNorm(8), nn.ReLU(), nn.Dropout(0.5, rng=0), nn.Linear(8, 2, rng=1)
        )

    def test_its_loss_is_that_of_the_network_as_it_is_used(self) -> None:
        model = self.model()
        watch = Watch(model, X, Y, tgi.cross_entropy)
        expected = tgi.cross_entropy(self.model().eval()(tgi.tensor(X)), Y).item()
        assert watch.probe_loss() == watch.probe_loss() == expected and model.training

    def test_its_gradient_is_that_of_its_loss_by_what_is_trained(self) -> None:
        model = self.model()
        watch = Watch(model, X, Y, tgi.cross_entropy)
        held = model[0].weight
        held.requires_grad = False
        other = self.model().eval()
        other[0].weight.requires_grad = False
        tgi.cross_entropy(other(tgi.tensor(X)), Y).backward()
        expected = norm(p.grad.numpy() for p in other.parameters() if p.grad is not None)
        with tgi.no_grad():
            assert watch.probe_gradient() == pytest.approx(expected, rel=1e-6)
        assert all(p.grad is None for p in model.parameters()) and model.training
        for parameter in model.parameters():
            parameter.requires_grad = False
        assert watch.probe_gradient() == 0.0

    @pytest.mark.parametrize("kind", ["float32", "float64"])
    @pytest.mark.parametrize("given", ["float32", "float64"])
    def test_samples_and_real_targets_come_in_the_models_dtype(self, kind: str, given: str) -> None:
        watch = Watch(network(kind), X.astype(given), X.astype(given), tgi.mse)
        assert watch.x.dtype == watch.y.dtype == np.dtype(kind)
        assert Watch(network(kind), X, Y, tgi.cross_entropy).y is Y
        labels = Y.tolist()
        assert Watch(network(kind), X, labels, tgi.cross_entropy).y is labels


def test_a_norm_is_of_all_numbers_together() -> None:
    assert norm([np.array([3.0]), np.array([[0.0, 4.0]])]) == 5.0 and norm([]) == 0.0
    assert norm([np.full(4, 1e30, np.float32)]) == pytest.approx(2e30)


def test_where_the_probe_has_no_gradient_nothing_is_compared_with_it() -> None:
    alike = [[10 * np.array([np.cos(0.1 * v), np.sin(0.1 * v)])] for v in range(6)]
    monitor, _ = told([1.0] * 9, alike, [0.0])
    assert after(monitor, 5) == [0.0] * 5 and math.isnan(monitor.at_first)
    monitor, _ = told([1.0] * 9, alike, [1.0, 0.0, 0.0])
    assert not any(added > 0 for added in after(monitor, 5)) and monitor.events == []


def test_losses_that_never_were_finite_have_not_improved_since_the_beginning() -> None:
    for steps, flat in ((50, False), (51, True)):
        trend = Trend()
        for _ in range(steps):
            trend.add([(math.nan, None)])
        assert trend.flat == flat


def test_each_layer_is_told_of_its_own_dead_units_and_of_what_has_killed_the_first_new_one() -> None:
    def state(*dead: int) -> LayerState:
        return LayerState("a", 1.0, 1.0, 1.0, 0.0, dead, 4)

    monitor, watch = told([1.0] * 9)
    watch.causes = {("a", 2): phrase("moved.bias", by=-5.0), ("a", 3): phrase("moved.input", by=-7.0)}
    monitor.judge(Moment(1, 0.5, (state(), state(1), state())))
    monitor.judge(Moment(2, 0.5, (state(), state(1, 2, 3), state())))
    born, killed = monitor.events
    assert (born.layer, killed.layer) == (2, 2) and "1 of 4" in born.text
    assert killed.said.numbers["new"] == 2
    assert killed.said.numbers["unit"] == 2 and "its bias moved z by -5" in killed.text
