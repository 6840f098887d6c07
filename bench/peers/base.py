"""What a peer is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import Any, ClassVar, Protocol

from ..harness import Array, NotOffered, Side
from ..problems import Chain, Network


class Scalars(Protocol):
    """A library's single numbers; `+` and `*` are Python's own."""

    def parameter(self, value: float) -> Any:
        """A number that is trained."""

    def constant(self, value: float) -> Any:
        """A number that is not."""

    def relu(self, x: Any) -> Any:
        """max(x, 0)."""

    def descent(self, parameters: list[Any], lr: float) -> Callable[[Any], None]:
        """What goes backward from a loss and makes a step of gradient descent."""

    def item(self, x: Any) -> float:
        """The number itself."""

    def assign(self, p: Any, value: float) -> None:
        """Overwrite a parameter."""


class Peer:
    """A library, imported when an instance is made; methods that it does not override are rows that it cannot do.

    Attributes
    ----------
    name
        What tables call it.
    module, pip
        What to import and what to install.
    slow_start
        Whether it compiles so long that a quick run leaves it out.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    pip: ClassVar[str]
    slow_start: ClassVar[bool] = False

    def __init__(self, threads: int) -> None:
        """Import the library and tell it how many threads to use."""

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be used here; empty if it can."""
        return "" if importlib.util.find_spec(cls.module) else "not installed"

    @classmethod
    def version(cls) -> str:
        """The installed version."""
        return metadata.version(cls.pip)

    def chain(self, problem: Chain) -> Iterable[Side]:
        """A chain of elementwise operations, forward and backward, in each way that the library has."""
        raise NotOffered("has no operations on arrays")

    def network(self, problem: Network) -> Iterable[Side]:
        """A training step, in each way that the library has."""
        raise NotOffered("has no operations on arrays")

    def images(self, problem: Network) -> Iterable[Side]:
        """A training step of a convolutional network, in each way that the library has."""
        raise NotOffered("has no convolutions")

    def sequences(self, problem: Network) -> Iterable[Side]:
        """A training step of a network along sequences, in each way that the library has."""
        raise NotOffered("has no attention and no recurrent layers")

    def products(self, pairs: Sequence[tuple[Array, Array]]) -> Callable[[], None] | None:
        """What multiplies pairs of matrices into arrays that are there, if it is known for its products."""
        return None

    def scalars(self) -> Scalars | None:
        """Its single numbers, if it has a graph of such."""
        return None

    def captured(self, step: Callable[[], Any]) -> Callable[[], Any] | None:
        """A step of single numbers as a program, if the library makes programs of such."""
        return None
