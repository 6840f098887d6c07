"""Do data, output, loss and targets fit? Kinds of mistakes that no start can mend, and what is no mistake."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Report, diagnose
from tinygrad_init.diagnosis.measures.fit import class_shares, features

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 8))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=300) > 0).astype(int) + (X[:, 1] > 0.5)
COLUMN = (X[:, :1] > 0).astype(float)
CURVE = np.tanh(X[:, :1]) + 0.1 * X[:, 1:2]


class Softmax(nn.Module):
    """As people write it: a module of their own."""

    def forward(self, x: Any) -> Any:
        return tgi.softmax(x)


class InForward(nn.Module):
    """Or in the forward function."""

    def __init__(self, outputs: int, logs: bool = False) -> None:
        self.first, self.act, self.last = nn.Linear(8, 16, rng=0), nn.ReLU(), nn.Linear(16, outputs, rng=1)
        self.logs = logs

    def forward(self, x: Any) -> Any:
        out = self.last(self.act(self.first(x)))
        return tgi.log_softmax(out) if self.logs else tgi.softmax(out)


def net(outputs: int, *end: nn.Module) -> nn.Module:
    return nn.Sequential(nn.MLP((8, 16, outputs), "tanh", rng=0), *end)


def keys(report: Report) -> list[str]:
    return [finding.key for finding in report.answers[0].findings]


@pytest.mark.parametrize("model", [net(3, Softmax()), InForward(3)], ids=["a module", "in forward"])
def test_softmax_before_cross_entropy_has_a_floor(model: nn.Module) -> None:
    """Probabilities lie within 1 of each other: ln(1 + (n - 1)/e) is the least that is left, however long it trains."""
    found = diagnose(model, X, LABELS)
    assert found.verdict.word == "misfit" and keys(found) == ["fit.twice"]
    floor = math.log(1 + 2 / math.e)
    assert found.verdict.numbers["floor"] == pytest.approx(floor, rel=1e-12)
    best = tgi.cross_entropy(tgi.tensor(np.eye(3)[LABELS], "float64"), LABELS).item()
    assert best == pytest.approx(floor, rel=1e-9)
    assert "Leave softmax out" in found.answers[-1].sentence


def test_logarithms_of_probabilities_are_logits_too() -> None:
    assert diagnose(InForward(3, logs=True), X, LABELS).answers[0].good


@pytest.mark.parametrize("ones", [0.5, 0.2])
def test_sigmoid_before_a_loss_of_logits_has_a_floor(ones: float) -> None:
    y = (np.arange(300) < 300 * ones).astype(float)[:, None]
    found = diagnose(net(1, nn.Sigmoid()), X, y, "binary_cross_entropy_with_logits")
    best = tgi.binary_cross_entropy_with_logits(
        tgi.tensor(y, "float64"), y
    ).item()  # probabilities that are right, as logits
    assert found.verdict.key == "fit.twice" and found.verdict.numbers["floor"] == pytest.approx(best, rel=1e-3)


def test_softmax_of_one_unit_says_nothing() -> None:
    found = diagnose(net(1, Softmax()), X, COLUMN, "binary_cross_entropy_with_logits")
    assert found.verdict.key == "fit.one_softmax" and "one output a class" in found.answers[-1].sentence


def test_logits_that_are_cut_off_on_one_side() -> None:
    assert diagnose(net(3, nn.ReLU()), X, LABELS).verdict.key == "fit.half"


@pytest.mark.parametrize(
    "end",
    [
        nn.Softplus(), nn.ELU(), nn.GELU(), nn.LeakyReLU(), nn.PReLU(), nn.Identity(), nn.LayerNorm(3), nn.BatchNorm(3),
        nn.Residual(nn.Linear(3, 3, rng=0)),
    ],
    ids=lambda end: type(end).__name__,
)  # fmt: skip
def test_an_end_through_which_every_difference_of_logits_can_come_is_none(end: nn.Module) -> None:
    """Only differences count, the gradient passes, or what is bounded is learned."""
    assert diagnose(net(3, end), X, LABELS).answers[0].good
    # A bound further down is none of the output.
    inside = nn.Sequential(nn.Linear(8, 3, rng=0), nn.Sigmoid(), nn.Residual(nn.Linear(3, 3, rng=1)))
    assert diagnose(inside, X, LABELS).answers[0].good


@pytest.mark.parametrize(
    ("name", "scale", "fits"),
    [("relu", 1.0, False), ("tanh", 1.5, False), ("tanh", 0.5, True), ("sigmoid", 1.0, False), ("identity", 9.0, True)],
)
def test_a_bounded_output_must_reach_the_targets(name: str, scale: float, fits: bool) -> None:
    found = diagnose(net(1, nn.Activation(name)), X, scale * CURVE, "mse")
    assert found.answers[0].good == fits
    if not fits:
        assert found.verdict.key == "fit.bounded" and f"Leave {name} out" in found.answers[-1].sentence


def test_probabilities_that_are_compared_with_probabilities_fit() -> None:
    assert diagnose(net(1, nn.Sigmoid()), X, COLUMN, "mse").answers[0].good
    assert diagnose(net(3, Softmax()), X, np.eye(3)[LABELS], "mse").answers[0].good


@pytest.mark.parametrize(
    ("mean", "std", "key"),
    [
        (180_000.0, 60_000.0, "fit.targets_large"),
        (0.0, 40.0, "fit.targets_large"),
        (0.0, 1e-4, "fit.targets_small"),
        (15.0, 0.5, "fit.targets_off_centre"),
        (0.0, 1.0, ""),
        (3.0, 1.0, ""),
        (0.5, 0.2, ""),
    ],
)
def test_targets_far_from_1_are_told(mean: float, std: float, key: str) -> None:
    y = mean + std * (CURVE - CURVE.mean()) / CURVE.std()
    found = diagnose(nn.MLP((8, 32, 1), "relu", rng=0), X, y, "mse")
    assert keys(found) == ([key] if key else [])
    if key:
        assert found.verdict.key == key and "Scale the targets" in found.answers[-1].sentence


def test_features_of_very_different_scales_are_told_and_which() -> None:
    x = X.copy()
    x[:, 5] *= 1000
    found = diagnose(nn.MLP((8, 16, 3), "relu", rng=0), x / 1000, LABELS)
    assert found.verdict.key == "fit.features_differ" and found.verdict.numbers["feature"] == 5
    assert diagnose(nn.MLP((8, 16, 3), "relu", rng=0), X * np.linspace(0.2, 5, 8), LABELS).answers[0].good
    # Pixels that are nearly always 0 hardly vary, which disturbs nobody.
    x = X.copy()
    x[:, 0] *= 1e-3
    assert diagnose(nn.MLP((8, 16, 3), "relu", rng=0), x, LABELS).answers[0].good


def test_inputs_that_are_not_centred_are_told() -> None:
    found = diagnose(nn.MLP((8, 64, 3), "tanh", rng=0), X + 8, LABELS)
    assert "fit.off_centre" in keys(found) and "mean 0 and variance 1" in found.answers[-1].sentence
    assert diagnose(nn.MLP((8, 64, 3), "tanh", rng=0), X + 2, LABELS).answers[0].good


def test_the_first_missing_number_is_named() -> None:
    x, y = X.copy(), CURVE.copy()
    x[7, 3] = np.nan
    found = diagnose(nn.MLP((8, 16, 1), "relu", rng=0), x, y, "mse")
    assert "the first is feature 3 of sample 7" in found.verdict.reason
    y[11] = np.inf
    found = diagnose(nn.MLP((8, 16, 1), "relu", rng=0), X, y, "mse")
    assert "fit.target_missing" in keys(found) and "sample 11" in found.answers[0].sentence


def test_a_class_that_is_nearly_everything_is_a_note() -> None:
    y = (np.arange(300) < 9).astype(int)
    found = diagnose(nn.MLP((8, 16, 2), "relu", rng=0), X, y)
    assert found.verdict.word == "healthy" and [note.key for note in found.notes] == ["fit.one_class"]
    assert found.answers[0].good and "97% of the samples belong to class 0" in found.answers[0].sentence


def test_shares_and_features_of_odd_data() -> None:
    assert class_shares("cross_entropy", np.repeat([0, 0, 1, 2], 5)) == (0.5, 0.25, 0.25)
    assert class_shares("cross_entropy", np.repeat([1, 2, 2, 2], 5)) == (0.0, 0.25, 0.75)
    assert class_shares("hinge", np.repeat([-1, 1, 1, 1], 5)) == (0.25, 0.0, 0.75)
    assert class_shares("binary_cross_entropy_with_logits", np.repeat([[0.0], [1.0], [1.0], [1.0]], 5, 0)) == (
        0.25,
        0.75,
    )
    assert class_shares("binary_cross_entropy_with_logits", np.repeat(np.eye(2)[[0, 1, 1, 1]], 5, 0)) == (0.25, 0.75)
    assert class_shares("cross_entropy", np.zeros(2, int)) == ()  # of so few nothing is said
    assert class_shares("mse", np.array([0, 1])) == () and class_shares("cross_entropy", np.zeros(0, int)) == ()
    assert features(np.ones((5, 3)))[0] == () and features(np.zeros((4, 1, 8, 8)))[0] == ()
    assert features(np.array([[np.nan, 1.0], [1, 2]]))[0] == () and features(X[:1])[0] == ()


def test_a_loss_of_ones_own_is_not_judged() -> None:
    found = diagnose(net(3, Softmax()), X, np.eye(3)[LABELS], lambda p, t: -(t * tgi.log(p + 1e-9)).sum(1).mean())
    assert found.answers[0].good and found.fit is not None and found.fit.loss == ""
    far = diagnose(net(1), X, 1000 + CURVE, lambda p, t: ((p - t) ** 2).mean())
    assert far.answers[0].good


def test_a_missing_target_is_the_verdict_whatever_the_loss_became() -> None:
    y = CURVE.copy()
    y[5] = np.nan
    found = diagnose(net(1), X, y, "mse")
    assert found.verdict.key == "fit.target_missing" and "leave those samples out" in found.answers[-1].sentence


def test_targets_that_are_all_the_same_cannot_be_scaled() -> None:
    found = diagnose(net(1), X, np.full((300, 1), 500.0), "mse")
    assert found.verdict.key == "fit.constant_targets" and "Scale" not in found.answers[-1].sentence


@pytest.mark.parametrize("ones", [0.9, 0.5])
def test_the_floor_of_several_columns_counts_ones(ones: float) -> None:
    y = (RNG.random((300, 3)) < ones).astype(float)
    found = diagnose(net(3, nn.Sigmoid()), X, y, "binary_cross_entropy_with_logits")
    best = tgi.binary_cross_entropy_with_logits(tgi.tensor(y, "float64"), y).item()
    assert found.verdict.numbers["floor"] == pytest.approx(best, rel=1e-9)
