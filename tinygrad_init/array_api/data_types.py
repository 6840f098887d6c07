"""Data types of the standard: what there is, what turns into what, and what operands of two become."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of, is_discrete
from ..engine.modes import FLOAT32, FLOAT64, get_default_dtype
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from ..ops.elementwise import astype as converted

__all__ = [
    "__array_namespace_info__",
    "astype",
    "bool",
    "can_cast",
    "finfo",
    "float32",
    "float64",
    "iinfo",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "result_type",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip

bool = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{n}") for n in (8, 16, 32, 64))
float32, float64 = FLOAT32, FLOAT64

SIGNED = {"int8": int8, "int16": int16, "int32": int32, "int64": int64}
UNSIGNED = {"uint8": uint8, "uint16": uint16, "uint32": uint32, "uint64": uint64}
FLOATING = {"float32": float32, "float64": float64}
KINDS: dict[str, dict[str, Any]] = {
    "bool": {"bool": bool},
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": {**SIGNED, **UNSIGNED},
    "real floating": FLOATING,
    "complex floating": {},
    "numeric": {**SIGNED, **UNSIGNED, **FLOATING},
}


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is another, or of a kind ("bool", "integral", "real floating", ...), or of one of several.

    Raises
    ------
    ValueError
        There is no kind of that name.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, part) for part in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ValueError(f"isdtype: expected one of {', '.join(KINDS)}, got {kind!r}")
        return np.dtype(dtype) in KINDS[kind].values()
    return np.dtype(dtype) == np.dtype(kind)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype that operands of these, arrays, dtypes or numbers of Python, are brought to.

    Raises
    ------
    TypeError
        The standard defines no promotion: of whole numbers with floats, booleans with numbers, uint64 with signed ones.
    """
    kinds = [_kind(x) for x in arrays_and_dtypes]
    fixed = [k for k in kinds if isinstance(k, np.dtype)]
    if not fixed:
        raise ValueError("result_type: expected at least one array or dtype")
    out = fixed[0]
    for k in fixed[1:]:
        group = {"b": "bool", "i": "whole", "u": "whole", "f": "float"}
        joined = np.promote_types(out, k)
        if group[out.kind] != group[k.kind] or joined.kind not in (out.kind, k.kind):
            raise TypeError(f"result_type: {out} and {k} have no common dtype in the standard")
        out = joined
    for k in kinds:
        if isinstance(k, type) and "bif".index(out.kind.replace("u", "i")) < (builtins.bool, int, float).index(k):
            raise TypeError(f"result_type: a number of Python of type {k.__name__} does not go with {out}")
    return out


def _kind(x: Any) -> Any:
    if isinstance(x, builtins.bool | int | float) and not isinstance(x, np.generic):
        return type(x)
    return x.dtype if hasattr(x, "dtype") and not isinstance(x, type) else np.dtype(x)


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether an array or dtype may be brought to a dtype by the rules of promotion."""
    try:
        return result_type(_kind(from_), np.dtype(to)) == np.dtype(to)
    except TypeError:
        return False


def finfo(type: Any, /) -> Any:
    """Limits of a dtype of floats, or of an array's."""
    return np.finfo(type.dtype if hasattr(type, "dtype") else type)


def iinfo(type: Any, /) -> Any:
    """Limits of a dtype of whole numbers, or of an array's."""
    return np.iinfo(type.dtype if hasattr(type, "dtype") else type)


def astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Any:
    """The array in another dtype; between those of floats with its history."""
    on_cpu(device)
    if not copy and x.dtype == np.dtype(dtype):
        return x
    return converted(x, dtype)


def on_cpu(device: Any) -> None:
    """Raise for a device other than the only one.

    Raises
    ------
    ValueError
        The device is not "cpu".
    """
    if device not in (None, "cpu"):
        raise ValueError(f"expected the device 'cpu', where all numbers are, got {device!r}")


def floats(dtype: Any) -> Any:
    """A dtype as it is, the default one of floats where none is given."""
    return get_default_dtype() if dtype is None else dtype_of(dtype)


def as_array(found: Any) -> Any:
    """What NumPy gave as an array of this namespace, within tuples and lists, too."""
    if isinstance(found, tuple | list):
        parts = [as_array(part) for part in found]
        return type(found)(*parts) if hasattr(found, "_fields") else type(found)(parts)
    if isinstance(found, np.ndarray | np.generic) and not is_discrete(found):
        found = np.asarray(found)
        if found.dtype.kind == "f":
            return wrap(found)
    return discrete(np.asarray(found)) if isinstance(found, builtins.bool) else discrete(found)


def promoted(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments with all tensors of floats in one dtype, the larger, as the standard has it; within lists, too."""
    kinds = {t.dtype for t in _tensors(arguments)}
    if len(kinds) < 2:
        return arguments
    return tuple(_double(x) for x in arguments)


def _double(x: Any) -> Any:
    if isinstance(x, Tensor):
        return converted(x, FLOAT64)
    return type(x)(map(_double, x)) if isinstance(x, list | tuple) else x


def _tensors(arguments: Any) -> list[Tensor]:
    if isinstance(arguments, Tensor):
        return [arguments]
    return [t for x in arguments for t in _tensors(x)] if isinstance(arguments, list | tuple) else []


class __array_namespace_info__:
    """What this namespace has: one device, no complex numbers."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        return "cpu"

    def devices(self) -> list[str]:
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        on_cpu(device)
        return {"real floating": get_default_dtype(), "integral": int64, "indexing": int64}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        on_cpu(device)
        if kind is None:
            return {**KINDS["bool"], **KINDS["numeric"]}
        parts = kind if isinstance(kind, tuple) else (kind,)
        if unknown := [part for part in parts if part not in KINDS]:
            raise ValueError(f"dtypes: expected kinds among {', '.join(KINDS)}, got {unknown}")
        return {name: dtype for part in parts for name, dtype in KINDS[part].items()}


def numbers_of(x: Any) -> Any:
    """The numbers of an array, a sequence or a number, as NumPy's array."""
    return np.asarray(operand(x)) if hasattr(x, "dtype") else np.asarray(x)
