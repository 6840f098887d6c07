"""How does a training step grow with depth, width and batch? Asked by `python -m bench --pictures DIR`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .harness import OURS, LeftOut, Question, Row, Side, ask
from .networks import Size, draw

if TYPE_CHECKING:
    from .peers.base import Peer

# Those whose lines can be told apart in one picture.
DRAWN = (OURS, "NumPy by hand", "PyTorch eager", "JAX jit")
AXES = {
    "depth": "layers of 64, batch 64",
    "width": "width of 3 layers, batch 64",
    "batch": "batch of a network 64-64-10",
}
SIZES = {
    "depth": (1, 2, 5, 10, 20, 50, 100),
    "width": (4, 8, 16, 32, 64, 128, 256, 512, 1024),
    "batch": (1, 4, 16, 64, 256, 1024),
}
QUICK = {"depth": (1, 2), "width": (4, 8), "batch": (1, 4)}


def network(axis: str, n: int) -> Size:
    """The network at one place of an axis; deep ones agree as far as `networks` says of its deepest."""
    deep = 10
    size = partial(Size, checked_steps=2, rtol=1e-2)
    if axis == "batch":
        return size(f"batch-{n}", f"64-64-10, batch {n}", (64, 64, 10), n, "cross_entropy", 0.1)
    lr = 1e-5 if axis == "depth" and n > deep else 1e-3
    widths = (64,) * (n + 1) if axis == "depth" else (n,) * 4
    title = f"{n} layers of 64" if axis == "depth" else f"3 layers of {n}"
    return size(f"{axis}-{n}", f"{title}, batch 64", widths, 64, "half_squared_error", lr)


def build(size: Size, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The training step as the peers that are drawn do it."""
    problem = draw(size)
    return ask([peer for peer in peers if peer.name in DRAWN], lambda peer: peer.network(problem))


def rows(quick: bool) -> list[Row]:
    """Every place of every axis; for a quick run two of each."""
    sizes = [network(axis, n) for axis, places in (QUICK if quick else SIZES).items() for n in places]
    return [
        Row(size.name, size.title, "float32", partial(build, size), size.rtol, checked_steps=size.checked_steps)
        for size in sizes
    ]


QUESTION = Question("scaling", "How does a training step grow?", rows, on_demand=True)
