"""What a function is differentiated by: its arguments as fresh variables, so that nothing outside takes part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import schedule
from ..engine.history import node_of
from ..engine.modes import enable_grad
from ..engine.tensor import Tensor
from ..trees import filled, leaves_of


class Variables:
    """The arguments of a function, those chosen as variables of which derivatives are taken.

    A tensor that requires grad is taken as the result of an operation on itself, so that derivatives can themselves be
    differentiated by it; any other becomes a leaf of its own that shares its numbers.

    Attributes
    ----------
    values, nodes
        The variables, all leaves of the chosen arguments from left to right, and what stands for them in the graph.
    """

    def __init__(self, args: tuple[Any, ...], argnums: int | tuple[int, ...] | None = None) -> None:
        chosen = range(len(args)) if argnums is None else (argnums,) if isinstance(argnums, int) else argnums
        for i in chosen:
            if not -len(args) <= i < len(args):
                raise ValueError(f"expected argnums among {len(args)} arguments, got {i}")
        self.chosen = [i % len(args) for i in chosen]
        self.trees = [args[i] for i in self.chosen]
        with enable_grad():
            self.values = [_variable(x) for tree in self.trees for x in leaves_of(tree)]
        self.nodes = [node_of(x) for x in self.values]
        self.nested = any(node.op is not None for node in self.nodes)
        self.args = list(args)
        made = iter(self.values)
        for i, tree in zip(self.chosen, self.trees, strict=True):
            self.args[i] = filled(tree, [next(made) for _ in leaves_of(tree)])

    def call(self, function: Callable[..., Any]) -> Any:
        """What the function makes of the variables, recorded."""
        with enable_grad():
            return function(*self.args)

    def tensors(self, output: Any, name: str, one: bool = False) -> list[Tensor]:
        """The tensors that a function returned.

        Raises
        ------
        TypeError
            It returned something else, or several where one is expected.
        """
        found = leaves_of(output)
        for x in found:
            if not isinstance(x, Tensor):
                raise TypeError(f"{name}: expected the function to return tensors, got {type(x).__name__}")
        if one and len(found) != 1:
            raise TypeError(f"{name}: expected the function to return one tensor, got {len(found)}")
        return found

    def like(self, name: str, tangents: tuple[Any, ...]) -> list[Tensor]:
        """Tangents of the variables, in their form.

        Raises
        ------
        ValueError
            There are more or fewer than variables, or a shape differs.
        """
        found = [x for tree in tangents for x in leaves_of(tree)]
        return matched(name, "tangent", found, self.values)

    def released(self, tree: Any, values: list[Any] | None = None) -> Any:
        """A tree of results, with other leaves if given; without a history that leads to nothing but the variables."""
        found = leaves_of(tree) if values is None else values
        return filled(tree, [self._release(x) for x in found])

    def _release(self, x: Any) -> Any:
        node = node_of(x) if isinstance(x, Tensor) else None
        if node is None or self.nested:
            return x
        own = set(self.nodes)
        order = schedule([node])[0]
        return x if any(n.op is None and n not in own and n.owner() is not None for n in order) else x.detach()


def _variable(x: Any) -> Tensor:
    if isinstance(x, Tensor):
        if x.requires_grad:
            return ops.identity(x)
        leaf = x.detach()
        leaf.requires_grad = True
        return leaf
    array = np.asarray(x)
    if array.dtype.kind in "biu" and not isinstance(x, int):
        raise TypeError("whole numbers have no derivative: make them floats, or leave the argument out by argnums")
    return Tensor(x, requires_grad=True)


def matched(name: str, what: str, given: list[Any], values: list[Tensor]) -> list[Tensor]:
    """Tensors like others, one for each: arrays and numbers become such.

    Raises
    ------
    ValueError
        There are more or fewer, or a shape differs.
    """
    if len(given) != len(values):
        raise ValueError(f"{name}: expected {len(values)} {what}s, got {len(given)}")
    found = [t if isinstance(t, Tensor) else Tensor(t, x.dtype) for t, x in zip(given, values, strict=True)]
    for t, x in zip(found, values, strict=True):
        if t.shape != x.shape or t.dtype != x.dtype:
            raise ValueError(f"{name}: expected a {what} of shape {x.shape} and {x.dtype}, got {t.shape} and {t.dtype}")
    return found


def one_or_all(found: list[Any], argnums: int | tuple[int, ...]) -> Any:
    """The only one where one argument was asked for, else a tuple."""
    return found[0] if isinstance(argnums, int) else tuple(found)
