"""What does importing cost? A new interpreter each time, in which NumPy is most of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .harness import OURS, Arrays, LeftOut, Question, Row, Side

ROOT = Path(__file__).resolve().parent.parent


def start(module: str) -> int:
    """The exit status of an interpreter that imports a module."""
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # or each start would compile the sources anew
    return subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, env=env, check=False).returncode


def read(status: int) -> Arrays:
    """Whether it could be imported."""
    return {"imported": np.array(status == 0)}


def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
    """The package, and what it stands on."""
    yield Side(OURS, partial(start, "tinygrad_init"), read)
    yield Side("numpy alone", partial(start, "numpy"), read, floor=True)
    yield Side("Python alone", partial(start, "sys"), read, floor=True)


def rows(quick: bool) -> list[Row]:
    """One row; the interpreter's own start is part of it."""
    return [Row("import", "python -c 'import tinygrad_init'", "", build, 0.0, unit="import", checked_steps=1)]


QUESTION = Question("imports", "What does importing cost?", rows, single_thread=True)
