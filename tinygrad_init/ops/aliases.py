"""Other names of the same operations, and what to write instead of names that are not here.

A name is here only if all who have it mean the same by it. `max`, `std`, `split` and their like, which do not, have
both spellings in their own error.
"""

from __future__ import annotations

from typing import Any

from ..engine.methods import ADVICE, METHODS
from . import elementwise, linear_algebra, rearranging, shape

ALIASES: dict[str, Any] = {
    "absolute": elementwise.abs,
    "cat": shape.concatenate,
    "clamp": elementwise.clip,
    "concat": shape.concatenate,
    "divide": elementwise.div,
    "inverse": linear_algebra.inv,
    "multiply": elementwise.mul,
    "negative": elementwise.neg,
    "power": elementwise.pow,
    "subtract": elementwise.sub,
    "swapdims": shape.swapaxes,
    "tensor_split": rearranging.array_split,
    "unsqueeze": shape.expand_dims,
    "view": shape.reshape,
}
# Those that take their tensor first.
AS_METHODS = (
    "absolute", "clamp", "divide", "inverse", "multiply", "negative", "power", "subtract", "swapdims", "tensor_split",
    "unsqueeze", "view",
)  # fmt: skip
INSTEAD = {
    "bool": "x != 0",
    "contiguous": "nothing: every result is as it has to be",
    "cpu": "nothing: all numbers are in the memory of the processor",
    "cuda": "nothing: all numbers are in the memory of the processor",
    "dim": "x.ndim",
    "double": 'astype("float64")',
    "expand": "broadcast_to(shape)",
    "float": 'astype("float32")',
    "half": 'astype("float32"): float16 is not computed with',
    "long": "x.numpy().astype(int): whole numbers are arrays",
    "mT": "swapaxes(-1, -2)",
    "new_zeros": "tgi.tensor(np.zeros(shape), x.dtype)",
    "nelement": "x.size",
    "numel": "x.size",
    "requires_grad_": "x.requires_grad = True",
    "to": "astype(dtype)",
    "type": "astype(dtype)",
    "view_as": "reshape(other.shape)",
}
METHODS.update({name: ALIASES[name] for name in AS_METHODS})
ADVICE.update(INSTEAD)
