"""Hooks of modules on the way back: what they see and change is what PyTorch's see and change."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

RNG = np.random.default_rng(0)
X, Y, W = (RNG.normal(size=shape) for shape in ((4, 3), (4, 3), (3, 3)))


def plain(found: Any) -> Any:
    """Gradients as arrays, in the tuples in which they came."""
    if isinstance(found, tuple):
        return tuple(map(plain, found))
    return None if found is None else np.array(found.detach().numpy(), np.float64)


def same(one: Any, other: Any) -> None:
    if isinstance(one, tuple):
        assert isinstance(other, tuple) and len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif one is None or isinstance(one, str):
        assert one is other or one == other
    else:
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def told(lib: Any, learned: str, used: str, hooks: list[tuple[str, Any]], again: int = 1) -> list[Any]:
    """What hooks on a module of two inputs and three outputs are given, and all gradients after it."""

    class Two(lib.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.w = lib.nn.Parameter(lib.tensor(W))

        def forward(self, x: Any, y: Any, n: int) -> Any:
            return (x @ self.w).tanh(), (x * y).sum(), y * n, n

    seen: list[Any] = []
    module = Two()
    for when, change in hooks:
        register = getattr(module, f"register_full_backward_{when}")

        def hook(_: Any, *grads: Any, when: str = when, change: Any = change) -> Any:
            seen.append((when, *map(plain, grads)))
            return change(*grads)

        register(hook)
    x, y = (lib.tensor(a, requires_grad=name in learned) for name, a in (("x", X), ("y", Y)))
    for _ in range(again):
        outputs = module(x, y, 2)
        sum((outputs[int(i)] ** 2).sum() for i in used).backward()
    return [*seen, plain(x.grad), plain(y.grad), plain(module.w.grad)]


SEE: list[tuple[str, Any]] = [("hook", lambda *g: None), ("pre_hook", lambda *g: None)]
CHANGE: list[tuple[str, Any]] = [
    ("hook", lambda given, out: tuple(None if g is None else g * 3 for g in given)),
    ("hook", lambda given, out: (None, *given[1:])),
    ("pre_hook", lambda out: tuple(None if g is None else g * 2 for g in out)),
    ("pre_hook", lambda out: tuple(None if g is None else g + 1 for g in out)),
]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # PyTorch's, where no input requires grad
@pytest.mark.parametrize(
    ("learned", "used"),
    [
        *(("", used) for used in ("0", "01", "012")),
        *(("x", used) for used in ("0", "1", "01", "012")),
        *((learned, used) for learned in ("y", "xy") for used in ("0", "1", "2", "01", "012")),
    ],
)
@pytest.mark.parametrize("hooks", [SEE, CHANGE], ids=["see", "change"])
def test_hooks_of_several_inputs_and_outputs_as_in_pytorch(used: str, learned: str, hooks: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not learned:
        hooks = [one for one in hooks if one[0] == "pre_hook"] + SEE[:1]
    same(tuple(told(tgi, learned, used, hooks, 2)), tuple(told(torch, learned, used, hooks, 2)))


def chain(lib: Any, hooked: bool) -> Any:
    first, last = lib.nn.Linear(3, 5), lib.nn.Linear(5, 2)
    model = lib.nn.Sequential(first, lib.nn.Tanh(), last).double()
    rng = np.random.default_rng(1)
    for p in model.parameters():
        p.data.copy_(lib.tensor(rng.normal(size=tuple(p.shape))))
    if hooked:
        model[1].register_full_backward_hook(lambda m, given, out: (given[0] * 0.5,))
        model[2].register_full_backward_pre_hook(lambda m, out: (out[0].clip(-0.05, 0.05),))
    return model


def trained(lib: Any, make: Any, calls: list[Any] | None = None, hooked: bool = True) -> list[Any]:
    model = chain(lib, hooked)
    if calls is not None:
        model.register_full_backward_hook(lambda m, given, out: calls.append((given, plain(out))))
    rule = make(model.parameters(), lr=0.05)
    for _ in range(20):
        rule.zero_grad()
        model(lib.tensor(X)).square().mean().backward()
        rule.step()
    return [plain(p) for p in model.parameters()]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_twenty_steps_go_by_the_rules_with_hooks() -> None:
    """Walks by programs begin after some graphs of one structure; a hook is called each time, and changes gradients."""
    calls: list[Any] = []
    found = trained(tgi, optim.SGD, calls)
    assert len(calls) == 20 and all(given == (None,) for given, _ in calls)
    assert not np.array_equal(calls[-1][1][0], calls[0][1][0])
    without = trained(tgi, optim.SGD, hooked=False)
    assert not np.allclose(found[0], without[0])
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    same(tuple(found), tuple(trained(torch, torch.optim.SGD)))


def test_a_hook_that_comes_after_many_walks_is_called_and_one_that_goes_is_not() -> None:
    model, x, calls = chain(tgi, False), tgi.tensor(X), []
    step = [0]
    for i in range(40):
        step[0] = i
        if i == 20:
            handle = model[2].register_full_backward_hook(lambda m, given, out: calls.append(step[0]))
        if i == 30:
            handle.remove()
            handle.remove()
        model(x).sum().backward()
    assert calls == list(range(20, 30))


def test_handles_are_contexts_and_order_is_told() -> None:
    layer, said = nn.Linear(3, 2, rng=0), []
    x = tgi.tensor(X.astype(np.float32), requires_grad=True)
    with (
        layer.register_full_backward_hook(lambda *_: said.append("a")),
        layer.register_full_backward_hook(lambda *_: said.append("b"), prepend=True),
        layer.register_full_backward_pre_hook(lambda *_: said.append("c")),
        layer.register_full_backward_pre_hook(lambda *_: said.append("d"), prepend=True),
    ):
        layer(x).sum().backward()
    assert said == ["d", "c", "b", "a"]
    layer(x).sum().backward()
    with tgi.no_grad():
        layer(x)
    assert len(said) == 4


def test_gradients_of_gradients_go_through_hooks() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    found = []
    for lib in (tgi, torch):
        layer, x = lib.nn.Tanh(), lib.tensor(X, requires_grad=True)
        layer.register_full_backward_hook(lambda m, given, out: (given[0] * 3.0 * out[0],))
        (slope,) = lib.autograd.grad((layer(x) ** 3).sum(), [x], create_graph=True)
        (second,) = lib.autograd.grad((slope**2).sum(), [x])
        found.append((plain(slope), plain(second)))
    same(*found)


def test_a_checkpoint_with_hooks() -> None:
    layer, x = nn.Tanh(), tgi.tensor(X, requires_grad=True)
    layer.register_full_backward_hook(lambda m, given, out: (given[0] * 3.0,))
    tgi.checkpoint(layer, x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * (1 - np.tanh(X) ** 2), rtol=1e-12)


def test_hooks_in_a_captured_function_are_part_of_the_program() -> None:
    model, eager = chain(tgi, True), chain(tgi, True)
    rules = [optim.SGD(m.parameters(), 0.05) for m in (model, eager)]

    def step(x: Any, m: Any = model, rule: Any = rules[0]) -> Any:
        rule.zero_grad()
        loss = m(x).square().mean()
        loss.backward()
        rule.step()
        return loss

    captured, x = tgi.capture(lambda x: step(x)), tgi.tensor(X)
    for i in range(6):
        if i == 3:  # a program is made anew
            for m in (model, eager):
                m[0].register_full_backward_pre_hook(lambda m, out: (out[0] * 2.0,))
        np.testing.assert_allclose(captured(x).item(), step(x, eager, rules[1]).item(), rtol=1e-12)
    for p, q in zip(model.parameters(), eager.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)
    model[0].register_full_backward_hook(lambda m, given, out: print(out[0].numpy()))
    with pytest.raises(tgi.CaptureError, match="reads the numbers of a tensor"):
        captured(x)


def test_what_hooks_may_not_return() -> None:
    x = tgi.tensor(X, requires_grad=True)
    for given, error, said in (
        ((1, 2), RuntimeError, "Tanh: expected a backward hook to return 1 gradients for grad_input, got 2"),
        (3, TypeError, "expected a backward hook to return None or a tuple for grad_input, got int"),
        ((3,), TypeError, "expected tensors in grad_input, a backward hook returned int"),
        ((tgi.zeros(3),), ValueError, r"as grad_input\[0\], a backward hook returned shape \(3,\) and float32"),
    ):
        layer = nn.Tanh()
        layer.register_full_backward_hook(lambda m, i, o, given=given: given)
        with pytest.raises(error, match=said):
            layer(x).sum().backward()
    layer = nn.Linear(3, 2, dtype="float64", rng=0)
    layer.register_full_backward_hook(lambda m, i, o: (tgi.zeros(4, 3),))
    with pytest.raises(RuntimeError, match="no input of the module requires one"):
        layer(tgi.tensor(X)).sum().backward()
    with pytest.raises(TypeError, match="expected a function as a hook, got int"):
        layer.register_full_backward_hook(3)  # type: ignore[arg-type]

    class Named(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"y": x * 2.0}

    layer = Named()
    layer.register_full_backward_hook(lambda m, i, o: None)
    with pytest.warns(UserWarning, match="Named: its backward hooks are not called, as its output is dict"):
        layer(x)


def test_graphs_with_hooks_go_away_by_themselves() -> None:
    layer, gone = nn.Linear(3, 2, rng=0), []
    layer.register_full_backward_hook(lambda m, i, o: None)
    gc.disable()
    try:
        for freed in (False, True):
            x = tgi.tensor(X.astype(np.float32), requires_grad=True)
            out = layer(x)
            loss = out.sum()
            gone += [weakref.ref(x), weakref.ref(out), weakref.ref(loss)]
            if freed:
                loss.backward()
            del x, out, loss
        assert [one() for one in gone] == [None] * 6
    finally:
        gc.enable()


def test_what_does_not_go_by_backward_says_so() -> None:
    layer = nn.Linear(3, 2, rng=0)
    layer.register_full_backward_hook(lambda m, i, o: None)
    x = tgi.tensor(X.astype(np.float32))
    for call, error, said in (
        (lambda: tgi.jvp(lambda r: layer(r), x, x), NotImplementedError, "remove the hooks to push tangents"),
        (lambda: str(tgi.tape(layer(x).sum())), NotImplementedError, "or to look into the graph"),
        (
            lambda: tgi.vmap(lambda r: layer(r))(x),
            RuntimeError,
            "the gradients of outputs of Linear, by backward hooks",
        ),
    ):
        with pytest.raises(error, match=said):
            call()
