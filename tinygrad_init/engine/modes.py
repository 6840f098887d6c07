"""What each thread is doing: recording a graph or not, and the dtype that Python numbers take."""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any, Self

import numpy as np

try:
    import cython
except ImportError:
    from . import _interpreted as cython

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)

if not cython.compiled:

    def hear_signals(count: int) -> None:
        """Nothing to do: Python lets Ctrl-C through."""


class Unforeseen(Exception):
    """Numbers are what a short way was not made for; another one is taken."""


def lock_across_forks() -> Any:
    """A lock that no other thread holds while the process forks: the child finds it free and what it guards whole.

    Where two of them are taken together, the one that was made last is taken first.
    """
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


class _Thread(threading.local):
    """The modes of one thread; every thread starts with its own."""

    def __init__(self) -> None:
        self.grad = True
        self.dtype: Any = FLOAT32
        self.trace: Any = None  # what operations are written down in, while a function is being captured
        self.observer: Any = None  # what is told of every call of a module
        self.inspecting = False  # whether nodes keep everything that there is to see
        self.anomaly = False  # whether nodes know their line of code, and backward looks for what is not finite
        self.calling = 0  # programs whose run is just calling functions of Python
        self.before: list[tuple[str, Any]] = []  # what the contexts that are open in this thread have replaced


USUAL = {"grad": True, "trace": None, "observer": None, "inspecting": False, "anomaly": False}


class Mode:
    """The modes of the thread that asks.

    Asking costs more than a small operation. `unusual` counts the modes, of all threads, that are not what they start
    as; while it is 0 nobody needs to ask. `dtypes` counts how often the default dtype was set. `structure` counts
    changes of what captured programs took for granted: the
    attributes of modules and optimizers.
    """

    __slots__ = ("dtypes", "lock", "structure", "threads", "unusual")

    def __init__(self) -> None:
        self.unusual = 0
        self.dtypes = 0
        self.structure = 0
        self.threads = _Thread()
        self.lock = lock_across_forks()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forked)

    @property
    def grad(self) -> bool:
        """Whether operations are recorded."""
        return self.unusual == 0 or self.threads.grad

    @property
    def dtype(self) -> Any:
        """The dtype that Python numbers take."""
        return self.threads.dtype

    @property
    def trace(self) -> Any:
        """The trace of the function that is being captured, or None."""
        return None if self.unusual == 0 else self.threads.trace

    @property
    def observer(self) -> Any:
        """What is told of every call of a module, or None."""
        return None if self.unusual == 0 else self.threads.observer

    @property
    def inspecting(self) -> bool:
        """Whether nodes keep everything that there is to see."""
        return self.unusual != 0 and self.threads.inspecting

    @property
    def anomaly(self) -> bool:
        """Whether nodes know their line of code, and backward looks for what is not finite."""
        return self.unusual != 0 and self.threads.anomaly

    def set(self, name: str, value: Any) -> Any:
        """Change one mode of this thread; returns what it was."""
        old = getattr(self.threads, name)
        setattr(self.threads, name, value)
        with self.lock:
            if name in USUAL:
                self.unusual += (value is not USUAL[name]) - (old is not USUAL[name])
            else:
                self.dtypes += 1
        return old

    def forked(self) -> None:
        """Forget the modes of threads that a child process does not have."""
        self.unusual = sum(getattr(self.threads, name) is not value for name, value in USUAL.items())

    def restructured(self) -> None:
        """An attribute of a module or an optimizer has changed."""
        self.structure += 1

    def enter(self, name: str, value: Any) -> None:
        """Change one mode until `leave`; calls nest."""
        self.threads.before.append((name, self.set(name, value)))

    def leave(self) -> None:
        """Back to what the last `enter` of this thread replaced."""
        self.set(*self.threads.before.pop())


mode = Mode()


class _Switch:
    """A context in which one mode of this thread is on or off; also a decorator of functions.

    Contexts nest, and an exception leaves the mode as it was.
    """

    name: str = "grad"
    on: bool = True

    def __init__(self, function: None = None) -> None:
        if function is not None:
            raise TypeError(f"{type(self).__name__}: write @{type(self).__name__}() with parentheses")

    def __enter__(self) -> Self:
        mode.enter(self.name, self.on)
        return self

    def __exit__(self, *exception: object) -> None:
        mode.leave()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(f"{type(self).__name__}: a generator leaves and enters again; use the context inside it")

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return inside


class no_grad(_Switch):
    """Within this context nothing is recorded, in this thread; also a decorator of functions."""

    on = False

    def __enter__(self) -> Self:
        if mode.trace is not None:
            mode.trace.enters_no_grad()
        return super().__enter__()


class enable_grad(_Switch):
    """Within this context operations are recorded again, in this thread; also a decorator of functions."""


class inspecting(_Switch):
    """Within this context graphs keep all their values and the lines of code that made them, to be looked into.

    Backward frees none of it; also a decorator of functions. It costs memory and time: it is for seeing, not training.
    """

    name = "inspecting"


class detect_anomaly(_Switch):
    """Within this context a gradient that is not finite raises, with the line of the forward pass it belongs to.

    Forward and backward must both run within it; also a decorator of functions. It is slow: it is for finding faults.
    """

    name = "anomaly"


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
        mode.enter("dtype", self.dtype)
        return self

    def __exit__(self, *exception: object) -> None:
        mode.leave()


def set_default_dtype(dtype: Any) -> None:
    """From now on Python numbers become tensors of this dtype, in this thread."""
    mode.set("dtype", float_dtype(dtype))


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
