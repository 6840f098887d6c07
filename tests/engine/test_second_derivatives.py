"""Second derivatives where rules are easily wrong: at cotangents of zero, at ties, at the edges of a domain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY

# Where functions have kinks, take their limits or change their branch, and ordinary places between.
PLACES = np.array([-4.0, -3.0, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
UNARY = [name for name, op in REGISTRY.items() if op.spec.kind == "unary"]
BINARY = [name for name, op in REGISTRY.items() if op.spec.kind == "binary"]
OTHERS = [name for name, op in REGISTRY.items() if op.spec.kind == "other" and op.spec.examples and not op.spec.exempt]


def slopes(op: Any, inputs: list[Any], params: dict[str, Any], weight: Any) -> list[Any]:
    """The cotangents of all inputs of a weighted sum of results, themselves differentiable."""
    out = op(*inputs, **params)
    fixed = np.cos(np.arange(float(out.size))).reshape(out.shape).astype(out.dtype)
    found: list[Any] = tgi.grad((out * fixed).sum() * weight, inputs, create_graph=True)
    return found


def require_linear(op: Any, arrays: list[Any], params: dict[str, Any]) -> None:
    """A cotangent is linear in the one that it is made from: its derivative at 0 is what it is at 1."""
    inputs = [tgi.tensor(x, requires_grad=True) for x in arrays]
    zero, one = tgi.tensor(0.0, np.float64, requires_grad=True), tgi.tensor(1.0, np.float64, requires_grad=True)
    with np.errstate(all="ignore"):
        at_zero, at_one = slopes(op, inputs, params, zero), slopes(op, inputs, params, one)
        for i, (g, expected) in enumerate(zip(at_zero, at_one, strict=True)):
            if not g.requires_grad:
                assert not expected.numpy().any()
                continue
            finite = np.isfinite(expected.numpy())
            for k in np.flatnonzero(finite.reshape(-1))[:12]:
                pick = np.zeros(g.size)
                pick[k] = 1.0
                (found,) = tgi.grad(g, zero, gradients=pick.reshape(g.shape), retain_graph=True)
                np.testing.assert_allclose(
                    found.item(), expected.numpy().reshape(-1)[k], 1e-12, 1e-14, err_msg=f"input {i}, element {k}"
                )


@pytest.mark.parametrize("name", UNARY)
def test_cotangents_of_zero_of_one_operand(name: str) -> None:
    require_linear(REGISTRY[name], [PLACES], {})


@pytest.mark.parametrize("name", BINARY)
def test_cotangents_of_zero_of_two_operands(name: str) -> None:
    x, y = np.meshgrid(PLACES[::2], PLACES[1::2])
    if name == "binary_cross_entropy_with_logits":
        y = 1.0 / (1.0 + np.exp(-y))
    require_linear(REGISTRY[name], [x, y], {})
    require_linear(REGISTRY[name], [PLACES, PLACES.copy()], {})  # ties
    require_linear(REGISTRY[name], [PLACES, np.array([2.0])], {})  # stretched


@pytest.mark.parametrize("name", OTHERS)
def test_cotangents_of_zero_of_all_others(name: str) -> None:
    op = REGISTRY[name]
    for inputs, params in op.spec.examples(np.random.default_rng(0)):
        require_linear(op, [np.asarray(x, np.float64) for x in inputs], params)


def test_behind_a_zero_head() -> None:
    """The start that people use: what comes before a last layer of zeros has no gradient, but a second derivative."""
    x = tgi.tensor([[0.5, -1.0], [2.0, 0.25]], np.float64, requires_grad=True)
    head = tgi.tensor(np.zeros((2, 1)), requires_grad=True)
    (slope,) = tgi.grad([(tgi.tanh(x) / (1.0 + x * x) @ head).sum()], [x], create_graph=True)
    (found,) = tgi.grad([slope.sum()], [head])
    h = 1e-6
    for k in range(2):

        def total(e: float) -> float:
            moved = x.detach() + e
            return float((tgi.tanh(moved) / (1.0 + moved * moved))[:, k].sum().item())  # noqa: B023

        np.testing.assert_allclose(found.numpy()[k, 0], (total(h) - total(-h)) / (2 * h), 1e-8)


@pytest.mark.parametrize(
    "name", ["gelu", "silu", "mish", "softplus", "tanh", "sigmoid", "elu", "selu", "erf", "softsign"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_at_infinity(name: str, dtype: str) -> None:
    """By the rule as by the kernel: those of the asymptotes."""
    rising = {"gelu", "silu", "mish", "softplus", "elu"}
    for x, expected in ((math.inf, 1.0 if name in rising else 0.0), (-math.inf, 0.0)):
        if name == "selu" and x > 0:
            expected = 1.0507009873554805
        t = tgi.tensor([x], dtype, requires_grad=True)
        for create in (False, True):
            (found,) = tgi.grad([REGISTRY[name](t)], [t], create_graph=create, gradients=[np.ones(1, dtype)])
            np.testing.assert_allclose(found.detach().numpy(), [expected], 1e-6)


# digamma: at its poles PyTorch has what rounding leaves of them; sinc, entr: at 0 it has NaN, and below 0 numbers.
# Its Bessel functions have no derivatives.
NOT_ALIKE = (
    "log", "log1p", "sqrt", "hard_sigmoid", "digamma", "lgamma", "sinc", "entr",
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
)  # fmt: skip


class TestPyTorch:
    pytestmark = pytest.mark.peer

    @pytest.mark.parametrize("name", [n for n in UNARY if n not in NOT_ALIKE])
    def test_second_derivatives_at_kinks(self, name: str) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        places = (torch.nn.functional, torch, torch.special)
        theirs = next((found for place in places if (found := getattr(place, name, None)) is not None), None)
        if theirs is None:
            pytest.skip("PyTorch has no such function")
        x, y = tgi.tensor(PLACES, requires_grad=True), torch.tensor(PLACES, requires_grad=True)
        ours = REGISTRY[name]
        with np.errstate(all="ignore"):
            (g,) = tgi.grad([ours(x).sum()], [x], create_graph=True)
            found = tgi.grad(g.sum(), x)[0].numpy() if g.requires_grad else np.zeros(len(PLACES))
            (h,) = torch.autograd.grad(theirs(y).sum(), y, create_graph=True)
            expected = (
                torch.autograd.grad(h.sum(), y)[0].numpy(force=True) if h.requires_grad else np.zeros(len(PLACES))
            )
        np.testing.assert_allclose(g.detach().numpy(), h.detach().numpy(), 1e-9, 1e-12)
        np.testing.assert_allclose(found, expected, 1e-8, 1e-12)

    @pytest.mark.parametrize("name", ["mul", "div", "pow", "maximum", "minimum"])
    def test_second_derivatives_at_ties(self, name: str) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        a, b = np.array([0.5, 1.0, 2.0, 3.0, 2.0]), np.array([0.5, 2.0, 1.0, 3.0, 2.0])
        x, y = tgi.tensor(a, requires_grad=True), tgi.tensor(b, requires_grad=True)
        u, v = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
        weights = np.array([0.0, 1.0, -1.0, 2.0, 0.0])
        g = tgi.grad((REGISTRY[name](x, y) * weights).sum(), [x, y], create_graph=True)
        h = torch.autograd.grad((getattr(torch, name)(u, v) * torch.tensor(weights)).sum(), [u, v], create_graph=True)
        for mine, other in zip(g, h, strict=True):
            np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), 1e-12)
            if other.requires_grad:
                second = tgi.grad(mine.sum(), [x, y], retain_graph=True)
                expected = torch.autograd.grad(other.sum(), [u, v], retain_graph=True, allow_unused=True)
                for one, two in zip(second, expected, strict=True):
                    np.testing.assert_allclose(one.numpy(), 0.0 if two is None else two.numpy(), 1e-12, 1e-12)
