"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import xavier_normal_, xavier_uniform_, zeros_
from ..ops.attention import mask_of, masked_softmax
from ..ops.drawing import own_generator
from ..ops.products import linear, matmul
from ..ops.random_masks import dropout as dropped
from ..ops.registry import Array
from ..ops.shape import _getitem, broadcast_to, concatenate, expand_dims, squeeze, swapaxes, whole
from .layers import Linear
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Parameter


class MultiheadAttention(Module):
    """Attention of several heads, joined by a linear map (Vaswani et al. 2017, §3.2.2).

    Parameters
    ----------
    embed_dim, num_heads
        The features of queries and of what comes out; the heads share them evenly.
    dropout
        The share of weights that is dropped in training.
    bias
        Whether linear maps have one.
    add_bias_kv
        Whether a key and a value that are learned stand behind all others.
    add_zero_attn
        Whether a key and a value of zeros do.
    kdim, vdim
        The features of keys and values, where they have others.
    batch_first
        Whether sequences have shape (samples, steps, features) instead of (steps, samples, features).
    device, dtype, rng
        As in `Linear`; dropout draws from the same generator.

    Notes
    -----
    Parameters have PyTorch's names, and start as there: `in_proj_weight` by Xavier, biases at 0.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        name = "MultiheadAttention"
        dtype = dtype_for(name, device, dtype)
        self.embed_dim, self.num_heads = whole(name, "embed_dim", embed_dim), whole(name, "num_heads", num_heads)
        if min(embed_dim, num_heads) < 1 or embed_dim % num_heads:
            raise ValueError(f"{name}: {num_heads} heads do not share {embed_dim} features evenly")
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"{name}: expected dropout from 0 to 1, got {dropout}")
        self.dropout, self.batch_first = dropout, require_flag(name, "batch_first", batch_first)
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, require_flag(name, "add_zero_attn", add_zero_attn)
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.rng = own_generator(rng)

        def made(*shape: int) -> Parameter:
            weight = Parameter(np.zeros(shape), dtype)
            xavier_uniform_(weight, self.rng)
            return weight

        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight: Parameter | None = made(3 * embed_dim, embed_dim)
            self.q_proj_weight = self.k_proj_weight = self.v_proj_weight = None
        else:
            self.in_proj_weight = None
            self.q_proj_weight = made(embed_dim, embed_dim)
            self.k_proj_weight = made(embed_dim, self.kdim)
            self.v_proj_weight = made(embed_dim, self.vdim)
        biased = require_flag(name, "bias", bias)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim), dtype) if biased else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, rng=self.rng)
        if self.out_proj.bias is not None:
            zeros_(self.out_proj.bias)
        self.bias_k = self.bias_v = None
        if require_flag(name, "add_bias_kv", add_bias_kv):
            self.bias_k, self.bias_v = (Parameter(np.zeros((1, 1, embed_dim)), dtype) for _ in range(2))
            for extra in (self.bias_k, self.bias_v):
                xavier_normal_(extra, self.rng)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        query, key, value
            Of shape (steps, samples, features), or (samples, steps, features) with `batch_first`, or (steps, features).
        key_padding_mask
            Of shape (samples, keys): booleans, True where a key is not to be looked at, or numbers that are added.
        need_weights
            Whether the weights come along, averaged over the heads or not.
        attn_mask
            Of shape (queries, keys) or (samples·heads, queries, keys): booleans, True where a key is not to be looked
            at, or numbers that are added.
        is_causal
            Says that the mask is causal; it has to be there all the same, and it is what counts.

        Returns
        -------
        tuple
            What was found, and weights of shape (samples, queries, keys), or (samples, heads, queries, keys); or None.
        """
        name = "MultiheadAttention"
        q, k, v = coerce(name, (query, key, value))
        if q.ndim not in (2, 3) or not q.ndim == k.ndim == v.ndim:
            raise ValueError(f"{name}: expected queries, keys and values with 2 or 3 axes, got {q.shape}, "
                             f"{k.shape} and {v.shape}")  # fmt: skip
        if is_causal and attn_mask is None:
            raise ValueError(f"{name}: is_causal says what attn_mask is; the mask itself is missing")
        single = q.ndim == 2
        if single:
            q, k, v = (expand_dims(x, 0) for x in (q, k, v))
        elif not self.batch_first:
            q, k, v = (swapaxes(x, 0, 1) for x in (q, k, v))
        wanted = (self.embed_dim, self.kdim, self.vdim)
        if (q.shape[2], k.shape[2], v.shape[2]) != wanted or k.shape[:2] != v.shape[:2] or q.shape[0] != k.shape[0]:
            raise ValueError(f"{name}: expected {wanted} features, keys and values of one length, got {q.shape}, "
                             f"{k.shape} and {v.shape}")  # fmt: skip
        q, k, v = self.projected(q, k, v)
        samples, own = q.shape[0], k.shape[1]
        if self.bias_k is not None and self.bias_v is not None:
            shape = (samples, 1, self.embed_dim)
            k = concatenate([k, broadcast_to(self.bias_k, shape)], 1)
            v = concatenate([v, broadcast_to(self.bias_v, shape)], 1)
        if self.add_zero_attn:
            zeros = Tensor(np.zeros((samples, 1, self.embed_dim)), k.dtype)
            k, v = concatenate([k, zeros], 1), concatenate([v, zeros], 1)
        q, k, v = (swapaxes(x.reshape(*x.shape[:2], self.num_heads, self.head_dim), 1, 2) for x in (q, k, v))
        scores = matmul(q * self.head_dim**-0.5, swapaxes(k, -1, -2))
        shapes = samples, q.shape[2], own, k.shape[2] - own
        allowed, added = self.masks(attn_mask, key_padding_mask, single, q, shapes)
        # Without weights PyTorch's faster function makes zeros where nothing may be looked at; with them NaN comes out.
        weights = masked_softmax(scores, allowed, added, not need_weights)
        if self.training and self.dropout > 0.0:
            weights = dropped(weights, self.dropout, self.rng)
        heads = swapaxes(matmul(weights, v), 1, 2)
        out = self.out_proj(heads.reshape(*heads.shape[:2], self.embed_dim))
        out = squeeze(out, 0) if single else out if self.batch_first else swapaxes(out, 0, 1)
        if not need_weights:
            return out, None
        weights = weights.mean(1) if average_attn_weights else weights
        return out, squeeze(weights, 0) if single else weights

    def projected(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values after their linear maps."""
        n = self.embed_dim
        parts = [slice(i * n, (i + 1) * n) for i in range(3)]
        biases = [None if self.in_proj_bias is None else _getitem(self.in_proj_bias, part) for part in parts]
        if self.in_proj_weight is not None:
            if q is k is v:
                z = linear(q, self.in_proj_weight, self.in_proj_bias)
                first, second, third = (_getitem(z, (..., part)) for part in parts)
                return first, second, third
            weights: list[Any] = [_getitem(self.in_proj_weight, part) for part in parts]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        first, second, third = (linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
        return first, second, third

    def masks(
        self, attn_mask: Any, padding: Any, single: bool, like: Tensor, shapes: tuple[int, int, int, int]
    ) -> tuple[Array | None, Tensor | None]:
        """What may be looked at and what is added to scores (samples, heads, queries, keys), of both masks."""
        name = "MultiheadAttention"
        samples, queries, keys, more = shapes
        allowed: Any = None
        added: Tensor | None = None
        by_head = (samples * self.num_heads, queries, keys)
        choices: dict[str, list[tuple[int, ...]]] = {
            "attn_mask": [(queries, keys), by_head],
            "key_padding_mask": [(keys,) if single else (samples, keys)],
        }
        for what, mask in (("attn_mask", attn_mask), ("key_padding_mask", padding)):
            if mask is None:
                continue
            hidden, numbers = mask_of(f"{name}: {what}", mask, like)
            found: Any = hidden if numbers is None else numbers
            if found.shape not in choices[what]:
                raise ValueError(f"{name}: expected {what} of shape {choices[what][-1]}, got {found.shape}")
            if what == "key_padding_mask":
                found = found.reshape((samples, 1, 1, keys))
            else:
                found = found.reshape(
                    (samples, self.num_heads, queries, keys) if found.ndim == 3 else (1, 1, *found.shape)
                )
            # What stands behind the keys may always be looked at.
            behind = (*found.shape[:3], more)
            if numbers is None:
                seen = ~found
                seen = np.concatenate([seen, np.ones(behind, bool)], axis=3) if more else seen
                allowed = seen if allowed is None else allowed & seen
            else:
                found = concatenate([found, Tensor(np.zeros(behind), found.dtype)], 3) if more else found
                added = found if added is None else added + found
        return allowed, added

    def extra_repr(self) -> str:
        first = ", batch_first=True" if self.batch_first else ""
        return f"{self.embed_dim}, {self.num_heads}, dropout={self.dropout}{first}"
