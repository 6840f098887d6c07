"""Functions of single numbers."""

import tinygrad_init as tgi
from tinygrad_init.nn import functional

from .tensor import method

for _name in (
    "abs sign neg square sqrt rsqrt exp exp2 log log2 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf sigmoid relu trunc floor ceil round reciprocal quick_gelu"
).split():
    method(getattr(tgi, _name), _name)

for _name in "softsign logsigmoid hardsigmoid hardswish relu6 selu silu mish elu celu leaky_relu".split():
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
