"""Elements by index, mask and place."""

import numpy as np

import tinygrad_init as tgi

from .dtype import dtypes
from .tensor import Tensor, method, raising, wrapped


def _is_index(part):
    """Whether it is an array, or lists of whole numbers of one."""
    return isinstance(part, Tensor) or (isinstance(part, list | tuple) and all(map(_is_index_or_number, part)))


def _is_index_or_number(part):
    return isinstance(part, int) or _is_index(part)


def _places(part):
    """The whole numbers that choose along an axis; anything else as it is."""
    if isinstance(part, list | tuple):
        part = Tensor(part, requires_grad=False)
    if not isinstance(part, Tensor):
        return part
    if part.dtype.kind not in "iu":
        raise IndexError(f"expected whole numbers as an index, got a tensor of {part.dtype}")
    return np.asarray(part.inner)


def getitem(self, index):
    """Integers and slices first, then the arrays: where those lie apart, or the first of them has an axis before it."""
    if isinstance(index, list) and not all(isinstance(part, int | float) for part in index):
        index = tuple(index)  # a list of more than numbers is an index for each axis
    parts = tuple(map(_places, index if isinstance(index, tuple) else (index,)))
    x = self.inner
    if any(isinstance(part, slice) for part in parts) and x.ndim == 0:
        raise IndexError("a tensor without axes has nothing to slice")
    for part in parts:
        if isinstance(part, slice) and any(isinstance(n, Tensor) for n in (part.start, part.stop, part.step)):
            raise TypeError(f"slices are of whole numbers, got {part}")
    x = x[tuple(slice(None) if isinstance(part, np.ndarray) else part for part in parts)]
    if not any(isinstance(part, np.ndarray) for part in parts):
        return wrapped(x)
    rest = [part for part in parts if not isinstance(part, int)]
    open_ = x.ndim - sum(part is not Ellipsis for part in rest)  # what an Ellipsis, or the end, stands for
    at = next((i for i, part in enumerate(rest) if part is Ellipsis), len(rest))
    rest[at : at + 1] = [slice(None)] * open_
    return wrapped(x[tuple(part if isinstance(part, np.ndarray) else slice(None) for part in rest)])


Tensor.__getitem__ = getitem


@method
@raising(RuntimeError)
def gather(x, dim, index):
    return tgi.gather(x, dim, index)


def _fits(x, dim, index, src):
    """tinygrad and PyTorch refuse what is longer than where it goes, or shorter than its places."""
    others = [i for i in range(x.ndim) if i != dim % x.ndim]
    if any(index.shape[i] > x.shape[i] for i in others) or any(map(int.__gt__, index.shape, src.shape)):
        raise RuntimeError(f"scatter: places of shape {index.shape} do not fit {src.shape} into {x.shape}")


@method
def scatter(x, dim, index, src, reduce=None):
    number = isinstance(src, int | float)
    if reduce is not None and not number:
        raise TypeError("scatter: reduce is for one number; scatter_reduce is for tensors")
    if number:
        return tgi.scatter(x, dim, index, value=src, reduce=reduce)
    _fits(x, dim, index, src)
    return tgi.scatter(x, dim, index, src)


@method
@raising(RuntimeError)
def scatter_reduce(x, dim, index, src, reduce, include_self=True):
    return tgi.scatter_reduce(x, dim, index, src, reduce, include_self=include_self)


method(tgi.masked_fill, "masked_fill")
method(tgi.masked_select, "masked_select")


@method
def one_hot(x, num_classes=-1):
    return tgi.nn.functional.one_hot(x, num_classes).to(dtypes.int32)
