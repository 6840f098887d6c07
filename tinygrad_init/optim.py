"""Update rules: W ← W - η ∂C/∂W and what has been made of it; and clipping of gradients that are too large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .engine.modes import mode, no_grad
from .engine.storage import operand, own
from .engine.tensor import Tensor
from .kernels.backend import kernels
from .ops import clip, norm, stack, where

Array = np.ndarray[Any, Any]


def _not_negative(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{owner}: {name} must be finite and not negative, got {value}")


class Optimizer:
    """Holds parameters and changes them by their gradients; a rule says how in `update`.

    Parameters
    ----------
    parameters
        Leaves that require grad; one that stands twice is updated once.
    lr
        The learning rate η; may be changed between steps.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        owner = type(self).__name__
        if isinstance(parameters, Tensor) or hasattr(parameters, "parameters"):
            say = "a list of it" if isinstance(parameters, Tensor) else "its .parameters()"
            raise TypeError(f"{owner}: expected parameters, got {type(parameters).__name__}: give {say}")
        self.parameters: list[Tensor] = []
        for p in parameters:
            if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
                what = f"a tensor of shape {p.shape}" if isinstance(p, Tensor) else type(p).__name__
                raise TypeError(f"{owner}: expected leaves that require grad, got {what}")
            if all(p is not known for known in self.parameters):
                self.parameters.append(p)
        if not self.parameters:
            raise ValueError(f"{owner}: no parameters to update")
        _not_negative(owner, lr=lr)
        self.lr = lr
        self.state: dict[int, tuple[Array, ...]] = {}  # by number of the parameter, what the rule remembers

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        trace = mode.trace
        if trace is not None:
            trace.visits(self)
        lr = self.lr if trace is None else trace.attribute(self, "lr")
        # A step that is too large overflows, and is to be seen in the weights, not in a warning about this line.
        with no_grad(), np.errstate(all="ignore"):
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    continue
                gradient = operand(p.grad)
                if i not in self.state:
                    self.state[i] = self.start(p)
                if p.ndim == 0 and trace is None:  # a bare number has no array to change in place
                    value = np.array(p.numpy()).reshape(1)
                    self.update(i, value, gradient.reshape(1), lr)
                    p.fill_(value.item())
                else:
                    self.update(i, own(p), gradient, lr)

    def start(self, p: Tensor) -> tuple[Array, ...]:
        """What the rule remembers of a parameter, before the first step."""
        return ()

    def update(self, i: int, weight: Array, gradient: Array, lr: Any) -> None:
        """Change parameter number `i` in place."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name != "lr":  # captured programs read that one at each run, and take the others for granted
            mode.restructured()


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    v ← μ v + g, W ← W - η v (Polyak 1964, in PyTorch's form); Nesterov: W ← W - η (g + μ v) (Sutskever et al. 2013).
    Weight decay λ adds λ W to g.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        _not_negative("SGD", momentum=momentum, weight_decay=weight_decay)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum")
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def start(self, p: Tensor) -> tuple[Array, ...]:
        return (np.zeros(p.shape or 1, p.dtype),) if self.momentum else ()

    def update(self, i: int, weight: Array, gradient: Array, lr: Any) -> None:
        velocity = self.state[i][0] if self.momentum else None
        kernels.sgd(weight, gradient, velocity, lr, self.momentum, self.nesterov, self.weight_decay)


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient (Kingma and Ba 2015, algorithm 1).

    m ← β₁ m + (1-β₁) g, v ← β₂ v + (1-β₂) g², W ← W - η m̂ / (√v̂ + ε) with m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ).
    Weight decay λ adds λ W to g; `AdamW` decouples it.
    """

    decoupled = False

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        _not_negative(type(self).__name__, eps=eps, weight_decay=weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"{type(self).__name__}: betas must lie in [0, 1), got {betas}")
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def start(self, p: Tensor) -> tuple[Array, ...]:
        return np.zeros(p.shape or 1, p.dtype), np.zeros(p.shape or 1, p.dtype), np.ones(2)  # the last: β₁ᵗ and β₂ᵗ

    def update(self, i: int, weight: Array, gradient: Array, lr: Any) -> None:
        rule = (*self.betas, self.eps, self.weight_decay, self.decoupled)
        kernels.adam(weight, gradient, *self.state[i], lr, *rule)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: W ← (1 - ηλ) W first (Loshchilov and Hutter 2019)."""

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)


def clip_grad_value_(parameters: Sequence[Tensor], limit: float) -> None:
    """Limit every element of every gradient to ±limit."""
    _not_negative("clip_grad_value_", limit=limit)
    for p in parameters:
        if p.grad is not None:
            p.grad = clip(p.grad, -limit, limit)


def clip_grad_norm_(parameters: Sequence[Tensor], limit: float) -> Tensor:
    """Scale all gradients together so that their joint Euclidean norm is at most `limit`.

    Pascanu et al. 2013, algorithm 1: the direction stays, the length is limited. A norm that is not finite changes
    nothing, so that what went wrong can still be seen.

    Returns
    -------
    Tensor
        The norm before, a single float64 number.
    """
    _not_negative("clip_grad_norm_", limit=limit)
    found = [p for p in parameters if p.grad is not None]
    norms = [norm(p.grad.detach()).astype(np.float64) for p in found if p.grad is not None]
    total = norm(stack(norms)) if norms else Tensor(0.0, np.float64)
    too_long = np.isfinite(total) & (total > limit)
    factor = where(too_long, limit / where(too_long, total, 1.0), 1.0)
    for p in found:
        if p.grad is not None:
            p.grad = p.grad * factor.astype(p.dtype)
    return total
