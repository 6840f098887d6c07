"""The smaller network that one with units alike is worth, and both trained side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from ...engine.gradients import grad
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...layering import Step, layers
from ...nn import Linear, Module, role_of
from ..fronts.copies import converted
from ..fronts.own_modules import Loss
from ..measures.symmetry import classes
from .redesign import modules_of

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Quotient:
    """A network with one unit for each class of units of another, that learns the same.

    Attributes
    ----------
    model
        The smaller network.
    rates
        For each of its parameters, by name, by how much the learning rate has to be multiplied: one number a weight.
    """

    model: Module
    rates: dict[str, Array]


def quotient(model: Module) -> Quotient:
    """One unit for each class of units alike (float64).

    Parameters
    ----------
    model
        A chain of dense layers and activations. Units count as alike if their incoming weights and biases are.

    Notes
    -----
    A class of m_j units feeds class i with u_ij = m_j w_ij. One gradient step changes w_ij by -η δ_i a_j, where δ_i is
    the cotangent of a single unit; the quotient sees the sum over the class, m_i δ_i. Hence its rates are η m_j/m_i for
    weights and η/m_i for biases. For a constant start every hidden layer is one class and the quotient has width 1.
    """
    small = converted(model, np.float64)
    rates: dict[str, Array] = {}
    names = {id(module): name for name, module in small.named_modules()}
    inputs: list[tuple[int, ...]] | None = None
    linears = dense_chain(small)
    if len({id(linear) for linear in linears}) < len(linears):
        raise ValueError("quotient: expected every layer to be used once, but one is used several times")
    for i, linear in enumerate(linears):
        weight = linear.weight.numpy()
        bias = None if linear.bias is None else linear.bias.numpy()
        of_layer = [weight] if bias is None else [weight, bias]
        outputs: list[tuple[int, ...]] = [(unit,) for unit in range(len(weight))]
        if i < len(linears) - 1:  # the last layer's units have targets of their own
            outputs = list(classes(of_layer).members)
        inputs = [(unit,) for unit in range(weight.shape[1])] if inputs is None else inputs
        first = [found[0] for found in outputs]
        m_out, m_in = np.array([len(found) for found in outputs]), np.array([len(found) for found in inputs])
        smaller = Linear(len(inputs), len(outputs), bias is not None, rng=0, dtype=np.float64)
        with no_grad():
            smaller.weight.copy_(weight[first][:, [found[0] for found in inputs]] * m_in)
        rates[f"{names[id(linear)]}.weight"] = m_in / m_out[:, None]
        if bias is not None and smaller.bias is not None:
            with no_grad():
                smaller.bias.copy_(bias[first])
            rates[f"{names[id(linear)]}.bias"] = 1.0 / m_out
        replace(small, linear, smaller)
        inputs = outputs
    return Quotient(small, rates)


def dense_chain(model: Module) -> list[Linear]:
    """The dense layers of a chain in which at most an activation follows each.

    Raises
    ------
    TypeError
        The model is anything else.
    """
    modules = modules_of(model) or [model]
    chain = layers([Step(module, role_of(module)) for module in modules])
    expected = [part for layer in chain for part in layer if part is not None]
    wrong = [m for m, e in zip_longest(modules, expected) if m is not e]
    wrong += [linear for linear, _ in chain if not isinstance(linear, Linear)]
    if wrong:
        raise TypeError(f"expected linear maps, each with at most one activation after it; got {wrong[0]!r}")
    return [linear for linear, _ in chain if isinstance(linear, Linear)]


def replace(model: Module, old: Module, new: Module) -> None:
    """Put a module in the place of another, wherever it stands in a model."""
    for _, module in list(model.named_modules()):
        for name, child in list(module._members()):
            if child is old:
                setattr(module, name, new)


def side_by_side(model: Module, x: Any, y: Any, loss: Loss, lr: float, steps: int) -> tuple[list[float], list[float]]:
    """The losses of a network and of its quotient under plain gradient descent, in float64.

    Equal up to rounding; where the steps are unstable, rounding itself grows and they drift apart.
    """
    small = quotient(model)
    return (
        descend(converted(model, np.float64), x, y, loss, lr, {}, steps),
        descend(small.model, x, y, loss, lr, small.rates, steps),
    )


def descend(model: Module, x: Any, y: Any, loss: Loss, lr: float, rates: dict[str, Array], steps: int) -> list[float]:
    """Losses before each of so many steps of gradient descent with a rate for each weight."""
    signal, losses = Tensor(np.asarray(x), np.float64), []
    parameters = dict(model.named_parameters())
    with enable_grad():
        for _ in range(steps):
            cost = loss(model(signal), y)
            losses.append(cost.item())
            for name, gradient in zip(parameters, grad(cost, list(parameters.values())), strict=True):
                with no_grad():
                    changed = parameters[name].numpy() - lr * rates.get(name, 1.0) * gradient.numpy()
                    parameters[name].copy_(changed)
    return losses
