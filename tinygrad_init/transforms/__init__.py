"""Functions made of functions: derivatives in both directions, batches, passes that are run twice to save memory."""

from .batching import vmap
from .checkpointing import checkpoint
from .custom import custom_op
from .derivatives import hessian, hvp, jacobian, jacrev, jvp, vhp, vjp
from .forward_mode import jacfwd, linearize

__all__ = [
    "checkpoint",
    "custom_op",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "vhp",
    "vjp",
    "vmap",
]
