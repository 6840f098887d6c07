"""`scipy.stats`: densities and probabilities, made of this package's distributions and special functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tinygrad_init as tgi
from tinygrad_init import special

from ..of_arrays import of_arrays
from . import dirichlet as dirichlet
from . import multivariate_normal as multivariate_normal


def exponential(log_density: Callable[..., Any]) -> Any:
    """e to a function."""
    return staticmethod(of_arrays(lambda *args, **kwargs: tgi.exp(log_density(*args, **kwargs))))


def _of(fun: Callable[..., Any]) -> Any:
    return staticmethod(of_arrays(fun))


class norm:
    @_of
    def logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return tgi.distributions.Normal(loc, scale).log_prob(x)

    @_of
    def cdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return tgi.distributions.Normal(loc, scale).cdf(x)

    @_of
    def logcdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return special.log_ndtr((x - loc) / scale)

    @_of
    def sf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return special.ndtr((loc - x) / scale)

    @_of
    def logsf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return special.log_ndtr((loc - x) / scale)

    pdf = exponential(logpdf)


class gamma:
    @_of
    def logpdf(x: Any, a: Any) -> Any:
        return special.xlogy(a - 1.0, x) - x - special.gammaln(a)

    @_of
    def cdf(x: Any, a: Any) -> Any:
        return special.gammainc(a, x)

    pdf = exponential(logpdf)


class chi2:
    @_of
    def logpdf(x: Any, df: Any) -> Any:
        return gamma.logpdf(0.5 * x, 0.5 * df) - math.log(2.0)

    @_of
    def cdf(x: Any, df: Any) -> Any:
        return special.gammainc(0.5 * df, 0.5 * x)

    pdf = exponential(logpdf)


class beta:
    @_of
    def logpdf(x: Any, a: Any, b: Any) -> Any:
        return special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b)

    @_of
    def cdf(x: Any, a: Any, b: Any) -> Any:
        return special.betainc(a, b, x)

    pdf = exponential(logpdf)


class poisson:
    @_of
    def logpmf(k: Any, mu: Any) -> Any:
        return special.xlogy(k, mu) - mu - special.gammaln(k + 1.0)

    @_of
    def cdf(k: Any, mu: Any) -> Any:
        return special.gammaincc(tgi.floor(k) + 1.0, mu)

    pmf = exponential(logpmf)


class t:
    @_of
    def logpdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        z = (x - loc) / scale
        return -0.5 * (df + 1.0) * tgi.log1p(z * z / df) - special.betaln(0.5, 0.5 * df) - tgi.log(scale * df**0.5)

    @_of
    def cdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        z = (x - loc) / scale
        return 0.5 + 0.5 * tgi.sign(z) * special.betainc(0.5, 0.5 * df, z * z / (df + z * z))

    @_of
    def logcdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        return tgi.log(t.cdf(x, df, loc, scale))

    pdf = exponential(logpdf)
