"""What callers may leave out, and what then holds."""

from __future__ import annotations

import inspect
from typing import Any

from tinygrad_init.engine.graph import MISSING, Operation


def left_out(module: Any) -> dict[str, dict[str, Any]]:
    """By name of what a module or a class offers: the parameters whose defaults are numbers, or several of them.

    Without tensors, of which compiled classes do not say what they are made with.
    """
    found = {}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or name in ("Tensor", "Buffer") or inspect.ismodule(value) or not callable(value):
            continue
        if isinstance(value, Operation):
            given = dict(zip(value.param_names, value.defaults, strict=True))
        else:
            try:
                given = {key: p.default for key, p in inspect.signature(value).parameters.items()}
            except (TypeError, ValueError):
                continue
        numbers = {k: v for k, v in given.items() if isinstance(v, int | float | tuple) and v is not MISSING}
        if numbers:
            found[name] = numbers
    return found
