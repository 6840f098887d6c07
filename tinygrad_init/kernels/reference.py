"""The kernels in NumPy: the specification that the C kernels are tested against, and the `reference` backend.

Elementwise functions are by name what `csrc/tgi.h` numbers; here all of them have the number -1, so that the engine
asks for none of the shortcuts that only C code has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

ISA = "numpy"

Array = np.ndarray[Any, Any]

# Klambauer et al. 2017, "Self-normalizing neural networks", eq. 14
SELU_SCALE = 1.0507009873554804934
SELU_ALPHA = 1.6732632423543772848

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))  # of the negative side only: never overflows
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu(x: Array) -> Array:
    return _not_below(x) * 0.5 * np.asarray(_erfc(x * -math.sqrt(0.5)), dtype=x.dtype)


def _not_below(x: Array) -> Array:
    """x where its tail has not long underflowed: keeps infinity times zero from becoming NaN."""
    return np.maximum(x, -1000)


UNARY: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "erf": lambda x: np.asarray(_erf(x), dtype=x.dtype),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": _elu,
    "selu": lambda x: SELU_SCALE * _elu(x, SELU_ALPHA),
    "gelu": _gelu,
    "silu": lambda x: _not_below(x) * _sigmoid(x),
    "softplus": _softplus,
    "hard_sigmoid": lambda x: np.clip((x + 3) / 6, 0, 1),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "mish": lambda x: _not_below(x) * np.tanh(_softplus(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
}


def _binary_cross_entropy(x: Array, y: Any) -> Array:
    """In float64, as the kernels do: of a large logit and a target near 1 hardly anything of float32 would be left."""
    found: Array = np.maximum(x, 0) - y * x + np.log1p(np.exp(-np.abs(x)))
    return found


BINARY: dict[str, Callable[[Array, Array], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    # A cotangent of exactly zero stays zero, whatever the derivative: 0 · ∞ would be NaN.
    "gated": lambda g, derivative: np.where(g == 0, 0, g * derivative),
    "gated_quotient": lambda g, y: np.where(g == 0, 0, g / y),
    "binary_cross_entropy_with_logits": lambda x, y: _binary_cross_entropy(np.asarray(x, np.float64), y).astype(
        np.result_type(x, y)
    ),
}

RELATIONS: dict[str, Callable[[Array, Array], Any]] = {
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
}
REDUCTIONS = {"sum": 0, "max": 1, "min": 2, "norm": 3}
LIMITS: dict[str, int] = {}  # no chains of elementwise steps


def code(name: str) -> int:
    """The number of an elementwise function in the C table: none here."""
    return -1


def unary(name: str, x: Array, *params: float) -> Array:
    """An elementwise function of one array."""
    with np.errstate(all="ignore"):
        return np.asarray(UNARY[name](x, *params), dtype=x.dtype)


def binary(name: str, x: Array, y: Array, label: str = "") -> Array:
    """An elementwise function of two arrays, stretched to a common shape."""
    if x.dtype != y.dtype:
        raise TypeError(f"{x.dtype} and {y.dtype} do not mix")
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise ValueError(f"{label or name}: shapes {x.shape} and {y.shape} do not broadcast") from None
    with np.errstate(all="ignore"):
        return np.asarray((BINARY.get(name) or RELATIONS[name])(x, y), dtype=x.dtype)


def within(array: Array, low: float, high: float) -> bool:
    """Whether all numbers lie between two limits."""
    return bool(np.all((array >= low) & (array <= high)))


def reduce(x: Array, reduction: int, axes: tuple[int, ...], keepdims: bool, divisor: float = 1) -> Array:
    """The sum, largest, smallest or norm over axes, divided by a number; the norm is scaled: nothing overflows."""
    if not isinstance(x, np.ndarray):
        return recorded(x, "reduce", reduction, axes, keepdims)
    with np.errstate(all="ignore"):
        if divisor != 1:
            return np.asarray(reduce(x, reduction, axes, keepdims) / x.dtype.type(divisor))
        if reduction < 3:
            return np.asarray((np.sum, np.max, np.min)[reduction](x, axis=axes, keepdims=keepdims))
        if x.size == 0:
            return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))
        top = np.max(np.abs(x), axis=axes, keepdims=True)
        scale = np.where((top > 0) & np.isfinite(top), top, 1).astype(x.dtype, copy=False)
        out = np.sqrt(np.sum(np.square(x / scale), axis=axes, keepdims=True)) * scale
    return out if keepdims else np.squeeze(out, axis=axes)


def recorded(first: Any, name: str, *rest: Any) -> Any:
    """What is no array may be a stand-in for one, in a function that is being captured: it writes the kernel down."""
    record = getattr(type(first), name, None)
    if record is None:
        raise TypeError(f"{name}: expected an array, got {type(first).__name__}")
    return record(first, *rest)


def matmul(x: Array, y: Array) -> Array:
    """The product of two matrices."""
    if not isinstance(x, np.ndarray):
        return recorded(x, "matmul", y)
    with np.errstate(all="ignore"):
        return x @ y


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """x Wᵀ + b for a matrix x, a matrix W and a vector b."""
    if not isinstance(x, np.ndarray):
        return recorded(x, "linear", weight, bias)
    with np.errstate(all="ignore"):
        return x @ weight.T + bias


def softmax(logits: Array) -> Array:
    """e^x / Σ e^x, row by row; shifted by the row's maximum (0 where that is infinite)."""
    top = np.max(logits, axis=1, keepdims=True)
    e = np.exp(logits - np.where(np.isfinite(top), top, 0).astype(logits.dtype))
    return np.asarray(e / np.sum(e, axis=1, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> Array:
    """-ln softmax(logits)[label], row by row; shifted as the softmax is."""
    if not isinstance(logits, np.ndarray):
        return recorded(logits, "cross_entropy", labels)
    with np.errstate(all="ignore"):
        top = np.max(logits, axis=1, keepdims=True)
        shifted = logits - np.where(np.isfinite(top), top, 0).astype(logits.dtype)
        return np.log(np.sum(np.exp(shifted), axis=1)) - shifted[np.arange(len(labels)), labels]


def cross_entropy_vjp(cotangent: Array, logits: Array, labels: Array) -> Array:
    """g (softmax(logits) - one_hot(labels)), row by row: the cotangent of the logits."""
    if not isinstance(logits, np.ndarray):
        return recorded(logits, "cross_entropy_vjp", cotangent, labels)
    with np.errstate(all="ignore"):
        out = softmax(logits)
        out[np.arange(len(labels)), labels] -= 1
        return binary("gated", cotangent[:, np.newaxis], out)


def sgd(
    weight: Array,
    gradient: Array,
    velocity: Array | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """v ← μ v + g, W ← W - η v, in place; Nesterov: W ← W - η (g + μ v); weight decay λ adds λ W to g."""
    if not isinstance(weight, np.ndarray):
        recorded(weight, "sgd", gradient, velocity, lr, momentum, nesterov, weight_decay)
        return
    with np.errstate(all="ignore"):
        slope = gradient + weight_decay * weight if weight_decay else gradient
        if velocity is not None:
            velocity *= momentum
            velocity += slope
            slope = slope + momentum * velocity if nesterov else velocity
        weight -= lr * slope


def adam(
    weight: Array,
    gradient: Array,
    m: Array,
    v: Array,
    powers: Array,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """Algorithm 1 of Kingma and Ba (2015), in place; `powers` holds β₁ᵗ and β₂ᵗ."""
    if not isinstance(weight, np.ndarray):
        recorded(weight, "adam", gradient, m, v, powers, lr, beta1, beta2, eps, weight_decay, decoupled)
        return
    with np.errstate(all="ignore"):
        slope = gradient if decoupled or not weight_decay else gradient + weight_decay * weight
        powers *= (beta1, beta2)
        m *= beta1
        m += (1 - beta1) * slope
        v *= beta2
        v += (1 - beta2) * slope * slope
        if decoupled:
            weight *= 1 - lr * weight_decay
        weight -= float(lr / (1 - powers[0])) * m / (np.sqrt(v * float(1 / (1 - powers[1]))) + eps)
