"""Optimizers that step again and again: the program that takes over computes the same bits."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim
from tinygrad_init.kernels.backend import BACKEND
from tinygrad_init.optim.repeating import EXACT, NEVER, STEPS

OPTIONS: list[dict[str, Any]] = [{}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"maximize": True}, {"amsgrad": True}]
MORE = STEPS + 12


def parameters(dtype: Any) -> list[Any]:
    rng = np.random.default_rng(1)
    return [tgi.tensor(rng.normal(size=s).astype(dtype), requires_grad=True) for s in ((5, 3), (3, 7), (4,))]


def slopes(t: int, ps: list[Any]) -> None:
    rng = np.random.default_rng(100 + t)
    for p in ps:
        p.grad = tgi.tensor(rng.normal(size=p.shape).astype(p.dtype))


def same(ps: list[Any], qs: list[Any]) -> bool:
    return all(p.numpy().tobytes() == q.numpy().tobytes() for p, q in zip(ps, qs, strict=True))


def taken(options: dict[str, Any], rule: Any) -> bool:
    return set(options) <= set(inspect.signature(rule).parameters)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name in sorted(EXACT) for options in OPTIONS if taken(options, getattr(optim, name))],
)
def test_bits_do_not_depend_on_how_often_it_stepped(name: str, options: dict[str, Any], dtype: Any) -> None:
    make = getattr(optim, name)
    one, other = parameters(dtype), parameters(dtype)
    by_program, by_rule = make(one, lr=0.05, **options), make(other, lr=0.05, **options)
    for t in range(MORE):
        if t == STEPS + 4:
            for found in (by_program, by_rule):
                found.param_groups[0]["lr"] *= 0.5
        slopes(t, one)
        slopes(t, other)
        by_program.step()
        by_rule.step_once()
        assert same(one, other), t
    assert (by_program._kept[2].runner is not None) == ("amsgrad" not in options)


def test_a_gradient_that_is_missing_leaves_its_parameter() -> None:
    ps = parameters(np.float32)
    found = optim.SGD(ps, lr=0.1)
    for t in range(MORE):
        slopes(t, ps)
        before = ps[1].numpy().copy()
        if t % 2:
            ps[1].grad = None
        found.step()
        assert (ps[1].numpy() == before).all() == bool(t % 2)


def test_gradients_are_where_they_were() -> None:
    ps = parameters(np.float32)
    found = optim.SGD(ps, lr=0.1)
    for t in range(MORE):
        slopes(t, ps)
        gradients = [p.grad for p in ps]
        numbers = [g.numpy().copy() for g in gradients if g is not None]
        found.step()
        assert all(p.grad is g for p, g in zip(ps, gradients, strict=True))
        assert all((g.numpy() == n).all() for g, n in zip(gradients, numbers, strict=True) if g is not None)


def test_a_rule_of_ones_own_is_called_each_time() -> None:
    calls = []

    class Counting(optim.SGD):
        def update(self, *arguments: Any) -> None:
            calls.append(1)
            super().update(*arguments)

    ps = parameters(np.float32)
    found = Counting(ps, lr=0.1)
    for t in range(MORE):
        slopes(t, ps)
        found.step()
    assert len(calls) == MORE * len(ps)
    assert found._kept[2].steps < NEVER / 2


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_steps_its_own_parameters(again: Any) -> None:
    ps = parameters(np.float32)
    found = optim.Adam(ps, lr=0.1)
    for t in range(MORE):
        slopes(t, ps)
        found.step()
    other = again(found)
    copies = [p for group in other.param_groups for p in group["params"]]
    before = [p.numpy().copy() for p in ps]
    slopes(MORE, copies)
    other.step()
    assert all((p.numpy() == b).all() for p, b in zip(ps, before, strict=True))
    slopes(MORE, ps)
    found.step()
    assert same(ps, copies)


@pytest.mark.skipif(BACKEND == "reference", reason="the reference backend is not about speed")
def test_changes_at_every_step_end_it() -> None:
    ps = parameters(np.float32)
    found = optim.SGD(ps, lr=0.1, momentum=0.9)
    for t in range(MORE):
        found.param_groups[0]["momentum"] = 0.9 - 0.01 * t
        slopes(t, ps)
        found.step()
    assert found._kept[2].steps < 0
