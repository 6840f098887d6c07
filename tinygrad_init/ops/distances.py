"""Losses of numbers and of pairs: how far predictions are from what they should be, or from each other.

`reduction` is "mean" (the default), "sum" or "none". Gradients flow into both sides, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import abs, clip, exp, log, minimum, sqrt, where
from .normalization import pairwise_distance
from .shape import expand_dims
from .targets import _numbers, reduce, require_between


def _both(name: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Two tensors of one shape."""
    (x,) = coerce(name, (input,))
    y = target if isinstance(target, Tensor) else Tensor(_numbers(target, name), x.dtype)
    x, y = coerce(name, (x, y))
    if x.shape != y.shape:
        raise ValueError(f"{name}: target has shape {y.shape}; expected {x.shape}, the prediction's")
    return x, y


def l1_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """|x - y|."""
    x, y = _both("l1_loss", input, target)
    return reduce(abs(x - y), reduction, "l1_loss")


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """½ (x - y)² / β where |x - y| < β, else |x - y| - β/2 (Girshick 2015, eq. 3)."""
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: expected beta of at least 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    x, y = _both("smooth_l1_loss", input, target)
    far = abs(x - y)
    return reduce(where(far < beta, far * far * (0.5 / beta), far - 0.5 * beta), reduction, "smooth_l1_loss")


def huber_loss(input: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """½ (x - y)² where |x - y| < δ, else δ (|x - y| - δ/2) (Huber 1964)."""
    if not delta > 0:
        raise ValueError(f"huber_loss: expected delta above 0, got {delta}")
    x, y = _both("huber_loss", input, target)
    far = abs(x - y)
    return reduce(where(far < delta, far * far * 0.5, delta * (far - 0.5 * delta)), reduction, "huber_loss")


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """y (ln y - x): the divergence of the distribution y from that whose logarithm is x, summed by `reduction`.

    Parameters
    ----------
    input
        Logarithms of probabilities.
    target
        Probabilities, or their logarithms with `log_target`.
    reduction
        Besides the others "batchmean": the sum divided by the number of samples, which is the divergence itself;
        "mean" divides by the number of elements.
    """
    x, y = _both("kl_div", input, target)
    if log_target:
        losses = exp(y) * (y - x)
    else:
        none = y == 0  # 0·ln 0 is 0
        losses = where(none, 0.0, y * log(where(none, 1.0, y))) - y * x
    if reduction == "batchmean":
        samples = x.shape[0] if x.ndim else 1
        if samples == 0:
            raise ValueError(f"kl_div: expected samples to take the mean of, got shape {x.shape}")
        return losses.sum() / float(samples)
    return reduce(losses, reduction, "kl_div")


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """½ (ln v + (x - y)² / v): -ln of the normal density with mean x and variance v at y (Nix and Weigend 1994).

    Parameters
    ----------
    var
        Variances: of the input's shape, or one that stretches to it, or without its last axis; those below ε count as
        ε.
    full
        Whether the constant ½ ln 2π is there.
    """
    name = "gaussian_nll_loss"
    x, y = _both(name, input, target)
    v = var if isinstance(var, Tensor) else Tensor(np.full(x.shape, var) if np.ndim(var) == 0 else var, x.dtype)
    if v.shape == x.shape[:-1] and v.shape != x.shape:
        v = expand_dims(v, -1)
    elif v.ndim > x.ndim or any(m not in (1, n) for m, n in zip(v.shape[::-1], x.shape[::-1], strict=False)):
        raise ValueError(f"{name}: var has shape {v.shape}, which does not stretch to {x.shape}, the input's")
    require_between(operand(v), 0.0, np.inf, lambda _: ValueError(f"{name}: expected variances of at least 0"))
    v = v + (clip(v, eps, None) - v).detach()  # the derivative is that of v, as in PyTorch
    losses = 0.5 * (log(v) + (x - y) * (x - y) / v)
    return reduce(losses + 0.5 * math.log(2.0 * math.pi) if full else losses, reduction, name)


def poisson_nll_loss(
    input: Any, target: Any, *, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    """λ - y ln λ: -ln of the probability that a Poisson distribution gives to y, without what does not depend on λ.

    Parameters
    ----------
    input
        ln λ, or λ without `log_input`; ε is then added within the logarithm.
    full
        Whether Stirling's approximation of ln y! is added where y > 1.
    """
    x, y = _both("poisson_nll_loss", input, target)
    losses = exp(x) - y * x if log_input else x - y * log(x + eps)
    if full:
        some = y > 1
        z = where(some, y, 1.0)
        losses = losses + where(some, z * log(z) - z + 0.5 * log(2.0 * math.pi * z), 0.0)
    return reduce(losses, reduction, "poisson_nll_loss")


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) - margin) where y = -1.

    Parameters
    ----------
    input1, input2
        Of shape (samples, features), or (features,).
    target
        1 or -1 for each sample.
    """
    name = "cosine_embedding_loss"
    x1, x2 = _both(name, input1, input2)
    y = _numbers(target, name)
    if x1.ndim not in (1, 2) or y.shape != x1.shape[:-1]:
        raise ValueError(
            f"{name}: expected (samples, features) and a target for each sample, got {x1.shape}, {y.shape}"
        )
    lengths = ((x1 * x1).sum(-1) + 1e-12) * ((x2 * x2).sum(-1) + 1e-12)
    cosine = (x1 * x2).sum(-1) / sqrt(lengths)
    apart = where(y == -1, clip(cosine - margin, 0.0, None), 0.0)
    return reduce(where(y == 1, 1.0 - cosine, 0.0) + apart, reduction, name)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, |a - p| - |a - n| + margin), lengths along the last axis (Schroff et al. 2015).

    Parameters
    ----------
    p, eps
        As in `pairwise_distance`.
    swap
        Whether the negative is held against the nearer of anchor and positive (Balntas et al. 2016).
    """
    return _triplet(
        "triplet_margin_loss", anchor, positive, negative, lambda x, y: pairwise_distance(x, y, p, eps), margin, swap,
        reduction,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with distances by a function of one's own."""
    name = "triplet_margin_with_distance_loss"
    return _triplet(name, anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    name: str,
    anchor: Any,
    positive: Any,
    negative: Any,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    a, p, n = coerce(name, (anchor, positive, negative))
    if not a.ndim == p.ndim == n.ndim:
        raise ValueError(f"{name}: expected tensors with as many axes, got {a.shape}, {p.shape} and {n.shape}")
    near, far = distance(a, p), distance(a, n)
    far = minimum(far, distance(p, n)) if swap else far
    return reduce(clip(near - far + margin, 0.0, None), reduction, name)
