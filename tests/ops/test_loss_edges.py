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


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("left_out", [-100, -1, 1, 7])
def test_a_class_that_is_left_out(left_out: int, captured: bool) -> None:
    """Its samples count as if they were not there: in losses, means and gradients."""
    logits, labels = tgi.tensor(Z, requires_grad=True), np.array([0, left_out, 2, left_out])
    kept = labels != left_out
    fewer = tgi.tensor(Z[kept], requires_grad=True)

    def loss(labels: Any, reduction: str = "mean") -> Any:
        logits.grad = None
        found = tgi.cross_entropy(logits, labels, reduction, ignore_index=left_out)
        found.sum().backward()
        return found, logits.grad

    run = tgi.capture(loss) if captured else loss
    # A program that has met no such sample before, one that has, and the first kind again.
    for _ in range(2):
        for given in (np.array([0, 2, 2, 0]), labels):
            keep = given != left_out
            fewer = tgi.tensor(Z[keep], requires_grad=True)
            for reduction in ("mean", "sum"):
                expected = tgi.cross_entropy(fewer, given[keep], reduction, ignore_index=None)
                expected.backward()
                found, slope = run(given, reduction)
                assert found.item() == pytest.approx(expected.item(), rel=1e-12)
                assert fewer.grad is not None
                np.testing.assert_allclose(slope.numpy()[keep], fewer.grad.numpy(), 1e-12, 1e-15)
                assert not slope.numpy()[~keep].any()
                fewer.grad = None
    if left_out < 0:
        with pytest.raises(ValueError, match=r"target 3(\.0)? of sample 1 is no class number from 0 to 2"):
            run(np.array([0, 3, left_out, 1]), "mean")


def test_minus_100_is_left_out_unasked_and_none_leaves_out_nothing() -> None:
    labels = np.array([0, -100, 2, 1])
    rows = tgi.nn.functional.log_softmax(tgi.tensor(Z), 1)
    expected = -rows.numpy()[[0, 2, 3], [0, 2, 1]].mean()
    for loss, x in ((tgi.cross_entropy, tgi.tensor(Z)), (tgi.nn.NLLLoss(), rows)):
        assert loss(x, labels).item() == pytest.approx(expected)
    assert math.isnan(tgi.cross_entropy(tgi.tensor(Z), np.full(4, -100)).item())
    with pytest.raises(ValueError, match="target -100 of sample 1 is no class number"):
        tgi.cross_entropy(tgi.tensor(Z), labels, ignore_index=None)


def test_what_a_program_did_before_it_met_a_sample_that_is_left_out_is_not_done_twice() -> None:
    seen, norm = tgi.nn.Buffer(np.zeros(1)), tgi.nn.BatchNorm1d(3, dtype="float64")
    twin = tgi.nn.BatchNorm1d(3, dtype="float64")

    def loss(x: Any, labels: Any, norm: Any) -> Any:
        with tgi.no_grad():
            seen.copy_(seen + 1.0)
        return tgi.cross_entropy(norm(x), labels)

    run = tgi.capture(lambda x, y: loss(x, y, norm))
    for labels in (np.array([0, 1, 2, 0]), np.array([0, -100, 2, 0]), np.array([0, 1, 2, 0])):
        assert run(tgi.tensor(Z), labels).item() == pytest.approx(loss(tgi.tensor(Z), labels, twin).item())
    assert seen.numpy().tolist() == [6.0]
    for mine, theirs in zip(norm.buffers(), twin.buffers(), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), 1e-12)


@pytest.mark.parametrize(
    "name",
    ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"],
)
def test_gradients_flow_into_targets_as_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.1, 0.9, size=(2, 4, 3)) if "binary" in name else rng.normal(size=(2, 4, 3)) * 2
    ours, theirs = ([make(v, requires_grad=True) for v in (x, y)] for make in (tgi.tensor, torch.tensor))
    getattr(tgi.nn.functional, name)(*ours).backward()
    getattr(torch.nn.functional, name)(*theirs).backward()
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "wrap"), [((3, 3), False), ((3, 5), False), ((7, 3), False), ((7, 3), True), ((3, 3, 3), False)]
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_a_diagonal_is_filled_as_in_pytorch(shape: tuple[int, ...], wrap: bool, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (lib.ones(shape, dtype=getattr(lib, dtype)) for lib in (tgi, torch))
    assert ours.fill_diagonal_(0, wrap) is ours
    assert ours.tolist() == theirs.fill_diagonal_(0, wrap).tolist()


def test_what_diagonals_are_not_filled() -> None:
    with pytest.raises(RuntimeError, match=r"fill_diagonal_: .*; write x = x.masked_fill"):
        tgi.ones((2, 2), requires_grad=True).fill_diagonal_(0)
    for shape in ((3,), (2, 3, 2)):
        with pytest.raises(ValueError, match="expected a matrix, or axes of one length, got shape"):
            tgi.ones(shape).fill_diagonal_(0)
