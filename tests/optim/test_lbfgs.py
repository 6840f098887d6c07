"""LBFGS: PyTorch's steps, with and without a line search, resumed, copied, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim
from tinygrad_init.optim.line_search import Point, lowest, strong_wolfe

from .rules import arrays, leaves, starts

X, Y = np.random.default_rng(2).normal(size=(6, 3)), np.random.default_rng(3).normal(size=(6, 2))
OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    {"lr": 0.3, "history_size": 2, "max_eval": 7},
    {"max_iter": 1},
    {"max_iter": 3, "tolerance_grad": 0.05},
    {"tolerance_change": 0.01},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "lr": 20.0, "max_iter": 4},
    # Where the first step is so short that the loss is a line, rounding decides where a cubic is lowest.
    {"line_search_fn": "strong_wolfe", "lr": 0.2, "max_iter": 4},
]


def fit(values: list[Any], rule: Any, x: Any, y: Any, tanh: Callable[[Any], Any]) -> Callable[[], Any]:
    w, b, scale = values

    def closure() -> Any:
        rule.zero_grad()
        loss = ((tanh(x @ w + b) * scale - y) ** 2).mean()
        loss.backward()
        return loss

    return closure


def steps(values: list[tgi.Tensor], rule: optim.LBFGS, count: int, captured: bool = False) -> list[float]:
    closure = fit(values, rule, tgi.tensor(X), tgi.tensor(Y), tgi.tanh)
    run = tgi.capture(closure) if captured else closure
    return [rule.step(run).item() for _ in range(count)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_are_those_of_pytorch(options: dict[str, Any]) -> None:
    """With as many looks at the loss."""
    torch = pytest.importorskip("torch")
    ours, theirs = leaves(starts()), [torch.tensor(value, requires_grad=True) for value in starts()]
    rule, other = optim.LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    closure = fit(theirs, other, torch.tensor(X), torch.tensor(Y), torch.tanh)
    for _ in range(3):
        assert steps(ours, rule, 1)[0] == pytest.approx(other.step(closure).item(), rel=1e-6)
        for mine, value in zip(arrays(ours), theirs, strict=True):
            np.testing.assert_allclose(mine, value.detach().numpy(), 1e-5, 1e-7)
        mine, known = rule.state[ours[0]], other.state[theirs[0]]
        assert (mine["func_evals"], mine["n_iter"]) == (known["func_evals"], known["n_iter"])  # type: ignore[index]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_resumed_run_is_the_unbroken_one(options: dict[str, Any]) -> None:
    whole, first = leaves(starts()), leaves(starts())
    rule = optim.LBFGS(first, **options)
    losses = steps(whole, optim.LBFGS(whole, **options), 4)
    steps(first, rule, 2)
    rest, copied = leaves(arrays(first)), copy.deepcopy((first, rule))
    resumed = optim.LBFGS(rest, 123.0)
    resumed.load_state_dict(pickle.loads(pickle.dumps(rule.state_dict())))
    assert steps(rest, resumed, 2) == steps(copied[0], copied[1], 2) == losses[2:]
    assert [value.tobytes() for value in arrays(rest)] == [value.tobytes() for value in arrays(whole)]


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[7]], ids=str)
def test_a_run_goes_on_in_pytorch_and_back(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    from tinygrad_init.torch import optimizer_state

    options = {**options, "max_iter": 4}
    whole, ours = leaves(starts()), leaves(starts())
    wanted = steps(whole, optim.LBFGS(whole, **options), 3)
    rule = optim.LBFGS(ours, **options)
    steps(ours, rule, 1)
    theirs = [torch.tensor(value, requires_grad=True) for value in arrays(ours)]
    other = torch.optim.LBFGS(theirs)
    other.load_state_dict(optimizer_state(rule))
    loss = other.step(fit(theirs, other, torch.tensor(X), torch.tensor(Y), torch.tanh)).item()
    back = leaves([value.detach().numpy() for value in theirs])
    last = optim.LBFGS(back)
    last.load_state_dict(other.state_dict())
    assert [loss, *steps(back, last, 1)] == pytest.approx(wanted[1:], rel=1e-6)


def test_the_closure_may_be_a_program_and_the_step_may_not() -> None:
    eager, captured = leaves(starts()), leaves(starts())
    one, other = (optim.LBFGS(values, line_search_fn="strong_wolfe", max_iter=4) for values in (eager, captured))
    assert steps(captured, other, 3, captured=True) == pytest.approx(steps(eager, one, 3), rel=1e-6)
    closure = fit(captured, other, tgi.tensor(X), tgi.tensor(Y), tgi.tanh)
    with pytest.raises(tgi.CaptureError, match="LBFGS decides by the numbers"):
        tgi.capture(lambda: other.step(closure))()


def test_parameters_without_a_gradient_and_of_two_dtypes() -> None:
    p, q = tgi.tensor(np.array([3.0, -2.0]), requires_grad=True), tgi.tensor(np.float32(5.0), requires_grad=True)
    unused = tgi.tensor(np.ones(2), requires_grad=True)
    rule = optim.LBFGS([p, q, unused], line_search_fn="strong_wolfe")

    def closure() -> Any:
        rule.zero_grad()
        loss = (p * p).sum() + (q.astype("float64") - 1.0) ** 2
        loss.backward()
        return loss

    assert rule.step(closure).item() == 29.0
    np.testing.assert_allclose(p.numpy(), 0, atol=1e-6)
    assert q.item() == pytest.approx(1.0, abs=1e-5) and q.dtype == np.float32 and unused.numpy().all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: optim.LBFGS([p]).step(), TypeError, "expected a closure"),
        (
            lambda p: optim.LBFGS([p], line_search_fn="backtracking"),
            ValueError,
            "must be 'strong_wolfe' or None",
        ),
        (lambda p: optim.LBFGS([{"params": [p]}, {"params": leaves([1.0])}]), ValueError, "a single group"),
        (lambda p: optim.LBFGS([p], lr=-1.0), ValueError, "lr must be finite and not negative"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(leaves([2.0])[0])


def along(loss: Callable[[float], float], slope: Callable[[float], float]) -> Callable[[float], Point]:
    return lambda t: Point(t, loss(t), np.array([slope(t)]), slope(t))


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 30.0])
def test_a_line_search_meets_both_conditions(first: float) -> None:
    """On a line with a minimum, a kink of high order, and a steep wall."""
    lines: list[tuple[Callable[[float], float], Callable[[float], float]]] = [
        (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
        (lambda t: (t - 3) ** 4, lambda t: 4 * (t - 3) ** 3),
        (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
        (lambda t: np.exp(min(t, 300)) - 5 * t, lambda t: np.exp(min(t, 300)) - 5),
    ]
    for loss, slope in lines:
        at = along(loss, slope)
        start = at(0.0)
        found, tried = strong_wolfe(at, start, first, 1.0)
        assert found.loss <= start.loss + 1e-4 * found.t * start.slope and abs(found.slope) <= -0.9 * start.slope
        assert tried <= 26


def test_a_line_search_that_finds_no_such_point_gives_the_lowest() -> None:
    at = along(lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2)
    found, _ = strong_wolfe(at, at(0.0), 1e4, 1.0)
    assert found.loss < 0
    rising = along(lambda t: t, lambda t: 1.0)  # uphill, whatever the slope at 0 says
    assert strong_wolfe(rising, Point(0.0, 0.0, np.zeros(1), -1.0), 1.0, 1.0)[0].t == 0.0
    endless = along(lambda t: -t, lambda t: -1.0)
    found, tried = strong_wolfe(endless, endless(0.0), 1.0, 1.0)
    assert found.loss < -1e6 and tried == 26  # it gives up


def test_where_a_cubic_is_lowest() -> None:
    """Of a cubic itself, in either order of its points; the middle where it has no minimum."""
    at = along(lambda t: t**3 - 3 * t, lambda t: 3 * t * t - 3)
    for a, b in ((0.0, 3.0), (3.0, 0.0)):
        assert lowest(at(a), at(b), 0.0, 3.0) == pytest.approx(1.0)
        assert lowest(at(a), at(b), 2.0, 3.0) == 2.0 and lowest(at(a), at(b), 0.0, 0.5) == 0.5
    rising = along(lambda t: t**3 + 3 * t, lambda t: 3 * t * t + 3)
    assert lowest(rising(-1.0), rising(2.0), -1.0, 2.0) == 0.5
    nowhere = Point(1.0, float("nan"), np.zeros(1), float("nan"))
    assert lowest(at(0.0), nowhere, 0.0, 1.0) == lowest(at(1.0), at(1.0), 0.0, 1.0) == 0.5
