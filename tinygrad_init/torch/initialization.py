"""This package's starts for PyTorch models, in place: those of `tgi.init` and of whole networks (`tgi.starts`)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .. import nn
from ..diagnosis.fronts.torch_losses import Loss, loss_of
from ..diagnosis.fronts.torch_modules import as_tensor, dtype_of, named_inputs, run
from ..diagnosis.fronts.torch_twin import device_of
from ..init import ALIASES, INITIALIZERS, Initializer
from ..naming import known_name
from ..starts import balance_, critical, data_dependent_, fixup_, lsuv_
from ..training import fill_layers
from .mirror import CONVOLUTION, Batch, Map, Mirror, of_model, of_network, of_record, write

# So many samples show which activation follows which linear map.
SHOWN = 16

Layers = list[tuple[Map, nn.Module | None]]


def critical_point(mirror: Mirror, layers: Layers, rng: np.random.Generator) -> Any:
    """`starts.critical` for the one activation that all linear maps have after them, the last apart."""
    found = {repr(phi): phi for _, phi in layers if phi is not None}
    if len(found) != 1:
        raise ValueError(
            f"initialize: a critical point is that of one activation, got {', '.join(found) or 'none'}; 'critical' "
            "looks at each layer's own"
        )
    return critical(mirror, rng, *found.values())


# Starts of whole networks by name: from the mirror, its layers and a generator. Those of the second table look at data.
WHOLE: dict[str, Callable[[Mirror, Layers, np.random.Generator], Any]] = {
    "critical_point": critical_point,
    "fixup": lambda mirror, layers, rng: fixup_(mirror, rng),
}
OF_DATA: dict[str, Callable[[Mirror, Any, np.random.Generator], Any]] = {
    "lsuv": lsuv_,
    "data_dependent": lambda mirror, samples, rng: data_dependent_(mirror, samples),
    "balanced": lambda mirror, samples, rng: balance_(mirror, samples, samples, lambda cost, y: cost),
}
NAMES = {**ALIASES, "balance": "balanced", "edge_of_chaos": "critical_point"}


def initialize(
    model: torch.nn.Module,
    start: str | Initializer,
    x: Any = None,
    y: Any = None,
    loss: str | Loss = "cross_entropy",
    *,
    rng: np.random.Generator | int,
) -> Any:
    """Fill the weights of a PyTorch model by a start of this package, in place.

    Weights of linear maps (dense, convolutions and their transposed, matrices that inputs are multiplied by) and their
    biases change, and nothing else: not what normalizes, embeds or attends. Dtypes and devices stay. Numbers are those
    that the start draws for a model of this package with the same seed.

    Parameters
    ----------
    model
        Any module. With `x`, linear maps and the activation after each are those that really run; without, those of
        the classes in it, in order of definition, the activation the one defined next, as in `tgi.initialize`.
    start
        A name out of `tgi.init.INITIALIZERS` or what others call the same (biases are then 0), a function like those,
        or a start of whole networks: "critical_point", "fixup", "lsuv", "data_dependent", "balanced"; see `tgi.starts`.
    x
        A batch as the model takes it: a tensor, a tuple of several, or a dict by name. The last three starts want it.
    y, loss
        For "balanced", targets and what is minimized, as in `diagnose`.
    rng
        A generator or a seed.

    Returns
    -------
    Any
        What the start of `tgi.starts` returns, under the names of the model; of other starts None.

    Warns
    -----
    RuntimeWarning
        A linear map is left as it is, as it does not run on the batch, or cannot reach what the start is after.

    Raises
    ------
    TypeError
        It is no PyTorch module, or has no linear map; a weight is computed from others (named); "fixup" finds no block.
    ValueError
        There is no such start, or it wants a batch that is not given.
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"initialize: expected a PyTorch module, got {type(model).__name__}")
    name = known_name("a start", start, (*INITIALIZERS, *WHOLE, *OF_DATA), NAMES) if isinstance(start, str) else ""
    if name in OF_DATA and (x is None or (name == "balanced" and y is None)):
        raise ValueError(f"initialize: {name!r} looks at {'x and y' if name == 'balanced' else 'a batch x'}; give it")
    require_own_weights(model)
    mirror, layers = mirrored(model, x, y, loss if name == "balanced" else None)
    if not layers:
        raise TypeError(f"initialize: expected a model with linear maps, got {type(model).__name__} without any")
    generator = np.random.default_rng(rng)
    if name in OF_DATA:
        assert mirror.batch is not None
        found = OF_DATA[name](mirror, np.zeros(mirror.batch.samples), generator)
    elif name in WHOLE:
        found = WHOLE[name](mirror, layers, generator)
    else:
        found = None
        fill_layers(layers, name or start, generator)
    write(mirror.maps().values(), model)
    return found


def mirrored(model: torch.nn.Module, x: Any, y: Any, loss: str | Loss | None) -> tuple[Mirror, Layers]:
    """The mirror of a model, and its linear maps, each with the activation after it."""
    if x is None:
        mirror = Mirror(of_model(model))
        return mirror, [(part, phi) for part, phi in nn.linear_maps(mirror) if isinstance(part, Map)]
    inputs = named_inputs(x, dtype_of(model))
    some = {name: value[:SHOWN] for name, value in inputs.items()}
    shown = some if isinstance(x, dict) else tuple(some.values()) if isinstance(x, tuple) else some["x"]
    network = run(model, shown, None, no_loss, backward=False)
    device = device_of(model)
    batch = Batch(model, x, {name: value.to(device) for name, value in inputs.items()})
    targets = None if y is None else as_tensor(y, dtype_of(model)).to(device)
    mirror = Mirror(of_network(network), batch, None if loss is None else loss_of(loss), targets)
    maps, layers = mirror.maps(), []
    for link, phi in network.layers():
        if (part := maps.pop(link.matrix.name, None)) is not None:
            layers.append((part, None if phi is None else of_record(phi.activation)))
    warn_of_others(model, mirror)
    return mirror, layers


def no_loss(predictions: Any, targets: Any) -> torch.Tensor:
    """Stands for the loss where none is looked at."""
    raise TypeError("no loss is given")


def warn_of_others(model: torch.nn.Module, mirror: Mirror) -> None:
    """Name the linear maps that did not run."""
    seen = {name for part in mirror.maps().values() for name in part.numbers()}
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | CONVOLUTION) and named[id(module.weight)] not in seen:
            warnings.warn(f"initialize: {name}: it does not run on this batch and stays", RuntimeWarning, stacklevel=4)


def require_own_weights(model: torch.nn.Module) -> None:
    """That weights are parameters, which a start can fill.

    Raises
    ------
    TypeError
        One is computed from others, or not there yet.
    """
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear | CONVOLUTION):
            continue
        said = name or type(module).__name__
        if torch.nn.utils.parametrize.is_parametrized(module) or "weight" not in module._parameters:
            raise TypeError(
                f"initialize: the weight of {said} is computed from others; fill it before it is parametrized"
            )
        if torch.nn.parameter.is_lazy(module.weight):
            raise TypeError(f"initialize: {said} has no weight yet; call the model once, which makes it")
