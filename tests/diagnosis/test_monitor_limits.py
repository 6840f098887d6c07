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
from tinygrad_init.diagnosis.watching.loss_trend import Trend, risen
from tinygrad_init.diagnosis.watching.symptoms import Seen, symptoms
from tinygrad_init.words import LANGUAGES, Phrase

X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = np.arange(40) % 2


def trend(losses: Iterable[float]) -> Trend:
    made = Trend()
    made.add((loss, None) for loss in losses)
    return made


def monitor(samples: int = 40, **options: Any) -> Monitor:
    rows = np.arange(samples) % 40
    x = X[rows] + 0.001 * np.arange(samples, dtype=np.float32)[:, None]
    return Monitor(nn.MLP((2, 4, 4, 2), "tanh", rng=0), x, Y[rows], "cross_entropy", **options)


def state(
    gradient: float = 1.0, saturated: float = 0.0, dead: int = 0, units: int = 4, moved: bool = True
) -> LayerState:
    return LayerState("a", 1.0, gradient, 1.0, saturated, tuple(range(dead)), units, moved)


class Untouched:
    """A watch of a network in which nothing is wrong, but for what a test says."""

    def __init__(self, **known: Any) -> None:
        self.samples = len(X)
        self.known = {
            "moved": True,
            "gradients": [np.ones(3)],
            "growth": 1.0,
            "distance": 1.0,
            "gradient": 0.0,
            **known,
        }
        self.moved, self.gradients = self.known["moved"], self.known["gradients"]
        self.causes: dict[Any, Any] = {}

    def growth(self) -> float:
        return float(self.known["growth"])

    def distance(self) -> float:
        return float(self.known["distance"])

    def probe_gradient(self) -> float:
        return float(self.known["gradient"])

    why_unmoved = Watch.why_unmoved


def seen(*layers: LayerState, loss: float = 0.5, step: int = 5, watch: Any = None, **fields: Any) -> Seen:
    known: dict[str, Any] = {
        "before": None, "trend": trend([loss]), "jumps": (), "added": 0.0, "largest": 1.0, "steepest": 1.0,
        "guessing": lambda: 1.0, "fresh": True, "probe": 0.5, "probe_best": 0.5, "probe_improved": 0, **fields,
    }  # fmt: skip
    return Seen(moment=Moment(step, loss, layers or (state(), state())), watch=watch or Untouched(), **known)


def found(*layers: LayerState, **fields: Any) -> list[str]:
    return [event.word for event in symptoms(seen(*layers, **fields))]


def level(loss: float, steps: int = 71) -> Trend:
    """A loss that has been 1 for long, and whose mean is now this."""
    made = trend([1.0] * steps)
    made.mean = loss
    made.last_few.extend([loss] * 20)
    return made


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

    def test_a_swing_needs_thirty_two_losses_or_eight_epochs(self) -> None:
        """Of fewer single losses chance makes one, as soon as once in ten trainings."""
        swing = [0.5, 1.5] * 16
        assert trend(swing).swings and not trend(swing[1:]).swings
        by_epoch = Trend()
        by_epoch.add((loss, epoch) for epoch, loss in enumerate([0.5, 1.5] * 4, 1))
        assert not by_epoch.swings
        by_epoch.add([(0.5, 9)])
        assert by_epoch.swings

    @pytest.mark.parametrize(("size", "swings"), [(0.0201, True), (0.0199, False)])
    def test_a_swing_is_one_by_a_fiftieth_of_the_loss(self, size: float, swings: bool) -> None:
        assert trend([1 - size / 2, 1 + size / 2] * 32).swings == swings
        assert trend([-1 - size / 2, -1 + size / 2] * 32).swings == swings

    def test_a_swing_is_forgotten(self) -> None:
        """Of 64 losses. As long as six steps back and forth are among them, five out of six differ in their signs."""
        swing = [0.5, 1.5] * 50
        assert trend(swing + [1.5] * 57).swings
        assert not trend(swing + [1.5] * 58).swings
        assert loss_trend.RECENT == 64 and -5 / 6 < loss_trend.SWING == -4 / 5

    def test_what_is_not_finite_swings_no_more(self) -> None:
        assert not trend([*[0.5, 1.5] * 20, math.inf]).swings

    def test_epochs_are_compared_by_their_means(self) -> None:
        made = Trend()
        for epoch, losses in enumerate([(1.0, 3.0), (2.0, 4.0, 6.0), (7.0,), (9.0, 9.0)]):
            for loss in losses:
                made.add([(loss, epoch)])
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

    def test_looks_cost_three_hundredths_of_the_time_unless_said_otherwise(self) -> None:
        assert monitor().budget == 0.03 and monitor().capacity == 512

    def test_a_loss_that_is_not_finite_is_looked_at_at_once_and_only_once(self) -> None:
        watching = monitor()
        watching.after(0.5)
        watching.spent = math.inf
        watching.after(math.nan)
        watching.after(math.nan)
        assert [event.word for event in watching.events] == ["not finite"] and watching.looks == 2


class TestInside:
    @pytest.mark.parametrize(("share", "expected"), [(0.5, []), (0.501, ["saturated"])])
    def test_more_than_half_is_saturated_in_a_hidden_layer(self, share: float, expected: list[str]) -> None:
        assert found(state(saturated=share), state()) == expected
        assert found(state(), state(saturated=share)) == []

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            (1.0, 999.5, []),
            (1.0, 1000.5, ["vanishing"]),
            (999.5, 1.0, []),
            (1000.5, 1.0, ["exploding"]),
            (0.0, 1.0, ["vanishing"]),
            (1.0, 0.0, []),
            (0.0, 0.0, []),
            (math.nan, 1.0, []),
            (1.0, math.inf, []),
        ],
    )
    def test_a_gradient_that_differs_by_a_thousand(self, first: float, last: float, expected: list[str]) -> None:
        assert found(state(first), state(), state(last)) == expected
        assert found(state(first)) == []

    @pytest.mark.parametrize(("largest", "expected"), [(0.99, ["vanishing"]), (1.01, [])])
    def test_rounding_neither_vanishes_nor_explodes(self, largest: float, expected: list[str]) -> None:
        assert found(state(1e-11), state(1e-6), largest=largest) == expected

    def test_the_first_layer_is_where_a_gradient_vanishes_or_explodes(self) -> None:
        for sizes in ((1.0, 1e4), (1e4, 1.0)):
            (event,) = symptoms(seen(state(sizes[0]), state(sizes[1])))
            assert (event.step, event.layer) == (5, 1)
            assert event.text == f"rms ∂C/∂W is {sizes[1]:.2g} at the last layer and {sizes[0]:.2g} at the first"

    @pytest.mark.parametrize(("dead", "expected"), [(1, []), (2, ["dead"])])
    def test_a_tenth_of_the_units_is_dead(self, dead: int, expected: list[str]) -> None:
        assert found(state(dead=dead, units=20), state()) == expected
        assert found(state(), state(dead=20, units=20)) == []

    @pytest.mark.parametrize(("step", "fresh", "expected"), [(2, True, []), (3, True, ["unmoved"]), (3, False, [])])
    def test_a_layer_that_has_not_moved_in_three_steps(self, step: int, fresh: bool, expected: list[str]) -> None:
        assert found(state(), state(moved=False), step=step, fresh=fresh) == expected

    @pytest.mark.parametrize(
        ("gradient", "said"), [(0.0, "its gradient is 0"), (math.nan, "there is no gradient"), (0.5, "has rms 0.5")]
    )
    def test_why_a_layer_has_not_moved(self, gradient: float, said: str) -> None:
        (event,) = [e for e in symptoms(seen(state(), state(gradient, moved=False))) if e.word == "unmoved"]
        assert event.layer == 2 and said in event.text

    @pytest.mark.parametrize(
        ("gradients", "said"),
        [
            ([], "is backward() called"),
            ([np.zeros(3)], "every gradient is 0"),
            ([np.ones(3)], "optimizer's parameters"),
        ],
    )
    def test_why_nothing_has_moved(self, gradients: list[Any], said: str) -> None:
        still = Untouched(moved=False, gradients=gradients)
        (event,) = symptoms(seen(state(saturated=1.0), state(), step=3, watch=still))
        assert (event.word, event.layer) == ("unmoved", None) and said in event.text
        assert found(step=2, watch=still) == []

    @pytest.mark.parametrize(("times", "expected"), [(4.99, []), (5.01, ["accumulating"])])
    def test_gradients_that_have_added_up(self, times: float, expected: list[str]) -> None:
        assert found(added=times) == expected


class TestTheLoss:
    def resting(self, loss: float, gradient: float, dead: int = 0, **fields: Any) -> Event:
        watch = Untouched(gradient=gradient, **fields.pop("known", {}))
        layers = state(1.0, dead=dead), state(0.0)
        return list(symptoms(seen(*layers, loss=loss, step=71, watch=watch, trend=level(loss), **fields)))[-1]

    @pytest.mark.parametrize(
        ("loss", "gradient", "word"),
        [
            (0.901, 0.0, "plateau"),  # as good as without the input, whatever the gradient is
            (0.899, 0.049, "converged"),
            (0.899, 0.051, "plateau"),
            (0.051, 0.9, "plateau"),
            (0.049, 0.9, "converged"),
        ],
    )
    def test_converged_or_stopped_too_early(self, loss: float, gradient: float, word: str) -> None:
        event = self.resting(loss, gradient)
        assert event.word == word and event.layer is None
        assert event.text.startswith("no lower than 1 since step 20, for 51 steps")

    def test_what_would_end_a_plateau(self) -> None:
        assert "no better than the best constant prediction (1)" in self.resting(0.95, 0.0).text
        assert "over 40 samples is still 0.5 of its largest" in self.resting(0.5, 0.5).text
        assert self.resting(0.5, 0.5).text.endswith("tgi.recommend tries out what would end it")
        assert self.resting(0.5, 0.5, dead=3).text.endswith("dead at layer 1: another start or activation would end it")
        large = self.resting(0.5, 0.5, dead=3, jumps=(0.11,) * 4).text
        assert large.endswith("single steps move the loss by 11%: a smaller learning rate would end it")
        assert "recommend" in self.resting(0.5, 0.5, jumps=(0.09,) * 4).text
        small = self.resting(0.5, 0.5, known={"distance": 0.0099}).text
        assert small.endswith("by 0.0099 of their size in 71 steps: a larger learning rate would end it")
        assert "recommend" in self.resting(0.5, 0.5, known={"distance": 0.0101}).text

    @pytest.mark.parametrize(("loss", "quiet"), [(0.049, True), (0.051, False)])
    def test_nothing_is_wrong_inside_a_network_that_has_learned(self, loss: float, quiet: bool) -> None:
        layers = state(saturated=1.0), state(1e9)
        words = found(*layers, loss=loss, trend=trend([loss] * 30))
        assert words == ([] if quiet else ["saturated", "vanishing"])

    @pytest.mark.parametrize(
        ("jumps", "steps", "expected"),
        [
            ((0.11, -0.11, 0.11, -0.11), 71, ["oscillating"]),
            ((0.09, -0.11, 0.09, -0.1), 71, ["plateau"]),
            ((0.11, 0.11, 0.11, 0.11), 71, ["plateau"]),
            ((-0.11, -0.11, -0.11, -0.11), 71, ["plateau"]),
            ((0.11, -0.11, -0.11, -0.11), 71, ["oscillating"]),
            ((0.11, -0.11, 0.11), 71, ["plateau"]),
            ((0.11, -0.11, 0.11, -0.11), 70, []),  # it may be improving still
        ],
    )
    def test_steps_that_move_the_loss_far_up_and_down(
        self, jumps: tuple[float, ...], steps: int, expected: list[str]
    ) -> None:
        assert found(trend=trend([1.0] * steps), jumps=jumps) == expected

    def rising(self, mean: float, steps: int = 21, noise: float = 0.0, **fields: Any) -> Event | None:
        """What is said of a loss that was 1 and has this mean now, with a noise of so many standard deviations."""
        made = trend([1.0] * steps)
        made.last_few.extend(mean + noise * np.repeat([-1.0, 1.0], 2)[np.arange(20) % 4])
        made.mean = mean
        events = list(symptoms(seen(trend=made, step=steps, **fields)))
        assert len(events) < 2
        return events[0] if events else None

    @pytest.mark.parametrize(("mean", "steps", "rises"), [(1.51, 21, True), (1.49, 21, False), (1.51, 20, False)])
    def test_a_loss_above_its_lowest_by_half_goes_up(self, mean: float, steps: int, rises: bool) -> None:
        event = self.rising(mean, steps)
        assert (event is not None and event.word == "diverging") == rises

    def test_a_loss_has_risen_by_its_own_size_and_that_of_guessing(self) -> None:
        assert risen(1.51, 1.0, 5.0) and not risen(1.49, 1.0, 0.0)
        assert risen(0.52, 0.01, 5.0) and not risen(0.5, 0.01, 5.0)

    def test_worse_than_guessing_and_at_first_it_never_was_better(self) -> None:
        made = Trend()
        for loss in np.geomspace(2.0, 8.0, 30):
            made.add([(float(loss), None)])
        assert made.rises(lambda: 1.0) and made.rises(lambda: 3.0) and not made.rises(lambda: 7.0)

    def test_difficult_batches_are_no_rise(self) -> None:
        """One that its noise explains has to be seen on the probe batch, too."""
        assert self.rising(1.6, noise=0.6) is None
        assert self.rising(1.6, noise=0.6, probe=0.8, probe_best=0.5) is not None
        assert self.rising(1.6, noise=0.6, probe=0.7, probe_best=0.5) is None
        assert self.rising(1.6, noise=0.5) is not None, "by five standard errors"

    @pytest.mark.parametrize(
        ("probe", "best", "noise", "fault"),
        [(1.8, 1.8, 0.01, False), (1.95, 1.95, 0.01, True), (1.8, 1.1, 0.01, True), (1.8, 1.8, 0.5, True)],
    )
    def test_batches_that_become_harder_are_no_fault(
        self, probe: float, best: float, noise: float, fault: bool
    ) -> None:
        """As for a discriminator whose generator learns: the probe's loss is lower, and no higher than it was."""
        event = self.rising(2.0, probe=probe, probe_best=best, noise=noise)
        assert event is not None and event.word == "diverging" and event.fault == fault

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"jumps": (0.11,) * 4}, "move it by 11%: the learning rate is too high"),
            ({"watch": Untouched(growth=2.01)}, "grown to 2 times their size"),
            ({"watch": Untouched(growth=0.49)}, "shrunk to 0.49 of their size: is the weight decay too strong"),
            ({"probe": 0.9}, "on the probe batch it is 0.9: the batches of late are others"),
            ({"probe": 1.1, "probe_best": 1.1}, "it has been 1"),
        ],
    )
    def test_what_drives_a_loss_up(self, fields: dict[str, Any], said: str) -> None:
        event = self.rising(2.0, **fields)
        assert event is not None and event.text.endswith(said + ("?" if said.endswith("strong") else ""))

    def test_gradients_that_add_up_drive_it_up(self) -> None:
        made = level(2.0)
        first, second = symptoms(seen(trend=made, step=71, added=6.0))
        assert (first.word, second.word) == ("accumulating", "diverging")
        assert second.text.endswith("gradients add up from step to step")

    @pytest.mark.parametrize(
        ("growth", "mean", "expected"),
        [(0.49, 0.91, ["shrinking"]), (0.51, 0.91, []), (0.49, 0.89, [])],
    )
    def test_parameters_that_shrink_while_nothing_is_learned(
        self, growth: float, mean: float, expected: list[str]
    ) -> None:
        assert found(trend=level(mean, 30), watch=Untouched(growth=growth)) == expected


class TestWhatIsTold:
    def told(self, *looks: list[Event]) -> list[tuple[str, int, bool]]:
        """What is told when these things are so at each look: word, step, and whether it is over."""
        watching = monitor()
        said: list[Event] = []
        watching.on_event = said.append
        for step, events in enumerate(looks, 1):
            watching.tell(events, step)
        assert said == watching.events
        return [(event.word, event.step, event.over) for event in said]

    def test_what_has_ended_for_one_look_is_the_same_and_for_two_is_over(self) -> None:
        said = Phrase("event.dead")
        begun, later = (Event("saturated", step, 1, said) for step in (1, 4))
        assert self.told([begun], [begun], [begun]) == [("saturated", 1, False)]
        assert self.told([begun], [], [begun], [], [begun]) == [("saturated", 1, False)]
        both = [("saturated", 1, False), ("saturated", 3, True)]
        assert self.told([begun], [], [], []) == both
        assert self.told([begun], [], [], [later]) == [*both, ("saturated", 4, False)]

    def test_what_is_over_says_how_long_it_was(self) -> None:
        watching = monitor()
        for step, events in ((3, [Event("saturated", 3, 1, Phrase("event.dead"))]), (5, []), (8, [])):
            watching.tell(events, step)
        assert str(watching.events[-1]) == "step 8, layer 1: saturated: over after 5 steps"
        assert watching.events[-1].spoken("zh") == "第 8 步，第 1 层：饱和：5 步后结束"

    def test_without_a_fresh_look_and_with_infinities_nothing_is_over(self) -> None:
        watching = monitor()
        watching.tell([Event("saturated", 1, 1, Phrase("event.dead"))], 1)
        for step in (2, 3, 4):
            watching.tell([], step, fresh=False)
        for step in (5, 6, 7):
            watching.tell([Event("not finite", step, None, Phrase("event.dead"))], step)
        assert [event.word for event in watching.events] == ["saturated", "not finite"]

    def test_rests_of_both_kinds_are_one_and_layers_are_several(self) -> None:
        said, killed = Phrase("event.dead"), Phrase("event.dead.killed")
        assert len(self.told([Event("plateau", 1, None, said)], [Event("converged", 2, None, said)])) == 1
        assert len(self.told([Event("dead", 1, 1, said), Event("dead", 1, 2, said)])) == 2
        assert len(self.told([Event("dead", 1, 1, killed)], [Event("dead", 2, 1, killed)])) == 2

    def test_a_thousand_events_are_kept(self) -> None:
        watching = monitor()
        for i in range(1002):
            watching.say(Event("saturated", i, i, Phrase("event.dead")))
        assert len(watching.events) == 1000

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_event_is_said_in_every_language(self, language: str) -> None:
        troubled = seen(state(0.0, saturated=1.0, dead=3, moved=False), state(), trend=level(2.0), added=6.0, step=71)
        events = list(symptoms(troubled))
        assert len(events) == 6
        for event in events:
            assert event.spoken(language) and (language == "en") == (event.spoken(language) == str(event))


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
            (
                Before(np.array([[1.0, 2.0]]), np.array([0.5]), np.array([2.0, -2.0]), ()),
                ("input", -5.0),
            ),
            (
                Before(np.array([[1.0, 5.0]]), np.array([1.5]), np.array([1.0, 1.0]), ()),
                ("weights", 3.0),
            ),
            (
                Before(np.array([[1.0, 5.0]]), np.array([-3.5]), np.array([1.0, 1.0]), ()),
                ("bias", -4.0),
            ),
            # Weights are counted at the new input, the input at the old weights.
            (
                Before(np.array([[1.0, 3.0]]), np.array([0.5]), np.array([1.0, 1.6]), ()),
                ("weights", pytest.approx(1.6)),
            ),
        ],
    )
    def test_what_moves_most(self, now: Before, said: tuple[str, float]) -> None:
        def moved(before: Before, now: Before) -> tuple[str, float]:
            phrase = mover(before, now, 0)
            return phrase.key.removeprefix("moved."), phrase.numbers["by"]

        assert moved(self.BEFORE, now) == said
        no_bias = Before(now.weight, None, now.x, ())
        if said[0] != "bias":
            assert moved(self.BEFORE, no_bias) == said == moved(no_bias_of(self.BEFORE), now)

    def test_layers_as_they_are(self) -> None:
        model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=0))
        with tgi.no_grad():
            model[0].bias.copy_(np.array([-50.0, 50.0, -50.0], np.float32))
        first, last = Watch(model, X, Y, tgi.cross_entropy).look()
        z = X @ model[0].weight.numpy().T + model[0].bias.numpy()
        assert first.z_rms == pytest.approx(np.sqrt(np.mean(z**2)), rel=1e-5)
        assert first.weight_rms == pytest.approx(np.sqrt(np.mean(model[0].weight.numpy() ** 2)), rel=1e-6)
        assert math.isnan(first.gradient_rms) and (first.dead, first.units) == ((0, 2), 3)
        assert (last.saturated, last.dead, last.units) == (0.0, (), 2)
        np.testing.assert_allclose(layer_states.mean_of(X), X.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(layer_states.mean_of(X.reshape(4, 10, 2)), X.mean(axis=0), rtol=1e-5)


def no_bias_of(before: Before) -> Before:
    return Before(before.weight, None, before.x, before.dead)
