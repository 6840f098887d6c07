"""A forward written by hand: what it does becomes the links of a graph, which are exact, or it is refused by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Monitor, attribute, diagnose, recommend, run
from tinygrad_init.diagnosis.fronts.functions import functions_between
from tinygrad_init.diagnosis.fronts.own_modules import forward

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
def test_many_blocks_in_a_row_are_as_many_links(swapped: bool) -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.Sequential(*(nn.Linear(6, 6, rng=seed) for seed in range(200)))

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            for layer in self.layers:
                x = tgi.tanh(layer(x)) + x if swapped else x + tgi.tanh(layer(x))
            return x

    network = forward(Deep(), X)
    assert len(network.links) == 200 and network.is_chain
    assert all(link.role == "residual" and len(link.branch) == 2 and not link.shortcut for link in network.links)


def test_a_shortcut_may_be_learned() -> None:
    model = Net(WAYS["a shortcut that is learned"][0])
    network = run(model, X, Y, tgi.cross_entropy)
    np.testing.assert_array_equal(network.output, model(tgi.tensor(X)).numpy())
    (whole, *_) = network.links
    assert {link.matrix.name for link in network.linears()} == {"a.weight", "b.weight", "c.weight"}
    assert whole.branch and whole.shortcut
    for found in attribute(network):
        assert found.measured == pytest.approx(found.log10, abs=1e-9)


def test_modules_that_hand_on_what_they_get_are_links() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            self.one, self.off, self.two = nn.Linear(6, 6, rng=0), nn.Dropout(0.0), nn.Linear(6, 3, rng=1)

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return tgi.tanh(self.two(self.off(self.off(self.one(x)))))

    network = forward(Plain(), X)
    assert [link.label for link in network.links] == ["linear", "dropout", "dropout", "linear", "tanh"]
    assert network.is_chain


def test_functions_between_tensors() -> None:
    x = tgi.tensor(X, requires_grad=True)
    way = functions_between(x, tgi.tanh(x.reshape((6, 40))).T)
    assert way is not None and len(way) == 3 and isinstance(way[1], nn.Activation)
    np.testing.assert_allclose(way[2](way[1](way[0](x))).numpy(), np.tanh(X.reshape(6, 40)).T, rtol=1e-14)
    assert functions_between(x, x) == [] and functions_between(x, x + 1.0 * x) is None
    assert functions_between(x, tgi.tensor(X)) is None and functions_between(None, x) is None


def weights(*shape: int) -> nn.Parameter:
    return nn.Parameter(RNG.normal(size=shape) / np.sqrt(shape[0]), "float64")


class Gru(nn.Module):
    """A gated recurrent unit, unrolled over three steps of two features."""

    def __init__(self) -> None:
        for i, gate in enumerate("zrh"):
            setattr(self, f"w{gate}", nn.Linear(2, 4, rng=i, dtype="float64"))
            setattr(self, f"u{gate}", nn.Linear(4, 4, rng=9 + i, dtype="float64"))
        self.out = nn.Linear(4, 3, rng=5, dtype="float64")

    def forward(self, x: Any) -> Any:
        steps, h = x.reshape((len(x), 3, 2)), tgi.tensor(np.zeros((len(x), 4)), x.dtype)
        for t in range(3):
            now = steps[:, t]
            z, r = tgi.sigmoid(self.wz(now) + self.uz(h)), tgi.sigmoid(self.wr(now) + self.ur(h))
            h = (1 - z) * h + z * tgi.tanh(self.wh(now) + self.uh(r * h))
        return self.out(h)


class Cell(nn.Module):
    """A long short-term memory made of bare matrices; it takes a tuple and returns one."""

    def __init__(self) -> None:
        self.w, self.u, self.b = weights(2, 16), weights(4, 16), nn.Parameter(np.zeros(16), "float64")

    def forward(self, x: Any, state: Any) -> Any:
        h, c = state
        z = x @ self.w + h @ self.u + self.b
        i, f, o = (tgi.sigmoid(z[:, 4 * k : 4 * k + 4]) for k in range(3))
        c = f * c + i * tgi.tanh(z[:, 12:])
        return o * tgi.tanh(c), c


class Lstm(nn.Module):
    def __init__(self) -> None:
        self.cell, self.out = Cell(), nn.Linear(4, 3, rng=5, dtype="float64")

    def forward(self, x: Any) -> Any:
        steps = x.reshape((len(x), 3, 2))
        state = (tgi.tensor(np.zeros((len(x), 4)), x.dtype),) * 2
        for t in range(3):
            state = self.cell(steps[:, t], state)
        return self.out(state[0])


class Attention(nn.Module):
    """softmax(q kᵀ/√d + mask) v, called with three tensors and a keyword."""

    def __init__(self) -> None:
        self.q, self.k, self.v = (nn.Linear(2, 2, rng=i, dtype="float64") for i in range(3))

    def forward(self, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        scores = self.q(q) @ self.k(k).transpose((0, 2, 1)) / 2**0.5
        return tgi.softmax(scores if mask is None else scores + mask) @ self.v(v)


class Transformer(nn.Module):
    def __init__(self) -> None:
        self.attention, self.norm = Attention(), nn.LayerNorm(2, dtype="float64")
        self.places = weights(3, 2)
        self.dense = nn.Sequential(nn.Linear(2, 8, rng=3, dtype="float64"), nn.GELU())
        self.back, self.out = nn.Linear(8, 2, rng=4, dtype="float64"), nn.Linear(6, 3, rng=5, dtype="float64")

    def forward(self, x: Any) -> Any:
        h = x.reshape((len(x), 3, 2)) + self.places
        n = self.norm(h)
        h = h + self.attention(n, n, n, mask=tgi.tensor(np.triu(np.full((3, 3), -30.0), 1), x.dtype))
        h = h + 0.5 * self.back(self.dense(h))
        return self.out(h.reshape((len(x), 6)))


class Bare(nn.Module):
    """A network without modules, one weight with a column for each unit and one with a row."""

    def __init__(self) -> None:
        self.w1, self.b1, self.w2 = weights(6, 5), weights(5), weights(3, 5)

    def forward(self, x: Any) -> Any:
        return tgi.tanh(x @ self.w1 + self.b1) @ self.w2.T


class Tied(nn.Module):
    """An autoencoder's transposed weight, a learned scale and a constant that is changed before it is used."""

    def __init__(self) -> None:
        self.a, self.out = nn.Linear(6, 4, rng=0, dtype="float64"), nn.Linear(6, 3, rng=1, dtype="float64")
        self.scale, self.fixed = nn.Parameter([0.5], "float64"), np.ones(6)

    def forward(self, x: Any) -> Any:
        k = tgi.tensor(np.zeros(6), x.dtype)
        k[2] = 3.0
        h = x * self.fixed + self.scale * (tgi.tanh(self.a(x)) @ self.a.weight) + k
        return self.out(h * tgi.exp(self.scale) + 0.5 * h)


class Draws(nn.Module):
    """Dropout as a module and as a function, from one generator."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.a, self.c = nn.Linear(6, 6, rng=0, dtype="float64"), nn.Linear(6, 3, rng=1, dtype="float64")
        self.drop = nn.Dropout(0.3, rng=self.rng)

    def forward(self, x: Any) -> Any:
        h = tgi.dropout(tgi.tanh(self.a(x)), 0.3, self.rng)
        return self.c(tgi.dropout(self.drop(h), 0.2, self.rng))


class Tables(nn.Module):
    """What belongs to a sample is taken from a table, by its number and by a row of zeros with a 1; rows have a net."""

    def __init__(self) -> None:
        self.table, self.other = weights(5, 6), weights(5, 6)
        self.net = nn.Sequential(
            nn.Linear(5, 4, rng=0, dtype="float64"), nn.Tanh(), nn.Linear(4, 6, rng=1, dtype="float64")
        )
        self.a, self.c = nn.Linear(6, 6, rng=2, dtype="float64"), nn.Linear(6, 3, rng=3, dtype="float64")

    def forward(self, x: Any) -> Any:
        ids = np.digitize(x.numpy()[:, 0], [-1.0, 0.0, 1.0])
        rows = np.eye(5)[ids].astype(x.dtype)
        return self.c(tgi.tanh(self.a(self.table[ids]) + tgi.tensor(rows) @ self.other) * self.net(tgi.tensor(rows)))


GRAPHS: dict[str, Any] = {
    "a scalar factor": lambda: Net(lambda m, x: m.c(x + 0.5 * tgi.tanh(m.a(x / 255)))),
    "scaled inputs": lambda: Net(lambda m, x: m.c(tgi.tanh(m.a(2 * x - 1)))),
    "a gate": lambda: Net(lambda m, x: m.c(m.a(x) * tgi.sigmoid(m.b(x)))),
    "a difference": lambda: Net(lambda m, x: m.c(m.a(x) - tgi.tanh(m.b(x)))),
    "two branches": lambda: Net(lambda m, x: m.c(tgi.tanh(m.a(x)) + tgi.sin(m.b(x)))),
    "a concatenation": lambda: Net(lambda m, x: m.c(tgi.concatenate([m.a(x)[:, :2], tgi.tanh(m.b(x))[:, 2:]], 1))),
    "a quotient of two uses": lambda: Net(
        lambda m, x: (lambda h: m.c(h / (h * h).mean(axis=-1, keepdims=True) ** 0.5))(m.a(x))
    ),
    "a product with itself": lambda: Net(lambda m, x: (lambda h: m.c(h * h))(tgi.tanh(m.a(x)))),
    "samples that meet": lambda: Net(lambda m, x: m.c(m.a(x) @ m.b(x).T @ x / 40)),
    "a layer on a constant": lambda: Net(lambda m, x: m.c(m.a(x) + m.b(tgi.tensor(np.ones((1, 6)), x.dtype)))),
    "a gate in a block": lambda: Net(lambda m, x: m.c(x + m.a(x) * tgi.sigmoid(m.b(x)))),
    "squeeze and excite": lambda: Net(lambda m, x: (lambda h: m.c(h * tgi.sigmoid(m.b(h))))(tgi.tanh(m.a(x)))),
    "a gradient inside": lambda: Net(
        lambda m, x: (lambda h: m.c(h + tgi.grad((h**3).sum(), h, create_graph=True)[0]))(m.a(x))
    ),
    "a recurrent unit": Gru,
    "a memory": Lstm,
    "a transformer": Transformer,
    "bare matrices": Bare,
    "tied weights": Tied,
    "draws": Draws,
    "tables": Tables,
    "a map of a map": lambda: MapOfMap(),
}  # fmt: skip


class MapOfMap(nn.Module):
    """A weight that another layer makes, of the transposed of a parameter."""

    def __init__(self) -> None:
        self.w, self.a = weights(4, 6), nn.Linear(4, 4, rng=0, dtype="float64")
        self.c = nn.Linear(4, 3, rng=1, dtype="float64")

    def forward(self, x: Any) -> Any:
        return self.c(tgi.tanh(x @ self.a(self.w.T)) + x @ self.w.T)


@pytest.fixture(params=GRAPHS)
def model(request: pytest.FixtureRequest) -> Any:
    return GRAPHS[request.param]()


def test_links_make_what_the_model_makes(model: Any) -> None:
    network = run(model, X, Y, tgi.cross_entropy)
    np.testing.assert_allclose(network.output, model(tgi.tensor(X)).numpy(), rtol=1e-12, atol=1e-14)
    assert [again.name for again in network.again().flat()] == [link.name for link in network.flat()]


def test_gradients_of_links_add_up_to_those_of_autograd(model: Any) -> None:
    network = run(model, X, Y, tgi.cross_entropy)
    sums: dict[str, Any] = {}
    for link, cotangent in network.backward().items():
        for parameter in link.parameters:
            part = link.pull_to(parameter, cotangent).numbers()
            sums[parameter.name] = sums.get(parameter.name, 0) + part
    used = {name for name, gradient in network.gradients.items() if gradient.any()}
    assert used <= sums.keys()
    for name in used:
        np.testing.assert_allclose(sums[name], network.gradients[name], rtol=1e-10, atol=1e-14)


def test_gradients_are_finite_differences_of_the_loss(model: Any) -> None:
    network = run(model, X, Y, tgi.cross_entropy)
    rng = np.random.default_rng(1)
    for name, values in network.parameters.items():
        way = rng.normal(size=values.shape)
        up, down = (network.again(parameters={name: values + s * 1e-5 * way}).loss for s in (1, -1))
        assert (up - down) / 2e-5 == pytest.approx(np.sum(way * network.gradients[name]), rel=1e-5, abs=1e-8)


def test_factors_multiply_to_the_gradient(model: Any) -> None:
    network = run(model, X, Y, tgi.cross_entropy)
    found = attribute(network)
    assert len(found) == len(network.linears()) > 0
    cotangents = network.backward()
    for link, attribution in zip(network.linears(), found, strict=True):
        assert attribution.name == link.matrix.name
        assert attribution.factors[0].kind == "loss" and attribution.factors[-1].kind == "alignment"
        own = link.pull_to(link.matrix, cotangents[link])
        assert not any(np.isnan(factor.log10) for factor in attribution.factors)
        if not own.is_zero:
            assert sum(factor.log10 for factor in attribution.factors) == pytest.approx(own.norm, abs=1e-12)
        if network.uses[link.matrix.name] > 1:
            assert np.isnan(attribution.measured), "what one use has of a gradient is measured nowhere"
        elif not own.is_zero:
            assert attribution.measured == pytest.approx(own.norm, abs=1e-12)


def test_a_weight_that_is_used_beside_a_layer_is_no_rounding_error() -> None:
    """The layer has one share of the gradient, the penalty on its weights, a thousand times as large, the other."""
    model = Net(lambda m, x: m.c(1e-5 * m.a(x) + 1e3 * (m.a.weight * m.a.weight).sum()))
    network = run(model, X, Y, tgi.cross_entropy)
    assert network.uses["a.weight"] == 2 and np.isnan(attribute(network)[0].measured)
    report = diagnose(model, X, Y)
    assert "gradient.rounding" not in {verdict.key for verdict in (report.verdict, *report.notes)}


def test_pulling_through_several_inputs_is_the_adjoint_of_pushing(model: Any) -> None:
    rng = np.random.default_rng(2)
    for link in run(model, X, Y, tgi.cross_entropy).flat():
        tangents = [rng.normal(size=x.shape) for x in link.inputs]
        g = rng.normal(size=link.output.shape)
        pushed, pulled = np.sum(g * link.push(*tangents)), link.pull_plain(g)
        assert len(pulled) == len(link.inputs) == len(link.sources)
        assert pushed == pytest.approx(sum(np.sum(p * v) for p, v in zip(pulled, tangents, strict=True)), abs=1e-8)
        if link.inputs and not link.draws:
            ends = [
                link.again(*(x + s * 1e-6 * v for x, v in zip(link.inputs, tangents, strict=True))).output
                for s in (1, -1)
            ]
            np.testing.assert_allclose(link.push(*tangents), (ends[0] - ends[1]) / 2e-6, rtol=1e-4, atol=1e-5)


def test_the_jacobian_is_that_of_finite_differences(model: Any) -> None:
    sample, step = X[0], 1e-6
    if isinstance(model, Draws):
        model.eval()
    found = tgi.diagnosis.jacobian(model, sample)
    ends = [[model(tgi.tensor(sample[None] + s * step * e)).numpy()[0] for e in np.eye(6)] for s in (1, -1)]
    alone = (np.array(ends[0]) - np.array(ends[1])).T / (2 * step)
    if not mixes(model):
        np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-7)


def mixes(model: Any) -> bool:
    """Whether what comes out for a sample depends on the others."""
    model.eval()
    return not np.allclose(model(tgi.tensor(X[:1])).numpy(), model(tgi.tensor(X)).numpy()[:1])


def test_such_a_model_is_diagnosed_in_every_form(model: Any) -> None:
    # Steps are taken by captured programs, in which numbers do not leave the graph.
    report = diagnose(model, X, Y, optimizer=None if isinstance(model, Tables) else 0.1)
    assert report.verdict.word and report.text("zh") != report.text()
    assert "not finite" not in str(report.attributions[0])
    assert json.loads(report.to_json())["attributions"] and "<html" in report.to_html()
    assert (report.jacobian == ()) == (mixes(model) or isinstance(model, Draws))
    zeros = {zeros.name: zeros.share for zeros in report.zeros}
    assert all(share < 1 for share in zeros.values())


def test_what_is_put_together_is_one_link_with_its_inputs() -> None:
    network = forward(GRAPHS["a gate"](), X)
    assert [link.label for link in network.links] == ["linear", "linear", "sigmoid", "mul", "linear"]
    a, b, gate, product, c = network.links
    assert product.sources == (a, gate) and c.sources == (product,) and b.sources == ("x",)
    assert product.elementwise and not network.is_chain
    scaled = forward(GRAPHS["scaled inputs"](), X)
    assert [len(link.inputs) for link in scaled.links] == [1] * 5 and scaled.is_chain


def test_sums_of_chains_are_blocks_and_all_others_are_not() -> None:
    def labels(name: str) -> list[str]:
        return [link.label for link in forward(GRAPHS[name](), X).links]

    assert labels("a scalar factor") == ["residual", "linear"]
    assert labels("two branches") == ["residual", "linear"]
    assert labels("a gate in a block") == ["linear", "linear", "sigmoid", "mul", "add", "linear"]
    assert labels("a layer on a constant") == ["linear", "linear", "add", "linear"]
    twice = Net(lambda m, x: m.c(m.a(x + x)))
    assert [link.label for link in forward(twice, X).links] == ["add", "linear", "linear"]
    used = Net(lambda m, x: (lambda h: m.c((x + h) * h))(tgi.tanh(m.a(x))))
    assert "residual" not in [link.label for link in forward(used, X).links]


def test_sums_over_ways_are_named_by_what_is_summed() -> None:
    network = run(GRAPHS["squeeze and excite"](), X, Y, tgi.cross_entropy)
    first = attribute(network)[0]
    assert [factor.label for factor in first.factors[1:-2]] == ["W", "Σ(b, mul)", "tanh'"]
    assert [factor.kind for factor in first.factors[1:-2]] == ["weights", "sum", "activation"]
    assert "from Σ(b, mul)" in str(first) and "Σ(b, mul) 贡献" in first.phrase().spoken("zh")
    (a, *_) = attribute(run(GRAPHS["a product with itself"](), X, Y, tgi.cross_entropy))
    assert [factor.label for factor in a.factors[1:-2]] == ["W", "mul", "tanh'"]


def test_a_layer_has_the_activation_that_its_sum_goes_through() -> None:
    """z of a recurrent cell is a sum of two maps; a gate's other side and what is used twice are no activation."""
    found = {(link.name, phi and phi.label) for link, phi in forward(Gru(), X).layers()}
    assert {("wz", "sigmoid"), ("uz", "sigmoid"), ("wh", "tanh"), ("uh", "tanh"), ("out", None)} <= found
    twice = Net(lambda m, x: (lambda h: m.c(h * tgi.sigmoid(h)))(m.a(x)))
    assert [phi for _, phi in forward(twice, X).layers()] == [None, None]
    scores = Net(lambda m, x: m.c(tgi.relu(m.a(x) @ m.b(x)[:6]) @ x[:6]))
    assert forward(scores, X).layers()[0][1] is None, "what multiplies matrices mixes units"


def test_a_state_of_zeros_at_the_start_is_no_lost_signal() -> None:
    assert diagnose(Gru(), X, Y).verdict.word == "healthy"
    silent = Net(lambda m, x: m.c(0.0 * m.b(x) + m.b(0.0 * x)))
    assert diagnose(silent, X, Y).verdict.word in ("lost", "vanishing", "stuck")


def test_weights_that_multiply_a_constant_are_no_layer_but_have_a_gradient() -> None:
    network = run(GRAPHS["a layer on a constant"](), X, Y, tgi.cross_entropy)
    assert [link.name for link in network.linears()] == ["a", "c"]
    assert network.gradients["b.weight"].any()


def test_what_nothing_comes_through_is_said() -> None:
    """A product with 0 stops a gradient, as next weights of 0 do; on all ways, or the gradient comes by another."""
    report = diagnose(Net(lambda m, x: m.c(tgi.tanh(m.a(x)) + 0.0 * m.b(x))), X, Y)
    by_name = {zeros.name: zeros for zeros in report.zeros}
    assert by_name["b.weight"].rules == {"stopped": 1.0} and by_name["a.weight"].share == 0
    assert "lets nothing of it through" in str(by_name["b.weight"])
    both = diagnose(Net(lambda m, x: (lambda h: m.c(0.0 * h + 0.0 * tgi.tanh(h) + x))(m.a(x))), X, Y)
    assert {zeros.name: zeros.rules for zeros in both.zeros}["a.weight"] == {"stopped": 1.0}
    cancels = diagnose(Net(lambda m, x: (lambda h: m.c(h - h + x))(m.a(x))), X, Y)
    assert {zeros.name: zeros.share for zeros in cancels.zeros}["a.weight"] == 1.0
    dead = diagnose(Net(lambda m, x: (lambda h: m.c(tgi.relu(h - 100) * x + 0.0 * h))(m.a(x))), X, Y)
    assert {zeros.name: zeros.rules for zeros in dead.zeros}["a.weight"] == {"slope": 1.0}


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (Net(lambda m, x: m.c(tgi.tensor(np.ones((40, 6)), x.dtype))), "in Net there is what does not come from its"),
        (Net(lambda m, x: m.c(tgi.tensor(m.a(x).numpy()))), "not with .numpy"),
        (Net(lambda m, x: (m.c(x), x)), "expected Net to return a tensor, got tuple; write"),
        (Net(lambda m, x: x[:, :3] * 2.0), "by modules such as nn.Linear or as x @ W .* in Net there are none"),
        (Net(lambda m, x: x), "expected a model that does something"),
        (
            nn.Sequential(nn.Linear(6, 6, dtype="float64"), Net(lambda m, x: m.c(m.a(x).detach()))),
            "in Net there is what does not come",
        ),
    ],
)
def test_what_cannot_be_opened_is_refused_by_name(model: Any, what: str) -> None:
    with pytest.raises(TypeError, match=what):
        diagnose(model, X, Y)


def test_constants_of_one_dtype_are_told_how_to_be_written() -> None:
    model = nn.Sequential(nn.Linear(6, 6, rng=0), Scaled(), nn.Linear(6, 3, rng=1))
    with pytest.raises(TypeError, match=r"also compute in float64.*np\.asarray\(c, x\.dtype\)"):
        diagnose(model, X, Y)


class Scaled(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * np.full(6, 0.5, np.float32)


def test_a_model_that_does_something_else_when_it_is_run_in_parts_is_refused() -> None:
    with pytest.raises(TypeError, match="Counts makes something else when .* hand over as an input"):
        run(Counts(), X, Y, tgi.cross_entropy)


class Counts(nn.Module):
    """A part that knows how often it was called: in parts it is called once more."""

    def __init__(self) -> None:
        self.inner, self.c = Counter(), nn.Linear(6, 3, rng=0, dtype="float64")

    def forward(self, x: Any) -> Any:
        return self.c(self.inner(x))


class Counter(nn.Module):
    calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return x * float(self.calls)


def test_a_part_that_fails_and_is_caught_is_no_part() -> None:
    def way(m: Any, x: Any) -> Any:
        try:
            h = m.a(x[:, :2])
        except ValueError:
            h = m.b(x)
        return m.c(h)

    assert [link.name for link in forward(Net(way), X).links] == ["b", "c"]


def test_parts_that_use_what_they_were_not_given_are_opened() -> None:
    """A cell that keeps its state as an attribute: its calls are no functions of their input alone."""

    class Keeps(nn.Module):
        def __init__(self) -> None:
            self.w, self.h = nn.Linear(2, 2, rng=0, dtype="float64"), None

        def forward(self, x: Any) -> Any:
            self.h = tgi.tanh(self.w(x) if self.h is None else self.w(x) + 0.5 * self.h)
            return self.h

    class Whole(nn.Module):
        def __init__(self) -> None:
            self.cell, self.c = Keeps(), nn.Linear(2, 3, rng=1, dtype="float64")

        def forward(self, x: Any) -> Any:
            self.cell.h = None
            for t in range(3):
                h = self.cell(x[:, 2 * t : 2 * t + 2])
            return self.c(h)

    network = run(Whole(), X, Y, tgi.cross_entropy)
    assert [link.name for link in network.linears()] == ["cell.w"] * 3 + ["c"]
    parts = [link.pull_to(link.matrix, c).numbers() for link, c in network.backward().items() if link.name == "cell.w"]
    np.testing.assert_allclose(sum(parts), network.gradients["cell.w.weight"], rtol=1e-10)


def test_such_models_are_watched_and_improved() -> None:
    model = GRAPHS["squeeze and excite"]()
    monitor = Monitor(model, X, Y, "cross_entropy", every=2)
    tgi.train(model, X, Y, "cross_entropy", lambda ps: tgi.optim.SGD(ps, 0.1), epochs=3, rng=0, monitor=monitor)
    assert [state.name for state in monitor.timeline[-1].layers] == ["a", "b", "c"]
    found = recommend(model, X, Y, steps=20, budget=2)
    assert found.before.attributions and found.text("zh")
