"""Shapes and places: what moves numbers and changes none."""

import tinygrad_init as tgi
from tinygrad_init.nn import functional

from .tensor import Tensor, given, listed, method, raising, wrapped


@method
def reshape(x, *shape):
    """None stands for the length that is there."""
    lengths = tuple(x.shape[i] if n is None else n for i, n in enumerate(listed(shape)))
    if lengths.count(-1) > 1:
        raise RuntimeError(f"reshape: only one length can be left open, got {lengths}")
    return tgi.reshape(x, lengths)


method(reshape, "view")


@method
def expand(x, *shape):
    return tgi.expand(x, listed(shape))


@method
@raising(RuntimeError)
def permute(x, *order):
    return tgi.permute(x, listed(order))


@method
@raising(RuntimeError)
def flip(x, *axes):
    return tgi.flip(x, listed(axes))


@method
def transpose(x, dim0=1, dim1=0):
    return tgi.swapaxes(x, dim0, dim1)


Tensor.T = property(Tensor.transpose)


@method
def squeeze(x, dim=None):
    """An axis that is longer than 1 stays."""
    if dim is None:
        return tgi.squeeze(x)
    if not -max(x.ndim, 1) <= dim < max(x.ndim, 1):
        raise IndexError(f"squeeze: axis {dim} is out of range for a tensor with {x.ndim} axes")
    return tgi.squeeze(x, dim) if x.ndim and x.shape[dim] == 1 else x


@method
@raising(RuntimeError)
def roll(x, shifts, dims=None):
    """A shift for each axis; NumPy's one for several is not tinygrad's."""
    if isinstance(shifts, tuple) and dims is None and len(shifts) == 1:
        (shifts,) = shifts
    if dims is not None or isinstance(shifts, tuple):
        shifts, dims = (value if isinstance(value, tuple) else (value,) for value in (shifts, dims))
        if len(shifts) != len(dims):
            raise RuntimeError(f"roll: expected a shift for each axis, got {shifts} for {dims}")
    return tgi.roll(x, shifts, dims)


@method
def repeat(x, *counts):
    counts = listed(counts)
    if len(counts) < x.ndim:
        raise ValueError(f"repeat: expected a count for each of {x.ndim} axes at least, got {counts}")
    return tgi.tile(x, counts)


@method
def unfold(x, dim, size, step):
    if size > x.shape[dim] or step < 1:
        raise RuntimeError(f"unfold: expected a size up to {x.shape[dim]} and a step of at least 1, got {size}, {step}")
    return tgi.unfold(x, dim, size, step)


@method
@raising(RuntimeError)
def meshgrid(x, *others, indexing="ij"):
    return tgi.meshgrid(x, *others, indexing=indexing)


for _name in ["unsqueeze", "flatten", "unflatten", "diag", "diagonal", "tril", "triu", "repeat_interleave", "chunk"]:
    method(getattr(tgi, _name), _name)
method(tgi.split_sizes, "split")


@method
def cat(x, *others, dim=0):
    return tgi.cat([x, *others], dim=dim)


@method
def stack(x, *others, dim=0):
    return tgi.stack(listed((x, *others)), dim=dim)


@method
def pad(x, padding, mode="constant", value=0.0):
    """Widths of the last axes first, or a pair (or None) for each axis, the first first."""
    if all(part is None or isinstance(part, list | tuple) for part in padding):
        if len(padding) != x.ndim:
            raise ValueError(f"pad: expected a pair for each of {x.ndim} axes, got {padding}")
        padding = [n for pair in reversed(padding) for n in pair or (0, 0)]
    if mode not in ("constant", "reflect", "replicate", "circular") or (mode == "circular" and min(padding) < 0):
        raise NotImplementedError(f"pad: mode {mode!r} with {padding}")
    if mode != "constant":
        return functional.pad(x, tuple(padding), mode=mode)
    return functional.pad(x, tuple(padding), value=value)


def einsum(formula, *operands):
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    return wrapped(_contracted(formula, *given(tuple(operands))))


def _contracted(formula, *operands):
    try:
        return tgi.einsum(formula, *operands)
    except ValueError as error:
        raise (RuntimeError if "..." in formula else AssertionError)(str(error)) from error


Tensor.einsum = staticmethod(einsum)
