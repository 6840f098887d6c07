"""micrograd (github.com/karpathy/micrograd): backpropagation on single numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from ..harness import Side
from ..problems import Chain
from .base import Peer, Scalars
from .ours import ValueScalars, chain_of_values


class Micrograd(Peer):
    """Its `Value`, in the networks of its own demo."""

    name: ClassVar[str] = "micrograd"
    module: ClassVar[str] = "micrograd"
    pip: ClassVar[str] = "micrograd"

    def __init__(self, threads: int) -> None:
        from micrograd.engine import Value

        self.value: Any = Value
        # It orders its graph by a recursive function, which would not get through a long chain otherwise.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 20_000))

    def chain(self, problem: Chain) -> Iterator[Side]:
        yield chain_of_values(self.name, self.value, problem)

    def scalars(self) -> Scalars:
        return ValueScalars(self.value)
