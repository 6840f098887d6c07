"""Every threshold from both sides, each question's faults and notes, and what is said of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Report, describe, diagnose, judge
from tinygrad_init.diagnosis.findings import FINDINGS, QUESTIONS, sequences, steps
from tinygrad_init.diagnosis.findings.conditions import COMPARISONS, table
from tinygrad_init.diagnosis.findings.fit import numbers_of
from tinygrad_init.diagnosis.findings.numbers import of_layer, of_network
from tinygrad_init.diagnosis.judging import found_in, notes
from tinygrad_init.diagnosis.records import (
    Ahead,
    Attention,
    Classes,
    Factor,
    Recurrence,
    Rounding,
    Sequences,
    Sharpness,
)
from tinygrad_init.words import LANGUAGES, templates

RNG = np.random.default_rng(0)


def healthy() -> Report:
    model = nn.MLP((20, 32, 32, 32, 4), "tanh", rng=0)
    tgi.initialize(model, "xavier", 0)
    return diagnose(model, RNG.normal(size=(128, 20)), RNG.integers(0, 4, 128))


HEALTHY = healthy()


def change(report: Report, **fields: Any) -> Report:
    return dataclasses.replace(report, **fields)


def layer(report: Report, i: int, **fields: Any) -> Report:
    """With something else in a layer, counted from 1 or from the end; `z.rms=2` is a field of a field."""
    layers = list(report.layers)
    at = i - 1 if i > 0 else i
    for name, value in fields.items():
        part, _, inner = name.partition("__")
        new = dataclasses.replace(getattr(layers[at], part), **{inner: value}) if inner else value
        layers[at] = dataclasses.replace(layers[at], **{part: new})
    return change(report, layers=tuple(layers))


def inputs(report: Report, **fields: float) -> Report:
    return change(report, inputs=dataclasses.replace(report.inputs, **fields))


def asked(report: Report, **fields: Any) -> Report:
    assert report.fit is not None
    return change(report, fit=dataclasses.replace(report.fit, **fields))


def ahead(report: Report, **fields: float) -> Report:
    """With other first steps; unless said otherwise they leave the loss at that of guessing."""
    base = report.ahead or Ahead("SGD, lr 1", 120, 1.0, report.guess, report.guess)
    return change(report, ahead=dataclasses.replace(base, **fields))


def evidence(report: Report, **fields: Any) -> Report:
    assert report.evidence is not None
    return change(report, evidence=dataclasses.replace(report.evidence, **fields))


def rounded(report: Report, signal: float = 0.0, gradient: float = 0.0) -> Report:
    """With a second layer of which float16 would lose so much of signal and gradient."""
    assert report.evidence is not None
    kept = {"bfloat16": Rounding(0.0, 0.0, 0.0)}
    new = dataclasses.replace(
        report.evidence.precision[1],
        signal={"float16": Rounding(0.0, 0.0, signal), **kept},
        gradient={"float16": Rounding(gradient, 0.0, 0.0), **kept},
    )
    first, _, *rest = report.evidence.precision
    return evidence(report, precision=(first, new, *rest))


def in_sequence(report: Report, **fields: Any) -> Report:
    return change(report, sequences=dataclasses.replace(report.sequences or Sequences(), **fields))


def attending(report: Report, **fields: float) -> Report:
    """With something else about an attention that is healthy."""
    (base,) = (report.sequences and report.sequences.attention) or (Attention("softmax", 64, 0.9, 0.5, 0.125),)
    return in_sequence(report, attention=(dataclasses.replace(base, **fields),))


def way(report: Report, decades: float) -> Report:
    first = report.attributions[0]
    kept = tuple(factor for factor in first.factors if factor.kind in ("loss", "input", "alignment"))
    whole = dataclasses.replace(first, factors=(*kept, Factor("weights", "layers.2", "W", decades)))
    return change(report, attributions=(whole, *report.attributions[1:]))


def apart(width: int, units: int) -> Classes:
    return Classes((tuple(range(units - width + 1)), *((i,) for i in range(units - width + 1, units))), True)


def typical(report: Report) -> Report:
    for i in (2, 3, 4):
        report = layer(report, i, update_ratio=1e-3)
    return report


# How to give each named number a value, leaving everything else healthy.
SET: dict[str, Callable[[Report, float], Report]] = {
    "depth": lambda r, v: r if v > 1 else change(r, layers=r.layers[-1:], attributions=r.attributions[-1:], zeros=()),
    "samples": lambda r, v: change(r, samples=round(v)),
    "inputs_not_finite": lambda r, v: inputs(r, not_finite=v),
    "inputs_across_samples": lambda r, v: inputs(r, across_samples=v),
    "inputs_rms": lambda r, v: inputs(r, rms=v),
    "loss_finite": lambda r, v: change(r, loss=math.inf) if v == 0 else r,
    "loss_over_guess": lambda r, v: change(r, loss=v * r.guess),
    "z_first": lambda r, v: layer(r, 1, z__rms=v),
    "z_last": lambda r, v: layer(layer(r, 1, z__rms=v), -1, z__rms=v),
    "across_last": lambda r, v: layer(r, -1, z__across_samples=v),
    "z_growth": lambda r, v: layer(layer(r, 1, z__rms=1.0), -1, z__rms=v),
    "z_fall": lambda r, v: layer(layer(r, 1, z__rms=v), -1, z__rms=1.0),
    "dz_ratio": lambda r, v: layer(layer(r, 1, dz__rms=1.0), -1, dz__rms=v),
    "way": way,
    "first_update": lambda r, v: layer(r, 1, update_ratio=v),
    "first_share": lambda r, v: layer(typical(r), 1, update_ratio=v * 1e-3),
    "z": lambda r, v: layer(r, 2, z__rms=v, z__across_samples=v),
    "across_share": lambda r, v: layer(r, 2, z__rms=1.0, z__across_samples=v),
    "rounding_decades": lambda r, v: layer(
        r, 2, dw__rms=10 ** (r.attributions[1].log10 + v) / math.sqrt(r.layers[1].dw.count)
    ),
    "width": lambda r, v: layer(r, 2, distinct=apart(round(v), 32), distinct_updates=apart(round(v), 32)),
    "width_share": lambda r, v: SET["width"](r, 32 * v),
    "distinct_share": lambda r, v: layer(
        r, 2, distinct=apart(round(v * 32), 32), distinct_updates=apart(round(v * 32), 32)
    ),
    "dead_share": lambda r, v: layer(r, 2, units=1000, dead=tuple(range(round(1000 * v)))),
    "saturated": lambda r, v: layer(r, 2, saturated=v),
    "features_differ": lambda r, v: asked(r, feature_scales=(0.1, 1.0, v), widest=3),
    "inputs_off_centre": lambda r, v: asked(r, feature_scales=(1.0, 1.0, 1.0), off_centre=(v, 5)),
    "first_across_share": lambda r, v: layer(r, 1, z__rms=1.0, z__across_samples=v),
    "target_size": lambda r, v: asked(r, loss="mse", target_mean=0.0, target_std=v),
    "target_off_centre": lambda r, v: asked(r, loss="mse", target_mean=v, target_std=1.0),
    "ahead_growth": lambda r, v: ahead(r, first=2.0, last=2.0 * v),
    "ahead_over_guess": lambda r, v: ahead(r, first=v * r.guess, last=v * r.guess),
    "evaluated_over_guess": lambda r, v: ahead(r, evaluated=v * r.guess),
    "held_out_over_guess": lambda r, v: ahead(r, held_out=v * r.guess),
    "held_out_better": lambda r, v: ahead(r, held_out_better=v),
    "rate_factor": lambda r, v: ahead(r, better=v),
    "better_share": lambda r, v: ahead(r, better_last=v * ahead(r).ahead.last),
    "dropout_share": lambda r, v: ahead(r, without_dropout=v * ahead(r).ahead.last),
    "decay_share": lambda r, v: ahead(r, without_decay=v * ahead(r).ahead.last),
    "ahead_steps": lambda r, v: ahead(r, steps=round(v)),
    "sharpness": lambda r, v: evidence(r, sharpness=Sharpness(2 * v, 0.0, "gradient", 1.0, 2.0, 128, 5)),
    "float16_lost": lambda r, v: rounded(r, gradient=v),
    "float16_overflow": lambda r, v: rounded(r, signal=v),
    "linear_share": lambda r, v: asked(r, linear=True, linear_share=v),
    "largest_class": lambda r, v: asked(r, class_shares=(1 - v, v)),
    "z_typical": lambda r, v: [r := layer(r, i, z__rms=v) for i in (1, 2, 3, 4)][-1],
    "reach": lambda r, v: in_sequence(r, recurrences=(Recurrence("weight_hh", 99, v, 1.0, math.nan),)),
    "attention_unscaled": lambda r, v: attending(r, scale=64 ** ((v - 1) / 2)),
    "attention_logits": lambda r, v: attending(r, logits=v),
    "attention_entropy": lambda r, v: attending(r, entropy=v),
}  # fmt: skip
# Rows that are verdicts; those that make notes of them are pinned by themselves.
VERDICTS = [row for row in table() if row["key"] not in ("steps.learns", "steps.learns_apart", "solved")]
# For every condition a value on each side of its threshold, written down here once more: who moves one has to say so.
# What hides the size of weights: normalized branches beside a stream.
STREAMING = dataclasses.replace(HEALTHY, sequences=Sequences(stream=(1.0, 1.0)))
PINNED: dict[tuple[str, str], tuple[float, float]] = {
    ("not_finite.inputs", "inputs_not_finite"): (1e-9, 0.0),
    ("not_finite.loss", "loss_finite"): (0.0, 1.0),
    ("inputs.constant", "samples"): (2, 1),
    ("inputs.constant", "inputs_across_samples"): (0.0, 1e-30),
    ("inputs.unscaled", "inputs_rms"): (10.01, 9.99),
    ("inputs.unscaled", "z_first"): (10.01, 9.99),
    ("inputs.small", "inputs_across_samples"): (0.0299, 0.0301),
    ("inputs.small", "across_last"): (0.0999, 0.1001),
    ("signal.growing", "depth"): (4, 1),
    ("signal.growing", "z_growth"): (30.01, 29.99),
    ("signal.loud", "loss_over_guess"): (10.01, 9.99),
    ("signal.loud", "z_last"): (10.01, 9.99),
    ("signal.oversized", "loss_over_guess"): (2.01, 1.99),
    ("signal.oversized", "z_typical"): (3.01, 2.99),
    ("signal.sure", "loss_over_guess"): (3.01, 2.99),
    ("signal.sure", "z_last"): (3.01, 2.99),
    ("signal.zero", "z"): (0.0, 1e-30),
    ("signal.fading", "depth"): (4, 1),
    ("signal.fading", "z_fall"): (30.01, 29.99),
    ("signal.lost", "samples"): (2, 1),
    ("signal.lost", "across_share"): (0.999e-3, 1.001e-3),
    ("gradient.rounding", "rounding_decades"): (3.001, 2.999),
    ("gradient.exploding", "way"): (math.log10(30.01), math.log10(29.99)),
    ("gradient.exploding", "first_share"): (30.01, 29.99),
    ("gradient.exploding", "first_update"): (0.1001, 0.0999),
    ("gradient.vanishing", "way"): (-math.log10(30.01), -math.log10(29.99)),
    ("gradient.vanishing", "first_share"): (1 / 30.01, 1 / 29.99),
    ("gradient.vanishing", "z_fall"): (30.01, 29.99),
    ("gradient.vanishing", "z_typical"): (0.999e-3, 1.001e-3),
    ("gradient.over_time", "reach"): (math.log10(0.99 * 2**-24), math.log10(1.01 * 2**-24)),
    ("attention.unscaled", "attention_unscaled"): (0.501, 0.499),
    ("attention.unscaled", "attention_logits"): (2.01, 1.99),
    ("attention.collapsed", "attention_entropy"): (0.099, 0.101),
    ("attention.collapsed", "attention_logits"): (2.01, 1.99),
    ("gradient.falls", "dz_ratio"): (30.01, 29.99),
    ("units.copies", "width"): (2, 1),
    ("units.copies", "width_share"): (16 / 32, 17 / 32),
    ("units.some_alike", "distinct_share"): (31 / 32, 1.0),
    ("alive.all_dead", "dead_share"): (1.0, 0.999),
    ("alive.dead", "dead_share"): (0.501, 0.5),
    ("alive.saturated", "saturated"): (0.501, 0.5),
    ("fit.features_differ", "features_differ"): (100.1, 99.9),
    ("fit.off_centre", "inputs_off_centre"): (4.01, 3.99),
    ("fit.off_centre", "first_across_share"): (0.199, 0.201),
    ("fit.targets_large", "target_size"): (30.01, 29.99),
    ("fit.targets_small", "target_size"): (0.00299, 0.00301),
    ("fit.targets_off_centre", "target_off_centre"): (10.01, 9.99),
    ("fit.linear", "linear_share"): (0.099, 0.101),
    ("fit.single_class", "largest_class"): (1.0, 0.999),
    ("fit.few", "samples"): (9, 10),
    ("fit.one_class", "largest_class"): (0.901, 0.9),
    ("steps.overshooting", "ahead_growth"): (1.501, 1.499),
    ("steps.too_large", "ahead_over_guess"): (0.7501, 0.7499),
    ("steps.too_large", "rate_factor"): (0.3299, 0.3301),
    ("steps.too_large", "better_share"): (0.8999, 0.9001),
    ("steps.too_small", "ahead_over_guess"): (0.7501, 0.7499),
    ("steps.too_small", "rate_factor"): (3.001, 2.999),
    ("steps.too_small", "better_share"): (0.8999, 0.9001),
    ("steps.decay", "ahead_over_guess"): (0.7501, 0.7499),
    ("steps.decay", "decay_share"): (0.8999, 0.9001),
    ("steps.dropout", "ahead_over_guess"): (0.7501, 0.7499),
    ("steps.dropout", "dropout_share"): (0.6999, 0.7001),
    ("steps.stalled", "ahead_over_guess"): (0.7501, 0.7499),
    ("steps.stalled", "ahead_steps"): (120, 119),
    ("steps.slow", "ahead_over_guess"): (0.5001, 0.4999),
    ("steps.slow", "ahead_steps"): (120, 119),
    ("steps.memorized", "ahead_over_guess"): (0.7499, 0.7501),
    ("steps.memorized", "held_out_over_guess"): (1.0001, 0.9999),
    ("steps.memorized", "held_out_better"): (0.5999, 0.6001),
    ("steps.memorized", "evaluated_over_guess"): (0.5999, 0.6001),
    ("steps.lagging", "ahead_over_guess"): (0.4999, 0.5001),
    ("steps.lagging", "evaluated_over_guess"): (0.6001, 0.5999),
    ("steps.sharp", "sharpness"): (1.001, 0.999),
    ("precision.underflow", "float16_lost"): (0.0501, 0.0499),
    ("precision.overflow", "float16_overflow"): (1e-9, 0.0),
}


MOST = {
    ("signal.sure", "loss_over_guess"): 9.0,
    ("signal.sure", "z_last"): 9.0,
    ("steps.slow", "ahead_over_guess"): 0.7,
}


def every_number(report: Report) -> dict[str, float]:
    assert report.fit is not None
    first = {"first_across_share": of_layer(report, 1)["across_share"]}
    found = attending(report if report.sequences else SET["reach"](report, 0.0))
    assert found.sequences is not None
    over_time = (
        sequences.of_recurrence(found.sequences.recurrences[0]) if found.sequences.recurrences else {"reach": 0.0}
    )
    return (
        of_network(report)
        | sequences.of_attention(found.sequences.attention[0])
        | over_time
        | of_layer(report, min(2, len(report.layers)))
        | numbers_of(report.fit)
        | steps.numbers_of(report)
        | first
    )


def test_every_condition_is_pinned() -> None:
    in_table = {(row["key"], name) for row in VERDICTS for name, _, _ in row["when"]}
    assert in_table == PINNED.keys()
    assert {how for row in table() for _, how, _ in row["when"]} == COMPARISONS.keys()
    known = every_number(HEALTHY).keys()
    assert {name for _, name in in_table} <= known and all(len(row["why"]) > 20 for row in table())


def test_what_all_is_built_on_is_healthy() -> None:
    assert [verdict for _, verdict in found_in(HEALTHY)] == [] and judge(HEALTHY).word == "healthy"


# The order in which numbers are set: some make others.
ORDER = ("samples", "first_share", "first_update", "way", "z_growth", "z_fall", "z_last", "z_first",
         "ahead_over_guess", "ahead_steps", "rate_factor", "better_share", "decay_share", "dropout_share",
         "held_out_over_guess", "held_out_better")  # fmt: skip


def keys(report: Report) -> set[str]:
    return {verdict.key for _, verdict in found_in(report)}


def test_of_several_layers_of_rounding_errors_the_first_is_named() -> None:
    report = HEALTHY
    for i in (2, 3):
        report = layer(
            report, i, dw__rms=10 ** (report.attributions[i - 1].log10 + 4) / math.sqrt(report.layers[i - 1].dw.count)
        )
    (stuck,) = (verdict for _, verdict in found_in(report) if verdict.key == "gradient.rounding")
    assert stuck.layer == 2 and stuck.numbers["layers"] == [2, 3]


@pytest.mark.parametrize(("row", "at"), [(i, j) for i, row in enumerate(VERDICTS) for j in range(len(row["when"]))])
def test_a_threshold_from_both_sides(row: int, at: int) -> None:
    """All other conditions of the row hold with room to spare; this one by a hair, and then not."""
    key, when = VERDICTS[row]["key"], VERDICTS[row]["when"]
    name, _, _ = when[at]
    holds, fails = PINNED[key, name]
    for value, expected in ((holds, True), (fails, False)):
        report, wanted = STREAMING if key == "signal.oversized" else HEALTHY, {name: value}
        for other, how, threshold in when:
            if other != name:
                room = {">": 2 * threshold, "<": 2 * threshold if threshold < 0 else threshold / 2}
                wanted[other] = room.get(how, threshold / 2 if how == "not >=" else threshold)
                wanted[other] = 4 if other in ("depth", "samples") else wanted[other]
            wanted[other] = min(wanted[other], MOST.get((key, other), math.inf))  # beyond it is another finding's
        for other in sorted(wanted, key=lambda one: (one == name, ORDER.index(one) if one in ORDER else -1)):
            report = SET[other](report, wanted[other])
        numbers = every_number(report)
        assert numbers[name] == pytest.approx(value, rel=1e-9, abs=1e-300)
        assert (key in keys(report)) == expected, (key, name, value)


def test_a_share_that_is_no_number_leaves_the_first_layer_behind() -> None:
    """Where nothing moves there is no share of anything: the gradient vanishes all the same."""
    report = way(layer(HEALTHY, 1, update_ratio=math.nan), -2.0)
    assert "gradient.vanishing" in keys(report)


def test_ranks_say_what_is_the_cause() -> None:
    ranks = [finding.rank for finding in FINDINGS]
    assert ranks == sorted(set(ranks))
    assert {finding.question for finding in FINDINGS} == set(QUESTIONS[:-1])
    # Too large inputs explain saturation, saturation explains a gradient that vanishes.
    both = inputs(layer(way(HEALTHY, -3.0), 2, saturated=0.9), rms=100.0)
    assert judge(both).word == "saturated"
    assert judge(layer(both, 1, z__rms=100.0)).word == "unscaled"


def test_notes_are_no_faults() -> None:
    """With notes alone a network is healthy, and all its answers are good."""
    noted = layer(layer(HEALTHY, 1, dz__rms=1e-3), 2, distinct=apart(30, 32), distinct_updates=apart(30, 32))
    assert [note.key for note in notes(noted)] == ["units.some_alike", "gradient.falls"]
    assert not any(note.fault for note in notes(noted))
    assert noted.notes == notes(noted) and noted.verdict.word == "healthy" and not noted.verdict.fault
    assert all(answer.good for answer in noted.answers)
    assert "30 different units of 32" in noted.answers[3].sentence
    assert "are not small beside the others'" in noted.answers[2].sentence


@pytest.mark.parametrize(("share", "learns"), [(0.499, True), (0.501, False), (math.nan, False)])
def test_what_keeps_nothing_from_learning_is_a_note(share: float, learns: bool) -> None:
    """A loss that is half of guessing after the first steps."""
    vanishing = way(layer(HEALTHY, 1, update_ratio=1e-9), -3.0)
    found = ahead(vanishing, first=vanishing.guess, last=share * vanishing.guess)
    assert (found.verdict.word == "healthy") == learns
    assert all(verdict.fault != learns for _, verdict in found_in(found) if verdict.key == "gradient.vanishing")
    # What does not fit is a fault all the same.
    assert judge(asked(found, feature_scales=(1.0, 1.0, 1e3), widest=0)).key == "fit.features_differ"


@pytest.mark.parametrize(("share", "done"), [(0.0499, True), (0.0501, False)])
def test_a_network_that_has_learned_its_batch_is_called_solved(share: float, done: bool) -> None:
    vanishing = way(layer(HEALTHY, 1, update_ratio=1e-9), -3.0)
    found = change(vanishing, loss=share * vanishing.guess)
    assert (found.verdict.key == "healthy.solved") == done
    if done:
        assert "nothing left to learn" in found.answers[2].sentence and "has learned" in found.answers[-1].sentence
        assert judge(asked(found, feature_scales=(1.0, 1.0, 1e3), widest=0)).key == "fit.features_differ"


def test_units_that_are_not_finite_are_neither_dead_nor_the_same() -> None:
    model = nn.MLP((4, 6, 6, 2), "relu", rng=0)
    with tgi.no_grad():
        model.linears()[0].weight[1:] = np.nan
    found = diagnose(model, RNG.normal(size=(32, 4)), RNG.integers(0, 2, 32))
    assert found.layers[0].dead == () and len(found.layers[0].distinct) == 1
    assert found.verdict.word == "exploding" and "symmetric" not in {verdict.word for _, verdict in found_in(found)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_can_be_said_in_every_language(language: str) -> None:
    """All keys of the table occur above; here the numbers that each gives are put into its template."""
    reports = [SET[name](HEALTHY, PINNED[key, name][0]) for key, name in PINNED if name != "depth"]
    reports += [way(layer(HEALTHY, 1, update_ratio=9.0), 3.0), way(HEALTHY, -3.0), change(HEALTHY, trained=True)]
    said = set()
    for report in reports:
        for _, verdict in found_in(report):
            assert verdict.why.spoken(language) and verdict.phrase().spoken(language)
            said.add(verdict.key)
        for answer in report.answers:
            assert answer.said.spoken(language)
        assert report.text(language)
    assert len(said) >= 15 and said <= templates(language).keys()


def test_a_finding_gives_what_its_template_names_and_a_second_of_the_same_rank_is_refused() -> None:
    from tinygrad_init.diagnosis.findings import finding
    from tinygrad_init.diagnosis.findings.remedies import scaling

    with pytest.raises(ValueError, match="two findings of rank 0"):
        finding("signal", 0, scaling)(lambda measured: iter(()))


@pytest.mark.parametrize("seed", range(5))
def test_samples_that_are_all_the_same_spread_by_nothing(seed: int) -> None:
    """By exactly nothing: the mean of equal numbers need not be that number."""
    row = np.random.default_rng(seed).normal(size=64).astype(np.float32)
    assert describe(np.tile(row, (257, 1))).across_samples == 0
    assert describe(np.tile(row, (257, 1)) + np.eye(257, 64)).across_samples > 0
