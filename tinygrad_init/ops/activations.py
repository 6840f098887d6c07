"""Activation functions: φ by its kernel, φ' by its rule.

The formula under each name is differentiable itself; in the first backward the compiled backend replaces it by one pass
of the kernel's own derivative (`csrc/functions.inc.h`). A rule that reads only the result `out` lets the preactivation
go.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import dtype_of
from ..engine.graph import Operation
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from ..kernels.reference import SELU_ALPHA, SELU_SCALE
from ..naming import known_name
from .elementwise import abs, clip, exp, gated, sin, where
from .registry import Array, operation, unary
from .shape import kept_shape, normalize_axes


@operation(
    lambda g: g,
    formula="x",
    view=True,
    examples=lambda rng: [((rng.normal(size=(2, 3)),), {})],
    gain=1.0,
    start="xavier",
    homogeneous=True,
)
def identity(x: Array, /) -> Array:
    """The linear activation: what is left of a network with it is a product of matrices."""
    return x


def _expelled(g: Tensor, x: Tensor, alpha: float) -> Tensor:
    """The cotangent through α(e^x - 1); the exponential is not asked for where it is not used and could overflow."""
    return where(x > 0, g, gated(g, alpha * exp(where(x < 0, x, 0.0))))


def _phi(x: Tensor) -> Tensor:
    """The standard normal density."""
    return (1.0 / math.sqrt(2.0 * math.pi)) * exp(-0.5 * x * x)


def _moderate(x: Tensor) -> Tensor:
    """x where its tail has long underflowed: keeps infinity times zero from becoming NaN."""
    return clip(x, -1000.0, 1000.0)


def _mish_rule(g: Tensor, x: Tensor) -> Tensor:
    t = tanh(softplus(x))
    return gated(g, t + _moderate(x) * ((1.0 - t) * (1.0 + t)) * sigmoid(x))


def _silu_rule(g: Tensor, x: Tensor) -> Tensor:
    s = sigmoid(x)
    return gated(g, s * (1.0 + _moderate(x) * (1.0 - s)))


sigmoid = unary(
    "sigmoid",
    "1 / (1 + e^-x); slope at most 1/4",
    lambda g, out: gated(g, out * (1.0 - out)),
    gain=1.0,
    start="xavier",
)
tanh = unary(
    "tanh",
    "tanh x; slope at most 1",
    lambda g, out: gated(g, (1.0 - out) * (1.0 + out)),
    numpy=("tanh",),
    gain=5.0 / 3.0,
    start="xavier",
)
erf = unary(
    "erf",
    "2/√π ∫₀ˣ e^(-t²) dt",
    lambda g, x: gated(g, (2.0 / math.sqrt(math.pi)) * exp(-x * x)),
    start="xavier",
)
relu = unary(
    "relu",
    "max(x, 0); the derivative at 0 is 0",
    lambda g, out: where(out > 0, g, 0.0),
    kinks=(0.0,),
    whole=lambda x: np.maximum(x, 0),
    gain=math.sqrt(2.0),
    start="he",
    homogeneous=True,
)
leaky_relu = unary(
    "leaky_relu",
    "x if x > 0 else slope·x",
    lambda g, x, negative_slope: where(x > 0, g, negative_slope * g),
    param=("negative_slope", 0.01),
    method=False,
    kinks=(0.0,),
    gain=lambda negative_slope: math.sqrt(2.0 / (1.0 + negative_slope * negative_slope)),
    start="he",
    homogeneous=True,
)
elu = unary(
    "elu",
    "x if x > 0 else α(e^x - 1)",
    lambda g, x, alpha: _expelled(g, x, alpha),
    param=("alpha", 1.0),
    method=False,
    kinks=(0.0,),
    start="xavier",
)
selu = unary(
    "selu",
    "λ·elu(x, α), λ = 1.0507…, α = 1.6733… (Klambauer et al. 2017)",
    lambda g, x: SELU_SCALE * _expelled(g, x, SELU_ALPHA),
    kinks=(0.0,),
    gain=0.75,
    start="lecun",
)
gelu = unary(
    "gelu",
    "x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016), exact",
    lambda g, x: gated(g, 0.5 * (1.0 + erf(x * math.sqrt(0.5))) + _moderate(x) * _phi(x)),
)
silu = unary("silu", "x·sigmoid(x) (Elfwing et al. 2018)", _silu_rule)
softplus = unary("softplus", "ln(1 + e^x)", lambda g, x: gated(g, sigmoid(x)))
hard_sigmoid = unary(
    "hard_sigmoid",
    "(x + 3)/6 limited to [0, 1]",
    lambda g, x: where((x > -3) & (x < 3), g * (1.0 / 6.0), 0.0),
    domain=(-4.0, 4.0),
    kinks=(-3.0, 3.0),
    gain=1.0,
)
hardtanh = unary(
    "hardtanh",
    "x limited to [-1, 1]",
    lambda g, x: where((x > -1) & (x < 1), g, 0.0),
    kinks=(-1.0, 1.0),
    gain=1.0,
    start="xavier",
)
mish = unary("mish", "x·tanh(softplus(x)) (Misra 2019)", _mish_rule)
softsign = unary(
    "softsign",
    "x / (1 + |x|)",
    lambda g, x: gated(g, 1.0 / ((1.0 + abs(x)) * (1.0 + abs(x)))),
    kinks=(0.0,),
    gain=1.0,
    start="xavier",
)


def _prelu_examples(rng: np.random.Generator) -> list[Any]:
    x = rng.normal(size=(4, 3)) + 0.0
    return [((x, np.array([0.25])), {}), ((x, rng.random(3)), {})]


@operation(
    lambda g, x, slope: where(x > 0, g, gated(g, slope)),
    lambda g, x: where(x > 0, 0.0, gated(g, x)),
    formula="x if x > 0 else slope·x, with a learnable slope (He et al. 2015)",
    broadcasts=True,
    examples=_prelu_examples,
    gain=leaky_relu.spec.gain,
    start="he",
    homogeneous=True,
)
def prelu(x: Array, slope: Array, /) -> Array:
    """Leaky ReLU with a learnable slope: one for all units, or one for each along the last axis."""
    with np.errstate(all="ignore"):
        return np.where(x > 0, x, slope * x)


def refuse_other(name: str, x: Array, dtype: Any) -> None:
    """Raise where a function of floats is to be computed in another dtype."""
    if dtype is not None and dtype_of(dtype) != x.dtype:
        raise TypeError(f"{name}: of {x.dtype} in another dtype: write {name}(x.astype({str(dtype_of(dtype))!r}))")


def shift(x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """The maximum over axes, 0 where it is infinite: what exponents are shifted by before they are added up."""
    if x.size == 0:
        return np.zeros(kept_shape(x.shape, axis), x.dtype, like=x)
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(top), top, x.dtype.type(0))


SOFTMAX, LOG_SOFTMAX, CAUSAL_SOFTMAX, SOFTMAX_VJP, LOG_SOFTMAX_VJP = range(5)  # `tgi_of_rows`


def _softmax_examples(rng: np.random.Generator) -> list[Any]:
    x = rng.normal(size=(3, 4))
    return [((x,), {}), ((x,), {"axis": 0}), ((x[0],), {"axis": -1})]


def _of_rows(which: int, axes: tuple[int, ...], *arrays: Array) -> Array | None:
    """What the kernel makes of rows, if there are any and the axis is the last one."""
    x = arrays[0]
    return kernels.rows(which, list(arrays)) if x.size and axes == (x.ndim - 1,) else None


def _slope_examples(rng: np.random.Generator) -> list[Any]:
    g, out = rng.normal(size=(2, 3, 4))
    return [((g, out), {}), ((g, out), {"axis": 0}), ((g[0], out[0]), {"axis": -1})]


@operation(
    lambda g, out, axis: _softmax_slope(g, out, axis),
    lambda g, g_, out, axis: g * (g_ - (g_ * out).sum(axis, True)) - g_ * (g * out).sum(axis, True),
    formula="out·(g - Σ g·out) along an axis: the derivative of a softmax",
    examples=_slope_examples,
)
def _softmax_slope(g_: Array, out: Array, /, axis: int = -1) -> Array:
    axes = normalize_axes(axis, out.ndim, "softmax")
    found = _of_rows(SOFTMAX_VJP, axes, g_, out)
    return out * (g_ - np.sum(g_ * out, axis=axes, keepdims=True)) if found is None else found


@operation(
    lambda g, out, axis: g - (g * exp(out)).sum(axis, True),
    lambda g, g_, out, axis: -g * exp(out) * g_.sum(axis, True),
    formula="g - e^out·Σ g along an axis: the derivative of a log_softmax",
    examples=_slope_examples,
)
def _log_softmax_slope(g_: Array, out: Array, /, axis: int = -1) -> Array:
    axes = normalize_axes(axis, out.ndim, "log_softmax")
    found = _of_rows(LOG_SOFTMAX_VJP, axes, g_, out)
    return g_ - np.exp(out) * np.sum(g_, axis=axes, keepdims=True) if found is None else found


@operation(
    lambda g, out, axis: _softmax_slope(g, out, axis),
    formula="e^x / Σ e^x along an axis",
    method=True,
    examples=_softmax_examples,
)
def softmax(x: Array, /, axis: int = -1, dtype: Any = None) -> Array:
    """Positive numbers with sum 1 along an axis, computed without overflow; `dtype` can only be that of x."""
    refuse_other("softmax", x, dtype)
    axes = normalize_axes(axis, x.ndim, "softmax")
    found = _of_rows(SOFTMAX, axes, x)
    if found is not None:
        return found
    with np.errstate(all="ignore"):
        e = np.exp(x - shift(x, axes))
        return e / np.sum(e, axis=axes, keepdims=True)


@operation(
    lambda g, out, axis: _log_softmax_slope(g, out, axis),
    formula="ln softmax(x) along an axis",
    method=True,
    examples=_softmax_examples,
)
def log_softmax(x: Array, /, axis: int = -1, dtype: Any = None) -> Array:
    """The logarithm of `softmax`, exact also where the softmax underflows; `dtype` can only be that of x."""
    refuse_other("log_softmax", x, dtype)
    axes = normalize_axes(axis, x.ndim, "log_softmax")
    found = _of_rows(LOG_SOFTMAX, axes, x)
    if found is not None:
        return found
    with np.errstate(all="ignore"):
        shifted = x - shift(x, axes)
        return shifted - np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))


def _causal_examples(rng: np.random.Generator) -> list[Any]:
    return [((rng.normal(size=(2, 3, 3)),), {}), ((rng.normal(size=(2, 4)),), {}), ((rng.normal(size=(3, 2)),), {})]


@operation(
    lambda g, out: _softmax_slope(g, out),
    formula="e^x / Σ e^x along the last axis, where row i of a matrix sees its first i + 1 numbers; the others give 0",
    examples=_causal_examples,
)
def _causal_softmax(x: Array, /) -> Array:
    if not x.size:
        return np.zeros(x.shape, x.dtype, like=x)
    found: Array = kernels.rows(CAUSAL_SOFTMAX, [x], x.shape[-2])
    return found


# The activations of `nn`, by name; `prelu` has parameters of its own and is a layer there.
ACTIVATIONS: dict[str, Operation] = {
    op.name: op
    for op in (
        identity,
        sigmoid,
        tanh,
        relu,
        leaky_relu,
        elu,
        selu,
        gelu,
        silu,
        softplus,
        erf,
        hard_sigmoid,
        hardtanh,
        mish,
        softsign,
        sin,
    )
}

# What other libraries call the same functions; how a name is written (ReLU, hard_tanh) does not matter.
ALIASES: dict[str, str] = {
    "swish": "silu",
    "linear": "identity",
    "logistic": "sigmoid",
    "sine": "sin",
}


def activation_name(name: str) -> str:
    """What an activation is called here, by our name or that of other libraries (`ALIASES`); "prelu" is one, too.

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        There is none of that name.
    """
    return known_name("an activation", name, (*ACTIVATIONS, "prelu"), ALIASES)
