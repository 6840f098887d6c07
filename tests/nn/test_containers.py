"""Modules and parameters in rows and under names: found, ordered, changed, and refused."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn


def layers(n: int) -> list[nn.Module]:
    return [nn.Linear(2, 2, rng=i) for i in range(n)]


def weights(row: Any) -> list[str]:
    return [name for name, _ in row.named_parameters() if name.endswith("weight")]


@pytest.mark.parametrize("made", [lambda items: nn.Sequential(*items), nn.ModuleList])
def test_a_row_is_changed_like_a_list(made: Any) -> None:
    items = layers(5)
    row, known = made(items[:2]), items[:2]
    for change in (
        lambda r: r.append(items[2]), lambda r: r.extend(items[3:]), lambda r: r.insert(0, items[3]),
        lambda r: r.__setitem__(1, items[4]), lambda r: r.__delitem__(0), lambda r: r.pop(), lambda r: r.pop(-1),
    ):  # fmt: skip
        change(row)
        change(known)
        assert list(row) == known and len(row) == len(known) and row[-1] is known[-1]
        assert [name for name, _ in row._members()] == [str(i) for i in range(len(known))]
    assert type(row[1:]) is type(row) and list(row[1:]) == known[1:] and row[::-1][0] is known[-1]
    with pytest.raises(IndexError):
        row[9]
    with pytest.raises(TypeError, match="expected modules, got int at 0"):
        made([3])


def test_a_chain_of_names() -> None:
    first, second = layers(2)
    chain = nn.Sequential(OrderedDict([("hidden", first), ("out", second)]))
    assert weights(chain) == ["hidden.weight", "out.weight"] and chain[0] is first
    x = tgi.tensor(np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(chain(x).numpy(), second(first(x)).numpy())
    chain.append(nn.Tanh())
    assert [name for name, _ in chain.named_children()] == ["hidden", "out", "2"]
    for name in ("forward", "", "a.b"):
        with pytest.raises(KeyError):
            nn.Sequential({name: first})


def test_a_module_that_stands_twice_runs_twice_and_is_counted_once() -> None:
    one = nn.Linear(2, 2, rng=0)
    chain = nn.Sequential(one, nn.Tanh(), one)
    assert len(chain) == 3 and len(list(chain.children())) == 2 and len(list(chain.parameters())) == 2
    x = tgi.tensor(np.ones((1, 2), np.float32))
    np.testing.assert_array_equal(chain(x).numpy(), one(tgi.tanh(one(x))).numpy())


class Model(nn.Module):
    def __init__(self) -> None:
        self.blocks = nn.ModuleList(layers(2))
        self.heads = nn.ModuleDict({"a": nn.Linear(2, 1, rng=5), "b": nn.Linear(2, 3, rng=6)})
        self.scales = nn.ParameterList([np.ones(2), tgi.tensor(np.zeros(2))])
        self.shifts = nn.ParameterDict({"x": np.full(2, 0.5)})

    def forward(self, x: Any, head: str) -> Any:
        for block, scale in zip(self.blocks, self.scales, strict=True):
            x = x + block(x) * scale.astype(x.dtype) + self.shifts["x"].astype(x.dtype)
        return self.heads[head](x)


def test_what_containers_hold_is_learned_saved_and_captured() -> None:
    model = Model()
    assert [name for name, _ in model.named_parameters()] == [
        "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias", "heads.a.weight", "heads.a.bias",
        "heads.b.weight", "heads.b.bias", "scales.0", "scales.1", "shifts.x",
    ]  # fmt: skip
    x = tgi.tensor(np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32))
    run = tgi.capture(lambda x: model(x, "b"))
    np.testing.assert_allclose(run(x).numpy(), model(x, "b").numpy(), 1e-6)
    model.blocks[0] = nn.Linear(2, 2, rng=9)  # another module: the program is made anew
    np.testing.assert_allclose(run(x).numpy(), model(x, "b").numpy(), 1e-6)
    twin = copy.deepcopy(model)
    assert twin.state_dict().keys() == model.state_dict().keys() and twin.blocks[0] is not model.blocks[0]
    model(x, "a").sum().backward()
    assert model.scales[1].grad is not None and model.heads["b"].weight.grad is None


def test_a_dictionary_of_modules() -> None:
    one, two = layers(2)
    held = nn.ModuleDict([("one", one)])
    held["two"] = two
    assert list(held) == held.keys() == ["one", "two"] and held.values() == [one, two] and "two" in held
    assert held.items() == [("one", one), ("two", two)] and len(held) == 2 and "keys" not in held
    assert held.pop("one") is one and list(held) == ["two"]
    held.update({"three": one})
    held.clear()
    assert len(held) == 0
    for name in ("keys", "training", "a.b", ""):
        with pytest.raises(KeyError):
            held[name] = one
    with pytest.raises(KeyError, match="there is no 'four'; there are none"):
        held["four"]
    with pytest.raises(TypeError, match="expected modules, got int at 'x'"):
        held["x"] = 3  # type: ignore[assignment]


def test_parameters_in_a_row() -> None:
    row = nn.ParameterList([nn.Parameter(np.ones(2))])
    row.append(np.zeros(3))
    assert [p.shape for p in row] == [(2,), (3,)] and all(isinstance(p, nn.Parameter) for p in row)
    assert "(2,), (3,)" in repr(row)
    with pytest.raises(TypeError, match="expected parameters, got Linear"):
        row.append(nn.Linear(2, 2))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ([nn.Tanh()], "nn.ModuleList"), ((nn.Tanh(),), "nn.ModuleList"), ({"a": nn.Tanh()}, "nn.ModuleDict"),
        ([nn.Parameter(np.ones(2))], "nn.ParameterList"), ({"a": nn.Parameter(np.ones(2))}, "nn.ParameterDict"),
    ],
)  # fmt: skip
def test_plain_containers_are_refused_with_what_to_take(value: Any, instead: str) -> None:
    module = nn.Module()
    with pytest.raises(TypeError, match=f"would not be found; use {instead}"):
        module.held = value  # type: ignore[attr-defined]
