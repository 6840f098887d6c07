"""NumPy functions on tensors: `np.sin(t)` is the differentiable operation, or an error; never an array of objects."""

from __future__ import annotations

from typing import Any

from ..engine.storage import Storage, operand
from .registry import REGISTRY

FUNCTIONS: dict[str, Any] = {}


def register(**functions: Any) -> None:
    """Add functions that are not single operations, by their NumPy names; operations name theirs in their `Spec`."""
    FUNCTIONS.update(functions)
    for op in REGISTRY.values():
        for name in op.spec.numpy:
            FUNCTIONS[name] = op


def ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Tensor.__array_ufunc__`."""
    name = ufunc.__name__
    if name == "matmul" and method == "__call__" and not kwargs:
        return FUNCTIONS["matmul"](*inputs)
    if name in COMPARISONS and method == "__call__" and not kwargs:
        return ufunc(*[operand(x) if isinstance(x, Storage) else x for x in inputs])
    op = FUNCTIONS.get(name)
    if method != "__call__" or kwargs or op is None:
        how = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
        what = f" with {', '.join(kwargs)}" if kwargs else ""
        raise TypeError(
            f"{how}{what} has no differentiable counterpart here; use .numpy() or .detach() to leave the graph"
        )
    return op(*inputs)


COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isfinite", "isnan", "isinf")


def function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """`Tensor.__array_function__`."""
    inside = "linalg." if function.__module__ == "numpy.linalg" else ""
    op = FUNCTIONS.get(inside + function.__name__)
    if op is None:
        raise TypeError(
            f"np.{inside}{function.__name__} has no differentiable counterpart here; "
            "use .numpy() or .detach() to leave the graph"
        )
    return op(*args, **kwargs)
