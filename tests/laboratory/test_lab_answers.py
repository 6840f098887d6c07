"""The six questions in the Lab: whether data, output, loss and targets fit is measured once, and notes stand apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.laboratory.lab_page import Lab, fragment
from tests.laboratory.test_lab_page_words import SAY
from tinygrad_init import nn
from tinygrad_init.diagnosis import diagnosing, run
from tinygrad_init.diagnosis.judging import untold
from tinygrad_init.diagnosis.measures.fit import fit
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.experiment.given_model import Own
from tinygrad_init.laboratory.looking import measure
from tinygrad_init.laboratory.messages import frames
from tinygrad_init.laboratory.messages.config import GIVEN, Config, Data, Start, Variant
from tinygrad_init.words import LANGUAGES, templates

# 380 samples of one class and 20 of another.
POINTS = (*((i / 200, (i % 7) / 10, 0) for i in range(380)), *((-i / 20, -(i % 3) / 10, 1) for i in range(20)))
# Linear, as a whole, on data that no linear function tells apart; and its outputs are too sure of that.
LINEAR = Config(layers=(6,) * 6, activations=("identity",), starts=(Start("he"),))


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


def test_a_frame_has_the_notes_that_no_answer_tells() -> None:
    (watched,) = diagnosed(LINEAR)
    report = watched.report
    assert report is not None and report.verdict.fault and [note.key for note in untold(report)] == ["signal.sure"]
    assert watched.now(0, 1, watched.look()).notes == tuple(frames.said(note.note()) for note in untold(report))
    (watched,) = diagnosed(Config(Data("points", points=POINTS)))
    now = watched.now(0, 1, watched.look())
    assert "95% of the samples belong to class 0" in now.answers[0].sentence and now.answers[0].good
    assert now.notes == ()


TOO_SURE = {"layers": [6] * 6, "activations": ["identity"], "starts": [{"name": "he"}]}
# What is shown of a config: whether there are faults, and notes below the answers.
SHOWN: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "healthy": ({}, False, False),
    "all zero": ({"starts": [{"name": "zeros"}]}, True, False),
    "a note that an answer tells": (
        {"data": {"name": "points", "points": [list(one) for one in POINTS]}},
        False,
        False,
    ),
    "a fault and a note": (TOO_SURE, True, True),
}
# Of everything in a list that answers a question: its class, its text, the sign before it and that sign's colour.
DEFINED = """place => [...document.querySelectorAll(`#answers ${place} dd`)].map(one => {
  const sign = getComputedStyle(one, "::before");
  return [one.className, one.textContent, sign.content.replaceAll('"', ""), sign.color];
})"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("config", "faults", "notes"), SHOWN.values(), ids=SHOWN.keys())
def test_six_answers_are_shown_and_notes_apart_from_faults(
    lab: Lab, config: dict[str, Any], faults: bool, notes: bool, language: str
) -> None:
    lab.open(fragment(config, lang=language))
    lab.judged()
    now, words = lab.frame["runs"][0], templates(language)
    pretty = "async (said) => { const m = await import('/page/scale.js'); return said.map((one) => m.pretty(one)); }"
    # In the page's one notation for numbers.
    say = lambda said: lab.page.evaluate(pretty, lab.page.evaluate(SAY, [said, language]))  # noqa: E731
    shown = lab.page.evaluate(DEFINED, ".answers")
    assert [text for _, text, _, _ in shown] == say([answer["said"] for answer in now["answers"]])
    assert [kind for kind, *_ in shown] == ["good" if answer["good"] else "bad" for answer in now["answers"]]
    questions = lab.page.locator("#answers .answers dt").all_inner_texts()
    assert questions == [words[f"question.{key}"] for key in ("fit", "signal", "gradient", "units", "alive", "advice")]

    noted = lab.page.evaluate(DEFINED, ".notes")
    assert [text for _, text, _, _ in noted] == say(now["notes"])
    heads = lab.page.locator("#answers .notes dt").all_inner_texts()
    assert heads == ([words["question.notes"]] if now["notes"] else [])
    assert lab.page.locator("#answers .notes").is_visible() == bool(now["notes"])
    assert (any(kind == "bad" for kind, *_ in shown), bool(noted)) == (faults, notes)
    for at in (2, 3):  # signs and colours
        assert not {one[at] for one in noted} & {one[at] for one in shown}
    words_of_faults = [text for key, text in words.items() if key.startswith("word.")]
    assert not [word for _, text, *_ in noted for word in words_of_faults if word in text]


def test_notes_are_those_of_the_run_that_is_looked_at(lab: Lab) -> None:
    variant = {"label": "B", "activations": ["tanh"], "starts": [{"name": "xavier"}]}
    lab.open(fragment({**TOO_SURE, "variants": [variant]}))
    lab.judged()
    notes = lab.page.locator("#answers .notes")
    assert lab.page.locator("#answers .notes dd").count() == len(lab.frame["runs"][0]["notes"]) == 1
    lab.page.locator("svg.network").nth(1).click()
    lab.until(lambda: notes.is_hidden())
    assert lab.frame["runs"][1]["notes"] == []
