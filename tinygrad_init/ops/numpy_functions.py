"""All of NumPy's functions that have a differentiable counterpart, in one table by their names."""

from __future__ import annotations

from typing import Any

from ..engine.methods import METHODS
from .numpy_calculus import NUMPY_CALCULUS
from .numpy_places import MOVED, moving, pad, take
from .numpy_products import NUMPY_PRODUCTS
from .numpy_reductions import NUMPY_REDUCTIONS
from .numpy_sets import NUMPY_SETS
from .numpy_shapes import NUMPY_SHAPES
from .numpy_ufuncs import matvec, modf, vecmat

# Functions of elements that are made of operations: tensors have them as methods of the same names.
ELEMENTWISE = (
    "square", "reciprocal", "positive", "deg2rad", "rad2deg", "fmax", "fmin", "ldexp", "logaddexp2", "float_power",
    "heaviside", "i0",
)  # fmt: skip
OTHER_NAMES = {
    "around": "round", "degrees": "rad2deg", "divmod": "divmod", "fix": "trunc", "mod": "remainder",
    "radians": "deg2rad", "rint": "round", "true_divide": "divide",
}  # fmt: skip


def counterparts() -> dict[str, Any]:
    """The functions by NumPy's names, once all operations are defined."""
    return {
        **{name: METHODS[name] for name in ELEMENTWISE if name in METHODS},
        **{name: METHODS[ours] for name, ours in OTHER_NAMES.items() if ours in METHODS},
        **{name: moving(name) for name in MOVED},
        **NUMPY_REDUCTIONS,
        **NUMPY_SHAPES,
        **NUMPY_CALCULUS,
        **NUMPY_SETS,
        **NUMPY_PRODUCTS,
        "pad": pad,
        "take": take,
        **({"modf": modf} if "trunc" in METHODS else {}),
        "matvec": matvec,
        "vecmat": vecmat,
    }
