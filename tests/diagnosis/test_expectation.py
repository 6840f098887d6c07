"""Theory beside measurement."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Report, diagnose

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 40)), RNG.integers(0, 3, 100)


def report(activation: str, start: str, seed: int, depth: int = 8, width: int = 60) -> Report:
    model = nn.MLP((40, *(width,) * depth, 3), activation, rng=0)
    tgi.initialize(model, start, seed)
    return diagnose(model, X, Y)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu", "selu"])
@pytest.mark.parametrize("start", ["xavier", "he", "large", "orthogonal"])
def test_random_networks_lie_where_theory_expects_them(activation: str, start: str) -> None:
    """Within three standard deviations at every layer, in at least 19 of 20 profiles."""
    found = [prediction.departs for seed in range(10) for prediction in report(activation, start, seed).predictions]
    assert len(found) == 20 and sum(departs is not None for departs in found) <= 1


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_constant_weights_depart_from_it(activation: str) -> None:
    forward, backward = report(activation, "constant", 0).predictions
    assert forward.departs is not None and backward.departs is not None
    assert f"departs from theory at layer {forward.departs}" in str(forward)


def test_the_layer_is_the_one_that_is_not_random() -> None:
    """The activations of ReLU have a mean, which weights of one sign add up."""
    model = nn.MLP((40, *(60,) * 8, 3), "relu", rng=0)
    tgi.initialize(model, "he", 0)
    with tgi.no_grad():
        model.linears()[4].weight.fill_(0.2)
    assert diagnose(model, X, Y).predictions[0].departs == 5


def test_bands_are_as_wide_as_networks_differ() -> None:
    """ReLU, He: Var ln|z_L|² is 5L/n and a little, so half of thirty networks lie within two thirds of a deviation."""
    found = [report("relu", "he", seed, depth=10, width=30) for seed in range(30)]
    logs = np.log([[layer.z.rms for layer in one.layers[:-1]] for one in found])
    band = np.log(found[0].predictions[0].high[:-1]) - np.log(found[0].predictions[0].low[:-1])
    theory = band / 6  # six deviations wide
    ratio = np.std(logs, axis=0)[4:] / theory[4:]
    assert np.all((ratio > 0.5) & (ratio < 1.5))


def test_there_is_none_for_what_the_theory_does_not_know() -> None:
    conv = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3, rng=0))
    assert diagnose(conv, RNG.normal(size=(9, 1, 4, 4)), RNG.integers(0, 3, 9)).predictions == ()


def test_a_report_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip("plotly")
    from tinygrad_init.diagnosis.showing.schema import schema

    jsonschema.Draft202012Validator.check_schema(schema())
    for start, activation in itertools.product(("zeros", "he", "large"), ("relu", "sigmoid")):
        found = report(activation, start, 0, depth=3, width=5)
        loaded = json.loads(found.to_json())
        jsonschema.validate(loaded, schema())
        assert [answer["question"] for answer in loaded["answers"]] == [
            "Do data, output, loss and targets fit?",
            "Does the signal arrive?",
            "Does the gradient arrive?",
            "Are the units different?",
            "Are they alive?",
            "What should I do?",
        ]
        text, page = " ".join(str(found).split()), found.to_html()
        assert loaded["verdict"]["word"] in {
            finding.word for answer in found.answers for finding in answer.findings
        } | {"healthy"}
        for answer in found.answers:
            assert " ".join(answer.sentence.split()) in text
            assert answer.question in page and answer.question in found._repr_html_()
        assert len(found.figure().axes) == 6


def test_the_published_schema_is_the_one_of_the_code() -> None:
    from tinygrad_init.diagnosis.showing.schema import schema

    from ..test_docs import ROOT

    assert json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8")) == schema()


def test_numbers_that_are_not_finite_are_reported_not_spread() -> None:
    model = nn.MLP((40, 8, 8, 8, 3), "relu", rng=0)
    tgi.initialize(model, "he", 0)
    with tgi.no_grad():
        model.linears()[1].weight[0, 0] = math.inf
    found: Any = diagnose(model, X, Y)
    assert (found.verdict.word, found.verdict.layer) == ("exploding", 2)
    assert "layers.2 is no longer finite" in found.verdict.reason
    assert found.layers[0].z.not_finite == 0 and 0 < found.layers[1].z.not_finite < 1
    assert math.isfinite(found.layers[1].z.rms)
    json.loads(found.to_json())
    assert found.answers[1].sentence.startswith("No, exploding at layer 2")
