"""Backward through graphs that were seen before: programs that give the bits of the rules, and know when not to."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.engine.graph import OPERATIONS
from tinygrad_init.kernels.backend import BACKEND
from tinygrad_init.programs import replay

pytestmark = pytest.mark.skipif(BACKEND == "reference", reason="walks by programs are for speed, which it is not about")

MORE = replay.SIGHTINGS + replay.TRIALS + 3


@pytest.fixture(autouse=True)
def _no_plans_of_others() -> None:
    replay.PLANS.plans.clear()
    replay.PLANS.bytes = 0


def taken_over() -> int:
    """How many structures are walked by programs now."""
    return sum(p.program is not None for plans in replay.PLANS.plans.values() for p in plans)


def bits(x: Any) -> bytes:
    return b"" if x is None else x.numpy().tobytes()


def agree(build: Callable[[int], tuple[Any, list[Any]]], times: int = MORE) -> None:
    """`backward` leaves what `grad`, which always goes by the rules, finds."""
    for t in range(times):
        loss, leaves = build(t)
        expected = tgi.grad(loss, leaves, retain_graph=True)
        for leaf in leaves:
            leaf.grad = None
        loss.backward()
        for leaf, gradient in zip(leaves, expected, strict=True):
            assert bits(leaf.grad) == bits(gradient), t


CASES = [
    (name, i)
    for name, op in sorted(OPERATIONS.items())
    if op.spec.examples is not None and any(rule is not None for rule in op.rules)
    for i in range(len(op.spec.examples(np.random.default_rng(0))))
]


@pytest.mark.parametrize(("name", "i"), CASES)
def test_every_operation(name: str, i: int) -> None:
    op = OPERATIONS[name]
    args, params = op.spec.examples(np.random.default_rng(0))[i]

    def build(t: int) -> tuple[Any, list[Any]]:
        leaves = [tgi.Tensor(np.array(a, np.float64), requires_grad=True) for a in args]
        out = op(*leaves, **params)
        return (out * tgi.Tensor(np.cos(np.arange(out.size)).reshape(out.shape), np.float64)).sum(), leaves

    try:
        build(0)[0].backward()
    except (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError):
        pytest.skip("the example is no graph by itself")
    agree(build)


def networks() -> dict[str, tuple[Any, Any, Any]]:
    rng = np.random.default_rng(0)
    x, rows = rng.normal(size=(12, 6)).astype(np.float32), rng.normal(size=(4, 5, 6)).astype(np.float32)
    images = rng.normal(size=(3, 2, 8, 8)).astype(np.float32)
    labels, single = rng.integers(0, 3, 12), rng.integers(0, 3, 3)
    deep = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(6, 6, rng=1), nn.Tanh())], nn.Linear(6, 3))
    normed = nn.Sequential(nn.Linear(6, 8, rng=1), nn.BatchNorm1d(8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
    conv = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
    attention = nn.TransformerEncoderLayer(6, 2, 12, 0.0)
    return {
        "deep": (deep, x, lambda out: nn.functional.cross_entropy(out, labels)),
        "normalized": (normed, x, lambda out: nn.functional.cross_entropy(out, labels)),
        "convolutional": (conv, images, lambda out: nn.functional.cross_entropy(out, single)),
        "attention": (attention, rows, lambda out: (out * out).mean()),
        "recurrent": (nn.LSTM(6, 4), rows, lambda out: (out[0] * out[0]).mean()),
        "residual": (nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.Sin())), x, lambda out: (out**2).sum()),
    }


@pytest.mark.parametrize("name", sorted(networks()))
def test_networks_that_train(name: str) -> None:
    model, x, loss = networks()[name]
    optimizer = tgi.optim.SGD(model.parameters(), lr=0.05)

    def build(t: int) -> tuple[Any, list[Any]]:
        optimizer.step()
        return loss(model(tgi.tensor(x + np.float32(0.01 * t)))), list(model.parameters())

    agree(build)


def deep() -> tuple[Any, Any]:
    model = nn.Sequential(nn.Linear(5, 7, rng=0), nn.Tanh(), nn.Linear(7, 3, rng=1))
    return model, tgi.tensor(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32))


def test_a_program_takes_over() -> None:
    model, x = deep()
    for _ in range(MORE):
        (model(x) ** 2).mean().backward()
    assert taken_over() == 1


def test_programs_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they keep is counted, and never more than there is room for; what was given up comes back."""
    monkeypatch.setattr(replay, "MOST_BYTES", 20_000)
    for _ in range(2):
        for depth in range(1, 7):
            x = tgi.tensor(np.linspace(-1, 1, 500), requires_grad=True)

            def build(t: int, x: Any = x, depth: int = depth) -> tuple[Any, list[Any]]:
                y = x * (t + 0.5)
                for _ in range(depth):
                    y = (y.tanh() * x).softmax(0)
                return y.max(), [x]

            agree(build)
            kept = [p.program.machine.memory_size for plans in replay.PLANS.plans.values() for p in plans if p.program]
            assert sum(kept) == replay.PLANS.bytes <= 20_000 and kept
    assert len(kept) < 6, "there was not room for all"


def test_in_any_default_dtype() -> None:
    """One that was set before, and one that rules see."""
    with tgi.default_dtype(np.float64):
        x = tgi.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)

        def build(t: int) -> tuple[Any, list[Any]]:
            return ((x * (t + 0.1)).tanh() ** 2).mean(), [x]

        agree(build)
        assert taken_over() == 1
    model, rows = deep()
    for _ in range(MORE):
        (model(rows) ** 2).mean().backward()
    assert taken_over() == 2


def test_gradients_add_up() -> None:
    model, x = deep()
    for _ in range(MORE):
        (model(x) ** 2).mean().backward()
    before = [p.grad.numpy().copy() for p in model.parameters()]
    loss = (model(x) ** 2).mean()
    added = tgi.grad(loss, list(model.parameters()), retain_graph=True)
    loss.backward()
    for p, b, a in zip(model.parameters(), before, added, strict=True):
        assert (p.grad.numpy() == b + a.numpy()).all()


def test_a_change_in_place_is_noticed() -> None:
    model, x = deep()
    for _ in range(MORE):
        (model(x) ** 2).mean().backward()
    loss = (model(x) ** 2).mean()
    with tgi.no_grad():
        model[2].weight.mul_(2.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_a_graph_is_freed_unless_it_is_to_be_kept() -> None:
    model, x = deep()
    for _ in range(MORE):
        (model(x) ** 2).mean().backward()
    loss = (model(x) ** 2).mean()
    for p in model.parameters():
        p.grad = None
    loss.backward(retain_graph=True)
    first = [bits(p.grad) for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    loss.backward()
    assert first == [bits(p.grad) for p in model.parameters()]
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()


def test_a_cotangent_of_ones_own() -> None:
    model, x = deep()

    def build(t: int) -> tuple[Any, list[Any]]:
        return model(x), list(model.parameters())

    for t in range(MORE):
        out, leaves = build(t)
        start = tgi.tensor(np.random.default_rng(t).normal(size=out.shape).astype(np.float32))
        expected = tgi.grad((out * start).sum(), leaves, retain_graph=True)
        for p in leaves:
            p.grad = None
        out.backward(start)
        assert [bits(p.grad) for p in leaves] == [bits(g) for g in expected]


def test_hooks_are_called_every_time() -> None:
    model, x = deep()
    seen = []
    for t in range(MORE + 5):
        h = model(x)
        if t >= MORE:
            h.register_hook(lambda g: seen.append(g.shape))
        (h**2).mean().backward()
    assert len(seen) == 5


def test_a_number_that_changes_is_followed() -> None:
    w = tgi.tensor(np.ones(4, np.float32), requires_grad=True)
    for t in range(3 * MORE):
        w.grad = None
        nn.functional.leaky_relu(w * -1.0, 0.01 * t).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), -0.01 * t, rtol=1e-6)


def test_other_shapes_dtypes_and_layouts() -> None:
    rng = np.random.default_rng(0)
    w = {d: tgi.tensor(rng.normal(size=(6, 6)).astype(d), requires_grad=True) for d in (np.float32, np.float64)}

    def build(t: int) -> tuple[Any, list[Any]]:
        dtype = (np.float32, np.float64)[t % 2]
        x = rng.normal(size=(6, 6)).astype(dtype)
        x = x.T if t % 3 else x
        return (tgi.tensor(x).T @ w[dtype] * w[dtype].T).tanh().mean(), [w[dtype]]

    agree(build, 6 * MORE)


def test_labels_and_masks_are_read_anew() -> None:
    model, x = deep()
    rng = np.random.default_rng(0)

    def build(t: int) -> tuple[Any, list[Any]]:
        out = model(x)
        kept = tgi.where(rng.random(out.shape) > 0.5, out, 0.0)
        return nn.functional.cross_entropy(kept, rng.integers(0, 3, 9)) + out[rng.integers(0, 9, 4)].mean(), [
            *model.parameters()
        ]

    agree(build)


def test_threads_walk_graphs_of_one_structure() -> None:
    model, x = deep()
    expected = [bits(g) for g in tgi.grad((model(x) ** 2).mean(), list(model.parameters()))]
    wrong = []

    def work() -> None:
        mine = [p.detach() for p in model.parameters()]
        for p in mine:
            p.requires_grad = True
        for _ in range(200):
            for p in mine:
                p.grad = None
            h = nn.functional.linear(nn.functional.linear(x, mine[0], mine[1]).tanh(), mine[2], mine[3])
            (h**2).mean().backward()
            if [bits(p.grad) for p in mine] != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_many_structures_keep_little() -> None:
    w = tgi.tensor(np.ones((3, 3), np.float32), requires_grad=True)
    for n in range(1, 100):
        for _ in range(2):
            h = w
            for _ in range(n):
                h = h * w
            h.sum().backward()
    assert len(replay.PLANS.plans) <= replay.KINDS_OF_GRAPHS


def test_not_finite_numbers_go_the_same_way() -> None:
    w = tgi.tensor(np.ones(6, np.float32), requires_grad=True)

    def build(t: int) -> tuple[Any, list[Any]]:
        x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-45], np.float32)
        return (w * x).sum() + (w * x).tanh().sum(), [w]

    for t in range(MORE):
        loss, leaves = build(t)
        (expected,) = tgi.grad(loss, leaves, retain_graph=True)
        w.grad = None
        loss.backward()
        np.testing.assert_array_equal(w.grad.numpy(), expected.numpy())


def test_what_a_graph_kept_goes_with_it() -> None:
    """Neither saved arrays nor gradients are held by the programs that have read them."""
    w = tgi.tensor(np.ones((64, 64), np.float32), requires_grad=True)
    optimizer = tgi.optim.SGD([w], lr=1e-6)
    x = tgi.tensor(np.ones((4096, 64), np.float32))  # a megabyte, as is each of its images

    def step() -> None:
        optimizer.zero_grad()
        (x @ w).tanh().tanh().sum().backward()
        optimizer.step()

    tracemalloc.start()
    try:
        step()
        optimizer.zero_grad()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(MORE + 5):
            step()
        assert taken_over() == 1
        optimizer.zero_grad()
        assert tracemalloc.get_traced_memory()[0] - before < 500_000
    finally:
        tracemalloc.stop()


def test_constants_of_other_sizes_on_the_way_are_noticed() -> None:
    """The result and the leaf have the same shapes, and the leaf lies elsewhere."""
    w = tgi.tensor(np.ones(3, np.float32), requires_grad=True)
    scale = tgi.tensor(np.arange(8, dtype=np.float32))

    def build(t: int) -> tuple[Any, list[Any]]:
        before = 1 if t < MORE else 4
        parts = [np.ones(before, np.float32), w, np.ones(5 - before, np.float32)]
        return (tgi.concatenate(parts) * scale).sum(), [w]

    agree(build, 2 * MORE)


def test_rules_of_ones_own_are_called_every_time() -> None:
    factor = [1.0]
    calls = []

    class Reversed(tgi.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1.0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            calls.append(1)
            return g * -factor[0]

    w = tgi.tensor(np.ones(3, np.float32), requires_grad=True)
    for t in range(2 * MORE):
        factor[0] = float(t)
        w.grad = None
        Reversed.apply(w * 2.0).sum().backward()
        np.testing.assert_array_equal(w.grad.numpy(), np.full(3, -2.0 * t, np.float32))
    assert len(calls) == 2 * MORE
