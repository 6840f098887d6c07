"""What a module consists of, read off the graph: modules in a row, functions between them, sums written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import attribute, diagnose, run
from tinygrad_init.diagnosis.fronts.chains import functions_between, parts_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)), RNG.integers(0, 3, 40)


class Net(nn.Module):
    """Six numbers in, three out; `way` says what is done with the layers a, b and c."""

    def __init__(self, way: Any) -> None:
        self.a, self.b = (nn.Linear(6, 6, rng=seed, dtype="float64") for seed in (0, 1))
        self.c = nn.Linear(6, 3, rng=2, dtype="float64")
        self.way = way

    def forward(self, x: tgi.Tensor) -> tgi.Tensor:
        out: tgi.Tensor = self.way(self, x)
        return out


def block(*modules: nn.Module) -> nn.Residual:
    return nn.Residual(nn.Sequential(*modules))


# A forward written by hand, and the same made of modules.
WAYS: dict[str, tuple[Any, Any]] = {
    "a chain": (
        lambda m, x: m.c(tgi.tanh(m.b(tgi.relu(m.a(x))))),
        lambda m: [m.a, nn.ReLU(), m.b, nn.Tanh(), m.c],
    ),
    "x + f(x)": (lambda m, x: m.c(x + tgi.tanh(m.a(x))), lambda m: [block(m.a, nn.Tanh()), m.c]),
    "f(x) + x": (lambda m, x: m.c(tgi.tanh(m.a(x)) + x), lambda m: [block(m.a, nn.Tanh()), m.c]),
    "a function after the sum": (
        lambda m, x: m.c(tgi.relu(x + m.b(tgi.relu(m.a(x))))),
        lambda m: [block(m.a, nn.ReLU(), m.b), nn.ReLU(), m.c],
    ),
    "two blocks": (
        lambda m, x: (lambda h: m.c(h + tgi.relu(m.b(h))))(x + tgi.relu(m.a(x))),
        lambda m: [block(m.a, nn.ReLU()), block(m.b, nn.ReLU()), m.c],
    ),
    "a block in a block": (
        lambda m, x: (lambda h: m.c(x + (h + tgi.tanh(m.b(h)))))(tgi.relu(m.a(x))),
        lambda m: [block(m.a, nn.ReLU(), block(m.b, nn.Tanh())), m.c],
    ),
    "a shortcut that is learned": (
        lambda m, x: m.c(m.a(x) + tgi.relu(m.b(x)).clip(0.0, 9.0)),
        lambda m: [nn.Residual(nn.Sequential(m.b, nn.ReLU()), m.a), m.c],
    ),
    "a block on what a layer made": (
        lambda m, x: (lambda h: m.c(h + m.b(tgi.sigmoid(h))))(m.a(x)),
        lambda m: [m.a, block(nn.Sigmoid(), m.b), m.c],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in WAYS if name != "a shortcut that is learned"])
def test_written_by_hand_or_made_of_modules_it_is_the_same(name: str) -> None:
    by_hand, of_modules = WAYS[name]
    model = Net(by_hand)
    network = run(model, X, Y, tgi.cross_entropy)
    twin = run(nn.Sequential(*of_modules(model)), X, Y, tgi.cross_entropy)
    np.testing.assert_array_equal(network.output, model(tgi.tensor(X)).numpy())
    assert [link.label for link in network.flat()] == [link.label for link in twin.flat()]
    for one, other in zip(network.flat(), twin.flat(), strict=True):
        np.testing.assert_allclose(one.output, other.output, rtol=1e-12)
    ours, theirs = attribute(network), attribute(twin)
    assert [found.name for found in ours] and len(ours) == len(theirs)
    for mine, its in zip(ours, theirs, strict=True):
        assert mine.log10 == pytest.approx(its.log10, abs=1e-9)
        assert mine.measured == pytest.approx(mine.log10, abs=1e-9), "the factors are the gradient"
    assert diagnose(model, X, Y).verdict.word in ("healthy", "exploding", "vanishing")


@pytest.mark.parametrize("swapped", [False, True])
def test_many_blocks_in_a_row_take_no_longer_each(swapped: bool) -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.Sequential(*(nn.Linear(6, 6, rng=seed) for seed in range(200)))

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            for layer in self.layers:
                x = tgi.tanh(layer(x)) + x if swapped else x + tgi.tanh(layer(x))
            return x

    model = Deep()

    class Flat(nn.Module):
        def __init__(self) -> None:
            vars(self).update({f"l{i}": layer for i, layer in enumerate(model.layers)})

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return model(x)

    found = parts_of(Flat(), tgi.tensor(X.astype(np.float32), requires_grad=True))
    assert found is not None and len(found) == 200 and all(isinstance(part, nn.Residual) for part in found)


def test_a_shortcut_may_be_learned() -> None:
    model = Net(WAYS["a shortcut that is learned"][0])
    network = run(model, X, Y, tgi.cross_entropy)
    np.testing.assert_array_equal(network.output, model(tgi.tensor(X)).numpy())
    (whole, *_) = network.links
    assert {link.matrix.name for link in network.linears()} == {"a.weight", "b.weight", "c.weight"}
    assert whole.branch and whole.shortcut
    for found in attribute(network):
        assert found.measured == pytest.approx(found.log10, abs=1e-9)


@pytest.mark.parametrize(
    ("way", "what"),
    [
        (lambda m, x: m.c(tgi.tanh(m.a(x)) * tgi.sigmoid(m.b(x))), "'mul', which puts together"),
        (lambda m, x: m.c(m.a(x) @ m.b(x).T @ x), "'matmul', which puts together"),
        (lambda m, x: m.c(tgi.tensor(np.ones((40, 6)))), "what does not come from its input"),
        (lambda m, x: m.c(m.a(x) - m.b(x)), "'sub', which puts together"),
        (lambda m, x: m.c(m.a(x) + m.b(tgi.tensor(X))), "'add', which puts together"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(way: Any, what: str) -> None:
    with pytest.raises(TypeError, match=f"in Net there is {what}"):
        diagnose(Net(way), X, Y)


def test_modules_that_hand_on_what_they_get_are_parts() -> None:
    model = nn.Sequential(nn.Linear(6, 6, rng=0), nn.Dropout(0.0), nn.Linear(6, 3, rng=1))

    class Calls(nn.Module):
        def __init__(self) -> None:
            self.inner = model

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            for module in self.inner:
                x = module(x)
            return tgi.tanh(x)

    class Plain(nn.Module):
        def __init__(self) -> None:
            self.one, self.off, self.two = model[0], nn.Dropout(0.0), model[2]

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return tgi.tanh(self.two(self.off(self.off(self.one(x)))))

    x = tgi.tensor(X.astype(np.float32), requires_grad=True)
    names = [type(part).__name__ for part in parts_of(Plain(), x) or []]
    assert names == ["Linear", "Dropout", "Dropout", "Linear", "Activation"]


def test_functions_between_tensors() -> None:
    x = tgi.tensor(X, requires_grad=True)
    way = functions_between(x, tgi.tanh(x.reshape((6, 40))).T)
    assert way is not None and len(way) == 3 and isinstance(way[1], nn.Activation)
    np.testing.assert_allclose(way[2](way[1](way[0](x))).numpy(), np.tanh(X.reshape(6, 40)).T, rtol=1e-14)
    assert functions_between(x, x) == [] and functions_between(x, x + 1.0 * x) is None
    assert functions_between(x, tgi.tensor(X)) is None and functions_between(None, x) is None
