"""New tensors: of given numbers, of one number, of numbers in a row."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of
from ..engine.methods import METHODS
from ..engine.modes import mode
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor
from .devices import require_here
from .registry import Array
from .spelling import refuse

__all__ = [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace",
    "logspace", "ones", "ones_like", "scalar_tensor", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
]  # fmt: skip


def tensor(
    data: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None, *, device: Any = None
) -> Tensor:
    """A tensor of whatever the user calls numbers, always copied.

    Parameters
    ----------
    data
        A number, nested sequences of numbers, an array or a tensor. Whole numbers and booleans stay what they are
        (`DiscreteTensor`, without gradients), as in PyTorch; `tgi.Tensor(data)` makes floats of anything.
    dtype
        float32, float64, or one of whole numbers or bool; names are taken as well. Without it floats of Python are of
        the default dtype, and lists that hold a float64 of NumPy are float64, as in PyTorch.
    requires_grad, name
        Of a tensor of floats.
    device
        None or "cpu".

    Raises
    ------
    TypeError
        `data` is not made of real numbers, or whole numbers are to have a gradient.
    ValueError
        `data` is ragged.
    """
    require_here("tensor", device)
    if isinstance(data, deque | array):  # whose floats are Python's, as those of a list
        data = list(data)
    wanted = None if dtype is None else dtype_of(dtype)
    if wanted is None and not isinstance(data, Storage | float):
        wanted = whole_dtype(data)
    if wanted is None and holds_doubles(data):
        dtype = np.dtype(np.float64)
    if wanted is None or wanted.kind == "f":
        return Tensor(data, dtype, requires_grad, name)
    if requires_grad:
        raise TypeError("tensor: whole numbers have no gradient; write floats (1.0 for 1), or dtype='float32'")
    with np.errstate(invalid="ignore"):
        return discrete(operand(data).astype(wanted))


def holds_doubles(data: Any) -> bool:
    """Whether lists hold NumPy's float64 somewhere, as numbers or as arrays: then a tensor of them is float64."""
    if not isinstance(data, list | tuple):
        return getattr(data, "dtype", None) == np.float64
    return not set(map(type, data)) <= {float, int, bool} and any(map(holds_doubles, data))


def whole_dtype(data: Any) -> np.dtype[Any] | None:
    """The dtype of what holds whole numbers or booleans alone; None of anything else."""
    try:
        found = operand(data)
    except ValueError:
        return None  # ragged: `Tensor` says so
    return found.dtype if found.dtype.kind in "biu" and found.shape != (0,) else None


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """A tensor as it is, if its dtype is the one wanted; anything else as `tensor` makes one, a copy."""
    require_here("as_tensor", device)
    if isinstance(data, Storage):
        return data if dtype is None or dtype_of(dtype) == data.dtype else METHODS["astype"](data, dtype)
    return tensor(data, dtype)


asarray = as_tensor


def from_numpy(array: Array) -> Any:
    """A tensor of an array's numbers and dtype: a copy, whereas PyTorch's function shares the memory.

    Raises
    ------
    TypeError
        It is no array.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected an array, got {type(array).__name__}")
    return tensor(array)


def scalar_tensor(value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """A tensor without axes, of one number; of the default dtype unless another is given."""
    return filled("scalar_tensor", (), value, dtype, requires_grad, device)


# Filled with one number


def shape_of(name: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape that is given as one sequence or as numbers.

    Raises
    ------
    TypeError, ValueError
        A length is no whole number, or below 0.
    """
    from .shape import whole

    lengths = given[0] if len(given) == 1 and isinstance(given[0], Sequence | np.ndarray) else given
    found = tuple([whole(name, "a length", n) for n in lengths])
    if any(n < 0 for n in found):
        raise ValueError(f"{name}: expected lengths of at least 0, got {found}")
    return found


def _dtype_last(given: tuple[Any, ...], dtype: Any) -> tuple[tuple[Any, ...], Any]:
    """NumPy's order of arguments, the shape and then a dtype."""
    if len(given) == 2 and isinstance(given[1], str | type | np.dtype) and dtype is None:
        return given[:1], given[1]
    return given, dtype


def filled(
    name: str, shape: tuple[int, ...], value: Any, dtype: Any, requires_grad: bool = False, device: Any = None
) -> Any:
    """A new tensor of one number; of a tensor that requires grad the number itself, with its gradient."""
    require_here(name, device)
    kind = mode.dtype if dtype is None else dtype_of(dtype)
    if _wants_gradient(value) and kind.kind == "f":
        from .shape import broadcast_to

        if value.ndim:
            raise ValueError(f"{name}: expected one number, got shape {value.shape}")
        return broadcast_to(METHODS["astype"](value, kind), shape)
    if kind.kind == "f":
        return Tensor(np.full(shape, value, kind), kind, requires_grad)
    if requires_grad:
        raise TypeError(f"{name}: whole numbers have no gradient, got requires_grad=True for {kind}")
    return discrete(np.full(shape, value, kind))


def _wants_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad and mode.grad


def _constant(name: str, instead: str, *values: Any) -> None:
    """Raise where a gradient would be lost.

    Raises
    ------
    TypeError
        A number requires grad.
    """
    if any(map(_wants_gradient, values)):
        raise TypeError(f"{name}: what requires grad would lose its gradient; write {instead}, or say .item()")


def zeros(*shape: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Zeros.

    Parameters
    ----------
    shape
        Lengths, or one sequence of them.
    dtype
        The default dtype unless given.
    requires_grad
        Of a tensor of floats.
    device
        None or "cpu": all numbers are in the memory of the processor.
    """
    shape, dtype = _dtype_last(shape, dtype)
    return filled("zeros", shape_of("zeros", shape), 0, dtype, requires_grad, device)


def ones(*shape: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Ones; parameters are those of `zeros`."""
    shape, dtype = _dtype_last(shape, dtype)
    return filled("ones", shape_of("ones", shape), 1, dtype, requires_grad, device)


def empty(*shape: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Numbers that are to be written over: zeros, so that what is forgotten is the same each time."""
    shape, dtype = _dtype_last(shape, dtype)
    return filled("empty", shape_of("empty", shape), 0, dtype, requires_grad, device)


def full(shape: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """One number everywhere; the dtype is that of the number unless given: int64, bool, or the default dtype.

    A number that is a tensor and requires grad gets its gradient.
    """
    value = fill_value
    if hasattr(value, "item") and not _wants_gradient(value):
        value = value.item()
    kind = dtype
    if kind is None and isinstance(value, int):
        kind = np.bool_ if isinstance(value, bool) else np.int64
    lengths = (shape,) if isinstance(shape, int) else (tuple(shape),)
    return filled("full", shape_of("full", lengths), value, kind, requires_grad, device)


def _like(name: str, x: Any, value: Any, dtype: Any, requires_grad: bool, device: Any = None) -> Any:
    kind = x.dtype if dtype is None else dtype
    return filled(name, tuple(x.shape), value, kind, requires_grad, device)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Zeros of the shape and dtype of x."""
    return _like("zeros_like", x, 0, dtype, requires_grad, device)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Ones of the shape and dtype of x."""
    return _like("ones_like", x, 1, dtype, requires_grad, device)


def empty_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Numbers to be written over, of the shape and dtype of x; zeros, as `empty`."""
    return _like("empty_like", x, 0, dtype, requires_grad, device)


def full_like(x: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """One number everywhere, of the shape and dtype of x."""
    return _like("full_like", x, fill_value, dtype, requires_grad, device)


# In a row


def _made(name: str, array: Array, dtype: Any, whole: bool, requires_grad: bool, device: Any) -> Any:
    require_here(name, device)
    kind = dtype_of(dtype) if dtype is not None else np.dtype(np.int64) if whole else mode.dtype
    if kind.kind == "f":
        return Tensor(array.astype(kind), kind, requires_grad)
    if requires_grad:
        raise TypeError(f"{name}: whole numbers have no gradient, got requires_grad=True for {kind}")
    return discrete(array.astype(kind))


def arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False, **other: Any
) -> Any:
    """Numbers from `start` (0 if one number alone is given) on, `step` apart, before `stop`.

    Whole numbers stay whole, as int64; floats are of the default dtype. PyTorch's name of `stop` is `end`.

    Raises
    ------
    ValueError
        The step is zero, or leads away from `stop`.
    """
    device = other.pop("device", None)
    stop = other.pop("end", stop)
    if other:
        raise TypeError(f"arange: there is no parameter {next(iter(other))!r}")
    start, stop = (0, start) if stop is None else (start, stop)
    _constant("arange", "start + step * arange(n)", start, stop, step)
    if step == 0 or (stop - start) * step < 0:
        raise ValueError(f"arange: a step of {step} does not lead from {start} to {stop}")
    n = math.ceil((stop - start) / step)
    whole = all(isinstance(v, int | np.integer) for v in (start, stop, step))
    return _made("arange", start + np.arange(n) * step, dtype, whole, requires_grad, device)


def linspace(
    start: Any, stop: Any = None, num: int | None = None, dtype: Any = None, requires_grad: bool = False, **other: Any
) -> Any:
    """So many numbers from `start` to `stop`, both included, equally far apart; NumPy's 50 unless said.

    PyTorch's names are `end` and `steps`.
    """
    count, stop, device = _count("linspace", num, stop, other)
    if _wants_gradient(start) or _wants_gradient(stop):
        from .numpy_shapes import linspace as between

        require_here("linspace", device)
        return METHODS["astype"](between(start, stop, count), mode.dtype if dtype is None else dtype)
    found = np.linspace(operand(start), operand(stop), count)
    return _made("linspace", found, dtype, False, requires_grad, device)


def logspace(
    start: Any,
    stop: Any = None,
    num: int | None = None,
    base: float = 10.0,
    dtype: Any = None,
    requires_grad: bool = False,
    **other: Any,
) -> Any:
    """Powers of `base` with exponents from `start` to `stop`, equally far apart; as `linspace`."""
    count, stop, device = _count("logspace", num, stop, other)
    _constant("logspace", "base ** linspace(start, stop, num)", start, stop, base)
    with np.errstate(all="ignore"):
        found = np.power(float(base), np.linspace(operand(start), operand(stop), count))
    return _made("logspace", found, dtype, False, requires_grad, device)


def _count(name: str, num: int | None, stop: Any, other: dict[str, Any]) -> tuple[int, Any, Any]:
    """How many numbers, up to which one, and where, whichever way it is spelled."""
    from .shape import whole

    device, stop = other.pop("device", None), other.pop("end", stop)
    steps = other.pop("steps", num)
    if other:
        raise TypeError(f"{name}: there is no parameter {next(iter(other))!r}")
    count = whole(name, "a number of numbers", 50 if steps is None else steps)
    if count < 0:
        raise ValueError(f"{name}: expected at least 0 numbers, got {count}")
    return count, stop, device


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Ones on the diagonal of an n times m matrix, a square one unless m is given."""
    rows, columns = shape_of("eye", (n, n if m is None else m))
    return _made("eye", np.eye(rows, columns), mode.dtype if dtype is None else dtype, False, requires_grad, device)


def tril_indices(row: int, *others: int, col: int | None = None, offset: int = 0, **numpy: int) -> Any:
    """The places on and below a diagonal of a row times col matrix: a row of row numbers and one of column numbers.

    Parameters
    ----------
    row, col
        The lengths; `col` is `row` unless given. NumPy's names are n and m.
    offset
        Which diagonal, counted upwards; NumPy's k.

    Raises
    ------
    TypeError
        A second number has no name: in NumPy it would be the diagonal, in PyTorch the number of columns.
    """
    return _triangle("tril_indices", np.tril_indices, row, others, col, offset, numpy)


def triu_indices(row: int, *others: int, col: int | None = None, offset: int = 0, **numpy: int) -> Any:
    """The places on and above a diagonal of a matrix; parameters are those of `tril_indices`."""
    return _triangle("triu_indices", np.triu_indices, row, others, col, offset, numpy)


def _triangle(
    name: str, places: Any, row: int, others: tuple[int, ...], col: int | None, offset: int, numpy: dict[str, int]
) -> Any:
    if others:
        given = ", ".join(map(str, others))
        raise refuse(f"{name}({row}, {given})", f"{name}({row}, k={others[0]})", f"{name}({row}, col={others[0]})")
    col, offset = numpy.pop("m", col), numpy.pop("k", offset)
    numpy.pop("device", None)
    if numpy:
        raise TypeError(f"{name}: there is no parameter {next(iter(numpy))!r}")
    return discrete(np.stack(places(row, offset, row if col is None else col)).astype(np.int64))


# Methods: as the tensor itself, unless a dtype is given


def _new(name: str, value: float) -> Any:
    def made(x: Any, *shape: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
        lengths = shape or (other_shape(name, x),)
        return filled(name, shape_of(name, lengths), value, dtype or x.dtype, requires_grad, device)

    made.__name__ = made.__qualname__ = name
    return made


def other_shape(name: str, x: Any) -> Any:
    """`x.new_zeros()` names no shape."""
    raise TypeError(f"{name}: expected a shape")


def new_full(
    x: Any, size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Any:
    """One number everywhere, in the dtype of x."""
    lengths = (size,) if isinstance(size, int) else (tuple(size),)
    return filled("new_full", shape_of("new_full", lengths), fill_value, dtype or x.dtype, requires_grad, device)


def new_tensor(x: Any, data: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """A tensor of given numbers, in the dtype of x."""
    return tensor(data, dtype or x.dtype, requires_grad)


METHODS.update(
    new_zeros=_new("new_zeros", 0), new_ones=_new("new_ones", 1), new_empty=_new("new_empty", 0), new_full=new_full,
    new_tensor=new_tensor,
)  # fmt: skip
