"""Whether the last hidden layer still tells samples apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..network import Network
from ..records import Representation

Array = np.ndarray[Any, Any]

# So many samples are compared at most, evenly spread.
SAMPLES = 128


def representation(network: Network) -> Representation | None:
    """What goes into the last linear map, compared sample by sample; None where there is nothing to compare."""
    linears = network.linears()
    values = linears[-1].x
    if len(linears) < 2 or len(values) < 2:
        return None
    some = np.linspace(0, len(values) - 1, min(SAMPLES, len(values))).astype(int)
    rows = values[some].reshape(len(some), -1).astype(np.float64)
    if not np.isfinite(rows).all():
        return None
    rows /= np.max(np.abs(rows), initial=0.0) or 1.0  # squares of what is scaled neither overflow nor underflow
    return Representation(rows.shape[1], len(rows), participation_ratio(rows), correlation(rows))


def participation_ratio(rows: Array) -> float:
    """(Σλ)²/Σλ² of the eigenvalues λ of the covariance: from 1 to their number, which it is where all are the same.

    It is taken as an effective rank since two traces are enough for it (see Litwin-Kumar et al. 2017, Gao et al. 2017);
    that of Roy and Vetterli 2007 would need all singular values. Of n samples it is n - 1 at most.

    Parameters
    ----------
    rows
        Of shape (samples, features).
    """
    centred = rows - rows.mean(axis=0)
    small = centred @ centred.T if len(rows) < rows.shape[1] else centred.T @ centred
    variance, squares = float(np.trace(small)), float(np.sum(small * small))
    # What is left of means that are not exact is no variance.
    if variance <= (np.finfo(np.float64).eps * rows.size) ** 2 * float(np.sum(rows * rows)):
        return math.nan
    return variance * variance / squares


def correlation(rows: Array) -> float:
    """The mean of q_ab/√(q_aa q_bb) over all pairs a ≠ b, q_ab being the product of two samples' features.

    What mean-field theory follows from layer to layer (Poole et al. 2016). Samples that are 0 throughout
    have no direction and are left out; NaN if fewer than two are left.

    Parameters
    ----------
    rows
        Of shape (samples, features).
    """
    lengths = np.sqrt(np.sum(rows * rows, axis=1))
    units = rows[lengths > 0] / lengths[lengths > 0, None]
    n = len(units)
    if n < 2:
        return math.nan
    together = np.sum(units, axis=0)
    return float((together @ together - n) / (n * (n - 1)))
