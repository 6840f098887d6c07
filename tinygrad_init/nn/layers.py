"""Layers: linear maps, activations, and chains of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import ops
from ..activations import ActivationRecord, activation
from ..engine.graph import MISSING, Operation
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import torch_default_, uniform_
from ..init.drawing import generator_of
from ..layering import ACTIVATION, OTHER, RESIDUAL, WEIGHTS, Step, layers
from ..ops import activations, elementwise
from ..ops.activations import ACTIVATIONS, activation_name
from ..ops.registry import REGISTRY
from ..ops.shape import whole
from .containers import Sequential
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Parameter


class Linear(Module):
    """z = x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features
        Sizes; the weight has shape (out_features, in_features).
    bias
        Whether b is there, of shape (out_features,).
    device
        None or "cpu".
    dtype
        Of the parameters; the default dtype unless given.
    rng
        Where the start comes from; a seed or a generator. Without it the start is random.

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
        device: Any = None,
        dtype: Any = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        dtype = dtype_for("Linear", device, dtype)
        in_features, out_features = (whole("Linear", "a size", size) for size in (in_features, out_features))
        if in_features < 1 or out_features < 1:
            raise ValueError(f"Linear: expected sizes of at least 1, got {in_features} and {out_features}")
        self.in_features, self.out_features = in_features, out_features
        generator = generator_of(rng)
        self.weight = Parameter(np.zeros((out_features, in_features)), dtype)
        torch_default_(self.weight, generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(np.zeros(out_features), dtype)
            uniform_(self.bias, generator, -(in_features**-0.5), in_features**-0.5)

    def forward(self, input: Any) -> Tensor:
        return ops.linear(input, self.weight, self.bias)

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

    def take(self, op: Operation, **params: float) -> None:
        """Be an operation that has no name among `ACTIVATIONS`."""
        self.name, self.params = op.name, params

    def forward(self, input: Any) -> Tensor:
        return REGISTRY[self.name](input, **self.params)

    @property
    def record(self) -> ActivationRecord:
        """What is known of the function."""
        return activation(self.name if self.name in ACTIVATIONS else REGISTRY[self.name], **self.params)

    def extra_repr(self) -> str:
        name = [self.name] if type(self) is Activation else []  # the classes made by `named` say it themselves
        return ", ".join([*name, *(f"{key}={value}" for key, value in self.params.items())])


class PReLU(Module):
    """x if x > 0 else weight·x with a slope that is learned, one for all units or one each (He et al. 2015).

    Parameters
    ----------
    num_parameters
        1, or how many units the input has.
    init
        Where the slopes start.
    device, dtype
        As in `Linear`.
    axis
        Which axis of the input has the units: 1, as in PyTorch, for the channels of convolutions; or -1, the last.
    """

    role = ACTIVATION

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None, *, axis: int = 1
    ) -> None:
        if axis not in (-1, 1):
            raise ValueError(f"PReLU: expected axis -1 or 1, got {axis}")
        self.num_parameters, self.init, self.axis = whole("PReLU", "num_parameters", num_parameters), init, axis
        self.weight = Parameter(np.full(self.num_parameters, init), dtype_for("PReLU", device, dtype))

    def forward(self, input: Any) -> Tensor:
        (x,) = coerce("PReLU", (input,))
        if self.num_parameters == 1:
            return ops.prelu(x, self.weight if x.ndim else self.weight.reshape(()))
        at = self.axis if x.ndim > 1 else 0
        if x.ndim == 0 or x.shape[at] != self.num_parameters:
            raise ValueError(
                f"PReLU: expected {self.num_parameters} units along axis {self.axis}, got an input of shape {x.shape}"
            )
        if self.axis == 1 and x.ndim > 2:
            return ops.prelu(x, self.weight.reshape(-1, *(1,) * (x.ndim - 2)))
        return ops.prelu(x, self.weight)

    @property
    def record(self) -> ActivationRecord:
        """What is known of the function, with the slopes as they are now."""
        return ActivationRecord("prelu", activations.prelu, slopes=tuple(self.weight.numpy().ravel().tolist()))

    def extra_repr(self) -> str:
        return f"{self.num_parameters}{', axis=-1' if self.axis == -1 else ''}"


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
        generator = generator_of(rng)
        self.sizes, self.activation = tuple(sizes), activation_name(activation)
        modules: list[Module] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            if i > 0:
                modules.append(make_activation(activation, dtype))
            modules.append(Linear(fan_in, fan_out, rng=generator, dtype=dtype))
        self.layers = Sequential(*modules)
        self.name_parameters()

    def forward(self, input: Any) -> Any:
        return self.layers(input)

    def linears(self) -> list[Linear]:
        """The linear maps, first to last."""
        return [module for module in self.layers if isinstance(module, Linear)]


def is_linear_map(module: Module) -> bool:
    """Whether a module multiplies by a weight with units and inputs: a dense layer, a convolution, and the like."""
    weight = getattr(module, "weight", None)
    return isinstance(weight, Parameter) and weight.ndim >= 2 and module.multiplies


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


def named(class_name: str, op: Operation, *, inplace: bool = False, home: str = __name__) -> type[Activation]:
    """A class for one activation, such as `Tanh`; what the function takes besides its input is what the class takes.

    As PyTorch's, some take `inplace`, which there saves memory and here changes nothing: results are new tensors.
    """
    takes = (*op.param_names, *(("inplace",) if inplace else ()))

    def __init__(self: Activation, *values: Any, **params: Any) -> None:
        if len(values) > len(takes) or not params.keys() <= set(takes):
            raise TypeError(f"{class_name}: takes {', '.join(takes) or 'nothing'}; got {values} {params or ''}")
        given = dict(zip(takes, values, strict=False)) | params
        require_flag(class_name, "inplace", given.pop("inplace", False))
        missing = [key for key, default in zip(op.param_names, op.defaults, strict=True) if default is MISSING]
        if not set(missing) <= given.keys():
            raise TypeError(f"{class_name}: takes {', '.join(takes)}; got {values} {params or ''}")
        Activation.take(self, op, **dict(zip(op.param_names, op.defaults, strict=True)) | given)

    return type(class_name, (Activation,), {"__init__": __init__, "__doc__": op.spec.formula, "__module__": home})


class Identity(Activation):
    """x: what is left of a layer where there is none; takes any arguments and looks at none, as PyTorch's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("identity")


Sigmoid = named("Sigmoid", activations.sigmoid)
Tanh = named("Tanh", activations.tanh)
ReLU = named("ReLU", activations.relu, inplace=True)
LeakyReLU = named("LeakyReLU", activations.leaky_relu, inplace=True)
ELU = named("ELU", activations.elu, inplace=True)
SELU = named("SELU", activations.selu, inplace=True)
SiLU = named("SiLU", activations.silu, inplace=True)
Erf = named("Erf", activations.erf)
HardSigmoid = named("HardSigmoid", activations.hard_sigmoid, inplace=True)
Mish = named("Mish", activations.mish, inplace=True)
Softsign = named("Softsign", activations.softsign)
Sin = named("Sin", elementwise.sin)
