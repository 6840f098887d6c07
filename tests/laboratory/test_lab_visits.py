"""What a visit does by the clock and by the numbers: turns, room, frames, goals, rates; and experiments' limits."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.laboratory.experiment import build, samples
from tinygrad_init.laboratory.experiment import experiment as module
from tinygrad_init.laboratory.experiment.evaluation import evaluation, knows_modes
from tinygrad_init.laboratory.experiment.experiment import Experiment, buffers_of
from tinygrad_init.laboratory.messages import frames, protocol
from tinygrad_init.laboratory.messages.config import MOST_STEPS, Config, Data, Edit, Start, Variant
from tinygrad_init.laboratory.messages.message_schema import Between, Invalid, Length, declared, read, short
from tinygrad_init.laboratory.messages.wire import encode, plain
from tinygrad_init.laboratory.serving import session
from tinygrad_init.laboratory.serving.session import ROOM, TURNS, Room, Turns, Visit

from ..records import changeable


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(session, "time", self)

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def visit(config: Config | None = None, step: int = 0) -> tuple[Visit, list[Any]]:
    """A visit that is not alive, with an experiment: commands are handled when the test says so."""
    said: list[Any] = []
    made = Visit(said.append)
    made.handle(protocol.Configure("configure", config or Config(Data(samples=20), layers=(3,), batch=5), step))
    return made, said


@pytest.fixture(autouse=True)
def room_is_given_back() -> Any:
    yield
    ROOM.taken.clear()


class TestTurns:
    def test_so_many_at_a_time_in_their_order(self) -> None:
        turns, order = Turns(2), []
        turns.__enter__()
        turns.__enter__()

        def come(name: int) -> None:
            with turns:
                order.append(name)

        threads = []
        for name in range(4):
            threads.append(threading.Thread(target=come, args=(name,)))
            threads[-1].start()
            while len(turns.waiting) <= name:
                pass
        assert order == [] and turns.free == 0
        turns.__exit__()
        for thread in threads:
            thread.join(10)
        assert order == [0, 1, 2, 3] and turns.free == 1
        turns.__exit__()
        assert turns.free == 2 and not turns.waiting


class TestRoom:
    def test_all_together_have_so_much(self) -> None:
        room = Room(10)
        room.take(1, 6)
        room.take(2, 4)
        with pytest.raises(Invalid):
            room.take(3, 1)
        assert room.taken == {1: 6, 2: 4}
        room.take(2, 3)
        room.take(3, 1)
        with pytest.raises(Invalid):
            room.take(3, 2)
        assert room.taken == {1: 6, 2: 3}  # what was asked for is instead of what was taken before
        room.take(1, 0)
        assert room.taken == {2: 3}

    def test_six_of_the_largest_experiments_find_room(self) -> None:
        room = Room(ROOM.most)
        for who in range(6):
            room.take(who, build.MOST_NUMBERS)
        with pytest.raises(Invalid):
            room.take(6, 1)


class TestGoals:
    def test_a_step_an_epoch_and_their_sums(self, clock: Clock) -> None:
        made, _ = visit()
        assert made.experiment is not None and made.experiment.epoch_steps == 4
        for command, goal in (
            (protocol.Step("step"), 1),
            (protocol.Step("step", 5), 6),
            (protocol.Epoch("epoch"), 8),
            (protocol.Epoch("epoch"), 12),
        ):
            made.handle(command)
            assert made.goal == goal and not made.playing and made.answer_due

    def test_nobody_goes_beyond_the_last_step(self, clock: Clock) -> None:
        made, _ = visit()
        made.goal = MOST_STEPS - 1
        made.handle(protocol.Step("step", 2))
        assert made.goal == MOST_STEPS == 10_000_000
        made.goal = MOST_STEPS - 1
        made.handle(protocol.Epoch("epoch"))
        assert made.goal == MOST_STEPS

    def test_pause_stays_where_it_is_and_seek_goes_back(self, clock: Clock) -> None:
        made, said = visit(step=9)
        while made.experiment is not None and made.experiment.step < 9:
            made.work()
        made.handle(protocol.Play("play"))
        assert made.playing and made.goal == MOST_STEPS
        made.handle(protocol.Pause("pause"))
        assert not made.playing and made.goal == 9
        made.handle(protocol.Seek("seek", 4))
        assert made.goal == 4 and made.experiment is not None and made.experiment.step <= 4
        while made.experiment.step < 4:
            made.work()
        made.handle(protocol.Rewind("rewind"))
        assert made.goal == made.experiment.step == 0
        made.work()
        assert isinstance(said[-1], frames.Frame) and said[-1].step == 0

    def test_before_there_is_an_experiment_only_questions_are_answered(self) -> None:
        said: list[Any] = []
        made = Visit(said.append)
        assert made.pause_before_work() is None
        made.work()
        for command in (protocol.Step("step"), protocol.Pause("pause")):
            with pytest.raises(Invalid):
                made.handle(command)
        made.handle(protocol.Select("select", 0, 1))
        assert said == [] and not made.answer_due

    def test_playing_ends_with_the_last_step(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        made, said = visit()
        monkeypatch.setattr(session, "MOST_STEPS", 3)
        made.handle(protocol.Play("play"))
        made.work()
        assert made.experiment is not None and made.experiment.step == 3 and not made.playing
        assert isinstance(said[-1], frames.Frame) and (said[-1].step, said[-1].playing) == (3, False)


class TestFrames:
    def test_so_many_steps_between_two(self, clock: Clock) -> None:
        made, said = visit()
        said.clear()
        made.handle(protocol.Play("play", 3))
        for _ in range(4):
            clock.now += 1000.0
            made.work()
        assert [frame.step for frame in said] == [3, 6, 9, 12] and all(frame.playing for frame in said)
        assert [frame.epoch for frame in said] == [0.75, 1.5, 2.25, 3.0]

    def test_the_next_may_be_made_after_a_sixtieth_of_a_second(self, clock: Clock) -> None:
        made, said = visit()
        said.clear()
        made.next_report = 1e9
        made.handle(protocol.Play("play", 1))
        made.work()
        assert made.next_frame == pytest.approx(100.0 + 1 / 60)
        clock.now += 0.999 / 60
        made.work()
        assert [frame.step for frame in said] == [1]
        assert made.pause_before_work() == pytest.approx(0.001 / 60)
        clock.now += 0.002 / 60
        made.work()
        assert [frame.step for frame in said] == [1, 2]

    def test_looking_takes_half_of_the_time(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        made, _ = visit()
        made.next_report = 1e9
        made.handle(protocol.Play("play"))

        def slow(experiment: Any) -> Any:
            clock.now += 2.0
            return None

        made.frame_of = slow  # type: ignore[method-assign]
        made.frame(made.experiment)  # type: ignore[arg-type]
        assert made.next_frame == clock.now + 2.0

    def test_reports_while_playing(self, clock: Clock) -> None:
        """One at a time, and not again for ten times as long as it took, or for a second."""
        config = Config(Data(samples=20), layers=(3,), variants=(Variant("b"),))
        made, _ = visit(config)
        made.handle(protocol.Play("play"))
        took = 0.0

        def diagnose(each: Any) -> Any:
            def run(step: int) -> None:
                clock.now += took
                each.report_step = step

            return run

        for each in made.watched:
            each.diagnose = diagnose(each)  # type: ignore[method-assign]
        experiment = made.experiment
        assert experiment is not None
        made.frame(experiment)
        assert [each.report_step for each in made.watched] == [0, None]
        assert made.next_report == 100.0 + 0.5  # of two runs each half as long
        made.frame(experiment)
        assert made.watched[1].report_step is None
        clock.now, took = 100.5, 0.2
        made.frame(experiment)
        assert made.watched[1].report_step == 0 and made.next_report == pytest.approx(100.5 + 2.0)

    def test_on_the_way_to_a_distant_step_it_says_how_far_it_is(self, clock: Clock) -> None:
        made, said = visit(step=10**6)
        said.clear()
        experiment = made.experiment
        assert experiment is not None
        steps = []

        def advance() -> None:
            experiment.step += 1
            clock.now += 0.011
            steps.append(experiment.step)

        experiment.advance = advance  # type: ignore[method-assign]
        while not said:
            made.work()
        assert isinstance(said[0], frames.Progress) and (said[0].step, said[0].goal) == (steps[-1], 10**6)
        assert 0.3 <= clock.now - 100.0 < 0.33
        while len(said) < 2:
            made.work()
        assert 0.6 <= clock.now - 100.0 < 0.68

    def test_a_slice_is_short_while_others_wait(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        for waiting, taken in (([], 20), ([object()], 5)):
            made, _ = visit(step=10**6)
            experiment = made.experiment
            assert experiment is not None

            def advance(experiment: Any = experiment) -> None:
                experiment.step += 1
                clock.now += 0.001

            experiment.advance = advance  # type: ignore[method-assign]
            monkeypatch.setattr(TURNS, "waiting", waiting)
            made.work()
            assert experiment.step == pytest.approx(taken, abs=1)

    def test_where_there_is_nothing_to_do_it_looks_closer_and_tells_once(self, clock: Clock) -> None:
        config = Config(Data(samples=20), layers=(3,), variants=(Variant("b"),))
        made, said = visit(config)
        said.clear()
        made.work()
        assert [type(each).__name__ for each in said] == ["Frame"] and made.pause_before_work() == 0.0
        made.work()
        assert len(said) == 1 and [each.report_step for each in made.watched] == [0, None]
        made.work()
        assert len(said) == 2 and [each.report_step for each in made.watched] == [0, 0]
        assert made.pause_before_work() is None
        made.watched[0].report_step, made.watched[1].report_step = 7, 3
        assert made.stale() == [made.watched[1], made.watched[0]]

    def test_detail_is_of_the_run_that_was_selected(self) -> None:
        config = Config(Data(samples=20), layers=(3,), variants=(Variant("b"),))
        made, said = visit(config)
        made.handle(protocol.Select("select", 1, 0))
        made.work()
        assert [run.detail is not None for run in said[-1].runs] == [False, True]
        made.handle(protocol.Configure("configure", config))
        assert made.selected == protocol.Select("select")

    def test_of_experiments_that_come_one_after_the_other_only_the_last_is_built(self) -> None:
        made, said = visit()
        before = made.experiment
        made.commands.put(protocol.Configure("configure", Config()))
        made.handle(protocol.Configure("configure", Config(layers=(4,))))
        assert made.experiment is before and len(said) == 1
        assert made.commands.maxsize == 32


class TestServing:
    server: Any

    @pytest.fixture(autouse=True)
    def module(self) -> None:
        self.server = pytest.importorskip("tinygrad_init.laboratory.serving.server", reason="needs the extra lab")

    def test_fifty_messages_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr(self.server.time, "monotonic", lambda: now[0])
        rate = self.server.Rate(self.server.MESSAGES_A_SECOND)
        assert [rate.allows() for _ in range(51)] == [True] * 50 + [False]
        now[0] += 0.5 / 50
        assert not rate.allows()
        now[0] += 0.51 / 50
        assert rate.allows() and not rate.allows()
        now[0] += 1000.0
        assert sum(rate.allows() for _ in range(100)) == 50

    def test_of_frames_only_the_newest_is_kept_and_none_of_the_experiment_before(self) -> None:
        outbox = self.server.Outbox(None)
        for text, kind in (("1", "frame"), ("2", "frame"), ("a", "error")):
            outbox._put(text, kind)
        assert [asyncio.run(outbox.take()) for _ in range(2)] == ["a", "2"] and outbox.frame is None
        outbox._put("3", "frame")
        outbox._put("b", "state")
        assert asyncio.run(outbox.take()) == "b" and outbox.frame is None
        for i in range(64):
            assert not outbox.full
            outbox._put(str(i), "error")
        assert outbox.full

    def test_hosts_and_origins(self) -> None:
        guard = self.server.Guard(None, 80)
        assert guard.hosts == ("127.0.0.1:80", "localhost:80")
        assert guard.origins == ("http://127.0.0.1:80", "http://localhost:80")


class TestExperiments:
    def test_how_much_fits(self) -> None:
        """Samples at a time, times units and one output, times runs."""
        config = Config(Data(samples=2000), layers=(64,) * 31, batch=2000)
        assert build.numbers(config) == 2000 * (31 * 64 + 1)
        build.check(replace(config, batch=2000))
        assert build.numbers(replace(config, variants=(Variant("b", layers=(1,)),))) == 2000 * (31 * 64 + 1 + 2)
        with pytest.raises(Invalid) as caught:
            build.check(replace(config, layers=(64,) * 32))
        assert caught.value.field == "config.batch"
        most = caught.value.why.numbers["batch"]
        build.check(replace(config, layers=(64,) * 32, batch=most))
        with pytest.raises(Invalid):
            build.check(replace(config, layers=(64,) * 32, batch=most + 1))

    @pytest.mark.parametrize(
        ("samples", "batch", "fits"), [(33, 32, False), (33, 16, False), (33, 31, True), (33, 0, True), (33, 1, False)]
    )
    def test_no_batch_of_one_is_normalized(self, samples: int, batch: int, fits: bool) -> None:
        config = Config(Data(samples=samples), layers=(3,), batch=batch, normalization="batch")
        if fits:
            build.check(config)
        else:
            with pytest.raises(Invalid):
                build.check(config)
        build.check(replace(config, normalization="layer"))

    @pytest.mark.parametrize("name", ["run", "layer", "unit", "input"])
    def test_edits_of_the_last_that_there_is(self, name: str) -> None:
        config = Config(layers=(4, 5), variants=(Variant("b", layers=(7,)),))
        last = {"run": 1, "layer": 1, "unit": 1, "input": 6}  # the variant's second layer is 7 -> 2
        build.check(replace(config, edits=(Edit(0, **last, value=1.0),)))
        with pytest.raises(Invalid) as caught:
            build.check(replace(config, edits=(Edit(0, **{**last, name: last[name] + 1}, value=1.0),)))
        assert caught.value.field == f"config.edits[0].{name}"
        build.check(replace(config, edits=(Edit(0, 0, 2, 1, None, 1.0),)))

    @pytest.mark.parametrize(
        ("total", "batch", "steps"), [(50, 0, 1), (50, 50, 1), (50, 49, 2), (50, 25, 2), (50, 7, 8)]
    )
    def test_batches_of_an_epoch(self, total: int, batch: int, steps: int) -> None:
        assert build.steps_an_epoch(Config(batch=batch), total) == steps

    @pytest.mark.parametrize(
        ("share", "total", "held"),
        [(0.0, 50, 0), (0.25, 50, 12), (0.9, 20, 18), (0.9, 2, 0), (0.5, 3, 1), (0.03, 50, 2)],
    )
    def test_two_are_left_to_learn_from(self, share: float, total: int, held: int) -> None:
        points = tuple((float(i), 0.0, i % 2) for i in range(total))
        config = Config(Data("points", points=points, test=share))
        assert samples.counts(config) == (total - held, held)
        found = samples.samples(config)
        assert (len(found.x), len(found.test.x)) == (total - held, held)

    def test_digits_are_as_many_as_there_are(self) -> None:
        assert samples.counts(Config(Data("digits", 2000))) == (1797, 0)
        assert samples.counts(Config(Data("digits", 100))) == (100, 0)
        found = samples.samples(Config(Data("digits", 100)))
        assert len(found.x) == 100 and (found.x.min(), found.x.max()) == (-1.0, 1.0) and found.classes == 10

    def test_coordinates_are_scaled_by_one_factor(self) -> None:
        x = np.array([[1.0, 10.0], [3.0, 20.0], [2.0, 12.0]])
        np.testing.assert_allclose(samples.scaled(x), [[-0.2, -1.0], [0.2, 1.0], [0.0, -0.6]])
        np.testing.assert_array_equal(samples.scaled(np.ones((2, 2))), np.zeros((2, 2)))
        inside, beyond = (samples.own_points(((0.0, 0.0, 0), (top, 0.5, 1)))[0] for top in (1.2, 1.21))
        np.testing.assert_array_equal(inside, [[0.0, 0.0], [1.2, 0.5]])
        assert np.abs(beyond).max() == 1.0

    def test_every_initializer_and_the_normal_and_the_constant(self) -> None:
        def first(start: Start) -> Any:
            state = Experiment(Config(layers=(64, 64), starts=(start,))).runs[0].model.state_dict()
            return {name: tensor.numpy() for name, tensor in state.items()}

        normal = first(Start("normal", 2.0, 0.5))
        assert normal["2.weight"].std() == pytest.approx(2.0 / 8.0, rel=0.05)
        assert normal["2.bias"].std() == pytest.approx(0.5, rel=0.3)
        assert set(first(Start("constant", constant=0.25))["2.weight"].flat) == {0.25}
        torch = first(Start("torch"))["2.bias"]
        assert -0.125 <= torch.min() < -0.1 and 0.1 < torch.max() <= 0.125
        assert not first(Start("he"))["2.bias"].any()

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("sgd", ("SGD", 0.0, False)), ("momentum", ("SGD", 0.9, False)), ("nesterov", ("SGD", 0.9, True)),
            ("adam", ("Adam", None, None)), ("adamw", ("AdamW", None, None)),
        ],
    )  # fmt: skip
    def test_update_rules(self, name: str, expected: Any) -> None:
        rule = Experiment(Config(optimizer=name, lr=0.25)).runs[0].optimizer
        found = type(rule).__name__, getattr(rule, "momentum", None), getattr(rule, "nesterov", None)
        assert found == expected and rule.lr == 0.25 and len(rule.state) == len(rule.parameters)

    @pytest.mark.parametrize("kind", ["l1", "l2"])
    def test_penalties(self, kind: str) -> None:
        weights = [tgi.tensor([1.0, -2.0]), tgi.tensor([3.0])]
        made = build.penalty(Config(regularization=kind, regularization_rate=0.5), weights)
        assert made is not None and made().item() == {"l1": 3.0, "l2": 3.5}[kind]
        assert build.penalty(Config(regularization=kind), weights) is None
        assert build.penalty(Config(regularization_rate=0.5), weights) is None

    @pytest.mark.parametrize(("allowed", "kept"), [(1, 2), (3 * 8, 3), (10**9, 256)])
    def test_checkpoints_by_their_bytes(self, allowed: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
        experiment = Experiment(Config(layers=(3,)))
        size = sum(values.nbytes for values in experiment.runs[0].save().arrays)
        monkeypatch.setattr(module, "CHECKPOINT_BYTES", allowed * size // 8 if allowed == 24 else allowed)
        assert Experiment(Config(layers=(3,))).most_checkpoints == kept

    def test_checkpoints_and_losses_are_thinned_when_there_are_too_many_and_not_before(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MOST_LOSSES", 4)
        experiment = Experiment(Config(Data(samples=20), layers=(2,)))
        experiment.most_checkpoints = 3
        timelines, counts = [experiment.timeline], []
        for _ in range(8):
            experiment.advance()
            timelines.append(experiment.timeline)
            counts.append((len(experiment.runs[0].losses), experiment.stride))
        assert timelines == [
            (0,), (0, 1), (0, 1, 2), (0, 2), (0, 2, 4), (0, 2, 4), (0, 4), (0, 4), (0, 4, 8),
        ]  # fmt: skip
        assert counts == [(1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (3, 2), (4, 2), (4, 2)]

    def test_the_labs_own_batch_normalization_remembers_nothing(self) -> None:
        model = tgi.nn.Sequential(tgi.nn.BatchNorm(2, momentum=1.0), tgi.nn.BatchNorm(2))
        assert len(buffers_of(model)) == 3
        assert all(buffer is not model[0].running_mean for buffer in buffers_of(model))

    def test_only_some_models_know_modes(self) -> None:
        class Own(tgi.nn.Module):
            def forward(self, x: Any) -> Any:
                return x if self.training else x * 2.0

        assert not knows_modes(tgi.nn.Sequential(tgi.nn.Linear(2, 2), tgi.nn.Tanh()))
        assert (
            knows_modes(tgi.nn.Sequential(tgi.nn.Dropout())) and knows_modes(tgi.nn.BatchNorm(2)) and knows_modes(Own())
        )
        own, x = Own(), tgi.tensor([1.0], requires_grad=True)
        with evaluation(own):
            assert own(x).item() == 2.0 and not own(x).requires_grad
        assert own(x).item() == 1.0 and tgi.is_grad_enabled()


class TestMessages:
    @pytest.mark.parametrize(
        ("hint", "good", "bad"),
        [
            (int, [(3, 3), (3.0, 3), (-2, -2)], [2.5, True, "3", None, 1e301, float("inf")]),
            (float, [(3, 3.0), (0.5, 0.5), (1e300, 1e300), (-1e300, -1e300)], [True, "3", None, 1.1e300, -1.1e300]),
            (bool, [(True, True)], [0, 1, "true"]),
            (str, [("x", "x"), ("", "")], [1, None, "\ud800"]),
            (int | None, [(None, None), (3, 3)], [2.5, "x"]),
            (tuple[int, ...], [([], ()), ([1, 2], (1, 2))], [1, {}, [1, "x"]]),
            (tuple[int, str], [([1, "x"], (1, "x"))], [[1], [1, "x", 2], ["x", 1]]),
            (dict[str, float], [({}, {}), ({"a": 1}, {"a": 1.0})], [[], {"a": "x"}]),
        ],
    )
    def test_reading(self, hint: Any, good: list[Any], bad: list[Any]) -> None:
        for value, expected in good:
            found = read(hint, value, "field")
            assert found == expected and type(found) is type(expected)
        for value in bad:
            with pytest.raises(Invalid) as caught:
                read(hint, value, "field")
            assert caught.value.field.startswith("field")

    def test_limits_are_allowed_themselves(self) -> None:
        for value in (1, 3):
            Between(1, 3).check(value, "")
            Length(1, 3).check("x" * value, "")
        for value in (0, 4):
            with pytest.raises(Invalid):
                Between(1, 3).check(value, "")
            with pytest.raises(Invalid):
                Length(1, 3).check("x" * value, "")

    def test_what_came_is_cut_where_it_is_long(self) -> None:
        assert short("x" * 58) == json.dumps("x" * 58) and len(short("x" * 59)) == 60
        assert short([1] * 20) == json.dumps([1] * 20) and short([1] * 30)[-1] == "…" and len(short([1] * 30)) == 60
        assert short(10**60 - 1) == "9" * 60
        for huge in (10**60, -(10**60)):
            assert short(huge) == "a number of more than 60 digits"

    @pytest.mark.parametrize(
        ("schema", "type_"),
        [
            ({}, "any"),
            ({"const": "x"}, '"x"'),
            ({"enum": ["a", "b"]}, '"a" | "b"'),
            ({"$ref": "#/$defs/Frame"}, "Frame"),
            ({"type": "integer"}, "number"),
            ({"type": ["number", "null"]}, "number | null"),
            ({"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]}, "number | null"),
            ({"type": "array", "items": {"type": "string"}}, "string[]"),
            ({"type": "array", "items": {"type": ["number", "null"]}}, "(number | null)[]"),
            ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}]}, "[string, boolean]"),
            ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ],
    )
    def test_types_in_typescript(self, schema: Any, type_: str) -> None:
        assert declared(schema) == type_

    def test_numbers_are_sent_in_five_digits_unless_they_are_exact(self) -> None:
        assert plain(1.23456789) == 1.2346 and plain(123456.0) == 123460.0 and plain(1.23456789, None) == 1.23456789
        assert plain([1.0, (2.0, None)]) == [1.0, [2.0, None]] and plain(b"abc") == "YWJj" and plain(True) is True
        assert encode(protocol.Step("step", 3)) == '{"type":"step","steps":3}'

    def test_the_longest_message(self) -> None:
        text = json.dumps({"type": "pause"})
        assert protocol.parse(text + " " * (256 * 1024 - len(text))) == protocol.Pause("pause")
        with pytest.raises(Invalid, match="256 kB"):
            protocol.parse(text + " " * (256 * 1024 - len(text) + 1))


def test_messages_and_what_is_seen_are_values() -> None:
    assert changeable("tinygrad_init.laboratory") == {"Reading", "Shown"}
