"""A network is data: one written by hand in NumPy is measured and judged as one of modules is, and the links of any
front end keep the same laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.activations import activation
from tinygrad_init.diagnosis import Link, Network, Report, diagnose, run
from tinygrad_init.diagnosis.fronts.own_modules import forward
from tinygrad_init.diagnosis.measures.attribution import attribute
from tinygrad_init.diagnosis.measures.guess import best_constant_loss
from tinygrad_init.diagnosis.measures.spectra import jacobian
from tinygrad_init.diagnosis.network import ACTIVATION, OTHER, WEIGHTS, Cotangent, Parameter
from tinygrad_init.diagnosis.reporting import report_on

from ..strategies import seeds

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(40, 6)), RNG.normal(size=(40, 2))
SIZES = (6, 9, 9, 2)


def dense(name: str, w: Array, b: Array, x: Array, source: Link | str) -> Link:
    named = Parameter(f"{name}.weight", w), Parameter(f"{name}.bias", b)

    def vjp_to(parameter: str, g: Array) -> Array:
        return g.T @ x if parameter == named[0].name else g.sum(axis=0)

    return Link(
        name=name,
        role=WEIGHTS,
        label="linear",
        inputs=(x,),
        output=x @ w.T + b,
        vjp=lambda g: (g @ w,),
        vjp_to=vjp_to,
        jvp=lambda tangents: tangents[0] @ w.T,
        rerun=lambda inputs: dense(name, w, b, inputs[0], source),
        sources=(source,),
        weight=named[0],
        bias=named[1],
        parameters=named,
    )


def hyperbolic(name: str, x: Array, source: Link | str) -> Link:
    a = np.tanh(x)
    slope = (1 - a) * (1 + a)
    return Link(
        name=name,
        role=ACTIVATION,
        label="tanh",
        inputs=(x,),
        output=a,
        vjp=lambda g: (g * slope,),
        jvp=lambda tangents: tangents[0] * slope,
        rerun=lambda inputs: hyperbolic(name, inputs[0], source),
        sources=(source,),
        activation=activation("tanh"),
    )


def by_hand(parameters: dict[str, Array], x: Array, y: Array, backward: bool = True) -> Network:
    """Dense layers with tanh between them and the mean squared error, in NumPy alone."""
    links: list[Link] = []
    signal, source = x, "x"
    depth = len(parameters) // 2
    for i in range(depth):
        name = f"layers.{2 * i}"
        links.append(dense(name, parameters[f"{name}.weight"], parameters[f"{name}.bias"], signal, source))
        if i < depth - 1:
            links.append(hyperbolic(f"layers.{2 * i + 1}", links[-1].output, links[-1]))
        signal, source = links[-1].output, links[-1]

    def loss_of(output: Array) -> tuple[float, Array]:
        return float(np.mean((output - y) ** 2)), 2 * (output - y) / output.size

    def rerun(x: Any, y: Any, parameters: Any, backward: bool = True, **how: Any) -> Network:
        return by_hand({**own, **(parameters or {})}, at_x if x is None else x, at_y if y is None else y, backward)

    own, at_x, at_y = parameters, x, y
    if not backward:
        return Network("6-9-9-2 tanh", {"x": x}, tuple(links), parameters, rerun=rerun)
    loss, start = loss_of(signal)
    gradients, g = {}, start
    for link in reversed(links):
        assert link.vjp is not None
        gradients |= {p.name: link.vjp_to(p.name, g) for p in link.parameters if link.vjp_to is not None}
        (g,) = link.vjp(g)
    return Network(
        "6-9-9-2 tanh", {"x": x}, tuple(links), parameters, gradients, loss, Cotangent.of(start), loss_of, rerun
    )


def both(start: str) -> tuple[Report, Report]:
    model = nn.MLP(SIZES, "tanh", rng=0, dtype="float64")
    tgi.initialize(model, start, 1)
    network = by_hand({name: p.numpy() for name, p in model.named_parameters()}, X, Y)
    guess = best_constant_loss(network.loss_of, Y, network.output.shape)
    return diagnose(model, X, Y, "mse", trained=True), report_on(network, network, guess, 0.1, trained=True)


@pytest.mark.parametrize("start", ["zeros", "constant", "small", "large", "xavier", "orthogonal"])
def test_a_network_by_hand_has_the_report_of_the_same_network_of_modules(start: str) -> None:
    ours, by_hand = both(start)
    assert by_hand.verdict.word == ours.verdict.word and by_hand.verdict.layer == ours.verdict.layer
    assert [answer.good for answer in by_hand.answers] == [answer.good for answer in ours.answers]
    # What is asked of a network is known where its data come from.
    mine, theirs = by_hand.to_dict(), ours.to_dict()
    assert mine["answers"].pop(0)["said"]["key"] == "answer.fit.unknown" and theirs["answers"].pop(0)["key"] == "fit"
    close(mine, theirs)


def close(one: Any, other: Any) -> None:
    """The same numbers up to rounding, and the same words but for digits."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        # What is asked of a network is known where its data come from, and seconds are never the same.
        for key in one.keys() - {"reason", "sentence", "counts", "edges", "fit", "seconds"}:
            close(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            close(a, b)
    elif isinstance(one, float) and isinstance(other, float):
        # The best constant prediction is where a search of a hundred steps ends.
        assert one == pytest.approx(other, rel=1e-6, abs=1e-12)
    else:
        assert one == other


def test_parameters_inputs_and_targets_can_be_others() -> None:
    """A step on a copy, by hand and of modules: both end where training does, which changes neither of them."""
    model = nn.MLP(SIZES, "tanh", rng=0, dtype="float64")
    ours = run(model, X, Y, tgi.mse)
    network = by_hand({name: p.numpy().copy() for name, p in model.named_parameters()}, X, Y)
    step = {name: values - 0.1 * ours.gradients[name] for name, values in ours.parameters.items()}
    after = [one.again(parameters=step).loss for one in (ours, network)]
    tgi.train(model, X, Y, "mse", lambda parameters: tgi.optim.SGD(parameters, 0.1), epochs=1)
    assert after == pytest.approx([tgi.mse(model(X), Y).item()] * 2, rel=1e-12)
    assert ours.again().loss == ours.loss and ours.again(y=Y + 1).loss > ours.loss
    assert ours.again(x=X[:3], y=Y[:3]).output.shape == (3, 2)
    assert ours.again(dtype=np.float32).output.dtype == np.float32
    assert ours.again(x=X[:1], backward=False).start is None
    with pytest.raises(KeyError, match=r"expected parameters out of layers.0.weight, .*; got layers.9.weight"):
        ours.again(parameters={"layers.9.weight": X})
    with pytest.raises(ValueError, match="run with a loss"):
        forward(model, X).backward()


def test_the_units_of_a_convolution_are_its_channels() -> None:
    """Those of a dense map lie last, in the links and in the line that says what the network is."""
    model = nn.Sequential(nn.Conv2d(3, 5, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4 * 6, 2, rng=1))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3, 6, 8)), rng.normal(size=(7, 2))
    network = run(model, x, y, tgi.mse)
    conv, dense = (link for link in network.links if link.role == WEIGHTS)
    assert (conv.unit_axis, dense.unit_axis) == (1, -1)
    assert conv.rows(conv.output).shape == (7 * 4 * 6, 5) and dense.rows(dense.output).shape == (7, 2)
    assert all(link.unit_axis == -1 for link in network.links if link.role != WEIGHTS)
    assert network.description == "Sequential: conv2d(3→5) relu flatten linear(120→2)"


MODELS = {
    "dense": lambda: nn.MLP((6, 5, 2), "gelu", rng=0, dtype="float64"),
    "residual": lambda: nn.Sequential(
        nn.Residual(nn.Sequential(nn.Linear(6, 6, rng=0, dtype="float64"), nn.Tanh())),
        nn.Residual(nn.Linear(6, 2, rng=1, dtype="float64"), nn.Linear(6, 2, rng=2, dtype="float64")),
    ),
    "normalized": lambda: nn.Sequential(
        nn.Linear(6, 5, rng=0, dtype="float64"), nn.BatchNorm(5, dtype="float64"), nn.PReLU(5, dtype="float64")
    ),
    "dropout": lambda: nn.Sequential(nn.Linear(6, 5, rng=0, dtype="float64"), nn.Dropout(0.5, rng=0)),
}


@pytest.mark.parametrize("name", MODELS)
@given(seed=seeds)
def test_pulling_is_the_adjoint_of_pushing(name: str, seed: int) -> None:
    """<g, J v> = <Jᵀ g, v> for every link, and the pushed change is that of a small step."""
    rng = np.random.default_rng(seed)
    network = forward(MODELS[name](), X, np.float64)
    for link in network.flat():
        v, g = rng.normal(size=link.x.shape), rng.normal(size=link.output.shape)
        (pulled,) = link.pull_plain(g)
        assert np.sum(g * link.push(v)) == pytest.approx(np.sum(pulled * v), rel=1e-9, abs=1e-9)
    if name != "dropout":
        link, v = network.links[0], rng.normal(size=X.shape)
        difference = (link.again(X + 1e-6 * v).output - link.again(X - 1e-6 * v).output) / 2e-6
        np.testing.assert_allclose(link.push(v), difference, rtol=1e-5, atol=1e-6)


def test_links_form_a_graph_of_which_a_chain_is_the_special_case() -> None:
    """A gate: one link takes two inputs, one of them from two links before; cotangents of one output add up."""
    u, w = RNG.normal(size=(4, 6)), RNG.normal(size=(4, 6))
    zero = np.zeros(4)
    first, second = dense("u", u, zero, X, "x"), dense("w", w, zero, X, "x")
    gate = hyperbolic("gate", second.output, second)
    product = Link(
        name="product",
        role=OTHER,
        label="mul",
        inputs=(first.output, gate.output),
        output=first.output * gate.output,
        vjp=lambda g: (g * gate.output, g * first.output),
        sources=(first, gate),
    )
    twice = Link(
        name="sum",
        role=OTHER,
        label="add",
        inputs=(product.output, first.output),
        output=product.output + first.output,
        vjp=lambda g: (g, g),
        sources=(product, first),
    )
    g = RNG.normal(size=(40, 4))
    network = Network("gated", {"x": X}, (first, second, gate, product, twice), start=Cotangent.of(g))
    arriving = {link.name: c.numbers() for link, c in network.backward().items()}
    # Two cotangents that nearly cancel are exact to the digits of the larger one.
    np.testing.assert_allclose(arriving["u"], g * (np.tanh(X @ w.T) + 1), rtol=1e-12, atol=1e-14)
    slope = (1 - np.tanh(X @ w.T)) * (1 + np.tanh(X @ w.T))
    np.testing.assert_allclose(arriving["w"], g * (X @ u.T) * slope, rtol=1e-9, atol=1e-14)
    assert [(link.name, phi and phi.name) for link, phi in network.layers()] == [("u", None), ("w", "gate")]
    assert network.dense_layers() is None


def test_a_weight_that_is_used_twice_has_one_name_and_one_gradient() -> None:
    shared = nn.Linear(6, 6, rng=0, dtype="float64")
    network = run(nn.Sequential(shared, nn.Tanh(), shared), X, X, tgi.mse)
    first, _, last = network.links
    assert first.matrix.name == last.matrix.name and network.uses[first.matrix.name] == 2
    parts = [link.pull_to(link.matrix, c).numbers() for link, c in network.backward().items() if link.role == WEIGHTS]
    np.testing.assert_allclose(sum(parts), network.gradients[first.matrix.name], rtol=1e-12)
    assert all(np.isnan(found.measured) for found in attribute(network))


def test_the_jacobian_is_that_of_the_function_by_hand() -> None:
    model = nn.MLP(SIZES, "tanh", rng=0, dtype="float64")
    network = by_hand({name: p.numpy() for name, p in model.named_parameters()}, X, Y)
    np.testing.assert_allclose(jacobian(network, X[0]), tgi.diagnosis.jacobian(model, X[0]), rtol=1e-12)


@given(seed=seeds, scales=st.lists(st.floats(-300, 300), min_size=1, max_size=3))
def test_cotangents_of_any_size_add_up(seed: int, scales: list[float]) -> None:
    rng = np.random.default_rng(seed)
    parts = [Cotangent(rng.normal(size=5), scale) for scale in scales]
    total, top = Cotangent.total(parts), max(scales)
    expected = sum(part.unit * 10.0 ** (part.log10 - top) for part in parts)
    np.testing.assert_allclose(total.unit * 10.0 ** (total.log10 - top), expected, rtol=1e-12, atol=1e-15)
