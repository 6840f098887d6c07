"""Convolutions, pooling, attention and losses."""

import math

from tinygrad_init.nn import functional

from .dtype import dtypes
from .movement import pad
from .tensor import method, raising


def _padded(x, padding, axes, value=0.0):
    """An input and the padding that is left to do, which is the same before and behind and none less than 0."""
    if isinstance(padding, int):
        padding = (padding,) * axes
    if len(padding) == axes and min(padding) >= 0:
        return x, tuple(padding)
    if len(padding) == axes:
        padding = [n for n in reversed(padding) for _ in range(2)]
    if len(padding) != 2 * axes:
        raise ValueError(f"expected padding for {axes} axes, got {padding}")
    return pad(x, padding, value=value), (0,) * axes


def _counted(name, axes):
    return getattr(functional, f"{name}{axes}d")


@method
def conv2d(x, weight, bias=None, groups=1, stride=1, dilation=1, padding=0):
    """Along as many axes as there are."""
    axes = x.ndim - 2
    x, padding = _padded(x, padding, axes)
    convolve = raising(RuntimeError)(_counted("conv", axes))
    return convolve(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@method
def conv_transpose2d(x, weight, bias=None, groups=1, stride=1, dilation=1, padding=0, output_padding=0):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}
    return _counted("conv_transpose", x.ndim - 2)(x, weight, bias, groups=groups, dilation=dilation, **options)


def _axes(kernel_size):
    return 2 if isinstance(kernel_size, int) else len(kernel_size)


@method
def max_pool2d(x, kernel_size=(2, 2), stride=None, dilation=1, padding=0, ceil_mode=False, return_indices=False):
    axes = _axes(kernel_size)
    x, padding = _padded(x, padding, axes, value=-math.inf)
    options = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode, "return_indices": return_indices}
    found = _counted("max_pool", axes)(x, kernel_size, stride, **options)
    return (found[0], found[1].to(dtypes.int32)) if return_indices else found


@method
def avg_pool2d(x, kernel_size=(2, 2), stride=None, dilation=1, padding=0, ceil_mode=False, count_include_pad=True):
    axes = _axes(kernel_size)
    x, padding = _padded(x, padding, axes)
    pool = _counted("avg_pool", axes)
    return pool(x, kernel_size, stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad)


@method
def max_unpool2d(x, indices, kernel_size=(2, 2), stride=None, dilation=1, padding=0, output_size=None):
    return functional.max_unpool2d(x, indices, kernel_size, stride, padding, output_size)


@method
def interpolate(x, size, mode="linear", align_corners=False):
    if mode == "linear":
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
        return functional.interpolate(x, size, mode=mode, align_corners=align_corners)
    return functional.interpolate(x, size, mode=mode)


@method
@raising(RuntimeError)
def scaled_dot_product_attention(x, key, value, attn_mask=None, is_causal=False, enable_gqa=False):
    attend = functional.scaled_dot_product_attention
    return attend(x, key, value, attn_mask=attn_mask, is_causal=is_causal, enable_gqa=enable_gqa)


@method
def binary_crossentropy(x, y, reduction="mean"):
    return functional.binary_cross_entropy(x, y, reduction=reduction)


@method
def binary_crossentropy_logits(x, y, reduction="mean", pos_weight=None):
    return functional.binary_cross_entropy_with_logits(x, y, reduction=reduction, pos_weight=pos_weight)


@method
def cross_entropy(x, y, reduction="mean", label_smoothing=0.0):
    if y.ndim > 1 and y.shape != x.shape:
        raise AssertionError(f"cross_entropy: expected a target of shape {x.shape}, got {y.shape}")
    return functional.cross_entropy(x, y, reduction=reduction, label_smoothing=label_smoothing)


@method
def sparse_categorical_crossentropy(x, y, ignore_index=-1, label_smoothing=0.0, reduction="mean"):
    """With the classes along the last axis."""
    x, y = x.reshape((-1, x.shape[-1])), y.reshape((-1,))
    options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "reduction": reduction}
    return functional.cross_entropy(x, y, **options)


@method
def nll_loss(x, y, weight=None, ignore_index=None, reduction="mean"):
    left_out = -100 if ignore_index is None else ignore_index
    return functional.nll_loss(x, y, weight=weight, ignore_index=left_out, reduction=reduction)
