"""Which kernels and which engine run: compiled C (the default) or the NumPy reference.

`TINYGRAD_INIT_BACKEND=reference` chooses the reference before the first import.
"""

import importlib
import os
from typing import Any


def explain_missing_extension(module: str) -> str:
    """The message of the ImportError when the compiled part of the package is not there."""
    return (
        f"the compiled module {module} is missing: tinygrad_init was installed without its C extension or for another "
        "Python, or a checkout without it shadows the installed package (Python looks in the current folder first; "
        "there, pip install -e . builds it in place). Install it again where a C compiler is available, or set "
        "TINYGRAD_INIT_BACKEND=reference to run on NumPy alone."
    )


BACKEND: str = os.environ.get("TINYGRAD_INIT_BACKEND", "compiled")

kernels: Any
if BACKEND == "compiled":
    try:
        kernels = importlib.import_module("tinygrad_init._kernels")
    except ModuleNotFoundError as error:
        raise ImportError(explain_missing_extension("tinygrad_init._kernels")) from error
elif BACKEND == "reference":
    from . import reference, reference_machine

    kernels = reference
    kernels.Machine = reference_machine.Machine
else:
    raise ImportError(f"TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got {BACKEND!r}")
