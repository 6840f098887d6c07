"""Sums of cotangents of slices: captured, the slices are written beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.kernels.backend import kernels

# By name: what is made of x (4, 6), and how many sums of whole arrays are left.
CUTS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "halves": (lambda x: (x[:2] * x[2:] * 3.0).sum(), 0),
    "columns": (lambda x: (x[:, :2] * x[:, 2:4] * x[:, 4:]).sum(), 0),
    "with a gap": (lambda x: (x[:, :2] * x[:, 3:5]).sum(), 0),
    "overlapping": (lambda x: (x[:3] * x[1:]).sum(), 1),
    "backwards": (lambda x: (x[:2] * x[:1:-1]).sum(), 1),
    "twice the same": (lambda x: (x[1:] * x[1:] * 3.0).sum(), 1),
    "and whole": (lambda x: (x[:2] * x[2:]).sum() + (3.0 * x).sum(), 2),
}


@pytest.mark.parametrize("name", CUTS)
def test_gradients_of_slices(name: str) -> None:
    function, sums = CUTS[name]
    rng = np.random.default_rng(0)
    x = tgi.Tensor(rng.normal(size=(4, 6)), dtype=np.float64, requires_grad=True)

    def step() -> Any:
        x.grad = None
        out = function(2.0 * x)
        out.backward()
        return out

    step()
    wanted = x.grad.numpy().copy()
    captured = tgi.capture(step)
    for _ in range(2):
        captured()
        np.testing.assert_array_equal(x.grad.numpy(), wanted)
    if hasattr(kernels, "Machine"):
        steps = captured.programs[0][1].steps
        assert sum(step.function == "add" and step.shape == (24,) for step in steps) == sums


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_layers(kind: Any) -> None:
    layer = kind(3, 5, num_layers=2, bidirectional=True, rng=0)
    x = tgi.Tensor(np.random.default_rng(1).normal(size=(6, 2, 3)), dtype=np.float32, requires_grad=True)

    def step() -> Any:
        layer.zero_grad()
        x.grad = None
        out = layer(x)[0]
        (out * out).sum().backward()
        return out

    out = step().numpy().copy()
    wanted = [p.grad.numpy().copy() for p in (x, *layer.parameters())]
    captured = tgi.capture(step)
    for _ in range(2):
        np.testing.assert_array_equal(captured().numpy(), out)
        for p, w in zip((x, *layer.parameters()), wanted, strict=True):
            # Sums over the rows of a product are formed in another order.
            np.testing.assert_allclose(p.grad.numpy(), w, rtol=0, atol=1e-5 * abs(w).max())
