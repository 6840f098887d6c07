"""The six questions in the Lab: whether data, output, loss and targets fit is measured once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import diagnosing, run
from tinygrad_init.diagnosis.measures.fit import fit
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.experiment.given_model import Own
from tinygrad_init.laboratory.looking import measure
from tinygrad_init.laboratory.messages.config import GIVEN, Config, Data, Start, Variant

# 380 samples of one class and 20 of another.
POINTS = (*((i / 200, (i % 7) / 10, 0) for i in range(380)), *((-i / 20, -(i % 3) / 10, 1) for i in range(20)))


def diagnosed(config: Config, steps: int = 0) -> list[measure.Watched]:
    experiment = Experiment(config)
    for _ in range(steps):
        experiment.advance()
    watched = measure.watch(experiment)
    for each in watched:
        each.diagnose(steps)
    return watched


def test_the_fit_is_measured_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame and no later report measures it again, and every report answers by it."""
    measured: list[Any] = []
    monkeypatch.setattr(measure, "fit", lambda *given: measured.append(fit(*given)) or measured[-1])
    monkeypatch.setattr(diagnosing, "fit", lambda *given: pytest.fail("measured with a report"))
    experiment = Experiment(Config(variants=(Variant("b", ("identity",)),)))
    watched = measure.watch(experiment)
    for step in range(4):
        for i, each in enumerate(watched):
            each.now(step, 1, each.look())
            each.diagnose(step)
            assert each.report is not None and each.report.fit is measured[i]
        experiment.advance()
    assert len(measured) == 2 and [one.linear for one in measured] == [False, True]
    answers = [each.now(4, 1, each.look()).answers[0] for each in watched]
    assert [(answer.key, answer.good) for answer in answers] == [("fit", True), ("fit", False)]


@pytest.mark.parametrize("data", [Data("points", points=POINTS, test=0.2), Data("digits", 700, test=0.3)])
def test_the_fit_is_that_of_all_samples_that_are_trained_on(data: Data) -> None:
    (watched,) = diagnosed(Config(data))
    samples, report = watched.samples, watched.report
    assert report is not None and len(samples.x) > 256 and len(samples.test.x)
    network = run(watched.run.model, samples.x, samples.target, watched.run.loss)
    assert report.fit == fit(network, samples.x, samples.target)
    assert report.fit.class_shares == pytest.approx(np.bincount(samples.y) / len(samples.y))
    assert report.fit.class_shares != pytest.approx(np.bincount(samples.y[:256]) / 256)


def test_what_a_network_that_has_diverged_hides_is_told_later() -> None:
    """That a loss takes targets in a row for something else than in a column shows by its numbers alone."""
    moons = tgi.data.moons(60, 0.1, 0)
    own = Own(nn.MLP([2, 8, 1], "tanh", rng=0), moons.x, moons.x[:, 0], lambda p, y: ((p - tgi.tensor(y)) ** 2).mean())
    experiment = Experiment(replace(Config(), starts=(Start(GIVEN),), layers=()), own)
    (watched,) = measure.watch(experiment)
    kept = experiment.runs[0].save()
    with tgi.no_grad():
        for parameter in experiment.runs[0].parameters:
            parameter.copy_(np.full(parameter.shape, np.nan, np.float32))
    keys = []
    for step in range(2):
        watched.diagnose(step)
        assert watched.report is not None
        keys.append([finding.key for finding in watched.report.answers[0].findings])
        experiment.runs[0].load(kept)
    assert keys == [[], ["fit.stretched"]]
