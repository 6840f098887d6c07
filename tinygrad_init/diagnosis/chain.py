"""A network as a chain of links, run forward and backward link by link.

Backward, the cotangent is kept as a logarithm of its size and numbers of size 1: it neither underflows nor overflows,
so that a gradient of 10^-400 is known as well as one of 10^-4.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..engine.backward import grad
from ..engine.modes import enable_grad
from ..engine.tensor import Tensor
from ..nn import Activation, Module, Parameter, PReLU, Residual, dtype_of, is_linear_map
from .fronts.parts import Function, parts_of

Array = np.ndarray[Any, Any]
Loss = Callable[[Tensor, Any], Tensor]

WEIGHTS, ACTIVATION, RESIDUAL, OTHER = "weights", "activation", "residual", "other"


def kind_of(module: Module) -> str:
    """What a link is: a linear map with a weight, an activation, a residual block, or something else."""
    if isinstance(module, Activation | PReLU):
        return ACTIVATION
    if isinstance(module, Residual):
        return RESIDUAL
    return WEIGHTS if is_linear_map(module) else OTHER


@dataclass(frozen=True)
class Cotangent:
    """∂C by some numbers: `unit` times 10^`log10`; the largest of `unit` is 1 in size, or all are 0."""

    unit: Array
    log10: float = 0.0

    @staticmethod
    def of(values: Array, log10: float = 0.0) -> Cotangent:
        """Numbers times 10^`log10`."""
        values = np.asarray(values, np.float64)
        top = float(np.max(np.abs(values), initial=0.0))
        if top == 0 or not math.isfinite(top):
            return Cotangent(values, log10)
        return Cotangent(values / top, log10 + math.log10(top))

    @property
    def norm(self) -> float:
        """log10 of the Euclidean norm; -inf of nothing but zeros, NaN where a number is not finite."""
        found = float(np.sqrt(np.sum(self.unit * self.unit)))
        if found == 0:
            return -math.inf
        return self.log10 + math.log10(found) if math.isfinite(found) else math.nan

    @property
    def is_zero(self) -> bool:
        """Whether all numbers are exactly 0."""
        return not self.unit.any()

    def numbers(self) -> Array:
        """The numbers as they are: infinite or 0 where they are too large or too small for a float."""
        half = power_of_ten(self.log10 / 2)  # one factor alone could be too large for a product that is not
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.where(self.unit == 0, 0.0, self.unit * half * half)


def power_of_ten(exponent: float) -> float:
    """10^exponent; infinity where that is too large for a float, of which Python would make an error."""
    try:
        return 10.0**exponent
    except OverflowError:
        return math.inf


@dataclass(eq=False)
class Link:
    """A module of a chain with what went in and what came out.

    Attributes
    ----------
    name
        The module's full name in the model.
    kind
        "weights", "activation", "residual" or "other".
    x, out
        Input and output, the samples first; leaf and result of a graph of the link's own.
    branch, shortcut
        Of a residual block, the chain beside x and what x itself goes through (empty: nothing).
    """

    name: str
    module: Module
    kind: str
    x: Tensor
    out: Tensor
    branch: tuple[Link, ...] = ()
    shortcut: tuple[Link, ...] = ()

    @property
    def label(self) -> str:
        """What the link is called in words: an activation by its function's name, others by their class."""
        if isinstance(self.module, Function):
            return str(self.module.op.name)
        return self.module.name if isinstance(self.module, Activation) else type(self.module).__name__.lower()

    def pull(self, cotangent: Cotangent) -> Cotangent:
        """From ∂C/∂out to ∂C/∂x."""
        if self.kind == RESIDUAL:
            one, other = pull_through(self.branch, cotangent), pull_through(self.shortcut, cotangent)
            shift = max(one.log10, other.log10)
            return Cotangent.of(one.unit * 10 ** (one.log10 - shift) + other.unit * 10 ** (other.log10 - shift), shift)
        if self.out is self.x:
            return cotangent
        return self._pulled(self.x, cotangent)

    def pull_to_weight(self, cotangent: Cotangent) -> Cotangent:
        """From ∂C/∂out to ∂C/∂W."""
        return self._pulled(self.weight, cotangent)

    @property
    def weight(self) -> Parameter:
        """The weight of a linear map: of shape (out_features, in_features) or (channels, channels, *window)."""
        found: Parameter = vars(self.module)["weight"]
        return found

    @property
    def bias(self) -> Parameter | None:
        """Its bias, if it has one."""
        return vars(self.module).get("bias")

    @property
    def unit_axis(self) -> int:
        """Which axis of a linear map's output are its units: the last, or the channels of a convolution."""
        return -1 if self.weight.ndim == 2 else 1

    def by_unit(self, weights: Array) -> Array:
        """The weights, or what has their shape, with a row for each unit (output channel)."""
        return by_unit(self.module, weights)

    def rows(self, values: Array) -> Array:
        """Numbers of the linear map's output, one column a unit, a row for each sample (and position)."""
        return rows_of(self.module, values)

    def _pulled(self, to: Tensor, cotangent: Cotangent) -> Cotangent:
        seed = Tensor(cotangent.unit.reshape(self.out.shape), self.out.dtype)
        return Cotangent.of(grad(self.out, to, gradients=seed, retain_graph=True).numpy(), cotangent.log10)


def by_unit(module: Module, weights: Array) -> Array:
    """The weights of a linear map, or what has their shape, with a row for each unit (output channel)."""
    own: Any = getattr(module, "by_unit", None)
    found: Array = weights.reshape(len(weights), -1) if own is None else own(weights)
    return found


def rows_of(module: Module, values: Array) -> Array:
    """Numbers that come out of a linear map, one column a unit, a row for each sample (and position)."""
    if vars(module)["weight"].ndim > 2:
        values = np.moveaxis(values, 1, -1)
    return values.reshape(-1, values.shape[-1])


def pull_through(links: tuple[Link, ...], cotangent: Cotangent) -> Cotangent:
    """From the cotangent of a chain's output to that of its input."""
    for link in reversed(links):
        cotangent = link.pull(cotangent)
    return cotangent


@dataclass(eq=False)
class Forward:
    """A model's links on a batch.

    Attributes
    ----------
    model
        What was run.
    links
        First to last; those of residual blocks' branches are inside them.
    """

    model: Module
    links: tuple[Link, ...]

    def flat(self) -> Iterator[Link]:
        """All links in the order in which they run, those of branches before their block."""
        return flat(self.links)

    def linears(self) -> list[Link]:
        """The links with weights."""
        return [link for link in self.flat() if link.kind == WEIGHTS]

    @cached_property
    def places(self) -> dict[Link, tuple[tuple[Link, ...], int]]:
        """Every link's own chain (the whole one, or that of a branch) and its place in it."""
        found: dict[Link, tuple[tuple[Link, ...], int]] = {}
        waiting = [self.links]
        while waiting:
            links = waiting.pop()
            found.update((link, (links, i)) for i, link in enumerate(links))
            waiting += [inner for link in links for inner in (link.branch, link.shortcut) if inner]
        return found

    def after(self, link: Link) -> tuple[Link, ...]:
        """The links after one in its own chain."""
        row, i = self.places[link]
        return row[i + 1 :]

    def activation_after(self, link: Link) -> Link | None:
        """The activation that a linear map's output goes through, unit by unit, before anything mixes the units."""
        for later in self.after(link):
            if later.kind in (WEIGHTS, RESIDUAL) or later.x.shape != link.out.shape:
                return None
            if later.kind == ACTIVATION:
                return later
        return None

    def dense_layers(self) -> list[tuple[Link, Link | None]] | None:
        """Dense layers, each with the activation after it; None if the network is anything else."""
        found: list[tuple[Link, Link | None]] = []
        for link in self.links:
            if link.kind == WEIGHTS and link.weight.ndim == 2 and link.x.ndim == 2:
                found.append((link, None))
            elif link.kind == ACTIVATION and found and found[-1][1] is None:
                found[-1] = found[-1][0], link
            else:
                return None
        return found

    @cached_property
    def uses(self) -> Counter[int]:
        """How many links use a weight, by its identity."""
        return Counter(id(link.weight) for link in self.linears())

    @cached_property
    def names(self) -> dict[int, str]:
        """The names of the parameters by their identity."""
        return {id(parameter): name for name, parameter in self.model.named_parameters()}


@dataclass(eq=False)
class Chain(Forward):
    """The same with the loss at the end, and what comes back from it.

    Attributes
    ----------
    loss
        The loss as a number.
    start
        ∂C/∂output.
    gradients
        ∂C by every parameter, by name, as the engine finds them in one ordinary backward pass through the whole model.
    """

    loss: float
    start: Cotangent
    gradients: dict[str, Array]

    def gradient(self, parameter: Parameter) -> Array:
        """∂C by one of the parameters of `model`; one that several links share has one for all of them."""
        return self.gradients[self.names[id(parameter)]]

    def backward(self) -> dict[Link, Cotangent]:
        """∂C/∂out of every link."""
        found: dict[Link, Cotangent] = {}

        def walk(links: tuple[Link, ...], cotangent: Cotangent) -> Cotangent:
            for link in reversed(links):
                found[link] = cotangent
                if link.kind == RESIDUAL:
                    walk(link.branch, cotangent)
                    walk(link.shortcut, cotangent)
                cotangent = link.pull(cotangent)
            return cotangent

        with enable_grad():
            walk(self.links, self.start)
        return found


def flat(links: tuple[Link, ...]) -> Iterator[Link]:
    """Links and those of branches inside them."""
    for link in links:
        yield from flat(link.branch)
        yield from flat(link.shortcut)
        yield link


def run(model: Module, x: Any, y: Any, loss: Loss, dtype: Any = None) -> Chain:
    """Run a batch through a model, link by link; the model is left as it was.

    Parameters
    ----------
    model
        `nn.Sequential`, `nn.MLP`, residual blocks in any nesting, or a module of one's own that calls its modules one
        after the other, with functions of one tensor between them.
    x, y
        The batch, as `loss` wants it.
    loss
        From predictions and targets to one number, the mean over the samples.
    dtype
        In which to compute; that of the model unless given.

    Raises
    ------
    TypeError
        The model is no chain.
    """
    whole, copied = converted(model, dtype), converted(model, dtype)
    kind = dtype_of(copied, np.dtype(np.float64))
    signal, target = Tensor(as_array(x), kind), as_array(y, kind)
    with enable_grad(), np.errstate(all="ignore"):
        links = links_of(copied, signal)
        if not links:
            raise TypeError(f"expected a model that does something, got {type(model).__name__} without modules")
        end = Tensor(links[-1].out.numpy(), kind, requires_grad=True)
        cost = loss(end, target)
        if not isinstance(cost, Tensor) or cost.size != 1:
            came = f"shape {cost.shape}" if isinstance(cost, Tensor) else type(cost).__name__
            raise TypeError(f"expected the loss to be a tensor of one number, got {came}")
        start = Cotangent.of(grad(cost, end).numpy())
        # A copy of its own: what draws random numbers draws the same ones again.
        parameters = dict(whole.named_parameters())
        found = grad(loss(whole(signal), target), list(parameters.values()))
    gradients = {name: gradient.numpy() for name, gradient in zip(parameters, found, strict=True)}
    return Chain(copied, links, cost.item(), start, gradients)


def links_of(model: Module, x: Tensor) -> tuple[Link, ...]:
    """Run a model on a batch and return its links, first to last.

    Raises
    ------
    TypeError
        It is no chain.
    """
    return _links(model, x, {id(module): name or type(module).__name__ for name, module in model.named_modules()})


def _links(module: Module, signal: Tensor, names: dict[int, str]) -> tuple[Link, ...]:
    """The links that a module consists of, each on a graph of its own."""
    x = Tensor(signal.numpy(), signal.dtype, requires_grad=True)
    parts = parts_of(module, x)
    if parts is not None:
        links: list[Link] = []
        for part in parts:
            links += _links(part, links[-1].out if links else signal, names)
        return tuple(links)
    kind = kind_of(module)
    if not isinstance(module, Residual):
        return (Link(names.get(id(module), "a function"), module, kind, x, module(x)),)
    branch = _links(module.branch, x, names)
    shortcut = () if module.shortcut is None else _links(module.shortcut, x, names)
    out = branch[-1].out + (shortcut[-1].out if shortcut else x)
    return (Link(names[id(module)], module, kind, x, out, branch, shortcut),)


def converted(model: Module, dtype: Any) -> Module:
    """A copy of a model, its parameters and buffers in another dtype (None: in their own); nothing in it is frozen."""
    copied = copy.deepcopy(model)
    known: dict[int, Any] = {}
    for _, module in copied.named_modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, Tensor):
                if id(value) not in known:
                    known[id(value)] = cast(value, value.dtype if dtype is None else dtype)
                if isinstance(value, Parameter):
                    known[id(value)].requires_grad = True
                setattr(module, name, known[id(value)])
    return copied


def cast(tensor: Any, dtype: Any) -> Any:
    """A leaf like this one in another dtype."""
    made, (array, *rest) = tensor.__reduce__()[:2]
    return made(np.asarray(array, dtype), *rest)


def as_array(values: Any, dtype: Any = None) -> Array:
    """Numbers as an array, real ones in the dtype of the predictions (None: in their own)."""
    found = values.numpy() if isinstance(values, Tensor) else np.asarray(values)
    return found.astype(dtype) if found.dtype.kind == "f" and dtype is not None else found
