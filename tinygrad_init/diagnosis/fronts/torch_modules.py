"""A `Network` of a PyTorch model, from the calls that really run (`torch_calls`); the model is left as it was.

Each call is a link (`torch_links`), so that whatever PyTorch can differentiate is exact.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..network import WEIGHTS, Cotangent, Link, Network
from .torch_calls import Recorder, Unfollowed
from .torch_links import as_array, links_of
from .torch_losses import (
    Loss,
    cost_at,
    cost_of,
    evaluated,
    joined,
    known_inside,
    name_of,
    one_number,
    predictions_for,
    takes_whole,
)
from .torch_opened import STEPS
from .torch_own_losses import OwnLoss, own_losses

Array = np.ndarray[Any, Any]

# A description of more steps than these is a count.
MANY = 24


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


def own_tensors(model: nn.Module) -> dict[int, Tensor]:
    """Copies of the computed tensors that modules keep (old weight norms do), which PyTorch does not copy itself."""
    kept = [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    return {id(tensor): tensor.detach().clone() for tensor in kept if not tensor.is_leaf}


def duplicate(model: nn.Module) -> nn.Module:
    """A copy of a model, or of what `torch.compile` was given.

    Raises
    ------
    TypeError
        Its calls cannot be followed, or it cannot be copied.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("expected a module whose calls can be followed; hand over the one that this was scripted from")
    model = getattr(model, "_orig_mod", model)
    try:
        return copy.deepcopy(model, dict(own_tensors(model)))
    except RuntimeError as error:
        raise TypeError(f"expected a model that can be copied ({error})") from error


def copied(model: nn.Module, dtype: Any, parameters: dict[str, Array], evaluating: bool) -> nn.Module:
    """A copy without gradients and hooks of its own on the CPU, in another dtype if one is given."""
    found = duplicate(model).cpu()
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
        The model returns no predictions or computes what cannot be followed, or the loss is no single number that
        depends on the predictions.
    """
    model = duplicate(model)  # what is run again later is what it was now
    try:
        with unseen(), numbers_in(dtype):
            return traced(model, x, y, loss, dtype, parameters or {}, evaluating, backward)
    except Unfollowed as error:
        raise TypeError(str(error)) from None


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
        returned = called(watched, x, inputs)
    parts, of_joined = what_is_predicted(recorder, loss, returned, targets, len(next(iter(inputs.values()))))
    with recorder:
        end = joined(parts)
    links = links_of(recorder, recorder.origin(end), watched)
    loss_at = cost_at(of_joined, targets, end)

    def again(**other: Any) -> Network:
        new = {"dtype": dtype, "evaluating": evaluating, "backward": backward, **other}
        alone = not isinstance(x, dict | tuple) and inputs["x"].is_floating_point()
        if new["x"] is not None and not alone:
            raise TypeError("expected a model of one tensor of real numbers")
        changed = parameters | in_wholes(new.pop("parameters") or {}, watched, recorder.parts)
        xs, ys = (before if now is None else now for now, before in ((new.pop("x"), x), (new.pop("y"), y)))
        return run(model, xs, ys, loss, parameters=changed, **new)

    found = Network(
        description=summary(model, links)
        + "".join(
            f" ({name or 'the model'} in one piece: more than {STEPS} steps)" for name in sorted(recorder.closed)
        ),
        inputs={"x": what_goes_in(inputs, kind)},
        links=links,
        parameters=in_parts(
            {name: as_array(parameter) for name, parameter in watched.named_parameters()}, recorder.parts
        ),
        rerun=again,
        loss_name=name_of(loss) or (known_inside(of_joined, end, targets) if backward else ""),
    )
    if backward:
        torch.set_rng_state(chance)
        plain = copied(model, dtype, parameters, evaluating)
        cost = one_number(cost_of(loss, called(plain, x, named_inputs(x, kind)), targets))
        named = {name: parameter for name, parameter in plain.named_parameters() if parameter.requires_grad}
        cost.backward()  # type: ignore[no-untyped-call]
        gradients = {
            name: as_array(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
            for name, parameter in named.items()
        }
        found.gradients = in_parts(gradients, recorder.parts)
        found.loss, start = loss_at(as_array(end))
        found.start, found.loss_of = Cotangent.of(start), loss_at
    return found


def what_is_predicted(
    recorder: Recorder, loss: Loss, returned: Any, targets: Any, samples: int
) -> tuple[list[Tensor], Loss]:
    """The tensors of predictions, and the loss of those joined: a function's, or the one that the model computes."""
    if targets is not None and takes_whole(loss, returned, targets):
        cost = one_number(evaluated(loss, returned, targets))
        if ends := own_losses(returned, cost):
            own = OwnLoss(recorder, loss, returned, ends, targets, samples)
            return own.parts, own
    return predictions_for(loss, returned, targets, samples)


Parts = dict[str, tuple[str, int, int]]


def in_parts(values: dict[str, Array], parts: Parts) -> dict[str, Array]:
    """Values by parameter, those that hold several matrices by each of them."""
    whole = {name for name, *_ in parts.values()}
    found = {name: value for name, value in values.items() if name not in whole}
    return found | {name: values[of][start:stop] for name, (of, start, stop) in parts.items() if of in values}


def in_wholes(values: dict[str, Array], model: nn.Module, parts: Parts) -> dict[str, Array]:
    """The other way round; matrices that are not given are those of the model."""
    found = {name: value for name, value in values.items() if name not in parts}
    for name, (of, start, stop) in parts.items():
        if name in values:
            found.setdefault(of, as_array(model.get_parameter(of)))[start:stop] = values[name]
    return found


def what_goes_in(inputs: dict[str, Tensor], kind: torch.dtype) -> Array:
    """The first input of real numbers; without any, the codes that go in as if they had been scaled.

    A code has no size, and what an embedding makes of it is learned: neither is data that could be too small.
    """
    real = next((value for value in inputs.values() if value.is_floating_point()), None)
    if real is not None:
        return as_array(real)
    codes = next(iter(inputs.values())).double()
    spread = codes.std(correction=0)
    return as_array(((codes - codes.mean()) / (spread if spread > 0 else 1.0)).to(kind))[..., None]


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
        maps = sum(link.role == WEIGHTS and not link.over_time for link in links)
        maps += len({link.matrix.name for link in links if link.over_time})
        return f"{type(model).__name__}: {maps} linear maps, {weights:,} weights"
    said = " ".join(label if count == 1 else f"{count}×{label}" for label, count in runs)
    return f"{type(model).__name__}: {said}"
