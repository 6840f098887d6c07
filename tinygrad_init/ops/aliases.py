"""Other names of the same operations, and what to write instead of names that are not here.

A name is here only if all who have it mean the same by it. `max`, `std`, `split` and their like, which do not, have
both spellings in their own error.
"""

from __future__ import annotations

from typing import Any

from ..engine.methods import ADVICE, METHODS
from . import (
    activation_variants,
    analysis,
    arithmetic,
    comparisons,
    cumulative,
    decompositions,
    elementwise,
    linear_algebra,
    rearranging,
    rounding,
    selection,
    shape,
)

ALIASES: dict[str, Any] = {
    "absolute": elementwise.abs,
    "arccos": analysis.acos,
    "arccosh": analysis.acosh,
    "arcsin": analysis.asin,
    "arcsinh": analysis.asinh,
    "arctan": analysis.atan,
    "arctan2": analysis.atan2,
    "arctanh": analysis.atanh,
    "cat": shape.concatenate,
    "concat": shape.concatenate,
    "divide": arithmetic.div,
    "fix": rounding.trunc,
    "greater": comparisons.gt,
    "greater_equal": comparisons.ge,
    "inverse": linear_algebra.inv,
    "less": comparisons.lt,
    "less_equal": comparisons.le,
    "logsigmoid": activation_variants.log_sigmoid,
    "multiply": elementwise.mul,
    "negative": elementwise.neg,
    "not_equal": comparisons.ne,
    "pinverse": decompositions.pinv,
    "power": elementwise.pow,
    "subtract": arithmetic.sub,
    "swapdims": shape.swapaxes,
    "tensor_split": rearranging.array_split,
    "true_divide": arithmetic.div,
    "unsqueeze": shape.expand_dims,
    "view": shape.reshape,
}
# Those that do not take their tensor first.
NO_METHODS = ("cat", "concat")
AS_METHODS = tuple(name for name in ALIASES if name not in NO_METHODS)
INSTEAD = {
    "cuda": "nothing: all numbers are in the memory of the processor",
    "half": 'astype("float32"): float16 is not computed with',
}
# NumPy's functions that mean the same as one of ours.
NUMPY: dict[str, Any] = {
    "array_split": rearranging.array_split,
    "cumprod": cumulative.cumprod,
    "cumsum": cumulative.cumsum,
    "diag": rearranging.diag,
    "diagonal": rearranging.diagonal,
    "diff": cumulative.diff,
    "einsum": linear_algebra.einsum,
    "flip": rearranging.flip,
    "hstack": rearranging.hstack,
    "logaddexp": cumulative.logaddexp,
    "moveaxis": rearranging.moveaxis,
    "outer": linear_algebra.outer,
    "prod": cumulative.prod,
    "repeat": rearranging.repeat_interleave,
    "roll": rearranging.roll,
    "take": selection.take,
    "take_along_axis": selection.take_along_axis,
    "tensordot": linear_algebra.tensordot,
    "tile": rearranging.tile,
    "trace": rearranging.trace,
    "tril": rearranging.tril,
    "triu": rearranging.triu,
    "vstack": rearranging.vstack,
    "argmax": selection.argmax,
    "argmin": selection.argmin,
    "argsort": selection.argsort,
    "linalg.cholesky": linear_algebra.cholesky,
    "linalg.det": linear_algebra.det,
    "linalg.eigh": decompositions.eigh,
    "linalg.inv": linear_algebra.inv,
    "linalg.matrix_power": linear_algebra.matrix_power,
    "linalg.pinv": decompositions.pinv,
    "linalg.slogdet": linear_algebra.slogdet,
    "linalg.solve": linear_algebra.solve,
}


def sorted_values(x: Any, axis: int = -1) -> Any:
    """`np.sort`: the elements along an axis in order."""
    return selection.sort(x, axis).values


NUMPY["sort"] = sorted_values
METHODS.update({name: ALIASES[name] for name in AS_METHODS})
ADVICE.update(INSTEAD)
