"""What is recommended for a PyTorch model is what was tried, as PyTorch's own lines."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402

torch.set_num_threads(1)  # several tests run at a time
DIGITS = tgi.data.digits()
X = torch.from_numpy(((DIGITS.x - 8) / 6).astype(np.float32))[:700]
Y = torch.from_numpy(DIGITS.y)[:700]


def stack(phi: Any, depth: int, *end: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [part for i in range(depth) for part in (nn.Linear(64 if i == 0 else 24, 24), phi())]
    return nn.Sequential(*layers, nn.Linear(24, 10), *end)


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_deep_sigmoid_network_is_repaired_and_the_lines_say_how() -> None:
    model = stack(nn.Sigmoid, 6)
    was, chance = copy.deepcopy(model), torch.get_rng_state()
    found = tgi.torch.recommend(
        model, X, Y, F.cross_entropy, optimizer=torch.optim.SGD(model.parameters(), 0.1), steps=200
    )
    assert found.learns and found.accuracy_after > 0.85 > found.accuracy_before
    assert found.before.verdict.word != "healthy" == found.after.verdict.word
    assert same(model, was) and torch.equal(torch.get_rng_state(), chance)
    # The lines, run by somebody, make the very model that was tried.
    by_hand: dict[str, Any] = {"model": copy.deepcopy(model), "x": X}
    exec(found.setup.code(), by_hand)
    applied = found.setup.apply(copy.deepcopy(model))
    assert same(by_hand["model"], found.setup.model) and same(applied, found.setup.model)
    assert str(by_hand["model"]) == str(found.setup.model)
    tried, made = found.setup.optimizer(applied.parameters()), by_hand["optimizer"]
    assert type(made) is type(tried) and made.defaults == tried.defaults


def test_what_trains_is_not_made_worse() -> None:
    model = stack(nn.ReLU, 2)
    found = tgi.torch.recommend(
        model, X, Y, F.cross_entropy, optimizer=lambda ps: torch.optim.Adam(ps, 3e-3, weight_decay=1e-4), steps=200
    )
    assert found.accuracy_after >= found.accuracy_before > 0.85
    assert found.setup.optimizer(model.parameters()).defaults["weight_decay"] == 1e-4


def test_scales_and_an_output_that_does_not_fit_are_mended() -> None:
    wide = X * torch.linspace(1, 300, 64)
    found = tgi.torch.recommend(
        stack(nn.ReLU, 1, nn.Softmax(dim=-1)), wide, Y, optimizer=lambda ps: torch.optim.Adam(ps, 1e-3), steps=200
    )
    assert {"inputs: scaled", "output: no activation"} <= set(found.changes)
    by_hand: dict[str, Any] = {"model": stack(nn.ReLU, 1, nn.Softmax(dim=-1)), "x": wide}
    exec(found.setup.code(), by_hand)
    std = by_hand["x"].std(dim=0)
    assert torch.all((std - 1).abs() < 1e-3) or torch.all((std[std > 0] - 1).abs() < 1e-3)
    assert isinstance(by_hand["model"][-1], nn.Identity)


def test_labels_that_belong_to_nothing_get_no_recommendation() -> None:
    shuffled = Y[torch.randperm(len(Y), generator=torch.Generator().manual_seed(1))]
    found = tgi.torch.recommend(stack(nn.ReLU, 1), X, shuffled, optimizer=0.1, steps=100)
    assert not found.learns and found.changes == () and "Do the labels belong to the inputs?" in str(found)


def test_bad_input_is_refused() -> None:
    model = stack(nn.ReLU, 1)
    with pytest.raises(ValueError, match="recommend: expected 4 or more samples, got 3"):
        tgi.torch.recommend(model, X[:3], Y[:3])
    with pytest.raises(ValueError, match="expected 1 to 100000 steps and a positive budget, got 0"):
        tgi.torch.recommend(model, X, Y, steps=0)
    with pytest.raises(ValueError, match="recommend: expected batches of 64 and a seed for PyTorch's models; got 32"):
        tgi.recommend(model, X, Y, batch_size=32)  # type: ignore[arg-type]


def test_recommend_takes_both_kinds_of_models() -> None:
    torch.manual_seed(0)
    model = stack(nn.Sigmoid, 2)
    one, other = (
        make(model, X, Y, optimizer=0.05, steps=60, budget=120.0) for make in (tgi.recommend, tgi.torch.recommend)
    )
    assert one.setup.code() == other.setup.code() and one.loss_after == other.loss_after
