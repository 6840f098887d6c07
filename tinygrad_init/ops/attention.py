"""Attention: means of values, weighted by how well keys fit queries (Vaswani et al. 2017, eq. 1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .activations import _causal_softmax, softmax
from .elementwise import where
from .products import matmul
from .random_masks import Rng, dropout
from .rearranging import repeat_interleave
from .registry import Array
from .shape import swapaxes


def masked_softmax(scores: Tensor, allowed: Array | None, added: Tensor | None, empty: bool) -> Tensor:
    """The softmax over keys of those scores that are allowed.

    Parameters
    ----------
    allowed
        Booleans that stretch to the scores, or None for all.
    added
        Numbers that are added to the scores, or None.
    empty
        Whether a query for which no key is allowed gets zeros; else NaN.
    """
    scores = scores if added is None else scores + added
    scores = scores if allowed is None else where(allowed, scores, -np.inf)
    if not empty or (allowed is None and added is None):
        return softmax(scores)
    none: Any = None
    if allowed is not None:
        none = np.sum(allowed, axis=-1, keepdims=True) == 0
    if added is not None:
        without = np.sum(operand(added) != -np.inf, axis=-1, keepdims=True) == 0
        none = without if none is None else none | without
    return where(none, 0.0, softmax(where(none, 0.0, scores)))


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    rng: Rng = None,
) -> Tensor:
    """softmax(q kᵀ · scale + mask) v.

    Parameters
    ----------
    query, key, value
        Of shapes (..., queries, e), (..., keys, e) and (..., keys, v).
    attn_mask
        Of a shape that stretches to (..., queries, keys): booleans, True where a key may be looked at, or numbers that
        are added. A query with no key at all gets zeros.
    dropout_p
        The share of weights that is dropped, whether or not something is being trained; `rng` as in `tgi.dropout`.
    is_causal
        Whether a query looks at keys up to its own place alone; instead of a mask.
    scale
        1/√e unless given.
    enable_gqa
        Whether keys and values have fewer heads, axis -3, each of which serves several of the query in a row.

    Returns
    -------
    Tensor
        Of shape (..., queries, v).

    Raises
    ------
    ValueError
        The shapes do not fit, or there is a mask beside `is_causal`.
    """
    name = "scaled_dot_product_attention"
    query, key, value = coerce(name, (query, key, value))
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ValueError(f"{name}: shapes {query.shape}, {key.shape} and {value.shape} do not fit")
    if is_causal and attn_mask is not None:
        raise ValueError(f"{name}: expected either attn_mask or is_causal")
    if enable_gqa:
        if min(query.ndim, key.ndim) < 3 or query.shape[-3] % key.shape[-3]:
            raise ValueError(f"{name}: {key.shape[-3:-2]} heads of keys do not divide {query.shape[-3:-2]} of queries")
        times = query.shape[-3] // key.shape[-3]
        key, value = (repeat_interleave(x, times, -3) for x in (key, value))
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * factor, swapaxes(key, -1, -2))
    allowed: Array | None = None
    added: Tensor | None = None
    if attn_mask is not None:
        allowed, added = mask_of(name, attn_mask, query)
    weights = _causal_softmax(scores) if is_causal else masked_softmax(scores, allowed, added, True)
    if dropout_p:
        weights = dropout(weights, dropout_p, rng)
    return matmul(weights, value)


def mask_of(name: str, mask: Any, like: Tensor) -> tuple[Array | None, Tensor | None]:
    """A mask as booleans, or as numbers that are added.

    Raises
    ------
    TypeError
        It is neither.
    """
    if isinstance(mask, Tensor):
        return None, mask
    found = operand(mask)
    if found.dtype.kind == "b":
        return found, None
    if found.dtype.kind != "f":
        raise TypeError(f"{name}: expected a mask of booleans or floats, got {found.dtype}")
    return None, Tensor(found, like.dtype)
