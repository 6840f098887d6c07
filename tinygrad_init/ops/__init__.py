"""Every differentiable operation, forward and derivative side by side, once.

`registry` tells how an operation is defined; the other files are tables of them.
"""

from typing import Any as _Any

from ..engine import discrete
from ..engine.backward import differentiate
from ..engine.bound import bind
from ..engine.methods import METHODS, adopt
from ..engine.tensor import Tensor as _Tensor
from ..lazy_names import importing_later
from . import activation_variants as activation_variants
from . import (
    analysis,
    arithmetic,
    comparisons,
    contractions,
    conversions,
    counting,
    creation,
    drawing,
    elementwise,
    joining,
    limits,
    linalg,
    norms,
    numpy_places,  # noqa: F401
    numpy_ufuncs,  # noqa: F401
    ordering,
    rounding,
    scattering,
    slicing,
    special,
)
from .activation_variants import (
    celu,
    glu,
    hardshrink,
    hardswish,
    log_sigmoid,
    relu6,
    softmin,
    softshrink,
    tanhshrink,
    threshold,
)
from .activations import (
    elu,
    erf,
    gelu,
    hard_sigmoid,
    hardtanh,
    identity,
    leaky_relu,
    log_softmax,
    mish,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from .aliases import ALIASES
from .binary_losses import binary_cross_entropy, binary_cross_entropy_with_logits
from .convolution import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .cumulative import cumprod, cumsum, diff, logcumsumexp, prod
from .decompositions import eigh, pinv, qr, svd
from .dlpack import from_dlpack
from .elementwise import (
    abs,
    astype,
    clip,
    cos,
    exp,
    expm1,
    gated,
    log,
    log1p,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    sin,
    sqrt,
    where,
)
from .linear_algebra import cholesky, det, einsum, inv, matrix_power, outer, slogdet, solve, tensordot
from .losses import cross_entropy, half_squared_error, hinge, mse
from .pooling import avg_pool1d, avg_pool2d, avg_pool3d, global_avg_pool, max_pool1d, max_pool2d, max_pool3d
from .products import linear, matmul
from .random_masks import dropout
from .rearranging import (
    array_split,
    chunk,
    diag,
    diagonal,
    flip,
    hstack,
    moveaxis,
    pad,
    repeat,
    repeat_interleave,
    roll,
    split,
    split_sizes,
    tile,
    trace,
    tril,
    triu,
    vstack,
)
from .reductions import logsumexp, max, mean, min, std, sum, var
from .registry import REGISTRY, operation
from .selection import (
    argmax,
    argmin,
    argsort,
    gather,
    index_select,
    masked_fill,
    masked_select,
    one_hot,
    scatter_add,
    sort,
    take,
    take_along_axis,
    topk,
)
from .shape import (
    broadcast_to,
    concatenate,
    expand_dims,
    flatten,
    getitem,
    permute,
    put_add,
    reshape,
    squeeze,
    stack,
    sum_to,
    swapaxes,
    transpose,
)

__getattr__, __dir__ = importing_later(__name__, {"numpy_protocol": ""})


def _numpy_protocol() -> _Any:
    """NumPy's functions by their names: many, which are imported when NumPy first meets a tensor."""
    from . import numpy_protocol

    bind(numpy_ufunc=numpy_protocol.ufunc, numpy_function=numpy_protocol.function)
    return numpy_protocol


bind(
    add=elementwise.add,
    sub=elementwise.sub,
    mul=mul,
    div=elementwise.div,
    pow=pow,
    neg=neg,
    abs=abs,
    remainder=rounding.remainder,
    floor_divide=rounding.floor_divide,
    matmul=matmul,
    getitem=getitem,
    transpose=transpose,
    sum_to=sum_to,
    differentiate=differentiate,
    numpy_ufunc=lambda *asked: _numpy_protocol().ufunc(*asked),
    numpy_function=lambda *asked: _numpy_protocol().function(*asked),
)
__all__ = [
    "REGISTRY",
    "abs",
    "argmax",
    "argmin",
    "argsort",
    "array_split",
    "astype",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "broadcast_to",
    "cholesky",
    "chunk",
    "clip",
    "concatenate",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cos",
    "cross_entropy",
    "cumprod",
    "cumsum",
    "det",
    "diag",
    "diagonal",
    "diff",
    "dropout",
    "eigh",
    "einsum",
    "elu",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "flatten",
    "flip",
    "from_dlpack",
    "gated",
    "gather",
    "gelu",
    "getitem",
    "global_avg_pool",
    "half_squared_error",
    "hard_sigmoid",
    "hardtanh",
    "hinge",
    "hstack",
    "identity",
    "index_select",
    "inv",
    "leaky_relu",
    "linalg",
    "linear",
    "log",
    "log1p",
    "log_softmax",
    "logcumsumexp",
    "logsumexp",
    "masked_fill",
    "masked_select",
    "matmul",
    "matrix_power",
    "max",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mish",
    "moveaxis",
    "mse",
    "mul",
    "neg",
    "one_hot",
    "operation",
    "outer",
    "pad",
    "permute",
    "pinv",
    "pow",
    "prelu",
    "prod",
    "put_add",
    "qr",
    "relu",
    "repeat",
    "repeat_interleave",
    "reshape",
    "roll",
    "scatter_add",
    "selu",
    "sigmoid",
    "silu",
    "sin",
    "slogdet",
    "softmax",
    "softplus",
    "softsign",
    "solve",
    "sort",
    "split",
    "split_sizes",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "sum",
    "sum_to",
    "svd",
    "swapaxes",
    "take",
    "take_along_axis",
    "tanh",
    "tensordot",
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "var",
    "vstack",
    "where",
]

# Whole families; names that are operations above and functions here, with more options, are the functions.
from .analysis import *  # noqa: E402, F403
from .arithmetic import *  # noqa: E402, F403
from .comparisons import *  # noqa: E402, F403
from .contractions import *  # noqa: E402, F403
from .conversions import *  # noqa: E402, F403
from .counting import *  # noqa: E402, F403
from .creation import *  # noqa: E402, F403
from .drawing import *  # noqa: E402, F403
from .joining import *  # noqa: E402, F403
from .limits import *  # noqa: E402, F403
from .norms import *  # noqa: E402, F403
from .ordering import *  # noqa: E402, F403
from .rounding import *  # noqa: E402, F403
from .scattering import *  # noqa: E402, F403
from .slicing import *  # noqa: E402, F403
from .special import *  # noqa: E402, F403

for _family in (
    analysis, arithmetic, comparisons, contractions, conversions, counting, creation, drawing, joining, limits,
    norms, ordering, rounding, scattering, slicing, special,
):  # fmt: skip
    __all__ += _family.__all__

__all__ += [
    "celu",
    "glu",
    "hardshrink",
    "hardswish",
    "log_sigmoid",
    "relu6",
    "softmin",
    "softshrink",
    "tanhshrink",
    "threshold",
]

from . import in_place as in_place  # noqa: E402 (of methods that the files above have made)

globals().update(ALIASES)
__all__ += sorted(ALIASES)
discrete.adopt(METHODS)
adopt(_Tensor)
