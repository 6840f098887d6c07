"""Networks as people reported them, each of a kind: what is said, and what to do; and healthy ones that look odd."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim, starts
from tinygrad_init.data import load
from tinygrad_init.diagnosis import Report, diagnose

DIGITS = load("digits")
X = ((DIGITS.x - DIGITS.x.mean(axis=0)) / np.maximum(DIGITS.x.std(axis=0), 1e-9)).astype(np.float32)
Y = DIGITS.y


def sgd(lr: float, **more: float) -> Any:
    return lambda parameters: optim.SGD(parameters, lr, **more)


def filled(module: Any, value: float) -> Any:
    with tgi.no_grad():
        module.weight.fill_(value)
        module.bias.fill_(0.0)
    return module


def advice(report: Report) -> str:
    return report.answers[-1].sentence


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_features_of_one_sign_kill_a_unit_of_relu(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0.1, 1, (200, 2))
    model = nn.Sequential(filled(nn.Linear(2, 1, rng=0), -0.5), nn.ReLU(), nn.Linear(1, 1, rng=1))
    found = diagnose(
        model, x, (x.sum(axis=1, keepdims=True) > 1) * 1.0, "binary_cross_entropy_with_logits", optimizer=0.5
    )
    assert found.verdict.word in ("stuck", "dead") and advice(found).startswith("Scale the inputs to mean 0")


@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy_with_logits", "mse"])
def test_what_no_linear_function_tells(hidden: tuple[int, ...], loss: str) -> None:
    """Exclusive or, with and without linear maps in a row."""
    x = np.random.default_rng(0).integers(0, 2, (200, 2)).astype(float)
    y = (x.sum(axis=1) == 1).astype(int)
    targets: Any = y if loss == "cross_entropy" else y[:, None] * 1.0
    sizes = (2, *hidden, 2 if loss == "cross_entropy" else 1)
    maps = [nn.Linear(a, b, rng=i) for i, (a, b) in enumerate(itertools.pairwise(sizes))]
    for optimizer in (None, 0.5):
        found = diagnose(nn.Sequential(*maps), x, targets, loss, optimizer=optimizer)
        assert found.verdict.word == "misfit" and "the network is linear" in found.verdict.reason
        assert ("between the linear maps" if hidden else "a hidden layer") in advice(found)
    # What a linear function tells it may learn; of several maps in a row it is worth to know.
    learnable = x[:, 0].astype(int) if loss == "cross_entropy" else x[:, :1]
    found = diagnose(nn.Sequential(*maps), x, learnable, loss)
    assert not found.verdict.fault
    assert [note.key for note in found.notes] == (["fit.no_activation"] if hidden else [])


def test_outputs_that_are_sure_of_what_they_do_not_know() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(30, 200, rng=0), nn.Tanh(), nn.Linear(200, 27, rng=1))
    for module in (model[0], model[2]):
        with tgi.no_grad():
            module.weight.copy_(rng.normal(size=module.weight.shape).astype(np.float32))
    found = diagnose(model, rng.normal(size=(500, 30)), rng.integers(0, 27, 500))
    assert found.verdict.word == "saturated"
    (note,) = [note for note in found.notes if note.key == "signal.sure"]
    assert note.numbers["times"] > 5 and note.numbers["z"] > 10


@pytest.mark.parametrize("optimizer", [sgd(0.1, weight_decay=0.5), lambda ps: optim.AdamW(ps, 1e-2, weight_decay=50.0)])
def test_weight_decay_that_outweighs_the_gradient(optimizer: Any) -> None:
    model = nn.MLP((64, 64, 64, 10), "relu", rng=0)
    found = diagnose(model, X, Y, optimizer=optimizer)
    assert found.verdict.word == "shrinking" and "weight decay" in advice(found)
    assert found.ahead is not None and found.ahead.without_decay < 0.9 * found.ahead.last
    assert diagnose(model, X, Y, optimizer=sgd(0.1, weight_decay=1e-4)).verdict.word == "healthy"


def blocks(count: int, branch: Any, readout: bool = True) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 64, rng=500), *(nn.Residual(branch(i)) for i in range(count)), nn.Linear(64, 10, rng=501)
    )


def two_maps(i: int) -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64, rng=i), nn.ReLU(), nn.Linear(64, 64, rng=100 + i))


def test_branches_that_add_up_are_not_told_to_use_residual_connections() -> None:
    model = blocks(30, two_maps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tgi.initialize(model, "he", 0)
    found = diagnose(model, X[:300], Y[:300])
    assert found.verdict.word == "exploding" and "fixup_" in advice(found) and "Use residual" not in advice(found)


class Repeated(nn.Module):
    """The same matrix again and again."""

    def __init__(self, size: float) -> None:
        self.first, self.again, self.last = nn.Linear(64, 32, rng=0), nn.Linear(32, 32, rng=1), nn.Linear(32, 10, rng=2)
        rng = np.random.default_rng(0)
        with tgi.no_grad():
            self.again.weight.copy_((size / np.sqrt(32) * rng.normal(size=(32, 32))).astype(np.float32))

    def forward(self, x: tgi.Tensor) -> tgi.Tensor:
        h = tgi.tanh(self.first(x))
        for _ in range(50):
            h = tgi.tanh(self.again(h))
        return self.last(h)


@pytest.mark.parametrize("size", [0.3, 0.5, 0.7])
def test_a_matrix_that_is_used_again_and_again(size: float) -> None:
    """Its gradient is that of all uses together: a small share of one use is no rounding error."""
    found = diagnose(Repeated(size), X[:256], Y[:256])
    assert found.verdict.key == "gradient.vanishing" and "rounding" not in found.text()
    (most, *_) = found.verdict.numbers["parts"].numbers["parts"]
    assert most.numbers["label"] == "W" and most.numbers["decades"] < -5


def test_of_what_is_not_finite_no_units_are_counted() -> None:
    model = nn.Sequential(*(filled(nn.Linear(16, 16, rng=i), 100.0) for i in range(30)), nn.Linear(16, 2, rng=99))
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        found = diagnose(model, rng.normal(size=(100, 16)), rng.integers(0, 2, 100))
    assert found.verdict.word == "exploding" and "symmetric" not in {note.word for note in found.notes}


@pytest.mark.parametrize("optimizer", [None, sgd(0.1)])
@pytest.mark.parametrize("count", [10, 30])
def test_fixup_wakes_in_the_second_step(count: int, optimizer: Any) -> None:
    model = blocks(count, two_maps)
    starts.fixup_(model, 0)
    found = diagnose(model, X[:300], Y[:300], optimizer=optimizer)
    told = {note.word for note in found.notes} - {"sharp"}  # how curved the loss is belongs to another question
    assert found.verdict.word == "healthy" and told == {"asleep", "lost"}
    assert found.zeros[1].wakes == 1 and advice(found) == "Nothing: the start is healthy."


@pytest.mark.parametrize("optimizer", [None, sgd(0.1)])
def test_a_readout_of_zeros_is_a_note(optimizer: Any) -> None:
    deep = nn.MLP((64, 64, 64, 10), "relu", rng=0)
    tgi.initialize(deep, "he", 0)
    for model in (deep, nn.Sequential(nn.Linear(64, 10, rng=0))):
        filled(model.linears()[-1] if isinstance(model, nn.MLP) else model[0], 0.0)
        found = diagnose(model, X, Y, optimizer=optimizer)
        assert found.verdict.word == "healthy" and found.notes
        assert all(answer.good for answer in found.answers)
    # What wakes later than in the second step, or never, is a fault.
    for start, activation in (("zeros", "relu"), ("zeros", "tanh"), ("zeros", "sigmoid")):
        tgi.initialize(model := nn.MLP((64, 32, 32, 32, 10), activation, rng=0), start, 0)
        assert diagnose(model, X, Y).verdict.fault


def test_of_a_network_that_has_learned_nothing_is_advised() -> None:
    model = nn.MLP((64, 64, 10), "relu", rng=0)
    tgi.train(model, X, Y, "cross_entropy", lambda ps: optim.Adam(ps, 1e-2), epochs=60, batch_size=64, rng=0)
    for optimizer in (None, lambda ps: optim.Adam(ps, 1e-3)):
        found = diagnose(model, X, Y, optimizer=optimizer)
        assert found.verdict.key == "healthy.solved" and advice(found) == "Nothing: the network has learned this batch."


def test_a_very_large_network_is_looked_at_through_some_samples() -> None:
    """Those that are missing something are among them, and as many steps are taken as are affordable."""
    model = nn.MLP((64, 5000, 600, 10), "relu", rng=0)
    found = diagnose(model, DIGITS.x * 16, Y, optimizer=0.1)
    assert found.samples < 300 and found.verdict.word == "unscaled"
    assert found.ahead is not None and 25 <= found.ahead.steps < 120
    bad = X.copy()
    bad[1501, 7] = np.nan
    with np.errstate(all="ignore"):
        found = diagnose(model, bad, Y)
    assert found.verdict.key == "not_finite.inputs" and "feature 7 of sample 1501" in found.verdict.reason


@pytest.mark.parametrize("size", [1e-3, 1e-2])
def test_inputs_may_be_too_small(size: float) -> None:
    for optimizer in (None, sgd(0.1)):
        found = diagnose(nn.MLP((64, 64, 10), "relu", rng=0), size * X, Y, optimizer=optimizer)
        assert found.verdict.key == "inputs.small" and advice(found).startswith("Scale the inputs")


def test_targets_that_are_all_the_same_teach_nothing() -> None:
    found = diagnose(nn.MLP((64, 16, 10), "relu", rng=0), X, np.full(len(X), 3), optimizer=sgd(0.1))
    assert found.verdict.key == "fit.single_class" and "class 3" in found.verdict.reason
    found = diagnose(nn.MLP((64, 16, 1), "relu", rng=0), X, np.full((len(X), 1), 3.0), "mse")
    assert found.verdict.key == "fit.constant_targets"


@pytest.mark.parametrize("shape", [(300,), (300, 1)])
def test_targets_in_a_row_and_predictions_in_a_column(shape: tuple[int, ...]) -> None:
    x = X[:300].astype(np.float64)
    model = nn.MLP((64, 16, 1), "tanh", rng=0, dtype="float64")
    found = diagnose(model, x, np.sin(x[:, 10]).reshape(shape), lambda p, y: ((p - tgi.tensor(y)) ** 2).mean())
    assert (found.verdict.key == "fit.stretched") == (shape == (300,))
    assert ("the same shape" in advice(found)) == (shape == (300,))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_of_a_network_that_has_diverged_no_targets_are_called_stretched(value: float) -> None:
    """A loss that has nothing to do with the order of its targets, and is not finite."""
    model = nn.MLP((64, 16, 1), "tanh", rng=0, dtype="float64")
    filled(model.linears()[-1], value)
    loss = lambda p, y: ((p.reshape(-1) - tgi.tensor(np.ravel(y))) ** 2).mean()  # noqa: E731
    found = diagnose(model, X[:300].astype(np.float64), X[:300, 10].astype(np.float64), loss)
    assert found.verdict.word == "exploding" and found.answers[0].good


@pytest.mark.parametrize(("p", "drowned"), [(0.97, True), (0.1, False)])
def test_dropout_that_drowns_the_signal(p: float, drowned: bool) -> None:
    model = nn.Sequential(nn.Linear(64, 64, rng=0), nn.ReLU(), nn.Dropout(p, rng=0), nn.Linear(64, 10, rng=1))
    found = diagnose(model, X, Y, optimizer=sgd(0.1))
    assert (found.verdict.key == "steps.dropout") == drowned == ("Drop fewer" in advice(found))


def test_parameters_that_no_step_moves_are_named() -> None:
    frozen, other = (nn.MLP((64, 32, 10), "relu", rng=0) for _ in range(2))
    frozen.linears()[0].weight.requires_grad = False
    for model, rule, names in (
        (frozen, sgd(0.1), ("layers.0.weight",)),
        (other, optim.SGD(other.linears()[1].parameters(), 0.1), ("layers.0.weight", "layers.0.bias")),
    ):
        found = diagnose(model, X, Y, optimizer=rule)
        (note,) = found.notes
        assert note.key == "steps.unmoved" and note.numbers["names"] == names


def test_a_handful_of_samples_may_show_chance() -> None:
    found = diagnose(nn.MLP((64, 16, 10), "relu", rng=0), X[:5], Y[:5])
    assert [note.key for note in found.notes] == ["fit.few"]
