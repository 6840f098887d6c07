"""Layers: linear maps, activations, and chains of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import ops
from ..activations import ActivationRecord, activation
from ..engine.graph import Operation
from ..engine.modes import get_default_dtype
from ..engine.tensor import Tensor
from ..init import torch_default_, uniform_
from ..layering import ACTIVATION, OTHER, RESIDUAL, WEIGHTS, Step, layers
from ..ops.activations import ACTIVATIONS, activation_name
from ..ops.shape import whole
from .module import Module, Parameter


class Linear(Module):
    """z = x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features
        Sizes; the weight has shape (out_features, in_features).
    bias
        Whether b is there, of shape (out_features,).
    rng
        Where the start comes from; a seed or a generator. Without it the start is random.
    dtype
        Of the parameters; the default dtype unless given.

    Notes
    -----
    Weights and biases start uniform on ±1/√in_features as in PyTorch, so that what is learned there is found again
    here. `tgi.init` has better starts.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        rng: np.random.Generator | int | None = None,
        dtype: Any = None,
    ) -> None:
        in_features, out_features = (whole("Linear", "a size", size) for size in (in_features, out_features))
        if in_features < 1 or out_features < 1:
            raise ValueError(f"Linear: expected sizes of at least 1, got {in_features} and {out_features}")
        self.in_features, self.out_features = in_features, out_features
        generator = np.random.default_rng(rng)
        dtype = dtype or get_default_dtype()
        self.weight = Parameter(np.zeros((out_features, in_features)), dtype)
        torch_default_(self.weight, generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(np.zeros(out_features), dtype)
            uniform_(self.bias, generator, -(in_features**-0.5), in_features**-0.5)

    def forward(self, x: Any) -> Tensor:
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}{'' if self.bias is not None else ', bias=False'}"


class Activation(Module):
    """An elementwise function as a module; `nn.Tanh()` and its like are made of it.

    Parameters
    ----------
    name
        Of the function (see `ACTIVATIONS`), or what other libraries call the same.
    params
        What the function takes besides its input.
    """

    role = ACTIVATION

    def __init__(self, name: str, **params: float) -> None:
        known = activation_name(name)
        if known not in ACTIVATIONS:
            raise ValueError(f"expected an activation without a weight, got {name!r}; nn.PReLU() learns its slope")
        self.name, self.params = known, params

    def forward(self, x: Tensor) -> Tensor:
        return ACTIVATIONS[self.name](x, **self.params)

    @property
    def record(self) -> ActivationRecord:
        """What is known of the function."""
        return activation(self.name, **self.params)

    def extra_repr(self) -> str:
        name = [self.name] if type(self) is Activation else []  # the classes made by `_named` say it themselves
        return ", ".join([*name, *(f"{key}={value}" for key, value in self.params.items())])


class PReLU(Module):
    """x if x > 0 else slope·x with a slope that is learned, one for all units or one each (He et al. 2015).

    Parameters
    ----------
    units
        1, or how many units the input has.
    slope
        Where it starts.
    axis
        Which axis of the input has the units: the last, or 1 for the channels of convolutions.
    """

    role = ACTIVATION

    def __init__(self, units: int = 1, slope: float = 0.25, dtype: Any = None, axis: int = -1) -> None:
        if axis not in (-1, 1):
            raise ValueError(f"PReLU: expected axis -1 or 1, got {axis}")
        self.units, self.axis = whole("PReLU", "units", units), axis
        self.slope = Parameter(np.full(self.units, slope), dtype or get_default_dtype())

    def forward(self, x: Tensor) -> Tensor:
        if self.axis == 1 and self.units > 1 and x.ndim > 2:
            return ops.prelu(x, self.slope.reshape(-1, *(1,) * (x.ndim - 2)))
        return ops.prelu(x, self.slope)

    @property
    def record(self) -> ActivationRecord:
        """What is known of the function, with the slopes as they are now."""
        return ActivationRecord("prelu", ops.prelu, slopes=tuple(self.slope.numpy().ravel().tolist()))

    def extra_repr(self) -> str:
        return str(self.units) if self.axis == -1 else f"{self.units}, axis={self.axis}"


class Sequential(Module):
    """Modules one after the other; parameters are named by position, "0.weight"."""

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: expected modules, got {type(module).__name__} at {i}")
            setattr(self, str(i), module)
        self.name_parameters()

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.children())

    def __len__(self) -> int:
        return len(list(self.children()))

    def __getitem__(self, i: int) -> Module:
        return list(self)[i]


def make_activation(name: str, dtype: Any = None) -> Module:
    """An activation module by its name; "prelu" learns its slope."""
    known = activation_name(name)
    return PReLU(dtype=dtype) if known == "prelu" else Activation(known)


class MLP(Module):
    """Linear maps and activations in turn, no activation after the last map.

    Parameters
    ----------
    sizes
        Of the input, of each hidden layer, and of the output.
    activation
        The name of the hidden layers' activation, ours or that of other libraries.
    rng, dtype
        As in `Linear`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        rng: np.random.Generator | int | None = None,
        dtype: Any = None,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected at least an input and an output size, got {list(sizes)}")
        generator = np.random.default_rng(rng)
        self.sizes, self.activation = tuple(sizes), activation_name(activation)
        modules: list[Module] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            if i > 0:
                modules.append(make_activation(activation, dtype))
            modules.append(Linear(fan_in, fan_out, rng=generator, dtype=dtype))
        self.layers = Sequential(*modules)
        self.name_parameters()

    def forward(self, x: Any) -> Any:
        return self.layers(x)

    def linears(self) -> list[Linear]:
        """The linear maps, first to last."""
        return [module for module in self.layers if isinstance(module, Linear)]


def is_linear_map(module: Module) -> bool:
    """Whether a module multiplies by a weight with units and inputs: a dense layer, a convolution, and the like."""
    weight = getattr(module, "weight", None)
    # LayerNorm's weight has the shape of what it normalizes, not units and inputs.
    return isinstance(weight, Parameter) and weight.ndim >= 2 and not hasattr(module, "normalized_shape")


def role_of(module: Module) -> str:
    """What a module is in a network: "weights" of a linear map, "activation", "residual" or "other"."""
    return WEIGHTS if is_linear_map(module) else module.role


def linear_maps(model: Module) -> list[tuple[Module, Module | None]]:
    """All linear maps inside a model in the order in which they are defined, each with the activation before the next.

    Any model has such a list; whether it is the order in which they are called is the model's affair.
    """
    modules = [module for _, module in model.named_modules()]
    # A block stands for what is in it, which comes after it here.
    roles = [OTHER if role == RESIDUAL else role for role in map(role_of, modules)]
    return layers([Step(module, role) for module, role in zip(modules, roles, strict=True)])


def _named(class_name: str, op: Operation) -> type[Activation]:
    """A class for one activation, such as `Tanh`; what the function takes besides its input is what the class takes."""

    def __init__(self: Activation, *values: float, **params: float) -> None:
        if len(values) > len(op.param_names) or not params.keys() <= set(op.param_names):
            raise TypeError(
                f"{class_name}: takes {', '.join(op.param_names) or 'nothing'}; got {values} {params or ''}"
            )
        given = dict(zip(op.param_names, values, strict=False)) | params
        Activation.__init__(self, op.name, **dict(zip(op.param_names, op.defaults, strict=True)) | given)

    return type(class_name, (Activation,), {"__init__": __init__, "__doc__": op.spec.formula, "__module__": __name__})


Identity = _named("Identity", ops.identity)
Sigmoid = _named("Sigmoid", ops.sigmoid)
Tanh = _named("Tanh", ops.tanh)
ReLU = _named("ReLU", ops.relu)
LeakyReLU = _named("LeakyReLU", ops.leaky_relu)
ELU = _named("ELU", ops.elu)
SELU = _named("SELU", ops.selu)
GELU = _named("GELU", ops.gelu)
SiLU = _named("SiLU", ops.silu)
Softplus = _named("Softplus", ops.softplus)
Erf = _named("Erf", ops.erf)
HardSigmoid = _named("HardSigmoid", ops.hard_sigmoid)
HardTanh = _named("HardTanh", ops.hardtanh)
Mish = _named("Mish", ops.mish)
Softsign = _named("Softsign", ops.softsign)
Sin = _named("Sin", ops.sin)
