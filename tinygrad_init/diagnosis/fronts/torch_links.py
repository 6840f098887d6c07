"""The links that the calls of a PyTorch model are, with derivatives by PyTorch's own autograd.

What is a linear map, an activation or dropout is known by the function; all else is a link of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from ...activations import ActivationRecord, activation
from ...ops.activations import prelu
from ..network import ACTIVATION, OTHER, SUM, WEIGHTS, Link, Parameter, folded, units_first
from .torch_calls import LEARNED, Call, Origin, Recorder, Slot
from .torch_opened import RECURRENT

Array = np.ndarray[Any, Any]

# Functions by their name that are activations: what this package calls them, and what they take besides x, in order.
ACTIVATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (name, ()) for name in ("relu", "tanh", "sigmoid", "selu", "silu", "softplus", "erf", "hardtanh", "mish")},
    **{name: (name, ()) for name in ("softsign", "sin")},
    "gelu": ("gelu", ()),
    "elu": ("elu", ("alpha",)),
    "leaky_relu": ("leaky_relu", ("negative_slope",)),
    "hardsigmoid": ("hard_sigmoid", ()),
}
# Functions that multiply by a weight: what that, and a bias, are called among their arguments, and at which place.
Place: TypeAlias = tuple[str, int]
PLAIN: tuple[Place, Place] = ("weight", 1), ("bias", 2)
LINEAR: dict[str, tuple[Place, ...]] = {
    "linear": PLAIN,
    "matmul": (("other", 1),),
    "mm": (("mat2", 1),),
    "addmm": (("mat2", 2), ("input", 0)),
}
CONVOLUTIONS = {f"conv{t}{d}d": PLAIN for t in ("", "_transpose") for d in (1, 2, 3)}
DROPOUTS = ("dropout", "feature_dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d")
RANDOM = ("rand_like", "randn_like", "bernoulli", "normal", "gumbel_softmax", "rrelu")
SUMS = ("add", "iadd", "radd")
NORMALIZED_BY_BATCH = "batch_norm"
# PyTorch's own graph of a call: its inputs, its parameters by name, and what comes out. Only that of the call that was
# asked last is kept, by who asked: those of a whole network would take several times its memory.
Graph: TypeAlias = tuple[list[Tensor], dict[str, Tensor], Tensor]
Latest: TypeAlias = dict[object, Graph]


def as_array(tensor: Tensor) -> Array:
    """Numbers as an array; those that NumPy does not have, as bfloat16, in float32."""
    return np.array(viewed(tensor))


def viewed(tensor: Tensor) -> Array:
    """The same without a copy, of a tensor that nobody will change."""
    found = tensor.detach().cpu().resolve_conj().resolve_neg()
    return (found.float() if found.dtype in (torch.bfloat16, torch.float16) else found).numpy()


def links_of(recorder: Recorder, end: Origin | None, model: nn.Module) -> tuple[Link, ...]:
    """The links that lead to what came out, in the order in which they ran.

    Raises
    ------
    TypeError
        Nothing that was followed leads there.
    """
    if end is None or end[0] != "call":
        raise TypeError("expected predictions that are computed from the inputs")
    wanted, number, calls = {end}, end[1], {end[1]}
    for i in range(number, -1, -1):
        if i in calls:
            wanted |= set(recorder.calls[i].inputs)
            calls |= {origin[1] for origin in recorder.calls[i].inputs if origin[0] == "call"}
    tensors: dict[str, Tensor] = dict(model.named_parameters())
    tensors |= {name: tensors[whole][start:stop] for name, (whole, start, stop) in recorder.parts.items()}
    made: dict[Origin, Link] = {}
    used: dict[str, int] = {}
    latest: Latest = {}
    for i, call in enumerate(recorder.calls[: number + 1]):
        for which, output in enumerate(call.outputs):
            if ("call", i, which) in wanted:
                made["call", i, which] = link_of(call, which, output, tensors, made, used, latest)
    return folded(tuple(made.values()))


def link_of(
    call: Call,
    which: int,
    output: Tensor,
    tensors: dict[str, Tensor],
    made: dict[Origin, Link],
    used: dict[str, int],
    latest: Latest,
) -> Link:
    """The link that a call is."""
    if output.is_complex():
        raise TypeError(
            f"expected real numbers on the way; {call.where or 'the model'} makes complex ones ({call.name})"
        )
    sources = tuple(made[origin] if origin[0] == "call" else str(origin[1]) for origin in call.inputs)
    at = At(call, which, tensors, "", sources, latest)
    weight = at.parameter(*LINEAR["linear"][0]) if call.inside and call.name == "linear" else None
    if weight is not None:
        at.name = weight.removesuffix(".weight")
        return at.link(dict(call.inputs), output)
    alone = call.alone and not call.inside
    name = call.where if alone else f"{call.where}.{call.name}".lstrip(".")
    used[name] = used.get(name, 0) + 1
    at.name = f"{name}_{used[name]}" if used[name] > 1 and not alone else name
    return at.link(dict(call.inputs), output)


class At:
    """A call at a place in the network, on whatever inputs."""

    def __init__(
        self,
        call: Call,
        which: int,
        tensors: dict[str, Tensor],
        name: str,
        sources: tuple[Link | str, ...],
        latest: Latest,
    ) -> None:
        self.call, self.which, self.name, self.sources, self.latest = call, which, name, sources, latest
        self.tensors = {name: tensors[name].detach() for name in call.parameters}

    def link(self, inputs: dict[Origin, Tensor], output: Tensor) -> Link:
        """The link on some inputs, with what comes out."""
        call, named = self.call, {name: Parameter(name, viewed(tensor)) for name, tensor in self.tensors.items()}
        weight, bias, axis = self.weights(named)
        record = None if weight is not None else self.record(inputs)

        def graph() -> Graph:
            if graph in self.latest:
                return self.latest[graph]
            self.latest.clear()
            leaves = {
                origin: tensor.detach().requires_grad_(tensor.is_floating_point()) for origin, tensor in inputs.items()
            }
            learned = {
                name: tensor.detach().requires_grad_(tensor.is_floating_point())
                for name, tensor in self.tensors.items()
            }
            out = call.evaluate(leaves, learned, self.which)
            self.latest[graph] = list(leaves.values()), learned, out if call.differentiable else out.detach()
            return self.latest[graph]

        def back(to: list[Tensor], cotangent: Array, out: Tensor) -> list[Array]:
            real = [tensor for tensor in to if tensor.requires_grad]
            found: dict[int, Any] = {}
            if out.requires_grad and real:
                g = torch.from_numpy(np.array(cotangent)).to(out.dtype).reshape(out.shape)
                pulled = torch.autograd.grad(out, real, g, retain_graph=True, allow_unused=True)
                found = {id(tensor): value for tensor, value in zip(real, pulled, strict=True)}
            return [
                np.zeros(tensor.shape) if (value := found.get(id(tensor))) is None else viewed(value) for tensor in to
            ]

        def jvp(tangents: tuple[Array, ...]) -> Array:
            leaves, _, out = graph()
            real = [(leaf, t) for leaf, t in zip(leaves, tangents, strict=True) if leaf.requires_grad]
            if not (out.requires_grad and real):
                return np.zeros(out.shape)
            # The derivative of the vector-Jacobian product by its cotangent.
            cotangent = torch.zeros_like(out, requires_grad=True)
            pulled = torch.autograd.grad(
                out, [leaf for leaf, _ in real], cotangent, create_graph=True, allow_unused=True
            )
            total = sum(
                (value * torch.from_numpy(np.array(t)).to(value.dtype).reshape(value.shape)).sum()
                for value, (_, t) in zip(pulled, real, strict=True)
                if value is not None and value.requires_grad
            )
            if not isinstance(total, Tensor):
                return np.zeros(out.shape)
            (found,) = torch.autograd.grad(total, cotangent, allow_unused=True)
            return np.zeros(out.shape) if found is None else viewed(found)

        def rerun(arrays: tuple[Array, ...]) -> Link:
            other = {
                origin: torch.from_numpy(np.array(array)).to(tensor.dtype)
                for (origin, tensor), array in zip(inputs.items(), arrays, strict=True)
            }
            with torch.no_grad():
                return self.link(other, call.evaluate(other, self.tensors, self.which).detach())

        return Link(
            name=self.name,
            role=WEIGHTS if weight is not None else OTHER if record is None else ACTIVATION,
            label=self.label(record),
            inputs=tuple(viewed(tensor) for tensor in inputs.values()),
            output=viewed(output),
            vjp=lambda cotangent: tuple(back(graph()[0], cotangent, graph()[2])),
            vjp_to=lambda name, cotangent: back([graph()[1][name]], cotangent, graph()[2])[0],
            jvp=jvp,
            rerun=rerun,
            sources=self.sources,
            weight=weight,
            bias=bias,
            parameters=tuple(named.values()),
            unit_axis=axis,
            by_unit=self.by_unit(),
            activation=record,
            elementwise=call.name in DROPOUTS,
            draws=call.name in RANDOM or (call.name in DROPOUTS and bool(self.argument("training", 2, True))),
            over_time=weight is not None and call.inside.removesuffix("_cell") in RECURRENT,
            mixes_samples=call.name == NORMALIZED_BY_BATCH and bool(self.argument("training", 5, True)),
        )

    def argument(self, name: str, place: int, default: Any = None) -> Any:
        """What the function was called with besides tensors, by its name or place."""
        if name in self.call.kwargs:
            return self.call.kwargs[name]
        return self.call.args[place] if place < len(self.call.args) else default

    def weights(self, named: dict[str, Parameter]) -> tuple[Parameter | None, Parameter | None, int]:
        """Weight and bias of a linear map, and which axis of its output are its units; None of anything else."""
        places = (LINEAR | CONVOLUTIONS).get(self.call.name)
        if places is None or len(self.call.inputs) != 1:
            return None, None, -1
        weight, *more = (self.parameter(*place) for place in places)
        bias = more[0] if more else None
        if weight is None or named[weight].values.ndim < 2:
            return None, None, -1
        return named[weight], None if bias is None else named[bias], 1 if self.call.name in CONVOLUTIONS else -1

    def parameter(self, name: str, place: int) -> str | None:
        """The name of the parameter that stands at some place among the arguments."""
        found = self.argument(name, place)
        return found.origin[1] if isinstance(found, Slot) and found.origin[0] in LEARNED else None

    def by_unit(self) -> Callable[[Array], Array]:
        """From a weight to a row for each unit: PyTorch's matrices are (units, inputs), but for x @ W."""
        if self.call.name in LINEAR:
            weight = self.argument(*LINEAR[self.call.name][0])
            turned = isinstance(weight, Slot) and weight.origin[0] == "turned"
            # linear(x, W) and x @ W.T have W's rows as units, x @ W and linear(x, W.T) columns
            return (lambda weights: weights.T) if turned == (self.call.name == "linear") else units_first
        if not self.call.name.startswith("conv_transpose"):
            return units_first
        groups = int(self.argument("groups", 6, 1))

        def transposed(weights: Array) -> Array:
            # (channels in, channels out / groups, *window), the groups one after the other along the first.
            parts = np.split(weights, groups)
            return np.concatenate([np.moveaxis(part, 1, 0).reshape(part.shape[1], -1) for part in parts])

        return transposed

    def record(self, inputs: dict[Origin, Tensor]) -> Any:
        """Of an activation, what this package knows of it; None of anything else."""
        if self.call.name == "prelu" and len(inputs) == 1 and (slopes := self.parameter("weight", 1)) is not None:
            return ActivationRecord("prelu", prelu, slopes=tuple(self.tensors[slopes].flatten().tolist()))
        name, options = ACTIVATIONS.get(self.call.name, ("", ()))
        plain = {"beta": 1, "threshold": 20, "min_val": -1.0, "max_val": 1.0}
        if not name or len(inputs) != 1 or any(self.call.kwargs.get(k, v) != v for k, v in plain.items()):
            return None
        places = {option: self.argument(option, 1 + i) for i, option in enumerate(options)}
        return activation(name, **{option: float(value) for option, value in places.items() if value is not None})

    def label(self, record: Any) -> str:
        """What it is called in words."""
        if self.call.name in SUMS and len(self.call.inputs) == 2 and self.argument("alpha", 3, 1) == 1:
            return SUM
        return record.name if record is not None else self.call.name
