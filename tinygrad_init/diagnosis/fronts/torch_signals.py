"""What goes through the layers of a PyTorch model, seen while it runs, and no more than what a monitor asks for.

`torch_calls` keeps every call to differentiate it; here a call of a linear map is noted, and that of the activation
after it, at the cost of the run itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from ...activations import ActivationRecord, activation
from ..measures.layers import flat_units
from ..measures.slopes import share_of_steepest
from .torch_calls import TURNS, name_of, tensors_of
from .torch_links import ACTIVATIONS, CONVOLUTIONS, LINEAR, as_array

Array = np.ndarray[Any, Any]

# What may stand between a linear map and its activation: each unit goes through alone.
BETWEEN = (
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "dropout", "dropout1d", "dropout2d", "dropout3d",
    *(f"{kind}_pool{d}d" for kind in ("max", "avg") for d in (1, 2, 3)), "add", "iadd", "contiguous",
)  # fmt: skip
# So many rows tell of slopes; only whether a ReLU is dead is asked of all.
ROWS = 2048


@dataclass
class Signal:
    """What has gone through a linear map and the activation after it.

    Attributes
    ----------
    weight
        The name of the weight.
    z_rms
        The root mean square of what came out of the linear map.
    mean
        The mean input of a dense layer, else None.
    units
        How many come out.
    saturated, dead
        As in `Layer`.
    """

    weight: str
    z_rms: float
    mean: Array | None
    units: int
    saturated: float = 0.0
    dead: tuple[int, ...] = ()
    active: bool = False  # an activation has been seen

    @property
    def name(self) -> str:
        """Of the module, or of the weight where that is no module's own."""
        return self.weight.removesuffix(".weight")


class Signals(TorchFunctionMode):
    """A context in which a model runs; afterwards `layers` has what was seen, by the name of the weight, in order."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.layers: dict[str, Signal] = {}
        self.named = {id(parameter): name for name, parameter in model.named_parameters()}
        self.turned: Any = WeakIdKeyDictionary()  # a matrix with rows for columns -> its name
        self.after: Any = WeakIdKeyDictionary()  # what came out of a linear map, and where its units are

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = name_of(function)
        if name in LINEAR or name in CONVOLUTIONS:
            out = function(*args, **kwargs)
            key, place = (LINEAR | CONVOLUTIONS)[name][0]
            weight = kwargs.get(key, args[place] if len(args) > place else None)
            known = self.named.get(id(weight)) or (self.turned.get(weight) if isinstance(weight, Tensor) else None)
            if known is not None and isinstance(weight, Tensor) and weight.ndim >= 2 and len(args) >= place:
                axis = -1 if name in LINEAR else -1 - (weight.ndim - 2)
                self.passed(known, args[place - 1], out, axis, dense=weight.ndim == 2)
            return out
        if name in ACTIVATIONS and args and args[0] in self.after:
            weight, axis = self.after[args[0]]
            self.activated(
                self.layers[weight], args[0], axis, record_of(name, args, kwargs)
            )  # before it is overwritten
            return function(*args, **kwargs)
        source = next((t for t in tensors_of(args) if t in self.after), None) if name in BETWEEN else None
        out = function(*args, **kwargs)
        if (
            source is not None
            and isinstance(out, Tensor)
            and source in self.after
            and passes_on(name, args, self.after)
        ):
            weight, axis = self.after[source]
            if out.ndim == source.ndim and out.shape[axis] == source.shape[axis]:
                self.after[out] = weight, axis
        if name in TURNS and args and id(args[0]) in self.named and isinstance(out, Tensor) and out.ndim == 2:
            self.turned[out] = self.named[id(args[0])]
        return out

    def passed(self, weight: str, x: Tensor, z: Tensor, axis: int, dense: bool) -> None:
        """A linear map was called; of several calls with one weight the first is looked at."""
        if weight in self.layers or not z.numel():
            return
        size = float(torch.linalg.vector_norm(z.float())) / math.sqrt(z.numel())
        mean = as_array(x.reshape(-1, x.shape[-1]).mean(0)) if dense else None
        self.layers[weight] = Signal(weight, size, mean, z.shape[axis])
        self.after[z] = weight, axis

    def activated(self, layer: Signal, z: Tensor, axis: int, record: ActivationRecord | None) -> None:
        """Its activation was."""
        if layer.active or record is None:
            return
        layer.active = True
        rows = z.detach().movedim(axis, -1).reshape(-1, z.shape[axis])
        if record.name == "relu":
            dead = (rows.amax(0) <= 0) & torch.isfinite(rows.amin(0))
            layer.dead = tuple(dead.nonzero().flatten().tolist())
            return
        some = as_array(rows[:: max(1, len(rows) // ROWS)])
        with np.errstate(all="ignore"):
            layer.saturated, layer.dead = flat_units(record, share_of_steepest(record, some), some)


def passes_on(name: str, args: Any, known: Any) -> bool:
    """Whether a sum is one with a bias: where two signals meet, an activation is of neither alone."""
    if name not in ("add", "iadd"):
        return True
    return all(part in known or isinstance(part, nn.Parameter) for part in args if isinstance(part, Tensor)) and (
        sum(part in known for part in args if isinstance(part, Tensor)) == 1
    )


def record_of(name: str, args: Any, kwargs: Any) -> ActivationRecord | None:
    """What this package knows of an activation with these options."""
    known, options = ACTIVATIONS[name]
    places = {
        option: kwargs.get(option, args[1 + i] if len(args) > 1 + i else None) for i, option in enumerate(options)
    }
    return activation(known, **{option: float(value) for option, value in places.items() if value is not None})
