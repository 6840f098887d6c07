"""Which module of PyTorch is which of this package: one table, `PAIRS`, read both ways.

A new kind of module is one more line in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import nn
from . import counterparts


@dataclass(frozen=True)
class Pair:
    """A kind of module on both sides.

    Attributes
    ----------
    ours, theirs
        The classes. Those that derive from them count as well, unless they write a forward of their own.
    options
        Arguments of both, which are attributes, too.
    flags
        Arguments that say whether a tensor is there, and its name.
    renamed
        What is called differently: our name, and theirs.
    parts
        Arguments that are modules or None; "*" for any number of modules with names of their own.
    if_ours, if_theirs
        What attributes have to be for the pair to be one; `if_ours` are arguments where ours is made.
    """

    ours: type[nn.Module]
    theirs: type[torch.nn.Module]
    options: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    if_ours: Mapping[str, Any] = field(default_factory=dict)
    if_theirs: Mapping[str, Any] = field(default_factory=dict)

    def their_name(self, name: str) -> str:
        return self.renamed.get(name, name)


def activation(ours: type[nn.Module], theirs: type[torch.nn.Module], *options: str, **if_theirs: Any) -> Pair:
    """An activation, whose class here makes an `nn.Activation` of some name."""
    return Pair(ours, theirs, options, if_ours={"name": ours().name}, if_theirs=if_theirs)  # type: ignore[attr-defined]


def same_name(name: str, *options: str) -> Pair:
    """A layer that is called the same on both sides, with options of the same names and without parameters."""
    return Pair(getattr(nn, name), getattr(torch.nn, name), options)


AXES = (1, 2, 3)
TABLE = {"max_norm": None, "scale_grad_by_freq": False, "sparse": False}
CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
TRANSPOSED = (*CONVOLUTION, "output_padding")
BIAS = {"bias": "bias"}
POOL = ("kernel_size", "stride", "padding", "ceil_mode")
LARGEST = (*POOL, "dilation", "return_indices")
MEAN = (*POOL, "count_include_pad")
NORM = ("num_features", "eps", "momentum")
NORM_FLAGS = {"affine": "weight", "track_running_stats": "running_mean"}
CLASSES = {"weight": None, "ignore_index": -100, "label_smoothing": 0.0}

# Of several pairs of one class the first that fits counts.
PAIRS: tuple[Pair, ...] = (
    Pair(nn.Linear, torch.nn.Linear, ("in_features", "out_features"), BIAS),
    Pair(nn.Conv1d, torch.nn.Conv1d, CONVOLUTION, BIAS),
    Pair(nn.Conv2d, torch.nn.Conv2d, CONVOLUTION, BIAS),
    Pair(nn.ConvTranspose1d, torch.nn.ConvTranspose1d, TRANSPOSED, BIAS),
    Pair(nn.ConvTranspose2d, torch.nn.ConvTranspose2d, TRANSPOSED, BIAS),
    Pair(nn.MaxPool1d, torch.nn.MaxPool1d, LARGEST),
    Pair(nn.MaxPool2d, torch.nn.MaxPool2d, LARGEST),
    Pair(nn.AvgPool1d, torch.nn.AvgPool1d, MEAN),
    Pair(nn.AvgPool2d, torch.nn.AvgPool2d, (*MEAN, "divisor_override")),
    Pair(nn.Conv3d, torch.nn.Conv3d, CONVOLUTION, BIAS),
    Pair(nn.ConvTranspose3d, torch.nn.ConvTranspose3d, TRANSPOSED, BIAS),
    Pair(nn.MaxPool3d, torch.nn.MaxPool3d, LARGEST),
    Pair(nn.AvgPool3d, torch.nn.AvgPool3d, (*MEAN, "divisor_override")),
    Pair(nn.GlobalAvgPool, counterparts.GlobalAvgPool, ("keepdims",)),
    Pair(nn.GlobalAvgPool, torch.nn.AdaptiveAvgPool1d, if_ours={"keepdims": True}, if_theirs={"output_size": 1}),
    Pair(nn.GlobalAvgPool, torch.nn.AdaptiveAvgPool2d, if_ours={"keepdims": True}, if_theirs={"output_size": 1}),
    Pair(nn.Flatten, torch.nn.Flatten, ("start_dim", "end_dim")),
    Pair(nn.BatchNorm1d, torch.nn.BatchNorm1d, NORM, NORM_FLAGS),
    Pair(nn.BatchNorm2d, torch.nn.BatchNorm2d, NORM, NORM_FLAGS),
    Pair(nn.BatchNorm, counterparts.BatchNorm, NORM, NORM_FLAGS),
    Pair(nn.LayerNorm, torch.nn.LayerNorm, ("normalized_shape", "eps"), {"elementwise_affine": "weight", **BIAS}),
    Pair(nn.BatchNorm3d, torch.nn.BatchNorm3d, NORM, NORM_FLAGS),
    Pair(nn.InstanceNorm1d, torch.nn.InstanceNorm1d, NORM, NORM_FLAGS),
    Pair(nn.InstanceNorm2d, torch.nn.InstanceNorm2d, NORM, NORM_FLAGS),
    Pair(nn.InstanceNorm3d, torch.nn.InstanceNorm3d, NORM, NORM_FLAGS),
    Pair(nn.GroupNorm, torch.nn.GroupNorm, ("num_groups", "num_channels", "eps"), {"affine": "weight"}),
    Pair(nn.RMSNorm, torch.nn.RMSNorm, ("normalized_shape", "eps"), {"elementwise_affine": "weight"}),
    Pair(nn.LocalResponseNorm, torch.nn.LocalResponseNorm, ("size", "alpha", "beta", "k")),
    Pair(nn.Dropout, torch.nn.Dropout, ("p",)),
    Pair(nn.Dropout1d, torch.nn.Dropout1d, ("p",)),
    Pair(nn.Dropout2d, torch.nn.Dropout2d, ("p",)),
    Pair(nn.Dropout3d, torch.nn.Dropout3d, ("p",)),
    Pair(nn.AlphaDropout, torch.nn.AlphaDropout, ("p",)),
    Pair(nn.FeatureAlphaDropout, torch.nn.FeatureAlphaDropout, ("p",)),
    Pair(nn.Embedding, torch.nn.Embedding, ("num_embeddings", "embedding_dim", "padding_idx"), if_theirs=TABLE),
    Pair(nn.Bilinear, torch.nn.Bilinear, ("in1_features", "in2_features", "out_features"), BIAS),
    Pair(nn.Unflatten, torch.nn.Unflatten, ("dim", "unflattened_size")),
    Pair(nn.PixelShuffle, torch.nn.PixelShuffle, ("upscale_factor",)),
    Pair(nn.PixelUnshuffle, torch.nn.PixelUnshuffle, ("downscale_factor",)),
    Pair(nn.ChannelShuffle, torch.nn.ChannelShuffle, ("groups",)),
    *(same_name(name, "dim") for name in ("GLU", "Softmax", "LogSoftmax", "Softmin")),
    same_name("Softmax2d"),
    *(
        same_name(f"{kind}Pad{n}d", "padding")
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for n in AXES
    ),
    *(same_name(f"ConstantPad{n}d", "padding", "value") for n in AXES),
    *(same_name(f"AdaptiveAvgPool{n}d", "output_size") for n in AXES),
    *(same_name(f"AdaptiveMaxPool{n}d", "output_size", "return_indices") for n in AXES),
    *(same_name(f"LPPool{n}d", "norm_type", "kernel_size", "stride", "ceil_mode") for n in AXES),
    *(same_name(f"MaxUnpool{n}d", "kernel_size", "stride", "padding") for n in AXES),
    same_name("Unfold", "kernel_size", "dilation", "padding", "stride"),
    same_name("Fold", "output_size", "kernel_size", "dilation", "padding", "stride"),
    same_name("RReLU", "lower", "upper"),
    same_name("Upsample", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor"),
    Pair(nn.PReLU, torch.nn.PReLU, if_ours={"num_parameters": 1}, if_theirs={"num_parameters": 1}),
    Pair(nn.PReLU, counterparts.LastAxisPReLU, ("num_parameters",), if_ours={"axis": -1}),
    Pair(nn.PReLU, torch.nn.PReLU, ("num_parameters",), if_ours={"axis": 1}),
    activation(nn.Identity, torch.nn.Identity),
    activation(nn.Sigmoid, torch.nn.Sigmoid),
    activation(nn.Tanh, torch.nn.Tanh),
    activation(nn.ReLU, torch.nn.ReLU),
    activation(nn.LeakyReLU, torch.nn.LeakyReLU, "negative_slope"),
    activation(nn.ELU, torch.nn.ELU, "alpha"),
    activation(nn.SELU, torch.nn.SELU),
    activation(nn.GELU, torch.nn.GELU, approximate="none"),
    activation(nn.SiLU, torch.nn.SiLU),
    activation(nn.Softplus, torch.nn.Softplus, beta=1.0, threshold=20.0),
    activation(nn.HardSigmoid, torch.nn.Hardsigmoid),
    activation(nn.HardTanh, torch.nn.Hardtanh, min_val=-1.0, max_val=1.0),
    activation(nn.Mish, torch.nn.Mish),
    activation(nn.Softsign, torch.nn.Softsign),
    activation(nn.Erf, counterparts.Erf),
    activation(nn.Sin, counterparts.Sin),
    Pair(nn.CrossEntropyLoss, torch.nn.CrossEntropyLoss, ("reduction",), if_ours=CLASSES, if_theirs=CLASSES),
    Pair(nn.MSELoss, torch.nn.MSELoss, ("reduction",)),
    Pair(
        nn.BCEWithLogitsLoss, torch.nn.BCEWithLogitsLoss, ("reduction",), if_theirs={"weight": None, "pos_weight": None}
    ),
    Pair(nn.HalfSquaredError, counterparts.HalfSquaredError, ("reduction",)),
    Pair(nn.HingeLoss, counterparts.HingeLoss, ("reduction",)),
    Pair(nn.Residual, counterparts.Residual, parts=("branch", "shortcut")),
    Pair(nn.Sequential, torch.nn.Sequential, parts=("*",)),
    Pair(nn.MLP, torch.nn.Sequential, parts=("*",)),
)


def pair_of(module: torch.nn.Module, candidates: list[Pair], where: str) -> Pair:
    """The first pair whose conditions a PyTorch module meets.

    Raises
    ------
    TypeError
        It meets none; the message names the option.
    """
    wrong: list[str] = []
    for pair in candidates:
        wrong = [
            f"{name}={getattr(module, name)}"
            for name, value in pair.if_theirs.items()
            if not same(getattr(module, name), value)
        ]
        wrong += [
            f"{flag}={getattr(module, flag)}"
            for flag, tensor in pair.flags.items()
            if isinstance(getattr(module, flag, None), bool)
            and getattr(module, flag) is not (getattr(module, tensor) is not None)
        ]
        if not wrong:
            return pair
    raise TypeError(f"from_torch: {where} has {', '.join(wrong)}, which is not to be had here")


def same(value: Any, wanted: Any) -> bool:
    """Whether an option is what it has to be; one number stands for the same along each axis."""
    several = isinstance(value, tuple | list)
    if wanted is None or value is None:
        return value is wanted
    return all(one == wanted for one in value) if several else bool(value == wanted)


def fits_ours(module: nn.Module, pair: Pair) -> bool:
    """Whether a module of ours is the one of a pair."""
    if not isinstance(module, nn.Activation if "name" in pair.if_ours else pair.ours):
        return False
    return type(module).forward is pair.ours.forward and all(
        getattr(module, name) is None if value is None else getattr(module, name) == value
        for name, value in pair.if_ours.items()
    )


def option_of(module: nn.Module, name: str) -> Any:
    """What a module was made with; of an activation also what it was not given."""
    return module.record.known_params[name] if isinstance(module, nn.Activation) else getattr(module, name)
