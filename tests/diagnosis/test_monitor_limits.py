"""The monitor's thresholds, each from both sides, and what it counts as the same event."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Event, Moment, Monitor
from tinygrad_init.diagnosis.watching import layer_states, loss_trend
from tinygrad_init.diagnosis.watching.layer_states import Before, LayerState, Watch, mover
from tinygrad_init.diagnosis.watching.loss_trend import Trend

X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = np.arange(40) % 2


def trend(losses: Iterable[float]) -> Trend:
    made = Trend()
    for loss in losses:
        made.add(loss)
    return made


def monitor(samples: int = 40, **options: Any) -> Monitor:
    rows = np.arange(samples) % 40
    x = X[rows] + 0.001 * np.arange(samples, dtype=np.float32)[:, None]
    return Monitor(nn.MLP((2, 4, 4, 2), "tanh", rng=0), x, Y[rows], "cross_entropy", **options)


def state(gradient: float = 1.0, saturated: float = 0.0, dead: int = 0, units: int = 4, name: str = "a") -> LayerState:
    return LayerState(name, 1.0, gradient, 1.0, saturated, tuple(range(dead)), units)


def found(watching: Monitor, *layers: LayerState, loss: float = 0.5, step: int = 5) -> list[str]:
    return [event.word for event in watching.findings(Moment(step, loss, layers))]


class TestTrend:
    def test_the_mean_is_of_all_losses_and_later_of_about_the_last_twenty(self) -> None:
        losses = np.random.default_rng(0).normal(size=40).tolist()
        for n in range(1, 21):
            assert trend(losses[:n]).mean == pytest.approx(np.mean(losses[:n]))
        for n in range(20, 40):
            before, after = trend(losses[:n]).mean, trend(losses[: n + 1]).mean
            assert after - before == pytest.approx((losses[n] - before) / 20)

    def test_the_first_twenty_means_are_each_the_best_whatever_they_are(self) -> None:
        rising = [float(i) for i in range(20)]
        assert (trend(rising).improved, trend(rising).best) == (20, np.mean(rising))
        assert trend([*rising, 100.0]).improved == 20

    @pytest.mark.parametrize(("level", "enough", "too_little"), [(1.0, 0.799, 0.801), (-1.0, -1.201, -1.199)])
    def test_an_improvement_is_one_by_a_hundredth(self, level: float, enough: float, too_little: float) -> None:
        """The next loss moves the mean by a twentieth."""
        assert trend([level] * 20 + [enough]).improved == 21
        assert trend([level] * 20 + [too_little]).improved == 20
        assert trend([level] * 20 + [enough]).best == pytest.approx(level + (enough - level) / 20)

    def test_flat_is_no_improvement_for_fifty_steps_and_three_tenths_of_all(self) -> None:
        assert not trend([1.0] * 70).flat and trend([1.0] * 71).flat
        made = Trend()
        made.steps, made.improved = 1000, 700
        assert not made.flat
        made.improved = 699
        assert made.flat

    def test_what_is_not_finite_is_a_step_but_no_loss(self) -> None:
        made = trend([1.0, math.nan, math.inf, 1.0])
        assert (made.steps, made.mean, made.best) == (4, 1.0, 1.0)
        assert math.isnan(trend([math.nan]).mean) and trend([math.nan]).best == math.inf

    def test_a_swing_needs_eight_losses(self) -> None:
        swing = [0.5, 1.5] * 4
        assert trend(swing).oscillating and not trend(swing[1:]).oscillating

    @pytest.mark.parametrize(("size", "swings"), [(0.0201, True), (0.0199, False)])
    def test_a_swing_is_one_by_a_fiftieth_of_the_loss(self, size: float, swings: bool) -> None:
        assert trend([1 - size / 2, 1 + size / 2] * 32).oscillating == swings
        assert trend([-1 - size / 2, -1 + size / 2] * 32).oscillating == swings

    def test_a_swing_is_forgotten(self) -> None:
        """Of 64 losses. As long as six steps back and forth are among them, five out of six differ in their signs."""
        swing = [0.5, 1.5] * 50
        assert trend(swing + [1.5] * 57).oscillating
        assert not trend(swing + [1.5] * 58).oscillating
        assert loss_trend.RECENT == 64 and -5 / 6 < loss_trend.SWING == -4 / 5

    def test_what_is_not_finite_swings_no_more(self) -> None:
        assert not trend([*[0.5, 1.5] * 20, math.inf]).oscillating

    def test_epochs_are_compared_by_their_means(self) -> None:
        made = Trend()
        for epoch, losses in enumerate([(1.0, 3.0), (2.0, 4.0, 6.0), (7.0,), (9.0, 9.0)]):
            for loss in losses:
                made.add(loss, epoch)
        assert list(made.recent) == [2.0, 4.0, 7.0] and made.steps == 8  # the last is not over
        assert made.mean == pytest.approx(np.mean([1, 3, 2, 4, 6, 7, 9, 9]))


class TestWhatIsLookedAt:
    @pytest.mark.parametrize(("samples", "looked_at"), [(40, 40), (128, 128), (129, 128), (1000, 128)])
    def test_up_to_128_samples_from_the_first_to_the_last(self, samples: int, looked_at: int) -> None:
        seen = monitor(samples).x
        assert len(seen) == looked_at
        assert len(np.unique(seen, axis=0)) == looked_at
        rows = np.arange(samples) % 40
        x = X[rows] + 0.001 * np.arange(samples, dtype=np.float32)[:, None]
        np.testing.assert_array_equal(seen[[0, -1]], x[[0, -1]])

    @pytest.mark.parametrize("every", [1, 2, 3, 7])
    def test_after_the_first_step_and_every_so_many(self, every: int) -> None:
        watching = monitor(every=every)
        for _ in range(20):
            watching.after(0.5)
        assert [moment.step for moment in watching.timeline] == list(range(1, 21, every))

    def test_the_smallest_settings_that_are_allowed(self) -> None:
        watching = monitor(every=1, budget=1.0, capacity=2)
        for _ in range(9):
            watching.after(0.5)
        steps = [moment.step for moment in watching.timeline]
        assert steps[0] == 1 and len(steps) == 2
        for wrong in ({"every": 1.0}, {"budget": 1.001}, {"budget": -0.1}, {"capacity": 2.0}):
            with pytest.raises(ValueError, match="Monitor: expected"):
                monitor(**wrong)

    def test_the_timeline_is_thinned_when_it_is_full_and_not_before(self) -> None:
        watching = monitor(every=1, capacity=4)
        steps = []
        for _ in range(12):
            watching.after(0.5)
            steps.append([moment.step for moment in watching.timeline])
        assert steps[3] == [1, 2, 3, 4] and steps[4] == [1, 3, 5] and steps[6] == [1, 3, 5, 7]
        assert steps[8] == [1, 5, 9]

    def test_looks_cost_a_twentieth_of_the_time_unless_said_otherwise(self) -> None:
        assert monitor().budget == 0.05 and monitor().capacity == 512

    def test_a_loss_that_is_not_finite_is_looked_at_at_once_and_only_once(self) -> None:
        watching = monitor()
        watching.after(0.5)
        watching.due = math.inf
        watching.after(math.nan)
        watching.after(math.nan)
        assert [event.word for event in watching.events] == ["not finite"] and watching.looks == 2


class TestFindings:
    @pytest.mark.parametrize(("share", "expected"), [(0.5, []), (0.501, ["saturated"])])
    def test_more_than_half_is_saturated_in_a_hidden_layer(self, share: float, expected: list[str]) -> None:
        assert found(monitor(), state(saturated=share), state()) == expected
        assert found(monitor(), state(), state(saturated=share)) == []

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            (1.0, 999.0, []),
            (1.0, 1001.0, ["vanishing"]),
            (999.0, 1.0, []),
            (1001.0, 1.0, ["exploding"]),
            (0.0, 1.0, ["vanishing"]),
            (1.0, 0.0, []),
            (0.0, 0.0, []),
            (math.nan, 1.0, []),
            (1.0, math.inf, []),
        ],
    )
    def test_a_gradient_that_differs_by_a_thousand(self, first: float, last: float, expected: list[str]) -> None:
        assert found(monitor(), state(first), state(), state(last)) == expected
        assert found(monitor(), state(first)) == []

    def test_the_first_layer_is_where_a_gradient_vanishes_or_explodes(self) -> None:
        for sizes in ((1.0, 1e4), (1e4, 1.0)):
            (event,) = monitor().findings(Moment(5, 0.5, (state(sizes[0]), state(sizes[1]))))
            assert (event.step, event.layer) == (5, 1)
            assert event.text == f"rms ∂C/∂W is {sizes[1]:.2g} at the last layer and {sizes[0]:.2g} at the first"

    def resting(self, loss: float, norm: float, largest: float = 1.0, dead: int = 0, active: Any = ()) -> Event:
        watching = monitor()
        watching._baseline, watching.largest, watching.active = 1.0, largest, set(active)
        watching.trend = trend([1.0] * 71)
        watching.trend.mean = loss
        events = list(watching.findings(Moment(71, loss, (state(norm, dead=dead), state(0.0)))))
        return events[-1]

    @pytest.mark.parametrize(
        ("loss", "norm", "word"),
        [
            (0.901, 0.0, "plateau"),  # as good as without the input, whatever the gradient is
            (0.899, 0.049, "converged"),
            (0.899, 0.051, "plateau"),
            (0.051, 0.9, "plateau"),
            (0.049, 0.9, "converged"),
        ],
    )
    def test_converged_or_stopped_too_early(self, loss: float, norm: float, word: str) -> None:
        event = self.resting(loss, norm)
        assert event.word == word and event.layer is None
        assert event.text.startswith("no lower than 1 since step 20")

    def test_a_plateau_says_why(self) -> None:
        assert "no better than the best constant prediction (1)" in self.resting(0.95, 0.0).text
        known = {("vanishing", 1), ("dead", 2), ("oscillating", None)}
        assert self.resting(0.95, 0.0, active=known).text.endswith("(1); dead at layer 2; vanishing at layer 1")
        assert "still 0.5 of its largest; try another learning rate" in self.resting(0.5, 0.5).text
        assert "try another learning rate" in self.resting(0.5, 0.5, dead=2).text
        assert "units of layer 1 are dead" in self.resting(0.5, 0.5, dead=3).text

    def test_a_gradient_that_was_never_there_has_converged(self) -> None:
        assert self.resting(0.5, 0.0, largest=0.0).word == "converged"

    def test_the_largest_gradient_is_remembered(self) -> None:
        watching = monitor()
        for size in (3.0, 5.0, 4.0):
            found(watching, state(size), state(0.0))
        assert watching.largest == 5.0
        found(watching, state(3.0), state(4.0), state(math.nan))
        assert watching.largest == 5.0
        found(watching, state(6.0), state(8.0))
        assert watching.largest == pytest.approx(10.0)


class TestWhatIsTold:
    def told(self, *looks: list[Event]) -> list[Event]:
        """What is told when these things are so at each look."""
        watching = monitor(every=1)
        pending = list(looks)
        watching.watch.look = lambda: (state(), state())  # type: ignore[method-assign]
        watching.findings = lambda moment: iter(pending.pop(0))  # type: ignore[method-assign]
        said: list[Event] = []
        watching.on_event = said.append
        for _ in range(len(looks)):
            watching.look(0.5)
        assert said == watching.events
        return said

    def test_what_has_ended_for_one_look_is_the_same_and_for_two_is_new(self) -> None:
        event = Event("saturated", 1, 1, "")
        assert len(self.told([event], [event], [event])) == 1
        assert len(self.told([event], [], [event])) == 1
        assert len(self.told([event], [], [event], [], [event])) == 1
        assert len(self.told([event], [], [], [event])) == 2

    def test_rests_of_both_kinds_are_one_and_layers_are_several(self) -> None:
        assert len(self.told([Event("plateau", 1, None, "")], [Event("converged", 2, None, "")])) == 1
        assert len(self.told([Event("dead", 1, 1, ""), Event("dead", 1, 2, "")])) == 2
        assert (
            len(self.told([Event("dead", 1, 1, "killed after step 1")], [Event("dead", 2, 1, "killed after step 2")]))
            == 2
        )

    def test_a_thousand_events_are_kept(self) -> None:
        looks = [[Event("saturated", i, i, "")] for i in range(1002)]
        assert len(self.told(*looks)) == 1000


class TestWhereInfinitiesComeFrom:
    def event(self, change: Any, x: Any = X, loss: float = math.nan) -> Event:
        model = nn.MLP((2, 4, 4, 2), "tanh", rng=0)
        with tgi.no_grad():
            change(model)
        watching = Monitor(model, x, Y, "cross_entropy", every=1)
        watching.after(loss)
        (event,) = watching.events
        assert event.word == "not finite" and event.step == 1
        return event

    def test_a_layer_that_overflows(self) -> None:
        event = self.event(lambda model: model.linears()[1].weight.fill_(3e38), loss=math.inf)
        assert event.layer == 2 and event.text == "z of layers.2 overflows; the loss is inf"

    def test_an_update(self) -> None:
        event = self.event(lambda model: model.linears()[2].bias.fill_(math.nan))
        assert event.layer == 3
        assert event.text == "the update has made layers.4.bias infinite or NaN; the loss is nan"

    def test_the_loss_alone(self) -> None:
        event = self.event(lambda model: None)
        assert event.layer is None and "though all layers are finite on the probe batch" in event.text

    def test_before_the_first_step_there_is_no_loss(self) -> None:
        watching = monitor()
        watching.start()
        assert watching.events == [] and watching.timeline[0].step == 0


class TestWhatMovesUnits:
    BEFORE = Before(np.array([[1.0, 2.0]]), np.array([0.5]), np.array([1.0, 1.0]), ())

    @pytest.mark.parametrize(
        ("now", "said"),
        [
            (Before(np.array([[1.0, 2.0]]), np.array([0.5]), np.array([2.0, -2.0]), ()), "its input moved z by -5"),
            (Before(np.array([[1.0, 5.0]]), np.array([1.5]), np.array([1.0, 1.0]), ()), "its weights moved z by +3"),
            (Before(np.array([[1.0, 5.0]]), np.array([-3.5]), np.array([1.0, 1.0]), ()), "its bias moved z by -4"),
            # Weights are counted at the new input, the input at the old weights.
            (Before(np.array([[1.0, 3.0]]), np.array([0.5]), np.array([1.0, 1.6]), ()), "its weights moved z by +1.6"),
        ],
    )
    def test_what_moves_most(self, now: Before, said: str) -> None:
        assert mover(self.BEFORE, now, 0) == said
        no_bias = Before(now.weight, None, now.x, ())
        if "bias" not in said:
            assert mover(self.BEFORE, no_bias, 0) == said == mover(no_bias_of(self.BEFORE), now, 0)

    def test_layers_as_they_are(self) -> None:
        model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=0))
        with tgi.no_grad():
            model[0].bias.copy_(np.array([-50.0, 50.0, -50.0], np.float32))
        first, last = Watch(model, X).look()
        z = X @ model[0].weight.numpy().T + model[0].bias.numpy()
        assert first.z_rms == pytest.approx(np.sqrt(np.mean(z**2)), rel=1e-5)
        assert first.weight_rms == pytest.approx(np.sqrt(np.mean(model[0].weight.numpy() ** 2)), rel=1e-6)
        assert math.isnan(first.gradient_rms) and (first.dead, first.units) == ((0, 2), 3)
        assert (last.saturated, last.dead, last.units) == (0.0, (), 2)
        np.testing.assert_allclose(layer_states.mean_of(X), X.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(layer_states.mean_of(X.reshape(4, 10, 2)), X.mean(axis=0), rtol=1e-5)


def no_bias_of(before: Before) -> Before:
    return Before(before.weight, None, before.x, before.dead)
