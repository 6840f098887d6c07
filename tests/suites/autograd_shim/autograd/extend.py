"""What extensions of autograd import. Forward mode goes by the rules of `defvjp`: `defjvp` has nothing to add."""

from typing import Any

from .core import VSpace as VSpace
from .core import vspace as vspace
from .tracer import Box as Box
from .tracer import defvjp as defvjp
from .tracer import defvjp_argnum as defvjp_argnum
from .tracer import defvjp_argnums as defvjp_argnums
from .tracer import notrace_primitive as notrace_primitive
from .tracer import primitive as primitive


def defjvp(fun: Any, *rules: Any, argnums: Any = None) -> None:
    """Nothing: the engine transposes the rules of `defvjp`."""


defjvp_argnum = defjvp_argnums = defjvp
