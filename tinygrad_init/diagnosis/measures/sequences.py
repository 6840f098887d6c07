"""What is special about networks on sequences, whoever wrote them: it is looked for among the links, not by module."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.apart import apart
from ..network import OTHER, RESIDUAL, SUM, Cotangent, Link, Network
from ..records import Attention, Recurrence, Sequences
from .signal import ratio, rms

Array = np.ndarray[Any, Any]

# What multiplies queries by keys; and what is below this is masked (-1e4 is what people write for float16).
PRODUCTS, MASKED = ("matmul", "bmm", "baddbmm"), -5e3
# Below this share of the largest a difference is rounding.
ROUNDING = 1e-3


def sequences(network: Network, exact: Network, x: Any, y: Any) -> Sequences:
    """All of it, of a network that was run on samples and targets.

    Parameters
    ----------
    network
        In its own dtype.
    exact
        The same in float64, so that gradients over many steps do not become 0.
    x, y
        What it was run on.
    """
    with np.errstate(all="ignore"):
        return Sequences(
            attention=tuple(found for link in network.flat() if (found := attention(link)) is not None),
            recurrences=tuple(
                recurrence(exact, link, uses) for link, uses in exact.all_uses.items() if len(uses) > 1
            ),
            stream=tuple(rms(link.output) for link in network.links if carries(link)),
            read_off=read_off(network, np.asarray(x), np.asarray(y)),
        )  # fmt: skip


def carries(link: Link) -> bool:
    """Whether a link adds to what passes by it."""
    same = len(link.inputs) == 2 and all(x.shape == link.output.shape for x in link.inputs)
    return link.role == RESIDUAL or (link.label == SUM and same and not link.parameters)


def attention(link: Link) -> Attention | None:
    """What a softmax over products of queries and keys does; None of any other link."""
    if link.label not in ("softmax", "causal_softmax") or link.output.ndim < 3:
        return None
    product, logits = origin_of(link), link.x.astype(np.float64)
    if link.label == "causal_softmax":
        logits = np.where(np.tri(*logits.shape[-2:]) > 0, logits, -np.inf)
    if product is None:
        return None
    open_ = np.isfinite(logits) & (logits > MASKED)
    count = open_.sum(-1)
    several = count > 1
    if not several.any():
        return None
    p = np.where(open_, link.output, 0.0)
    entropy = -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0), -1)
    centred = within(logits, open_, count)
    raw = within(product.output.astype(np.float64), open_, count)
    scale = ratio(float(np.sum(centred * raw)), float(np.sum(raw * raw)))
    return Attention(
        name=link.name,
        width=int(product.x.shape[-1]),
        entropy=float(np.mean(entropy[several] / np.log(count[several]))),
        logits=math.sqrt(float(np.sum(centred**2)) / max(int(open_.sum()), 1)),
        scale=scale * before(product, 0) * before(product, 1),
    )


def within(values: Array, open_: Array, count: Array) -> Array:
    """Differences from the mean of each row, of the keys that are not masked; 0 elsewhere."""
    known = np.where(open_, values, 0.0)
    return np.where(open_, known - (known.sum(-1) / np.maximum(count, 1))[..., None], 0.0)


def origin_of(link: Link) -> Link | None:
    """The product of queries and keys that a softmax comes from, past what scales and masks it."""
    for source in back(link, link.output.shape):
        if source.label in PRODUCTS and len(source.inputs) == 2 and source.x.ndim >= 3:
            return source
    return None


def back(link: Link, shape: tuple[int, ...]) -> list[Link]:
    """The links before one, as far as one of its inputs has the shape and the others only bias or mask it."""
    found: list[Link] = []
    while True:
        same = [source for source in link.sources if isinstance(source, Link) and source.output.shape == shape]
        if len(same) != 1 or same[0] in found:
            return found
        (link,) = same
        found.append(link)


def before(product: Link, which: int) -> float:
    """What queries or keys were multiplied by on their way from the linear map, by nothing but a number."""
    source = product.sources[which]
    size, total = rms(product.inputs[which]), 1.0
    while isinstance(source, Link) and source.role == OTHER and not source.parameters and len(source.sources) == 1:
        if source.x.size != source.output.size:
            break
        total = ratio(size, rms(source.x))
        (source,) = source.sources
    return total


def recurrence(network: Network, link: Link, uses: tuple[Link, ...]) -> Recurrence:
    """How far back in time the gradient reaches.

    The forget gate's bias is that of both biases together, at its place in PyTorch's order of gates.
    """
    norms = [network.cotangents[use].norm for use in uses]
    most, matrix = max(norms), link.by_unit(link.matrix.values)
    units, size = matrix.shape
    blocks = [matrix[i : i + size] for i in range(0, units, size)] if units % size == 0 else []
    names = [link.matrix.name.replace("weight_hh", bias) for bias in ("bias_ih", "bias_hh")]
    biases = [network.parameters[name] for name in names if name != link.matrix.name and name in network.parameters]
    gates: Array = np.sum(biases, axis=0) if biases else np.zeros(units)
    return Recurrence(
        name=link.matrix.name,
        steps=len(uses),
        reach=0.0 if most == -math.inf else norms[0] - most,
        radius=max((float(np.max(np.abs(apart(np.linalg.eigvals, block)))) for block in blocks), default=math.nan),
        forget=float(np.mean(gates[size : 2 * size])) if units == 4 * size else math.nan,
    )


def read_off(network: Network, x: Array, y: Array) -> int | None:
    """By how many positions the target lies ahead in the input, where the prediction depends on what stands there.

    It is asked of a position in the middle, and judged by derivatives: which predictions the loss compares with that
    target, and whether those change with what stands in the input where the target does. A target that stands in the
    input at the same place, or before, is told only of a network that sees nothing of what comes after: that is one
    that was to predict, and no autoencoder.
    """
    if x.ndim < 2 or y.shape != x.shape or x.shape[1] < 3 or len(x) < 2 or x.dtype.kind != y.dtype.kind:
        return None
    length, at = x.shape[1], x.shape[1] // 2
    places = [i for i in range(length) if stands(x, y, i - at)]
    if not places or network.output.shape[:2] != x.shape[:2] or network.start is None:
        return None
    place = min(places, key=lambda i: abs(i - at - 1))
    other = y.copy()
    other[:, at] = np.roll(y[:, at], 1)
    changed = network.again(y=other).from_loss.numbers() - network.from_loss.numbers()
    sizes = np.abs(changed).sum(axis=tuple(i for i in range(changed.ndim) if i != 1))
    compared = np.flatnonzero(sizes > ROUNDING * sizes.max())  # two runs may differ by rounding
    if len(compared) != 1:
        return None
    position = int(compared[0])
    cotangent = np.zeros(network.output.shape)
    cotangent[:, position] = np.random.default_rng(0).normal(size=cotangent[:, position].shape)
    seen = positions_seen(network, Cotangent.of(cotangent), x.shape)
    if seen is None or not seen[place]:
        return None
    offset = place - position
    return offset if offset > 0 or not seen[position + 1 :].any() else None


def stands(x: Array, y: Array, offset: int) -> bool:
    """Whether all targets stand in the input so many positions ahead."""
    length = x.shape[1] - abs(offset)
    if length < 2:
        return False
    here, there = y[:, max(-offset, 0) :][:, :length], x[:, max(offset, 0) :][:, :length]
    return bool(np.array_equal(here, there) and np.ptp(here) > 0)


def positions_seen(network: Network, start: Cotangent, shape: tuple[int, ...]) -> Array | None:
    """Which positions of the input a cotangent of the output comes back to; None where that is not known.

    Of codes, what takes them stands for them: an embedding.
    """
    cotangents = network.backward(start)
    found = np.zeros(shape[1], bool)
    for link in network.links:
        for source, value in zip(link.sources, link.inputs, strict=True):
            if source != "x" or value.shape[:2] != shape[:2]:
                continue
            if value.dtype.kind == "f":
                arriving = link.pull(cotangents[link])[link.sources.index("x")]
            elif link.output.shape[:2] == shape[:2]:
                arriving = cotangents[link]
            else:
                return None
            found |= np.abs(arriving.unit.reshape(*shape[:2], -1)).sum(axis=(0, 2)) > 0
    return found
