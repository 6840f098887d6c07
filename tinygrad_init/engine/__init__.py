"""The engine: tensors, the graph they leave behind, and the walk back through it.

Its files are plain Python and can be read and run as such; `setup.py` also compiles them, unchanged, with the C types
that the `.pxd` file beside each gives to its classes. Both are the same engine, one slow and one fast.
"""

from ..kernels import backend  # noqa: F401 (which says whether Python finds the sources or what was compiled)

# isort: split
# What only diagnoses need is imported by those.
from . import (
    ancestors,  # noqa: F401
    backward,  # noqa: F401
    bound,  # noqa: F401
    graph,  # noqa: F401
    modes,  # noqa: F401
    numbers,  # noqa: F401
    operands,  # noqa: F401
    recording,  # noqa: F401
    storage,  # noqa: F401
    tensor,  # noqa: F401
)
