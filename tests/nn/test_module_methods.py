"""What PyTorch's users ask a module for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim


class Net(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(3, 4, rng=0)
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Sequential(nn.Tanh(), nn.Linear(4, 2, rng=1))

    def forward(self, x: Any) -> Any:
        return self.last(self.norm(self.first(x)))


X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def test_children_are_modules_and_named_children_pairs() -> None:
    net = Net()
    assert list(net.children()) == [net.first, net.norm, net.last]
    assert list(net.named_children()) == [("first", net.first), ("norm", net.norm), ("last", net.last)]
    assert list(net.modules()) == [net, net.first, net.norm, net.last, net.last[0], net.last[1]]


def test_names_with_a_prefix_and_of_one_module_alone() -> None:
    net = Net()
    net.scale = nn.Parameter(np.ones(1))
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert list(net.parameters(recurse=False)) == [net.scale]
    assert [name for name, _ in net.named_parameters("model")][:2] == ["model.scale", "model.first.weight"]
    assert [name for name, _ in net.named_buffers(prefix="m")] == [
        "m.norm.running_mean", "m.norm.running_var", "m.norm.num_batches_tracked",
    ]  # fmt: skip
    assert len(list(net.buffers())) == 3 and not list(net.buffers(recurse=False))
    assert net.state_dict(prefix="a.").keys() == {f"a.{name}" for name in net.state_dict()}


def test_parts_by_their_names() -> None:
    net = Net()
    assert net.get_submodule("last.1") is net.last[1] and net.get_submodule("") is net
    assert net.get_parameter("last.1.bias") is net.last[1].bias
    assert net.get_buffer("norm.running_var") is net.norm.running_var
    for call, said in (
        (lambda: net.get_submodule("last.2"), "there is no 'last.2'; modules are first, norm, last, last.0, last.1"),
        (lambda: net.get_submodule("first.weight"), "'first.weight' is no module, but Parameter"),
        (lambda: net.get_parameter("norm.running_var"), "is no parameter, but Buffer"),
        (lambda: net.get_buffer("first.bias"), "is no buffer, but Parameter"),
    ):
        with pytest.raises(AttributeError, match=said):
            call()


def test_parts_are_registered_by_name() -> None:
    module = nn.Module()
    module.add_module("a", nn.Tanh())
    module.register_module("b", None)
    module.register_parameter("w", nn.Parameter(np.ones(2)))
    module.register_parameter("none", None)
    module.register_buffer("mask", np.tril(np.ones((2, 2), np.float32)))
    module.register_buffer("apart", tgi.tensor([1.5, 2.0]), persistent=False)
    assert [name for name, _ in module.named_children()] == ["a"] and module.b is None and module.none is None
    assert module.state_dict().keys() == {"w", "mask"} and len(list(module.buffers())) == 2
    module.register_buffer("apart", None)
    module.add_module("a", nn.ReLU())
    assert isinstance(module.a, nn.ReLU)
    for call, error, said in (
        (lambda: module.add_module("w", nn.Tanh()), KeyError, "the name 'w' is taken"),
        (lambda: module.add_module("x.y", nn.Tanh()), KeyError, "without dots"),
        (lambda: module.add_module("x", 3), TypeError, "expected a module as 'x', got int"),
        (lambda: module.register_parameter("p", np.ones(2)), TypeError, "expected a Parameter as 'p', got ndarray"),
        (lambda: module.register_buffer("train", np.ones(2)), KeyError, "'train' is taken"),
        (lambda: module.register_buffer("n", np.array(["a"])), TypeError, "a buffer holds numbers, 'n' <U1"),
    ):
        with pytest.raises(error, match=said):
            call()


def test_buffers_of_whole_numbers() -> None:
    """They are kept as they are, are part of the state, and index."""

    class Positions(nn.Module):
        def __init__(self) -> None:
            self.table = nn.Embedding(6, 2, rng=0)
            self.register_buffer("places", np.arange(6))

        def forward(self, n: int) -> Any:
            return self.table(self.places[:n])

    module = Positions()
    assert module.state_dict()["places"].dtype == np.int64
    assert module(3).shape == (3, 2)
    module.load_state_dict({**module.state_dict(), "places": np.arange(6)[::-1]})
    np.testing.assert_array_equal(module(2).numpy(), module.table.weight.numpy()[[5, 4]])
    assert [name for name, _ in module.named_buffers()] == ["places"]


def test_a_function_goes_to_all_modules_those_inside_first() -> None:
    seen: list[nn.Module] = []
    net = Net()
    assert net.apply(seen.append) is net
    assert seen == [net.first, net.norm, net.last[0], net.last[1], net.last, net]


def test_gradients_are_switched_and_forgotten() -> None:
    net = Net()
    assert net.requires_grad_(False) is net and not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(tgi.tensor(X)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_another_dtype() -> None:
    net = Net()
    twice = nn.Sequential(net.first, net.first)
    expected = net.eval()(tgi.tensor(X)).numpy()
    assert net.double() is net
    assert {p.dtype for p in (*net.parameters(), *net.buffers())} == {np.dtype(np.float64)}
    np.testing.assert_allclose(net(tgi.tensor(X.astype(np.float64))).numpy(), expected, rtol=1e-5)
    assert twice[0] is twice[1]
    for call in (
        lambda: net.to("float32"), lambda: net.to(np.float64), lambda: net.to("cpu", np.float32),
        lambda: net.to(dtype="float64"), lambda: net.float(), lambda: net.to(tgi.tensor(1.0, "float64")),
        lambda: net.to("cpu"), lambda: net.cpu(),
    ):  # fmt: skip
        before = net.first.weight.dtype
        call()
        assert net.first.weight.dtype in (np.float32, np.float64)
    assert before == net.first.weight.dtype == np.float64
    with pytest.raises(ValueError, match="device None or 'cpu', got 'cuda'"):
        net.to("cuda")
    with pytest.raises(TypeError, match="float32 or float64"):
        net.to("float16")


def test_a_program_of_a_model_that_changes_its_dtype_is_made_anew() -> None:
    model = nn.Linear(3, 2, rng=0)
    run = tgi.capture(lambda: model.weight.sum())
    for _ in range(2):
        assert run().dtype == np.float32
    model.double()
    assert run().dtype == np.float64 and run().item() == pytest.approx(model.weight.numpy().sum())


def test_an_optimizer_made_after_learns_the_new_tensors() -> None:
    model = nn.Linear(3, 2, rng=0).double()
    rule = optim.SGD(model.parameters(), 0.1)
    before = model.weight.numpy().copy()
    model(tgi.tensor(X.astype(np.float64))).sum().backward()
    rule.step()
    assert np.all(model.weight.numpy() != before)


def test_a_state_that_does_not_fit_is_taken_in_part_if_asked() -> None:
    net, other = Net(), Net()
    state = {name: value + 1 for name, value in other.state_dict().items() if not name.startswith("last")}
    with pytest.raises(KeyError, match=r"missing \['last.1.bias', 'last.1.weight'\], unknown \['more'\]"):
        net.load_state_dict({**state, "more": np.ones(1)})
    found = net.load_state_dict({**state, "more": np.ones(1)}, strict=False)
    assert found.missing_keys == ["last.1.bias", "last.1.weight"] and found.unexpected_keys == ["more"]
    np.testing.assert_array_equal(net.first.weight.numpy(), state["first.weight"])
    assert net.load_state_dict(net.state_dict()) == ([], [])
    with pytest.raises(ValueError, match="shapes differ"):
        net.load_state_dict({"first.bias": np.ones(9)}, strict=False)


def test_hooks_see_and_change_what_goes_in_and_out() -> None:
    layer, seen = nn.Linear(3, 2, rng=0), []
    x = tgi.tensor(X)
    plain = layer(x).numpy()
    handles = [
        layer.register_forward_pre_hook(lambda m, inputs: (inputs[0] * 2.0,)),
        layer.register_forward_hook(lambda m, inputs, out: seen.append((m, inputs[0].shape, out.shape))),
        layer.register_forward_hook(lambda m, inputs, out: out - 1.0),
        layer.register_forward_hook(lambda m, inputs, options, out: seen.append(options), with_kwargs=True),
    ]
    expected = layer.forward(x * 2.0).numpy() - 1.0
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-6)
    assert seen == [(layer, (5, 3), (5, 2)), {}]
    for handle in handles:
        handle.remove()
        handle.remove()
    np.testing.assert_array_equal(layer(x).numpy(), plain)
    with layer.register_forward_pre_hook(lambda m, a, k: (a, {"input": k["input"] * 0.0}), with_kwargs=True):
        np.testing.assert_array_equal(layer(input=x).numpy(), np.broadcast_to(layer.bias.numpy(), (5, 2)))
    first = layer.register_forward_hook(lambda m, i, out: out + 1.0)
    layer.register_forward_hook(lambda m, i, out: out * 2.0, prepend=True)
    np.testing.assert_allclose(layer(x).numpy(), 2.0 * plain + 1.0, rtol=1e-6)
    first.remove()
    with pytest.raises(TypeError, match="expected a function as a hook, got int"):
        layer.register_forward_hook(3)  # type: ignore[arg-type]


def test_hooks_within_a_captured_function() -> None:
    layer = nn.Linear(3, 2, rng=0)
    run = tgi.capture(lambda x: layer(x))
    x = tgi.tensor(X)
    plain = run(x).numpy().copy()
    handle = layer.register_forward_hook(lambda m, inputs, out: out * 3.0)
    for _ in range(2):
        np.testing.assert_allclose(run(x).numpy(), 3.0 * plain, rtol=1e-6)
    handle.remove()
    np.testing.assert_array_equal(run(x).numpy(), plain)


def test_signatures_are_pytorchs() -> None:
    """Names of arguments in order, and their defaults, for every layer that both have; ours are said by name."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    import inspect

    told = {("Hardtanh", "min_value")}  # which PyTorch has given up; the others take any arguments
    told |= {("BCEWithLogitsLoss", "reduction"), ("TransformerEncoderLayer", "activation")}
    told |= {("TransformerDecoderLayer", "activation"), ("Transformer", "activation")}
    compared = 0
    for name in nn.__all__:
        ours, theirs = getattr(nn, name), getattr(torch.nn, name, None)
        if theirs is None or not isinstance(ours, type) or not issubclass(theirs, torch.nn.Module):
            continue
        mine = [p for p in inspect.signature(ours).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        wanted = [p for p in inspect.signature(theirs).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        if issubclass(ours, nn.Activation) or name in ("RNN", "GRU", "LSTM", "Sequential") or not wanted:
            continue
        for own, other in zip(mine, wanted, strict=False):
            if (name, own.name) in told or (name, other.name) in told:
                continue
            assert own.name == other.name, name
            assert own.default == other.default or {own.default, other.default} == {None, inspect.Parameter.empty}, name
            compared += 1
    assert compared > 200
