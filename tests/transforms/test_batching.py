"""A function of batches is the function of each sample, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import func

RNG = np.random.default_rng(6)


def one_by_one(function: Any, *batches: Any) -> np.ndarray:
    return np.stack([np.asarray(function(*sample).detach()) for sample in zip(*batches, strict=True)])


@pytest.mark.parametrize("name", sorted(tgi.ops.REGISTRY))
def test_every_operation(name: str) -> None:
    op = tgi.ops.REGISTRY[name]
    if name == "dropout_mask":
        with pytest.raises(RuntimeError, match="draws at random"):
            tgi.vmap(lambda x: op(x, p=0.5, rng=None))(tgi.tensor(np.ones((2, 3))))
        return
    if op.spec.exempt:
        pytest.skip(op.spec.exempt)
    if op.spec.examples is None:
        examples = [((RNG.uniform(0.3, 0.6, size=(2, 3)),) * op.arity, {})]
        examples += [((RNG.uniform(0.3, 0.6, size=(2, 3)), np.array(0.5)), {})] if op.arity == 2 else []
    else:
        examples = op.spec.examples(np.random.default_rng(2))
    for inputs, params in examples:
        if name == "astype":
            continue
        called = lambda *xs, params=params: op(*xs, **params)  # noqa: E731
        batches = [tgi.tensor(np.stack([x, x * 0.9, x * 1.1])) for x in map(np.asarray, inputs)]
        np.testing.assert_allclose(tgi.vmap(called)(*batches).numpy(), one_by_one(called, *batches), rtol=1e-10)
        if len(inputs) > 1:  # only the first of them varies
            rest = [tgi.tensor(x) for x in inputs[1:]]
            found = tgi.vmap(called, (0, *(None,) * len(rest)))(batches[0], *rest)
            np.testing.assert_allclose(
                found.numpy(), one_by_one(lambda x, rest=rest, called=called: called(x, *rest), batches[0]), rtol=1e-10
            )


class TestGradients:
    model = tgi.nn.MLP([3, 4, 2], "tanh", rng=0, dtype="float64")
    x, y = tgi.tensor(RNG.normal(size=(6, 3))), tgi.tensor(RNG.normal(size=(6, 2)))

    def loss(self, x: Any, y: Any) -> Any:
        return tgi.mse(self.model(x), y)

    def test_of_each_sample(self) -> None:
        weight = next(self.model.parameters())
        found = tgi.vmap(lambda x, y: tgi.grad(self.loss(x, y), weight)[0])(self.x, self.y)
        wanted = [tgi.grad(self.loss(x, y), weight)[0].numpy() for x, y in zip(self.x, self.y, strict=True)]
        np.testing.assert_allclose(found.numpy(), np.stack(wanted))

    def test_through_the_batch(self) -> None:
        self.model.zero_grad()
        tgi.vmap(self.loss)(self.x, self.y).mean().backward()
        weight = next(self.model.parameters())
        assert weight.grad is not None
        np.testing.assert_allclose(weight.grad.numpy(), tgi.grad(self.loss(self.x, self.y), weight)[0].numpy())

    def test_what_is_detached_has_no_gradient(self) -> None:
        x = tgi.tensor(RNG.normal(size=(3, 2)), requires_grad=True)
        tgi.vmap(lambda x: (x.detach() * x).sum())(x).sum().backward()
        assert x.grad is not None
        np.testing.assert_allclose(x.grad.numpy(), x.detach().numpy())

    def test_nested_with_other_transformations(self) -> None:
        square = lambda x: (tgi.sin(x) * x).sum()  # noqa: E731
        found = tgi.vmap(tgi.hessian(square))(self.x)
        np.testing.assert_allclose(found.numpy(), np.stack([tgi.hessian(square, x).numpy() for x in self.x]))
        pairs = tgi.vmap(lambda a: tgi.vmap(lambda b: (a * b).sum())(self.x))(self.x)
        np.testing.assert_allclose(pairs.numpy(), self.x.numpy() @ self.x.numpy().T)
        both = func.grad(lambda x: tgi.vmap(square)(x).sum())(self.x)
        np.testing.assert_allclose(both.numpy(), tgi.vmap(func.grad(square))(self.x).numpy())

    def test_captured(self) -> None:
        each = tgi.vmap(func.grad(lambda x: (tgi.sin(x) * x).sum()))
        np.testing.assert_array_equal(tgi.capture(each)(self.x).numpy(), each(self.x).numpy())


class TestForms:
    x = tgi.tensor(RNG.normal(size=(4, 3)))

    def test_axes(self) -> None:
        turned = tgi.vmap(lambda x: x * 2.0, in_dims=1, out_dims=1)(self.x)
        np.testing.assert_array_equal(turned.numpy(), 2 * self.x.numpy())

    def test_nested(self) -> None:
        found = tgi.vmap(lambda tree: {"a": tree[0] + tree[1], "b": (tree[0].sum(), 1.5 * tree[1])})([self.x, self.x])
        np.testing.assert_array_equal(found["a"].numpy(), 2 * self.x.numpy())
        assert found["b"][0].shape == (4,)

    def test_whole_numbers_choose_for_each_sample(self) -> None:
        at = tgi.tensor([0, 2, 1, 0])
        found = tgi.vmap(lambda x, i: x[i])(self.x, at)
        np.testing.assert_array_equal(found.numpy(), self.x.numpy()[np.arange(4), at])
        masks = self.x > 0
        chosen = tgi.vmap(lambda x, m: tgi.where(m, x, 0.0))(self.x, masks)
        np.testing.assert_array_equal(chosen.numpy(), np.maximum(self.x.numpy(), 0))
        np.testing.assert_array_equal(tgi.vmap(lambda x: x > 0)(self.x), masks)

    def test_a_result_that_is_the_same_for_all(self) -> None:
        assert tgi.vmap(lambda x: tgi.tensor([1.0, 2.0]))(self.x).shape == (4, 2)

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"one length.*\(4, 3\), \(2,\)"):
            tgi.vmap(lambda x, y: x)(self.x, tgi.tensor([1.0, 2.0]))
        with pytest.raises(ValueError, match="in_dims has 1 entries for 2"):
            tgi.vmap(lambda x, y: x, (0,))(self.x, self.x)
        refused: list[Any] = [
            lambda x: x if x.sum() > 0 else -x,
            lambda x: x * x.sum().item(),
            lambda x: x.detach().fill_(1.0),
        ]
        w = tgi.tensor(np.ones(3), requires_grad=True)
        refused.append(lambda x: (w * x).sum().backward())
        for function in refused:
            with pytest.raises(RuntimeError, match="vmap"):
                tgi.vmap(function)(self.x)
        with pytest.raises(RuntimeError, match="no_grad"), tgi.enable_grad():
            tgi.vmap(tgi.no_grad()(lambda x: x * 2.0))(self.x)
