"""How many factors it takes until a number is no number any more: underflow to 0, overflow to infinity.

All follows from two parameters of a floating-point format (IEEE 754-2019, 3.3); nothing is tabulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal

# Powers are compared in this many digits. A power that ends exactly on a boundary (only those of 2 do) may come out
# wrong in the last of them, one that does not is further away.
DIGITS = 60
_EXACTLY = Decimal("1e-40")
_ARITHMETIC = Context(prec=DIGITS, Emin=-(10**9), Emax=10**9)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format with subnormal numbers, rounding to nearest, ties to even.

    Attributes
    ----------
    exponent_bits
        Of the stored exponent.
    precision
        Bits of the significand, the hidden one included.
    """

    exponent_bits: int
    precision: int

    @property
    def largest_exponent(self) -> int:
        """Of the largest finite numbers, 1.xxx·2^emax."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def smallest_exponent(self) -> int:
        """Of the smallest subnormal number: it is 2 to the power of this."""
        return 1 - self.largest_exponent - (self.precision - 1)

    def underflows(self, power: Decimal) -> bool:
        """Whether a positive number is rounded to 0: half the smallest subnormal is, a tie to even."""
        bound = _ARITHMETIC.power(Decimal(2), Decimal(self.smallest_exponent - 1))
        return power <= _ARITHMETIC.multiply(bound, 1 + _EXACTLY)

    def overflows(self, power: Decimal) -> bool:
        """Whether a positive number is rounded to infinity: from half a unit above the largest finite number on."""
        steps = Decimal(2 ** (self.precision + 1) - 1)
        scale = _ARITHMETIC.power(Decimal(2), Decimal(self.largest_exponent - self.precision))
        return power >= _ARITHMETIC.multiply(_ARITHMETIC.multiply(steps, scale), 1 - _EXACTLY)


FORMATS = {"fp16": Format(5, 11), "bf16": Format(8, 8), "fp32": Format(8, 24), "fp64": Format(11, 53)}


def underflow(factor: float, dtype: str = "fp32") -> int | None:
    """The smallest t for which factor^t, rounded once, is 0; None if that never happens.

    Parameters
    ----------
    factor
        Its sign does not matter.
    dtype
        A name out of `FORMATS`.

    Notes
    -----
    A product that is rounded at every step can stay at the smallest subnormal for ever if the factor is above 1/2.

    Raises
    ------
    ValueError
        The factor is not finite, or there is no such format.
    """
    size, form = _size(factor), _format(dtype)
    return _first(size, form.underflows, form.smallest_exponent) if size < 1 else None


def overflow(factor: float, dtype: str = "fp32") -> int | None:
    """The smallest t for which factor^t, rounded once, is infinite; None if that never happens.

    Parameters and errors as for `underflow`.
    """
    size, form = _size(factor), _format(dtype)
    return _first(size, form.overflows, form.largest_exponent) if size > 1 else None


def depth_horizon(chi: float, dtype: str = "fp32") -> int | None:
    """After how many layers of squared-gradient factor χ a gradient that starts as 1 is 0 or infinite in a format.

    The gradient's size changes by √χ a layer; None at χ = 1.

    Raises
    ------
    ValueError
        χ is negative or not finite, or there is no such format.
    """
    if not (chi >= 0 and math.isfinite(chi)):
        raise ValueError(f"depth_horizon: expected χ to be finite and not negative, got {chi}")
    factor = math.sqrt(chi)
    return underflow(factor, dtype) if factor < 1 else overflow(factor, dtype)


def _first(size: float, beyond: Callable[[Decimal], bool], exponent: int) -> int:
    """The smallest t from which `beyond(size^t)` holds, about where 2^exponent is reached."""
    if size == 0:
        return 1
    log = math.log1p(size - 1.0) if size > 0.5 else math.log(size)  # each where it loses no digits
    low, high = 0, 2 * math.ceil(exponent / (log / math.log(2.0))) + 2
    while high - low > 1:
        t = (low + high) // 2
        low, high = (low, t) if beyond(_ARITHMETIC.power(Decimal(size), Decimal(t))) else (t, high)
    return high


def _size(factor: float) -> float:
    if not math.isfinite(factor):
        raise ValueError(f"expected a finite factor, got {factor}")
    return abs(float(factor))


def _format(dtype: str) -> Format:
    if dtype not in FORMATS:
        raise ValueError(f"expected a format out of {', '.join(FORMATS)}; got {dtype!r}")
    return FORMATS[dtype]
