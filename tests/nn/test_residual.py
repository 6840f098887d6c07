"""Residual connections."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn

from ..programs.capturing import leaf


def test_what_came_in_is_added_to_what_the_branch_makes() -> None:
    x = leaf(np.random.default_rng(0).normal(size=(4, 3)))
    branch, shortcut = nn.Linear(3, 3, rng=0, dtype=np.float64), nn.Linear(3, 3, rng=1, dtype=np.float64)
    np.testing.assert_array_equal(nn.Residual(branch)(x).numpy(), (x + branch(x)).numpy())
    np.testing.assert_array_equal(nn.Residual(branch, shortcut)(x).numpy(), (shortcut(x) + branch(x)).numpy())
    assert tgi.gradcheck(nn.Residual(nn.Sequential(branch, nn.Tanh())), x)


def test_a_branch_of_zeros_is_the_identity_with_the_identitys_gradient() -> None:
    layer = nn.Residual(nn.Linear(3, 3))
    for parameter in layer.parameters():
        tgi.init.zeros_(parameter)
    x = leaf(np.ones((2, 3)), np.float32)
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())
    np.testing.assert_array_equal(tgi.grad(layer(x).sum(), x)[0].numpy(), np.ones((2, 3)))


def test_names_are_those_of_the_parts() -> None:
    layer = nn.Residual(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2, bias=False))
    assert [name for name, _ in layer.named_parameters()] == ["branch.0.weight", "branch.0.bias", "shortcut.weight"]
    assert layer.branch[0].weight.name == "branch.0.weight"
    assert repr(nn.Residual(nn.Tanh())) == "Residual(\n  (branch): Tanh()\n)"


def test_errors_that_teach() -> None:
    with pytest.raises(ValueError, match=r"the branch makes shape \(4, 2\) beside \(4, 3\); a shortcut"):
        nn.Residual(nn.Linear(3, 2))(np.zeros((4, 3), np.float32))
    with pytest.raises(TypeError, match="expected branch to be a module, got function"):
        nn.Residual(lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected shortcut to be a module, got int"):
        nn.Residual(nn.Tanh(), 1)  # type: ignore[arg-type]
