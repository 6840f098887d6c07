"""Where the user's code stands: what an error, found much later, names as the line where it began."""

from __future__ import annotations

import os
import sys
from types import CodeType
from typing import Any

import numpy as np

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:

    def place_if(latest: Any) -> Any:
        return None


# Code that is nobody's business here: this package, and NumPy, which hands operators on to stand-ins.
_not_users = tuple(os.path.join(os.path.dirname(file), "") for file in (os.path.dirname(__file__), np.__file__))
_latest: Any = None  # the place in the user's code that asked last; mostly the same code asks again


def place_in_user_code() -> tuple[CodeType, int] | None:
    """Where the code that uses this package stands now: cheap to keep, and holding no frame alive."""
    global _latest
    found = place_if(_latest)
    if found is None:
        frame: Any = sys._getframe()
        while frame is not None and frame.f_code.co_filename.startswith(_not_users):
            frame = frame.f_back
        if frame is None:
            return None
        found = (frame.f_code, frame.f_lasti)
    _latest = found
    return found


def describe_place(place: tuple[CodeType, int] | None) -> str:
    """`file.py:12 in function`, for an error message."""
    if place is None:
        return "an unknown place"
    code, instruction = place
    lines = list(code.co_positions())
    line = lines[instruction // 2][0] if instruction // 2 < len(lines) else code.co_firstlineno
    return f"{code.co_filename}:{line} in {code.co_name}"
