"""Checkpoints under the names of `torch.utils.checkpoint`: less memory for a second forward pass.

What a function depends on besides its arguments is looked for, as PyTorch's users do not say it: modules and tensors
that it is a method of, that it closes over, or that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..ops.drawing import default_generator
from ..transforms.checkpointing import checkpoint as kept_inputs

__all__ = ["checkpoint", "checkpoint_sequential"]


def _held(function: Any) -> Iterator[Any]:
    """Modules and tensors that a function may depend on, each once."""
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        match value:
            case Tensor():
                yield value
            case _ if hasattr(value, "named_parameters"):
                yield value
            case MethodType():
                held = () if hasattr(value.__self__, "named_parameters") else getattr(value.__self__, "__dict__", {})
                waiting += [value.__self__, value.__func__, dict(held)]
            case partial():
                waiting += [value.func, *value.args, *value.keywords.values()]
            case list() | tuple():
                waiting += value
            case dict():
                waiting += value.values()
            case FunctionType():
                names = (name for name in value.__code__.co_names if name in value.__globals__)
                waiting += [value.__globals__[name] for name in names]
                waiting += [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
                waiting += value.__defaults__ or ()


def _is_full(cell: Any) -> bool:
    """Whether a name that is closed over has a value yet."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """What a function gives, without keeping what backward will need: that is computed again; see `tgi.checkpoint`.

    Parameters
    ----------
    function
        From tensors to a tensor: a module, a method, or a function whose modules and tensors are those that it closes
        over or names.
    preserve_rng_state
        Whether dropout and the like draw the second time what they drew the first time.
    use_reentrant, determinism_check, debug, early_stop
        How PyTorch executes it; change nothing.

    Raises
    ------
    NotImplementedError
        `context_fn` is given.
    TypeError, ValueError, RuntimeError
        As `tgi.checkpoint`.
    """
    if context_fn is not None:
        raise NotImplementedError("checkpoint: context_fn is not to be had; enter contexts in the function")
    given = {id(x) for x in args}
    found = [value for value in _held(function) if id(value) not in given]
    modules = [value for value in found if not isinstance(value, Tensor)]
    tensors = [value for value in found if isinstance(value, Tensor)] + [p for m in modules for p in m.parameters()]
    learned = list({id(x): x for x in tensors if x.requires_grad and id(x) not in given}.values())
    if preserve_rng_state:
        function = _drawing_alike(function, modules)
    return kept_inputs(function, *args, parameters=learned, **kwargs)


def _drawing_alike(function: Callable[..., Any], modules: list[Any]) -> Callable[..., Any]:
    """A function that draws at each call what it drew at the first."""
    own = (value for m in modules for part in m.modules() for value in vars(part).values())
    candidates = [default_generator(), *own]
    generators = list({id(g): g for g in candidates if isinstance(g, np.random.Generator)}.values())
    states: list[Any] = []

    def called(*args: Any, **kwargs: Any) -> Any:
        now = [generator.bit_generator.state for generator in generators]
        if not states:
            states.extend(now)
            return function(*args, **kwargs)
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state
        try:
            return function(*args, **kwargs)
        finally:
            for generator, state in zip(generators, now, strict=True):
                generator.bit_generator.state = state

    return called


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Functions one after the other, in segments of which all but the last are checkpoints.

    Parameters
    ----------
    functions
        A `Sequential`, or modules or functions in a row.
    segments
        How many; the last one has what is left over, too.
    input
        Of the first function.
    kwargs
        `preserve_rng_state`, as in `checkpoint`.

    Raises
    ------
    ValueError
        There are fewer functions than segments, or no segment.
    """
    parts: Sequence[Any] = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not 1 <= segments <= max(len(parts), 1):
        raise ValueError(f"checkpoint_sequential: expected 1 to {len(parts)} segments, got {segments}")
    size = len(parts) // segments

    def run(these: Sequence[Any], x: Any) -> Any:
        for part in these:
            x = part(x)
        return x

    for i in range(segments - 1):
        input = checkpoint(partial(run, parts[i * size : (i + 1) * size]), input, **kwargs)
    return run(parts[(segments - 1) * size :], input)
