"""An activation as the theory sees it: φ, φ' and their moments under a Gaussian."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..activations import ActivationRecord
from ..activations import activation as record_of
from ..engine.gradients import grad
from ..engine.graph import Operation
from ..engine.modes import enable_grad, no_grad
from ..engine.tensor import Tensor
from .quadrature import BLOCK, ORDER, REACH, SPAN, Array, gauss, pair_expectation, resolve, scaled

# What stands for q → 0 and q → ∞. A kink at 0 belongs to neither side, so that only the limit has a meaning.
LEAST, MOST = 1e-30, 1e30
# For the derivative by q where φ(0) is not 0: terms of order √q cancel, and rounding would be all that is left.
LEAST_SHIFTED = 1e-8


@dataclass(frozen=True)
class Moments:
    """Expectations over x = √q Z, arrays in the shape of q.

    Attributes
    ----------
    mean, square, fourth
        E φ, E φ², E φ⁴.
    slope_square, slope_fourth
        E φ'², E φ'⁴.
    both_square
        E φ² φ'².
    growth, slope_growth
        d(E φ²)/dq = E[φ φ' Z]/√q, and d(E φ'²)/dq = E[φ'² (Z² - 1)]/(2 q), which asks for no second derivative.
    """

    mean: Array
    square: Array
    fourth: Array
    slope_square: Array
    slope_fourth: Array
    both_square: Array
    growth: Array
    slope_growth: Array


class Phi:
    """φ and φ' on float64 arrays.

    Parameters
    ----------
    activation
        A name out of `nn.ACTIVATIONS` ("linear" is "identity"), an `nn.Activation` or other module, an elementwise
        operation, or a function of tensors. φ' is what the engine differentiates.
    kinks
        Where a derivative of a function jumps; operations know theirs. Unknown ones are found, at some cost.
    params
        What a named activation or an operation takes besides its input.

    Raises
    ------
    ValueError
        There is no activation of that name, or the function does not work element by element or not everywhere.
    TypeError
        The function does not take tensors, does not return one, or returns one that does not depend on its input by
        operations.
    """

    def __init__(self, activation: Any, *, kinks: Sequence[float] | None = None, **params: float) -> None:
        record = _record_of(activation, params)
        self.name = record.name if record is not None else _name_of(activation)
        self.function: Callable[[Tensor], Any] = activation if record is None else record
        self.kinks = tuple(kinks if kinks is not None else () if record is None else record.kinks)
        self._breaks: dict[int, Array] = {}
        _check(self)

    def __call__(self, x: Array) -> Array:
        with no_grad():
            return np.asarray(self.function(Tensor(x, np.float64)).numpy())

    def slope(self, x: Array) -> Array:
        """φ'(x)."""
        return self.both(x)[1]

    def both(self, x: Array) -> Array:
        """φ(x) and φ'(x), of shape (2, *x.shape)."""
        with enable_grad():
            point = Tensor(x, np.float64, requires_grad=True)
            value = self.function(point)
            return np.stack([value.numpy(), grad(value.sum(), point)[0].numpy()])

    def breaks(self, reach: float) -> Array:
        """Ends of panels for |x| up to `reach`; found once an octave."""
        octave = max(math.ceil(math.log2(reach)), 0) if reach > 0 else 0
        if octave not in self._breaks:
            self._breaks[octave] = resolve(self.both, self.kinks, 2.0**octave)
        return self._breaks[octave]

    def moments(self, q: Any) -> Moments:
        """Moments at variances q; 0 and ∞ stand for the limits.

        Raises
        ------
        ValueError
            A variance is negative or NaN.
        """
        variance = np.asarray(q, np.float64)
        if not np.all(variance >= 0):
            raise ValueError(f"expected variances that are not negative, got {q}")
        flat = np.clip(variance.ravel(), LEAST, MOST)
        order = np.argsort(flat)  # neighbours share their panels
        found = np.empty((len(fields(Moments)), flat.size))
        start = 0
        while start < flat.size:
            stop = start + 1 + np.searchsorted(flat[order[start + 1 :]], 4.0 * flat[order[start]])
            ends = self.breaks(REACH * math.sqrt(flat[order[stop - 1]]))
            stop = min(stop, start + max(BLOCK // (ORDER * (ends.size + SPAN.size)), 1))
            found[:, order[start:stop]] = self._integrate(flat[order[start:stop]], ends)
            start = stop
        return Moments(*(row.reshape(variance.shape) for row in found))

    def _integrate(self, q: Array, ends: Array) -> Array:
        """One row for each field of `Moments`; what overflows is infinite."""
        root = np.sqrt(q)[:, None]
        z, weights = gauss(scaled(ends, root))
        value, slope = self.both(root * z)

        def mean(values: Array) -> Array:
            found = np.einsum("ij,ij->i", weights, values)
            return np.where(np.isnan(found), math.inf, found)

        with np.errstate(over="ignore", invalid="ignore"):
            growth = mean(value * slope * z) / root[:, 0]
            small = q < LEAST_SHIFTED
            if small.any() and self.at_zero != 0:
                growth[small] = self.moments(LEAST_SHIFTED).growth
            square, slope_square = value * value, slope * slope
            powers = (value, square, square * square, slope_square, slope_square * slope_square, square * slope_square)
            slope_growth = mean(slope_square * (z * z - 1.0)) / (2.0 * q)
            return np.stack([*(mean(power) for power in powers), growth, slope_growth])

    @functools.cached_property
    def at_zero(self) -> float:
        """φ(0)."""
        return float(self(np.zeros(1))[0])

    def overlap(self, q: float, c: float) -> float:
        """E[φ(u) φ(v)] of normal u and v with variance q and correlation c; 0 and ∞ stand for the limits of q."""
        q = min(max(q, LEAST), MOST)
        ends = self.breaks(math.sqrt(2.0) * REACH * math.sqrt(q))
        return pair_expectation(self, self, q, c, self.kinks, breaks=ends)

    @functools.cached_property
    def table(self) -> tuple[Array, Moments]:
        """Variances from 1e-30 to 1e30, eight a decade, and the moments there: where fixed points are looked for."""
        q = np.geomspace(LEAST, MOST, 8 * 60 + 1)
        return q, self.moments(q)

    def __repr__(self) -> str:
        return f"Phi({self.name})"


def phi_of(activation: Any, **params: float) -> Phi:
    """The `Phi` of an activation; that of one that has a record is made once."""
    if isinstance(activation, Phi):
        if params:
            raise TypeError(f"{activation!r} has its parameters already; got {params}")
        return activation
    found = _record_of(activation, params)
    return Phi(activation, kinks=None, **params) if found is None else _of_record(found)


@functools.lru_cache(maxsize=64)
def _of_record(record: ActivationRecord) -> Phi:
    return Phi(record, kinks=None)


def _record_of(given: Any, params: dict[str, float]) -> ActivationRecord | None:
    """The record of what is known by one; None for a function of somebody's own.

    Raises
    ------
    ValueError
        It is a PReLU with several slopes, which theory has no one function for.
    """
    if not isinstance(given, str | Operation | ActivationRecord) and not hasattr(given, "record"):
        if params or not callable(given):
            record_of(given, **params)  # says what was expected
        return None
    found = record_of(given, **params)
    if found.slopes is None:
        return found
    slopes = np.unique(found.slopes)
    if slopes.size != 1:
        raise ValueError(f"expected a PReLU with one slope, got slopes from {slopes[0]} to {slopes[-1]}")
    return record_of("leaky_relu", negative_slope=float(slopes[0]))


def _name_of(function: Any) -> str:
    """What a function of somebody's own is called: a module by what it prints, others by their names."""
    named = getattr(function, "__name__", "")
    return named or (type(function).__name__ if " object at 0x" in repr(function) else repr(function))


def _check(phi: Phi) -> None:
    """Find out early whether a function is one that can be differentiated, element by element."""
    x = np.array([-0.7, 0.3, 1.9])
    wanted = "expected a function of one tensor, made of tinygrad_init's operations (such as tgi.tanh) so that it has"
    point = Tensor(x, np.float64, requires_grad=True)
    try:
        with enable_grad():
            value = phi.function(point)
    except Exception as error:
        raise TypeError(f"{phi.name}: {wanted} a derivative; given a tensor it fails: {error}") from error
    if not isinstance(value, Tensor):
        raise TypeError(f"{phi.name}: {wanted} a derivative; given a tensor it returns {type(value).__name__}")
    if not value.requires_grad:
        raise TypeError(f"{phi.name}: {wanted} a derivative; its result does not remember how it was made")
    if not np.all(np.isfinite(value.numpy())):
        raise ValueError(f"{phi.name}: expected a function with a value everywhere; at {x} it is {value.numpy()}")
    apart = [phi(x[i : i + 1]) for i in range(x.size)] if value.shape == x.shape else []
    if not apart or not np.allclose(np.concatenate(apart), value.numpy(), rtol=1e-12, atol=0):
        raise ValueError(f"{phi.name}: expected a function that works element by element")
