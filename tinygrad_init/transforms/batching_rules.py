"""What an operation on one sample is on all of them, whose first axis is the batch's.

A rule gets the operation, its operands and its parameters. An operand of all samples has the batch in front; one that
is the same for all has not. What has no rule is applied sample by sample (`by_sample`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import ops
from ..engine.discrete import discrete, is_discrete
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..trees import leaves_of, rebuilt


@dataclass(frozen=True)
class Held:
    """What stands behind an operand.

    Attributes
    ----------
    value
        A tensor, or an array of whole numbers.
    varies
        Whether it has the axis of the batch.
    """

    value: Any
    varies: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.value.shape[1:] if self.varies else self.value.shape)


Rule = Callable[[Any, list[Held], tuple[Any, ...]], Any]


def aligned(operands: list[Held], ndim: int | None = None, keep: int = 0) -> list[Any]:
    """Operands whose samples all have so many axes, new ones in front but for the last `keep`."""
    most = max(len(x.shape) for x in operands) if ndim is None else ndim
    found = []
    for x in operands:
        lead = (1,) * (most - len(x.shape))
        found.append(ops.reshape(x.value, (x.value.shape[0], *lead, *x.shape)) if x.varies and lead else x.value)
    return found


def elementwise(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    """The same, the samples stretched to each other before the batch is."""
    return op(*aligned(operands), *params)


def _same(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    return op(operands[0].value, *params)


def _reduction(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    ndim = len(operands[0].shape)
    axis = range(ndim) if params[0] is None else params[0] if isinstance(params[0], tuple | list) else (params[0],)
    moved = tuple(a % max(ndim, 1) + 1 for a in axis)
    return op(operands[0].value, moved, *params[1:])


def _slope(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    axis = params[0] % max(len(operands[0].shape), 1) + 1
    shape = next(x.value.shape for x in operands if x.varies)
    return op(*[x.value if x.varies else ops.broadcast_to(x.value, shape) for x in operands], axis)


def _axis(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    return op(operands[0].value, params[0] % max(len(operands[0].shape), 1) + 1, *params[1:])


def _reshape(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    size = operands[0].value.shape[0]
    return ops.reshape(operands[0].value, (size, *np.empty(operands[0].shape, np.bool_).reshape(params[0]).shape))


def _transpose(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    return op(operands[0].value, (0, *(a + 1 for a in params[0])))


def _broadcast_to(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    (x,) = operands
    shape = tuple(params[0]) if isinstance(params[0], tuple | list) else (params[0],)
    return op(aligned([x], len(shape))[0], (x.value.shape[0], *shape))


def _sum_to(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    (x,) = operands
    lead = len(x.shape) - len(params[0])
    once = tuple(lead + i for i, n in enumerate(params[0]) if n == 1 and x.shape[lead + i] != 1)
    axes = tuple(a + 1 for a in (*range(lead), *once))
    total = ops.sum(x.value, axes) if axes else x.value
    return ops.reshape(total, (x.value.shape[0], *params[0]))


def _matmul(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    x, y = aligned(operands)
    return op(x, y)


def _linear(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    x, weight, bias = operands
    if not weight.varies and not bias.varies:
        return op(x.value, weight.value, bias.value)
    turned = ops.swapaxes(weight.value, -1, -2)
    rows = Held(ops.reshape(x.value, (*x.value.shape[: int(x.varies)], -1, x.shape[-1])), x.varies)
    products = ops.matmul(rows.value, turned)
    shifted = products + (ops.expand_dims(bias.value, 1) if bias.varies else bias.value)
    return ops.reshape(shifted, (products.shape[0], *x.shape[:-1], weight.shape[0]))


def _concatenate(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    size = next(x.value.shape[0] for x in operands if x.varies)
    values = [x.value if x.varies else ops.broadcast_to(x.value, (size, *x.shape)) for x in operands]
    return ops.concatenate(values, params[0] % len(operands[0].shape) + 1)


def _is_plain(index: Any) -> bool:
    """Whether a new axis in front leaves the others where they are: no more than one array among the parts."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [part for part in parts if not (part is None or part is Ellipsis or isinstance(part, int | slice))]
    return len(arrays) <= 1


def _behind(index: Any) -> tuple[Any, ...]:
    return (slice(None), *index) if isinstance(index, tuple) else (slice(None), index)


def _getitem(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    if not _is_plain(params[0]) or not operands[0].varies:
        return None
    return op(operands[0].value, _behind(params[0]))


def _put_add(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    if not _is_plain(params[1]) or not operands[0].varies:
        return None
    return op(operands[0].value, (operands[0].value.shape[0], *params[0]), _behind(params[1]))


def _where(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    condition = params[0]
    x, y, chosen = aligned([*operands, condition if isinstance(condition, Held) else Held(condition, False)])
    return ops.where(chosen, x, y)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "norm", "logsumexp"), _reduction),
    **dict.fromkeys(("softmax", "log_softmax", "cumsum"), _axis),
    **dict.fromkeys(("softmax_slope", "log_softmax_slope"), _slope),
    **dict.fromkeys(("clip", "astype", "causal_softmax"), _same),
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "getitem": _getitem,
    "linear": _linear,
    "matmul": _matmul,
    "put_add": _put_add,
    "reshape": _reshape,
    "sum_to": _sum_to,
    "transpose": _transpose,
    "where": _where,
}


def on_all(op: Any, operands: list[Held], params: tuple[Any, ...]) -> Any:
    """An operation on all samples, at least one of whose operands or parameters varies."""
    rule = elementwise if op.elementwise else RULES.get(op.name)
    plain = op.name == "where" or not any(isinstance(part, Held) for part in leaves_of(params))
    if rule is not None and plain and (op.name == "where" or any(x.varies for x in operands)):
        found = rule(op, operands, params)
        if found is not None:
            return found
    if op.spec is not None and op.spec.exempt.startswith("random"):
        raise RuntimeError(f"vmap: {op.name} draws at random, and samples would not know what is theirs; draw outside")
    return by_sample(partial(called, op, len(operands)), [*operands, *params])


def called(op: Any, count: int, *values: Any) -> Any:
    """An operation of so many operands, and its parameters after them."""
    return op(*values[:count], **dict(zip(op.param_names, values[count:], strict=True)))


def varies(tree: Any) -> bool:
    """Whether anything in arguments differs from sample to sample."""
    return any(isinstance(x, Held) and x.varies for x in leaves_of(tree))


def by_sample(function: Callable[..., Any], args: list[Any]) -> Any:
    """The results of a function for one sample after the other, joined along a new first axis."""
    size = next(x.value.shape[0] for x in leaves_of(args) if isinstance(x, Held) and x.varies)
    found = [function(*rebuilt(args, partial(sample, i=i))) for i in range(size)]
    if isinstance(found[0], Tensor) or is_discrete(found[0]):
        return ops.stack(found)
    return discrete(np.stack([np.asarray(operand(x)) for x in found]))


def sample(x: Any, i: int | None = None) -> Any:
    """One sample of what stands behind an operand; of what does not vary, that itself."""
    return x if not isinstance(x, Held) else x.value[i] if x.varies else x.value
