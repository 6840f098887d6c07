"""Options that all modules of PyTorch have: where numbers are, which they are, and what is done in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import float_dtype, get_default_dtype


def dtype_for(name: str, device: Any, dtype: Any) -> np.dtype[Any]:
    """The dtype of a new module's parameters: the default unless given.

    Parameters
    ----------
    device
        None or "cpu": all numbers are in the memory of the processor.
    dtype
        float32 or float64 as NumPy has them, as text, or as PyTorch has them.

    Raises
    ------
    TypeError, ValueError
        It is another device, or another dtype.
    """
    require_cpu(name, device)
    return float_dtype(get_default_dtype()) if dtype is None else dtype_named(dtype)


def dtype_named(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, also by PyTorch's objects of these names."""
    said = str(dtype)
    return float_dtype(said.removeprefix("torch.") if said.startswith("torch.") else dtype)


def require_cpu(name: str, device: Any) -> None:
    """Raise for a device that is not the processor.

    Raises
    ------
    TypeError
        It is no device at all, such as a seed that was meant for `rng=`.
    ValueError
        It is another device.
    """
    if device is None:
        return
    said = str(device)
    if isinstance(device, np.random.Generator | int) or said.startswith(("float", "torch.float", "<class")):
        raise TypeError(
            f"{name}: expected device None or 'cpu', got {device!r}; the order of arguments is PyTorch's, rng= and "
            "dtype= are said by name"
        )
    if said != "cpu":
        raise ValueError(f"{name}: expected device None or 'cpu', got {said!r}; numbers are in the processor's memory")


def require_flag(name: str, what: str, value: Any) -> bool:
    """True or False.

    Raises
    ------
    TypeError
        It is something else.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected {what} as True or False, got {value!r}; rng= and dtype= are said by name")
    return bool(value)
