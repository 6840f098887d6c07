"""`diagnose` for PyTorch's modules: the same questions, measures and answers, through a front end of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from .fronts.few_steps import look_ahead
from .fronts.torch_links import as_array
from .fronts.torch_losses import loss_of
from .fronts.torch_modules import as_tensor, dtype_of, named_inputs, run
from .fronts.torch_steps import Rule, TorchRehearsal
from .measures.fit import first_missing, fit
from .measures.guess import best_constant_loss
from .measures.sequences import sequences
from .network import Network
from .report import Report
from .reporting import report_on

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Tensor]

# Multiplications that a diagnosis works on, how many samples it takes at least, and how many show a model's size.
MULTIPLICATIONS, FEWEST, PROBED = 1e9, 16, 2
# Results of calls, in numbers, that are held at once: of some 30 bytes each, since all is there in two dtypes, and its
# derivatives are. A step of training holds some 8 bytes of each. At least so many samples are taken all the same.
HELD, HELD_BY_STEP, LEAST = 1e7, 1e8, 4
# Numbers of all predictions together from which it is found out what guessing gives.
PREDICTED = 1e7


def diagnose(
    model: nn.Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    lr: float = 0.1,
    *,
    trained: bool = False,
    optimizer: Rule | None = None,
) -> Report:
    """Why does this PyTorch model not train? The truth, layer by layer, with the arithmetic.

    The model is left as it was: parameters, gradients, buffers, hooks, modes and random numbers; copies are run. What
    really runs is followed, call by call: modules, functions, sums and products of tensors. Names are the model's own.

    Parameters
    ----------
    model
        Any module.
    x
        What goes in: an array or tensor, a tuple of several, or a dict by name; the samples first.
    y
        Targets, the samples first.
    loss
        A function or module of PyTorch's from predictions and targets to their mean loss, or the name of one:
        "cross_entropy", "mse", "binary_cross_entropy_with_logits" (of logits). Of a model that returns several
        tensors it gets all that is returned, if it takes that, else `logits` or the first.
    lr
        The learning rate of plain gradient descent, for the sizes of updates.
    trained
        Whether the model has been trained already, so that sentences do not speak of its start.
    optimizer
        An optimizer of the model's parameters (with what it remembers), a function that makes one, or the rate of plain
        gradient descent: then the first steps are taken on a copy, as for this package's own models.

    Returns
    -------
    Report
        As of this package's own models.

    Raises
    ------
    TypeError
        The model is none, returns no predictions, or changes tensors in a way that cannot be followed; the loss is no
        number that depends on the predictions; `optimizer` is none.
    ValueError
        There is no linear map in it, x and y differ in length or are empty, there is no loss of that name, or the
        optimizer holds none of the model's parameters.
    """
    function = loss_of(loss)
    if isinstance(optimizer, float | int) and not isinstance(optimizer, bool):
        lr = float(optimizer)
    elif isinstance(optimizer, torch.optim.Optimizer):
        lr = float(optimizer.param_groups[0]["lr"])
    if not isinstance(model, nn.Module):
        raise TypeError(f"diagnose: expected a PyTorch module, got {type(model).__name__}")
    if not (lr > 0 and math.isfinite(lr)):
        raise ValueError(f"diagnose: expected a positive learning rate, got {lr}")
    if any(torch.nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        raise ValueError("diagnose: expected a model with all its parameters; call it once, which makes the lazy ones")
    kind = dtype_of(model)
    inputs, targets = named_inputs(x, kind), as_tensor(y, kind)
    lengths = {name: len(value) if value.ndim else 0 for name, value in {**inputs, "y": targets}.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(
            f"diagnose: expected as many samples in x as in y, and at least one; got "
            f"{', '.join(f'{count} in {name}' for name, count in lengths.items())}"
        )
    samples = len(targets)

    def chosen(rows: Array) -> tuple[Any, Tensor]:
        at = torch.from_numpy(np.asarray(rows))
        parts = {name: value[at] for name, value in inputs.items()}
        if isinstance(x, dict):
            return parts, targets[at]
        return (tuple(parts.values()) if isinstance(x, tuple) else parts["x"]), targets[at]

    few = np.arange(min(PROBED, samples))
    probe = run(model, *chosen(few), function, backward=False)
    if not probe.linears():
        raise ValueError(f"diagnose: expected a model with weight matrices, got {type(model).__name__} without any")
    held = sum(link.output.size for link in probe.flat()) / len(few)
    rows = enough(probe.work, held, samples, [*inputs.values(), targets])
    native = run(model, *chosen(rows), function)
    exact = in_double(native)
    guess = guessing(exact, targets, rows)
    ahead = None
    if optimizer is not None:
        most = max(LEAST, int(HELD_BY_STEP / held))

        def rehearse(some: Array, size: int) -> TorchRehearsal:
            size = min(size, most)
            return TorchRehearsal(
                model, inputs, not isinstance(x, dict), targets, some, function, optimizer, size, most=most
            )

        ahead = look_ahead(rehearse, lambda rehearsal, some: rehearsal.cost(some), samples, guess, native.work)
    first = next(iter(inputs.values()))
    given, wanted = as_array(first), as_array(targets)
    asked = fit(native, given if first.is_floating_point() else native.inputs["x"], wanted)
    of_sequences = sequences(native, exact, given[rows], wanted[rows])
    return report_on(native, exact, guess, lr, trained, asked, ahead, found=of_sequences)


def enough(work: float, held: float, samples: int, values: list[Tensor]) -> Array:
    """The numbers of samples that are looked at: all, or some of a large network, and what is missing among them.

    Parameters
    ----------
    work, held
        Multiplications that a sample takes, and numbers that come out of its calls.
    samples, values
        How many there are, and what may be missing among.
    """
    most = max(LEAST, min(max(FEWEST, int(MULTIPLICATIONS / max(work, 1.0))), int(HELD / max(held, 1.0))))
    if samples <= most:
        return np.arange(samples)
    some = np.linspace(0, samples - 1, most).astype(int)
    bad = [found[0] for value in values if (found := first_missing(as_array(value))) is not None]
    return np.unique(np.concatenate([some, np.array(bad, int)]))


def guessing(exact: Network, targets: Tensor, rows: Array) -> float:
    """The loss of the best constant, from far more samples than are run: of few there are hardly any of each class."""
    shape, loss_at = exact.output.shape, cast(Any, exact.loss_of)
    some = np.arange(len(targets))[:: max(1, math.ceil(len(targets) * exact.output.size / len(rows) / PREDICTED))]
    wanted = targets[torch.from_numpy(rows)]
    if len(some) > len(rows) == shape[0]:
        wanted, shape = targets[torch.from_numpy(some)], (len(some), *shape[1:])
        loss_at = partial(loss_at, targets=wanted.double() if wanted.is_floating_point() else wanted)
    numbers = as_array(wanted)
    return best_constant_loss(loss_at, numbers.astype(np.float64) if numbers.dtype.kind == "f" else numbers, shape)


def in_double(native: Network) -> Network:
    """The network in float64; as it is where the model computes in its own dtype alone, and then it says so."""
    try:
        return native.again(dtype=np.float64)
    except (TypeError, RuntimeError):
        return replace(native, description=f"{native.description} (in its own dtype alone)")
