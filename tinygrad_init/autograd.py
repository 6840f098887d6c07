"""Differentiation under the names of `torch.autograd`."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .engine.backward import differentiate
from .engine.gradients import Gradients
from .engine.modes import detect_anomaly, enable_grad, no_grad
from .engine.tensor import Tensor
from .gradient_checks import gradcheck, gradgradcheck
from .lazy_names import missing
from .ops.creation import zeros_like
from .transforms import hessian, hvp, jacobian, jvp, vhp, vjp
from .transforms.custom import Function
from .trees import leaves_of

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "no_grad",
]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The derivatives of (the sum of) `outputs` by `inputs`; `tgi.grad` with PyTorch's arguments in its order.

    Parameters
    ----------
    outputs, inputs
        One tensor or several.
    grad_outputs
        The cotangents to start from, one an output; None where an output has one element.
    retain_graph, create_graph
        As in `Tensor.backward`.
    only_inputs
        True: no other leaf gets a gradient.
    allow_unused
        Whether an input that the outputs do not depend on gets None; else it is an error.
    materialize_grads
        Whether it gets zeros instead.

    Raises
    ------
    RuntimeError
        The outputs do not depend on an input, and neither is allowed.
    NotImplementedError
        `is_grads_batched`: write `tgi.vmap` of a function; or `only_inputs=False`, for which there is `backward`.
    """
    if not only_inputs:
        raise NotImplementedError("grad: only_inputs=False is not to be had; write autograd.backward")
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not to be had; write tgi.vjp and tgi.vmap of the function")
    ends, starts = ([x] if isinstance(x, Tensor) else list(x) for x in (outputs, inputs))
    seeds = [None] * len(ends) if grad_outputs is None else leaves_of(grad_outputs)
    if len(seeds) != len(ends):
        raise ValueError(f"grad: expected {len(ends)} grad_outputs, one an output, got {len(seeds)}")
    for x in (*ends, *starts):
        if not isinstance(x, Tensor):
            raise TypeError(f"grad: expected outputs and inputs to be tensors, got {type(x).__name__}")
    found = differentiate(ends, seeds, starts, bool(retain_graph), create_graph)
    if materialize_grads:
        found = [zeros_like(x) if d is None else d for x, d in zip(starts, found, strict=True)]
    elif not allow_unused and any(d is None for d in found):
        unused = next(i for i, d in enumerate(found) if d is None)
        raise RuntimeError(f"grad: the outputs do not depend on input {unused}; write allow_unused=True for None there")
    return Gradients(found)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> None:
    """Add to the `.grad` of the leaves the derivatives of (the sum of) tensors.

    Parameters
    ----------
    tensors
        One or several.
    grad_tensors
        The cotangents to start from, one a tensor; None where a tensor has one element.
    retain_graph, create_graph
        As in `Tensor.backward`.
    """
    ends = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    seeds = [None] * len(ends) if grad_tensors is None else leaves_of(grad_tensors)
    if len(seeds) != len(ends):
        raise ValueError(f"backward: expected {len(ends)} cotangents, one a tensor, got {len(seeds)}")
    differentiate(ends, seeds, None, retain_graph, create_graph)


def _pull(function: Any, inputs: Any, v: Any = None) -> tuple[Any, Any]:
    """The value and Jᵀ v at once, as `torch.autograd.functional.vjp`; v is 1 for a function of one number."""
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    output, pull = vjp(function, *args)
    found = pull(v if v is not None else Tensor(1.0, output.dtype))
    return output, found if isinstance(inputs, tuple) else found[0]


# There are no files in it; but so `import tinygrad_init.autograd.functional` finds what is below.
__path__: list[str] = []
functional = SimpleNamespace(hessian=hessian, hvp=hvp, jacobian=jacobian, jvp=jvp, vhp=vhp, vjp=_pull)


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
