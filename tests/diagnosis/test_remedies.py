"""What is advised, by which numbers: starts, sizes of weights, factors, learning rates."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Report, Verdict, diagnose, judge
from tinygrad_init.diagnosis.findings import remedies
from tinygrad_init.diagnosis.judging import GOOD_UPDATE, HEALTHY, TIMID, WILD, answer, learning_rate
from tinygrad_init.diagnosis.records import Ahead, Attribution, Factor, Zeros

from .test_findings import HEALTHY as REPORT
from .test_findings import asked, change, inputs, layer, typical


def sized(report: Report, variance: float, which: int = 0) -> Report:
    """With hidden weights of a mean square of variance/fan_in; of one layer, or of all."""
    for i in range(1, len(report.layers)) if which == 0 else (which,):
        found = report.layers[i - 1]
        report = layer(report, i, w__rms=math.sqrt(variance * found.units / found.w.count))
    return report


def named(report: Report, activation: str | None) -> Report:
    for i in range(1, len(report.layers)):
        report = layer(report, i, activation=activation)
    return report


def lost(report: Report, *factors: tuple[str, float], way: float | None = None) -> Report:
    """With these factors, by label, between the loss and the first layer."""
    parts = tuple(Factor("weights" if label == "W" else "activation", "m", label, value) for label, value in factors)
    first = Attribution("layers.0.weight", 0.0, parts, 0.0)
    assert way is None or first.way == pytest.approx(way)
    return change(report, attributions=(first, *report.attributions[1:]))


def key(said: Any) -> str:
    return str(said.key)


class TestStarts:
    @pytest.mark.parametrize(
        ("activation", "start"),
        [("relu", "start.he"), ("tanh", "start.xavier"), ("selu", "start.lecun"), ("mine", "start.critical")],
    )
    def test_the_start_that_suits_the_activation(self, activation: str, start: str) -> None:
        said = remedies.good_start(named(REPORT, activation))
        assert key(said) == start and said.numbers == {"activation": activation}

    def test_the_first_activation_counts(self) -> None:
        mixed = layer(layer(layer(REPORT, 1, activation=None), 2, activation="relu"), 3, activation="tanh")
        assert remedies.activation_of(mixed) == "relu"
        assert remedies.activation_of(named(REPORT, None)) == "identity"

    def test_the_variance_of_weights_times_their_fan_in(self) -> None:
        linear = nn.Linear(50, 20, rng=0, dtype="float64")
        model = nn.Sequential(linear, nn.Tanh(), nn.Linear(20, 2, rng=0, dtype="float64"))
        found = diagnose(model, np.random.default_rng(0).normal(size=(9, 50)), np.arange(9) % 2)
        expected = 50 * np.mean(linear.weight.numpy() ** 2)
        assert remedies.weight_variance(found.layers[0]) == pytest.approx(expected)

    @pytest.mark.parametrize(("activation", "size"), [("relu", 2.0), ("tanh", 1.0), ("selu", 1.0)])
    @pytest.mark.parametrize(("share", "good"), [(0.699, False), (0.701, True), (1.399, True), (1.401, False)])
    def test_a_size_is_good_from_seven_tenths_to_fourteen(
        self, share: float, good: bool, activation: str, size: float
    ) -> None:
        report = named(REPORT, activation)
        assert remedies.has_good_start(sized(report, share * size)) == good
        for which in (1, 2, 3):  # all hidden layers must have it
            assert remedies.has_good_start(sized(sized(report, size), share * size, which=which)) == good
        assert remedies.has_good_start(sized(sized(report, size), 99.0, which=4))  # the last one need not

    def test_without_a_name_or_a_hidden_layer_there_is_no_good_size(self) -> None:
        assert not remedies.has_good_start(sized(named(REPORT, "mine"), 1.0))
        assert not remedies.has_good_start(sized(named(REPORT, "gelu"), 1.0))  # whose start is critical
        assert not remedies.has_good_start(change(REPORT, layers=REPORT.layers[-1:]))

    @pytest.mark.parametrize(
        ("name", "gentle"),
        [("sigmoid", True), ("hard_sigmoid", True), ("tanh", False), ("relu", False), ("mine", False)],
    )
    def test_gentle_activations_pass_a_quarter_at_most(self, name: str, gentle: bool) -> None:
        assert remedies.is_gentle(name) == gentle


class TestScaling:
    @pytest.mark.parametrize(("value", "expected"), [(-3.0, "advice.activation"), (3.0, "advice.start")])
    def test_an_activation_that_no_start_makes_steeper_is_to_blame(self, value: float, expected: str) -> None:
        report = lost(named(sized(REPORT, 9.0), "sigmoid"), ("W", 0.1), ("sigmoid'", value))
        said = remedies.scaling(report)
        assert key(said) == expected
        if value < 0:
            assert said.numbers == {"label": "sigmoid'", "decades": pytest.approx(1.0)}  # of three steps
        steeper = lost(named(sized(REPORT, 9.0), "tanh"), ("W", 0.1), ("tanh'", value))
        assert key(remedies.scaling(steeper)) == "advice.start"

    def test_the_largest_factor_is_asked_whatever_its_sign(self) -> None:
        report = named(sized(REPORT, 9.0), "sigmoid")
        assert key(remedies.scaling(lost(report, ("W", 3.1), ("sigmoid'", -3.0)))) == "advice.start"
        assert key(remedies.scaling(lost(report, ("W", -2.9), ("sigmoid'", -3.0)))) == "advice.activation"
        assert key(remedies.scaling(lost(report))) == "advice.start"

    def test_where_the_start_is_good_the_design_is_not(self) -> None:
        assert key(remedies.scaling(lost(sized(REPORT, 1.0), ("W", -3.0)))) == "advice.design"

    @pytest.mark.parametrize(
        ("way", "factor", "clip"),
        [(3.0, "0.1", True), (-3.0, "10", False), (0.301, "0.79", True), (-0.301, "1.3", False)],
    )
    def test_of_homogeneous_networks_the_factor_is_known(self, way: float, factor: str, clip: bool) -> None:
        report = lost(named(sized(REPORT, 9.0), "relu"), ("W", way), way=way)
        said = remedies.scaling(report)
        assert key(said) == "advice.factor" and key(said.numbers["start"]) == "start.he"
        assert said.numbers["factor"] == pytest.approx(10 ** (-way / 3)) or factor in str(said)
        assert (said.numbers["clip"] is not None) == clip

    @pytest.mark.parametrize("way", [0.299, -0.299, 0.0, math.inf, -math.inf])
    def test_a_factor_near_one_or_infinite_is_none(self, way: float) -> None:
        said = remedies.scaling(lost(named(sized(REPORT, 9.0), "relu"), ("W", way)))
        assert key(said) == "advice.start" and (said.numbers["clip"] is not None) == (way > 0)

    def test_one_layer_is_one_step(self) -> None:
        one = change(REPORT, layers=REPORT.layers[-1:])
        said = remedies.scaling(lost(layer(one, 1, activation="relu"), ("W", -2.0)))
        assert said.numbers["factor"] == pytest.approx(100.0)


class TestOthers:
    def test_infinities_of_the_inputs_or_made_on_the_way(self) -> None:
        assert key(remedies.overflow(inputs(REPORT, not_finite=1e-9))) == "advice.inputs"
        assert key(remedies.overflow(REPORT)) == key(remedies.scaling(REPORT))

    def test_a_signal_that_is_lost(self) -> None:
        assert key(remedies.carry(sized(REPORT, 9.0))) == "advice.carry"
        assert key(remedies.carry(sized(REPORT, 1.0))) == "advice.design"

    def test_weights_without_a_gradient(self) -> None:
        no_loss = tuple(Zeros(f"layers.{i}", 1.0, {"loss derivative": 1.0}, None) for i in range(2))
        some = (no_loss[0], Zeros("layers.1", 1.0, {"slope": 1.0}, None))
        assert key(remedies.unstick(change(REPORT, zeros=no_loss))) == "advice.loss"
        assert key(remedies.unstick(change(REPORT, zeros=some))) == "advice.draw"

    @pytest.mark.parametrize(
        ("end", "outputs", "expected"),
        [
            ("softmax", 1, "advice.one_output"), ("log_softmax", 1, "advice.one_output"),
            ("softmax", 2, "advice.output"), ("sigmoid", 1, "advice.output"),
        ],
    )  # fmt: skip
    def test_what_stands_before_the_loss(self, end: str, outputs: int, expected: str) -> None:
        said = remedies.fit_output(asked(REPORT, ends_in=end, outputs=outputs))
        assert key(said) == expected and said.numbers == {"label": end}


def stepping(update: float, **fields: Any) -> Report:
    """With updates that change every weight by such a share."""
    report = typical(REPORT)
    for i in range(1, len(report.layers) + 1):
        report = layer(report, i, update_ratio=update)
    return change(report, **fields)


class TestLearningRates:
    @pytest.mark.parametrize(
        ("update", "expected"),
        [
            (0.99 * TIMID, "advice.rate"), (1.01 * TIMID, "advice.step"),
            (0.99 * WILD, "advice.step"), (1.01 * WILD, "advice.rate"),
            (0.0, "advice.nothing"), (math.nan, "advice.nothing"),
        ],
    )  # fmt: skip
    def test_steps_are_neither_timid_nor_wild(self, update: float, expected: str) -> None:
        assert key(learning_rate(stepping(update))) == expected

    def test_a_loss_without_a_slope_is_told(self) -> None:
        flat = stepping(0.0)
        for i in range(1, len(flat.layers) + 1):
            flat = layer(flat, i, dw__rms=0.0)
        assert key(learning_rate(flat)) == "advice.flat"

    def test_a_better_rate_makes_steps_of_three_thousandths(self) -> None:
        assert (TIMID, WILD, GOOD_UPDATE) == (1e-5, 0.1, 3e-3)
        said = learning_rate(stepping(0.3, lr=0.5))
        assert said.numbers["better"] == pytest.approx(0.005) and said.numbers["lr"] == 0.5
        assert said.numbers["typical"] == pytest.approx(0.3)

    def test_a_trained_network_may_be_timid_and_not_wild(self) -> None:
        assert key(learning_rate(stepping(1e-7, trained=True))) == "advice.step"
        assert key(learning_rate(stepping(1.0, trained=True))) == "advice.rate"
        assert "network" in key(learning_rate(stepping(1e-7, trained=True)).numbers["state"])

    def test_without_a_rate_or_where_steps_were_taken_nothing_is_said(self) -> None:
        assert key(learning_rate(stepping(1e-3, lr=0.0))) == "advice.nothing"
        taken = Ahead("SGD, lr 1", 120, 1.0, 2.0, 1.9)
        assert key(learning_rate(stepping(1.0, ahead=taken))) == "advice.nothing"
        assert key(learning_rate(stepping(1e-3, ahead=taken))) == "advice.step"


class TestJudging:
    @pytest.mark.parametrize(("last", "stands"), [(0.951, True), (0.949, False)])
    def test_a_loss_that_has_hardly_fallen_stands(self, last: float, stands: bool) -> None:
        verdict = judge(REPORT, None, [REPORT.loss, last * REPORT.loss])
        assert verdict.key == "healthy.trained" and (verdict.numbers["stands"] is not None) == stands
        assert verdict.numbers["after"] == last * REPORT.loss

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    @pytest.mark.parametrize("epoch", [1, 2, 3])
    def test_the_first_epoch_that_is_not_finite_is_named(self, epoch: int, bad: float) -> None:
        losses = [1.0] * (epoch - 1) + [bad, bad]
        verdict = judge(REPORT, REPORT, losses)
        assert (verdict.word, verdict.numbers["epoch"]) == ("exploding", epoch)

    def test_the_start_is_judged_first(self) -> None:
        dead = layer(REPORT, 2, dead=tuple(range(32)))
        assert judge(dead, REPORT, [math.nan]).word == "dead"
        assert judge(REPORT, change(dead, trained=True), [0.5]).word == "dead"
        assert judge(REPORT, change(layer(REPORT, 2, saturated=0.9), trained=True), [0.5]).word == "saturated"
        assert judge(REPORT, None, []).word == HEALTHY

    def test_a_draw_from_one_seed_is_advised_besides(self) -> None:
        twice = change(REPORT, same_draws=(("layers.0.weight", "layers.2.weight"),))
        assert key(twice.answers[-1].said) == "advice.generator"
        both = layer(twice, 2, dead=tuple(range(32)))
        assert key(both.answers[-1].said) == "answer.both"
        assert key(both.answers[-1].said.numbers["second"]) == "advice.generator"
        assert key(layer(REPORT, 2, dead=tuple(range(32))).answers[-1].said) == "advice.dead.design"

    def test_every_question_has_its_own_faults(self) -> None:
        dead = layer(REPORT, 2, dead=tuple(range(32)))
        assert [answer(q, dead).good for q in ("fit", "signal", "gradient", "units", "alive")] == [True] * 4 + [False]
        finding, *_ = answer("alive", dead).findings
        assert isinstance(finding, Verdict) and finding.word == "dead"
        assert answer("fit", change(REPORT, fit=None)).said.key == "answer.fit.unknown"

    def test_units_that_are_mostly_different(self) -> None:
        from .test_findings import apart

        some = layer(REPORT, 2, distinct=apart(31, 32), distinct_updates=apart(31, 32))
        assert answer("units", some).said.key == "answer.units.mostly"
        assert answer("units", some).said.numbers == {"layer": 2, "distinct": 31, "units": 32}
        assert answer("units", REPORT).said.key == "answer.units"
        last = layer(REPORT, 4, distinct=dataclasses.replace(apart(3, 4)))
        assert answer("units", last).said.key == "answer.units"


def test_the_remedies_are_those_of_real_networks() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 20)), rng.integers(0, 4, 64)
    deep = nn.MLP((20, *(32,) * 12, 4), "sigmoid", rng=0)
    tgi.initialize(deep, "xavier", 0)
    assert diagnose(deep, x, y).answers[-1].said.key in ("advice.activation", "answer.both")
    large = nn.MLP((20, *(32,) * 6, 4), "relu", rng=0)
    tgi.initialize(large, "large", 0)
    assert diagnose(large, x, y).answers[-1].said.key == "advice.factor"
