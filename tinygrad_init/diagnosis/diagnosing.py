"""`diagnose`: everything that one batch tells about a network, in one report."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np

from ..data.samples import pairs, require_fits
from ..nn import MLP, BatchNorm, Dropout, Module, Parameter, dtype_of
from ..ops.losses import loss_of
from .chain import ACTIVATION, WEIGHTS, Chain, Loss, as_array, run
from .measures.attribution import attribute
from .measures.expectation import predict
from .measures.layers import measure
from .measures.signal import describe
from .measures.spectra import MatrixSizes, jacobian_singular_values, matrix_sizes
from .measures.symmetry import same_draws
from .measures.zeros import explain_zeros
from .report import Report
from .watching.loss_trend import best_constant_loss

# Matrices up to this size are decomposed.
LARGEST = 128


def diagnose(
    model: Module, x: Any, y: Any, loss: str | Loss = "cross_entropy", lr: float = 0.1, *, trained: bool = False
) -> Report:
    """Why does this network not train? The truth, layer by layer, with the arithmetic.

    One forward and one backward pass over a batch in the network's own dtype, and one of each in float64 to tell what
    the network does from what the dtype does. The model is left as it was, gradients included.

    Parameters
    ----------
    model
        `nn.Sequential`, `nn.MLP`, residual blocks in any nesting, or a module of one's own that calls its modules one
        after the other, with functions of one tensor between them.
    x, y
        A batch as the model and the loss want it, the samples first. Some hundred samples are enough.
    loss
        The name of a loss out of `tgi.nn.LOSSES`, or a function from predictions and targets to their mean loss.
    lr
        The learning rate of plain gradient descent, for the sizes of updates.
    trained
        Whether the model has been trained already, so that sentences do not speak of its start.

    Returns
    -------
    Report
        `print` it, or look at its `answers`, `layers`, `attributions` and `zeros`.

    Raises
    ------
    TypeError
        The model is no chain of modules, or x and y are not made of real numbers.
    ValueError
        There is no linear map in it, x and y differ in length, are empty or hold what does not fit into the model's
        dtype, or there is no loss of that name.
    """
    function = loss_of(loss)
    if not isinstance(model, Module):
        raise TypeError(f"diagnose: expected a module, got {type(model).__name__}")
    if not (lr > 0 and math.isfinite(lr)):
        raise ValueError(f"diagnose: expected a positive learning rate, got {lr}")
    x, y = pairs("diagnose", x, y)
    if not any(isinstance(p, Parameter) and p.ndim > 1 for p in model.parameters()):
        raise ValueError(f"diagnose: expected a model with weight matrices, got {type(model).__name__} without any")
    for what, values in (("x", x), ("y", y)):
        require_fits("diagnose", what, values, dtype_of(model))
    native, exact = run(model, x, y, function), run(model, x, y, function, np.float64)
    layers = measure(native, lr)
    weights = {id(link.weight): (f"{link.name}.weight", link.weight.numpy()) for link in native.linears()}
    return Report(
        model=summary(model, native),
        samples=len(x),
        inputs=describe(native.links[0].x.numpy()),
        dtype=str(native.links[0].x.dtype),
        loss=native.loss,
        guess=best_constant_loss(function, as_array(y, np.float64), exact.links[-1].out.shape),
        lr=lr,
        layers=layers,
        attributions=attribute(exact),
        zeros=explain_zeros(native, exact),
        same_draws=tuple(same_draws(dict(weights.values()))),
        first_not_finite=first_not_finite(native),
        predictions=predict(exact, layers),
        matrices=sizes_of(exact),
        jacobian=stretching(exact),
        trained=trained,
    )


def sizes_of(chain: Chain) -> tuple[MatrixSizes, ...]:
    """How far every weight matrix stretches, as long as that is quickly found."""
    found = [(f"{link.name}.weight", link.by_unit(link.weight.numpy())) for link in chain.linears()]
    if max(min(matrix.shape) for _, matrix in found) > LARGEST:
        return ()
    return tuple(matrix_sizes(name, matrix) for name, matrix in found)


def stretching(chain: Chain) -> tuple[float, ...]:
    """Singular values of the input-output Jacobian at the first sample, if it has one of its own."""
    outputs = chain.links[-1].out.size // len(chain.links[-1].out.numpy())
    mixing = any(isinstance(link.module, BatchNorm) and link.module.training for link in chain.flat())
    if mixing or outputs > LARGEST or first_not_finite(chain) is not None:
        return ()
    model = chain.model.eval() if any(isinstance(link.module, Dropout) for link in chain.flat()) else chain.model
    values = jacobian_singular_values(model, chain.links[0].x, samples=1)[0]
    return tuple(float(value) for value in values) if np.isfinite(values).all() else ()


def first_not_finite(chain: Chain) -> tuple[str, int] | None:
    """The first link whose output has infinities or NaN, and the number of the linear map it belongs to."""
    layer = 0
    for link in chain.flat():
        layer += link.kind == WEIGHTS
        if not np.isfinite(link.out.numpy()).all():
            return link.name, max(layer, 1)
    return None


def summary(model: Module, chain: Chain) -> str:
    """A network in a line: "64-64-64-10 relu", or its modules."""
    if isinstance(model, MLP):
        return f"{'-'.join(map(str, model.sizes))} {model.activation}"
    labels = [
        f"{link.label}({link.x.shape[link.unit_axis]}→{link.out.shape[link.unit_axis]})"
        if link.kind == WEIGHTS
        else link.label
        for link in chain.links
        if link.kind != ACTIVATION or link.label != "identity"
    ]
    runs = [(label, len(list(run))) for label, run in groupby(labels)]
    return f"{type(model).__name__}: " + " ".join(label if n == 1 else f"{n}×{label}" for label, n in runs)
