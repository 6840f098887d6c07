"""Elementwise operations: arithmetic and the functions of analysis.

Rules multiply a cotangent with `gated`: one of exactly zero stays zero, even where the derivative is infinite or NaN.
So the branch that `where` did not take cannot turn a gradient into NaN: `where(x > 0, x * log(x), 0)` has the
derivative 0 at 0. (Matrix products and sums are not gated: what is not finite there comes from numbers that were used.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of, is_discrete
from ..engine.methods import METHODS
from ..engine.modes import float_dtype, mode
from ..engine.storage import operand
from ..engine.tensor import wrap
from .registry import Array, binary, operation, unary

POSITIVE = (0.2, 3.0)


# Two operands, stretched to a common shape; the engine sums each cotangent back to its operand's own.

gated = binary(
    "gated",
    "0 where g = 0, else g·d",
    lambda g, y: gated(g, y),
    lambda g, x: gated(x, g),
    domain=POSITIVE,
)
# Not g · 1/y: the reciprocal of a tiny number overflows.
gated_quotient = binary(
    "gated_quotient",
    "0 where g = 0, else g / y",
    lambda g, y: gated_quotient(g, y),
    lambda g, x, y: -gated_quotient(gated_quotient(gated(x, g), y), y),
    domain=POSITIVE,
)
add = binary("add", "x + y", lambda g: g, lambda g: g, numpy=("add",), whole=np.add)
sub = binary("sub", "x - y", lambda g: g, lambda g: -g, numpy=("subtract",), whole=np.subtract)
mul = binary("mul", "x·y", lambda g, y: gated(g, y), lambda g, x: gated(g, x), numpy=("multiply",), whole=np.multiply)
div = binary(
    "div",
    "x / y",
    lambda g, y: gated_quotient(g, y),
    lambda g, y, out: gated(gated_quotient(g, y), -out),
    domain=POSITIVE,
    numpy=("divide", "true_divide"),
)
pow = binary(
    "pow",
    "x^y",
    # Where y = 0 the derivative by x is 0, also at x = 0.
    lambda g, x, y: gated(g, gated(y, pow(x, y - 1.0))),
    # Where x = 0 that by y is 0 for y ≥ 0, as x^y is 0 to the right of y, and -∞ for y < 0, the limit of x^y ln x.
    lambda g, x, y, out: gated(g, where((x == 0) & (y >= 0), 0.0, out * log(x))),
    method=True,
    domain=POSITIVE,
    numpy=("power", "float_power"),
    whole=np.power,
)
maximum = binary(
    "maximum",
    "the larger of x and y; a tie shares the cotangent evenly",
    lambda g, x, y: where(x == y, 0.5 * g, where(x > y, g, 0.0)),
    lambda g, x, y: where(x == y, 0.5 * g, where(x > y, 0.0, g)),
    numpy=("maximum",),
    whole=np.maximum,
)
minimum = binary(
    "minimum",
    "the smaller of x and y; a tie shares the cotangent evenly",
    lambda g, x, y: where(x == y, 0.5 * g, where(x < y, g, 0.0)),
    lambda g, x, y: where(x == y, 0.5 * g, where(x < y, 0.0, g)),
    numpy=("minimum",),
    whole=np.minimum,
)

# One operand

neg = unary("neg", "-x", lambda g: -g, numpy=("negative",), whole=np.negative)
exp = unary("exp", "e^x", lambda g, out: gated(g, out), numpy=("exp",))
expm1 = unary("expm1", "e^x - 1", lambda g, out: gated(g, out + 1.0), numpy=("expm1",))
log = unary("log", "ln x", lambda g, x: gated(g, 1.0 / x), domain=POSITIVE, numpy=("log",))
log1p = unary("log1p", "ln(1 + x)", lambda g, x: gated(g, 1.0 / (1.0 + x)), domain=(-0.7, 3.0), numpy=("log1p",))
sqrt = unary("sqrt", "√x", lambda g, out: gated(g, 0.5 / out), domain=POSITIVE, numpy=("sqrt",))
sin = unary("sin", "sin x", lambda g, x: gated(g, cos(x)), numpy=("sin",), start="xavier")
cos = unary("cos", "cos x", lambda g, x: gated(g, -sin(x)), numpy=("cos",))
abs = unary(
    "abs",
    "|x|; the derivative at 0 is 0",
    lambda g, x: where(x == 0, 0.0, where(x > 0, g, -g)),
    kinks=(0.0,),
    numpy=("absolute", "fabs", "abs"),
    whole=np.absolute,
)


def _where_examples(rng: np.random.Generator) -> list[Any]:
    x, y = rng.normal(size=(3, 4)), rng.normal(size=4)
    return [
        ((x, y), {"condition": rng.random((3, 4)) > 0.5}),
        ((y, x), {"condition": np.array([[True], [False], [True]])}),
    ]


@operation(
    lambda g, condition: _where(g, np.zeros((), g.dtype), condition),
    lambda g, condition: _where(np.zeros((), g.dtype), g, condition),
    formula="x where the condition holds, else y",
    broadcasts=True,
    whole=True,
    examples=_where_examples,
)
def _where(x: Array, y: Array, /, condition: Array) -> Array:
    return np.where(condition, x, y)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of `x` where the condition holds and of `y` elsewhere, all three stretched to a common shape.

    Without them: the places where it holds, as `nonzero` gives them, a tensor for each axis.

    Parameters
    ----------
    condition
        An array of booleans, as comparisons of tensors give.
    x, y
        Tensors, arrays or numbers.

    Raises
    ------
    TypeError
        The condition is not boolean, or one of `x` and `y` is missing.
    """
    if x is None or y is None:
        if x is not None or y is not None:
            raise TypeError("where: expected what to take where the condition holds and where not, got one of them")
        return METHODS["nonzero"](condition, as_tuple=True)
    condition = operand(condition)
    if condition.dtype != np.bool_:
        raise TypeError(f"where: expected a condition of booleans, got {condition.dtype}")
    return _where(x, y, condition.copy())


def _clip_whole(x: Array, low: float | None, high: float | None) -> Any:
    """Whole numbers between whole limits; with others, as in PyTorch, they become floats of the default dtype."""
    if isinstance(low, float) or isinstance(high, float):
        return clip(astype(x, mode.dtype), low, high)
    return np.clip(x, low, high)


def _clip_examples(rng: np.random.Generator) -> list[Any]:
    x = rng.normal(size=(4, 5))
    x = x[np.newaxis] + 0.0 * x
    return [((x,), {"low": -0.7, "high": 0.9}), ((x,), {"low": None, "high": 0.5}), ((x,), {"low": 0.1, "high": None})]


@operation(
    lambda g, x, low, high: where(
        (x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high)), g, 0.0
    ),
    formula="x limited to [low, high]; at the limits the derivative is 1",
    method=True,
    examples=_clip_examples,
    whole=_clip_whole,
)
def clip(x: Array, /, low: float | None = None, high: float | None = None) -> Array:
    """Limit every element to the interval from `low` to `high` (None: no limit); `high` wins where they cross."""
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high).astype(x.dtype, copy=False)


@operation(
    lambda g, source: _astype(g, source, g.dtype),
    formula="x in another dtype",
    exempt="finite differences would step across two precisions; tested by itself",
)
def _astype(x: Array, /, dtype: Any, source: Any) -> Array:
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def astype(x: Any, dtype: Any) -> Any:
    """The tensor in another dtype.

    As float32 or float64 it keeps its history, and the gradient comes back in the dtype of `x`. As whole numbers or
    booleans it has none.
    """
    wanted = dtype_of(dtype)
    if wanted.kind != "f" or is_discrete(x):
        with np.errstate(invalid="ignore", over="ignore"):
            found = operand(x).astype(wanted if wanted.kind != "f" else float_dtype(wanted))
        return wrap(found) if wanted.kind == "f" else discrete(found)
    return _astype(x, float_dtype(wanted), x.dtype)


METHODS["astype"] = astype
