"""Differentiation under the names of `torch.autograd`."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .engine.gradients import grad
from .engine.modes import detect_anomaly, enable_grad, no_grad
from .engine.tensor import Tensor
from .gradient_checks import gradcheck, gradgradcheck
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
    from .engine.backward import differentiate

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


functional = SimpleNamespace(hessian=hessian, hvp=hvp, jacobian=jacobian, jvp=jvp, vhp=vhp, vjp=_pull)
