"""Transformations of functions under the names of `torch.func`: `grad` here makes a function of a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .engine.discrete import is_discrete
from .engine.gradients import grad as gradients
from .engine.modes import is_grad_enabled, mode
from .engine.tensor import Tensor
from .lazy_names import missing
from .transforms import hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap
from .transforms.variables import Variables
from .trees import filled, leaves_of

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "value_and_grad",
    "vjp",
    "vmap",
]


def functional_call(
    module: Any,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What a module gives with other tensors in the place of its parameters and buffers, which stay as they are.

    Parameters
    ----------
    module
        Any `nn.Module`.
    parameters
        Tensors by the names of `named_parameters` and `named_buffers`, or several such mappings. They may have a
        history: gradients flow into them.
    args, kwargs
        What the module is called with; one argument need not stand in a tuple.
    tie_weights
        Whether what is shared under another name is replaced there, too.
    strict
        Whether a parameter or buffer must not be missing.

    Raises
    ------
    KeyError
        There is no parameter or buffer of a name; or, if `strict`, one is missing.
    """
    given = (
        dict(parameters) if isinstance(parameters, Mapping) else {k: v for each in parameters for k, v in each.items()}
    )
    held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    owners = dict(module.named_modules())
    places, other = [], {}
    for name, value in given.items():
        path, _, own = name.rpartition(".")
        before = owners[path].__dict__.get(own) if path in owners else None
        if not isinstance(before, Tensor) and not is_discrete(before):
            raise KeyError(f"functional_call: {type(module).__name__} has no parameter or buffer {name!r}")
        places.append((owners[path].__dict__, own, before, value))
        other[id(before)] = value
    if missing_names := [name for name, value in held.items() if strict and id(value) not in other]:
        raise KeyError(f"functional_call: missing {missing_names}")
    if tie_weights:
        all_of_it = [(vars(owner), own, value) for owner in owners.values() for own, value in owner.__dict__.items()]
        places = [(*place, other[id(place[2])]) for place in all_of_it if id(place[2]) in other]
    try:
        for attributes, own, _, value in places:
            attributes[own] = value
        mode.restructured()
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for attributes, own, before, _ in places:
            attributes[own] = before
        mode.restructured()


def value_and_grad(
    function: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives another one's value and its gradient.

    Parameters
    ----------
    function
        From tensors, also nested in lists, tuples and dictionaries, to a tensor with one element.
    argnums
        By which arguments; a tuple gives a tuple of gradients, each in the form of its argument.
    has_aux
        The function returns a pair, whose second part is handed through: the value is then that pair.

    Raises
    ------
    ValueError
        When called: the function does not return one number.
    """

    def both(*args: Any) -> tuple[Any, Any]:
        at = Variables(args, argnums)
        output = at.call(function)
        y, aux = output if has_aux else (output, None)
        if not isinstance(y, Tensor) or y.size != 1:
            got = f"shape {y.shape}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(f"grad: expected the function to return a tensor with one element, got {got}")
        found: Any = (
            gradients(y, at.values, create_graph=is_grad_enabled()) if y.requires_grad else [x * 0.0 for x in at.values]
        )
        each = iter(at.released(at.values, list(found)))
        trees = [filled(tree, [next(each) for _ in leaves_of(tree)]) for tree in at.trees]
        value = at.released(y)
        return (value, aux) if has_aux else value, trees[0] if isinstance(argnums, int) else tuple(trees)

    return both


def grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives another one's gradient; parameters are those of `value_and_grad`."""
    both = value_and_grad(function, argnums, has_aux)

    def gradient(*args: Any) -> Any:
        value, found = both(*args)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(
    function: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """As `value_and_grad`, the gradient first, as `torch.func` has it."""
    both = value_and_grad(function, argnums, has_aux)

    def turned(*args: Any) -> tuple[Any, Any]:
        value, found = both(*args)
        return found, value

    return turned


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
