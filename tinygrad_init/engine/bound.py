"""What the engine calls but does not contain: operations of `ops`, which is built on the engine."""

from __future__ import annotations

from typing import Any

from .graph import Operation


class Bound:
    """Operations by the name under which the engine knows them; `ops` fills them in, once, by `bind`."""

    add: Operation
    sub: Operation
    mul: Operation
    div: Operation
    pow: Operation
    neg: Operation
    abs: Operation
    matmul: Any
    remainder: Any
    floor_divide: Any
    array_namespace: Any
    getitem: Any
    transpose: Any
    sum_to: Any
    differentiate: Any
    coerce: Any
    is_operand: Any
    numpy_ufunc: Any
    numpy_function: Any


BOUND = Bound()


def bind(**names: Any) -> None:
    """Give the engine the operations behind Python's operators and NumPy's protocols."""
    for name, found in names.items():
        setattr(BOUND, name, found)
