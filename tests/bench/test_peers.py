"""Against PyTorch, where it is installed: values, gradients, losses, optimizers, trained networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.ops.registry import REGISTRY

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional
pytestmark = pytest.mark.peer

SAME: dict[str, Any] = {
    name: getattr(torch, name)
    for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "abs", "tanh", "erf", "sigmoid", "neg")
} | {
    name: getattr(F, name)
    for name in ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish", "softsign", "hardtanh")
}
SAME["hard_sigmoid"] = F.hardsigmoid


@pytest.mark.parametrize("name", sorted(SAME))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions(name: str, dtype: str) -> None:
    op = REGISTRY[name]
    low, high = op.spec.domain
    x = np.linspace(low, high, 101)[1:-1].astype(dtype)
    ours = tgi.tensor(x, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    g = np.random.default_rng(0).normal(size=x.shape).astype(dtype)
    a, b = op(ours), SAME[name](theirs)
    b.backward(torch.tensor(g))
    # PyTorch's derivative of hardsigmoid multiplies with a 1/6 that was rounded to float32.
    tolerance = 1e-5 if dtype == "float32" else 1e-8 if name == "hard_sigmoid" else 1e-12
    np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)
    for create in (False, True):
        (found,) = tgi.grad(a, ours, create_graph=create, gradients=g, retain_graph=True)
        np.testing.assert_allclose(found.numpy(), theirs.grad.numpy(), rtol=10 * tolerance, atol=tolerance)


def test_every_activation_is_compared() -> None:
    assert set(nn.ACTIVATIONS) - set(SAME) == {"identity"}


@pytest.mark.parametrize(
    ("ours", "theirs", "shapes"),
    [
        (lambda x, y: x + y, lambda x, y: x + y, [(3, 1), (4,)]),
        (lambda x, y: x * y - y / (x * x + 1), lambda x, y: x * y - y / (x * x + 1), [(2, 3), (3,)]),
        (tgi.maximum, torch.maximum, [(4,), (4,)]),
        (tgi.matmul, torch.matmul, [(5, 2, 3), (3, 4)]),
        (tgi.matmul, torch.matmul, [(3,), (3, 4)]),
        (lambda x: x.sum((0, 2)), lambda x: x.sum((0, 2)), [(2, 3, 4)]),
        (lambda x: tgi.var(x, 1, ddof=1), lambda x: x.var(1), [(3, 5)]),
        (lambda x: tgi.std(x, 0, True, 1), lambda x: x.std(0, keepdim=True), [(3, 5)]),
        (lambda x: x.max(axis=1), lambda x: x.amax(1), [(3, 5)]),
        (lambda x: tgi.logsumexp(x, -1), lambda x: x.logsumexp(-1), [(3, 5)]),
        (lambda x: tgi.softmax(x, 0), lambda x: x.softmax(0), [(3, 5)]),
        (lambda x: tgi.log_softmax(x), lambda x: x.log_softmax(-1), [(3, 5)]),
        (lambda x: tgi.norm(x, axis=1), lambda x: x.norm(dim=1), [(3, 5)]),
        (lambda x: x[[0, 0, 2], 1:], lambda x: x[[0, 0, 2], 1:], [(3, 5)]),
        (lambda x, y: tgi.concatenate([x, y], 1), lambda x, y: torch.cat([x, y], 1), [(2, 3), (2, 1)]),
        (lambda x, y: tgi.stack([x, y], 1), lambda x, y: torch.stack([x, y], 1), [(2, 3), (2, 3)]),
        (lambda x: tgi.clip(x, -0.5, 0.5), lambda x: x.clamp(-0.5, 0.5), [(9,)]),
        (lambda x, w, b: tgi.linear(x, w, b), F.linear, [(2, 5, 3), (4, 3), (4,)]),
        (lambda x: x.transpose(2, 0, 1), lambda x: x.permute(2, 0, 1), [(2, 3, 4)]),
        (tgi.prelu, F.prelu, [(5, 3), (3,)]),
        (lambda x: tgi.where(x > 0, x, 2.0 * x), lambda x: torch.where(x > 0, x, 2.0 * x), [(7,)]),
        (lambda x: tgi.abs(x) ** 1.5, lambda x: torch.abs(x) ** 1.5, [(7,)]),
    ],
)
def test_compositions_and_their_second_derivatives(ours: Any, theirs: Any, shapes: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=shape) for shape in shapes]
    a = [tgi.tensor(x, requires_grad=True) for x in arrays]
    b = [torch.tensor(x, requires_grad=True) for x in arrays]
    out_a, out_b = ours(*a), theirs(*b)
    np.testing.assert_allclose(out_a.numpy(), out_b.detach().numpy(), rtol=1e-11, atol=1e-13)
    first_a = tgi.grad((out_a * out_a).sum(), a, create_graph=True)
    first_b = torch.autograd.grad((out_b * out_b).sum(), b, create_graph=True)
    second_a = tgi.grad(sum(((g * g).sum() for g in first_a), tgi.tensor(0.0, "float64")), a)
    second_b = torch.autograd.grad(sum((g * g).sum() for g in first_b), b)
    for mine, other in zip([*first_a, *second_a], [*first_b, *second_b], strict=True):
        np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "theirs", "target"),
    [
        ("mse", torch.nn.MSELoss, "real"),
        ("cross_entropy", torch.nn.CrossEntropyLoss, "class"),
        ("binary_cross_entropy_with_logits", torch.nn.BCEWithLogitsLoss, "real"),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(name: str, theirs: Any, target: str, reduction: str) -> None:
    rng = np.random.default_rng(0)
    z = 5 * rng.normal(size=(6, 4))
    y: Any = rng.random((6, 4)) if target == "real" else rng.integers(0, 4, 6)
    a, b = tgi.tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
    loss_a, loss_b = nn.Loss(name, reduction)(a, y), theirs(reduction=reduction)(b, torch.tensor(y))
    np.testing.assert_allclose(loss_a.numpy(), loss_b.detach().numpy(), rtol=1e-12)
    loss_b.sum().backward()
    np.testing.assert_allclose(tgi.grad(loss_a.sum(), a)[0].numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-14)


RULES: dict[str, tuple[Any, Any]] = {
    "sgd": (lambda ps: optim.SGD(ps, 0.1), lambda ps: torch.optim.SGD(ps, 0.1)),
    "nesterov": (
        lambda ps: optim.SGD(ps, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda ps: torch.optim.SGD(ps, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "adam": (
        lambda ps: optim.Adam(ps, 0.01, weight_decay=0.1),
        lambda ps: torch.optim.Adam(ps, 0.01, weight_decay=0.1),
    ),
    "adamw": (lambda ps: optim.AdamW(ps, 0.01), lambda ps: torch.optim.AdamW(ps, 0.01)),
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_training_step_for_step(rule: str) -> None:
    """The same network from the same start: state moves over by name, then 20 steps agree."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 5)), rng.integers(0, 3, 16)
    ours = nn.Sequential(nn.Linear(5, 8, dtype="float64", rng=0), nn.Tanh(), nn.Linear(8, 3, dtype="float64", rng=1))
    theirs = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    ours.load_state_dict(theirs.state_dict())
    a, b = RULES[rule][0](list(ours.parameters())), RULES[rule][1](theirs.parameters())
    for _ in range(20):
        a.zero_grad()
        loss = tgi.cross_entropy(ours(x), y)
        loss.backward()
        optim.clip_grad_norm_(a.parameters, 0.5)
        a.step()
        b.zero_grad()
        other = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y))
        other.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        b.step()
        assert loss.item() == pytest.approx(other.item(), rel=1e-6)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky_relu", "sigmoid", "selu", "linear"])
def test_gains(name: str) -> None:
    assert tgi.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
