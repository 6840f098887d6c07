"""The first step of the optimizer that is to train a model: how far it moves the weights, and whether it is stable."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.gradients import grad
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...optim import SGD, Adam, AdamW, Optimizer
from ...rehearsal import Rule, copied
from ..measures.lanczos import largest_eigenvalue
from ..measures.signal import length, ratio
from ..records import Evidence, Sharpness
from .copies import as_array
from .own_modules import Loss

Array = np.ndarray[Any, Any]

# So many samples are enough, and of a large network fewer, by the number of multiplications.
SAMPLES, FEWEST, MULTIPLICATIONS = 128, 32, 4e9
# Products of the Hessian with a vector at most; each takes about twice what a gradient does.
PRODUCTS = 10


def first_step(
    model: Module, x: Any, y: Any, loss: Loss, optimizer: Rule, weights: Sequence[str], work: float = 0.0
) -> Evidence:
    """The updates of all weights by one step on a copy, and the sharpness; model and optimizer stay as they are.

    Parameters
    ----------
    model, x, y, loss
        As in `diagnose`.
    optimizer
        As in `few_steps`.
    weights
        The names of the parameters whose updates are wanted.
    work
        Multiplications that a sample takes on its way forward (`Network.work`).

    Returns
    -------
    Evidence
        With nothing but `updates`, `sharpness` and `seconds`; with nothing at all for a single sample, or where all
        that the optimizer holds is frozen.
    """
    if len(x) < 2:
        return Evidence()
    began = time.perf_counter()
    size = int(min(SAMPLES, max(FEWEST, MULTIPLICATIONS / max(6 * PRODUCTS * work, 1.0))))
    rows = np.linspace(0, len(x) - 1, min(size, len(x))).astype(int)
    model, rule = copied(model, optimizer, "diagnose")
    held = {i: parameter for i, parameter in enumerate(rule.parameters) if parameter.requires_grad}
    if not held:
        return Evidence()
    kind = dtype_of(model, np.dtype(np.float64))
    with enable_grad(), np.errstate(all="ignore"):
        cost = loss(model.train()(Tensor(as_array(x[rows]), kind)), as_array(y[rows], kind))
        gradients = dict(zip(held, grad(cost, list(held.values()), create_graph=True), strict=True))
        before_products = time.perf_counter()
        sharpness = sharpness_of(rule, gradients, len(rows))
        after_products = time.perf_counter()
        named = dict(model.named_parameters())
        before = {name: np.array(named[name].numpy()) for name in weights}
        for i, gradient in gradients.items():
            held[i].grad = gradient.detach()
        rule.step()
        moved = {name: length(named[name].numpy() - values) for name, values in before.items()}
    spent = after_products - before_products
    return Evidence(
        updates=tuple(ratio(moved[name], length(before[name])) for name in weights),
        sharpness=sharpness,
        seconds={"updates": time.perf_counter() - began - spent, "sharpness": spent},
    )


def sharpness_of(rule: Optimizer, gradients: dict[int, Tensor], samples: int) -> Sharpness | None:
    """The largest eigenvalue of the Hessian in the optimizer's metric, and what it may be.

    The Hessian times v is the derivative of the gradient along v (Pearlmutter 1994), which the engine has from the
    gradient's own graph. Weight decay that is part of the gradient is part of the Hessian; that of `AdamW` is not.

    Parameters
    ----------
    rule
        An optimizer in the state in which it takes its next step.
    gradients
        Of the loss by its parameters, by their numbers, with their graph.

    Returns
    -------
    Sharpness or None
        None for a rule that is neither `SGD` nor `Adam` nor `AdamW`, for their variants, where groups of parameters
        have options of their own, and where the numbers are not finite.
    """
    plain = {i: np.asarray(gradient.numpy()) for i, gradient in gradients.items()}
    limit, decay = limit_of(rule), 0.0 if decouples(rule) else getattr(rule, "weight_decay", 0.0)
    if math.isnan(limit) or not all(np.isfinite(values).all() for values in plain.values()):
        return None
    dtype = np.result_type(*plain.values())
    ends = np.cumsum([values.size for values in plain.values()])
    held = [rule.parameters[i] for i in gradients]
    curved = [gradient for gradient in gradients.values() if gradient.requires_grad]  # others are constant
    scale = adam_scale(rule, plain, decay).astype(dtype, copy=False) if isinstance(rule, Adam) else None

    def product(v: Array) -> Array:
        along = v if scale is None else scale * v
        parts = zip(gradients.values(), np.split(along, ends[:-1]), strict=True)
        found = np.zeros_like(v)
        if curved:
            directions = [Tensor(part.reshape(g.shape), g.dtype) for g, part in parts if g.requires_grad]
            changes = grad(curved, held, gradients=directions, retain_graph=True)
            found = flat([np.asarray(change.numpy()) for change in changes]).astype(dtype, copy=False)
        if decay:
            found += decay * along
        return found if scale is None else scale * found

    value, error, products = largest_eigenvalue(product, int(ends[-1]), PRODUCTS, dtype=dtype)
    if math.isnan(value):
        return None
    metric = "adam" if isinstance(rule, Adam) else "gradient"
    return Sharpness(value, error, metric, float(rule.lr), limit, samples, products)


def flat(arrays: Sequence[Array]) -> Array:
    """All numbers in a row."""
    return np.concatenate([values.reshape(-1) for values in arrays])


def limit_of(rule: Optimizer) -> float:
    """Below what rate times eigenvalue a rule converges on a quadratic loss; NaN for a rule that is not known.

    2 for gradient descent, 2(1+μ) with momentum, 2(1+μ)/(1+2μ) with Nesterov's (Cohen et al. 2021, on the edge
    of stability); for Adam, whose m is momentum with β₁, 2(1+β₁) with the eigenvalue in `adam_scale`'s metric (Cohen et
    al. 2022, on adaptive methods there).
    """
    if len({repr(sorted((k, v) for k, v in group.items() if k != "params")) for group in rule.param_groups}) > 1:
        return math.nan
    if type(rule) is SGD and not rule.dampening and not rule.maximize:
        mu = rule.momentum
        return 2 * (1 + mu) / (1 + 2 * mu) if rule.nesterov else 2 * (1 + mu)
    known = isinstance(rule, Adam) and type(rule) in (Adam, AdamW) and not rule.amsgrad and not rule.maximize
    return 2 * (1 + rule.betas[0]) if known else math.nan


def decouples(rule: Optimizer) -> bool:
    """Whether weights decay apart from the gradient."""
    return bool(getattr(rule, "decoupled_weight_decay", False))


def adam_scale(rule: Adam, gradients: dict[int, Array], decay: float) -> Array:
    """D^(-1/2), so that the eigenvalues of D^(-1/2) H D^(-1/2) are those of D⁻¹H, which is what Adam descends on.

    D is what Adam's next step divides by, √v̂ + ε, with the current gradient in v̂ already: at the first step |g| + ε.
    m̂ = m/(1-β₁ᵗ) is the sum v of momentum times (1-β₁)/(1-β₁ᵗ), a factor that belongs to D as well (Cohen et al. 2022).
    """
    found = []
    (beta1, beta2), eps = rule.betas, rule.eps
    for i, gradient in gradients.items():
        parameter = rule.parameters[i]
        known = rule.state.get(parameter) or rule.start(parameter, rule.param_groups[0])
        v, t = known["exp_avg_sq"], known["step"].item()
        g = (gradient + decay * parameter.numpy()).reshape(-1)
        before1, before2 = beta1**t, beta2**t
        second = (beta2 * v.reshape(-1) + (1 - beta2) * g * g) / (1 - beta2 * before2)
        found.append((np.sqrt(second) + eps) * ((1 - beta1 * before1) / (1 - beta1)))
    return 1 / np.sqrt(flat(found))
