"""Containers are Python's own here; a tensor is an instance of what its numbers are."""

from __future__ import annotations

import builtins
from typing import Any

from .values import getval

dict, list, tuple = builtins.dict, builtins.list, builtins.tuple


def isinstance(x: Any, kind: Any) -> bool:
    return builtins.isinstance(getval(x), kind)


def type(x: Any) -> Any:
    return builtins.type(getval(x))
