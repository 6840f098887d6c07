"""Whole parts, remainders and signs.

What rounds is constant between its jumps: its derivative is 0 everywhere, as PyTorch's is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import where
from .registry import Array, operation, pointwise

__all__ = [
    "ceil", "divmod", "floor", "floor_divide", "fmod", "frac", "gcd", "heaviside", "lcm", "nextafter",
    "remainder", "round", "sgn", "sign", "signbit", "trunc",
]  # fmt: skip

JUMPS = tuple(0.5 * i for i in range(-6, 7))


def nothing(g: Tensor) -> Tensor:
    """A cotangent of zeros, also where `g` is infinite."""
    return where(np.zeros(g.shape, bool), g, 0.0)


def _as_it_is(x: Array) -> Array:
    return x


def _rounded(name: str, formula: str, function: Any) -> Any:
    return pointwise(name, formula, function, lambda g: nothing(g), kinks=JUMPS, numpy=(name,), whole=_as_it_is)


floor = _rounded("floor", "the largest whole number that is not above x", np.floor)
ceil = _rounded("ceil", "the smallest whole number that is not below x", np.ceil)
trunc = _rounded("trunc", "x without what follows the decimal point", np.trunc)
sign = pointwise(
    "sign",
    "1, 0 or -1 as x is",
    np.sign,
    lambda g: nothing(g),
    kinks=(0.0,),
    numpy=("sign",),
    whole=lambda x: x if x.dtype == np.bool_ else np.sign(x),
)


@operation(
    lambda g: nothing(g),
    formula="x rounded to so many decimals, halves to the even neighbour",
    examples=lambda rng: [((0.3 * rng.random((2, 3)) + np.arange(3.0),), {"decimals": n}) for n in (0, -1)],
    whole=np.round,
    numpy=("round",),
    method=True,
)
def round(x: Array, /, decimals: int = 0) -> Array:
    """x rounded to so many decimals, halves to the even neighbour, as NumPy and PyTorch have it."""
    return np.asarray(np.round(x, decimals), x.dtype)


def _whole_quotient(function: Any) -> Any:
    """What NumPy has for whole numbers, but that a division by zero is an error, as in PyTorch."""

    def divided(x: Any, y: Any) -> Any:
        if np.any(np.equal(y, 0)):
            raise ZeroDivisionError("whole numbers: division by zero")
        return function(x, y)

    return divided


def _truncated(x: Any, y: Any) -> Any:
    """x / y of whole numbers, without what follows the decimal point."""
    return np.floor_divide(x, y) + ((np.remainder(x, y) != 0) & ((x < 0) != (y < 0)))


def _apart(rng: np.random.Generator) -> list[Any]:
    """Numbers whose quotients are not whole: there the derivatives jump."""
    y = rng.uniform(0.5, 1.5, (3, 1)) * np.array([[1.0], [-1.0], [2.0]])
    return [((y * (np.arange(-2.0, 2.0) + rng.uniform(0.2, 0.8, 4)), y), {})]


floor_divide = pointwise(
    "floor_divide",
    "the largest whole number that is not above x / y",
    np.floor_divide,
    lambda g: nothing(g),
    lambda g: nothing(g),
    numpy=("floor_divide",),
    whole=_whole_quotient(np.floor_divide),
    examples=_apart,
)
truncated_quotient = pointwise(
    "trunc_divide",
    "x / y without what follows the decimal point",
    lambda x, y: np.trunc(np.divide(x, y)),
    lambda g: nothing(g),
    lambda g: nothing(g),
    whole=_whole_quotient(_truncated),
    examples=_apart,
)
remainder = pointwise(
    "remainder",
    "x - y·⌊x / y⌋, which has the sign of y",
    np.remainder,
    lambda g: g,
    lambda g, x, y: -g * floor_divide(x, y),
    numpy=("remainder",),
    whole=_whole_quotient(np.remainder),
    examples=_apart,
)
fmod = pointwise(
    "fmod",
    "x - y·trunc(x / y), which has the sign of x",
    np.fmod,
    lambda g: g,
    lambda g, x, y: -g * truncated_quotient(x, y),
    numpy=("fmod",),
    whole=_whole_quotient(np.fmod),
    examples=_apart,
)


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """`floor_divide` and `remainder`."""
    return floor_divide(x, y), remainder(x, y)


def frac(x: Any) -> Any:
    """x - trunc(x): what follows the decimal point, with the sign of x."""
    (x,) = as_tensors("frac", (x,))
    return x - trunc(x)


def sgn(x: Any) -> Any:
    """1, 0 or -1 as x is: of real numbers the same as `sign`."""
    return sign(x)


def signbit(x: Any) -> Any:
    """Whether the sign of x is minus, that of zero included."""
    return discrete(np.signbit(operand(x)))


def heaviside(x: Any, values: Any) -> Any:
    """0 below zero, 1 above, `values` at zero; the derivative by `values` is 1 there."""
    x, values = as_tensors("heaviside", (x, values))
    if is_discrete(x):
        return discrete(np.where(operand(x) == 0, operand(values), operand(x) > 0).astype(x.dtype))
    return where(x == 0, values, where(x > 0, 1.0, x * 0.0))


def _of_whole(name: str, function: Any, x: Any, y: Any) -> Any:
    found = [operand(x), operand(y)]
    if any(v.dtype.kind not in "iu" for v in found):
        raise TypeError(f"{name}: expected whole numbers, got {found[0].dtype} and {found[1].dtype}")
    return discrete(function(*found))


def gcd(x: Any, y: Any) -> Any:
    """The greatest common divisor of whole numbers."""
    return _of_whole("gcd", np.gcd, x, y)


def lcm(x: Any, y: Any) -> Any:
    """The least common multiple of whole numbers."""
    return _of_whole("lcm", np.lcm, x, y)


nextafter = pointwise(
    "nextafter",
    "the next number of the dtype after x on the way to y, whose derivative is that of what it is next to",
    np.nextafter,
    lambda g, x, y: where(x == y, 0.0, g),
    lambda g, x, y: where(x == y, g, 0.0),
    examples=None,
    exempt="a step of the dtype itself, of which finite differences see nothing",
)


METHODS.update(
    divmod=divmod, frac=frac, gcd=gcd, heaviside=heaviside, lcm=lcm,
    sgn=sgn, signbit=signbit,
)  # fmt: skip
