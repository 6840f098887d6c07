"""Everything that is measured of a network that was run on a batch, whichever front end it came from, as a report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .measures.attribution import attribute
from .measures.expectation import predict
from .measures.layers import measure
from .measures.precision import precision
from .measures.representation import representation
from .measures.signal import describe
from .measures.spectra import matrix_sizes_of, stretching
from .measures.symmetry import same_draws
from .measures.zeros import explain_zeros
from .network import Network, beside
from .records import Ahead, Evidence, Fit, Sequences
from .report import Report


def report_on(
    native: Network,
    exact: Network,
    guess: float,
    lr: float,
    trained: bool = False,
    asked: Fit | None = None,
    ahead: Ahead | None = None,
    first: Evidence | None = None,
    found: Sequences | None = None,
) -> Report:
    """The report on a network, whichever front end it came from.

    Parameters
    ----------
    native
        Run in its own dtype.
    exact
        The same in float64.
    guess
        The loss of the best prediction that does not look at the input.
    lr, trained
        As in `diagnose`.
    asked
        What is known of data, output, loss and targets.
    ahead
        What the first steps have shown.
    first
        What the very first has, to which the rest of the evidence is added.
    found
        What is special about networks on sequences.
    """
    layers = measure(native, lr)
    # Those in residual branches may be the same, as `nn.TransformerEncoder` makes them: each adds to what passes by.
    branches = beside(native.links)
    weights = {link.matrix.name: link.matrix.values for link in native.linears() if link not in branches}
    return Report(
        model=native.description,
        samples=len(native.inputs["x"]),
        inputs=describe(native.inputs["x"]),
        dtype=str(native.inputs["x"].dtype),
        loss=native.loss,
        guess=guess,
        lr=lr,
        layers=layers,
        attributions=attribute(exact),
        zeros=explain_zeros(native, exact),
        same_draws=tuple(same_draws(weights)),
        first_not_finite=native.first_not_finite(),
        predictions=predict(exact, layers),
        matrices=matrix_sizes_of(exact),
        jacobian=stretching(exact),
        trained=trained,
        fit=asked,
        ahead=ahead,
        evidence=with_measures(native, first or Evidence()),
        sequences=found,
    )


def with_measures(network: Network, first: Evidence) -> Evidence:
    """Evidence with what it takes no optimizer for, and the seconds of each."""
    found: dict[str, Any] = {}
    seconds = dict(first.seconds)
    measures: tuple[Callable[[Network], Any], ...] = (representation, precision)
    for look in measures:
        began = time.perf_counter()
        found[look.__name__] = look(network)
        seconds[look.__name__] = time.perf_counter() - began
    return replace(first, **found, seconds=seconds)
