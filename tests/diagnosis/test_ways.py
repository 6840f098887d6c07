"""Graphs of links in NumPy: cotangents are sums over all ways, and factors lie where all of them go through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init.diagnosis import Cotangent, Link, Network, attribute
from tinygrad_init.diagnosis.measures.attribution import ways_back
from tinygrad_init.diagnosis.measures.spectra import jacobian
from tinygrad_init.diagnosis.measures.zeros import why_silent
from tinygrad_init.diagnosis.network import OTHER, RESIDUAL, WEIGHTS, Parameter, folded

from ..strategies import seeds

Array = np.ndarray[Any, Any]
SAMPLES, UNITS = 3, 4


def dense(name: str, w: Array, x: Array, source: Link | str) -> Link:
    weight = Parameter(f"{name}.weight", w)
    return Link(
        name, WEIGHTS, "linear", (x,), x @ w.T,
        vjp=lambda g: (g @ w,), vjp_to=lambda _, g: g.T @ x, jvp=lambda v: v[0] @ w.T,
        rerun=lambda inputs: dense(name, w, inputs[0], source),
        sources=(source,), weight=weight, parameters=(weight,),
    )  # fmt: skip


def total(name: str, sources: list[Link | str], x: Array) -> Link:
    inputs = tuple(x if isinstance(source, str) else source.output for source in sources)

    def again(others: tuple[Array, ...]) -> Link:
        found = total(name, sources, x)
        found.inputs, found.output = others, np.sum(others, axis=0)
        return found

    return Link(
        name, OTHER, "add", inputs, np.sum(inputs, axis=0), vjp=lambda g: (g,) * len(inputs),
        jvp=lambda v: np.sum(v, axis=0), rerun=again, sources=tuple(sources), elementwise=True,
    )  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Dense maps of sums of what was made before, each used by something after it."""
    seed, count = draw(seeds), draw(st.integers(1, 7))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(SAMPLES, UNITS))
    made: list[Link | str] = ["x"]
    links: list[Link] = []
    for i in range(count):
        wanted = draw(st.lists(st.sampled_from(range(len(made))), min_size=1, max_size=3))
        sources = [made[k] for k in wanted]
        if len(sources) > 1 or i == count - 1:
            links.append(total(f"sum{i}", sources, x))
            sources = [links[-1]]
        (source,) = sources
        at = x if isinstance(source, str) else source.output
        links.append(dense(f"w{i}", rng.normal(size=(UNITS, UNITS)), at, source))
        made.append(links[-1])
    unused = [link for link in links if not any(link in other.sources for other in links)]
    end = total("end", unused, x)
    return Network("", {"x": x}, (*links, end), start=Cotangent.of(rng.normal(size=x.shape)))


def maps_to_output(network: Network) -> dict[Link, list[tuple[Link, ...]]]:
    """For every link all ways from the output's link down to it, as the links that come before it, last one first."""
    found: dict[Link, list[tuple[Link, ...]]] = {link: [] for link in network.links}
    found[network.links[-1]] = [()]
    for link in reversed(network.links):
        for source in link.sources:
            if isinstance(source, Link):
                found[source] += [(*way, link) for way in found[link]]
    return found


@given(network=networks())
def test_a_cotangent_is_the_sum_over_all_ways(network: Network) -> None:
    start = network.from_loss.numbers()
    cotangents = network.backward()
    for link, ways in maps_to_output(network).items():
        parts = []
        for way in ways:
            g = start
            for above in way:
                g = g @ above.matrix.values if above.role == WEIGHTS else g
            parts.append(g)
        np.testing.assert_allclose(cotangents[link].numbers(), np.sum(parts, axis=0), rtol=1e-9, atol=1e-9)


@given(network=networks())
def test_factors_lie_between_the_links_that_all_ways_go_through(network: Network) -> None:
    """As many factors as there are such links, and their product is the cotangent's size."""
    network.gradients = {link.matrix.name: np.ones((UNITS, UNITS)) for link in network.linears()}
    cotangents, ways = network.backward(), maps_to_output(network)
    for link, factors in ways_back(network, cotangents, network.links, ()):
        through_all = set.intersection(*(set(way) for way in ways[link])) if ways[link] else set()
        assert len(factors) == len(through_all)
        expected = cotangents[link].norm - network.from_loss.norm
        assert sum(factor.log10 for factor in factors) == pytest.approx(expected, abs=1e-9)
    for found in attribute(network):
        assert sum(factor.log10 for factor in found.factors) == pytest.approx(found.log10, abs=1e-9)


@given(network=networks())
def test_cotangents_reach_the_input_as_the_jacobian_says(network: Network) -> None:
    g = network.from_loss.numbers()
    step = 1e-6 * np.random.default_rng(0).normal(size=(SAMPLES, UNITS))
    values: dict[Link | str, Array] = {"x": step}
    for link in network.links:
        values[link] = link.push(*(values[source] for source in link.sources))
    change = float(np.sum(g * values[network.links[-1]]))
    assert change == pytest.approx(float(np.sum(network.pull_plain(g) * step)), rel=1e-9, abs=1e-12)


@given(network=networks())
def test_folding_changes_what_is_seen_and_no_number(network: Network) -> None:
    before = {link.name: cotangent.numbers() for link, cotangent in network.backward().items()}
    pulled = network.pull_plain(network.from_loss.numbers())
    network.links = folded(network.links)
    network.__dict__.pop("places", None)
    network.__dict__.pop("consumers", None)
    after = {link.name: cotangent.numbers() for link, cotangent in network.backward().items()}
    sums = {link.name for link in network.flat() if link.role == RESIDUAL}
    assert after.keys() <= before.keys() | {"a sum"}
    for name in after.keys() - sums:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(network.pull_plain(network.from_loss.numbers()), pulled, rtol=1e-9, atol=1e-9)
    for block in (link for link in network.flat() if link.role == RESIDUAL):
        np.testing.assert_allclose(block.again(block.x).output, block.output, rtol=1e-12, atol=1e-12)


def chain_of(*ws: Array) -> tuple[Array, list[Link]]:
    x = np.random.default_rng(0).normal(size=(SAMPLES, UNITS))
    links: list[Link] = []
    for i, w in enumerate(ws):
        links.append(dense(f"w{i}", w, links[-1].output if links else x, links[-1] if links else "x"))
    return x, links


def test_a_block_needs_ways_of_its_own_from_one_place_and_one_shape() -> None:
    w = np.eye(UNITS)
    x, (a, b) = chain_of(w, w)
    assert [link.role for link in folded((a, b, total("s", [a, b], x)))] == [WEIGHTS, RESIDUAL]
    x, (a, b) = chain_of(w, w)
    assert [link.role for link in folded((a, b, total("s", [b, "x"], x)))] == [RESIDUAL]
    x, (a, b) = chain_of(w, w)
    more = dense("more", w, b.output, b)  # it needs what lies in the branch
    assert [link.role for link in folded((a, b, total("s", ["x", b], x), more))] == [WEIGHTS, WEIGHTS, OTHER, WEIGHTS]
    x, (a, b) = chain_of(w, w)
    assert [link.role for link in folded((a, total("s", [a, a], x)))] == [WEIGHTS, OTHER]
    x, (a, b) = chain_of(w, w)
    assert [link.role for link in folded((a, total("s", [a, "x", "x"], x)))] == [WEIGHTS, OTHER]
    elsewhere = dense("elsewhere", w, x, "constant 1")
    assert [link.role for link in folded((a, elsewhere, total("s", [a, elsewhere], x)))] == [WEIGHTS, WEIGHTS, OTHER]


def test_an_outer_block_knows_of_the_inner_one() -> None:
    x, (a, b) = chain_of(np.eye(UNITS), 2 * np.eye(UNITS))
    inner = total("inner", [a, b], x)
    (outer,) = folded((a, b, inner, total("outer", ["x", inner], x)))
    assert outer.role == RESIDUAL and [link.role for link in outer.branch] == [WEIGHTS, RESIDUAL]
    network = Network("", {"x": x}, (outer,), start=Cotangent.of(np.ones_like(x)))
    assert network.is_chain and [link.name for link in network.linears()] == ["w0", "w1"]
    np.testing.assert_allclose(network.pull_plain(np.ones_like(x)), 4.0)
    assert network.consumers[a] == [outer.branch[1]] and network.consumers[b] == []


def test_a_link_that_leads_nowhere_has_no_gradient() -> None:
    x, (a, b) = chain_of(np.eye(UNITS), np.eye(UNITS))
    end = dense("end", np.eye(UNITS), a.output, a)
    network = Network("", {"x": x}, (a, b, end), {}, start=Cotangent.of(np.ones_like(x)))
    network.gradients = {link.matrix.name: np.zeros((UNITS, UNITS)) for link in network.linears()}
    assert [found.log10 for found in attribute(network)][1] == -math.inf


@pytest.mark.parametrize(
    ("up", "other", "rule"),
    [(0.0, 0.0, "next weights"), (0.0, 1.0, "above"), (1.0, 0.0, "above"), (1.0, -1.0, "cancellation")],
)
def test_a_silent_unit_is_explained_over_all_ways(up: float, other: float, rule: str) -> None:
    """Two maps take the unit; what comes after both is a map of zeros, or a sum in which they cancel."""
    x, (a,) = chain_of(np.eye(UNITS))
    one, two = (dense(name, s * np.eye(UNITS), a.output, a) for name, s in (("one", up), ("two", other)))
    both = total("both", [one, two], x)
    last = dense("last", (1.0 if rule == "cancellation" else 0.0) * np.eye(UNITS), both.output, both)
    network = Network("", {"x": x}, (a, one, two, both, last), start=Cotangent.of(np.ones_like(x)))
    assert network.backward()[a].is_zero
    assert why_silent(network, a, 0, network.backward()) == rule


def test_the_jacobian_of_a_graph_adds_its_ways_up() -> None:
    rng = np.random.default_rng(3)
    u, w = rng.normal(size=(2, UNITS, UNITS))

    def made(x: Array) -> Network:
        one, two = dense("one", u, x, "x"), dense("two", w, x, "x")
        links = (one, two, total("both", [one, two], x))
        return Network("", {"x": x}, links, rerun=lambda x, y, parameters, **how: made(x))

    x = rng.normal(size=(SAMPLES, UNITS))
    np.testing.assert_allclose(jacobian(made(x), x[0]), u + w, rtol=1e-12)
