"""Which factor of a weight's derivative makes it small or large.

The chain rule writes ∂C/∂W_l as a product: the loss derivative, for every layer above an activation derivative and a
weight matrix, the layer's own activation derivative, and the layer's input. For a single path those are numbers; for
matrices and a batch each factor is how much the norm of the cotangent changes on its way back through one link, so that
the logarithms add up to log‖∂C/∂W_l‖ exactly:

    log‖∂C/∂W_l‖ = log‖∂C/∂output‖ + Σ log(‖cotangent below a link‖ / ‖cotangent above it‖) + log‖a_(l-1)‖ + alignment

where the alignment, log(‖δ_lᵀ a_(l-1)‖ / ‖δ_l‖‖a_(l-1)‖), says how well the samples' contributions agree. All norms are
Frobenius norms over the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network import ACTIVATION, WEIGHTS, Cotangent, Link, Network
from ..records import ENDS, Attribution, Factor

Array = np.ndarray[Any, Any]

LOSS, SHARE, INPUT, ALIGNMENT = ENDS


def attribute(network: Network) -> tuple[Attribution, ...]:
    """The product of factors for every weight matrix of a network, first layer first.

    Computed in the network's dtype; in float64 the factors add up to the norm to within 1e-12.
    """
    found: dict[Link, Attribution] = {}
    with np.errstate(all="ignore"):
        loss = Factor(LOSS, "", "∂C/∂output", network.from_loss.norm)
        for link, cotangent, factors in paths(network.links, network.from_loss, (loss,)):
            if link.role == WEIGHTS:
                # A weight that several links share has the sum of their gradients, none of which is known alone.
                shared = network.uses[link.matrix.name] > 1
                measured = math.nan if shared else Cotangent.of(network.gradients[link.matrix.name]).norm
                found[link] = _attribution(link, cotangent, factors, measured)
    return tuple(found[link] for link in network.linears())


def paths(
    links: Sequence[Link], cotangent: Cotangent, above: tuple[Factor, ...]
) -> Iterator[tuple[Link, Cotangent, tuple[Factor, ...]]]:
    """Every link with the cotangent of its output and the factors that made it, last link first.

    The way into a residual block's branch does not change the cotangent; the block as a whole is one factor for what
    lies below it.
    """
    for link in reversed(links):
        yield link, cotangent, above
        yield from paths(link.branch, cotangent, above)
        yield from paths(link.shortcut, cotangent, above)
        (below,) = link.pull(cotangent)
        label = "W" if link.role == WEIGHTS else f"{link.label}'" if link.role == ACTIVATION else link.label
        above = (*above, Factor(link.role, link.name, label, step(cotangent, below)))
        cotangent = below


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
    return Attribution(f"{link.name}.weight", gradient.norm, (*above, *ends), measured)


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
        A layer has more than one unit, the batch more than one sample, or there is no such weight.

    Notes
    -----
    ∂C/∂w_l = ∂C/∂a_L · φ'(z_L) · w_L · φ'(z_(L-1)) · … · φ'(z_l) · a_(l-1): the product that the article begins with.
    """
    wide = [link.name for link in network.links if link.x.size != 1 or link.output.size != 1]
    if wide:
        raise ValueError(f"literal_factors: expected single units and one sample, but {wide[0]} has more numbers")
    names = [f"{link.name}.weight" for link in network.linears()]
    if name not in names:
        raise ValueError(f"literal_factors: expected a weight out of {', '.join(names)}; got {name!r}")
    at = len(names)
    factors = [Literal("∂C/∂output", value_of(network.from_loss))]
    for link in reversed(network.links):
        if link.role == WEIGHTS and f"{link.name}.weight" == name:
            return [*factors, Literal("x" if at == 1 else f"a{at - 1}", float(link.x.item()))]
        (slope,) = link.pull(Cotangent.of(np.ones(link.output.shape)))
        symbol = f"w{at}" if link.role == WEIGHTS else f"{link.label}'(z{at})"
        factors.append(Literal(symbol, value_of(slope)))
        at -= link.role == WEIGHTS
    raise AssertionError(name)


def value_of(cotangent: Cotangent) -> float:
    """A cotangent of one number as it is."""
    return float(cotangent.numbers().reshape(-1)[0])
