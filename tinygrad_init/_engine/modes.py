"""What each thread is doing: recording a graph or not, and the dtype that Python numbers take."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Self

import numpy as np

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


class Mode(threading.local):
    """The modes of one thread; every thread starts with its own."""

    def __init__(self) -> None:
        self.grad = True
        self.dtype: Any = FLOAT32
        self.before: list[Any] = []  # what the contexts that are open in this thread have replaced


mode = Mode()


class _Recording:
    """A context in which operations are, or are not, recorded in this thread; also a decorator of functions.

    Contexts nest, and an exception leaves the mode as it was.
    """

    on: bool

    def __init__(self, function: None = None) -> None:
        if function is not None:
            raise TypeError(f"{type(self).__name__}: write @{type(self).__name__}() with parentheses")

    def __enter__(self) -> Self:
        mode.before.append(mode.grad)
        mode.grad = self.on
        return self

    def __exit__(self, *exception: object) -> None:
        mode.grad = mode.before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(f"{type(self).__name__}: a generator leaves and enters again; use the context inside it")

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return inside


class no_grad(_Recording):
    """Within this context nothing is recorded, in this thread; also a decorator of functions."""

    on = False


class enable_grad(_Recording):
    """Within this context operations are recorded again, in this thread; also a decorator of functions."""

    on = True


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return mode.grad


class default_dtype:
    """Within this context Python numbers become tensors of this dtype, in this thread.

    Parameters
    ----------
    dtype
        float32 or float64.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = float_dtype(dtype)

    def __enter__(self) -> default_dtype:
        mode.before.append(mode.dtype)
        mode.dtype = self.dtype
        return self

    def __exit__(self, *exception: object) -> None:
        mode.dtype = mode.before.pop()


def set_default_dtype(dtype: Any) -> None:
    """From now on Python numbers become tensors of this dtype, in this thread."""
    mode.dtype = float_dtype(dtype)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python numbers take in this thread."""
    found: np.dtype[Any] = mode.dtype
    return found


def float_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64 in native byte order, or a TypeError that says what came."""
    try:
        found = np.dtype(dtype).newbyteorder("=")
    except TypeError:
        raise TypeError(f"expected dtype float32 or float64, got {dtype!r}") from None
    if found not in (FLOAT32, FLOAT64):
        raise TypeError(f"expected dtype float32 or float64, got {found}")
    return found
