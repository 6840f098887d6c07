"""Functions of single numbers."""

import tinygrad_init as tgi
from tinygrad_init.nn import functional

from .tensor import method

SAME = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "exp2", "floor",
    "log", "log2", "neg", "quick_gelu", "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh",
    "sqrt", "square", "tan", "tanh", "trunc",
]  # fmt: skip
ACTIVATIONS = [
    "celu", "elu", "hardsigmoid", "hardswish", "leaky_relu", "logsigmoid", "mish", "relu6", "selu", "silu", "softsign",
]  # fmt: skip
for _name in SAME:
    method(getattr(tgi, _name), _name)
for _name in ACTIVATIONS:
    method(getattr(functional, _name), _name)

method(functional.silu, "swish")


@method
def gelu(x):
    """In the form with tanh."""
    return functional.gelu(x, approximate="tanh")


@method
def softplus(x, beta=1.0, threshold=20.0):
    return functional.softplus(x, beta=beta, threshold=threshold)


@method
def hardtanh(x, min_val=-1, max_val=1):
    return functional.hardtanh(x, min_val, max_val)
