"""Units that are the same unit, and the smaller network that such a layer is worth.

Units of a layer are alike when their incoming weights and biases are equal up to rounding. As long as what leaves them
is alike too, they get identical updates and stay alike: the layer is worth as many units as it has classes. Replacing
every class by one unit, with its outgoing weights multiplied by the size of the class and learning rates to match,
gives a network that computes and learns exactly the same (`quotient`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ...engine.backward import grad
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...nn import Linear, Module, layers_of
from ..chain import Loss, converted

Array = np.ndarray[Any, Any]

# Rounding errors add up over a training: so many spacings of numbers still count as equal.
ROUNDING = 1e3


@dataclass(frozen=True)
class Classes:
    """The units of a layer, sorted by equality.

    Attributes
    ----------
    members
        For each class the numbers of its units, ascending; classes in the order of their first units.
    exact
        Whether all units of a class are equal in every bit. If not, the symmetry is broken, but only by rounding.
    """

    members: tuple[tuple[int, ...], ...]
    exact: bool

    @property
    def units(self) -> int:
        return sum(len(found) for found in self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __str__(self) -> str:
        if len(self) == self.units:
            return f"{self.units} different units"
        how = "" if self.exact else ", different only by rounding"
        return f"{self.units} units, {len(self)} of them different{how}"


def classes(arrays: Sequence[Array], tolerance: float | None = None) -> Classes:
    """Which units are alike, taken together over arrays whose first axis are the units.

    Parameters
    ----------
    arrays
        A weight of shape (units, ...), a bias of shape (units,), or their gradients.
    tolerance
        How far apart numbers may be, as a share of the larger unit's largest number; 1000 spacings of the dtype unless
        given.
    """
    rows = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    if tolerance is None:
        tolerance = ROUNDING * float(np.finfo(rows.dtype).eps)
    size = np.max(np.abs(rows), axis=1, initial=0.0)
    # Rows that are alike have projections that are: only such are compared.
    along: Array = np.random.default_rng(0).uniform(0.5, 1.0, (rows.shape[1],)).astype(rows.dtype)
    members, exact = [], True
    with np.errstate(all="ignore"):
        projection = np.nan_to_num(rows @ along, posinf=np.inf, neginf=-np.inf)
        order = np.argsort(projection, kind="stable")
        ordered = projection[order]
        reach = tolerance * np.max(size, initial=0.0) * (np.sum(along) + rows.shape[1])
        if np.all(np.diff(ordered) > reach):  # the usual case: none is near another
            return Classes(tuple((i,) for i in range(len(rows))), True)
        left = np.ones(len(rows), dtype=bool)
        for first in range(len(rows)):
            if not left[first]:
                continue
            low = np.searchsorted(ordered, projection[first] - reach, "left")
            high = np.searchsorted(ordered, projection[first] + reach, "right")
            near = np.sort(order[low:high])
            others = near[left[near]]
            difference = np.max(np.abs(rows[others] - rows[first]), axis=1, initial=0.0)
            same = others[(difference <= tolerance * np.maximum(size[others], size[first])) | (others == first)]
            same = same if len(same) else np.array([first])  # a row of NaN is like nothing
            exact = exact and bool(np.all(rows[same] == rows[first]) or len(same) == 1)
            left[same] = False
            members.append(tuple(int(i) for i in same))
    return Classes(tuple(members), exact)


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
    layers = layers_of(small)
    if len({id(linear) for linear, _ in layers}) < len(layers):
        raise ValueError("quotient: expected every layer to be used once, but one is used several times")
    for i, (linear, _) in enumerate(layers):
        weight = linear.weight.numpy()
        bias = None if linear.bias is None else linear.bias.numpy()
        of_layer = [weight] if bias is None else [weight, bias]
        outputs: list[tuple[int, ...]] = [(unit,) for unit in range(len(weight))]
        if i < len(layers) - 1:  # the last layer's units have targets of their own
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


def replace(model: Module, old: Module, new: Module) -> None:
    """Put a module in the place of another, wherever it stands in a model."""
    for _, module in list(model.named_modules()):
        for name, child in list(module.children()):
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


def same_draws(weights: dict[str, Array], least: int = 16) -> list[tuple[str, str]]:
    """Pairs of weights that hold the same random numbers, whatever they were scaled by: a seed used twice.

    Parameters
    ----------
    weights
        By name.
    least
        With fewer different numbers in common chance, or a pattern, cannot be told from a seed.
    """
    known = {name: numbers for name, weight in weights.items() if (numbers := draws(weight, least)) is not None}
    found = []
    for (one, a), (other, b) in combinations(known.items(), 2):
        # A few numbers tell almost always; only then are all compared.
        if proportional(a[:least], b[:least]) and proportional(a, b):
            found.append((one, other))
    return found


def draws(weight: Array, least: int) -> Array | None:
    """A weight's numbers in a row, if enough of them are different to be told from a pattern."""
    row = np.asarray(weight, np.float64).reshape(-1)
    enough = row.size >= least and np.isfinite(row).all() and len(np.unique(row[: 64 * least])) >= least
    return row if enough else None


def proportional(a: Array, b: Array) -> bool:
    """Whether two rows of numbers, as far as both go, differ only by a factor, up to rounding in float32."""
    n = min(a.size, b.size)
    x, y = (row[:n] / np.max(np.abs(row[:n])) if row[:n].any() else row[:n] for row in (a, b))
    length = float(x @ x)
    if length == 0:
        return False
    return bool(np.max(np.abs(y - float(x @ y) / length * x)) <= ROUNDING * np.finfo(np.float32).eps)
