"""Update rules: W ← W - η ∂C/∂W and what has been made of it; and clipping of gradients that are too large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._engine.modes import no_grad
from ._engine.tensor import Tensor
from .ops import clip, norm

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
        self.parameters: list[Tensor] = []
        for p in parameters:
            if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
                raise TypeError(f"{owner}: expected leaves that require grad, got {p!r}")
            if all(p is not known for known in self.parameters):
                self.parameters.append(p)
        if not self.parameters:
            raise ValueError(f"{owner}: no parameters to update")
        _not_negative(owner, lr=lr)
        self.lr = lr
        self.steps = 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        self.steps += 1
        # A step that is too large overflows, and is to be seen in the weights, not in a warning about this line.
        with no_grad(), np.errstate(all="ignore"):
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    continue
                if p.ndim == 0:  # a bare number has no array to change in place
                    value = np.array(p.numpy())
                    self.update(i, value, p.grad.numpy())
                    p.fill_(value.item())
                else:
                    self.update(i, p.mutable_(), p.grad.numpy())

    def update(self, i: int, weight: Array, gradient: Array) -> None:
        """Change parameter number `i` in place."""
        raise NotImplementedError


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
        self.velocity: dict[int, Array] = {}

    def update(self, i: int, weight: Array, gradient: Array) -> None:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        if self.momentum:
            if i in self.velocity:
                self.velocity[i] *= self.momentum
                self.velocity[i] += gradient
            else:
                self.velocity[i] = gradient.copy()
            v = self.velocity[i]
            gradient = gradient + self.momentum * v if self.nesterov else v
        weight -= self.lr * gradient


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
        self.moments: dict[int, tuple[Array, Array, int]] = {}

    def update(self, i: int, weight: Array, gradient: Array) -> None:
        if self.weight_decay and self.decoupled:
            weight *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        m, v, t = self.moments.get(i) or (np.zeros_like(weight), np.zeros_like(weight), 0)
        b1, b2 = self.betas
        t += 1
        m *= b1
        m += (1 - b1) * gradient
        v *= b2
        v += (1 - b2) * gradient * gradient
        self.moments[i] = m, v, t
        weight -= (self.lr / (1 - b1**t)) * m / (np.sqrt(v / (1 - b2**t)) + self.eps)


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


def clip_grad_norm_(parameters: Sequence[Tensor], limit: float) -> float:
    """Scale all gradients together so that their joint Euclidean norm is at most `limit`.

    Pascanu et al. 2013, algorithm 1: the direction stays, the length is limited. A norm that is not finite changes
    nothing, so that what went wrong can still be seen.

    Returns
    -------
    float
        The norm before.
    """
    _not_negative("clip_grad_norm_", limit=limit)
    gradients = [p.grad for p in parameters if p.grad is not None]
    total = math.hypot(*(norm(g.detach().astype(np.float64)).item() for g in gradients))
    if math.isfinite(total) and total > limit:
        for p in parameters:
            if p.grad is not None:
                p.grad = p.grad * (limit / total)
    return total
