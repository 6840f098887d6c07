"""tinygrad's names for what this package does: its own test suite of operations runs on them.

Values and gradients come from tinygrad_init alone. What stands here are names, orders and defaults of arguments,
dtypes, and kinds of errors, where the two packages differ.
"""

from types import SimpleNamespace

from . import arithmetic, creation, functions, indexing, movement, networks, reductions
from .dtype import dtypes
from .tensor import Tensor

Device = SimpleNamespace(DEFAULT="CPU")

__all__ = ["Device", "Tensor", "arithmetic", "creation", "dtypes", "functions", "indexing", "movement", "networks"]
__all__ += ["reductions"]
