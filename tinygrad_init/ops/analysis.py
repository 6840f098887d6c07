"""Elementary functions that have no kernel of their own: powers, logarithms, angles, hyperbolic functions.

Derivatives at the edges of a domain are the limits, infinite where the function is steep; outside, where a value is
NaN, so is the derivative.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .activations import sigmoid
from .elementwise import _where, clip, gated, gated_quotient, log, log1p, sqrt, where
from .registry import Array, operation, pointwise

__all__ = [
    "acos",
    "acosh",
    "addcdiv",
    "addcmul",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "copysign",
    "cosh",
    "deg2rad",
    "exp2",
    "float_power",
    "fmax",
    "fmin",
    "hypot",
    "ldexp",
    "lerp",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "nan_to_num",
    "positive",
    "quick_gelu",
    "rad2deg",
    "reciprocal",
    "rsqrt",
    "rsub",
    "sinh",
    "square",
    "tan",
]  # fmt: skip

LN2, LN10 = math.log(2.0), math.log(10.0)
INSIDE = (-0.9, 0.9)

tan = pointwise("tan", "tan x", np.tan, lambda g, out: gated(g, 1.0 + out * out), domain=(-1.2, 1.2), numpy=("tan",))
asin = pointwise(
    "asin",
    "arcsin x",
    np.arcsin,
    lambda g, x: gated_quotient(g, sqrt(1.0 - x * x)),
    domain=INSIDE,
    numpy=("arcsin",),
)
acos = pointwise(
    "acos",
    "arccos x",
    np.arccos,
    lambda g, x: -gated_quotient(g, sqrt(1.0 - x * x)),
    domain=INSIDE,
    numpy=("arccos",),
)
atan = pointwise("atan", "arctan x", np.arctan, lambda g, x: gated_quotient(g, 1.0 + x * x), numpy=("arctan",))
sinh = pointwise("sinh", "(e^x - e^-x) / 2", np.sinh, lambda g, x: gated(g, cosh(x)), numpy=("sinh",))
cosh = pointwise("cosh", "(e^x + e^-x) / 2", np.cosh, lambda g, x: gated(g, sinh(x)), numpy=("cosh",))
asinh = pointwise(
    "asinh", "ln(x + √(x² + 1))", np.arcsinh, lambda g, x: gated_quotient(g, hypot(x, 1.0)), numpy=("arcsinh",)
)
acosh = pointwise(
    "acosh",
    "ln(x + √(x² - 1))",
    np.arccosh,
    lambda g, x: gated_quotient(g, sqrt(x * x - 1.0)),
    domain=(1.2, 4.0),
    numpy=("arccosh",),
)
atanh = pointwise(
    "atanh",
    "ln((1 + x) / (1 - x)) / 2",
    np.arctanh,
    lambda g, x: gated_quotient(g, 1.0 - x * x),
    domain=INSIDE,
    numpy=("arctanh",),
)
exp2 = pointwise("exp2", "2^x", np.exp2, lambda g, out: gated(g, LN2 * out), numpy=("exp2",))
log2 = pointwise(
    "log2", "ln x / ln 2", np.log2, lambda g, x: gated_quotient(g, LN2 * x), domain=(0.2, 3.0), numpy=("log2",)
)
log10 = pointwise(
    "log10", "ln x / ln 10", np.log10, lambda g, x: gated_quotient(g, LN10 * x), domain=(0.2, 3.0), numpy=("log10",)
)
hypot = pointwise(
    "hypot",
    "√(x² + y²), the length of the vector (x, y); the subgradient at 0 is 0",
    np.hypot,
    lambda g, x, out: where(out == 0, 0.0, gated(g, x / where(out == 0, 1.0, out))),
    lambda g, y, out: where(out == 0, 0.0, gated(g, y / where(out == 0, 1.0, out))),
    domain=(0.2, 3.0),
    numpy=("hypot",),
)

logaddexp = pointwise(
    "logaddexp",
    "ln(e^x + e^y) without overflow, the larger of both plus ln(1 + e^-|x - y|)",
    np.logaddexp,
    # What is nothing beside nothing (e^-∞ twice) has no share in anything.
    lambda g, x, y, out: where(out == -np.inf, 0.0, gated(g, sigmoid(x - y))),
    lambda g, x, y, out: where(out == -np.inf, 0.0, gated(g, sigmoid(y - x))),
    numpy=("logaddexp",),
)


def _angle_rule(g: Tensor, beside: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The derivative of an angle by one side is the other side over the squared length; 0 where there is no angle."""
    length = hypot(x, y)
    safe = where(length == 0, 1.0, length)
    return gated(g, where(length == 0, 0.0, beside / safe / safe))


atan2 = pointwise(
    "atan2",
    "the angle of the vector (y, x), x being its height",
    np.arctan2,
    lambda g, x, y: _angle_rule(g, y, x, y),
    lambda g, x, y: -_angle_rule(g, x, x, y),
    domain=(0.2, 3.0),
    numpy=("arctan2",),
)
copysign = pointwise(
    "copysign",
    "|x| with the sign of y; the derivative at x = 0 is 0",
    np.copysign,
    lambda g, x, out: where(x == 0, 0.0, _where(g, -g, (x > 0) == (out > 0))),
    lambda g: where(np.zeros(g.shape, bool), g, 0.0),
    domain=(0.2, 3.0),
    numpy=("copysign",),
)


def square(x: Any) -> Any:
    """x², element by element; of whole numbers it is whole."""
    (x,) = as_tensors("square", (x,))
    if is_discrete(x):
        numbers = operand(x)
        return discrete(np.square(numbers.astype(np.int64) if numbers.dtype == np.bool_ else numbers))
    return x * x


def reciprocal(x: Any) -> Tensor:
    """1 / x, element by element."""
    (x,) = coerce("reciprocal", (x,))
    return 1.0 / x


def rsqrt(x: Any) -> Tensor:
    """1 / √x, element by element."""
    (x,) = coerce("rsqrt", (x,))
    return 1.0 / sqrt(x)


def positive(x: Any) -> Any:
    """x as it is."""
    return as_tensors("positive", (x,))[0]


def rsub(x: Any, y: Any, alpha: float = 1) -> Any:
    """y - alpha·x: subtraction the other way round, as PyTorch has it."""
    return y - (x if alpha == 1 else alpha * x)


def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    (x,) = coerce("deg2rad", (x,))
    return x * (math.pi / 180.0)


def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    (x,) = coerce("rad2deg", (x,))
    return x * (180.0 / math.pi)


def ldexp(x: Any, y: Any) -> Tensor:
    """x·2^y, element by element."""
    x, y = coerce("ldexp", (x, y))
    return x * exp2(y)


def float_power(x: Any, y: Any) -> Tensor:
    """x^y in float64, whatever both are made of, as NumPy and PyTorch have it."""
    double = [v.astype(np.float64) if hasattr(v, "dtype") else v for v in (x, y)]
    x, y = coerce("float_power", tuple(double))
    return x**y


def logaddexp2(x: Any, y: Any) -> Tensor:
    """log₂(2^x + 2^y), element by element, without overflow."""
    x, y = coerce("logaddexp2", (x, y))
    return logaddexp(x * LN2, y * LN2) * (1.0 / LN2)


def logit(x: Any, eps: float | None = None) -> Tensor:
    """ln(x / (1 - x)), the inverse of `sigmoid`; with `eps`, x is first limited to [eps, 1 - eps]."""
    (x,) = coerce("logit", (x,))
    if eps is not None:
        x = clip(x, eps, 1.0 - eps)
    return log(x) - log1p(-x)


def lerp(x: Any, end: Any, weight: Any) -> Tensor:
    """x + weight·(end - x): on the way from x to `end`."""
    x, end, weight = coerce("lerp", (x, end, weight))
    return x + weight * (end - x)


def addcmul(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """x + value·tensor1·tensor2, element by element."""
    product = tensor1 * tensor2
    return x + (product if value == 1 else value * product)


def addcdiv(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """x + value·tensor1/tensor2, element by element."""
    x, tensor1, tensor2 = coerce("addcdiv", (x, tensor1, tensor2))
    return x + (value * tensor1) / tensor2


def _larger(name: str, x: Any, y: Any, of_two: Any, chosen: Any) -> Any:
    x, y = as_tensors(name, (x, y))
    if is_discrete(x):
        return discrete(of_two(operand(x), operand(y)))
    missing = np.isnan(operand(y))
    return where(chosen(x, y) | missing, x, y)


def fmax(x: Any, y: Any) -> Any:
    """The larger of both, element by element, a number where the other is NaN; of equal ones the first is taken."""
    return _larger("fmax", x, y, np.fmax, lambda a, b: a >= b)


def fmin(x: Any, y: Any) -> Any:
    """The smaller of both, element by element, a number where the other is NaN; of equal ones the first is taken."""
    return _larger("fmin", x, y, np.fmin, lambda a, b: a <= b)


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers in place of NaN and infinities, which have the derivative 0.

    Parameters
    ----------
    nan, posinf, neginf
        What is written; for infinities the largest numbers of the dtype unless given.
    """
    (x,) = as_tensors("nan_to_num", (x,))
    if is_discrete(x):
        return x
    largest = float(np.finfo(x.dtype).max)
    numbers = operand(x)
    x = where(np.isnan(numbers), nan, x)
    x = where(numbers == np.inf, largest if posinf is None else posinf, x)
    return where(numbers == -np.inf, -largest if neginf is None else neginf, x)


def quick_gelu(x: Any) -> Tensor:
    """x·sigmoid(1.702 x): an approximation of `gelu` (Hendrycks and Gimpel 2016, section 2)."""
    (x,) = coerce("quick_gelu", (x,))
    return x * sigmoid(1.702 * x)


# Products with logarithms that are 0 where their factor is: the terms of entropies and likelihoods.


def xlogy(x: Any, y: Any) -> Tensor:
    """x·ln y, and 0 where x is 0, whatever y is (unless NaN); its derivative by x is ln y there, too, if finite."""
    x, y = coerce("xlogy", (x, y))
    nothing = (x == 0) & ((y <= 0) | (y == np.inf))
    return where(nothing, 0.0, x * log(where(nothing, 1.0, y)))


def xlog1py(x: Any, y: Any) -> Tensor:
    """x·ln(1 + y), and 0 where x is 0, whatever y is (unless NaN); for its derivative see `xlogy`."""
    x, y = coerce("xlog1py", (x, y))
    nothing = (x == 0) & ((y <= -1) | (y == np.inf))
    return where(nothing, 0.0, x * log1p(where(nothing, 0.0, y)))


@operation(
    lambda g, x: gated(g, where(x >= 0, -log(where(x < 0, 1.0, x)) - 1.0, np.nan)),
    formula="-x·ln x, 0 at 0, -∞ below",
    kind="unary",
    domain=(0.2, 3.0),
)
def entr(x: Array, /) -> Array:
    """-x·ln x, which is 0 at 0 and -∞ below: the terms of an entropy."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x))), x.dtype)


METHODS.update(xlogy=xlogy, xlog1py=xlog1py)
METHODS.update(
    addcdiv=addcdiv, addcmul=addcmul, deg2rad=deg2rad, float_power=float_power, fmax=fmax, fmin=fmin, ldexp=ldexp,
    lerp=lerp, logaddexp2=logaddexp2, logit=logit, nan_to_num=nan_to_num, positive=positive, rad2deg=rad2deg,
    reciprocal=reciprocal, rsqrt=rsqrt, square=square,
)  # fmt: skip
