"""The tensor: one of this package inside, with methods that the other files give it."""

import functools

import numpy as np

import tinygrad_init as tgi

from .dtype import dtype_of, dtypes


def _to_np_dtype(dtype):
    return dtype


class Tensor:
    """Numbers under tinygrad's names.

    Python's integers are int32 and its floats float32, and a gradient may be asked for of every tensor of floats that
    was not made with `requires_grad=False`.
    """

    __array_ufunc__ = None  # NumPy's arrays leave operators to this class
    __hash__ = object.__hash__

    def __init__(self, data, device=None, dtype=None, requires_grad=None):
        if isinstance(data, list | tuple | int | float):
            array = np.asarray(data)
            default = {"i": dtypes.default_int, "f": dtypes.default_float}.get(array.dtype.kind, array.dtype)
            data = array.astype(default if dtype is None else dtype_of(dtype))
        self.inner = tgi.tensor(data, dtype=dtype_of(dtype))
        if requires_grad is not False and self.inner.dtype.kind == "f":
            self.inner.requires_grad = True

    shape = property(lambda self: tuple(self.inner.shape))
    dtype = property(lambda self: self.inner.dtype)
    ndim = property(lambda self: self.inner.ndim)
    grad = property(lambda self: wrapped(self.inner.grad))

    def realize(self, *others):
        return self

    def contiguous(self):
        return self

    def numpy(self):
        return self.inner.detach().numpy()

    def item(self):
        return self.inner.item()

    def backward(self):
        self.inner.backward()

    def gradient(self, *sources):
        """The gradients of a number with respect to tensors; zeros where it does not depend on one."""
        return wrapped(tgi.autograd.grad(self.inner, given(sources), materialize_grads=True))


def given(value):
    """What this package is called with: the tensors inside of arguments."""
    if isinstance(value, Tensor):
        return value.inner
    return type(value)(map(given, value)) if type(value) in (list, tuple) else value


def wrapped(value):
    """What tests are handed: tensors around results, also around several."""
    if isinstance(value, list | tuple):
        return tuple(map(wrapped, value))
    if not isinstance(value, tgi.Tensor | np.ndarray | np.generic):
        return value
    found = Tensor.__new__(Tensor)
    found.inner = tgi.tensor(np.asarray(value)) if isinstance(value, np.generic) else value
    return found


def method(function, name=None):
    """Give Tensor a method: a function of this package's tensors, under its own name or another."""

    @functools.wraps(function)
    def called(*args, **options):
        return wrapped(function(*map(given, args), **{key: given(value) for key, value in options.items()}))

    setattr(Tensor, name or function.__name__, called)
    return function


def creating(function):
    """Give Tensor a static method of plain arguments."""
    setattr(Tensor, function.__name__, staticmethod(function))
    return function


def raising(kind, instead_of=ValueError):
    """A decorator: tinygrad's kind of error for what this package refuses with another."""

    def decorate(function):
        @functools.wraps(function)
        def called(*args, **options):
            try:
                return function(*args, **options)
            except instead_of as error:
                raise kind(str(error)) from error

        return called

    return decorate


def listed(args):
    """Lengths or axes, given one by one or as one list."""
    if args and isinstance(args[0], list | tuple):
        if len(args) > 1:
            raise ValueError(f"expected one list or only numbers, got {args}")
        return tuple(args[0])
    return args
