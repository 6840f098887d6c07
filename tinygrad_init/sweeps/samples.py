"""What the networks of a sweep learn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import BUILT_IN, StandardScaler, load
from ..diagnosis.trials.comparison import default_loss, default_sizes, targets

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Samples:
    """A data set, standardized and in an order drawn once for all.

    Attributes
    ----------
    x
        float32 of shape (samples, features).
    y
        Targets as the loss wants them.
    outputs
        Of the network.
    loss
        Its name.
    guess
        The loss of the best prediction that does not look at the input: for classes the entropy of their shares, for
        numbers their variance.
    task
        "classification" or "regression".
    digest
        Of a file: what tells its contents from others; "" of a built-in set.
    """

    x: Array
    y: Array
    outputs: int
    loss: str
    guess: float
    task: str
    digest: str


def samples(name: str) -> Samples:
    """A data set by its name or file.

    Raises
    ------
    DataError
        See `data.load`.
    """
    found = load(name, rng=0)
    order = np.random.default_rng(0).permutation(len(found.x))
    x = StandardScaler().fit(found.x).transform(found.x)[order].astype(np.float32)
    y = found.y[order]
    if found.classes:
        shares = np.bincount(y, minlength=len(found.classes)) / len(y)
        guess = float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
    else:
        y = StandardScaler().fit(y[:, None]).transform(y[:, None])[:, 0]
        guess = float(np.var(y))
    loss = default_loss(found)
    outputs = default_sizes(found, loss)[-1]
    digest = "" if name in BUILT_IN else hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()[:20]
    return Samples(x, targets(y, loss, outputs, np.dtype(np.float32)), outputs, loss, guess, found.task, digest)
