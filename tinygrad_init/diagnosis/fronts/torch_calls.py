"""What really runs when a PyTorch model is called: every call of a function on tensors, in order.

Functions are watched, not modules: `F.relu(x)`, `x + f(x)` and what stands inside a module of somebody's own are seen
like any `nn.ReLU`, and a branch that is not taken is not. A tensor that a function changes in place is from then on
what came out of that call.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .torch_opened import RECURRENT, opened

# Where an argument comes from: ("input", name), ("call", number, which of its tensors), ("parameter", name), or
# ("turned", name) of a matrix that is learned, with rows for columns.
# Rows of a parameter are one, too, with a name of its own.
Origin = tuple[Any, ...]
LEARNED = ("parameter", "turned")
TURNS = ("T", "t", "mT", "transpose", "swapaxes")


@dataclass(frozen=True)
class Slot:
    """Stands in the arguments of a call for a tensor that is computed, or learned."""

    origin: Origin


@dataclass
class Call:
    """A function that was called on tensors.

    Attributes
    ----------
    function
        What was called.
    args, kwargs
        With what: slots stand for tensors that are inputs, parameters or came out of calls; others are copies.
    where
        The name of the module that was running, "" for the model itself; whether that module has none inside.
    inputs
        By their slots, in order, copies of the tensors that are no parameters.
    parameters
        The names of those that are.
    outputs
        The tensors that came out, also those that were changed in place.
    chance
        The state of the random numbers before, so that a dropout draws the same again.
    differentiable
        Whether derivatives were kept.
    inside
        The name of the function of PyTorch's that was opened and made this call; "" of what the model calls itself.
    """

    function: Callable[..., Any]
    args: Any
    kwargs: Any
    where: str
    alone: bool
    inputs: dict[Origin, Tensor]
    parameters: tuple[str, ...]
    outputs: list[Tensor]
    chance: Tensor
    differentiable: bool
    changed: tuple[int, ...] = ()  # which of the tensors among the arguments were changed in place
    writes: bool = False  # whether any was, also those that come out and what the model keeps
    autocast: torch.dtype | None = None  # what linear maps compute in, where `torch.autocast` decides
    inside: str = ""

    @property
    def name(self) -> str:
        """The function's own name: "linear", "relu", "add"."""
        return name_of(self.function)

    def evaluate(self, inputs: dict[Origin, Tensor], parameters: dict[str, Tensor], which: int) -> Tensor:
        """One of the tensors that come out on other inputs and with other parameters, chance drawing the same."""
        leaves: list[Tensor] = []

        def filled(part: Any) -> Any:
            if isinstance(part, Slot):
                kind, *of = part.origin
                if kind in LEARNED:
                    tensor = parameters[of[0]] if kind == "parameter" else parameters[of[0]].T
                else:
                    tensor = inputs[part.origin].clone() if self.writes else inputs[part.origin]
            elif isinstance(part, Tensor):
                tensor = part.clone() if self.writes else part
            else:
                return part
            leaves.append(tensor)
            return tensor

        args, kwargs = mapped(self.args, filled), mapped(self.kwargs, filled)
        lower = torch.autocast("cpu", self.autocast or torch.bfloat16, self.autocast is not None)
        with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(self.differentiable), lower:
            torch.set_rng_state(self.chance)
            out = self.function(*args, **kwargs)
        return [*tensors_of(out), *(leaves[i] for i in self.changed)][which]


class Unfollowed(Exception):
    """Something in a model cannot be followed; no TypeError, of which PyTorch's operators would make another one."""


class Recorder(TorchFunctionMode):
    """A context in which the calls of a model are written down.

    Parameters
    ----------
    model
        Names of modules and parameters are those in it.
    inputs
        Tensors whose way through the model is followed, by name.
    """

    def __init__(self, model: nn.Module, inputs: dict[str, Tensor]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.names = {id(module): name for name, module in model.named_modules()}
        self.named = {id(parameter): name for name, parameter in model.named_parameters()}
        self.buffers = {id(buffer) for buffer in model.buffers()}
        self.running: list[tuple[str, bool]] = [("", False)]
        # By identity where a tensor comes from, its version then, a copy, and itself: no other gets its identity.
        self.known: dict[int, tuple[Origin, int, Tensor, Tensor]] = {}
        for name, tensor in inputs.items():
            self.remember(tensor, ("input", name), tensor.detach().clone())
        self.hooks: list[Any] = []
        # Rows of parameters that are matrices of their own: of which, from where to where. And what is too long.
        self.parts: dict[str, tuple[str, int, int]] = {}
        self.closed: set[str] = set()
        self.inside = ""

    def __enter__(self) -> Recorder:
        register = nn.modules.module
        self.hooks = [
            register.register_module_forward_pre_hook(self.begins),
            register.register_module_forward_hook(self.ends, always_call=True),
        ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)  # type: ignore[no-untyped-call]
        for hook in self.hooks:
            hook.remove()

    def begins(self, module: nn.Module, args: Any) -> None:
        """A module is called."""
        name = self.names.get(id(module), self.running[-1][0])
        self.running.append((name, not any(True for _ in module.children())))

    def ends(self, module: nn.Module, args: Any, output: Any) -> None:
        """It returns."""
        self.running.pop()

    def rows(self, parameter: Tensor, of: str, start: int, stop: int) -> Tensor:
        """Some rows of a parameter, under a name that says what they are for; of anything else by a call."""
        origin = self.origin(parameter)
        if origin is None or origin[0] != "parameter":
            return parameter[start:stop]
        name = f"{origin[1]} ({of})"
        self.parts[name] = origin[1], start, stop
        with torch._C.DisableTorchFunction():  # type: ignore[attr-defined]
            found = parameter[start:stop]
            self.remember(found, ("parameter", name), found)
        return found

    @contextmanager
    def opening(self, name: str) -> Iterator[None]:
        """A context in which calls are seen that stand for one of PyTorch's."""
        before, self.inside = self.inside, self.inside or name
        super().__enter__()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            super().__exit__(None, None, None)  # type: ignore[no-untyped-call]
            self.inside = before

    def remember(self, tensor: Tensor, origin: Origin, copy: Tensor) -> None:
        """Where a tensor comes from, and what it is now."""
        self.known[id(tensor)] = origin, tensor._version, copy, tensor

    def origin(self, tensor: Tensor) -> Origin | None:
        """Where it comes from; None of a constant.

        Raises
        ------
        Unfollowed
            It has been changed since, or has derivatives, and nobody saw how.
        """
        if id(tensor) in self.named:
            return "parameter", self.named[id(tensor)]
        where = self.running[-1][0] or "the model"
        origin, version, *_ = self.known.get(id(tensor), (None, tensor._version))
        # One that has derivatives though nobody saw how, or saw it made without any: a function with its own backward.
        plain = origin is None or (origin[0] == "call" and not self.calls[origin[1]].differentiable)
        if plain and tensor.grad_fn is not None:
            raise Unfollowed(
                f"a tensor of shape {tuple(tensor.shape)} in {where} has derivatives that cannot be followed, those of "
                f"{tensor.grad_fn.name()}; write it with PyTorch's own functions, checkpoints with use_reentrant=False"
            )
        if tensor._version != version:
            raise Unfollowed(
                f"a tensor of shape {tuple(tensor.shape)} in {where} was changed in place "
                "through a view of it; write the change without `_`, as x = torch.cat(...) or x = x + ..."
            )
        return origin

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = list(tensors_of((args, kwargs)))
        origins = [self.origin(tensor) for tensor in tensors]
        if not any(origins) or getattr(function, "__name__", "") in UNSEEN:
            return function(*args, **kwargs)
        name = name_of(function)
        if (plainly := opened(name, self.rows, args, kwargs)) is not None:
            with self.opening(name):
                return plainly()
        if name in RECURRENT:
            self.closed.add(self.running[-1][0])
        if function in DERIVATIVES:
            raise Unfollowed(
                f"{self.running[-1][0] or 'the model'} differentiates what it computes itself (torch.autograd); that "
                "cannot be followed: diagnose the model with a loss of its plain predictions"
            )
        if name in TURNS and tensors[0].ndim == 2 and origins[0] is not None and origins[0][0] == "parameter":
            out = function(*args, **kwargs)
            self.remember(out, ("turned", origins[0][1]), out)
            return out
        copies = {
            id(tensor): tensor.detach().clone() if origin is None else self.known[id(tensor)][2]
            for tensor, origin in zip(tensors, origins, strict=True)
            if origin is None or origin[0] not in LEARNED
        }
        versions, chance = [tensor._version for tensor in tensors], torch.get_rng_state()
        out = function(*args, **kwargs)
        returned = list(tensors_of(out))
        changed = tuple(
            i
            for i, (tensor, version) in enumerate(zip(tensors, versions, strict=True))
            if tensor._version != version
            and id(tensor) not in self.buffers
            and not any(tensor is one for one in returned)
        )
        outputs = [*returned, *(tensors[i] for i in changed)]
        if not outputs:
            return out
        writes = any(tensor._version != version for tensor, version in zip(tensors, versions, strict=True))
        results = [tensor.detach().clone() for tensor in outputs]
        of = {id(tensor): origin for tensor, origin in zip(tensors, origins, strict=True)}

        def kept(part: Any) -> Any:
            if not isinstance(part, Tensor):
                return part
            found = of[id(part)]
            return copies[id(part)] if found is None else Slot(found)

        where, alone = self.running[-1]
        inputs = {
            origin: copies[id(tensor)]
            for tensor, origin in zip(tensors, origins, strict=True)
            if origin is not None and origin[0] not in LEARNED
        }
        named = tuple(dict.fromkeys(origin[1] for origin in origins if origin and origin[0] in LEARNED))
        self.calls.append(
            Call(
                function, mapped(args, kept), mapped(kwargs, kept), where, alone, inputs, named,
                results, chance, torch.is_grad_enabled(), changed, writes,
                torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None, self.inside,
            )
        )  # fmt: skip
        for which, (tensor, result) in enumerate(zip(outputs, results, strict=True)):
            self.remember(tensor, ("call", len(self.calls) - 1, which), result)
        return out


DERIVATIVES = (torch.autograd.grad, torch.autograd.backward, Tensor.backward)
# What tells about tensors and computes none.
UNSEEN = {"requires_grad_", "register_hook", "retain_grad", "__repr__", "__format__"}


def name_of(function: Any) -> str:
    """A function's own name: "linear", "relu", "add"; of a property, such as x.T, that one's."""
    found = str(getattr(function, "__name__", type(function).__name__))
    if found == "__get__":
        found = str(getattr(getattr(function, "__self__", None), "__name__", found))
    return found.strip("_")


def tensors_of(tree: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists, dicts and slices, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from tensors_of(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from tensors_of(part)
    elif isinstance(tree, slice):
        yield from tensors_of((tree.start, tree.stop, tree.step))


def mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same tree with every leaf changed."""
    if isinstance(tree, tuple):
        parts = [mapped(part, change) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, list):
        return [mapped(part, change) for part in tree]
    if isinstance(tree, dict):
        found = copy.copy(tree)  # of its own kind, which may have its entries as attributes, too
        for key, part in tree.items():
            found[key] = mapped(part, change)
        return found
    if isinstance(tree, slice):
        return slice(*(mapped(part, change) for part in (tree.start, tree.stop, tree.step)))
    return change(tree)
