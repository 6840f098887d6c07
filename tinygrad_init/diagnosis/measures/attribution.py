"""Which factor of a weight's derivative makes it small or large.

The chain rule writes ∂C/∂W_l as a product: the loss derivative, for every layer above an activation derivative and a
weight matrix, the layer's own activation derivative, and the layer's input. For a single path those are numbers; for
matrices and a batch each factor is how much the norm of the cotangent changes on its way back through one link, so that
the logarithms add up to log‖∂C/∂W_l‖ exactly:

    log‖∂C/∂W_l‖ = log‖∂C/∂output‖ + Σ log(‖cotangent below a link‖ / ‖cotangent above it‖) + log‖a_(l-1)‖ + alignment

where the alignment, log(‖δ_lᵀ a_(l-1)‖ / ‖δ_l‖‖a_(l-1)‖), says how well the samples' contributions agree. All norms are
Frobenius norms over the whole batch.

Where several ways lead back to a link, its cotangent is a sum over them, and no product of numbers along one of them.
Then the factors are those between the links that all ways go through, and from such a link to where the ways meet again
there is one factor, the sum, which is named by the links whose cotangents it adds up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np

from ..network import ACTIVATION, OTHER, WEIGHTS, Cotangent, Link, Network
from ..records import ENDS, Attribution, Factor

Array = np.ndarray[Any, Any]

LOSS, SHARE, INPUT, ALIGNMENT = ENDS
# Of a sum over ways, and of how many at most the names are told.
SUM, MOST_NAMED = "sum", 4


def attribute(network: Network) -> tuple[Attribution, ...]:
    """The product of factors for every weight matrix of a network, first layer first.

    Computed in the network's dtype; in float64 the factors add up to the norm to within 1e-12.
    """
    found: dict[Link, Attribution] = {}
    with np.errstate(all="ignore"):
        cotangents = network.cotangents
        loss = Factor(LOSS, "", "∂C/∂output", network.from_loss.norm)
        for link, factors in ways_back(network, cotangents, network.links, (loss,)):
            if link in network.all_uses:
                # A weight that several links share has the sum of their gradients, none of which is known alone.
                shared = network.uses[link.matrix.name] > len(network.all_uses[link])
                measured = math.nan if shared else Cotangent.of(network.gradients[link.matrix.name]).norm
                found[link] = _attribution(link, cotangents[link], factors, measured)
    return tuple(found[link] for link in network.linears())


def ways_back(
    network: Network, cotangents: dict[Link, Cotangent], links: Sequence[Link], above: tuple[Factor, ...]
) -> Iterator[tuple[Link, tuple[Factor, ...]]]:
    """Every link of a graph, and of the blocks in it, with the factors that made its cotangent; last link first.

    The way into a residual block's branch does not change the cotangent; the block as a whole is one factor for what
    lies below it.

    Parameters
    ----------
    cotangents
        ∂C/∂output of every link.
    links, above
        The graph, and the factors that made the cotangent of its last link.

    Notes
    -----
    The links that all ways from the output to a link go through are its dominators in the graph turned round; the
    nearest is that of its consumers (Cooper, Harvey and Kennedy 2001, "A simple, fast dominance algorithm").
    """
    known: dict[Link, tuple[Factor, ...]] = {}
    gates: dict[Link, tuple[Link | None, int]] = {}  # the nearest link that all ways go through, and how many there are
    for link in reversed(links):
        takers = list(dict.fromkeys(network.consumers[link]))
        if link is links[-1]:
            gates[link], known[link] = (None, 0), above
        else:
            gate = takers[0] if takers else links[-1]
            for taker in takers[1:]:
                gate = nearest(gates, gate, taker)
            gates[link] = gate, gates[gate][1] + 1
            change = step(cotangents[gate], cotangents[link])
            known[link] = (*known[gate], through(gate, change) if len(takers) == 1 else over(link, takers, change))
        yield link, known[link]
        yield from ways_back(network, cotangents, link.branch, known[link])
        yield from ways_back(network, cotangents, link.shortcut, known[link])
    for whole, uses in network.all_uses.items():
        if len(uses) > 1 and uses[0] in known:
            gate = reduce(partial(nearest, gates), uses)
            steps = Factor(SUM, whole.name, f"Σ({len(uses)} steps)", step(cotangents[gate], cotangents[whole]))
            yield whole, (*known[gate], steps)


def nearest(gates: dict[Link, tuple[Link | None, int]], one: Link, other: Link) -> Link:
    """The nearest link that all ways to both go through."""
    while one is not other:
        if gates[one][1] >= gates[other][1]:
            one = gates[one][0]  # type: ignore[assignment]  # the output's link is above all others
        else:
            other = gates[other][0]  # type: ignore[assignment]
    return one


def through(link: Link, change: float) -> Factor:
    """The factor of one link."""
    label = "W" if link.role == WEIGHTS else f"{link.label}'" if link.role == ACTIVATION else link.label
    return Factor(link.role, link.name, label, change)


def over(link: Link, takers: list[Link], change: float) -> Factor:
    """The factor of a sum over several ways, named by those that take the link's output: modules by their names."""
    names = Counter(taker.label if taker.role == OTHER else taker.name for taker in takers)
    each = [name if times == 1 else f"{times}×{name}" for name, times in names.items()]
    named = ", ".join(each[:MOST_NAMED]) + (", …" if len(each) > MOST_NAMED else "")
    return Factor(SUM, link.name, f"Σ({named})", change)


def step(above: Cotangent, below: Cotangent) -> float:
    """The logarithm of what a link does to the norm; 0 where nothing arrives, so that only one factor is to blame."""
    return 0.0 if above.is_zero else below.norm - above.norm


def _attribution(link: Link, cotangent: Cotangent, above: tuple[Factor, ...], measured: float) -> Attribution:
    gradient = link.pull_to(link.matrix, cotangent)
    signal = Cotangent.of(link.x)
    # What is left between the product of the norms and the norm of the product.
    alignment = 0.0 if cotangent.is_zero or signal.is_zero else gradient.norm - cotangent.norm - signal.norm
    ends = (
        Factor(INPUT, link.name, "layer input", signal.norm),
        Factor(ALIGNMENT, link.name, "alignment", alignment),
    )
    return Attribution(link.matrix.name, gradient.norm, (*above, *ends), measured)


def of_weight(layer: Attribution, delta: Array, x: Array, unit: int, input: int) -> Attribution:
    """The product of factors for one weight of a dense layer.

    Down to δ = ∂C/∂z the factors are the layer's. The weight itself has the unit's share of δ, one column of the
    layer's input, and how well the samples agree: ∂C/∂W_ij = Σ_s δ_si x_sj.

    Parameters
    ----------
    layer
        The attribution of the layer.
    delta
        ∂C/∂z of shape (samples, units), C being the mean over the samples.
    x
        The layer's input, of shape (samples, inputs).
    unit, input
        Which weight, from 0.
    """
    name = layer.name.removesuffix(".weight")
    whole, own, signal = Cotangent.of(delta), Cotangent.of(delta[:, unit]), Cotangent.of(x[:, input])
    gradient = Cotangent.of(own.unit @ signal.unit, own.log10 + signal.log10)
    # As everywhere, 0 where nothing arrives any more, so that only one factor is to blame.
    share = step(whole, own)
    alignment = 0.0 if own.is_zero or signal.is_zero else gradient.norm - own.norm - signal.norm
    ends = (
        Factor(SHARE, name, f"unit {unit + 1}", share),
        Factor(INPUT, name, f"input {input + 1}", signal.norm),
        Factor(ALIGNMENT, name, "alignment", alignment),
    )
    above = tuple(factor for factor in layer.factors if factor.kind not in (INPUT, ALIGNMENT))
    total = sum(factor.log10 for factor in (*above, *ends))
    return Attribution(f"{layer.name}[{unit}, {input}]", total, (*above, *ends), gradient.norm)


@dataclass(frozen=True)
class Literal:
    """A factor of a single weight's derivative as a number, with what it is in the field's letters."""

    symbol: str
    value: float


def literal_factors(network: Network, name: str) -> list[Literal]:
    """The factors of the derivative by the only weight of a layer, for a network of single units and one sample.

    Parameters
    ----------
    network
        One whose layers all have one unit, run on one sample.
    name
        Of the weight, "layers.0.weight".

    Raises
    ------
    ValueError
        A layer has more than one unit, the batch more than one sample, the network is no chain, or there is no such
        weight.

    Notes
    -----
    ∂C/∂w_l = ∂C/∂a_L · φ'(z_L) · w_L · φ'(z_(L-1)) · … · φ'(z_l) · a_(l-1): the product that the article begins with.
    """
    wide = [link.name for link in network.links if any(values.size != 1 for values in (*link.inputs, link.output))]
    if wide:
        raise ValueError(f"literal_factors: expected single units and one sample, but {wide[0]} has more numbers")
    if not network.is_chain:
        raise ValueError("literal_factors: expected links one after the other, each with one input; use attribute")
    names = [link.matrix.name for link in network.linears()]
    if name not in names:
        raise ValueError(f"literal_factors: expected a weight out of {', '.join(names)}; got {name!r}")
    at = len(names)
    factors = [Literal("∂C/∂output", value_of(network.from_loss))]
    for link in reversed(network.links):
        if link.role == WEIGHTS and link.matrix.name == name:
            return [*factors, Literal("x" if at == 1 else f"a{at - 1}", float(link.x.item()))]
        (slope,) = link.pull(Cotangent.of(np.ones(link.output.shape)))
        symbol = f"w{at}" if link.role == WEIGHTS else f"{link.label}'(z{at})"
        factors.append(Literal(symbol, value_of(slope)))
        at -= link.role == WEIGHTS
    raise AssertionError(name)


def value_of(cotangent: Cotangent) -> float:
    """A cotangent of one number as it is."""
    return float(cotangent.numbers().reshape(-1)[0])
