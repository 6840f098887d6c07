"""Which kernels and which engine run: compiled C (the default) or the NumPy reference.

`TINYGRAD_INIT_BACKEND=reference` chooses the reference before the first import.
"""

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from typing import Any

import numpy  # noqa: F401 (before the library: from inside of it the same import takes almost twice as long)


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
    from . import reference, reference_machine, reference_sequences, reference_windows

    kernels = reference
    kernels.Machine = reference_machine.Machine
    kernels.convolve, kernels.pool = reference_windows.convolve, reference_windows.pool
    kernels.normalize = reference_windows.normalize
    kernels.rows, kernels.lstm = reference_sequences.rows, reference_sequences.lstm
else:
    raise ImportError(f"TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got {BACKEND!r}")


# Modules that are compiled, all into the library of the kernels: a file for each took longer to build and was three
# times as large. Their names here are those of the .pxd files.
COMPILED = frozenset(
    f"tinygrad_init.{room}.{name}"
    for room, names in {
        "engine": "backward bound graph history methods modes numbers operands places recording storage tensor",
        "programs": "buffers exchange guards program replay shadows tapes tracing traffic watching",
    }.items()
    for name in names.split()
)


class InLibrary:
    """Finds them there, before Python would find their sources, which are what the reference backend runs."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """How to import a module, or None if others are to say so."""
        if name not in COMPILED:
            return None
        loader = ExtensionFileLoader(name, kernels.__file__)
        return importlib.util.spec_from_file_location(name, kernels.__file__, loader=loader)


if BACKEND == "compiled":
    sys.meta_path.insert(0, InLibrary)
