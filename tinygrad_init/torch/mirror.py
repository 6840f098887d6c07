"""The linear maps of a PyTorch model as modules of this package, so that starts of `init` and `starts` fill them.

A mirror has the structure that starts ask for: linear maps with the activation after each, and residual blocks. Where a
start runs it, a twin of the model runs in PyTorch with the mirror's weights, and the mirror tells what came out of each
linear map.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from .. import nn
from ..activations import ActivationRecord
from ..diagnosis.fronts.torch_links import as_array
from ..diagnosis.fronts.torch_losses import Loss, cost_of, one_number
from ..diagnosis.fronts.torch_modules import called, duplicate
from ..diagnosis.fronts.torch_signals import Signals
from ..diagnosis.network import RESIDUAL, WEIGHTS, Link, Network
from ..engine.modes import is_grad_enabled
from ..engine.tensor import Tensor
from ..init import fans
from .conversion import from_torch, joined
from .pairs import PAIRS

Array = np.ndarray[Any, Any]

CONVOLUTION, TRANSPOSED = torch.nn.modules.conv._ConvNd, torch.nn.modules.conv._ConvTransposeNd
ACTIVATIONS = tuple(pair.theirs for pair in PAIRS if issubclass(pair.ours, nn.Activation | nn.PReLU))


class Map(nn.Module):
    """A linear map of a PyTorch model.

    Parameters
    ----------
    name
        Of the module, or of the weight where that is no module's own.
    weight, bias
        The names of the parameters, and what they are: of a weight a matrix or a kernel as here.
    order
        Where the numbers of each unit lie in the weight, of shape (units, inputs of one).
    fans
        As in `Parameter`.
    turned
        Whether PyTorch's matrix is (inputs, units), as in x @ W.
    """

    def __init__(
        self,
        name: str,
        weight: tuple[str, Array],
        bias: tuple[str, Array] | None,
        order: Array,
        fans: tuple[int, int] | None = None,
        turned: bool = False,
    ) -> None:
        self.title, self.order, self.turned = name, order, turned
        self.weight_name, self.bias_name = weight[0], None if bias is None else bias[0]
        self.weight = nn.Parameter(weight[1].T if turned else weight[1], weight[1].dtype, fans=fans)
        self.bias = None if bias is None else nn.Parameter(bias[1], bias[1].dtype)

    def forward(self, z: Any) -> Any:
        return z  # what PyTorch has computed

    def by_unit(self, weights: Array) -> Array:
        """As that of a convolution."""
        return weights.ravel()[self.order]

    def from_units(self, rows: Array) -> Array:
        """The weight's shape again."""
        found = np.empty(self.weight.size, rows.dtype)
        found[self.order] = rows
        return found.reshape(self.weight.shape)

    def numbers(self) -> dict[str, Array]:
        """PyTorch's parameters by their names."""
        weight = self.weight.numpy()
        found = {self.weight_name: weight.T if self.turned else weight}
        return found if self.bias is None or self.bias_name is None else {**found, self.bias_name: self.bias.numpy()}


class Batch:
    """What a twin is run on.

    Parameters
    ----------
    model
        Whose twin it is.
    x, inputs
        What was given, and the same as tensors by name.
    """

    def __init__(self, model: torch.nn.Module, x: Any, inputs: dict[str, Any]) -> None:
        self.twin, self.x, self.inputs = duplicate(model), x, inputs
        self.chance = torch.get_rng_state()
        first = next(iter(inputs.values()))
        self.device, self.samples = first.device, len(first)
        for parameter in self.twin.parameters():
            parameter.requires_grad_(parameter.is_floating_point())

    @contextmanager
    def same_draws(self) -> Iterator[None]:
        """Chance draws the same each time, and nobody's else."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.set_rng_state(self.chance)
            yield

    def outputs(self) -> list[tuple[str, torch.Tensor]]:
        """What comes out of every call of a linear map, with the name of its weight."""
        with self.same_draws(), torch.no_grad(), Outputs(self.twin) as seen:
            called(self.twin, self.x, self.inputs)
        return seen.found

    def gradients(self, loss: Loss, targets: Any) -> dict[str, Array]:
        """∂C/∂ every parameter, by name."""
        named = dict(self.twin.named_parameters())
        with self.same_draws(), torch.enable_grad():
            cost = one_number(cost_of(loss, called(self.twin, self.x, self.inputs), targets))
            found = torch.autograd.grad(cost, list(named.values()), allow_unused=True)
        return {name: as_array(g) for name, g in zip(named, found, strict=True) if g is not None}


class Outputs(Signals):
    """A context in which what comes out of linear maps is kept, in the order of the calls."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__(model)
        self.found: list[tuple[str, torch.Tensor]] = []

    def passed(self, weight: str, x: torch.Tensor, z: torch.Tensor, axis: int, dense: bool) -> None:
        self.found.append((weight, z))


class Mirror(nn.Module):
    """The linear maps of a model as starts know them.

    Parameters
    ----------
    parts
        Linear maps, activations and blocks, in order.
    batch
        What it is run on, if it is.
    loss, targets
        Of which a run has the gradients, if it is asked for those.
    """

    def __init__(
        self, parts: Iterable[nn.Module], batch: Batch | None = None, loss: Loss | None = None, targets: Any = None
    ) -> None:
        self.parts = nn.Sequential(*parts)
        self.batch, self.loss, self.targets = batch, loss, targets

    def maps(self) -> dict[str, Map]:
        """The linear maps by the names of their weights, in order."""
        return {part.weight_name: part for _, part in super().named_modules() if isinstance(part, Map)}

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
        """As of any module, linear maps under the names that they have in PyTorch."""
        for name, module in super().named_modules(prefix):
            yield (module.title if isinstance(module, Map) else name), module

    def forward(self, x: Any) -> Any:
        """Let every linear map tell what comes out of it; with gradients, a number that has those of the loss."""
        assert self.batch is not None
        maps = self.maps()
        write(maps.values(), self.batch.twin)
        if not is_grad_enabled() or self.loss is None:
            for weight, z in self.batch.outputs():
                if weight in maps:
                    maps[weight](Tensor(as_array(z)))
            return x
        found = self.batch.gradients(self.loss, self.targets)
        total: Any = Tensor(0.0, np.float64)
        for name, part in maps.items():
            if name in found:
                gradient = found[name].T if part.turned else found[name]
                total = total + (part.weight * Tensor(gradient, part.weight.dtype)).astype(np.float64).sum()
        return total


def write(maps: Iterable[Map], model: torch.nn.Module) -> None:
    """Overwrite parameters of a model, whatever their dtype and device, by the numbers of linear maps."""
    named = dict(model.named_parameters())
    with torch.no_grad():
        for part in maps:
            for name, values in part.numbers().items():
                named[name].copy_(torch.from_numpy(np.array(values)))


def of_network(network: Network) -> list[nn.Module]:
    """Parts of a mirror, as they run: linear maps with their activations, residual blocks."""
    seen: set[str] = set()

    def parts(links: tuple[Link, ...]) -> Iterator[nn.Module]:
        for link in links:
            if link.role == RESIDUAL:
                yield nn.Residual(nn.Sequential(*parts(link.branch)), nn.Sequential(*parts(link.shortcut)))
            elif link.role == WEIGHTS and link.matrix.name not in seen:
                seen.add(link.matrix.name)
                yield of_link(link)
            elif link.activation is not None:
                yield of_record(link.activation)

    return list(parts(network.links))


def of_record(record: ActivationRecord) -> nn.Module:
    """An activation module by its record."""
    if record.slopes is None:
        return nn.Activation(record.name, **dict(record.params))
    made = nn.PReLU(len(record.slopes))
    made.load_state_dict({"weight": np.array(record.slopes)})
    return made


def of_link(link: Link) -> Map:
    """A linear map that has run."""
    weight = link.matrix.values
    order = link.by_unit(np.arange(weight.size).reshape(weight.shape))
    name = link.matrix.name.removesuffix(".weight")
    bias = None if link.bias is None else (link.bias.name, link.bias.values)
    if weight.ndim == 2:
        turned = order.shape != weight.shape or (order.shape[1] > 1 and int(order[0, 1]) != 1)
        return Map(name, (link.matrix.name, weight), bias, np.arange(weight.size).reshape(order.shape), None, turned)
    transposed = "transpose" in link.label
    groups = link.output.shape[1] // weight.shape[1] if transposed else link.x.shape[1] // weight.shape[1]
    return Map(name, (link.matrix.name, weight), bias, order, own_fans(weight.shape, groups, transposed))


def own_fans(shape: tuple[int, ...], groups: int, transposed: bool) -> tuple[int, int] | None:
    """The fans of a kernel, where its shape does not tell them."""
    return fans(shape, groups=groups, transposed=transposed) if transposed or groups > 1 else None


def of_model(model: torch.nn.Module) -> list[nn.Module]:
    """Parts of a mirror in order of definition: what is a linear map or an activation by its class."""
    parameters = {id(parameter): name for name, parameter in model.named_parameters()}
    seen: set[str] = set()

    def part(module: torch.nn.Module, name: str) -> nn.Module | None:
        if isinstance(module, torch.nn.Linear | CONVOLUTION):
            weight = parameters[id(module.weight)]
            if weight in seen:
                return None
            seen.add(weight)
            return of_linear(module, name, parameters)
        if (phi := activation_of(module)) is not None:
            return phi
        found = nn.Sequential()
        for inner_name, inner in module.named_children():
            made = part(inner, joined(name, inner_name))
            if made is not None:  # a block is known by the name of its branch
                setattr(found, inner_name if inner_name == "branch" else f"part_{inner_name}", made)
        return found

    found = part(model, "")
    return [] if found is None else [found]


def activation_of(module: torch.nn.Module) -> nn.Module | None:
    """This package's activation for a module; None of what is none, or one with options that are not to be had here."""
    if not isinstance(module, ACTIVATIONS):
        return None
    try:
        return from_torch(module)  # type: ignore[no-any-return]
    except TypeError:
        return None


def of_linear(module: Any, name: str, parameters: dict[int, str]) -> Map:
    """A linear map by its class."""
    weight = as_array(module.weight)
    bias = None if module.bias is None else (parameters[id(module.bias)], as_array(module.bias))
    order: Array = np.arange(weight.size)
    own = None
    if isinstance(module, TRANSPOSED):
        groups = module.groups
        split = order.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
        order = split.transpose(0, 2, 1, 3)
    if isinstance(module, CONVOLUTION):
        own = own_fans(weight.shape, module.groups, isinstance(module, TRANSPOSED))
    units = module.out_channels if isinstance(module, CONVOLUTION) else module.out_features
    return Map(name, (parameters[id(module.weight)], weight), bias, order.reshape(units, -1), own)
