"""The engine: tensors, the graph they leave behind, and the walk back through it.

Its files are plain Python and can be read and run as such; `setup.py` also compiles them, unchanged, with the C types
that the `.pxd` file beside each gives to its classes. Both are the same engine, one slow and one fast.
"""

import importlib.util
import sys
from pathlib import Path

from ..backend import BACKEND, explain_missing_extension


def _load_source(name: str) -> None:
    """Import a module of this package from its Python source even where the compiled one lies beside it."""
    full = f"{__name__}.{name}"
    spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    setattr(sys.modules[__name__], name, module)


if BACKEND == "reference":
    for _name in (
        "modes",
        "graph",
        "bound",
        "storage",
        "recording",
        "numbers",
        "tensor",
        "operands",
        "backward",
        "history",
        "guards",
        "tracing",
        "traffic",
        "watching",
        "exchange",
        "program",
    ):
        _load_source(_name)

# What only captured programs and diagnoses need is imported by those.
from . import (  # noqa: E402
    backward,  # noqa: F401
    bound,  # noqa: F401
    graph,
    modes,  # noqa: F401
    numbers,  # noqa: F401
    operands,  # noqa: F401
    recording,  # noqa: F401
    storage,  # noqa: F401
    tensor,  # noqa: F401
)

if BACKEND == "compiled" and not graph.COMPILED:
    raise ImportError(explain_missing_extension("tinygrad_init._engine"))
