"""Which kernels and which engine run: compiled C (the default) or the NumPy reference.

`TINYGRAD_INIT_BACKEND=reference` chooses the reference before the first import.
"""

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ExtensionFileLoader
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


BACKEND: str = os.environ.get("TINYGRAD_INIT_BACKEND", "compiled")

kernels: Any
if BACKEND == "compiled":
    try:
        kernels = importlib.import_module("tinygrad_init.kernels.compiled")
    except ModuleNotFoundError as error:
        raise ImportError(explain_missing_extension("tinygrad_init.kernels.compiled")) from error
elif BACKEND == "reference":
    from . import reference, reference_machine

    kernels = reference
    kernels.Machine = reference_machine.Machine
else:
    raise ImportError(f"TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got {BACKEND!r}")


def load(package: str, names: str) -> None:
    """Import modules of a package that exist twice, as this backend has them and in an order in which they find others.

    Compiled, all are in one library, that of the kernels: a file for each took longer to import and to build, and was
    three times as large. On the reference backend they are the Python sources, even where a library lies beside them.
    """
    home = sys.modules[package]
    for name in names.split():
        full = f"{package}.{name}"
        if BACKEND == "compiled":
            file, loader = kernels.__file__, ExtensionFileLoader(full, kernels.__file__)
        else:
            file, loader = str(home.__file__).replace("__init__.py", f"{name}.py"), None
        spec = importlib.util.spec_from_file_location(full, file, loader=loader)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
        setattr(home, name, module)
