"""Clipping of gradients that are too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..ops import abs as magnitude
from ..ops import clip, norm, stack, where
from ..ops import max as largest
from ..ops.targets import require_between

Tensors = Tensor | Iterable[Tensor]
BESIDE = 1e-6  # what PyTorch adds to a norm before it divides by it
Function = TypeVar("Function", bound=Callable[..., Any])


def limit_called(theirs: str) -> Callable[[Function], Function]:
    """Let a function's `limit` be called by PyTorch's name, too."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            return function(*args, **{"limit" if name == theirs else name: v for name, v in options.items()})

        return called  # type: ignore[return-value]

    return decorate


def tensors_of(owner: str, tensors: Tensors) -> list[Tensor]:
    """A single tensor or several, as a list."""
    found = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    for tensor in found:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{owner}: expected tensors, got {type(tensor).__name__}")
    return found


def require_limit(owner: str, limit: float) -> None:
    """Refuse a limit that is negative or no number; infinity limits nothing."""
    if not limit >= 0:
        raise ValueError(f"{owner}: limit must not be negative, got {limit}")


@limit_called("clip_value")
def clip_grad_value_(parameters: Tensors, limit: float, foreach: bool | None = None) -> None:
    """Limit every element of every gradient to ±limit.

    Parameters
    ----------
    parameters
        A tensor, or several; those without a gradient are passed over.
    limit
        Also called `clip_value`, as in PyTorch.
    foreach
        How PyTorch executes it; changes nothing.

    Raises
    ------
    ValueError
        The limit is negative.
    """
    require_limit("clip_grad_value_", limit)
    for p in tensors_of("clip_grad_value_", parameters):
        if p.grad is not None:
            p.grad = clip(p.grad, -limit, limit)


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all elements of all tensors together: (Σ|x|ᵖ)^(1/p), and max |x| for an infinite p.

    Parameters
    ----------
    tensors
        One, or several.
    norm_type
        p > 0.
    error_if_nonfinite
        Raise if the norm is not finite; in a captured program, at each run.
    foreach
        How PyTorch executes it; changes nothing.

    Returns
    -------
    Tensor
        A single float64 number; 0 of no tensors.

    Raises
    ------
    ValueError
        p is not positive.
    RuntimeError
        The norm is not finite, and that was asked for.
    """
    p = float(norm_type)
    if not p > 0:
        raise ValueError(f"get_total_norm: norm_type must be positive, got {norm_type}")
    found = [x.detach() for x in tensors_of("get_total_norm", tensors) if x.size]
    if not found:
        return Tensor(0.0, np.float64)
    if p == 2:  # scaled on the way, so that no square overflows
        total = norm(stack([norm(x).astype(np.float64) for x in found]))
    elif math.isinf(p):
        total = largest(stack([largest(magnitude(x)).astype(np.float64) for x in found]))
    else:
        total = stack([(magnitude(x.astype(np.float64)) ** p).sum() for x in found]).sum() ** (1 / p)
    if error_if_nonfinite:
        require_between(operand(total), 0, float(np.finfo(np.float64).max), not_finite)
    return total


def not_finite(total: Any) -> RuntimeError:
    """What is raised where a norm must be finite and is not."""
    return RuntimeError(f"the total norm is {float(np.asarray(total).item())}, so nothing is clipped")


@limit_called("max_norm")
def clip_grad_norm_(
    parameters: Tensors,
    limit: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients together so that their joint norm is at most `limit`.

    Pascanu et al. 2013, algorithm 1: the direction stays, the length is limited. A norm that is not finite changes
    nothing, so that what went wrong can still be seen. Gradients are multiplied by limit / (norm + 10⁻⁶), if that is
    less than 1, as in PyTorch.

    Parameters
    ----------
    parameters
        A tensor, or several; those without a gradient are passed over.
    limit
        Also called `max_norm`, as in PyTorch; infinity changes nothing.
    norm_type, error_if_nonfinite, foreach
        As in `get_total_norm`.

    Returns
    -------
    Tensor
        The norm before, a single float64 number.

    Raises
    ------
    ValueError
        The limit is negative, or there is no such norm.
    RuntimeError
        The norm is not finite, and that was asked for.
    """
    require_limit("clip_grad_norm_", limit)
    found = [p for p in tensors_of("clip_grad_norm_", parameters) if p.grad is not None]
    total = get_total_norm([p.grad for p in found if p.grad is not None], norm_type, error_if_nonfinite)
    _scale(found, limit, total)
    return total


@limit_called("max_norm")
def clip_grads_with_norm_(parameters: Tensors, limit: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Scale all gradients together by limit / (total_norm + 10⁻⁶), if less than 1: half of `clip_grad_norm_`.

    Parameters
    ----------
    parameters
        A tensor, or several; those without a gradient are passed over.
    limit
        Also called `max_norm`, as in PyTorch.
    total_norm
        Such as `get_total_norm` has given.
    foreach
        How PyTorch executes it; changes nothing.

    Raises
    ------
    ValueError
        The limit is negative.
    """
    require_limit("clip_grads_with_norm_", limit)
    _scale(tensors_of("clip_grads_with_norm_", parameters), limit, total_norm)


def _scale(parameters: list[Tensor], limit: float, total: Any) -> None:
    """Make gradients shorter whose norm is too large."""
    total = total if isinstance(total, Tensor) else Tensor(total, np.float64)
    longer = total + BESIDE
    too_long = np.isfinite(total) & (longer > limit)
    factor = where(too_long, limit / where(too_long, longer, 1.0), 1.0)
    for p in parameters:
        if p.grad is not None:
            p.grad = p.grad * factor.astype(p.dtype)
