"""Networks: modules with named parameters, layers, activations, normalization and losses."""

from typing import TYPE_CHECKING

from ..lazy_names import importing_later
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
    linear_maps,
    make_activation,
    role_of,
)
from .module import Buffer, Call, Module, Parameter, dtype_of, observe, undisturbed

if TYPE_CHECKING:
    from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
    from .dropout import Dropout
    from .losses import BCEWithLogitsLoss, CrossEntropyLoss, HalfSquaredError, HingeLoss, Loss, MSELoss
    from .normalization import BatchNorm, BatchNorm1d, BatchNorm2d, LayerNorm
    from .pooling import AvgPool1d, AvgPool2d, Flatten, GlobalAvgPool, MaxPool1d, MaxPool2d
    from .residual import Residual

# What many networks do without is imported when it is first asked for.
_LATER = {
    "Conv1d": "convolution",
    "Conv2d": "convolution",
    "ConvTranspose1d": "convolution",
    "ConvTranspose2d": "convolution",
    "Dropout": "dropout",
    "BCEWithLogitsLoss": "losses",
    "CrossEntropyLoss": "losses",
    "HalfSquaredError": "losses",
    "HingeLoss": "losses",
    "Loss": "losses",
    "MSELoss": "losses",
    "BatchNorm": "normalization",
    "BatchNorm1d": "normalization",
    "BatchNorm2d": "normalization",
    "LayerNorm": "normalization",
    "AvgPool1d": "pooling",
    "AvgPool2d": "pooling",
    "Flatten": "pooling",
    "GlobalAvgPool": "pooling",
    "MaxPool1d": "pooling",
    "MaxPool2d": "pooling",
    "Residual": "residual",
}
__getattr__, __dir__ = importing_later(__name__, _LATER, {"layers_of": "tinygrad_init.nn.linear_maps"})


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
    "dtype_of",
    "is_linear_map",
    "linear_maps",
    "make_activation",
    "observe",
    "role_of",
    "undisturbed",
]
