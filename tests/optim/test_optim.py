"""Update rules by their formulas, clipping, errors."""

from __future__ import annotations

from collections.abc import Callable
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
    rule = optim.SGD([p], lr, momentum, nesterov=nesterov, weight_decay=decay)
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


RULES: dict[str, Callable[[Any], optim.Optimizer]] = {
    "sgd": lambda ps: optim.SGD(ps, 0.1),
    "momentum": lambda ps: optim.SGD(ps, 0.1, 0.9, weight_decay=0.1),
    "nesterov": lambda ps: optim.SGD(ps, 0.1, 0.9, nesterov=True),
    "adam": lambda ps: optim.Adam(ps, 0.1, weight_decay=0.1),
    "adamw": lambda ps: optim.AdamW(ps, 0.1),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("order", ["ppq", "pqp", "pqq", "qpqpp"])
def test_what_stands_twice_is_updated_once(order: str, captured: bool, rule: str) -> None:
    """Also where another parameter has the same numbers, which is another one."""

    def trained(order: str) -> list[Any]:
        leaves = {"p": leaf([1.0, -2.0, 3.0]), "q": leaf([1.0, -2.0, 3.0])}
        optimizer = RULES[rule](leaves[name] for name in order)
        assert [id(p) for p in optimizer.parameters] == [id(leaves[name]) for name in dict.fromkeys(order)]

        def step() -> None:
            optimizer.zero_grad()
            (leaves["p"] ** 2 * leaves["q"]).sum().backward()
            optimizer.step()

        run = tgi.capture(step) if captured else step
        for _ in range(3):
            run()
        assert len(optimizer.state) in (0, 2)
        return [leaves["p"].numpy(), leaves["q"].numpy()]

    np.testing.assert_array_equal(trained(order), trained("pq"))


def test_shared_weights_are_updated_once() -> None:
    """A layer that stands in two places gives its parameters twice, or the weights of one are those of the other."""
    one, other = tgi.nn.Linear(2, 2, rng=0), tgi.nn.Linear(2, 2, rng=1)
    other.weight = one.weight
    parameters = [*one.parameters(), *other.parameters(), *one.parameters()]
    optimizer = optim.SGD(parameters, 1.0)
    assert len(parameters) == 6 and len(optimizer.parameters) == 3
    before = one.weight.numpy().copy()
    one.weight.grad = tgi.tensor(np.ones((2, 2), np.float32))
    optimizer.step()
    np.testing.assert_array_equal(one.weight.numpy(), before - 1.0)


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
    np.testing.assert_allclose(after, before * min(1, limit / (norm + 1e-6)))


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


def clipped(gradients: list[Any], limit: float, captured: bool) -> tuple[Any, list[Any]]:
    """The norm that is returned, and the gradients afterwards."""
    ps = [tgi.tensor(np.zeros(np.shape(g)), getattr(g, "dtype", np.float64), requires_grad=True) for g in gradients]

    def step(*given: Any) -> Any:
        for p, g in zip(ps, given, strict=True):
            p.grad = None
            if g is not None:
                (p * g).sum().backward()
        return optim.clip_grad_norm_(ps, limit)

    norm = (tgi.capture(step) if captured else step)(*gradients)
    assert norm.shape == () and norm.dtype == np.float64 and not norm.requires_grad
    return norm.item(), [p.grad if p.grad is None else p.grad.numpy() for p in ps]


either = pytest.mark.parametrize("captured", [False, True], ids=["eager", "captured"])


@either
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_norm_that_is_not_finite_changes_no_gradient(place: int, bad: float, dtype: Any, captured: bool) -> None:
    gradients = [np.array([3.0, -4.0], dtype), np.array(5.0, dtype), np.array([[6.0]], dtype)]
    gradients[place][...] = bad
    for limit in (1.0, 1e6, 0.0):
        norm, after = clipped(gradients, limit, captured)
        assert np.isnan(norm) if np.isnan(bad) else norm == np.inf
        for mine, before in zip(after, gradients, strict=True):
            np.testing.assert_array_equal(mine, before)


@either
def test_no_gradients_have_no_length(captured: bool) -> None:
    assert clipped([None, None], 1.0, captured) == (0.0, [None, None])
    assert clipped([], 1.0, captured) == (0.0, [])
    norm, after = clipped([None, np.array([3.0, 4.0])], 1.0, captured)
    assert norm == 5.0 and after[0] is None
    np.testing.assert_allclose(after[1], np.array([3.0, 4.0]) / (5.0 + 1e-6), 1e-15)


@either
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_up_to_the_limit_nothing_changes(dtype: Any, captured: bool) -> None:
    """And beyond it, counted from 10⁻⁶ before, gradients are made shorter; 0 is a limit as well."""
    gradients = [np.array([3.0], dtype), np.array([[4.0]], dtype)]
    for limit in (5.0 + 1e-6, 5.1, 1e300):
        norm, after = clipped(gradients, limit, captured)
        assert norm == 5.0
        assert [g.item() for g in after] == [3.0, 4.0]
    for limit in (5.0, 2.5):
        norm, after = clipped(gradients, limit, captured)
        assert norm == 5.0 and after[0].item() < 3.0 and after[1].item() < 4.0
        assert np.hypot(*(g.item() for g in after)) == pytest.approx(
            limit / (1 + 2e-7), rel=2 * float(np.finfo(dtype).eps)
        )
    assert [g.item() for g in clipped(gradients, 0.0, captured)[1]] == [0.0, 0.0]
    norm, after = clipped([0.0 * g for g in gradients], 0.0, captured)
    assert norm == 0.0 and [g.item() for g in after] == [0.0, 0.0]


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
@pytest.mark.parametrize("limit", [-1.0, -1e-300, np.nan, -np.inf])
def test_limits_are_numbers_from_zero_on(clip: Any, limit: float) -> None:
    p = leaf([1.0])
    p.grad = tgi.tensor(np.array([3.0]))
    with pytest.raises(ValueError, match=f"{clip.__name__}: limit must not be negative, got {limit}"):
        clip([p], limit)
    assert p.grad.item() == 3.0


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 7, np.inf])
@pytest.mark.parametrize("captured", [False, True])
def test_norms_are_those_of_pytorch(p: float, captured: bool) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=(3, 2)), rng.normal(size=4), np.array(rng.normal())]
    theirs = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for value, g in zip(theirs, gradients, strict=True):
        value.grad = torch.tensor(g)
    ours = [leaf(np.zeros(g.shape)) for g in gradients]

    def step(*given: Any) -> Any:
        for value, g in zip(ours, given, strict=True):
            value.grad = tgi.tensor(g)
        found = optim.get_total_norm((value.grad for value in ours), norm_type=p)  # type: ignore[misc]
        return found, optim.clip_grad_norm_(iter(ours), max_norm=0.5, norm_type=p, error_if_nonfinite=True)

    found, clipped = (tgi.capture(step) if captured else step)(*gradients)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, 0.5, p).item()
    assert found.item() == clipped.item() == pytest.approx(wanted, rel=1e-12)
    for value, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(value.grad.numpy(), other.grad.numpy(), 1e-12)


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_must_be_finite(bad: float, captured: bool) -> None:
    p = leaf([0.0, 0.0])

    def step(g: Any) -> Any:
        p.grad = tgi.tensor(g)
        return optim.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)

    run = tgi.capture(step) if captured else step
    assert run(np.array([3.0, 4.0])).item() == 5.0
    with pytest.raises(RuntimeError, match=f"the total norm is {bad}, so nothing is clipped"):
        run(np.array([3.0, bad]))


def test_a_single_tensor_and_pytorchs_names() -> None:
    p = leaf([0.0, 0.0])
    p.grad = tgi.tensor(np.array([3.0, 4.0]))
    assert optim.clip_grad_norm_(p, float("inf")) == optim.get_total_norm(p.grad) == 5.0
    assert optim.clip_grad_norm_(p, max_norm=10.0) == 5.0 and p.grad.numpy()[0] == 3.0
    optim.clip_grad_value_(p, clip_value=3.5)
    np.testing.assert_array_equal(p.grad.numpy(), [3.0, 3.5])
    optim.clip_grad_value_(iter([p]), limit=1.0, foreach=True)
    np.testing.assert_array_equal(p.grad.numpy(), [1.0, 1.0])
    assert optim.get_total_norm([]) == 0.0
    empty = leaf(np.zeros(0))
    empty.grad = tgi.tensor(np.zeros(0))
    assert optim.clip_grad_norm_([empty, p], 1.0, np.inf) == 1.0


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
    np.testing.assert_allclose(tgi.grad(penalty, p)[0].numpy(), 2 * 0.5 * 2 * np.array([3.0, 4.0]), rtol=1e-6)


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
        (lambda p: optim.get_total_norm([p], 0), ValueError, "norm_type must be positive, got 0"),
        (lambda p: optim.get_total_norm([1.0]), TypeError, "get_total_norm: expected tensors, got float"),
        (lambda p: optim.clip_grad_value_([None], 1.0), TypeError, "expected tensors, got NoneType"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(leaf([1.0]))


def test_parameters_are_called_params_as_in_pytorch() -> None:
    for rule in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.LBFGS):
        p = leaf([1.0])
        assert rule(params=[p], lr=0.1).parameters == (p,)

    class Own(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

    assert Own(params=[leaf([1.0])], lr=0.1).defaults == {"lr": 0.1}
