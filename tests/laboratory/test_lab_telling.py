"""What the Lab says of a run: advice never names what is already so."""

from __future__ import annotations

import itertools

import pytest

from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.messages.config import Config, Data, Start
from tinygrad_init.laboratory.messages.frames import RunNow


def told(config: Config) -> RunNow:
    """The first run of a config at its start, diagnosed."""
    experiment = Experiment(config)
    watched = watch(experiment)[0]
    watched.diagnose(0)
    return watched.now(0, experiment.stride, watched.look())


def test_what_is_clipped_is_not_told_to_be_clipped() -> None:
    starts = (Start("normal", sigma_w=4.0),)
    config = Config(layers=(12,) * 10, activations=("relu",), starts=starts, lr=0.05)
    advised = {clip: told(Config(**{**vars(config), "clip": clip})).answers[-1].sentence for clip in (0.0, 1.0)}
    assert "clip" in advised[0.0] and "clip" not in advised[1.0]
    assert "He's start" in advised[0.0] and "He's start" in advised[1.0]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (2, 3))])
def test_a_start_that_is_there_is_not_advised(seed: int) -> None:
    names = {"relu": ("he", "He's start"), "tanh": ("xavier", "Xavier's start")}
    dead = 0
    for (activation, (name, words)), depth in itertools.product(names.items(), (4, 24)):
        for uniform in ("",) if depth > 4 else ("_uniform",):
            starts = (Start(name + uniform),)
            config = Config(Data("moons", 60), layers=(6,) * depth, activations=(activation,), starts=starts, seed=seed)
            found = told(config)
            assert words not in found.answers[-1].sentence
            dead += found.verdict is not None and found.verdict.word != "healthy"
    assert dead  # there was something to advise


def test_of_weights_that_are_not_finite_nobody_says_how_many_differ() -> None:
    experiment = Experiment(
        Config(Data("hills", 40), layers=(4, 4), loss="half_squared_error", activations=("identity",), lr=1000.0)
    )
    watched = watch(experiment)[0]
    while experiment.step < 30:
        experiment.advance()
    layers = watched.now(experiment.step, experiment.stride, watched.look()).layers
    assert any(layer.not_finite for layer in layers)
    assert all((layer.distinct is None) == bool(layer.not_finite) for layer in layers)
