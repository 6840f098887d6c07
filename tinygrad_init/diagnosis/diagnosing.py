"""`diagnose`: everything that one batch tells about a network, in one report."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..data.samples import as_numbers, pairs, require_fits
from ..nn import Module, Parameter, dtype_of
from ..ops.losses import loss_of
from ..rehearsal import Rule
from .fronts.copies import as_array
from .fronts.few_steps import few_steps
from .fronts.first_step import first_step
from .fronts.own_modules import Loss, forward, run
from .measures import spectra
from .measures.fit import first_missing, fit
from .measures.guess import best_constant_loss
from .records import Fit
from .report import Report
from .reporting import report_on

Array = np.ndarray[Any, Any]

# Samples times weights that a diagnosis works on, and how many samples it takes at least.
NUMBERS, FEWEST = 5e8, 128


def diagnose(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    lr: float = 0.1,
    *,
    trained: bool = False,
    optimizer: Rule | None = None,
) -> Report:
    """Why does this network not train? The truth, layer by layer, with the arithmetic.

    One forward and one backward pass over a batch in the network's own dtype, and one of each in float64 to tell what
    the network does from what the dtype does. The model is left as it was, gradients included.

    Parameters
    ----------
    model
        A module of PyTorch's (see `torch_diagnosing.diagnose`), or of this package's:
        `nn.Sequential`, `nn.MLP`, residual blocks in any nesting, or a module of one's own whose forward computes one
        tensor from one tensor, by modules and by operations, with whatever tensors put together.
    x, y
        A batch as the model and the loss want it, the samples first. Some hundred samples are enough; of a network of
        millions of weights no more than 128 and a few are looked at, evenly spread, and what is missing among them.
    loss
        The name of a loss out of `tgi.nn.LOSSES`, or a function from predictions and targets to their mean loss.
    lr
        The learning rate of plain gradient descent, for the sizes of updates.
    trained
        Whether the model has been trained already, so that sentences do not speak of its start.
    optimizer
        What will train it: an optimizer of the model's parameters, a function that makes one, or the rate of plain
        gradient descent. Then 120 steps are taken on a copy, each on 64 of the samples, and 240 where those have not
        decided. Where the loss falls to half of guessing, also on samples held out, whatever else was found is worth to
        know and no fault; where it stays above, that is a fault, and a range test says which rate would have been
        better. The report's `evidence` then has the sharpness and the updates of the very first step, too.

    Returns
    -------
    Report
        `print` it, or look at its `answers`, `layers`, `attributions` and `zeros`.

    Raises
    ------
    TypeError
        The model's output is no tensor or does not come from its input, no weights lie between them, or it depends on
        what it keeps from call to call; it cannot compute in float64; x and y are not made of real numbers, or
        `optimizer` is none.
    ValueError
        There is no linear map in it, x and y differ in length, are empty or hold what does not fit into the model's
        dtype, there is no loss of that name, or the optimizer holds none of the model's parameters.
    """
    if is_torch(model):
        from . import torch_diagnosing  # only where PyTorch is there already

        theirs: Any = torch_diagnosing.diagnose
        found: Report = theirs(model, x, y, loss, lr, trained=trained, optimizer=optimizer)
        return found
    function = loss_of(loss)
    if isinstance(optimizer, float | int):
        lr = float(optimizer)
    if not isinstance(model, Module):
        raise TypeError(f"diagnose: expected a module, got {type(model).__name__}")
    if not (lr > 0 and math.isfinite(lr)):
        raise ValueError(f"diagnose: expected a positive learning rate, got {lr}")
    x, y = pairs("diagnose", x, y)
    if not any(isinstance(p, Parameter) and p.ndim > 1 for p in model.parameters()):
        raise ValueError(f"diagnose: expected a model with weight matrices, got {type(model).__name__} without any")
    for what, values in (("x", x), ("y", y)):
        require_fits("diagnose", what, values, dtype_of(model))
    return examine(model, x, y, function, lr, trained, optimizer)


def is_torch(model: Any) -> bool:
    """Whether a model is one of PyTorch's, which is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def examine(
    model: Module,
    x: Array,
    y: Array,
    loss: Loss,
    lr: float,
    trained: bool = False,
    optimizer: Rule | None = None,
    asked: Fit | None = None,
) -> Report:
    """What `diagnose` does once it knows that there is something to diagnose.

    Parameters
    ----------
    model, x, y, loss, lr, trained, optimizer
        As in `diagnose`, checked.
    asked
        What is known of data, output, loss and targets from before, since no step changes them; measured unless given.
    """
    some = enough(x, y, sum(p.size for p in model.parameters()))
    native = run(model, x[some], y[some], loss)
    try:
        exact = native.again(dtype=np.float64)
    except TypeError as error:
        raise TypeError(
            f"diagnose: expected a model that can also compute in float64, where what the dtype does is told from what "
            f"the network does; write its constants in the dtype of what comes in, np.asarray(c, x.dtype) ({error})"
        ) from None
    targets = as_array(y[some], np.float64)
    assert exact.loss_of is not None
    guess = best_constant_loss(exact.loss_of, targets, exact.output.shape)
    ahead = first = None
    if optimizer is not None:
        ahead = few_steps(model, x, y, loss, optimizer, guess, native.work)
        weights = [link.matrix.name for link in native.linears()]
        first = first_step(model, x, y, loss, optimizer, weights, native.work)
    return report_on(native, exact, guess, lr, trained, fit(native, x, y) if asked is None else asked, ahead, first)


def enough(x: Any, y: Any, weights: int) -> Any:
    """The samples that a diagnosis looks at: all, or of a very large network some, and what is missing among them."""
    most = max(FEWEST, int(NUMBERS / max(weights, 1)))
    if len(x) <= most:
        return slice(None)
    rows = np.linspace(0, len(x) - 1, most).astype(int)
    bad = [found[0] for values in (x, y) if (found := first_missing(values)) is not None]
    return np.unique(np.concatenate([rows, np.array(bad, int)]))


def jacobian(model: Module, x: Any) -> Array:
    """∂output/∂input at one sample, of shape (outputs, inputs), in float64.

    Parameters
    ----------
    model
        Its samples must not depend on each other: batch normalization has to be in `eval()` mode.
    x
        One sample, without the axis of samples.
    """
    sample = as_numbers("jacobian", "x", x)
    return spectra.jacobian(forward(model, sample[None], np.float64), sample)


def jacobian_singular_values(model: Module, x: Any, samples: int = 8) -> Array:
    """Singular values of the input-output Jacobian, largest first, at up to so many samples of a batch.

    Of shape (samples, min(inputs, outputs)). All near 1: dynamical isometry (Saxe et al. 2014; Pennington et al. 2017).
    """
    batch = as_numbers("jacobian_singular_values", "x", x)[:samples]
    return spectra.jacobian_singular_values(forward(model, batch, np.float64), batch)
