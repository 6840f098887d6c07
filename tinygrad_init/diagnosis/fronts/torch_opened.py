"""What PyTorch computes in one piece, by its own mathematics in plain calls: attention, and networks over time.

While a model is recorded these take the place of PyTorch's functions, so that their linear maps are seen as such. The
numbers are the same to rounding, and so are the draws of dropout, which come in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

# Rows of a parameter that holds several matrices, one above the other: from it, what they are for, and which they are.
Rows: TypeAlias = Callable[[Tensor, str, int, int], Tensor]
Weights: TypeAlias = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]

# Steps of all layers and directions together up to which a network over time is opened; each is some 15 calls.
STEPS = 512
FOR = ("query", "key", "value")
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def opened(name: str, rows: Rows, args: Any, kwargs: Any) -> Callable[[], Any] | None:
    """What gives the same as a call of a function of PyTorch's, in plain calls; None of what stays closed."""
    if name == "multi_head_attention_forward":
        if kwargs.get("static_k") is not None or kwargs.get("static_v") is not None:
            return None
        return lambda: multi_head_attention(rows, *args, **kwargs)
    if name == "scaled_dot_product_attention":
        return lambda: scaled_dot_product_attention(*args, **kwargs)
    if name.removesuffix("_cell") in RECURRENT and name.endswith("_cell"):
        return lambda: cell(name.removesuffix("_cell"), *args, **kwargs)
    if name in RECURRENT and not kwargs and steps_of(args) <= STEPS:
        return lambda: over_time(name, *args)
    return None


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q kᵀ/√d + mask) v (Vaswani et al. 2017, section 3.2.1), of shape (..., queries, d)."""
    if enable_gqa:  # several heads of queries share those of keys and values
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    return weighed(query, key, value, attn_mask, dropout_p, is_causal, scale)[0]


def weighed(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    causal: bool,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The same with the weights, of shape (..., queries, keys), after dropout."""
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    weights = scores.softmax(-1)
    if dropout > 0:
        weights = F.dropout(weights, dropout)
    return weights @ value, weights


def multi_head_attention(
    rows: Rows,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Heads that attend side by side (Vaswani et al. 2017, section 3.2.2); arguments are those of PyTorch's function.

    Queries are of shape (queries, samples, width) or (queries, width), and so is what comes out.
    """
    batched = query.ndim == 3
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, samples, width = query.shape
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    maps = []
    for i, (x, own) in enumerate(zip((query, key, value), separate, strict=True)):
        at = FOR[i], i * width, (i + 1) * width
        weight = own if use_separate_proj_weight or in_proj_weight is None else rows(in_proj_weight, *at)
        assert weight is not None
        maps.append(F.linear(x, weight, None if in_proj_bias is None else rows(in_proj_bias, *at)))
    q, k, v = maps
    more = 0
    if bias_k is not None and bias_v is not None:
        k, v = torch.cat([k, bias_k.repeat(1, samples, 1)]), torch.cat([v, bias_v.repeat(1, samples, 1)])
        more += 1
    q, k, v = (x.reshape(len(x), samples, num_heads, -1).permute(1, 2, 0, 3) for x in (q, k, v))
    if add_zero_attn:
        k, v = (torch.cat([x, torch.zeros_like(x[:, :, :1])], 2) for x in (k, v))
        more += 1
    causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if attn_mask is None or causal else added(attn_mask, q, more)
    if mask is not None and mask.ndim == 3:
        mask = mask.reshape(samples, num_heads, *mask.shape[1:])
    if key_padding_mask is not None:
        padding = added(key_padding_mask, q, more)[:, None, None, :]
        mask = padding if mask is None else mask + padding
    out, weights = weighed(q, k, v, mask, dropout_p if training else 0.0, causal)
    out = F.linear(out.permute(2, 0, 1, 3).reshape(length, samples, width), out_proj_weight, out_proj_bias)
    if average_attn_weights and need_weights:
        weights = weights.mean(1)
    if not batched:
        out, weights = out.squeeze(1), weights.squeeze(0)
    return out, weights if need_weights else None


def added(mask: Tensor, like: Tensor, more: int) -> Tensor:
    """A mask as what is added to the scores, with columns of 0 for keys that are always there."""
    found = torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -math.inf) if mask.dtype == torch.bool else mask
    return F.pad(found, (0, more)) if more else found


def steps_of(args: Any) -> int:
    """How many steps a call of a network over time takes, in all layers and directions together."""
    packed = not isinstance(args[3], bool)
    layers, both = args[5 if packed else 4], args[8 if packed else 7]
    length = len(args[1]) if packed else args[0].shape[1 if args[8] else 0]
    return int(length) * int(layers) * (2 if both else 1)


def over_time(kind: str, *args: Any) -> tuple[Tensor, ...]:
    """Layers of a network over time; arguments and what comes out are those of PyTorch's function.

    That is `(x, state, weights, bias, layers, dropout, training, both ways, samples first)`, or of packed sequences
    `(rows, how many at each step, state, weights, bias, layers, dropout, training, both ways)`.
    """
    packed = not isinstance(args[3], bool)
    if packed:
        x, sizes, state, weights, bias, layers, dropout, training, both = args
        counts = [int(count) for count in sizes]
    else:
        x, state, weights, bias, layers, dropout, training, both, samples_first = args
        x = x.transpose(0, 1) if samples_first else x
        counts = [x.shape[1]] * len(x)
    ways = 2 if both else 1
    h, c = state if kind == "lstm" else (state, state)
    each = len(weights) // (layers * ways)
    ends: list[tuple[Tensor, Tensor]] = []
    for layer in range(layers):
        if layer and dropout and training:
            x = F.dropout(x, dropout)
        sides = []
        for way in range(ways):
            i = layer * ways + way
            own = in_order(weights[i * each : (i + 1) * each], bias)
            out, *end = one_way(kind, x, h[i], c[i], own, counts, packed, backwards=way == 1)
            sides.append(out)
            ends.append((end[0], end[1]))
        x = torch.cat(sides, -1) if both else sides[0]
    out = x if packed or not samples_first else x.transpose(0, 1)
    states = (torch.stack([end[i] for end in ends]) for i in range(2 if kind == "lstm" else 1))
    return out, *states


def in_order(weights: Any, bias: bool) -> Weights:
    """Weights for input and state, their biases, and what projects the state; None of what there is not."""
    w_ih, w_hh, *rest = weights
    b_ih, b_hh = (rest.pop(0), rest.pop(0)) if bias else (None, None)
    return w_ih, w_hh, b_ih, b_hh, rest[0] if rest else None


def one_way(
    kind: str, x: Tensor, h: Tensor, c: Tensor, weights: Weights, counts: list[int], packed: bool, backwards: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer in one direction: all outputs, and the last states.

    Sequences that are packed end early, the longest first: states of those that have ended are kept aside. Backwards
    they begin late.
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    inputs = halved(F.linear(x, w_ih, b_ih), counts if packed else [1] * len(counts))
    if not packed:
        inputs = [part.squeeze(0) for part in inputs]
    order = range(len(counts))[::-1] if backwards else range(len(counts))
    outputs: dict[int, Tensor] = {}
    first_h, first_c = h, c
    ended_h: list[Tensor] = []
    ended_c: list[Tensor] = []
    h, c = first_h[: counts[order[0]]] if packed else h, first_c[: counts[order[0]]] if packed else c
    for t in order:
        if counts[t] < len(h):
            ended_h, ended_c = [h[counts[t] :], *ended_h], [c[counts[t] :], *ended_c]
            h, c = h[: counts[t]], c[: counts[t]]
        elif counts[t] > len(h):
            h, c = (
                torch.cat([now, first[len(now) : counts[t]]])
                for now, first in ((h, first_h), (c, first_c))
            )  # fmt: skip
        h, c = step(kind, inputs[t], h, c, w_hh, b_hh, w_hr)
        outputs[t] = h
    found = [outputs[t] for t in range(len(counts))]
    last_h = torch.cat([h, *ended_h]) if ended_h else h
    last_c = torch.cat([c, *ended_c]) if ended_c else c
    return torch.cat(found) if packed else torch.stack(found), last_h, last_c


def halved(x: Tensor, counts: list[int]) -> list[Tensor]:
    """The rows of every step, by halves of halves: of T parts at once each derivative would be as long as the whole."""
    if len(counts) == 1:
        return [x]
    middle = len(counts) // 2
    before = sum(counts[:middle])
    left, right = torch.tensor_split(x, [before])
    return halved(left, counts[:middle]) + halved(right, counts[middle:])


def step(
    kind: str, gates: Tensor, h: Tensor, c: Tensor, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step from the state, by the equations that PyTorch's documentation gives, and what came in times W.

    LSTM: Hochreiter and Schmidhuber 1997, Gers et al. 2000, projected as by Sak et al. 2014. GRU: Cho et al. 2014, with
    the reset after the product.
    """
    came = F.linear(h, w_hh, b_hh)
    if kind == "lstm":
        z = gates + came
        i, f, _, o = z.sigmoid().chunk(4, -1)  # all at once: a quarter for nothing is cheaper than three more calls
        c = f * c + i * z.tanh().chunk(4, -1)[2]
        h = o * c.tanh()
        return (h if w_hr is None else F.linear(h, w_hr)), c
    if kind == "gru":
        (r, z, n), (from_r, from_z, from_n) = gates.chunk(3, -1), came.chunk(3, -1)
        z, n = (z + from_z).sigmoid(), (n + (r + from_r).sigmoid() * from_n).tanh()
        h = n + z * (h - n)
        return h, h
    h = (gates + came).tanh() if kind == "rnn_tanh" else (gates + came).relu()
    return h, h


def cell(
    kind: str,
    x: Tensor,
    state: Any,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Any:
    """One step of a cell; arguments and what comes out are those of PyTorch's function."""
    h, c = state if kind == "lstm" else (state, state)
    found = step(kind, F.linear(x, w_ih, b_ih), h, c, w_hh, b_hh)
    return found if kind == "lstm" else found[0]
