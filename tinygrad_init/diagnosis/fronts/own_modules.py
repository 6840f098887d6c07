"""A `Network` of this package's modules.

What a front end supplies: it runs the model on the batch, and for each step writes down a `Link` with the arrays that
went in and came out, its name and role, weight and bias as named arrays with the axis that the units have, the record
of an activation, and four functions of arrays (`vjp`, `vjp_to`, `jvp`, `rerun`); for the whole, all parameters with
their gradients from the framework's own backward pass, the loss as a function with its cotangent, and how to run it
again. The model is left as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from itertools import groupby
from typing import Any

import numpy as np

from ...activations import activation
from ...engine.backward import grad
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...nn import (
    LOSSES,
    MLP,
    Activation,
    BatchNorm,
    Call,
    Dropout,
    Module,
    Residual,
    dtype_of,
    observe,
    role_of,
    undisturbed,
)
from ..network import ACTIVATION, OTHER, RESIDUAL, WEIGHTS, Cotangent, Link, Network, units_first
from ..network import Parameter as Named
from .chains import Function, parts_of
from .copies import as_array, converted

Array = np.ndarray[Any, Any]
Loss = Callable[[Tensor, Any], Tensor]


class Links:
    """Makes the links of a model, of which it knows the names: of modules and parameters, by their identities."""

    def __init__(self, names: dict[int, str], parameters: dict[int, str]) -> None:
        self.names, self.parameters = names, parameters

    @staticmethod
    def of_model(model: Module) -> Links:
        """All names are those in the model."""
        names = {id(module): name or type(module).__name__ for name, module in model.named_modules()}
        return Links(names, {id(parameter): name for name, parameter in model.named_parameters()})

    def again(self, module: Module, x: Array, source: Link | str) -> Link:
        """The link of a module on another input: of a twin, since running it may change what it remembers."""
        twin = copy.deepcopy(module)
        modules = zip(twin.named_modules(), module.named_modules(), strict=True)
        parameters = zip(twin.named_parameters(), module.named_parameters(), strict=True)
        links = Links(
            {id(new): self.names[id(old)] for (_, new), (_, old) in modules if id(old) in self.names},
            {id(new): self.parameters[id(old)] for (_, new), (_, old) in parameters if id(old) in self.parameters},
        )
        with enable_grad():
            signal = Tensor(x, x.dtype, requires_grad=True)
            return (
                links.residual(twin, signal, source) if isinstance(twin, Residual) else links.link(twin, signal, source)
            )

    def of(self, module: Module, signal: Tensor, source: Link | str = "x") -> tuple[Link, ...]:
        """The links that a module consists of, each on a graph of its own.

        Raises
        ------
        TypeError
            It is no chain.
        """
        x = Tensor(signal.numpy(), signal.dtype, requires_grad=True)
        parts = parts_of(module, x)
        if parts is None:
            return (self.residual(module, x, source) if isinstance(module, Residual) else self.link(module, x, source),)
        links: list[Link] = []
        for part in parts:
            links += self.of(part, leaf(links[-1].output) if links else signal, source)
            source = links[-1] if links else source
        return tuple(links)

    def residual(self, module: Residual, x: Tensor, source: Link | str) -> Link:
        """A block: its branch and what goes past it, each a chain."""
        branch = self.of(module.branch, x, source)
        shortcut = () if module.shortcut is None else self.of(module.shortcut, x, source)
        past = shortcut[-1].output if shortcut else x.numpy()
        return Link(
            name=self.names.get(id(module), "a sum"),
            role=RESIDUAL,
            label=label_of(module),
            inputs=(x.numpy(),),
            output=(leaf(branch[-1].output) + leaf(past)).numpy(),
            rerun=lambda inputs: self.again(module, inputs[0], source),
            sources=(source,),
            branch=branch,
            shortcut=shortcut,
        )

    def link(self, module: Module, x: Tensor, source: Link | str, out: Tensor | None = None) -> Link:
        """A module that is one step; what came out of it is computed unless it is given."""
        own = {name: value for name, value in vars(module).items() if isinstance(value, Tensor)}
        named = {name: Named(self.parameters.get(id(value), name), value.numpy()) for name, value in own.items()}
        tensors = {named[name].name: value for name, value in own.items()}
        role, result = role_of(module), module(x) if out is None else out

        def vjp(cotangent: Array) -> tuple[Array, ...]:
            return (cotangent if result is x else pulled(result, x, cotangent),)

        def jvp(tangents: tuple[Array, ...]) -> Array:
            return tangents[0] if result is x else pushed(result, x, tangents[0])

        return Link(
            name=self.names.get(id(module), "a function"),
            role=role,
            label=label_of(module),
            inputs=(x.numpy(),),
            output=result.numpy(),
            vjp=vjp,
            vjp_to=lambda name, cotangent: pulled(result, tensors[name], cotangent),
            jvp=jvp,
            rerun=lambda inputs: self.again(module, inputs[0], source),
            sources=(source,),
            weight=named["weight"] if role == WEIGHTS else None,
            bias=named.get("bias") if role == WEIGHTS else None,
            parameters=tuple(named.values()),
            unit_axis=unit_axis(module) if role == WEIGHTS else -1,
            by_unit=getattr(module, "by_unit", units_first),
            activation=activation(module) if role == ACTIVATION else None,
            elementwise=isinstance(module, Dropout),
            mixes_samples=isinstance(module, BatchNorm) and module.training,
        )


def leaf(values: Array) -> Tensor:
    """An array as a tensor of its own dtype."""
    return Tensor(values, values.dtype)


def unit_axis(module: Module) -> int:
    """Which axis of a linear map's output are its units: the last, or the channels of a convolution."""
    return -1 if vars(module)["weight"].ndim == 2 else 1


def by_unit(module: Module, weights: Array) -> Array:
    """The weights of a linear map, or what has their shape, with a row for each unit (output channel)."""
    found: Array = getattr(module, "by_unit", units_first)(weights)
    return found


def rows_of(module: Module, values: Array) -> Array:
    """Numbers that come out of a linear map, one column a unit, a row for each sample (and position)."""
    axis = unit_axis(module)
    return np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])


def label_of(module: Module) -> str:
    """What a link is called in words: an activation by its function's name, others by their class."""
    if isinstance(module, Function):
        return str(module.op.name)
    return module.name if isinstance(module, Activation) else type(module).__name__.lower()


def pulled(out: Tensor, to: Tensor, cotangent: Array) -> Array:
    """The vector-Jacobian product of what was computed."""
    with enable_grad():
        found = grad(out, to, gradients=Tensor(cotangent, out.dtype), retain_graph=True)
    return np.asarray(found.numpy())


def pushed(out: Tensor, x: Tensor, tangent: Array) -> Array:
    """The Jacobian-vector product: the derivative of the vector-Jacobian product by its cotangent."""
    with enable_grad():
        cotangent = Tensor(np.zeros(out.shape), out.dtype, requires_grad=True)
        back = grad(out, x, gradients=cotangent, create_graph=True, retain_graph=True)
        if not back.requires_grad:  # it does not depend on the cotangent: nothing comes through
            return np.zeros(out.shape)
        return np.asarray(grad(back, cotangent, gradients=Tensor(tangent, x.dtype)).numpy())


def run(
    model: Module,
    x: Any,
    y: Any,
    loss: Loss,
    dtype: Any = None,
    *,
    parameters: dict[str, Array] | None = None,
    evaluating: bool = False,
) -> Network:
    """Run a batch through a model, link by link, and back from the loss; the model is left as it was.

    Parameters
    ----------
    model
        `nn.Sequential`, `nn.MLP`, residual blocks in any nesting, or a module of one's own that calls its modules one
        after the other, with functions of one tensor between them and sums x + f(x) around them.
    x, y
        The batch, as `loss` wants it.
    loss
        From predictions and targets to one number, the mean over the samples.
    dtype
        In which to compute; that of the model unless given.
    parameters
        What some of them are instead, by name.
    evaluating
        Whether the model is not being trained, so that nothing is dropped out.

    Raises
    ------
    TypeError
        The model is no chain.
    """
    model = copy.deepcopy(model)  # what is run again later is what it was now
    whole, copied = (converted(model, dtype, parameters, evaluating) for _ in range(2))
    kind = dtype_of(copied, np.dtype(np.float64))
    signal, target = Tensor(as_array(x), kind), as_array(y, kind)

    def again(**other: Any) -> Network:
        new = {"dtype": dtype, "evaluating": evaluating, **other}
        changed = (parameters or {}) | (new.pop("parameters") or {})
        xs, ys = (before if now is None else now for now, before in ((new.pop("x"), x), (new.pop("y"), y)))
        if not new.pop("backward", True):
            return forward(model, xs, parameters=changed, **new)
        return run(model, xs, ys, loss, parameters=changed, **new)

    loss_of = loss_and_cotangent(loss, target, kind)
    with enable_grad(), np.errstate(all="ignore"):
        links = Links.of_model(copied).of(copied, signal)
        if not links:
            raise TypeError(f"expected a model that does something, got {type(model).__name__} without modules")
        cost, start = loss_of(links[-1].output)
        # A copy of its own: what draws random numbers draws the same ones again.
        named = dict(whole.named_parameters())
        found = grad(loss(whole(signal), target), list(named.values()))
    return Network(
        description=summary(model, links),
        inputs={"x": signal.numpy()},
        links=links,
        parameters=values_of(copied),
        gradients={name: np.asarray(gradient.numpy()) for name, gradient in zip(named, found, strict=True)},
        loss=cost,
        loss_name=next((name for name, known in LOSSES.items() if known is loss), ""),
        start=Cotangent.of(start),
        loss_of=loss_of,
        rerun=again,
    )


def forward(
    model: Module,
    x: Any,
    dtype: Any = None,
    *,
    parameters: dict[str, Array] | None = None,
    evaluating: bool = False,
) -> Network:
    """The same without a loss; gradients are those that the parameters have at present.

    Raises
    ------
    TypeError
        The model is no chain.
    """
    # As it is, the model itself will do: a copy takes longer than a look at a small network.
    itself = dtype is None and not parameters and not evaluating
    run_on = model if itself else converted(model, dtype, parameters, evaluating)
    signal = Tensor(as_array(x), dtype_of(run_on, np.dtype(np.float64)))
    with undisturbed(run_on) if itself else nullcontext():
        links = Links.of_model(run_on).of(run_on, signal)

    def again(**other: Any) -> Network:
        new = {"dtype": dtype, "evaluating": evaluating, **other}
        changed = (parameters or {}) | (new.pop("parameters") or {})
        xs = x if (now := new.pop("x")) is None else now
        del new["y"]
        new.pop("backward", None)
        return forward(model, xs, parameters=changed, **new)

    return Network(
        description=summary(run_on, links),
        inputs={"x": signal.numpy()},
        links=links,
        parameters=values_of(run_on),
        gradients=kept_gradients(run_on),
        rerun=again,
    )


def linear_maps_alone(model: Module, x: Tensor) -> Network:
    """What can be seen of a model that is no chain: its linear maps, in the order in which they are called."""
    links = Links.of_model(model)
    with no_grad(), observe() as calls:
        output = model(x)
    found = [links.link(call.module, call.inputs[0], "x", call.output) for call in calls if is_linear(call)]
    end = Link("", OTHER, "", (output.numpy(),), output.numpy())
    return Network("", {"x": x.numpy()}, (*found, end), values_of(model), kept_gradients(model))


def is_linear(call: Call) -> bool:
    """Whether a call was one of a linear map."""
    return role_of(call.module) == WEIGHTS


def values_of(model: Module) -> dict[str, Array]:
    """All parameters by name."""
    return {name: parameter.numpy() for name, parameter in model.named_parameters()}


def kept_gradients(model: Module) -> dict[str, Array]:
    """The gradients that the parameters have at present."""
    return {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}


def loss_and_cotangent(loss: Loss, targets: Any, dtype: Any) -> Callable[[Array], tuple[float, Array]]:
    """A loss as a function from predictions, as arrays, to the number and its derivatives by them."""

    def loss_of(predictions: Array) -> tuple[float, Array]:
        end = Tensor(predictions, dtype, requires_grad=True)
        with enable_grad(), np.errstate(all="ignore"):
            cost = one_number(loss(end, targets))
            return cost.item(), np.asarray(grad(cost, end).numpy())

    return loss_of


def one_number(cost: Any) -> Tensor:
    """A loss, if it is one."""
    if not isinstance(cost, Tensor) or cost.size != 1:
        came = f"shape {cost.shape}" if isinstance(cost, Tensor) else type(cost).__name__
        raise TypeError(f"expected the loss to be a tensor of one number, got {came}")
    return cost


def summary(model: Module, links: tuple[Link, ...]) -> str:
    """A network in a line: "64-64-64-10 relu", or its modules."""
    if isinstance(model, MLP):
        return f"{'-'.join(map(str, model.sizes))} {model.activation}"
    labels = [
        f"{link.label}({link.x.shape[link.unit_axis]}→{link.output.shape[link.unit_axis]})"
        if link.role == WEIGHTS
        else link.label
        for link in links
        if link.role != ACTIVATION or link.label != "identity"
    ]
    runs = [(label, len(list(run))) for label, run in groupby(labels)]
    return f"{type(model).__name__}: " + " ".join(label if n == 1 else f"{n}×{label}" for label, n in runs)
