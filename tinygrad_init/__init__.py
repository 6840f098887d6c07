"""A reverse-mode autograd engine written from scratch, and on it a laboratory of weight initialization.

>>> import tinygrad_init as tgi
>>> x = tgi.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.], dtype=float32)

`tgi.nn`, `tgi.init`, `tgi.optim` and `tgi.data` build networks; `tgi.diagnose` looks into them; `tinygrad_init.scalar`
is the same engine on single numbers, to be read.
"""

from . import ops
from ._engine.backward import grad
from ._engine.modes import (
    default_dtype,
    enable_grad,
    get_default_dtype,
    is_grad_enabled,
    no_grad,
    set_default_dtype,
)
from ._engine.tensor import Tensor
from .backend import BACKEND
from .ops import (
    abs,
    astype,
    binary_cross_entropy,
    broadcast_to,
    clip,
    concatenate,
    cos,
    cross_entropy,
    elu,
    erf,
    exp,
    expand_dims,
    expm1,
    flatten,
    gelu,
    half_squared_error,
    hard_sigmoid,
    hardtanh,
    hinge,
    identity,
    leaky_relu,
    linear,
    log,
    log1p,
    log_softmax,
    logsumexp,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    mish,
    mse,
    norm,
    operation,
    pow,
    prelu,
    relu,
    reshape,
    selu,
    sigmoid,
    silu,
    sin,
    softmax,
    softplus,
    softsign,
    sqrt,
    squeeze,
    stack,
    std,
    sum,
    swapaxes,
    tanh,
    transpose,
    var,
    where,
)
from . import data, init, nn, optim  # noqa: I001 (they stand on what is above)
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .training import initialize, predict, train

__version__ = "0.1.0"

tensor = Tensor
