"""Special functions: the error function's relatives, gamma and Bessel functions, entropies.

Values are those of `special_values` and of the files that `gamma_functions` and `bessel_functions` name, float64
inside; a value without kernel costs some hundred nanoseconds, of an incomplete gamma function three microseconds.
"""

from __future__ import annotations

import math

import numpy as np

from ..engine.tensor import Tensor
from . import special_values as values
from .activations import erf as erf
from .activations import log_softmax as log_softmax
from .activations import sigmoid
from .activations import softmax as softmax
from .analysis import entr, xlog1py, xlogy
from .analysis import exp2 as exp2
from .analysis import logit as logit
from .bessel_functions import bessel_j0, bessel_j1, bessel_y0, bessel_y1, i0, i0e, i1, i1e
from .bessel_functions import iv as iv
from .bessel_functions import ive as ive
from .bessel_functions import jn as jn
from .bessel_functions import yn as yn
from .elementwise import cos, exp, gated, where
from .elementwise import expm1 as expm1
from .elementwise import log1p as log1p
from .gamma_functions import beta as beta
from .gamma_functions import betainc as betainc
from .gamma_functions import betaincc as betaincc
from .gamma_functions import betaln as betaln
from .gamma_functions import digamma, gammainc, gammaincc, lgamma, mvlgamma, polygamma, zeta
from .gamma_functions import gamma as gamma
from .reductions import logsumexp as logsumexp
from .registry import Array, pointwise
from .rounding import round as round

__all__ = [
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erfc", "erfcx", "erfinv", "gammainc",
    "gammaincc", "i0", "i0e", "i1", "i1e", "lgamma", "log_ndtr", "mvlgamma", "ndtr", "ndtri", "polygamma", "sinc",
    "xlog1py", "xlogy", "zeta",
]  # fmt: skip

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)

erfc = pointwise(
    "erfc", "1 - erf(x), exact also where that is 0", values.erfc,
    lambda g, x: gated(g, -TWO_OVER_ROOT_PI * exp(-x * x)),
)  # fmt: skip
erfcx = pointwise("erfcx", "e^(x²) erfc(x)", values.erfcx, lambda g, x, out: gated(g, 2.0 * x * out - TWO_OVER_ROOT_PI))
erfinv = pointwise(
    "erfinv", "the inverse of erf", values.erfinv, lambda g, out: gated(g, exp(out * out) / TWO_OVER_ROOT_PI),
    domain=(-0.9, 0.9),
)  # fmt: skip
erfcinv = pointwise(
    "erfcinv", "the inverse of erfc, exact also where y is small", values.erfcinv,
    lambda g, out: gated(g, exp(out * out) / -TWO_OVER_ROOT_PI), domain=(0.1, 1.9), method=False,
)  # fmt: skip
ndtr = pointwise(
    "ndtr", "the probability that a standard normal number is at most x",
    lambda x: 0.5 * values.erfc(-x / values.SQRT2),
    lambda g, x: gated(g, exp(-0.5 * x * x) * (1.0 / math.sqrt(2.0 * math.pi))),
)  # fmt: skip
ndtri = pointwise(
    "ndtri", "the inverse of ndtr", values.ndtri,
    lambda g, out: gated(g, exp(0.5 * out * out) * math.sqrt(2.0 * math.pi)), domain=(0.1, 0.9),
)  # fmt: skip


def _log_ndtr(x: Array) -> Array:
    x = np.asarray(x, np.float64)
    low = np.minimum(x, -1.0)
    tail = np.log(0.5 * values.erfcx(-low / values.SQRT2)) - 0.5 * low * low
    return np.where(x < -1.0, tail, np.log1p(-0.5 * values.erfc(x / values.SQRT2)))


log_ndtr = pointwise(
    "log_ndtr", "ln ndtr(x), exact also where ndtr underflows", _log_ndtr,
    lambda g, x: gated(g, math.sqrt(2.0 / math.pi) / erfcx(x * (-1.0 / values.SQRT2))),
)  # fmt: skip


def _sinc_rule(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """By the series of the derivative where x is small: the quotient loses its digits there."""
    small = (x > -0.05) & (x < 0.05)
    t = where(small, math.pi * x, 0.0)
    u = t * t
    series = t * (-1.0 / 3.0 + u * (1.0 / 30.0 - u * (1.0 / 840.0 - u * (1.0 / 45360.0 - u * (1.0 / 3991680.0)))))
    return gated(g, where(small, math.pi * series, (cos(math.pi * x) - out) / where(small, 1.0, x)))


sinc = pointwise("sinc", "sin(πx) / (πx), 1 at 0", np.sinc, _sinc_rule, domain=(0.1, 3.0), numpy=("sinc",))


# Other names of these, and what else belongs here: `torch.special` and `scipy.special` have them so.
expit, gammaln, multigammaln, psi = sigmoid, lgamma, mvlgamma, digamma
NAMESPACE = (
    *__all__, "beta", "betainc", "betaincc", "betaln", "erf", "erfcinv", "exp2", "expit", "expm1", "gamma",
    "gammaln", "iv", "ive", "jn", "log1p", "log_softmax", "logit", "logsumexp", "multigammaln", "psi", "round",
    "softmax", "yn",
)  # fmt: skip


def __dir__() -> list[str]:
    return sorted(NAMESPACE)
