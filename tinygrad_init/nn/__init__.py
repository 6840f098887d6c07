"""Networks: modules with named parameters, layers, activations, normalization and losses."""

import importlib
from typing import TYPE_CHECKING, Any

from ..ops.activations import ACTIVATIONS
from ..ops.losses import LOSSES
from .layers import (
    ELU,
    GELU,
    MLP,
    SELU,
    Activation,
    Erf,
    HardSigmoid,
    HardTanh,
    Identity,
    LeakyReLU,
    Linear,
    Mish,
    PReLU,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Sin,
    Softplus,
    Softsign,
    Tanh,
    is_linear_map,
    layers_of,
    linear_maps,
    make_activation,
)
from .module import Buffer, Call, Module, Parameter, observe, undisturbed

if TYPE_CHECKING:
    from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
    from .dropout import Dropout
    from .losses import BCEWithLogitsLoss, CrossEntropyLoss, HalfSquaredError, HingeLoss, Loss, MSELoss
    from .normalization import BatchNorm, BatchNorm1d, BatchNorm2d, LayerNorm
    from .pooling import AvgPool1d, AvgPool2d, Flatten, GlobalAvgPool, MaxPool1d, MaxPool2d
    from .residual import Residual

# What many networks do without is imported when it is first asked for.
_LATER = {
    "convolution": ("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"),
    "dropout": ("Dropout",),
    "losses": ("BCEWithLogitsLoss", "CrossEntropyLoss", "HalfSquaredError", "HingeLoss", "Loss", "MSELoss"),
    "normalization": ("BatchNorm", "BatchNorm1d", "BatchNorm2d", "LayerNorm"),
    "pooling": ("AvgPool1d", "AvgPool2d", "Flatten", "GlobalAvgPool", "MaxPool1d", "MaxPool2d"),
    "residual": ("Residual",),
}


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _LATER.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f".{home}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for names in _LATER.values() for name in names)})


__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "LOSSES",
    "MLP",
    "SELU",
    "Activation",
    "AvgPool1d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Call",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Erf",
    "Flatten",
    "GlobalAvgPool",
    "HalfSquaredError",
    "HardSigmoid",
    "HardTanh",
    "HingeLoss",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "PReLU",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sin",
    "Softplus",
    "Softsign",
    "Tanh",
    "is_linear_map",
    "layers_of",
    "linear_maps",
    "make_activation",
    "observe",
    "undisturbed",
]
