"""The chain rule that is written out is that of the graph: its product is the gradient."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi

from ..strategies import seeds
from .graphs import network, programs, run


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (3,), (2, 2)]))
def test_the_product_is_the_gradient(program: list[Any], seed: int, shape: tuple[int, ...]) -> None:
    with tgi.inspecting():
        end, leaves = run(program, seed, shape)
    for leaf in leaves:
        (expected,) = tgi.grad(end, leaf, retain_graph=True)
        if leaf.name not in [step.name for step in tgi.tape(end)]:
            with pytest.raises(ValueError, match="does not depend on"):
                tgi.derivation(end, leaf)
            continue
        found = tgi.derivation(end, leaf)
        np.testing.assert_allclose(found.value, expected.numpy(), rtol=1e-9, atol=1e-12)
        assert found.value.shape == leaf.shape
        assert found.ways >= 1


def evaluated(text: str) -> float:
    """What stands in the lines of numbers of a derivation, worked out by Python."""
    formula = text.split("\n\n")[0].replace("·", "*")
    filled = [line for line in formula.splitlines() if "∂" not in line]
    return float(eval(" ".join(filled[:-1]).lstrip("= ")))


@given(program=programs, seed=seeds)
def test_the_numbers_that_are_filled_in_multiply_to_the_gradient(program: list[Any], seed: int) -> None:
    """To the four digits that are shown of each."""
    with tgi.inspecting():
        end, leaves = run(program, seed, ())
    found = tgi.derivation(end, leaves[0])
    if found.ways <= 8:
        size = sum(abs(float(line.product)) for line in found.factors)
        # Each of at most 14 factors of a way is shown to a relative 5e-4.
        assert evaluated(found.text) == pytest.approx(float(found.value), abs=14 * 5e-4 * size + 1e-300)


def test_every_way_of_a_small_graph_is_written_out() -> None:
    w, x = (tgi.tensor(v, "float64", requires_grad=True, name=n) for v, n in ((0.5, "w"), (2.0, "x")))
    with tgi.inspecting():
        y = w * x + w
        y.name = "y"
        loss = y * y
    found = tgi.derivation(loss, w, names={"C": loss})
    assert found.ways == 4
    first = found.text.splitlines()
    assert first[0] == "∂C/∂w"
    assert first[1] == "  = ∂C/∂y · ∂y/∂x3 · ∂x3/∂w"
    assert first[5] == "  = 1.5 · 1 · 2"
    assert first[9] == "  = 9"
    assert float(found.value) == 9.0
    assert r"\frac{\partial C}{\partial y} \cdot \frac{\partial y}{\partial x_{3}}" in found.latex


def test_very_many_ways_are_a_product_over_what_all_go_through() -> None:
    x = tgi.tensor(1.0, "float64", requires_grad=True, name="x")
    y = x
    for _ in range(40):
        y = y + y
    found = tgi.derivation(y, x)
    assert found.ways == 2**40
    assert float(found.value) == 2.0**40
    assert len(found.factors) == 40
    assert all(line.what == "the sum over 2 ways" and line.value == 2.0 for line in found.factors)
    assert f"({2**40} ways" in found.text


@pytest.mark.parametrize("start", [0, 1, 2])
def test_of_a_network_it_is_the_product_of_the_article(start: int) -> None:
    """Loss derivative, slopes of activations, weight matrices, the layer's input."""
    loss, model = network("tanh", "squares", start)
    weights = [layer.weight for layer in model.layers if hasattr(layer, "weight")]
    found = tgi.derivation(loss, weights[0])
    formula = found.text.splitlines()[0]
    shape = re.sub(r"x\d+", "#", formula)
    assert shape == ("∂C/∂W1 = (((((∂C/∂# ⊙ sigmoid′(#)) W3) ⊙ tanh′(#)) W2) ⊙ tanh′(#))ᵀ x")
    assert [line.what for line in found.factors] == [
        "the derivative of the loss", "slope of the activation", "weights", "slope of the activation", "weights",
        "slope of the activation", "the layer's input",
    ]  # fmt: skip
    factors = [line.value for line in found.factors]
    dC, s3, W3, s2, W2, s1, x = factors
    by_hand = (((((dC * s3) @ W3) * s2) @ W2) * s1).T @ x
    np.testing.assert_array_equal(found.value, by_hand)
    np.testing.assert_array_equal(W3, weights[2].numpy())
    np.testing.assert_allclose(
        found.value, tgi.grad(loss, weights[0], retain_graph=True)[0].numpy(), rtol=2e-6, atol=1e-9
    )
    for name in ("W1", "b1", "W2", "b2", "W3", "b3"):
        parameter = next(p for p in model.parameters() if p.name == name)
        (expected,) = tgi.grad(loss, parameter, retain_graph=True)
        np.testing.assert_allclose(tgi.derivation(loss, parameter).value, expected.numpy(), rtol=2e-6, atol=1e-9)


def test_the_product_so_far_is_the_cotangent_of_each_layer() -> None:
    loss, model = network()
    found = tgi.derivation(loss, model.layers[0].weight)
    cotangents = [step.cotangent for step in tgi.tape(loss) if step.operation in ("linear", "tanh")]
    for line, expected in zip(found.factors, reversed(cotangents), strict=False):
        np.testing.assert_allclose(line.product, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("turned", [True, False])
def test_matrices_from_the_right_and_from_the_left(turned: bool) -> None:
    """`x @ W.T` reads as a layer does; of `x @ W` the transposes are said."""
    rng = np.random.default_rng(0)
    W, V = (tgi.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=name) for name in "WV")
    x = tgi.tensor(rng.normal(size=(4, 3)), name="x")
    h = tgi.tanh(x @ (W.T if turned else W))
    loss = (h @ (V.T if turned else V)).mean()
    loss.name = "C"
    found = tgi.derivation(loss, W, names={"x": x})
    formula = re.sub(r"x\d+", "#", found.text.splitlines()[0])
    expected = "((∂C/∂# V) ⊙ tanh′(#))ᵀ x" if turned else "xᵀ ((∂C/∂# Vᵀ) ⊙ tanh′(#))"
    assert formula == f"∂C/∂W = {expected}"
    np.testing.assert_allclose(found.value, tgi.grad(loss, W)[0].numpy(), rtol=1e-12)


def test_what_branches_and_meets_again_is_a_sum() -> None:
    rng = np.random.default_rng(0)
    W, V = (tgi.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=name) for name in "WV")
    with tgi.inspecting():
        h = tgi.tensor(rng.normal(size=(4, 3)), name="x") @ W.T
        h.name = "h"
        loss = ((h + tgi.relu(h)) @ V.T).sum()
        loss.name = "C"
    found = tgi.derivation(loss, W)
    first, where = found.text.splitlines()[:2]
    assert re.sub(r"x\d+", "#", first) == "∂C/∂W = (∂C/∂# + ∂C/∂# ⊙ relu′(h))ᵀ x"
    assert re.sub(r"x\d+", "#", where) == "  where ∂C/∂# = ∂C/∂# V"
    assert found.ways == 2
    np.testing.assert_allclose(found.value, tgi.grad(loss, W, retain_graph=True)[0].numpy(), rtol=1e-12)
    for tensor in (h, V):
        (expected,) = tgi.grad(loss, tensor, retain_graph=True)
        np.testing.assert_allclose(tgi.derivation(loss, tensor).value, expected.numpy(), rtol=1e-12)


def test_any_operation_has_its_place_in_a_product() -> None:
    """What is neither a matrix nor a slope stands as its rule."""
    rng = np.random.default_rng(0)
    W = tgi.tensor(rng.normal(size=(4, 6)), requires_grad=True, name="W")
    with tgi.inspecting():
        h = tgi.softmax(W.reshape(8, 3)[:5] / 2.0 + tgi.tensor(rng.normal(size=3)), 1)
        loss = tgi.logsumexp(h @ tgi.tensor(rng.normal(size=(3, 2))), axis=0).max() + (-W).mean()
    found = tgi.derivation(loss, W)
    np.testing.assert_allclose(found.value, tgi.grad(loss, W)[0].numpy(), rtol=1e-12, atol=1e-14)
    for word in ("J_softmax[", "J_getitem[", "J_reshape[", "J_mean["):
        assert word in found.text


@pytest.mark.parametrize("loss", ["cross_entropy", "squares"])
def test_latex_is_balanced(loss: str) -> None:
    C, model = network(loss=loss)
    found = tgi.derivation(C, model.layers[2].weight)
    for opening, closing in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")):
        assert found.latex.count(opening) == found.latex.count(closing) > 0
    assert r"\frac{\partial C}{\partial W_{2}} &= \left(" in found.latex
    assert found._repr_latex_().startswith("$$\n\\begin{aligned}")
    pytest.importorskip("matplotlib", reason="matplotlib reads LaTeX's formulas")
    from matplotlib.mathtext import MathTextParser

    formula = found.latex.splitlines()[1].replace("&", "").removesuffix(r"\\").replace(r"^{\top}", "^{T}")
    MathTextParser("path").parse(f"${formula}$")


def test_small_matrices_are_shown_in_full() -> None:
    loss, model = network()
    found = tgi.derivation(loss, model.layers[2].weight)
    assert "W3 = [[" in found.text
    assert r"W_{3} &= \begin{pmatrix}" in found.latex


def test_what_is_no_derivation_says_why() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    other = tgi.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"one element, got shape \(2,\)"):
        tgi.derivation(x * x, x)
    loss = (x * x).sum()
    for tensor in (other, loss, tgi.tensor([1.0])):
        with pytest.raises(ValueError, match="does not depend on that tensor"):
            tgi.derivation(loss, tensor)
    c = tgi.tensor([1.0, 1.0])
    loss = tgi.relu(x + c).sum()  # the rule of relu has kept the result alone
    with pytest.raises(ValueError, match=r"an input of x4 was not kept; build it within tgi.inspecting\(\)"):
        tgi.derivation(loss, x)


def test_what_no_rule_reads_need_not_be_known() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    h = x * 2.0
    loss = (h + tgi.tensor([1.0, 1.0])).sum()
    assert tgi.derivation(loss, h).value.tolist() == [1.0, 1.0]
    assert tgi.derivation(loss, x).value.tolist() == [2.0, 2.0]
