"""The Lab's microscope: graphs of single numbers, right to the last digit, and made of nothing but arithmetic."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.looking.microscope import FUNCTIONS, expression
from tinygrad_init.laboratory.looking.weight_paths import weight_paths
from tinygrad_init.laboratory.messages.config import Config, Start
from tinygrad_init.laboratory.messages.message_schema import Invalid

VALUES = {"x": 0.7, "y": -0.4, "z": 1.3}


def texts() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["x", "y", "z", "2", "0.5", "x"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return (
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
            | st.tuples(st.sampled_from(["sin", "cos", "tanh", "sigmoid", "exp"]), inner).map(
                lambda t: f"{t[0]}({t[1]})"
            )
            | inner.map(lambda t: f"-{t}")
            | inner.map(lambda t: f"({t})**2")
        )

    return st.recursive(leaves, larger, max_leaves=6)


def number(text: str, values: dict[str, float]) -> float:
    found = expression(text, values)
    return found.nodes[found.output].value


@given(texts())
def test_cotangents_are_finite_differences(text: str) -> None:
    try:
        found = expression(text, VALUES)
    except Invalid:  # too large, or divided by 0
        return
    for node in found.nodes:
        if node.label in VALUES and not node.op:
            h = 1e-6
            there = {**VALUES, node.label: VALUES[node.label] + h}
            back = {**VALUES, node.label: VALUES[node.label] - h}
            slope = (number(text, there) - number(text, back)) / (2 * h)
            scale = max(
                1.0, abs(slope), max(abs(n.value) for n in found.nodes), max(abs(n.incoming) for n in found.nodes)
            )
            assert abs(node.incoming - slope) < 1e-6 * scale**2


@given(texts())
def test_every_cotangent_is_the_sum_of_its_contributions_and_orders_are_topological(text: str) -> None:
    try:
        found = expression(text, VALUES)
    except Invalid:
        return
    for node in found.nodes:
        assert all(found.nodes[i].forward_order < node.forward_order for i in node.inputs)
        assert all(found.nodes[i].backward_order > node.backward_order for i in node.inputs)
        if node.id != found.output:
            total = sum(flow.value for flow in node.contributions)
            assert total == pytest.approx(node.incoming, rel=1e-12, abs=1e-300)
    assert sorted(node.backward_order for node in found.nodes) == list(range(len(found.nodes)))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.3, 2.5])
def test_functions_and_slopes_are_those_of_the_engine(name: str, x: float) -> None:
    found = expression(f"{name}(x)", {"x": x})
    point = tgi.tensor(x, dtype="float64", requires_grad=True)
    result = getattr(tgi, name)(point)
    assert found.nodes[1].value == pytest.approx(result.item(), rel=1e-15)
    assert found.nodes[1].local[0] == pytest.approx(tgi.grad(result, point)[0].item(), rel=1e-14)


def test_a_name_that_stands_twice_is_one_node_that_adds_up() -> None:
    found = expression("x*x + x", {"x": 3.0})
    assert [node.label for node in found.nodes] == ["x", "x * x", "x * x + x"]
    assert [flow.value for flow in found.nodes[0].contributions] == [1.0, 3.0, 3.0]
    assert found.nodes[0].incoming == 7.0


def test_powers_have_slopes_by_base_and_exponent() -> None:
    found = expression("x ** y", {"x": 2.0, "y": 3.0})
    assert found.nodes[2].local == pytest.approx((12.0, 8 * math.log(2)))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('ls')", "().__class__", "x.real", "x[0]", "[x]", "{x}", "lambda: x",
        "x if x else x", "x := 3", "print(x)", "eval(x)", "exec(x)", "open(x)", "sin.__call__(x)", "sin(sin)",
        "(sin)(x)(x)", "sin(*x)", "sin(x=x)", "sin(x, x)", "sin()", "x and y", "not x", "x < y", "x // 2", "x % 2",
        "x @ y", "~x", "x << 2", "True", "None", "...", "1j", "'x'", "b'x'", "f'{x}'", "x; x", "x\nx", "import os",
        "await x", "yield", "*x", "9**9**9**9", "1e999", "exp(exp(exp(9)))", "1/0", "log(0)", "sqrt(-1)",
        "(-8)**0.5", "0**(-1)", "(" * 150 + "x" + ")" * 40, "-" * 150 + "x", "+".join("x" * 80), "x+" * 120 + "x",
        "", " ", "x y", "sin", "\x00", "x\u2028", "ｘ", "nope",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        expression(text, VALUES)
    assert caught.value.field in ("expression", "values") and caught.value.message


@given(st.text(max_size=250) | st.text("xy01.+-*/() sincoexplg_'\"[]:,", max_size=60))
def test_any_text_is_a_graph_or_a_refusal(text: str) -> None:
    try:
        found = expression(text, VALUES)
    except Invalid:
        return
    assert math.isfinite(found.nodes[found.output].value)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy_with_logits", "half_squared_error"])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize(
    ("normalization", "residual"), [("none", False), ("none", True), ("layer", True), ("batch", True)]
)
def test_the_paths_of_a_weight_add_up_to_its_gradient(
    loss: str, layer: int, normalization: str, residual: bool
) -> None:
    experiment = Experiment(
        Config(
            layers=(5, 5), activations=("tanh",), loss=loss, starts=(Start("he", sigma_b=0.1),),
            normalization=normalization, residual=residual,
        )
    )  # fmt: skip
    watched, samples = watch(experiment)[0], experiment.samples
    watched.look()
    linear = watched.linears[layer]
    graph = weight_paths(watched, layer, 0, 1, sample=5)
    assert experiment.runs[0].model.training
    experiment.runs[0].model.train(normalization != "batch")  # which knows no single samples while it trains
    one = slice(5, 6)
    cost = getattr(tgi, loss)(experiment.runs[0].model(samples.x[one]), samples.target[one])
    expected = tgi.grad(cost, linear.weight)[0].numpy()[0, 1]
    assert graph.nodes[0].value == linear.weight.numpy()[0, 1]
    assert graph.nodes[0].incoming == pytest.approx(expected, rel=1e-12)
    assert graph.nodes[graph.output].value == pytest.approx(cost.item(), rel=1e-14)
    for node in graph.nodes[:-1]:
        assert sum(flow.value for flow in node.contributions) == pytest.approx(node.incoming, rel=1e-9, abs=1e-18)
        assert all(flow.source is not None for flow in node.contributions)  # few units: every path is shown


def test_of_wide_layers_the_strongest_paths_are_shown_and_the_rest_is_one_number() -> None:
    experiment = Experiment(Config(layers=(32,) * 6, activations=("tanh",)))
    graph = weight_paths(watch(experiment)[0], 1, 3, 4, sample=0)
    assert len(graph.nodes) < 130
    for node in graph.nodes[:-1]:
        assert sum(flow.value for flow in node.contributions) == pytest.approx(node.incoming, rel=1e-9, abs=1e-18)
    assert any(flow.source is None for node in graph.nodes for flow in node.contributions)


@pytest.mark.parametrize(("place", "field"), [((9, 0, 0, 0), "layer"), ((0, 6, 0, 0), "unit"), ((0, 0, 2, 0), "input")])
def test_weights_that_are_not_there_are_refused(place: tuple[int, int, int, int], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        weight_paths(watch(Experiment(Config()))[0], *place)
    assert caught.value.field == field
