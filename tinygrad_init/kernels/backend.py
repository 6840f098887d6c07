"""Which kernels and which engine run: compiled C (the default) or the NumPy reference.

`TINYGRAD_INIT_BACKEND=reference` chooses the reference before the first import.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any


def explain_missing_extension(module: str) -> str:
    """The message of the ImportError when the compiled part of the package is not there."""
    return (
        f"the compiled module {module} is missing: tinygrad_init was installed without its C extension or for another "
        "Python, or a checkout without it shadows the installed package (Python looks in the current folder first; "
        "there, pip install -e . builds it in place). Install it again where a C compiler is available, or set "
        "TINYGRAD_INIT_BACKEND=reference to run on NumPy alone."
    )


def load_sources(package: str, names: str) -> None:
    """Import modules of a package from their Python sources even where compiled ones lie beside them."""
    home = sys.modules[package]
    for name in names.split():
        full = f"{package}.{name}"
        spec = importlib.util.spec_from_file_location(full, Path(str(home.__file__)).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
        setattr(home, name, module)


BACKEND: str = os.environ.get("TINYGRAD_INIT_BACKEND", "compiled")

kernels: Any
if BACKEND == "compiled":
    try:
        kernels = importlib.import_module("tinygrad_init.kernels.compiled")
    except ModuleNotFoundError as error:
        raise ImportError(explain_missing_extension("tinygrad_init.kernels.compiled")) from error
elif BACKEND == "reference":
    from . import reference, reference_machine, reference_windows

    kernels = reference
    kernels.Machine = reference_machine.Machine
    kernels.convolve, kernels.pool = reference_windows.convolve, reference_windows.pool
    kernels.normalize = reference_windows.normalize
else:
    raise ImportError(f"TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got {BACKEND!r}")
