"""Being told of the functions that are called in this thread, each once: for what must not happen during a capture."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

if not cython.compiled:

    def begin(watch: Any) -> None:
        sys.setprofile(watch.told)


@cython.binding(False)
class Watch:
    """A context in which every function that is called in this thread is made known.

    Python tells of each call and return. Compiled, that takes no Python: it happens thousands of times.

    Parameters
    ----------
    called
        Gets the frame of each function of Python's, when it is called for the first time.
    builtins
        Functions of C.
    meets
        Gets the frame that calls one of those, and which it is.
    """

    def __init__(
        self,
        called: Callable[[FrameType], None],
        builtins: tuple[Any, ...],
        meets: Callable[[FrameType, Any], None],
    ) -> None:
        self.seen: dict[int, Any] = {}  # code by its address, which asks for less than its hash
        self.called = called
        self.builtins = builtins
        self.meets = meets
        self.before: Any = None

    def told(self, frame: FrameType, event: str, argument: Any) -> None:
        """The same in Python, for `sys.setprofile`."""
        if event == "call":
            if id(frame.f_code) not in self.seen:
                self.seen[id(frame.f_code)] = frame.f_code
                self.called(frame)
        elif event == "c_call" and any(argument is one for one in self.builtins):
            self.meets(frame, argument)

    def __enter__(self) -> None:
        self.before = sys.getprofile()
        begin(self)

    def __exit__(self, *exception: object) -> None:
        if self.before is None or callable(self.before):
            sys.setprofile(self.before)
        else:  # cProfile is at work, which goes on when it is asked to
            sys.setprofile(None)
            self.before.enable()
