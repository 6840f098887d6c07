"""A `Network` of a PyTorch model, from the calls that really run (`torch_calls`); the model is left as it was.

Each call is a link (`torch_links`), so that whatever PyTorch can differentiate is exact.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network import WEIGHTS, Cotangent, Link, Network
from .torch_calls import Recorder, tensors_of
from .torch_links import as_array, links_of

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Tensor]

# A description of more steps than these is a count.
MANY = 24
# Losses whose targets are understood, by what this package calls them.
LOSSES: dict[str, Loss] = {
    "cross_entropy": F.cross_entropy,
    "mse": F.mse_loss,
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
}
KNOWN: dict[type[nn.Module], str] = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.MSELoss: "mse",
    nn.BCEWithLogitsLoss: "binary_cross_entropy",
}


def loss_of(loss: str | Loss) -> Loss:
    """A loss by its name, or itself.

    Raises
    ------
    ValueError
        There is none of that name.
    TypeError
        It is neither.
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"expected a loss out of {', '.join(LOSSES)} or a function, got {loss!r}")
        return LOSSES[loss]
    if not callable(loss):
        raise TypeError(f"expected a function from predictions and targets to one number, got {type(loss).__name__}")
    return loss


def name_of(loss: Loss) -> str:
    """What this package calls a loss; "" of others, also of those with options that it does not know."""
    if isinstance(loss, nn.Module) and type(loss) in KNOWN:
        usual = {key: value for key, value in vars(type(loss)()).items() if not key.startswith("_")}
        return KNOWN[type(loss)] if all(vars(loss).get(key) == value for key, value in usual.items()) else ""
    return next((name for name, known in LOSSES.items() if known is loss), "")


def dtype_of(model: nn.Module) -> torch.dtype:
    """The dtype of the first parameter of real numbers."""
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)


def as_tensor(values: Any, kind: torch.dtype) -> Tensor:
    """Numbers as a tensor on the CPU, real ones in the dtype of the model."""
    found = values.detach().cpu().clone() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    return found.to(kind) if found.is_floating_point() else found


def named_inputs(x: Any, kind: torch.dtype) -> dict[str, Any]:
    """The arguments of a model by name: "x", or "x0", "x1", ... of several, or those of a dict."""
    if isinstance(x, dict):
        return {str(name): as_tensor(value, kind) for name, value in x.items()}
    if isinstance(x, tuple):
        return {f"x{i}": as_tensor(value, kind) for i, value in enumerate(x)}
    return {"x": as_tensor(x, kind)}


def called(model: nn.Module, x: Any, inputs: dict[str, Any]) -> Any:
    """What a model returns."""
    return model(**inputs) if isinstance(x, dict) else model(*inputs.values())


def prediction(returned: Any) -> Tensor:
    """The tensor of predictions among what a model returns.

    Raises
    ------
    TypeError
        There is none.
    """
    logits = getattr(returned, "logits", None)
    found = logits if isinstance(logits, Tensor) else next(iter(tensors_of(returned)), None)
    if found is None or not found.is_floating_point():
        came = type(returned).__name__ if found is None else f"numbers of {found.dtype}"
        raise TypeError(f"expected the model to return predictions as a tensor of real numbers, got {came}")
    return found


@contextmanager
def unseen() -> Iterator[None]:
    """Random numbers are afterwards where they were."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        yield


@contextmanager
def numbers_in(dtype: Any) -> Iterator[None]:
    """Tensors that are made meanwhile, such as a state of zeros, are in this dtype."""
    before = torch.get_default_dtype()
    if dtype is not None:
        torch.set_default_dtype(torch.float64 if np.dtype(dtype) == np.float64 else torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def copied(model: nn.Module, dtype: Any, parameters: dict[str, Array], evaluating: bool) -> nn.Module:
    """A copy without gradients and hooks of its own on the CPU, in another dtype if one is given."""
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    found = copy.deepcopy(model).cpu()
    if dtype is not None:
        found = found.to(torch.float64 if np.dtype(dtype) == np.float64 else torch.float32)
    named = dict(found.named_parameters())
    if unknown := sorted(parameters.keys() - named.keys()):
        raise KeyError(f"expected parameters out of {', '.join(named)}; got {', '.join(unknown)}")
    with torch.no_grad():
        for name, values in parameters.items():
            named[name].copy_(torch.from_numpy(np.array(values)))
    for parameter in named.values():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return found.eval() if evaluating else found


def run(
    model: nn.Module,
    x: Any,
    y: Any,
    loss: Loss,
    dtype: Any = None,
    *,
    parameters: dict[str, Array] | None = None,
    evaluating: bool = False,
    backward: bool = True,
) -> Network:
    """Run a batch through a copy of a model, call by call, and back from the loss.

    Parameters
    ----------
    model
        Any module.
    x
        Its input: an array or a tensor; a tuple of several, or a dict by name.
    y
        Targets, as the loss wants them.
    loss
        From what the model returns and the targets to one number.
    dtype
        `numpy.float32` or `numpy.float64`; that of the model unless given.
    parameters, evaluating, backward
        As in `Network.again`.

    Raises
    ------
    TypeError
        The model returns no predictions, or the loss is no single number that depends on them.
    """
    model = copy.deepcopy(getattr(model, "_orig_mod", model))  # what is run again later is what it was now
    with unseen(), numbers_in(dtype):
        return traced(model, x, y, loss, dtype, parameters or {}, evaluating, backward)


def traced(
    model: nn.Module,
    x: Any,
    y: Any,
    loss: Loss,
    dtype: Any,
    parameters: dict[str, Array],
    evaluating: bool,
    backward: bool,
) -> Network:
    """The same, with random numbers that nobody else will draw."""
    chance = torch.get_rng_state()
    watched = copied(model, dtype, parameters, evaluating)
    kind = dtype_of(watched)
    inputs = named_inputs(x, kind)
    targets = as_tensor(y, kind) if y is not None else None
    with Recorder(watched, inputs) as recorder:
        end = prediction(called(watched, x, inputs))
    links = links_of(recorder, recorder.origin(end), watched)

    def loss_at(predictions: Array) -> tuple[float, Array]:
        leaf = torch.from_numpy(np.array(predictions)).to(end.dtype).requires_grad_()
        with torch.enable_grad():
            cost = one_number(loss(leaf, targets))
            (found,) = torch.autograd.grad(cost, leaf, allow_unused=True)
        return cost.item(), np.zeros(leaf.shape) if found is None else as_array(found)

    def again(**other: Any) -> Network:
        new = {"dtype": dtype, "evaluating": evaluating, "backward": backward, **other}
        alone = not isinstance(x, dict | tuple) and inputs["x"].is_floating_point()
        if new["x"] is not None and not alone:
            raise TypeError("expected a model of one tensor of real numbers")
        changed = parameters | (new.pop("parameters") or {})
        xs, ys = (before if now is None else now for now, before in ((new.pop("x"), x), (new.pop("y"), y)))
        return run(model, xs, ys, loss, parameters=changed, **new)

    found = Network(
        description=summary(model, links),
        inputs={"x": what_goes_in(inputs, links)},
        links=links,
        parameters={name: as_array(parameter) for name, parameter in watched.named_parameters()},
        rerun=again,
        loss_name=name_of(loss),
    )
    if backward:
        torch.set_rng_state(chance)
        whole = copied(model, dtype, parameters, evaluating)
        cost = one_number(loss(prediction(called(whole, x, named_inputs(x, kind))), targets))
        named = {name: parameter for name, parameter in whole.named_parameters() if parameter.requires_grad}
        gradients = torch.autograd.grad(cost, list(named.values()), allow_unused=True)
        found.gradients = {
            name: np.zeros(parameter.shape, as_array(parameter).dtype) if gradient is None else as_array(gradient)
            for (name, parameter), gradient in zip(named.items(), gradients, strict=True)
        }
        found.loss, start = loss_at(as_array(end))
        found.start, found.loss_of = Cotangent.of(start), loss_at
    return found


def what_goes_in(inputs: dict[str, Tensor], links: tuple[Link, ...]) -> Array:
    """The first input of real numbers; without any, what the first step makes of codes (an embedding)."""
    real = next((value for value in inputs.values() if value.is_floating_point()), None)
    if real is not None:
        return as_array(real)
    return next(link.output for link in links if any(isinstance(source, str) for source in link.sources))


def one_number(cost: Any) -> Tensor:
    """A loss, if it is one that depends on the predictions."""
    if not isinstance(cost, Tensor) or cost.numel() != 1:
        came = f"shape {tuple(cost.shape)}" if isinstance(cost, Tensor) else type(cost).__name__
        raise TypeError(f"expected the loss to be a tensor of one number, got {came}")
    if not cost.requires_grad:
        raise TypeError("expected a loss that depends on the predictions: no gradient comes back from this one")
    return cost


def summary(model: nn.Module, links: tuple[Link, ...]) -> str:
    """A model in a line: its class, and its links, or how many linear maps if there are many."""
    labels = [
        f"{link.label}({link.x.shape[link.unit_axis]}→{link.output.shape[link.unit_axis]})"
        if link.role == WEIGHTS
        else link.label
        for link in links
    ]
    runs = [(label, len(list(run))) for label, run in groupby(labels)]
    if len(runs) > MANY:
        weights = sum(parameter.numel() for parameter in model.parameters())
        maps = sum(link.role == WEIGHTS for link in links)
        return f"{type(model).__name__}: {maps} linear maps, {weights:,} weights"
    said = " ".join(label if count == 1 else f"{count}×{label}" for label, count in runs)
    return f"{type(model).__name__}: {said}"
