"""A `Network` of this package's modules.

What a front end supplies: it runs the model on the batch, and for each step writes down a `Link` (`module_links`); for
the whole, all parameters with their gradients from the framework's own backward pass, the loss as a function with its
cotangent, and how to run it again. The model is left as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from itertools import groupby
from typing import Any

import numpy as np

from ...engine.gradients import grad
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...nn import LOSSES, MLP, Call, Module, dtype_of, observe, role_of, undisturbed
from ..network import ACTIVATION, OTHER, WEIGHTS, Cotangent, Link, Network, flat
from .copies import as_array, converted
from .module_links import Links

Array = np.ndarray[Any, Any]
Loss = Callable[[Tensor, Any], Tensor]


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
        `nn.Sequential`, `nn.MLP`, residual blocks in any nesting, or a module of one's own whose forward computes one
        tensor from one tensor, by modules and by operations, with whatever tensors put together.
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
        The output is no tensor or does not come from the input, no weights lie between them, or the model depends on
        what it keeps from call to call.
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
        links = Links.of_model(copied).of(copied, signal.numpy())
        if not links:
            raise TypeError(f"expected a model that does something, got {type(model).__name__} without modules")
        if not any(link.role == WEIGHTS for link in flat(links)):
            raise TypeError(
                f"expected inputs that are multiplied by weights, by modules such as nn.Linear or as x @ W with a "
                f"parameter W of two axes; in {type(model).__name__} there are none on the way to its output"
            )
        cost, start = loss_of(links[-1].output)
        # A copy of its own: what draws random numbers draws the same ones again.
        named = dict(whole.named_parameters())
        output = whole(signal)
        require_same(model, links[-1].output, output.numpy())
        found = grad(loss(output, target), list(named.values()))
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


def require_same(model: Module, ours: Array, its: Array) -> None:
    """Raise if links, one by one, do not make what the model makes: it depends on something that they do not see."""
    size = float(np.max(np.abs(its), where=np.isfinite(its), initial=0.0))
    if ours.shape != its.shape or not np.allclose(ours, its, 1e-4, 1e-4 * size, equal_nan=True):
        raise TypeError(
            f"expected a model whose output depends on nothing but its input, parameters and buffers; "
            f"{type(model).__name__} makes something else when its modules and operations are run one by one: what it "
            "keeps from call to call, hand over as an input"
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
        The output is no tensor or does not come from the input.
    """
    # As it is, the model itself will do: a copy takes longer than a look at a small network.
    itself = dtype is None and not parameters and not evaluating
    run_on = model if itself else converted(model, dtype, parameters, evaluating)
    signal = Tensor(as_array(x), dtype_of(run_on, np.dtype(np.float64)))
    with undisturbed(run_on) if itself else nullcontext():
        links = Links.of_model(run_on).of(run_on, signal.numpy())

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
    """What can be seen of a model that cannot be opened: its linear maps, in the order in which they are called."""
    links = Links.of_model(model)
    with no_grad(), observe() as calls:
        output = model(x)
    found = [
        links.link(call.module, (as_array(call.inputs[0]),), ("x",), call.output) for call in calls if is_linear(call)
    ]
    end = Link("", OTHER, "", (output.numpy(),), output.numpy(), sources=("the modules",))
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
            return cost.item(), np.asarray(grad(cost, end)[0].numpy())

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
