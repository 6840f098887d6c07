"""Update rules by their formulas, clipping, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import optim

from ..strategies import seeds


def leaf(values: Any) -> tgi.Tensor:
    return tgi.tensor(np.asarray(values, dtype=np.float64), requires_grad=True)


@given(
    seed=seeds, lr=st.floats(1e-4, 1), momentum=st.floats(0.1, 0.99), decay=st.floats(0, 0.1), nesterov=st.booleans()
)
def test_sgd(seed: int, lr: float, momentum: float, decay: float, nesterov: bool) -> None:
    rng = np.random.default_rng(seed)
    p = leaf(rng.normal(size=4))
    w, v = p.numpy().copy(), np.zeros(4)
    rule = optim.SGD([p], lr, momentum, nesterov, decay)
    for _ in range(4):
        g = rng.normal(size=4)
        p.grad = tgi.tensor(g)
        rule.step()
        d = g + decay * w
        v = momentum * v + d
        w = w - lr * (d + momentum * v if nesterov else v)
    np.testing.assert_allclose(p.numpy(), w, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("decoupled", [False, True])
@given(seed=seeds, lr=st.floats(1e-4, 0.1), decay=st.floats(0, 0.1))
def test_adam(decoupled: bool, seed: int, lr: float, decay: float) -> None:
    rng = np.random.default_rng(seed)
    p = leaf(rng.normal(size=3))
    w, m, v = p.numpy().copy(), np.zeros(3), np.zeros(3)
    rule = (optim.AdamW if decoupled else optim.Adam)([p], lr, weight_decay=decay)
    for t in range(1, 6):
        g = rng.normal(size=3)
        p.grad = tgi.tensor(g)
        rule.step()
        if decoupled:
            w = w * (1 - lr * decay)
        else:
            g = g + decay * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(p.numpy(), w, rtol=1e-9, atol=1e-12)


def test_adams_first_step_has_the_length_of_the_learning_rate() -> None:
    p = leaf([1.0, -1.0, 3.0])
    p.grad = tgi.tensor(np.array([1e-3, -50.0, 2.0]))
    optim.Adam([p], 0.01).step()
    np.testing.assert_allclose(p.numpy(), [0.99, -0.99, 2.99], atol=1e-6)


def test_parameters_without_a_gradient_stay() -> None:
    p, q = leaf([1.0]), leaf(2.0)
    rule = optim.SGD([p, q, p], 0.5)
    q.grad = tgi.tensor(1.0, "float64")
    rule.step()
    assert (p.item(), q.item()) == (1.0, 1.5)
    rule.zero_grad()
    assert q.grad is None


@given(seed=seeds, limit=st.floats(0.01, 10))
def test_clipping_by_norm_keeps_the_direction(seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    ps = [leaf(np.zeros(3)), leaf(np.zeros((2, 2))), leaf(0.0)]
    for p in ps[:2]:
        p.grad = tgi.tensor(rng.normal(size=p.shape) * 3)
    before = np.concatenate([p.grad.numpy().ravel() for p in ps[:2]])
    norm = optim.clip_grad_norm_(ps, limit)
    after = np.concatenate([p.grad.numpy().ravel() for p in ps[:2]])
    assert norm == pytest.approx(np.linalg.norm(before))
    np.testing.assert_allclose(after, before * min(1, limit / norm))


def test_clipping_by_value() -> None:
    p, q = leaf([0.0, 0.0, 0.0]), leaf(0.0)
    p.grad, q.grad = tgi.tensor(np.array([-5.0, 0.5, 5.0])), tgi.tensor(9.0, "float64")
    optim.clip_grad_value_([p, q], 1.0)
    np.testing.assert_array_equal(p.grad.numpy(), [-1, 0.5, 1])
    assert q.grad.item() == 1


def test_clipping_leaves_what_is_not_finite_to_be_seen() -> None:
    p = leaf([0.0, 0.0])
    p.grad = tgi.tensor(np.array([np.nan, 5.0]))
    assert np.isnan(optim.clip_grad_norm_([p], 1.0))
    np.testing.assert_array_equal(p.grad.numpy(), [np.nan, 5.0])


def test_norms_beyond_the_dtype() -> None:
    p = tgi.tensor([0.0, 0.0], requires_grad=True)
    p.grad = tgi.tensor([1e30, 1e30])
    assert optim.clip_grad_norm_([p], 1.0) == pytest.approx(np.sqrt(2) * 1e30, rel=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), np.sqrt(0.5), rtol=1e-6)


def test_clipping_a_recorded_gradient() -> None:
    p = leaf([3.0, 4.0])
    (p * p).sum().backward(create_graph=True)
    assert optim.clip_grad_norm_([p], 5.0) == 10
    penalty = (p.grad * p.grad).sum()
    np.testing.assert_allclose(tgi.grad(penalty, p).numpy(), 2 * 0.5 * 2 * np.array([3.0, 4.0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: optim.SGD([], 0.1), ValueError, "no parameters"),
        (lambda p: optim.SGD([p * 2], 0.1), TypeError, "leaves that require grad"),
        (lambda p: optim.SGD([p.detach()], 0.1), TypeError, "leaves that require grad"),
        (lambda p: optim.SGD([p], -1), ValueError, "lr must be finite and not negative, got -1"),
        (lambda p: optim.SGD([p], 0.1, nesterov=True), ValueError, "needs a momentum"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "betas"),
        (lambda p: optim.clip_grad_norm_([p], -1), ValueError, "limit"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(leaf([1.0]))
