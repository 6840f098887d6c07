"""Assertions for tests of somebody's models: they pass where all is well, and else say what is wrong."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402

from .torch_models import mlp, residual  # noqa: E402
from .torch_trainings import LABELS, ROWS, dead, images, with_a_detached_body  # noqa: E402

BATCH = ROWS[:32], LABELS[:32]


def test_a_healthy_model_passes_and_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = mlp()
    before, chance = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    tgi.torch.assert_trains(model, BATCH)
    tgi.torch.assert_trains(model, BATCH, optimizer=torch.optim.SGD(model.parameters(), 0.1))
    tgi.torch.assert_all_parameters_get_gradients(model, BATCH)
    tgi.torch.assert_no_dead_units(model, BATCH)
    tgi.torch.assert_no_dead_units(model, BATCH[0])
    tgi.torch.assert_overfits_one_batch(model, BATCH, optimizer=lambda ps: torch.optim.Adam(ps, 1e-2))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters()) and torch.equal(chance, torch.get_rng_state())
    assert model.training


def test_a_branch_that_starts_at_zero_gets_its_gradients_later() -> None:
    tgi.torch.assert_all_parameters_get_gradients(residual(), (images(ROWS[:32]), LABELS[:32]))


def test_what_does_not_train_is_told_why() -> None:
    torch.manual_seed(0)
    model = dead().model
    with pytest.raises(AssertionError, match=r"Sequential does not train: the loss is [\d.]+ at first") as failed:
        tgi.torch.assert_trains(model, BATCH, steps=20)
    assert "dead: 48 of 48 units were born dead" in str(failed.value) and "diagnose: " in str(failed.value)
    with pytest.raises(AssertionError, match="does not overfit one batch"):
        tgi.torch.assert_overfits_one_batch(model, BATCH, steps=20)
    with pytest.raises(AssertionError, match="Sequential: dead: 2: 48 of 48 units"):
        tgi.torch.assert_no_dead_units(model, BATCH)
    with pytest.raises(AssertionError, match=r"0.weight, 0.bias, 2.weight, 2 more: its gradient is 0"):
        tgi.torch.assert_all_parameters_get_gradients(model, BATCH)


def test_what_is_detached_is_named() -> None:
    with pytest.raises(AssertionError, match=r"Detached: body.weight, body.bias have had no gradient in 3 steps"):
        tgi.torch.assert_all_parameters_get_gradients(with_a_detached_body().model, BATCH)


def test_a_loss_that_is_no_number_ends_the_steps() -> None:
    model = nn.Sequential(nn.Linear(64, 64))
    with pytest.raises(AssertionError, match="not finite"):
        tgi.torch.assert_trains(model, (ROWS[:32], ROWS[:32]), "mse", optimizer=1e6)


def test_a_batch_is_a_pair() -> None:
    with pytest.raises(TypeError, match=r"expected a batch \(x, y\), got Tensor"):
        tgi.torch.assert_trains(mlp(), BATCH[0])
