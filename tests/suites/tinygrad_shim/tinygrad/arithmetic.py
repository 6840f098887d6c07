"""Operators, comparisons, bits, and conversions."""

import operator

import tinygrad_init as tgi

from .dtype import dtype_of, dtypes
from .tensor import Tensor, method, raising


def _operators(names, **kinds):
    for name in names.split():
        plain = getattr(operator, name + "_" if name in ("and", "or") else name)
        method(plain, f"__{name}__")
        if name not in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "invert"):
            method(lambda x, y, plain=plain: plain(y, x), f"__r{name}__")


_operators("add sub mul truediv floordiv mod matmul and or xor lshift rshift")
_operators("eq ne lt le gt ge neg invert")


def _named(name, plain):
    def function(x, y, reverse=False):
        return plain(y, x) if reverse else plain(x, y)

    method(function, name)


for _name, _plain in {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "mod": operator.mod,
    "lshift": operator.lshift, "rshift": operator.rshift, "maximum": tgi.maximum, "minimum": tgi.minimum,
}.items():  # fmt: skip
    _named(_name, _plain)

for _name in ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"]:
    method(raising(RuntimeError, TypeError)(getattr(tgi, _name)), _name)

for _name in ["isnan", "isfinite", "isclose", "copysign", "lerp", "logical_not"]:
    method(getattr(tgi, _name), _name)


@method
@raising(RuntimeError)
def div(x, y, reverse=False, rounding_mode=None):
    x, y = (y, x) if reverse else (x, y)
    return tgi.div(x, y, rounding_mode=rounding_mode)


@method
def idiv(x, y, reverse=False):
    return div(x, y, reverse, "trunc")


@method
@raising(RuntimeError)
def pow(x, y, reverse=False):
    return y**x if reverse else x**y


method(pow, "__pow__")
method(lambda x, y: pow(y, x), "__rpow__")


@method
@raising(RuntimeError)
def dot(x, y):
    return x @ y


method(dot, "matmul")
method(dot, "__matmul__")


@method
def isinf(x, detect_positive=True, detect_negative=True):
    if detect_positive and detect_negative:
        return tgi.isinf(x)
    return tgi.isposinf(x) if detect_positive else tgi.isneginf(x)


@method
def clip(x, min_=None, max_=None):
    if min_ is None and max_ is None:
        raise RuntimeError("clip: expected a limit")
    return tgi.clamp(x, min_, max_)


@method
def where(condition, x, y):
    if all(isinstance(value, int | float) for value in (x, y)):  # two numbers are of tinygrad's default dtypes
        x = Tensor(x, requires_grad=False).inner
    return tgi.where(condition, x, y)


@method
def cast(x, dtype):
    return x.to(dtype_of(dtype))


method(lambda x: x.to(dtypes.float32), "float")
method(lambda x: x.to(dtypes.int32), "int")
method(lambda x: x.to(dtypes.bool), "bool")


@method
def half(x):
    raise NotImplementedError("float16: this package does not compute with it")


@method
def bitcast(x, dtype):
    return x.view(dtype_of(dtype))


@method
def detach(x):
    return x.detach()
