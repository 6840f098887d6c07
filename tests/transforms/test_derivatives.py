"""Derivatives of functions, against JAX-like identities, finite differences and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import func

RNG = np.random.default_rng(5)
W = RNG.normal(size=(4, 3))


def mixed(x: Any) -> Any:
    """Elementwise operations, products, reductions and indexing."""
    z = tgi.tanh(tgi.matmul(x, tgi.tensor(W.T)))
    return tgi.concatenate(
        [z.softmax(), (z * z).sum().reshape(1), z[np.array([0, 0, 2])], tgi.maximum(z, 0.1).cumsum(0)]
    )


def summed(x: Any) -> Any:
    return (mixed(x) * mixed(x)).sum()


def central(function: Any, x: np.ndarray, v: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The directional derivative by central differences."""
    ahead, behind = (function(tgi.tensor(x + s * step * v)).detach().numpy() for s in (1, -1))
    return np.asarray((ahead - behind) / (2 * step))


class TestForwardMode:
    def test_the_tangent_is_the_directional_derivative(self) -> None:
        x, v = RNG.normal(size=3), RNG.normal(size=3)
        value, tangent = tgi.jvp(mixed, tgi.tensor(x), tgi.tensor(v))
        np.testing.assert_allclose(value.numpy(), mixed(tgi.tensor(x)).numpy())
        np.testing.assert_allclose(tangent.numpy(), central(mixed, x, v), atol=1e-8)
        assert not value.requires_grad and not tangent.requires_grad

    @pytest.mark.parametrize("name", sorted(tgi.ops.REGISTRY))
    def test_every_operation_pushes_forward_what_it_pulls_back(self, name: str) -> None:
        op = tgi.ops.REGISTRY[name]
        if op.spec.exempt or op.spec.examples is None:
            pytest.skip(op.spec.exempt or "elementwise: the rule is its own transpose")
        for inputs, params in op.spec.examples(np.random.default_rng(1)):
            xs = tuple(tgi.tensor(x) for x in inputs)
            vs = tuple(tgi.tensor(RNG.normal(size=x.shape)) for x in xs)
            y, tangent = tgi.jvp(lambda *xs, op=op, params=params: op(*xs, **params), xs, vs)
            u = RNG.normal(size=y.shape)
            pulled = tgi.vjp(lambda *xs, op=op, params=params: op(*xs, **params), *xs)[1](tgi.tensor(u))
            there = float((u * tangent.numpy()).sum())
            back = sum(float((v.numpy() * p.numpy()).sum()) for v, p in zip(vs, pulled, strict=True))
            np.testing.assert_allclose(there, back, rtol=1e-9, atol=1e-9)

    def test_linearize_pushes_many(self) -> None:
        x = RNG.normal(size=3)
        _, push = tgi.linearize(mixed, tgi.tensor(x))
        for _ in range(3):
            v = RNG.normal(size=3)
            np.testing.assert_allclose(push(tgi.tensor(v)).numpy(), central(mixed, x, v), atol=1e-8)

    def test_of_several_arguments_and_nested_results(self) -> None:
        x, y = tgi.tensor([1.0, 2.0]), tgi.tensor(3.0)
        value, tangent = tgi.jvp(lambda x, y: {"a": x * y, "b": [y, x.sum()]}, (x, y), (x, y))
        assert value["b"][0].item() == 3.0
        np.testing.assert_allclose(tangent["a"].numpy(), [6.0, 12.0])
        assert [t.item() for t in tangent["b"]] == [3.0, 3.0]

    def test_what_does_not_depend_has_no_slope(self) -> None:
        x = tgi.tensor([1.0, 2.0])
        assert (tgi.jvp(lambda x: tgi.tensor([5.0]) * 1.0, x, x)[1].numpy() == 0).all()
        assert (tgi.vjp(lambda x: tgi.tensor([5.0]) * 1.0, x)[1](tgi.tensor([1.0]))[0].numpy() == 0).all()

    def test_parameters_outside_keep_their_history(self) -> None:
        w = tgi.tensor([2.0, 3.0], requires_grad=True)
        _, tangent = tgi.jvp(lambda x: (w * x * x).sum(), tgi.tensor([1.0, 1.0]), tgi.tensor([1.0, 0.0]))
        tangent.backward()
        assert w.grad is not None
        np.testing.assert_allclose(w.grad.numpy(), [2.0, 0.0])

    def test_bad_input(self) -> None:
        x = tgi.tensor([1.0, 2.0])
        with pytest.raises(ValueError, match=r"tangent of shape \(2,\)"):
            tgi.jvp(mixed, x, tgi.tensor([1.0]))
        with pytest.raises(ValueError, match="expected 1 tangents, got 2"):
            tgi.jvp(mixed, (x,), (x, x))
        with pytest.raises(TypeError, match="return tensors, got float"):
            tgi.jvp(lambda x: 1.0, x, x)
        with pytest.raises(TypeError, match="whole numbers have no derivative"):
            tgi.jvp(lambda x: x * 1.0, tgi.tensor([1, 2]), tgi.tensor([1, 2]))


class TestMatrices:
    def test_all_ways_agree(self) -> None:
        x = tgi.tensor(RNG.normal(size=3))
        wanted = np.stack([central(mixed, x.numpy(), e) for e in np.eye(3)], -1)
        for found in (tgi.jacobian(mixed, x), tgi.jacobian(mixed)(x), tgi.jacfwd(mixed)(x), tgi.jacrev(mixed)(x)):
            np.testing.assert_allclose(found.numpy(), wanted, atol=1e-8)
            assert not found.requires_grad

    def test_the_hessian(self) -> None:
        x, v = tgi.tensor(RNG.normal(size=3)), tgi.tensor(RNG.normal(size=3))
        slope = func.grad(summed)
        wanted = np.stack([central(slope, x.numpy(), e) for e in np.eye(3)], -1)
        found = tgi.hessian(summed, x).numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-7)
        np.testing.assert_allclose(tgi.hessian(summed)(x).numpy(), found)
        value, product = tgi.hvp(summed, x, v)
        np.testing.assert_allclose(product.numpy(), found @ v.numpy())
        np.testing.assert_allclose(value.item(), summed(x).item())

    def test_of_several_arguments(self) -> None:
        x, y = tgi.tensor([1.0, 2.0]), tgi.tensor([[3.0]])
        function = lambda x, y: (x * x * y).sum()  # noqa: E731
        found = tgi.hessian(function, (x, y))
        np.testing.assert_allclose(found[0][0].numpy(), np.diag([6.0, 6.0]))
        np.testing.assert_allclose(found[0][1].numpy().ravel(), [2.0, 4.0])
        assert found[1][1].shape == (1, 1, 1, 1)
        a, b = tgi.jacobian(function, (x, y))
        assert (a.shape, b.shape) == ((2,), (1, 1))
        assert tgi.jacobian(function, argnums=1)(x, y).shape == (1, 1)
        assert [t.shape for t in tgi.jacobian(function, argnums=(0, 1))(x, y)] == [(2,), (1, 1)]

    def test_derivatives_of_derivatives(self) -> None:
        x = tgi.tensor(0.7, dtype="float64")
        third = func.grad(func.grad(func.grad(tgi.sin)))
        np.testing.assert_allclose(third(x).item(), -np.cos(0.7))
        forward = lambda f: lambda x: tgi.jvp(f, x, tgi.tensor(1.0, x.dtype))[1]  # noqa: E731
        np.testing.assert_allclose(forward(forward(tgi.sin))(x).item(), -np.sin(0.7))
        np.testing.assert_allclose(func.grad(forward(tgi.sin))(x).item(), -np.sin(0.7))

    def test_functions_of_functions(self) -> None:
        x = tgi.tensor([1.0, 2.0])
        found, (value, aux) = func.grad_and_value(lambda x: ((x * x).sum(), "more"), has_aux=True)(x)
        assert (value.item(), aux, found.numpy().tolist()) == (5.0, "more", [2.0, 4.0])
        tree = func.grad(lambda p: (p["w"] * p["b"][0]).sum())({"w": x, "b": [tgi.tensor(3.0)]})
        assert tree["w"].numpy().tolist() == [3.0, 3.0] and tree["b"][0].item() == 3.0
        with pytest.raises(ValueError, match=r"one element, got shape \(2,\)"):
            func.grad(lambda x: x * 2.0)(x)
        with pytest.raises(ValueError, match="argnums among 1"):
            func.grad(summed, argnums=3)(x)


@pytest.mark.peer
def test_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    F = torch.autograd.functional
    x, v = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    ours = lambda x: tgi.tanh(x @ tgi.tensor(W.T)).softmax().sum(0)  # noqa: E731
    theirs = lambda x: torch.softmax(torch.tanh(x @ torch.tensor(W.T)), -1).sum(0)  # noqa: E731
    np.testing.assert_allclose(tgi.jacobian(ours, tgi.tensor(x)).numpy(), F.jacobian(theirs, torch.tensor(x)).numpy())
    for mine, its in zip(
        tgi.jvp(ours, tgi.tensor(x), tgi.tensor(v)), F.jvp(theirs, torch.tensor(x), torch.tensor(v)), strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), its.numpy())
    square, their_square = (lambda x: (ours(x) ** 2).sum()), (lambda x: (theirs(x) ** 2).sum())
    np.testing.assert_allclose(
        tgi.hessian(square, tgi.tensor(x)).numpy(), F.hessian(their_square, torch.tensor(x)).numpy(), atol=1e-12
    )
