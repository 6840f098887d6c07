"""What a parameter is for: by its module, or where there is none by its name, its shape and its neighbours.

Names and neighbours tell less than a module: (in, out) and (out, in) are told apart by the length of the bias, groups
of a convolution not at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from torch import nn

from ..init.fans import fans

LINEAR, CONVOLUTION, TRANSPOSED, EMBEDDING = "linear", "convolution", "transposed_convolution", "embedding"
RECURRENT, BILINEAR, SCALE, BIAS, STATISTIC, OTHER = "recurrent", "bilinear", "scale", "bias", "statistic", "other"
# Weights that a signal is multiplied by, so that fans mean something.
MAPS = (LINEAR, CONVOLUTION, TRANSPOSED, RECURRENT, BILINEAR)

Shape = tuple[int, ...]
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []))
CONVOLUTIONS = nn.modules.conv._ConvNd
# T5 and BART call the table of both their halves "shared"; a bias of relative positions is a table, too.
EMBEDDED = re.compile(
    r"embed|position|relative_attention_bias|(^|[._])(wte|wpe|emb|lut)([._]|$)|(^|\.)shared\.weight$", re.IGNORECASE
)
NORMALIZING = re.compile(r"norm|(^|[._])(bn|ln)(_?\w|\d)*([._]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Role:
    """What a parameter is for.

    Attributes
    ----------
    kind
        One of the constants of this file.
    fan_in, fan_out
        How many inputs a unit sums up, and how many units an input feeds; None where that means nothing.
    default
        What PyTorch's own constructor draws: ("uniform", bound) or ("normal", standard deviation); None if nothing is
        drawn or it is not known.
    counted
        The fans as `torch.nn.init` counts them, by the shape alone.
    window
        How many positions a convolution sums over.
    groups
        Of a convolution.
    normalizing
        Whether it belongs to a layer that normalizes.
    """

    kind: str
    fan_in: int | None = None
    fan_out: int | None = None
    default: tuple[str, float] | None = None
    counted: tuple[int, int] | None = None
    window: int = 1
    groups: int = 1
    normalizing: bool = False


def counted(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) as `torch.nn.init._calculate_fan_in_and_fan_out` has them."""
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def weight_role(kind: str, shape: Shape, groups: int = 1, swapped: bool = False) -> Role:
    """A linear map's weight, (in, out) if `swapped`, or a kernel's."""
    as_counted = counted(shape)
    fan_in, fan_out = fans(shape, groups=groups, transposed=swapped) if math.prod(shape) else (0, 0)
    if not fan_in or not fan_out:
        return Role(OTHER)
    # PyTorch's constructors take the fan_in that it counts, also of transposed kernels, where it is another.
    default = ("uniform", 1 / math.sqrt(as_counted[0]))
    return Role(kind, fan_in, fan_out, default, as_counted, math.prod(shape[2:]), groups)


def embedding_role(shape: Shape) -> Role:
    """A table: one row is picked, so its numbers are what goes on."""
    return Role(EMBEDDING, None, None, ("normal", 1.0), counted(shape) if math.prod(shape) else None)


def inverse_root(size: int) -> tuple[str, float] | None:
    """Uniform on ±1/√size."""
    return ("uniform", 1 / math.sqrt(size)) if size else None


def roles_of_model(model: nn.Module) -> dict[str, Role]:
    """The role of every entry of a module's state dict."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: Role(OTHER) for name in shapes}
    buffers = {name for name, _ in model.named_buffers(remove_duplicate=False)}
    found.update({name: Role(STATISTIC) for name in buffers & shapes.keys()})
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            whole = f"{prefix}.{name}" if prefix else name
            if whole in found:
                found[whole] = of_module(module, name, tuple(parameter.shape)) or role_of(whole, shapes)
    return found


def of_module(module: nn.Module, name: str, shape: Shape) -> Role | None:
    """The role of a parameter in a module of PyTorch's; None if the module is somebody's own."""
    if isinstance(module, NORMS):
        return Role(BIAS if name == "bias" else SCALE, normalizing=True)
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return embedding_role(shape)
    if isinstance(module, CONVOLUTIONS):
        if name == "bias":
            return Role(BIAS, default=inverse_root(counted(tuple(module.weight.shape))[0]))
        swapped = module.transposed
        return weight_role(TRANSPOSED if swapped else CONVOLUTION, shape, module.groups, swapped)
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return recurrent(shape, module.hidden_size)
    if isinstance(module, nn.Bilinear):
        default = inverse_root(module.in1_features)
        if name == "bias":
            return Role(BIAS, default=default)
        return Role(BILINEAR, shape[1] * shape[2], shape[0], default, counted(shape))
    if isinstance(module, nn.Linear):
        if name == "bias":
            return Role(BIAS, default=inverse_root(module.in_features))
        return weight_role(LINEAR, shape) if len(shape) == 2 else None
    return Role(SCALE) if isinstance(module, nn.PReLU) else None


def recurrent(shape: Shape, hidden: int) -> Role:
    """A weight or bias of a recurrent layer, all drawn from U(±1/√hidden)."""
    default = inverse_root(hidden)
    if len(shape) < 2:
        return Role(BIAS, default=default)
    return Role(RECURRENT, shape[1], shape[0], default, counted(shape)) if math.prod(shape) else Role(OTHER)


def role_of(name: str, shapes: dict[str, Shape]) -> Role:
    """The role of an entry of a bare state dict, as far as names, shapes and neighbours tell."""
    prefix, _, last = name.rpartition(".")
    shape = shapes[name]

    def beside(other: str) -> Shape | None:
        return shapes.get(f"{prefix}.{other}" if prefix else other)

    if last in ("running_mean", "running_var", "num_batches_tracked"):
        return Role(STATISTIC)
    if (match := re.fullmatch(r"(?:weight|bias)_(?:ih|hh|hr)(.*)", last)) is not None:
        hidden = (beside(f"weight_hr{match[1]}") or beside(f"weight_hh{match[1]}") or (0,))[-1]
        return recurrent(shape, hidden)
    if len(shape) < 2 or last in ("weight_g", "original0"):
        return of_row(last, beside("weight"), bool(NORMALIZING.search(name)) or beside("running_var") is not None)
    bias = beside(f"{last.removesuffix('weight')}bias")
    if len(shape) == 2 and bias is None and EMBEDDED.search(name):
        return embedding_role(shape)
    if "experts" in name or (len(shape) == 3 and shape[0] == 1 and bias is None):
        return Role(OTHER)  # weights of several maps in one tensor; positions, or a token of a class
    swapped = bias is not None and len(bias) == 1 and bias[0] == shape[1] != shape[0]
    kind = LINEAR if len(shape) == 2 else TRANSPOSED if swapped else CONVOLUTION
    return weight_role(kind, shape, swapped=swapped)


def of_row(last: str, weight: Shape | None, normalizing: bool) -> Role:
    """A parameter with at most one axis: a bias, or what units are multiplied by."""
    if last.endswith("bias") or last in ("beta", "b"):
        default = inverse_root(counted(weight)[0]) if weight is not None and len(weight) >= 2 else None
        return Role(BIAS, default=default, normalizing=default is None)
    if last in ("weight", "gamma", "g", "scale", "weight_g", "original0"):
        return Role(SCALE, normalizing=normalizing)
    return Role(OTHER)
