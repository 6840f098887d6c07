"""Targets that losses take, from the first to the last, and what is no loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.losses import LOSSES, loss_of

Z = np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize("loss", [tgi.cross_entropy, tgi.hinge])
@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, np.float64])
def test_classes_go_from_0_to_the_last(loss: Any, kind: Any) -> None:
    assert math.isfinite(loss(tgi.tensor(Z), np.array([0, 2, 1, 2], kind)).item())
    wrong = [(3, "3")] if kind is np.uint8 else [(3, "3"), (-1, "-1")]
    wrong += [(0.5, "0.5"), (math.nan, "nan"), (1e300, "1e[+]300")] if kind is np.float64 else []
    for value, said in wrong:
        y = np.array([0, 2, value, value], kind)
        with pytest.raises(ValueError, match=rf"target {said}(\.0)? of sample 2 is no class number from 0 to 2"):
            loss(tgi.tensor(Z), y)


@pytest.mark.parametrize("loss", [tgi.cross_entropy, tgi.hinge])
@pytest.mark.parametrize("shape", [(3,), (5,), (4, 2), (4, 1), (2, 4, 3)])
def test_a_target_for_each_sample(loss: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="target"):
        loss(tgi.tensor(Z), np.zeros(shape, np.int64) if len(shape) == 1 else np.zeros(shape))


def test_probabilities_go_from_0_to_1() -> None:
    z = tgi.tensor(Z)
    for value in (0.0, 1.0, 5e-324):
        assert math.isfinite(tgi.binary_cross_entropy_with_logits(z, np.full(Z.shape, value)).item())
    for value in (-5e-324, np.nextafter(1.0, 2.0), math.nan):
        y = np.full(Z.shape, 0.5)
        y[3, 2] = value
        with pytest.raises(ValueError, match="between 0 and 1"):
            tgi.binary_cross_entropy_with_logits(z, y)


def test_signs_are_minus_one_and_one() -> None:
    z, y = tgi.tensor(Z), np.where(Z > 0.3, 1.0, -1.0)
    np.testing.assert_allclose(tgi.hinge(z, y, "none").numpy(), np.maximum(0, 1 - y * Z))
    for value in (0.0, 0.999, 1.001, 2.0, math.nan):
        other = y.copy()
        other[0, 1] = value
        with pytest.raises(ValueError, match="targets -1 and 1"):
            tgi.hinge(z, other)
    with pytest.raises(ValueError, match=r"expected \(samples, classes\)"):
        tgi.hinge(tgi.tensor(np.zeros(4)), np.zeros(3, np.int64))


def test_what_is_a_loss() -> None:
    """The name of one, or a function; not a class, of which one must be made first."""
    for name, loss in LOSSES.items():
        assert loss_of(name) is loss
    made = tgi.nn.MSELoss()
    assert loss_of(made) is made and loss_of(tgi.mse) is tgi.mse
    for wrong, said in ((3, "got int"), (None, "got NoneType"), (tgi.nn.MSELoss, r"make one of it: MSELoss\(\)")):
        with pytest.raises(TypeError, match=said):
            loss_of(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a loss out of .*; got 'regret'"):
        loss_of("regret")


@pytest.mark.parametrize("name", LOSSES)
def test_reductions(name: str) -> None:
    y: Any = {"cross_entropy": np.array([0, 2, 1, 1]), "hinge": np.array([0, 2, 1, 1])}.get(name, np.full(Z.shape, 0.5))
    each = LOSSES[name](tgi.tensor(Z), y, "none").numpy()
    assert LOSSES[name](tgi.tensor(Z), y, "sum").item() == pytest.approx(each.sum())
    assert LOSSES[name](tgi.tensor(Z), y).item() == pytest.approx(each.mean())
    with pytest.raises(ValueError, match=name):
        LOSSES[name](tgi.tensor(Z), y, "average")
