"""What the page that is one file says of a network: word for word and number for number what the library says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.laboratory.single_page import SinglePage, opened
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import Watched
from tinygrad_init.laboratory.looking.phases import phase
from tinygrad_init.laboratory.looking.selection import with_detail
from tinygrad_init.laboratory.messages.config import Config, Data, Start
from tinygrad_init.laboratory.messages.protocol import Select
from tinygrad_init.laboratory.messages.wire import plain
from tinygrad_init.laboratory.serving.grid import config_of

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)


PHASE = """activation => new Promise(done => {
  labHost.worker.addEventListener("message", function hear({ data }) {
    const message = JSON.parse(data);
    if (message.type !== "phase") return;
    labHost.worker.removeEventListener("message", hear);
    done(message);
  });
  labHost.send(JSON.stringify({ type: "phase", activation }));
})"""


def normal(sigma_w: float) -> Start:
    return Start("normal", sigma_w=sigma_w)


def of(activation: str, depth: int, start: Start | str, stack: str = "plain", **changes: Any) -> Config:
    chosen = Start(start) if isinstance(start, str) else start
    return replace(config_of(activation, depth, 6, stack), starts=(chosen,), **changes)


CHAIN = replace(config_of("identity", 10, 1, "plain"), starts=(Start("constant", constant=0.25),))
# Experiment, step, and what is said.
CASES = (
    (of("sigmoid", 10, "xavier"), 0, "gradient.vanishing"),
    (of("tanh", 10, "small"), 5, "gradient.vanishing"),
    (of("relu", 10, normal(4.0)), 0, "gradient.exploding"),
    (of("relu", 3, normal(8.0)), 0, "signal.growing"),
    (of("relu", 3, normal(3.0)), 0, "signal.loud"),
    (of("tanh", 10, normal(8.0)), 0, "alive.saturated"),
    (of("relu", 10, "orthogonal"), 0, "alive.dead"),
    (of("relu", 10, "he", seed=1), 0, "gradient.stuck"),
    (of("tanh", 3, Start("constant", constant=0.3)), 0, "units.symmetric"),
    (of("tanh", 3, Start("constant", constant=0.3)), 20, "units.symmetric"),
    (of("sigmoid", 3, "zeros"), 0, "units.symmetric"),
    (of("sigmoid", 3, Start("zeros", sigma_b=1.0)), 0, "gradient.asleep"),
    (of("relu", 3, "zeros", "residual", data=Data("xor"), lr=3.0), 1, "units.symmetric"),
    (of("relu", 10, Start("zeros", sigma_b=1.0), "batch"), 0, None),
    (replace(CHAIN, starts=(Start("constant", constant=2.0),), lr=1000.0), 4, "not_finite.output"),
    (of("tanh", 10, "xavier"), 0, "healthy"),
    (of("tanh", 3, "xavier", "layer", data=Data("spirals")), 3, "healthy"),
    (of("tanh", 3, "orthogonal", data=Data("moons"), lr=1.0), 90, "healthy.solved"),
    (CHAIN, 0, "fit.linear"),
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(single_file_of_tests: Path, chromium: Any) -> Iterator[SinglePage]:
    with opened(single_file_of_tests, chromium) as lab:
        yield lab


def same(mine: Any, theirs: Any) -> bool:
    """Whether two answers are the same but for what compilers do to the last digits."""
    if isinstance(theirs, dict):
        return isinstance(mine, dict) and mine.keys() == theirs.keys() and all(same(mine[k], theirs[k]) for k in mine)
    if isinstance(theirs, list):
        return isinstance(mine, list) and len(mine) == len(theirs) and all(map(same, mine, theirs))
    if isinstance(theirs, float | int) and not isinstance(theirs, bool):
        return isinstance(mine, float | int) and math.isclose(mine, theirs, rel_tol=1e-6, abs_tol=1e-9)
    return bool(mine == theirs)


@pytest.mark.parametrize(("config", "step", "key"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_it_says_what_the_library_says(lab: SinglePage, config: Config, step: int, key: str | None) -> None:
    experiment = Experiment(config)
    watched = Watched(experiment.runs[0])
    for _ in range(step):
        experiment.advance()
    watched.diagnose(step)
    unit = 0 if config.layers[0] == 1 else 2
    select = Select("select", 0, 1, unit, unit)
    look = watched.look()
    theirs = plain(with_detail(watched.now(step, 1, look), watched, look, select), None)
    mine = lab.ask(config, step, {"run": 0, "layer": 1, "unit": unit, "input": unit})
    verdict = {name: theirs["verdict"][name] for name in ("word", "layer", "why")}
    assert same({name: mine["verdict"][name] for name in verdict}, verdict), (mine["verdict"], verdict)
    assert key is None or verdict["why"]["key"] == key
    assert mine["report_step"] == step
    # What to do instead, the sixth question, is the installed Lab's.
    answers = {one["key"]: (one["good"], one["said"]) for one in theirs["answers"] if one["key"] != "advice"}
    assert [one["key"] for one in mine["answers"]] == list(answers)
    for one in mine["answers"]:
        assert same([one["good"], one["said"]], list(answers[one["key"]])), (one, answers[one["key"]])
    # So are notes on number formats.
    notes = [note for note in theirs["notes"] if "precision." not in json.dumps(note)]
    assert same(mine["notes"], notes), (mine["notes"], notes)
    if math.isfinite(watched.report.loss):
        for name in (
            "dw",
            "z",
            "a",
            "dz",
            "saturated",
            "dead",
            "dead_units",
            "not_finite",
            "distinct",
            "units",
            "theory_z",
            "theory_dz",
        ):
            assert same([layer[name] for layer in mine["layers"]], [layer[name] for layer in theirs["layers"]]), name
        assert same(mine["detail"]["weight"], theirs["detail"]["weight"])
        assert same(mine["detail"]["into"], theirs["detail"]["into"])
        spectra = mine["detail"]["spectrum"], theirs["detail"]["spectrum"]
        for name in ("singular", "growth"):
            assert same(*(one[name] for one in spectra)), name
        pairs = (np.sort_complex(np.round([complex(*pair) for pair in one["eigenvalues"]], 9)) for one in spectra)
        np.testing.assert_allclose(*pairs, rtol=1e-6, atol=1e-9)
        assert [one["counts"] for one in mine["detail"]["histograms"].values()] == [
            one["counts"] for one in theirs["detail"]["histograms"].values()
        ]
        names = ("kind", "label", "name", "layer", "finite")
        mine_, theirs_ = mine["detail"]["factors"], theirs["detail"]["factors"]
        assert [[one[n] for n in names] for one in mine_] == [[one[n] for n in names] for one in theirs_]


def test_the_phase_diagram_is_the_servers(lab: SinglePage) -> None:
    config = of("tanh", 3, normal(2.0), seed=1)
    watched = Watched(Experiment(config).runs[0])
    lab.ask(config)
    for name in ("tanh", "identity"):
        assert same(plain(lab.page.evaluate(PHASE, name)), plain(phase(name, [watched], 0))), name


def test_the_factors_of_a_weight_multiply_to_its_gradient(lab: SinglePage) -> None:
    for stack in ("plain", "batch", "layer", "residual"):
        for input in (None, 4):
            selected = {"run": 0, "layer": 1, "unit": 2} | ({} if input is None else {"input": input})
            run = lab.ask(of("tanh", 3, "he", stack), 7, selected)
            product = sum(factor["log10"] for factor in run["detail"]["factors"])
            gradient = run["layers"][1]["dw"] if input is None else math.log10(abs(run["detail"]["weight"]["gradient"]))
            assert product == pytest.approx(gradient, abs=1e-12), (stack, input)


def test_each_zero_start_wakes_in_the_step_that_was_said(lab: SinglePage) -> None:
    """The forecast of the sentence, against the training itself."""
    config = of("sigmoid", 3, Start("zeros", sigma_b=1.0))
    said = lab.ask(config)["verdict"]["why"]["numbers"]
    woken: dict[int, int] = {}
    for step in range(6):
        for i, layer in enumerate(lab.ask(config, step)["layers"], 1):
            if layer["dw"] is not None:
                woken.setdefault(i, step + 1)
    assert said["layers"] == [1, 2, 3] and woken[4] == 1
    assert woken[3] == said["step"] and woken[1] == said["others"]["numbers"]["step"]


def test_the_sentence_stands_on_the_page_in_both_languages(single_file_of_tests: Path, chromium: Any) -> None:
    experiment = Experiment(of("sigmoid", 10, "xavier"))
    watched = Watched(experiment.runs[0])
    watched.diagnose(0)
    why = watched.report.verdict.why
    with opened(single_file_of_tests, chromium) as lab:
        for code, phase, button in (("en", "At the start, a forecast:", "English"), ("zh", "开始时（预测）：", "中文")):
            lab.page.get_by_role("button", name=button).tap()
            pretty = lab.page.evaluate("text => modules['scale.js'].pretty(text)", why.spoken(code))
            lab.until(f"document.querySelector('#verdict').innerText.includes({pretty!r})")
            assert phase in lab.words("#verdict")
        lab.page.get_by_role("button", name="一步", exact=True).tap()
        lab.until("store.frame.runs[0].report_step === 1")
        assert "训练中，第 1 步" in lab.words("#verdict")
