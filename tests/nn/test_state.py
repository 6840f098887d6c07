"""The state of a module: entries that share its memory, as PyTorch's do, with NumPy's and with PyTorch's calls."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

RNG = np.random.default_rng(0)
X, START = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=(3, 3)).astype(np.float32)


def net_of(lib: Any) -> Any:
    """Two layers with one weight, a single number that is learned, running statistics, whole numbers."""

    class Net(lib.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a = lib.nn.Linear(3, 3)
            self.norm = lib.nn.BatchNorm1d(3)
            self.b = lib.nn.Linear(3, 3, bias=False)
            self.b.weight = self.a.weight
            self.again = self.norm
            self.scale = lib.nn.Parameter(lib.tensor(0.5))
            self.register_buffer("mask", lib.tensor([True, False, True]))
            self.register_buffer("passing", lib.tensor([1.0]), persistent=False)

        def forward(self, x: Any) -> Any:
            return self.scale * self.b(self.norm(self.a(x)))

    net = Net()
    with lib.no_grad():
        net.a.weight.copy_(lib.tensor(START))
        net.a.bias.copy_(lib.tensor(START[0]))
    return net


def arrays(state: Any) -> dict[str, Any]:
    return {name: np.array(value.numpy()) for name, value in sorted(state.items())}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-6, atol=1e-7, err_msg=name)


def trained(lib: Any, net: Any, steps: int = 3) -> None:
    rule = lib.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        rule.zero_grad()
        (net(lib.tensor(X)) ** 2).mean().backward()
        rule.step()


def changed(lib: Any) -> list[dict[str, Any]]:
    """What scripts do with states."""
    net, found = net_of(lib), []
    state, snapshot = net.state_dict(), copy.deepcopy(net.state_dict())
    ema = copy.deepcopy(net.state_dict())
    clones = {name: value.clone() for name, value in state.items()}
    for _ in range(3):
        trained(lib, net, 1)
        now = net.state_dict()
        for name in ema:
            if ema[name].dtype == lib.float32:
                ema[name].mul_(0.9).add_(now[name], alpha=0.1)
    found += [arrays(state), arrays(ema), arrays(snapshot), arrays(clones)]
    state["a.weight"].mul_(0.5)
    state["b.weight"][1] = 7.0
    state["scale"].copy_(lib.tensor(2.0))
    state["again.running_mean"].fill_(3.0)
    state["mask"][...] = lib.tensor([False, True, True])
    state["a.bias"][...] = lib.tensor([1.0, 2.0, 3.0])
    found += [arrays(net.state_dict()), arrays(state), {"out": net.eval()(lib.tensor(X)).detach().numpy()}]
    state["scale"].mul_(3.0).add_(1.0)
    found.append({"scale": np.array(net.scale.detach().numpy())})
    net.load_state_dict(snapshot)
    found.append(arrays(net.state_dict()))
    return found


def test_states_mean_what_they_mean_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for mine, theirs in zip(changed(tgi), changed(torch), strict=True):
        same(mine, theirs)


def test_entries_share_memory_and_have_no_gradient() -> None:
    net = net_of(tgi)
    state = net.state_dict()
    names = {"a.weight", "a.bias", "b.weight", "scale", "mask"}
    names |= {f"{m}.{n}" for m in ("norm", "again") for n in ("weight", "bias", "running_mean", "running_var")}
    assert state.keys() == names | {"norm.num_batches_tracked", "again.num_batches_tracked"}
    assert not any(value.requires_grad for value in state.values())
    assert net.state_dict(keep_vars=True)["a.weight"] is net.a.weight
    assert net.state_dict(keep_vars=True)["scale"] is net.scale and net.scale.requires_grad
    for name, tensor in net.state_dict(keep_vars=True).items():
        own = tensor.numpy()
        assert own.ndim == 0 or np.shares_memory(np.asarray(state[name]), own), name
        state[name][...] = np.ones_like(own)
        assert np.all(tensor.numpy() == 1), name
    assert state["a.weight"].shape == (3, 3) and state["a.weight"].mean() == 1.0 and np.mean(state["a.bias"]) == 1.0
    with tgi.no_grad():
        net.scale.fill_(4.0)
    assert state["scale"].item() == np.asarray(state["scale"]) == float(state["scale"]) == 4.0
    assert state["scale"].clone().item() == 4.0 and (state["scale"] * 2.0).item() == 8.0
    state["scale"].mul_(0.5)
    net.scale.data.mul_(3.0)
    assert net.scale.item() == net.state_dict()["scale"].item() == 6.0


def test_snapshots_stay_and_keep_ties() -> None:
    net = net_of(tgi)
    state = net.state_dict()
    for snapshot in (copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))):
        twin = snapshot(state)
        before = arrays(twin)
        same(before, arrays(state))
        for value in state.values():
            value[...] = 0
        same(before, arrays(twin))
        twin["a.weight"][...] = 5.0
        assert np.all(np.asarray(twin["b.weight"]) == 5.0)
        net.load_state_dict(twin)
        assert np.all(net.b.weight.numpy() == 5.0) and net.a.weight is net.b.weight


def test_a_state_may_be_loaded_into_the_model_it_is_of() -> None:
    net = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1))
    first, second = (layer.weight.numpy().copy() for layer in (net[0], net[1]))
    state = net.state_dict()
    state["0.weight"], state["1.weight"] = state["1.weight"], state["0.weight"]
    assert net.load_state_dict(state) == ([], [])
    np.testing.assert_array_equal(net[0].weight.numpy(), second)
    np.testing.assert_array_equal(net[1].weight.numpy(), first)
    assert net.state_dict()["0.weight"].numpy() is not state["0.weight"]


def test_changes_are_seen_by_programs_and_counted_by_the_graph() -> None:
    net = net_of(tgi).eval()
    run, x = tgi.capture(lambda x: net(x)), tgi.tensor(X)
    for _ in range(3):
        run(x)
    state = net.state_dict()
    for factor in (0.5, 3.0):
        state["a.weight"].mul_(factor)
        state["b.weight"][0, 0] = factor
        state["scale"].mul_(factor)
        np.testing.assert_allclose(run(x).numpy(), net(x).detach().numpy(), rtol=1e-5)
    loss = net(x).sum()
    state["a.weight"].mul_(2.0)
    with pytest.raises(RuntimeError, match="was changed in place after"):
        loss.backward()


def test_changes_are_seen_by_walks_by_programs() -> None:
    """An eager training whose weights are scaled through the state at each step, as by hand."""
    nets = [nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=1)) for _ in range(2)]
    rules = [optim.Adam(net.parameters(), 0.01) for net in nets]
    state = nets[0].state_dict()
    for _ in range(25):
        for net, rule in zip(nets, rules, strict=True):
            rule.zero_grad()
            net(tgi.tensor(X)).square().mean().backward()
            rule.step()
        for name, parameter in nets[1].named_parameters():
            state[name].mul_(0.9)
            with tgi.no_grad():
                parameter *= 0.9
    for name, parameter in nets[1].named_parameters():
        np.testing.assert_array_equal(np.asarray(state[name]), parameter.numpy())
    assert all(rules[0].state[p].keys() == rules[1].state[q].keys() for p, q in zip(*map(params, nets), strict=True))


def params(net: Any) -> list[Any]:
    return list(net.parameters())


def test_a_captured_function_may_change_a_state() -> None:
    net = net_of(tgi)

    @tgi.capture
    def shrink() -> None:
        for value in net.state_dict().values():
            if value.dtype == np.float32:
                value.mul_(0.5)

    before = arrays(net.state_dict())
    for _ in range(2):
        shrink()
    for name, value in before.items():
        if value.dtype == np.float32:
            power = 4 if name in ("b.weight", "a.weight") or name.startswith(("norm", "again")) else 2
            np.testing.assert_allclose(np.asarray(net.state_dict()[name]), value * 0.5**power, rtol=1e-6)


def test_tied_weights_are_saved_once_and_stay_tied(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"

    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x))

    shared = nn.Linear(3, 3, rng=0)
    plain = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=0), shared, nn.Tanh(), shared)
    plain[1].weight = plain[0].weight
    for model, first, second in ((Tied(), "a.weight", "b.weight"), (plain, "0.weight", "1.weight")):
        assert {first, second} <= model.state_dict().keys()
        tgi.save(path, model)
        from safetensors import safe_open

        with safe_open(path, "np") as file:
            assert first in file.keys() and second not in file.keys()  # noqa: SIM118 (no dictionary)
        found: Any = tgi.load(path, classes=[Tied]).model
        assert found.get_parameter(first) is found.get_parameter(second)
        same(arrays(found.state_dict()), arrays(model.state_dict()))
        tgi.save(path, model.state_dict())  # as a dictionary: each name has its numbers
        other = copy.deepcopy(model)
        for parameter in other.parameters():
            parameter.data.fill_(0.0)
        other.load_state_dict(tgi.load(path))
        same(arrays(other.state_dict()), arrays(model.state_dict()))


def test_single_numbers_are_shared_with_programs_and_given_up_with_their_entries() -> None:
    net = net_of(tgi).eval()
    entry = net.state_dict()["scale"]
    rule = optim.SGD(net.parameters(), 0.1)

    @tgi.capture
    def step(x: Any) -> Any:
        rule.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        rule.step()
        return loss

    seen = []
    for _ in range(3):
        step(tgi.tensor(X))
        seen.append((entry * 1.0).item())
        assert seen[-1] == net.scale.item()
    assert len(set(seen)) == 3
    for _ in range(100):
        net.scale.detach()
    a, b = tgi.tensor(1.0), tgi.tensor(1.0)
    one, other = a.detach(), (b * 1.0).detach()
    a.fill_(2.0)
    b.fill_(2.0)
    assert one.item() == 2.0 and other.item() == 1.0
    one.fill_(5.0)
    assert a.item() == 5.0
