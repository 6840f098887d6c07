"""NumPy's `fft`."""

from typing import Any

import numpy as _numpy


def __getattr__(name: str) -> Any:
    return getattr(_numpy.fft, name)
