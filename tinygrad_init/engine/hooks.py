"""Functions that see a cotangent when it arrives at a tensor on the way back; the search for one that is not finite."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Node
from .history import node_of
from .methods import METHODS
from .places import describe_place
from .storage import Storage

Hooks = dict[Any, Callable[[Any], Any]]


class Hook:
    """What a hook can be taken off by: `handle.remove()`, or at the end of a `with` block."""

    def __init__(self, hooks: dict[Any, Any], function: Callable[..., Any]) -> None:
        self.hooks, self.key = hooks, object()
        hooks[self.key] = function

    def remove(self) -> None:
        """Take the hook off; a second time nothing happens."""
        self.hooks.pop(self.key, None)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register_hook(x: Any, hook: Callable[[Any], Any]) -> Hook:
    """Let a function see the gradient of a tensor when backward has added up all of it.

    Parameters
    ----------
    hook
        Called with the gradient; what it returns, unless None, goes on in its place, and must have its shape and dtype.
        Hooks run in the order in which they were registered. One that refers to the tensor itself keeps it alive until
        it is removed or backward frees the graph.

    Returns
    -------
    Hook
        Its `remove()` takes the hook off.

    Raises
    ------
    RuntimeError
        The tensor does not require grad.
    TypeError
        The hook cannot be called.
    """
    if not x.requires_grad:
        raise RuntimeError("register_hook: the tensor does not require grad, so no gradient ever comes to it")
    if not callable(hook):
        raise TypeError(f"register_hook: expected a function of the gradient, got {type(hook).__name__}")
    return Hook(_hooks_of(x), hook)


def _hooks_of(x: Any) -> Hooks:
    node = node_of(x)
    if node.hooks is None:
        node.hooks = {}
    hooks: Hooks = node.hooks
    return hooks


def retain_grad(x: Any) -> None:
    """Let backward leave the gradient of this tensor in `.grad`, as it does for leaves, though an operation made it.

    Raises
    ------
    RuntimeError
        The tensor does not require grad.
    """
    if not x.requires_grad:
        raise RuntimeError("retain_grad: the tensor does not require grad, so no gradient ever comes to it")
    if x.is_leaf:
        return
    owner = weakref.ref(x)

    def keep(g: Any) -> None:
        tensor = owner()
        if tensor is not None:
            tensor.grad = g.detach() if tensor.grad is None else tensor.grad + g.detach()

    _hooks_of(x)["retain_grad"] = keep  # once, however often it is asked for


METHODS.update(register_hook=register_hook, retain_grad=retain_grad)


def run_hooks(hooks: Hooks, g: Any) -> Any:
    """The cotangent after all hooks.

    Raises
    ------
    TypeError, ValueError
        A hook returned something other than None or a tensor like the one that it got.
    """
    for key in sorted(
        hooks, key=lambda key: key == "retain_grad"
    ):  # what is retained is the gradient after all other hooks
        hook = hooks[key]
        found = hook(g)
        if found is None:
            continue
        if not isinstance(found, Storage):
            raise TypeError(f"a hook returned {type(found).__name__}; expected None or a tensor")
        if found.shape != g.shape or found.dtype != g.dtype:
            raise ValueError(
                f"a hook returned shape {found.shape} and {found.dtype}; expected those of the gradient, {g.shape} and "
                f"{g.dtype}"
            )
        g = found
    return g


def refuse_not_finite(node: Node, g: Any, parts: list[Any]) -> None:
    """Raise where the cotangent of a result is finite and that of an input is not.

    Raises
    ------
    RuntimeError
        It is so; the message names the operation, and the line where the forward pass used it.
    """
    if not np.isfinite(g._as_array()).all():
        return
    for i, part in enumerate(parts):
        if part is not None and not (finite := np.isfinite(part._as_array())).all():
            bad = part._as_array()[~finite].flat[0] if part.ndim else part.item()
            raise RuntimeError(
                f"backward of {node.op.name}: the gradient of input {i} has {bad} in {finite.size - finite.sum()} of "
                f"{finite.size} places, though that of the result is finite; {node.op.name} was called at "
                f"{describe_place(node.place)}"
            )
