"""Which kernels and which engine run: compiled C (the default) or the NumPy reference.

`TINYGRAD_INIT_BACKEND=reference` chooses the reference before the first import.
"""

import os
from typing import Any


def explain_missing_extension(module: str) -> str:
    """The message of the ImportError when the compiled part of the package is not there."""
    return (
        f"the compiled module {module} is missing: tinygrad_init was installed without its C extension or for another "
        "Python. Install it again where a C compiler is available (pip install --force-reinstall), or set "
        "TINYGRAD_INIT_BACKEND=reference to run on NumPy alone."
    )


BACKEND: str = os.environ.get("TINYGRAD_INIT_BACKEND", "compiled")

kernels: Any
if BACKEND == "compiled":
    try:
        from . import _kernels as kernels
    except ImportError as error:
        raise ImportError(explain_missing_extension("tinygrad_init._kernels")) from error
elif BACKEND == "reference":
    from . import reference as kernels
else:
    raise ImportError(f"TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got {BACKEND!r}")
