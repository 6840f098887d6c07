"""Functions of tensors as functions of arrays, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..values import holds_tensors, joined, plain, tensor


def of_arrays(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The function with arrays and floats turned into tensors; of arrays alone the result is an array."""

    @wraps(fun)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = [joined(x) if isinstance(x, list | tuple) and holds_tensors(x) else _tensor(x) for x in args]
        found = fun(*given, **{name: _tensor(x) for name, x in kwargs.items()})
        return found if any(map(holds_tensors, (*args, *kwargs.values()))) else plain(found)

    return called


def _tensor(x: Any) -> Any:
    return tensor(x) if isinstance(x, float | complex | np.ndarray | np.floating) else x
