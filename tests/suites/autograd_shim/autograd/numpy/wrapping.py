"""Functions of NumPy as they are, but for lists of tensors among their arguments."""

from __future__ import annotations

from functools import cache, wraps
from typing import Any

from ..values import holds_tensors, joined

# Those take several arrays as one argument.
OF_SEVERAL = {
    "block", "broadcast_arrays", "column_stack", "concat", "concatenate", "dstack", "hstack", "multi_dot", "row_stack",
    "select", "stack", "vstack",
}  # fmt: skip


@cache
def in_lists(found: Any) -> Any:
    if not callable(found) or isinstance(found, type) or found.__name__ in OF_SEVERAL:
        return found

    @wraps(found)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = [joined(x) if isinstance(x, list | tuple) and holds_tensors(x) else x for x in args]
        return found(*given, **kwargs)

    return called
