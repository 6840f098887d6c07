"""Operations that move numbers without changing them: shapes, axes, indexing, joining; and their adjoints, which add
up what was spread out."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.indices import require_one_meaning
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.apart import any_large, apart
from ..kernels.backend import kernels
from .registry import Array, operation
from .spelling import either, refuse

SUM = kernels.REDUCTIONS["sum"]


def whole(name: str, what: str, value: Any) -> int:
    """A whole number; True and False are none, though Python counts with them.

    Raises
    ------
    TypeError
        It is none.
    """
    try:
        if not isinstance(value, bool | np.bool):  # which NumPy before version 2.3 takes for an index
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"{name}: expected {what} as a whole number, got {value!r}")


def one_axis(axis: int, ndim: int, name: str) -> int:
    """An axis as a non-negative number.

    Raises
    ------
    TypeError
        It is no whole number.
    AxisError
        It is out of range: that is a ValueError and, as PyTorch has it, an IndexError.
    """
    found = axis if type(axis) is int else whole(name, "an axis", axis)
    if not -ndim <= found < ndim:
        raise np.exceptions.AxisError(f"{name}: axis {found} is out of range for a tensor with {ndim} axes")
    return found % ndim


def normalize_axes(axis: int | Sequence[int] | None, ndim: int, name: str) -> tuple[int, ...]:
    """Axes as a tuple of non-negative numbers; None means all.

    Raises
    ------
    TypeError
        An axis is no whole number.
    ValueError
        An axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:  # as nearly always
        return (axis % ndim,)
    many = type(axis) is tuple or (isinstance(axis, Sequence) and not isinstance(axis, str))
    given: Any = tuple(axis) if many else (axis,)  # type: ignore[arg-type]
    if ndim == 0 and given in ((0,), (-1,)):
        return ()  # a tensor without axes counts as one of a single element, as in NumPy and PyTorch
    axes = tuple([one_axis(a, ndim, name) for a in (axis if many else (axis,))])  # type: ignore[arg-type, union-attr]
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: an axis is named twice in {axis}")
    return axes


def in_a_row(x: Any) -> Any:
    """A tensor without axes as one of a single element; others as they are."""
    return x if x.ndim else _reshape(x, (1,))


def kept_shape(shape: tuple[int, ...], axis: int | Sequence[int] | None, name: str = "reduction") -> tuple[int, ...]:
    """The shape after a reduction over axes that are kept with length 1."""
    axes = normalize_axes(axis, len(shape), name)
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


@operation(
    lambda g, x_shape: _reshape(g, x_shape),
    formula="the same numbers in another shape",
    view=True,
    examples=lambda rng: [
        ((rng.normal(size=(2, 6)),), {"shape": (3, 4)}),
        ((rng.normal(size=(2, 3)).T,), {"shape": (6,)}),
    ],
)
def _reshape(x: Array, /, shape: tuple[int, ...]) -> Array:
    try:
        return x.reshape(shape)
    except ValueError:
        raise ValueError(f"reshape: {x.size} elements of shape {x.shape} do not fit shape {shape}") from None


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same numbers in another shape, given as one tuple or as numbers; -1 stands for what is left.

    Raises
    ------
    TypeError
        A length is no whole number.
    ValueError
        The numbers do not fit the shape, a length is below -1, or it is not known what -1 stands for.
    """
    (x,) = as_tensors("reshape", (x,))
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) and not isinstance(shape[0], str) else shape
    wanted = tuple([n if type(n) is int else whole("reshape", "a length", n) for n in given])
    if wanted and min(wanted) < 0:
        if min(wanted) < -1 or wanted.count(-1) > 1:
            raise ValueError(f"reshape: expected lengths of at least 0, and -1 once at most, got {wanted}")
        if 0 in wanted:
            raise ValueError(f"reshape: -1 can stand for any length beside one of 0 in {wanted}; say which")
    return _reshape(x, wanted)


@either
def flatten(x: Tensor, start_axis: int = 0, end_axis: int = -1) -> Tensor:
    """The axes from `start_axis` to `end_axis` joined into one.

    Raises
    ------
    ValueError
        An axis is out of range, or the first lies behind the last.
    """
    (x,) = as_tensors("flatten", (x,))
    first, last = (one_axis(axis, max(x.ndim, 1), "flatten") for axis in (start_axis, end_axis))
    if first > last:
        raise ValueError(f"flatten: expected start_axis <= end_axis, got {start_axis} and {end_axis} of {x.ndim} axes")
    return _reshape(x, (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@either
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without axes of length 1: all of them, or those named."""
    (x,) = as_tensors("squeeze", (x,))
    axes = normalize_axes(axis, x.ndim, "squeeze")
    for a in axes if axis is not None else ():
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} has length {x.shape[a]}; expected 1")
    return _reshape(x, tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in axes))


@either
def expand_dims(x: Tensor, axis: int) -> Tensor:
    """With a new axis of length 1 at `axis`."""
    (x,) = as_tensors("expand_dims", (x,))
    at = one_axis(axis, x.ndim + 1, "expand_dims")
    return _reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


@operation(
    lambda g, axes: _transpose(g, tuple(int(i) for i in np.argsort(axes))),
    formula="the same numbers with the axes in another order",
    view=True,
    examples=lambda rng: [
        ((rng.normal(size=(2, 3, 4)),), {"axes": (2, 0, 1)}),
        ((rng.normal(size=(2, 3)),), {"axes": (1, 0)}),
    ],
)
def _transpose(x: Array, /, axes: tuple[int, ...]) -> Array:
    return x.transpose(axes)


def transpose(x: Tensor, *axes: Any, dim0: int | None = None, dim1: int | None = None) -> Tensor:
    """The axes in another order, given as one tuple or as numbers; without any, in reverse order.

    Two numbers exchange two of more axes, as in PyTorch, where NumPy would take them for an order that is incomplete.

    Parameters
    ----------
    axes
        The order of all axes, or two of them.
    dim0, dim1
        Two axes to exchange.

    Raises
    ------
    TypeError
        Two axes of a matrix are named as they are: NumPy would leave them so, PyTorch exchange them.
    ValueError
        Axes are named twice or out of range, or not all of them are named.
    """
    (x,) = as_tensors("transpose", (x,))
    if dim0 is not None and dim1 is not None and not axes:
        return swapaxes(x, dim0, dim1)
    if not axes or (len(axes) == 1 and axes[0] is None):
        return _transpose(x, tuple(range(x.ndim))[::-1])
    many = len(axes) == 1 and isinstance(axes[0], Sequence)
    wanted = axes[0] if many else axes
    if len(axes) == 2 and not many and x.ndim != 2:
        return swapaxes(x, *axes)
    order = normalize_axes(wanted, x.ndim, "transpose")
    if order == (0, 1) and not many and len(axes) == 2:
        raise refuse("transpose(0, 1) of a matrix", "permute(0, 1) to leave it as it is", "swapaxes(0, 1)")
    if len(order) != x.ndim:
        raise ValueError(f"transpose: expected an order of {x.ndim} axes, got {tuple(wanted)}")
    return _transpose(x, order)


def permute(x: Tensor, *axes: Any) -> Tensor:
    """The axes in another order, all of them named, as one tuple or as numbers."""
    (x,) = as_tensors("permute", (x,))
    wanted = axes[0] if len(axes) == 1 and isinstance(axes[0], Sequence) else axes
    order = normalize_axes(wanted, x.ndim, "permute")
    if len(order) != x.ndim:
        raise ValueError(f"permute: expected an order of {x.ndim} axes, got {tuple(wanted)}")
    return _transpose(x, order)


def swapaxes(x: Tensor, first: int, second: int) -> Tensor:
    """Two axes exchanged."""
    (x,) = as_tensors("swapaxes", (x,))
    if x.ndim == 0 and {first, second} <= {0, -1}:
        return x
    a, b = one_axis(first, x.ndim, "swapaxes"), one_axis(second, x.ndim, "swapaxes")
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return _transpose(x, tuple(order))


@operation(
    lambda g, x_shape: sum_to(g, x_shape),
    formula="the same numbers repeated to fill a larger shape",
    view=True,
    method=True,
    examples=lambda rng: [
        ((rng.normal(size=(3, 1)),), {"shape": (2, 3, 4)}),
        ((rng.normal(size=()),), {"shape": (2,)}),
    ],
)
def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """Stretch to `shape` by NumPy's rules."""
    wanted = tuple([whole("broadcast_to", "a length", n) for n in (shape if isinstance(shape, Sequence) else (shape,))])
    try:
        return np.broadcast_to(x, wanted)
    except ValueError:
        raise ValueError(f"broadcast_to: shape {x.shape} does not stretch to {wanted}") from None


@operation(
    lambda g, x_shape: broadcast_to(g, x_shape),
    formula="the sum over all axes in which `shape` is shorter: the adjoint of broadcasting",
    view=True,
    examples=lambda rng: [
        ((rng.normal(size=(2, 3, 4)),), {"shape": (3, 1)}),
        ((rng.normal(size=(2,)),), {"shape": ()}),
    ],
)
def sum_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """Add up what broadcasting from `shape` had repeated."""
    lead = x.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[lead:], strict=True)):
        raise ValueError(f"sum_to: shape {tuple(shape)} does not stretch to {x.shape}")
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    return kernels.reduce(x, SUM, axes, True).reshape(shape) if axes else x


Index = Any


def _frozen(index: Index) -> Index:
    """An index that nobody can change later: whatever NumPy takes for an array is copied into one."""
    return tuple(map(_frozen_part, index)) if isinstance(index, tuple) else _frozen_part(index)


def _frozen_part(part: Any) -> Any:
    if isinstance(part, Tensor):
        raise TypeError("indexing: expected integers, slices or arrays of integers or booleans, got a tensor of floats")
    if part is None or part is Ellipsis or isinstance(part, slice | np.integer):
        return part
    if isinstance(part, int) and not isinstance(part, bool):
        return part
    frozen = operand(part).copy()
    return frozen.astype(np.intp) if frozen.size == 0 and frozen.dtype.kind == "f" else frozen


def _parts(index: Index) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _is_basic(index: Index) -> bool:
    """Whether an index picks each element at most once by its form alone."""
    return all(part is None or part is Ellipsis or isinstance(part, int | slice | np.integer) for part in _parts(index))


def _index_examples(rng: np.random.Generator) -> list[Any]:
    x = rng.normal(size=(4, 5, 2))
    indices: list[Any] = [
        2,
        (slice(None), slice(4, 0, -2)),
        (Ellipsis, None, 0),
        np.array([1, 1, 3, -1]),
        (np.array([[0, 0], [2, 0]]), np.array([1, 1]), slice(None)),
        x[..., 0] > 0,
    ]
    return [((x,), {"index": index}) for index in indices]


@operation(
    lambda g, x_shape, index: _put_add(g, x_shape, index),
    formula="x[index]",
    view=True,
    examples=_index_examples,
)
def _getitem(x: Array, /, index: Index) -> Array:
    return apart(operator.getitem, x, index) if any_large(_parts(index)) else x[index]


def getitem(x: Tensor, index: Index) -> Tensor:
    """What NumPy's indexing gives: integers, slices, None, Ellipsis, arrays of integers (also repeated) or booleans.

    Raises
    ------
    TypeError
        It means another thing in PyTorch: see `require_one_meaning`.
    """
    require_one_meaning(index, x.ndim)
    return _getitem(x, _frozen(index))


@operation(
    lambda g, index: _getitem(g, index),
    formula="zeros of a shape, to which x is added at an index: the adjoint of indexing",
    examples=lambda rng: [
        ((rng.normal(size=(3, 2)),), {"shape": (4, 2), "index": np.array([0, 0, 3])}),
        ((rng.normal(size=2),), {"shape": (4, 2), "index": 1}),
    ],
    whole=True,
)
def _put_add(x: Array, /, shape: tuple[int, ...], index: Index) -> Array:
    out = np.zeros(shape, x.dtype, like=x)
    if _is_basic(index):
        out[index] = x
    elif any_large(_parts(index)):
        apart(np.add.at, out, index, x)
    else:
        np.add.at(out, index, x)
    return out


def put_add(x: Tensor, shape: tuple[int, ...], index: Index) -> Tensor:
    """Scatter: zeros of a shape, to which `x` is added at an index; what falls on the same place adds up."""
    return _put_add(x, tuple(shape), _frozen(index))


def _concatenate_rule(g: Tensor, shapes: tuple[tuple[int, ...], ...], axis: int, needs: tuple[bool, ...]) -> list[Any]:
    before = (slice(None),) * (axis % len(shapes[0]))
    ends = np.cumsum([shape[axis] for shape in shapes]).tolist()
    starts = [0, *ends[:-1]]
    return [
        _getitem(g, (*before, slice(start, end))) if need else None
        for start, end, need in zip(starts, ends, needs, strict=True)
    ]


@operation(
    _concatenate_rule,
    formula="tensors joined along an axis that they have",
    joint=True,
    examples=lambda rng: [
        ((rng.normal(size=(2, 3)), rng.normal(size=(2, 1))), {"axis": 1}),
        ((rng.normal(size=(2, 3)), rng.normal(size=(0, 3)), rng.normal(size=(1, 3))), {"axis": -2}),
    ],
    whole=True,
)
def _concatenate(*xs: Array, axis: int) -> Array:
    try:
        return np.concatenate(xs, axis=axis)
    except ValueError as error:
        raise ValueError(f"concatenate: {error}; shapes are {[x.shape for x in xs]}") from None


def _sequence(tensors: Sequence[Any], name: str) -> list[Any]:
    found = list(tensors)
    if not found:
        raise ValueError(f"{name}: expected at least one tensor")
    return found


@either
def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors along an axis that they have; elsewhere their shapes must agree."""
    found = as_tensors("concatenate", tuple(_sequence(tensors, "concatenate")))
    return _concatenate(*found, axis=one_axis(axis, found[0].ndim, "concatenate"))


@either
def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    found = as_tensors("stack", tuple(_sequence(tensors, "stack")))
    if len({x.shape for x in found}) != 1:
        raise ValueError(f"stack: expected tensors of one shape, got {[x.shape for x in found]}")
    at = one_axis(axis, found[0].ndim + 1, "stack")
    return concatenate([expand_dims(x, at) for x in found], at)


METHODS.update(
    reshape=reshape,
    flatten=flatten,
    squeeze=squeeze,
    expand_dims=expand_dims,
    transpose=transpose,
    swapaxes=swapaxes,
    permute=permute,
)
