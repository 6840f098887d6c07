"""Checkpoints, operations of the user's own, hooks, anomaly mode."""

from __future__ import annotations

import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.autograd import Function

RNG = np.random.default_rng(7)


def grads(model: Any) -> list[np.ndarray]:
    return [p.grad.numpy().copy() for p in model.parameters()]


class TestCheckpoint:
    model = tgi.nn.MLP([3, 5, 2], "tanh", rng=0, dtype="float64")
    x = RNG.normal(size=(4, 3))

    def test_same_value_and_gradients(self) -> None:
        found = []
        for wrapped in (lambda x: self.model(x), lambda x: tgi.checkpoint(self.model, x, use_reentrant=False)):
            self.model.zero_grad()
            x = tgi.tensor(self.x, requires_grad=True)
            loss = (wrapped(x * 2.0) ** 2).sum()
            loss.backward()
            assert x.grad is not None
            found.append([loss.item(), x.grad.numpy(), *grads(self.model)])
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_inputs_that_are_made_of_each_other(self) -> None:
        """What a rule returns is the derivative by each input alone, also where it is to be differentiated again."""
        w = tgi.tensor(3.0, "float64", requires_grad=True)

        def inside(x: tgi.Tensor, y: tgi.Tensor) -> tgi.Tensor:
            return tgi.exp(0.1 * x * y * w)

        found = []
        for wrapped in (inside, lambda x, y: tgi.checkpoint(inside, x, y, parameters=[w])):
            x = tgi.sin(w)
            y = wrapped(x, x * w)
            slopes = [y.item()]
            for _ in range(3):
                (y,) = tgi.autograd.grad(y, w, create_graph=True)
                slopes.append(y.item())
            found.append(slopes)
        np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
        plain, again = (
            tgi.func.jacfwd(lambda x, f=f: f(x, x**2))(tgi.tensor(0.7, "float64"))
            for f in (lambda x, y: x * y, lambda x, y: tgi.checkpoint(lambda x, y: x * y, x, y))
        )
        np.testing.assert_allclose(again.numpy(), plain.numpy(), rtol=1e-14)

    def test_twice(self) -> None:
        x = tgi.tensor(self.x, requires_grad=True)
        slopes = [
            tgi.grad((tgi.grad((f(x) ** 2).sum(), x, create_graph=True)[0] ** 2).sum(), x)[0].numpy()
            for f in (self.model, lambda x: tgi.checkpoint(self.model, x))
        ]
        np.testing.assert_allclose(*slopes)

    def test_what_changed_is_seen(self) -> None:
        w = tgi.tensor([2.0, 3.0], requires_grad=True)
        y = tgi.checkpoint(lambda x: x * w, tgi.tensor([1.0, 1.0]), parameters=[w])
        with tgi.no_grad():
            w.fill_(7.0)
        with pytest.raises(RuntimeError, match="gave other numbers"):
            y.sum().backward()

    def test_captured_and_without_recording(self) -> None:
        x = tgi.tensor(self.x)
        step = tgi.capture(lambda x: tgi.checkpoint(self.model, x).sum())
        np.testing.assert_allclose(step(x).item(), self.model(x).sum().item())
        with tgi.no_grad():
            assert not tgi.checkpoint(self.model, x).requires_grad

    def test_bad_input(self) -> None:
        with pytest.raises(TypeError, match="return one tensor, got tuple"):
            tgi.checkpoint(lambda x: (x, x), tgi.tensor([1.0], requires_grad=True))
        with pytest.raises(ValueError, match="at most 16"):
            tgi.checkpoint(lambda *x: x[0], *[tgi.tensor([1.0], requires_grad=True)] * 17)


class TestOwnOperations:
    def test_a_decorated_function(self) -> None:
        @tgi.custom_op(lambda g, x, power: power * g * x ** (power - 1.0), formula="xⁿ")
        def raised(x: Any, /, power: float = 3.0) -> Any:
            """A power."""
            return x**power

        x = tgi.tensor(RNG.uniform(1, 2, size=4), requires_grad=True)
        assert tgi.gradcheck(raised, x) and tgi.gradgradcheck(raised, x)
        np.testing.assert_allclose(
            tgi.jvp(raised, x.detach(), tgi.tensor(np.ones(4)))[1].numpy(), 3 * x.detach().numpy() ** 2
        )
        np.testing.assert_allclose(raised(x, power=2.0).detach().numpy(), x.detach().numpy() ** 2)
        np.testing.assert_array_equal(tgi.capture(raised)(x.detach()).numpy(), x.detach().numpy() ** 3)
        assert raised.__doc__ == "A power."

    def test_a_wrong_rule_is_found(self) -> None:
        with pytest.raises(tgi.GradcheckError, match="cube"):

            @tgi.custom_op(lambda g, x: 2.0 * g * x, check=lambda rng: (rng.normal(size=3),))
            def cube(x: Any, /) -> Any:
                return x**3

    def test_bad_definitions(self) -> None:
        with pytest.raises(TypeError, match="no inputs"):
            tgi.custom_op()(lambda x: x)
        with pytest.raises(TypeError, match="2 rules do not fit 1 inputs"):
            tgi.custom_op(None, None)(lambda x, /: x)
        with pytest.raises(TypeError, match="asks for 'z'"):
            tgi.custom_op(lambda g, z: g)(lambda x, /: x)
        with pytest.raises(TypeError, match="to return an array, got str"):
            tgi.custom_op(None)(lambda x, /: "no")(tgi.tensor([1.0]))

    def test_as_in_pytorch(self) -> None:
        class Cube(Function):
            @staticmethod
            def forward(ctx: Any, x: Any, scale: float) -> Any:
                ctx.save_for_backward(x)
                ctx.scale = scale
                return scale * x**3

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                (x,) = ctx.saved_tensors
                return g * ctx.scale * 3.0 * x**2, None

        x = tgi.tensor(RNG.normal(size=3), requires_grad=True)
        assert tgi.gradcheck(lambda x: Cube.apply(x, 2.0), x) and tgi.gradgradcheck(lambda x: Cube.apply(x, 2.0), x)

        class Short(Cube):
            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g

        with pytest.raises(TypeError, match="2 cotangents, got 1"):
            Short.apply(x, 2.0).sum().backward()


class TestHooks:
    def test_they_see_and_change_what_comes(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3.0
        y.retain_grad()
        y.retain_grad()
        seen = []
        first = y.register_hook(lambda g: seen.append(g.numpy().copy()))
        with y.register_hook(lambda g: 2.0 * g):
            (y * y).sum().backward(retain_graph=True)
        assert x.grad is not None and y.grad is not None
        np.testing.assert_array_equal(seen[0], [6.0, 12.0])
        np.testing.assert_array_equal(y.grad.numpy(), [12.0, 24.0])
        np.testing.assert_array_equal(x.grad.numpy(), [36.0, 72.0])
        first.remove()
        first.remove()
        x.grad = None
        (y * y).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [18.0, 36.0])
        assert len(seen) == 1

    def test_on_leaves_and_numbers(self) -> None:
        x = tgi.tensor(2.0, requires_grad=True)
        x.register_hook(lambda g: g * 10.0)
        (x * x).backward()
        assert x.grad is not None and x.grad.item() == 40.0
        np.testing.assert_array_equal(tgi.grad(x * x, x)[0].numpy(), 40.0)

    def test_the_leaf_lives_no_longer(self) -> None:
        x = tgi.tensor([2.0], requires_grad=True)
        y = x * 1.0
        y.retain_grad()
        total = y.sum()
        del y
        total.backward()
        assert x.grad is not None and pickle.loads(pickle.dumps(x)).numpy() == 2.0

    def test_one_that_holds_its_own_tensor_goes_with_the_graph(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3.0
        y.register_hook(lambda g, y=y: g * y.detach())
        gone = weakref.ref(y)
        (y * y).sum().backward()
        del y
        assert gone() is None

    def test_bad_hooks(self) -> None:
        x = tgi.tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="does not require grad"):
            x.detach().register_hook(print)
        with pytest.raises(RuntimeError, match="does not require grad"):
            x.detach().retain_grad()
        with pytest.raises(TypeError, match="got int"):
            x.register_hook(3)
        handle = x.register_hook(lambda g: "no")
        with pytest.raises(TypeError, match="returned str"):
            (x * 2.0).sum().backward()
        handle.remove()
        x.register_hook(lambda g: g.sum())
        with pytest.raises(ValueError, match=r"shape \(\)"):
            (x * 2.0).sum().backward()


class TestAnomalies:
    def test_the_line_is_named(self) -> None:
        x = tgi.tensor([0.0, 1.0], requires_grad=True)
        with tgi.detect_anomaly():
            y = tgi.sqrt(x)  # here
            with pytest.raises(RuntimeError, match=r"of sqrt.*input 0 has inf in 1 of 2.*test_memory.py:\d+ in"):
                (y * 2.0).sum().backward()

    def test_what_is_sound_passes(self) -> None:
        x = tgi.tensor([2.0, 1.0], requires_grad=True)
        with tgi.detect_anomaly():
            tgi.sqrt(x).sum().backward()
        y = tgi.tensor(4.0, requires_grad=True)
        with tgi.detect_anomaly():
            tgi.sqrt(y).backward()
        assert x.grad is not None and y.grad is not None and y.grad.item() == 0.25
