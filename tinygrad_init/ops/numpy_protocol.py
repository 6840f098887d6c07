"""NumPy functions on tensors: `np.sin(t)` is the differentiable operation, or an error; never an array of objects.

For every public function of NumPy one of three tables says what becomes of it: `FUNCTIONS` what has a derivative here,
`CONSTANT` what has none anywhere (places, counts, questions), `REFUSED` why there is no counterpart.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of, is_discrete
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor, wrap
from .elementwise import astype
from .numpy_functions import counterparts
from .numpy_ufuncs import METHODS_OF_UFUNCS
from .registry import REGISTRY


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Operations name theirs in their `Spec`; what is not a single operation is in the table of `numpy_functions`.
FUNCTIONS: dict[str, Any] = {name: op for op in reversed(REGISTRY.values()) for name in op.spec.numpy} | counterparts()
# What changes only in jumps, or not at all: NumPy's own answer, of the numbers.
CONSTANT = _names(
    """
    all allclose any argmax argmin argpartition argsort argwhere array2string array_equal array_equiv array_repr
    array_str can_cast common_type count_nonzero diag_indices_from digitize einsum_path flatnonzero iscomplex
    iscomplexobj isclose isin isneginf isposinf isreal isrealobj lexsort may_share_memory min_scalar_type nanargmax
    nanargmin ndim nonzero result_type save savetxt savez savez_compressed searchsorted shape shares_memory size
    tril_indices_from triu_indices_from linalg.matrix_rank
    equal greater greater_equal isfinite isinf isnan less less_equal logical_and logical_not logical_or logical_xor
    not_equal signbit spacing
    """
)
# What gives numbers that depend on those of the tensor in a way that is not followed: of constants alone.
OF_NUMBERS = _names("histogram histogram2d histogram_bin_edges histogramdd nextafter polydiv roots frexp")
IN_PLACE = "it would change an array behind the back of the graph; make a new one"
COMPLEX = "its results are complex numbers, which tensors are not made of"
WHOLE = "it is of whole numbers, and this tensor is of floats"
DATES = "it is of dates"
REFUSED: dict[str, str] = {
    **dict.fromkeys(("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"), IN_PLACE),
    **dict.fromkeys(("busday_count", "busday_offset", "datetime_as_string", "is_busday", "isnat"), DATES),
    **dict.fromkeys(
        _names(
            """bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
        bitwise_xor gcd invert lcm left_shift packbits ravel_multi_index right_shift unpackbits
        unravel_index ix_"""
        ),
        WHOLE,
    ),
    **{
        f"fft.{name}": COMPLEX
        for name in _names("fft fft2 fftn hfft ifft ifft2 ifftn ihfft irfft irfft2 irfftn rfft rfft2 rfftn")
    },
    "sort_complex": COMPLEX,
}  # fmt: skip


def ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Tensor.__array_ufunc__`."""
    name = ufunc.__name__
    options = {key: value for key, value in kwargs.items() if not _is_usual(key, value)}
    how = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
    if method == "at":
        raise TypeError(f"{how}: {IN_PLACE}; tgi.put_add adds up what falls on one place")
    _refuse_out(how, options)
    if name in CONSTANT or name in OF_NUMBERS:
        return _of_numbers(how, getattr(ufunc, method), inputs, options, name in CONSTANT)
    op = FUNCTIONS.get(name)
    if op is None:
        raise _unknown(how, name)
    inputs = _in_dtype(how, inputs, options)
    if method == "__call__":
        if "where" in options:
            raise TypeError(f"{how}: elements where `where` does not hold would be anything; use np.where")
        if options:
            raise _no_option(how, options)
        return op(*inputs)
    return METHODS_OF_UFUNCS[method](name, op, *inputs, **options)


def function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """`Tensor.__array_function__`."""
    inside = function.__module__.removeprefix("numpy").lstrip(".") if function.__module__ else ""
    name = f"{inside}.{function.__name__}" if inside in ("linalg", "fft") else function.__name__
    how = f"np.{name}"
    if name in CONSTANT or name in OF_NUMBERS:
        return _of_numbers(how, function, args, kwargs, name in CONSTANT)
    op = FUNCTIONS.get(name)
    if op is None:
        raise _unknown(how, name)
    args, options = _given(function, args, kwargs)
    _refuse_out(how, options)
    if "dtype" in options and "dtype" not in _parameters(op):
        args, options = _cast(how, args, options)
    known = _parameters(op)
    if known is not None and (unknown := [key for key in options if key not in known]):
        raise _no_option(how, unknown)
    return op(*args, **options)


def _is_usual(option: str, value: Any) -> bool:
    """Whether an option of a ufunc says what would be without it."""
    usual = {"where": True, "order": "K", "subok": True, "casting": "same_kind", "dtype": None, "out": None}
    return option in usual and (value is usual[option] or (isinstance(value, str) and value == usual[option]))


def _refuse_out(how: str, options: dict[str, Any]) -> None:
    """Drop `out=None`; raise for another."""
    out = options.pop("out", None)
    if out is not None and any(o is not None for o in (out if isinstance(out, tuple) else (out,))):
        raise TypeError(f"{how}: out= would write into an array that holds no gradient; use the result (a = a + t)")


def _unknown(how: str, name: str) -> TypeError:
    why = REFUSED.get(name, "use .numpy() or .detach() to leave the graph")
    return TypeError(f"{how} has no differentiable counterpart here: {why}")


def _no_option(how: str, options: Any) -> TypeError:
    return TypeError(f"{how} with {', '.join(options)} has no differentiable counterpart here; say it without")


@cache
def _parameters(op: Any) -> frozenset[str] | tuple[()]:
    """The names of a function's parameters, those of its arrays included."""
    if hasattr(op, "param_names"):
        return frozenset(op.param_names)
    found = inspect.signature(op).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in found):
        return _Every()
    return frozenset(p.name for p in found)


class _Every(frozenset[str]):
    """All names."""

    def __contains__(self, name: object) -> bool:
        return True


@cache
def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # an older NumPy has functions written in C that do not tell
        return None


def _given(function: Any, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The first argument, or all of `*arrays`, by position; the others by NumPy's names unless they are defaults."""
    signature = _signature(function)
    if signature is None:
        return list(args), {key: value for key, value in kwargs.items() if value is not np._NoValue}
    bound = signature.bind(*args, **kwargs)
    first: list[Any] = []
    options: dict[str, Any] = {}
    parameters = list(signature.parameters.values())
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    for i, p in enumerate(parameters):
        if p.name not in bound.arguments:
            continue
        value = bound.arguments[p.name]
        if p.kind is p.VAR_POSITIONAL:
            first += value
        elif p.kind is p.VAR_KEYWORD:
            options.update(value)
        elif p.kind is p.POSITIONAL_ONLY or i == 0 or (several and p.kind is p.POSITIONAL_OR_KEYWORD):
            first.append(value)
        elif value is not p.default:
            options[p.name] = value
    return first, options


def _in_dtype(how: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Operands in the dtype that a ufunc is to compute in."""
    if "dtype" not in options:
        return inputs
    wanted = _floats(how, options.pop("dtype"))
    return tuple(astype(x, wanted) if isinstance(x, Tensor | np.ndarray) else x for x in inputs)


def _cast(how: str, args: list[Any], options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The first argument in the dtype that a function is to compute in."""
    wanted = _floats(how, options.pop("dtype"))
    first = args[0]
    cast = type(first)(astype(x, wanted) for x in first) if isinstance(first, list | tuple) else astype(first, wanted)
    return [cast, *args[1:]], options


def _floats(how: str, dtype: Any) -> Any:
    wanted = dtype_of(dtype)
    if wanted.kind != "f":
        raise TypeError(f"{how}: in {wanted} there is no derivative; convert the tensor with .astype({wanted})")
    return wanted


def numbers(value: Any) -> Any:
    """Arrays in place of tensors, also within lists, tuples and dictionaries."""
    if isinstance(value, Storage) or is_discrete(value):
        return np.asarray(operand(value)) if isinstance(operand(value), np.ndarray) else operand(value)
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    return type(value)(map(numbers, value)) if type(value) in (list, tuple) else value


def _of_numbers(how: str, function: Any, args: Any, options: dict[str, Any], constant: bool) -> Any:
    """NumPy's own answer; refused where it depends on the numbers of a tensor with a history."""
    if not constant and _wants_gradient([args, options]):
        raise TypeError(f"{how} has no derivative here; say .detach() where none is wanted")
    return tensors(function(*numbers(args), **numbers(options)))


def tensors(found: Any) -> Any:
    """What NumPy gave, as tensors; tuples and lists of it, too."""
    if isinstance(found, tuple | list):
        kind = type(found)
        parts = [tensors(part) for part in found]
        return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        return wrap(found) if found.dtype.itemsize in (4, 8) else found
    return discrete(found) if isinstance(found, np.ndarray) else found


def _wants_gradient(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.requires_grad
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(map(_wants_gradient, parts))
