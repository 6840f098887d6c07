"""PyTorch's functions of `torch.nn.functional`, under its names and with its arguments in its order.

Numbers are tensors or arrays; indices, labels and masks arrays of whole numbers or booleans. `inplace` is taken and
changes nothing: results are new tensors. What is not to be had is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..engine.discrete import discrete
from ..engine.modes import no_grad
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..lazy_names import missing
from ..ops import activation_variants as variants
from ..ops import adaptive_pooling as adaptive
from ..ops import classification_losses as classes
from ..ops import connectionist, distances, folding, images, lookup, normalization
from ..ops import random_masks as masks
from ..ops.attention import scaled_dot_product_attention as scaled_dot_product_attention
from ..ops.comparing import bilinear as bilinear_map
from ..ops.folding import max_unpool
from ..ops.padding import pad_sides
from ..ops.random_masks import Rng
from ..ops.selection import places
from .dropout import require_slopes
from .embedding import refuse_renorm
from .fractional_pooling import fractional_max_pool2d as fractional_max_pool2d
from .options import dtype_named, require_flag
from .pytorch_order import like
from .relaxation import gumbel_softmax as gumbel_softmax

OLD = ("size_average", "reduce", "reduction")
CONVOLUTION = ("input:x", "weight", "bias", "stride", "padding", "dilation", "groups")
TRANSPOSED = ("input:x", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
MAX_POOL = ("input:x", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
AVG_POOL = ("input:x", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
LP_POOL = ("input:x", "norm_type", "kernel_size:size", "stride", "ceil_mode")

# Activations

relu = like(ops.relu, "input:x", "inplace")
relu6 = like(variants.relu6, "input:x", "inplace")
elu = like(ops.elu, "input:x", "alpha", "inplace")
selu = like(ops.selu, "input:x", "inplace")
celu = like(variants.celu, "input:x", "alpha", "inplace")
leaky_relu = like(ops.leaky_relu, "input:x", "negative_slope", "inplace")
silu = like(ops.silu, "input:x", "inplace")
mish = like(ops.mish, "input:x", "inplace")
hardsigmoid = like(ops.hard_sigmoid, "input:x", "inplace")
hardswish = like(variants.hardswish, "input:x", "inplace")
hardtanh = like(variants.hard_limit, "input:x", "min_val:low", "max_val:high", "inplace")
hardshrink = like(variants.hardshrink, "input:x", "lambd")
softshrink = like(variants.softshrink, "input:x", "lambd")
tanhshrink = like(variants.tanhshrink, "input:x")
threshold = like(variants.threshold, "input:x", "threshold", "value", "inplace")
softsign = like(ops.softsign, "input:x")
sigmoid = like(ops.sigmoid, "input:x")
tanh = like(ops.tanh, "input:x")
logsigmoid = like(variants.log_sigmoid, "input:x")
glu = like(variants.glu, "input:x", "dim:axis")


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x·Φ(x), or with "tanh" the approximation that GPT-2 was trained with; see `nn.GELU`."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}")
    return ops.gelu(input) if approximate == "none" else variants.gelu_tanh(input)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(beta·x)) / beta, x itself where beta·x is above the threshold; see `nn.Softplus`."""
    usual = not isinstance(beta, Tensor) and (beta, threshold) == (1, 20)
    return ops.softplus(input) if usual else variants.scaled_softplus(input, beta, threshold)


def prelu(input: Any, weight: Tensor) -> Tensor:
    """x if x > 0 else weight·x, with one slope, or one for each place of axis 1; see `nn.PReLU`."""
    x, weight = coerce("prelu", (input, weight))
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.size not in (1, channels):
        raise ValueError(f"prelu: expected 1 or {channels} slopes, got {weight.size}")
    shape = (-1, *(1,) * (x.ndim - 2)) if weight.size > 1 else (1,) * min(x.ndim, 1)
    return ops.prelu(x, weight.reshape(shape))


def _along(name: str, function: Any, input: Any, dim: int | None, dtype: Any) -> Tensor:
    (x,) = coerce(name, (input,))
    x = x if dtype is None else x.astype(dtype_named(dtype))
    axis = variants.default_axis(name, x.ndim) if dim is None else dim
    return function(x, axis) if x.ndim else function(x.reshape(1), axis).reshape(())


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Positive numbers with sum 1 along an axis, which has to be said."""
    return _along("softmax", ops.softmax, input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of the softmax along an axis, which has to be said."""
    return _along("log_softmax", ops.log_softmax, input, dim, dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The softmax of -x along an axis, which has to be said."""
    return _along("softmin", variants.softmin, input, dim, dtype)


# Linear maps, convolutions, windows

linear = like(ops.linear, "input:x", "weight", "bias")
bilinear = like(bilinear_map, "input1:x1", "input2:x2", "weight", "bias")
conv1d, conv2d, conv3d = (like(function, *CONVOLUTION) for function in (ops.conv1d, ops.conv2d, ops.conv3d))
conv_transpose1d = like(ops.conv_transpose1d, *TRANSPOSED)
conv_transpose2d = like(ops.conv_transpose2d, *TRANSPOSED)
conv_transpose3d = like(ops.conv_transpose3d, *TRANSPOSED)
max_pool1d = like(ops.max_pool1d, *MAX_POOL)
max_pool2d = like(ops.max_pool2d, *MAX_POOL)
max_pool3d = like(ops.max_pool3d, *MAX_POOL)
avg_pool1d = like(ops.avg_pool1d, *AVG_POOL)
avg_pool2d = like(ops.avg_pool2d, *AVG_POOL, "divisor_override")
avg_pool3d = like(ops.avg_pool3d, *AVG_POOL, "divisor_override")


def _lp_pool(axes: int) -> Any:
    def pooled(x: Any, norm_type: float, size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
        """(Σ x^p)^(1/p) under each window."""
        return adaptive.lp_pool(f"lp_pool{axes}d", axes, x, norm_type, size, stride, ceil_mode)

    return like(pooled, *LP_POOL)


def _adaptive_avg(axes: int) -> Any:
    def pooled(x: Any, output_size: adaptive.Lengths) -> Tensor:
        """The means of so many parts along each of the last axes."""
        return adaptive.adaptive_avg_pool(f"adaptive_avg_pool{axes}d", axes, x, output_size)

    return like(pooled, "input:x", "output_size")


def _adaptive_max(axes: int) -> Any:
    def pooled(x: Any, output_size: adaptive.Lengths, return_indices: bool = False) -> Any:
        """The largest elements of so many parts along each of the last axes, and where they were if asked."""
        return adaptive.adaptive_max_pool(f"adaptive_max_pool{axes}d", axes, x, output_size, return_indices)

    return like(pooled, "input:x", "output_size", "return_indices")


def _max_unpool(axes: int) -> Any:
    def unpooled(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Tensor:
        """Numbers laid where the largest were, zeros elsewhere; see `nn.MaxUnpool2d`."""
        return max_unpool(f"max_unpool{axes}d", axes, x, indices, kernel_size, stride, padding, output_size)

    return like(unpooled, "input:x", "indices", "kernel_size", "stride", "padding", "output_size")


max_unpool1d, max_unpool2d, max_unpool3d = (_max_unpool(axes) for axes in (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(axes) for axes in (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_adaptive_avg(axes) for axes in (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (_adaptive_max(axes) for axes in (1, 2, 3))

# Shapes

interpolate = like(
    images.interpolate, "input:x", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor",
    "antialias",
)  # fmt: skip
upsample = like(images.interpolate, "input:x", "size", "scale_factor", "mode", "align_corners")
unfold = like(folding.unfold, "input:x", "kernel_size", "dilation", "padding", "stride")
fold = like(folding.fold, "input:x", "output_size", "kernel_size", "dilation", "padding", "stride")
pixel_shuffle = like(images.pixel_shuffle, "input:x", "upscale_factor")
pixel_unshuffle = like(images.pixel_unshuffle, "input:x", "downscale_factor")
channel_shuffle = like(images.channel_shuffle, "input:x", "groups")


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Something laid around the last axes.

    Parameters
    ----------
    pad
        For each axis, the last first, how much before and how much behind; what is negative is cut off.
    mode
        "constant", "reflect", "replicate" or "circular"; see `nn.ConstantPad2d` and its like.
    value
        The number, 0 unless given, with "constant" alone.
    """
    if not isinstance(pad, Sequence) or isinstance(pad, str):
        raise TypeError(
            f"pad: expected widths before and behind each axis, the last first, such as (1, 1), got {pad!r}"
        )
    if value is not None and mode != "constant":
        raise ValueError(f"pad: value is for mode 'constant', not for {mode!r}")
    return pad_sides("pad", input, tuple(pad), 0, mode, 0.0 if value is None else value)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows of zeros with a one at each place, whole numbers; -1: one class more than the largest number."""
    numbers = places("one_hot", tensor)
    hot = ops.one_hot(numbers, None if num_classes == -1 else num_classes)
    return discrete(hot.numpy().astype(np.int64))


# Normalization

layer_norm = like(normalization.layer_norm, "input:x", "normalized_shape", "weight", "bias", "eps")
rms_norm = like(normalization.rms_norm, "input:x", "normalized_shape", "weight", "eps")
group_norm = like(normalization.group_norm, "input:x", "num_groups", "weight", "bias", "eps")
local_response_norm = like(normalization.local_response_norm, "input:x", "size", "alpha", "beta", "k")
normalize = like(normalization.normalize, "input:x", "p", "dim:axis", "eps")
cosine_similarity = like(normalization.cosine_similarity, "x1", "x2", "dim:axis", "eps")
pairwise_distance = like(normalization.pairwise_distance, "x1", "x2", "p", "eps", "keepdim:keepdims")


def batch_norm(
    input: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + ε) · weight + bias, each channel by itself; in training the running statistics are changed."""
    return _by_channel("batch_norm", 0, input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + ε) · weight + bias, each channel of each sample by itself; see `batch_norm`."""
    training = use_input_stats
    return _by_channel("instance_norm", 1, input, running_mean, running_var, weight, bias, training, momentum, eps)


def _by_channel(
    name: str, lead: int, input: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool,
    momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    (x,) = coerce(name, (input,))
    if x.ndim < 2 + lead:
        raise ValueError(f"{name}: expected (samples, channels, ...) with {2 + lead} axes or more, got shape {x.shape}")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(f"{name}: expected running_mean and running_var outside training")
        shape = (-1, *(1,) * (x.ndim - 2))
        deviation, variance = x - running_mean.reshape(shape), running_var.reshape(shape)
        return normalization.scaled(deviation, variance, eps, weight, bias)
    axes = (0, *range(2, x.ndim)) if lead == 0 else tuple(range(2, x.ndim))
    n = x.size // max(x.shape[1] if lead == 0 else x.shape[0] * x.shape[1], 1)
    if n < 2:
        raise ValueError(f"{name}: expected more than one number a channel, got shape {x.shape}")
    if lead == 0 and x.ndim > 2:
        out, mean, variance = normalization.normalized_channels(x, eps, weight, bias)
    else:
        mean, deviation, variance = normalization.moments(x, axes)
        out = normalization.scaled(deviation, variance, eps, weight, bias)
    with no_grad():
        for running, new in ((running_mean, mean), (running_var, variance * (n / (n - 1)))):
            if running is not None:
                latest = new.detach().reshape(-1 if lead == 0 else x.shape[0], x.shape[1]).mean(0)
                running.copy_(running * (1.0 - momentum) + latest * momentum)
    return out


# Noise


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, rng: Rng = None) -> Tensor:
    """Elements are 0 with probability p in training; `rng` as in `tgi.dropout`."""
    return _noise("dropout", masks.dropout, input, p, training, inplace, rng)


def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, rng: Rng = None
) -> Tensor:
    """Dropout for SELU, in training; see `nn.AlphaDropout`."""
    return _noise("alpha_dropout", masks.alpha_dropout, input, p, training, inplace, rng)


def _noise(name: str, function: Any, input: Any, p: float, training: bool, inplace: bool, rng: Rng) -> Tensor:
    require_flag(name, "inplace", inplace)
    (x,) = coerce(name, (input,))
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: expected p from 0 to 1, got {p}")
    return function(x, p, rng) if require_flag(name, "training", training) and p > 0.0 else x


def rrelu(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False, *,
    rng: Rng = None,
) -> Tensor:  # fmt: skip
    """x where it is positive, else x times a slope, drawn in training; see `nn.RReLU`."""
    require_flag("rrelu", "inplace", inplace)
    require_slopes("rrelu", lower, upper)
    if require_flag("rrelu", "training", training):
        return masks.rrelu(input, lower, upper, rng)
    return ops.leaky_relu(input, (lower + upper) / 2)


def _channels(axes: int) -> Any:
    name = f"dropout{axes}d"

    def dropped(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, rng: Rng = None) -> Tensor:
        """Whole channels are 0 with probability p in training; see `nn.Dropout2d`."""

        def drawn(x: Tensor, p: float, rng: Rng) -> Tensor:
            return masks.channel_dropout(name, x, p, axes, rng)

        return _noise(name, drawn, input, p, training, inplace, rng)

    dropped.__name__ = dropped.__qualname__ = name
    return dropped


dropout1d, dropout2d, dropout3d = (_channels(axes) for axes in (1, 2, 3))


def embedding(
    input: Any,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table whose numbers are given; see `nn.Embedding`."""
    refuse_renorm("embedding", max_norm, scale_grad_by_freq, sparse)
    at = padding_idx if padding_idx is None or padding_idx >= 0 else padding_idx + weight.shape[0]
    return lookup.embedding(input, weight, at)


def embedding_bag(
    input: Any,
    weight: Tensor,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, the mean or the largest of rows of a table, for bags of numbers; see `nn.EmbeddingBag`."""
    refuse_renorm("embedding_bag", max_norm, scale_grad_by_freq, sparse)
    at = padding_idx if padding_idx is None or padding_idx >= 0 else padding_idx + weight.shape[0]
    return lookup.embedding_bag(input, weight, offsets, mode, per_sample_weights, include_last_offset, at)


# Losses

ctc_loss = like(
    connectionist.ctc_loss, "log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction",
    "zero_infinity",
)  # fmt: skip
cross_entropy = like(
    ops.cross_entropy, "input:logits", "target", "weight", "size_average", "ignore_index", "reduce", "reduction",
    "label_smoothing",
)  # fmt: skip
binary_cross_entropy = like(ops.binary_cross_entropy, "input:prediction", "target", "weight", *OLD)
binary_cross_entropy_with_logits = like(
    ops.binary_cross_entropy_with_logits, "input:logits", "target", "weight", *OLD, "pos_weight"
)
mse_loss = like(ops.mse, "input:prediction", "target", *OLD)
nll_loss = like(classes.nll_loss, "input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
multi_margin_loss = like(classes.multi_margin_loss, "input", "target", "p", "margin", "weight", *OLD)
multilabel_margin_loss = like(classes.multilabel_margin_loss, "input", "target", *OLD)
multilabel_soft_margin_loss = like(classes.multilabel_soft_margin_loss, "input", "target", "weight", *OLD)
soft_margin_loss = like(classes.soft_margin_loss, "input", "target", *OLD)
margin_ranking_loss = like(classes.margin_ranking_loss, "input1", "input2", "target", "margin", *OLD)
hinge_embedding_loss = like(classes.hinge_embedding_loss, "input", "target", "margin", *OLD)
l1_loss = like(distances.l1_loss, "input", "target", *OLD)
smooth_l1_loss = like(distances.smooth_l1_loss, "input", "target", *OLD, "beta")
huber_loss = like(distances.huber_loss, "input", "target", "reduction", "delta")
kl_div = like(distances.kl_div, "input", "target", *OLD, "log_target")
gaussian_nll_loss = like(distances.gaussian_nll_loss, "input", "target", "var", "full", "eps", "reduction")
poisson_nll_loss = like(
    distances.poisson_nll_loss, "input", "target", "log_input", "full", "size_average", "eps", "reduce", "reduction"
)
cosine_embedding_loss = like(distances.cosine_embedding_loss, "input1", "input2", "target", "margin", *OLD)
triplet_margin_loss = like(
    distances.triplet_margin_loss, "anchor", "positive", "negative", "margin", "p", "eps", "swap", *OLD
)
triplet_margin_with_distance_loss = distances.triplet_margin_with_distance_loss


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
