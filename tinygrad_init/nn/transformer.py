"""Transformers: layers of attention and of two linear maps, each added to what went in (Vaswani et al. 2017)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import xavier_uniform_
from ..ops.drawing import own_generator
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .feature_normalization import LayerNorm
from .layers import Linear
from .module import Module
from .options import dtype_for, require_flag

Rng = np.random.Generator | int | None
Activation = str | Callable[[Any], Tensor]


def activation_of(name: str, activation: Activation) -> Any:
    """The function between the two linear maps.

    Raises
    ------
    ValueError
        It is text other than "relu" and "gelu".
    TypeError
        It is neither text nor a function.
    """
    if isinstance(activation, str):
        if activation not in ("relu", "gelu"):
            raise ValueError(f"{name}: expected activation 'relu' or 'gelu', got {activation!r}")
        return ops.relu if activation == "relu" else ops.gelu
    if not callable(activation):
        raise TypeError(f"{name}: expected activation as text or a function, got {type(activation).__name__}")
    return activation


def copies(module: Module, count: int) -> ModuleList:
    """Copies of a module, whose generators draw differently."""
    made = [copy.deepcopy(module) for _ in range(count)]
    for one in made:
        for (_, own), (_, original) in zip(one.named_modules(), module.named_modules(), strict=True):
            rng = vars(original).get("rng")
            if isinstance(rng, np.random.Generator):
                own.rng = np.random.default_rng(rng.integers(2**63))
    return ModuleList(made)


class _Layer(Module):
    """What layers of encoders and decoders share."""

    norms = 2

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        name = type(self).__name__
        dtype, rng = dtype_for(name, device, dtype), own_generator(rng)

        def attention() -> MultiheadAttention:
            options = {"bias": bias, "batch_first": batch_first, "dtype": dtype, "rng": rng}
            return MultiheadAttention(d_model, nhead, dropout, **options)

        self.self_attn = attention()
        if self.norms == 3:
            self.multihead_attn = attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, rng=rng)
        self.norm_first = require_flag(name, "norm_first", norm_first)
        for i in range(1, self.norms + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in range(1, self.norms + 1):
            setattr(self, f"dropout{i}", Dropout(dropout, rng=rng))
        self.activation = activation_of(name, activation)

    def through(self, x: Tensor, *branches: Callable[[Tensor], Tensor]) -> Tensor:
        """x, with what each branch makes of it added, normalized before the branch or after the sum."""
        for i, branch in enumerate(branches, 1):
            norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + dropout(branch(norm(x))) if self.norm_first else norm(x + dropout(branch(x)))
        return x

    def feed_forward(self, x: Tensor) -> Tensor:
        """Two linear maps with the activation between them."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself and two linear maps, each added to what went in (Vaswani et al. 2017, §3.1).

    Parameters
    ----------
    d_model, nhead, dim_feedforward
        Features, heads, and the features between the two linear maps.
    dropout
        The share that is dropped in training: of weights, after the activation, and of what is added.
    activation
        "relu", "gelu", or a function.
    layer_norm_eps
        ε of the normalizations.
    batch_first
        Whether sequences have shape (samples, steps, features) instead of (steps, samples, features).
    norm_first
        Whether normalization comes before each part instead of after the sum (Xiong et al. 2020).
    bias, device, dtype, rng
        As in `Linear`, for all parts.
    """

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        (x,) = coerce("TransformerEncoderLayer", (src,))

        def attended(x: Tensor) -> Tensor:
            options = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask, "is_causal": is_causal}
            return self.self_attn(x, x, x, need_weights=False, **options)[0]

        return self.through(x, attended, self.feed_forward)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself and to what an encoder made, and two linear maps (Vaswani et al. 2017, §3.1).

    Parameters as in `TransformerEncoderLayer`.
    """

    norms = 3

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        x, memory = coerce("TransformerDecoderLayer", (tgt, memory))

        def to_itself(x: Tensor) -> Tensor:
            options = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask, "is_causal": tgt_is_causal}
            return self.self_attn(x, x, x, need_weights=False, **options)[0]

        def to_memory(x: Tensor) -> Tensor:
            options = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask}
            out = self.multihead_attn(x, memory, memory, need_weights=False, is_causal=memory_is_causal, **options)
            return out[0]

        return self.through(x, to_itself, to_memory, self.feed_forward)


class TransformerEncoder(Module):
    """Copies of a layer on each other.

    Parameters
    ----------
    encoder_layer
        What is copied; a generator of its own draws for each copy.
    num_layers
        How many.
    norm
        What comes after the last, if anything.
    enable_nested_tensor, mask_check
        Taken, and without effect: they choose among PyTorch's ways to compute the same. Where it takes the fast one,
        in use and with padding, it puts zeros in the places of padding.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.layers, self.num_layers, self.norm = copies(encoder_layer, num_layers), num_layers, norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Tensor:
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Copies of a layer on each other; parameters as in `TransformerEncoder`."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers, self.num_layers, self.norm = copies(decoder_layer, num_layers), num_layers, norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        x = tgt
        options = {
            "tgt_mask": tgt_mask, "memory_mask": memory_mask, "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask, "tgt_is_causal": bool(tgt_is_causal),
            "memory_is_causal": memory_is_causal,
        }  # fmt: skip
        for layer in self.layers:
            x = layer(x, memory, **options)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder and a decoder (Vaswani et al. 2017).

    Parameters
    ----------
    num_encoder_layers, num_decoder_layers
        How many layers each has.
    custom_encoder, custom_decoder
        What stands in their places instead.
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As in `TransformerEncoderLayer`; `rng`, too.

    Notes
    -----
    All matrices start by Xavier, as in PyTorch.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        dtype, rng = dtype_for("Transformer", device, dtype), own_generator(rng)
        sizes = d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            one = TransformerEncoderLayer(*sizes, dtype=dtype, rng=rng)
            self.encoder = TransformerEncoder(one, num_encoder_layers, norm())
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            other = TransformerDecoderLayer(*sizes, dtype=dtype, rng=rng)
            self.decoder = TransformerDecoder(other, num_decoder_layers, norm())
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter, rng)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        src, tgt = coerce("Transformer", (src, tgt))
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ValueError(f"Transformer: expected {self.d_model} features, got shapes {src.shape} and {tgt.shape}")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal,
            memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """What is added to scores so that a place looks at those up to it alone: 0 there, -∞ elsewhere."""
        later = np.triu(np.ones((sz, sz), bool), 1)
        return Tensor(np.where(later, -np.inf, 0.0), dtype_for("generate_square_subsequent_mask", device, dtype))
