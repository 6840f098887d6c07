"""What the engine calls but does not contain: operations of `ops`, which is built on the engine."""

from __future__ import annotations

import importlib
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
    replay: Any


BOUND = Bound()
WALKS = 4  # before `programs` is imported to make programs of them


def replay_later(*graph: Any) -> Any:
    """Stands in for `programs.replay`, which is not worth its import to who walks back once or twice."""
    global _walks
    _walks += 1
    if _walks >= WALKS:
        importlib.import_module(".programs.replay", __package__.rpartition(".")[0])
    return None


_walks = 0


def bind(**names: Any) -> None:
    """Give the engine the operations behind Python's operators and NumPy's protocols."""
    for name, found in names.items():
        setattr(BOUND, name, found)


bind(replay=replay_later)
