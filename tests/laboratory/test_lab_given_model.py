"""The Lab with somebody's own model and data: exact, undisturbed, and measured as the library measures."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.experiment.given_model import Own
from tinygrad_init.laboratory.looking.describe import run_of
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.looking.selection import detail
from tinygrad_init.laboratory.looking.weight_paths import weight_paths
from tinygrad_init.laboratory.messages.config import Config, Data, Edit, Start, Variant
from tinygrad_init.laboratory.messages.message_schema import Invalid
from tinygrad_init.laboratory.serving.export import export

MOONS, DIGITS = tgi.data.moons(120, 0.1, 0), tgi.data.digits()
PIXELS, LABELS = DIGITS.x[:150] / 16, DIGITS.y[:150]


class Counts(nn.Module):
    """A module with a memory of its own, which every pass in training changes and reads."""

    def __init__(self) -> None:
        self.scale = nn.Buffer(np.ones(1), "float32")

    def forward(self, x: Any) -> Any:
        if self.training:
            with tgi.no_grad():
                self.scale.copy_(self.scale.numpy() * 0.9)
        return x * self.scale


class OneActivation(nn.Module):
    """Two layers share an activation, and are defined in another order than they are called."""

    def __init__(self) -> None:
        self.last, self.act = nn.Linear(8, 2, rng=0), nn.Tanh()
        self.second, self.first = nn.Linear(8, 8, rng=1), nn.Linear(2, 8, rng=2)

    def forward(self, x: Any) -> Any:
        return self.last(self.act(self.second(self.act(self.first(x)))))


def frozen() -> nn.Module:
    model = nn.MLP([2, 8, 8, 2], "relu", rng=0)
    vars(nn.linear_maps(model)[0][0])["weight"].requires_grad = False
    return model


class WithFunctions(nn.Module):
    def __init__(self) -> None:
        self.first, self.second = nn.Linear(64, 12, rng=0), nn.Linear(12, 10, rng=1)

    def forward(self, x: Any) -> Any:
        return self.second(tgi.relu(self.first(x)))


CASES: dict[str, Callable[[], tuple[nn.Module, Any, Any, Any]]] = {
    "float32": lambda: (nn.MLP([2, 8, 8, 2], "tanh", rng=0), MOONS.x, MOONS.y, "cross_entropy"),
    "one output": lambda: (nn.MLP([2, 8, 1], "tanh", rng=0), MOONS.x, MOONS.y, "binary_cross_entropy_with_logits"),
    "a regression": lambda: (nn.MLP([2, 8, 1], "tanh", rng=0), MOONS.x, MOONS.x[:, :1], "half_squared_error"),
    "a loss of one's own": lambda: (WithFunctions(), PIXELS, LABELS, lambda p, y: 2 * tgi.cross_entropy(p, y)),
    "chance and averages": lambda: (
        nn.Sequential(
            nn.Linear(64, 12, rng=0), nn.BatchNorm(12), nn.ReLU(), nn.Dropout(0.3, rng=3), nn.Linear(12, 10, rng=1)
        ),
        PIXELS, LABELS, "cross_entropy",
    ),
    "a memory": lambda: (
        nn.Sequential(nn.Linear(2, 8, rng=0), Counts(), nn.Tanh(), nn.Linear(8, 2, rng=1)),
        MOONS.x, MOONS.y, "cross_entropy",
    ),
    "one activation for two": lambda: (OneActivation(), MOONS.x, MOONS.y, "cross_entropy"),
    "frozen": lambda: (frozen(), MOONS.x, MOONS.y, "cross_entropy"),
    "numbers": lambda: (nn.MLP([2, 8, 1], "tanh", rng=0), MOONS.x, np.arange(120) + 50, "half_squared_error"),
    "convolutions": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 6, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10, rng=1)
        ),
        PIXELS.reshape(-1, 1, 8, 8), LABELS, "cross_entropy",
    ),
}  # fmt: skip


def began(own: Own, config: Config) -> Config:
    """A config of a model as it came."""
    return replace(config, starts=(Start("given"),), layers=())


def state(experiment: Experiment) -> list[bytes]:
    return [array.tobytes() for array in experiment.runs[0].save().arrays]


@pytest.mark.parametrize("name", CASES)
def test_ones_own_model_trains_goes_back_exactly_and_is_not_disturbed_by_looks(name: str) -> None:
    own = Own(*CASES[name]())
    config = began(own, Config(Data(test=0.2), lr=0.1, batch=32, optimizer="momentum"))
    quiet = Experiment(config, own)
    states = [state(quiet)]
    for _ in range(12):
        quiet.advance()
        states.append(state(quiet))
    experiment = Experiment(config, own)
    experiment.most_checkpoints = 3
    watched = watch(experiment)[0]
    for step in (12, 5, 11, 0, 12):
        experiment.back(step)
        while experiment.step < step:
            experiment.advance()
            watched.diagnose(experiment.step)
            watched.now(experiment.step, 1, watched.look())
        assert state(experiment) == states[step]


@pytest.mark.parametrize("name", CASES)
def test_what_is_seen_of_ones_own_model_is_what_the_library_measures(name: str) -> None:
    model, x, y, loss = CASES[name]()
    own = Own(model, x, y, loss)
    experiment = Experiment(began(own, Config()), own)
    watched = watch(experiment)[0]
    now = watched.now(0, 1, watched.look())
    order = np.random.default_rng([0, 0]).permutation(len(x))[:256]
    target = experiment.samples.target[:256]
    report = tgi.diagnose(CASES[name]()[0], np.asarray(x)[order], target, loss)
    assert now.loss == pytest.approx(report.loss, rel=1e-5)
    for layer, expected in zip(now.layers, report.layers, strict=True):
        assert (layer.units, layer.distinct) == (expected.units, len(expected.distinct))
        assert layer.z == pytest.approx(expected.z.rms, rel=1e-4)
        assert layer.a == pytest.approx(expected.a.rms, rel=1e-4)
        assert layer.dz == pytest.approx(expected.dz.rms, rel=1e-3)
        assert (layer.saturated, layer.dead) == (expected.saturated, expected.dead_share)
        count = watched.linears[now.layers.index(layer)].weight.size
        assert 10**layer.dw == pytest.approx(expected.dw.rms * count**0.5, rel=1e-3)
    assert [layer.name for layer in experiment.runs[0].layers] == [layer.activation for layer in report.layers]
    assert (now.map is None) == (np.shape(x)[1:] != (2,))
    assert (now.accuracy is None) == (name in ("a regression", "numbers"))


def test_the_map_lies_where_the_samples_lie() -> None:
    """Far from the origin and in other units, the picture is the same."""
    pictures = []
    for scale, shift in ((1.0, 0.0), (100.0, 5000.0)):
        model = nn.MLP([2, 6, 2], "tanh", rng=0, dtype="float64")
        first = nn.linear_maps(model)[0][0]
        with tgi.no_grad():
            weight = first.weight.numpy() / scale
            first.weight.copy_(weight)
            first.bias.copy_(-weight @ np.full(2, shift))
        own = Own(model, MOONS.x * scale + shift, MOONS.y, "cross_entropy")
        experiment = Experiment(began(own, Config()), own)
        found = watch(experiment)[0].pictures.map()
        assert found is not None and experiment.samples.plane is not None
        assert np.abs(experiment.samples.plane).max() == pytest.approx(1)
        pictures.append(np.frombuffer(found.values, np.uint8).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_starts_edits_and_variants_of_ones_own_model() -> None:
    own = Own(*CASES["float32"]())
    begin = began(own, Config(edits=(Edit(0, 0, 1, 2, 3, 0.5),), variants=(Variant("he", None, (Start("he"),)),)))
    given, he = Experiment(begin, own).runs
    weights = own.model.state_dict()
    assert all(np.array_equal(given.model.state_dict()[name], weights[name]) for name in weights if name[7] != "2")
    assert given.model.state_dict()["layers.2.weight"][2, 3] == 0.5
    assert not np.array_equal(he.model.state_dict()["layers.0.weight"], weights["layers.0.weight"])
    bias = Experiment(began(own, Config(edits=(Edit(0, 0, 0, 3, None, 0.5),))), own).runs[0].model.state_dict()
    assert bias["layers.0.bias"][3] == 0.5
    for bad in (Edit(0, 0, 3, 0, 0, 1.0), Edit(0, 2, 0, 0, 0, 1.0), Edit(0, 0, 0, 8, 0, 1.0), Edit(0, 0, 0, 0, 2, 1.0)):
        with pytest.raises(Invalid, match="expected a"):
            Experiment(Config(starts=(Start("given"),), layers=(), edits=(bad,)), own)
    with pytest.raises(Invalid, match="no model that was given"):
        Experiment(Config(starts=(Start("given"),)))
    experiment = Experiment(begin, own)
    assert export(experiment, watch(experiment), "csv").text.startswith("step,A,he")
    with pytest.raises(Invalid, match="a model of your own"):
        export(experiment, watch(experiment), "python")


def test_what_is_frozen_stays_while_the_rest_learns() -> None:
    own = Own(*CASES["frozen"]())
    experiment = Experiment(began(own, Config(lr=0.5)), own)
    before = copy.deepcopy(experiment.runs[0].model.state_dict())
    for _ in range(5):
        experiment.advance()
    after = experiment.runs[0].model.state_dict()
    assert [name for name in before if np.array_equal(before[name], after[name])] == ["layers.0.weight"]


def test_a_batch_of_one_is_refused_where_batch_normalization_is() -> None:
    own = Own(*CASES["chance and averages"]())
    with pytest.raises(Invalid, match="needs 2 samples"):
        Experiment(began(own, Config(batch=149)), own)


def test_flattened_channels_have_no_single_edges() -> None:
    own = Own(*CASES["convolutions"]())
    experiment = Experiment(began(own, Config()), own)
    watched = watch(experiment)[0]
    watched.diagnose(0)
    layers = run_of(experiment.runs[0], watched.pictures.columns).layers
    assert [(layer.inputs, layer.single) for layer in layers] == [(1, False), (6, False)]
    found = detail(watched, watched.look(), 1, 4, 5)
    assert (found.unit, found.input) == (4, None) and found.weight is not None
    assert found.weight.value == experiment.runs[0].layers[1].linear.bias.numpy()[4]
    with pytest.raises(Invalid, match="only dense layers"):
        weight_paths(watched, 0, 0, 0, 0)


def test_a_model_whose_tensors_are_put_together_has_a_verdict_but_no_paths() -> None:
    own = Own(Gated(), MOONS.x, MOONS.y, "cross_entropy")
    experiment = Experiment(began(own, Config()), own)
    watched = watch(experiment)[0]
    watched.diagnose(0)
    now = watched.now(0, 1, watched.look())
    assert now.verdict is not None and len(now.layers) == 3
    labels = [[factor.label for factor in detail(watched, watched.look(), i, 0, 1).factors] for i in (0, 1)]
    assert "tanh'" in labels[0] and "mul" in labels[0] and "sigmoid'" in labels[1]
    with pytest.raises(Invalid, match="layers follow one another"):
        weight_paths(watched, 0, 0, 0, 0)


def test_a_model_that_cannot_be_opened_is_shown_without_a_verdict() -> None:
    own = Own(Cut(), MOONS.x, MOONS.y, "cross_entropy")
    experiment = Experiment(began(own, Config()), own)
    watched = watch(experiment)[0]
    watched.diagnose(0)
    now = watched.now(0, 1, watched.look())
    assert now.verdict is None and now.report_step == 0 and len(now.layers) == 3
    assert "There is no verdict" in str(experiment.runs[0].notes[0])


class Gated(nn.Module):
    def __init__(self) -> None:
        self.one, self.other, self.end = nn.Linear(2, 6, rng=0), nn.Linear(2, 6, rng=1), nn.Linear(6, 2, rng=2)

    def forward(self, x: Any) -> Any:
        return self.end(tgi.tanh(self.one(x)) * tgi.sigmoid(self.other(x)))


class Cut(Gated):
    """The last layer alone learns: what it gets is taken out of the graph."""

    def forward(self, x: Any) -> Any:
        return self.end((self.one(x) + self.other(x)).detach())
