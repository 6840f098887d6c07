"""What the options of an estimator may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..init import start_name
from ..ops.activations import ACTIVATIONS, activation_name

# Starts of whole networks beside those of single tensors.
WHOLE = ("auto", "lsuv", "fixup")


def whole(value: Any) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def real(value: Any) -> bool:
    """Whether it is a number that is not NaN."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and not math.isnan(value)


def flag(value: Any) -> bool:
    """Whether it is True or False."""
    return isinstance(value, bool | np.bool_)


def one_of(*names: Any) -> Callable[[Any], bool]:
    """Whether it is one of these, told apart by type as well."""
    return lambda value: any(value is name or (isinstance(value, str) and value == name) for name in names)


def positive(value: Any) -> bool:
    """Whether it is a finite number above 0."""
    return real(value) and 0 < value < math.inf


def not_negative(value: Any) -> bool:
    """Whether it is a finite number of at least 0."""
    return real(value) and 0 <= value < math.inf


def counting(value: Any) -> bool:
    """Whether it is a whole number of at least 1."""
    return whole(value) and value >= 1


def share(value: Any) -> bool:
    """Whether it is a number of at least 0 and below 1."""
    return real(value) and 0 <= value < 1


# For every option whether a value will do, and what is said to be expected.
TABLE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "solver": (one_of("adam", "sgd", "lbfgs"), "'adam', 'sgd' or 'lbfgs'"),
    "alpha": (not_negative, "a finite number of at least 0"),
    "batch_size": (lambda v: one_of("auto")(v) or counting(v), "'auto' or a whole number of at least 1"),
    "learning_rate": (one_of("constant", "invscaling", "adaptive"), "'constant', 'invscaling' or 'adaptive'"),
    "learning_rate_init": (positive, "a finite number above 0"),
    "power_t": (not_negative, "a finite number of at least 0"),
    "max_iter": (counting, "a whole number of at least 1"),
    "max_fun": (counting, "a whole number of at least 1"),
    "shuffle": (flag, "True or False"),
    "tol": (not_negative, "a finite number of at least 0"),
    "verbose": (lambda v: flag(v) or (whole(v) and v >= 0), "True, False or a whole number of at least 0"),
    "warm_start": (flag, "True or False"),
    "momentum": (lambda v: real(v) and 0 <= v <= 1, "a number from 0 to 1"),
    "nesterovs_momentum": (flag, "True or False"),
    "early_stopping": (flag, "True or False"),
    "validation_fraction": (share, "a number of at least 0 and below 1"),
    "beta_1": (share, "a number of at least 0 and below 1"),
    "beta_2": (share, "a number of at least 0 and below 1"),
    "epsilon": (positive, "a finite number above 0"),
    "n_iter_no_change": (
        lambda v: counting(v) or (real(v) and v == math.inf),
        "a whole number of at least 1, or infinity",
    ),
    "normalization": (one_of(None, "batch", "layer"), "None, 'batch' or 'layer'"),
    "residual": (flag, "True or False"),
}


def require_options(estimator: Any) -> None:
    """See that all options are what they may be.

    Raises
    ------
    ValueError
        One is not; also where it is of another type, as from scikit-learn.
    """
    owner = type(estimator).__name__
    for name, (fits, expected) in TABLE.items():
        value = getattr(estimator, name)
        if not fits(value):
            raise ValueError(f"{owner}: expected {name} to be {expected}, got {value!r}")
    hidden_sizes(estimator)
    for name, known, find in (("activation", ACTIVATIONS, activation_name), ("init", WHOLE, start_of)):
        value = getattr(estimator, name)
        if not isinstance(value, str):
            raise ValueError(f"{owner}: expected {name} to be a name, got {value!r}")
        if find(value) not in known and name == "activation":
            raise ValueError(f"{owner}: expected activation to be one of {', '.join(known)}; got {value!r}")


def start_of(name: str) -> str:
    """What a start is called here: one of `WHOLE`, or a name out of `init.INITIALIZERS`."""
    return name if name in WHOLE else start_name(name)


def hidden_sizes(estimator: Any) -> tuple[int, ...]:
    """The numbers of units of the hidden layers."""
    given = estimator.hidden_layer_sizes
    sizes = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if not all(counting(size) for size in sizes):
        raise ValueError(
            f"{type(estimator).__name__}: expected hidden_layer_sizes to be whole numbers > 0, got {given!r}"
        )
    return tuple(int(size) for size in sizes)
