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
    conversions,
    decompositions,
    elementwise,
    linear_algebra,
    rearranging,
    rounding,
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
    "view": conversions.view,
}
# Those that do not take their tensor first.
NO_METHODS = ("cat", "concat")
AS_METHODS = tuple(name for name in ALIASES if name not in NO_METHODS)
INSTEAD = {
    "copy": "clone()",
    "cuda": "nothing: all numbers are in the memory of the processor",
    "half": 'astype("float32"): float16 is not computed with',
    "bfloat16": 'astype("float32"): bfloat16 is not computed with',
    "data_ptr": "x.numpy().ctypes.data",
    "detach_": "x = x.detach()",
    "get_device": "x.device, which is the processor",
    "new": "x.new_zeros(sizes), x.new_tensor(values)",
    "pin_memory": "nothing: all numbers are in the memory of the processor",
    "resize_": "empty(sizes) for a new tensor",
    "share_memory_": "nothing: threads share what they can reach",
    "squeeze_": "x = x.squeeze()",
    "storage": "x.numpy()",
    "stride": "x.numpy().strides",
    "t_": "x = x.t()",
    "to_sparse": "nothing: there are no sparse tensors",
    "transpose_": "x = x.transpose(0, 1)",
    "unsqueeze_": "x = x.unsqueeze(axis)",
}
METHODS.update({name: ALIASES[name] for name in AS_METHODS})
ADVICE.update(INSTEAD)
