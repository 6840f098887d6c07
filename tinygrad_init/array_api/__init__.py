"""`tgi.array_api`: the Python array API standard (2024.12), for libraries that compute with anybody's arrays.

Arrays of floats are tensors, which keep their history through every function here; arrays of whole numbers and booleans
are `DiscreteTensor`s. `x.__array_namespace__()` is this namespace.

What the standard has and is not here: complex numbers and the extension `fft`, since tensors are made of real numbers;
operators between float32 and float64 (functions bring both to float64, operators refuse, as everywhere here);
complex eigenvalues; and square U and Vᵀ of matrices that are not square, while they require a gradient.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from . import creation, data_types, functions, linalg
from .creation import *  # noqa: F403
from .data_types import *  # noqa: F403
from .data_types import __array_namespace_info__ as __array_namespace_info__
from .functions import *  # noqa: F403

__array_api_version__ = "2024.12"
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi

__all__ = [
    *creation.__all__, *data_types.__all__, *functions.__all__, "__array_api_version__", "e", "inf", "linalg", "nan",
    "newaxis", "pi",
]  # fmt: skip


def namespace(api_version: str | None = None) -> Any:
    """This namespace, if it is of that version of the standard.

    Raises
    ------
    ValueError
        It is of none of that number.
    """
    if api_version not in (None, *VERSIONS):
        raise ValueError(f"expected a version of the standard among {', '.join(VERSIONS)}, got {api_version!r}")
    return sys.modules[__name__]
