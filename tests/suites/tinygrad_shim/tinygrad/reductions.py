"""Sums, extremes and statistics along axes, running ones, and orders."""

import tinygrad_init as tgi
from tinygrad_init.nn import functional

from .dtype import dtype_of, dtypes
from .tensor import method


@method
def sum(x, axis=None, keepdim=False, dtype=None):
    x = x if dtype is None else x.to(dtype_of(dtype))
    return tgi.sum(x, dim=axis, keepdim=keepdim)


@method
def prod(x, axis=None, keepdim=False, dtype=None):
    x = x if dtype is None else x.to(dtype_of(dtype))
    return tgi.prod(x, dim=axis, keepdim=keepdim)


def _along(name, function, axis=None):
    default = axis

    def along(x, axis=default, keepdim=False):
        return function(x, dim=axis, keepdim=keepdim)

    method(along, name)


for _name, _function in {"max": tgi.amax, "min": tgi.amin, "any": tgi.any, "all": tgi.all, "mean": tgi.mean}.items():
    _along(_name, _function)
_along("logsumexp", tgi.logsumexp)


@method
def argmax(x, axis=None, keepdim=False):
    return tgi.argmax(x, dim=axis, keepdim=keepdim).to(dtypes.int32)


@method
def argmin(x, axis=None, keepdim=False):
    return tgi.argmin(x, dim=axis, keepdim=keepdim).to(dtypes.int32)


@method
def var(x, axis=None, keepdim=False, correction=1):
    return tgi.var(x, dim=axis, keepdim=keepdim, correction=correction)


@method
def std(x, axis=None, keepdim=False, correction=1):
    return tgi.std(x, dim=axis, keepdim=keepdim, correction=correction)


@method
def std_mean(x, axis=None, keepdim=False, correction=1):
    return tgi.std_mean(x, dim=axis, keepdim=keepdim, correction=correction)


@method
def softmax(x, axis=-1):
    return functional.softmax(x, dim=axis)


@method
def log_softmax(x, axis=-1):
    return functional.log_softmax(x, dim=axis)


@method
def cumsum(x, axis=0):
    return tgi.cumsum(x, dim=axis)


@method
def cumprod(x, axis):
    return tgi.cumprod(x, dim=axis)


@method
def cummax(x, axis=0):
    return tgi.cummax(x, dim=axis)[0]


@method
def logcumsumexp(x, axis=0):
    return tgi.logcumsumexp(x, dim=axis)


@method
def sort(x, dim=-1, descending=False):
    values, places = tgi.sort(x, dim=dim, descending=descending, stable=True)
    return values, places.to(dtypes.int32)


@method
def argsort(x, dim=-1, descending=False):
    return sort(x, dim, descending)[1]


@method
def topk(x, k, dim=-1, largest=True, sorted_=True):
    """Of equal ones the first, which is more than `tgi.topk` promises."""
    if not 0 <= k <= x.shape[dim]:
        raise ValueError(f"topk: expected k from 0 to {x.shape[dim]}, got {k}")
    values, places = sort(x, dim, largest)
    return tgi.narrow(values, dim, 0, k), tgi.narrow(places, dim, 0, k)
