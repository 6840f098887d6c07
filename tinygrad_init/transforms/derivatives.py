"""Derivatives of functions: products with the Jacobian from both sides, the Jacobian and the Hessian themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.gradients import grad
from ..engine.modes import is_grad_enabled
from ..engine.tensor import Tensor, wrap
from ..trees import filled, leaves_of
from .forward_mode import columns, jacfwd, push, unit_vectors
from .variables import Variables, matched, one_or_all

Function = Callable[..., Any]


def jvp(function: Function, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A function's value and its directional derivative: J t, forward.

    Parameters
    ----------
    function
        From tensors to tensors, also nested in tuples, lists and dictionaries.
    primals, tangents
        The point and the direction: tuples, one for each argument; of a single argument also the tensor itself.

    Returns
    -------
    output, tangent
        Of one form.

    Raises
    ------
    ValueError
        A tangent does not have the shape and dtype of its primal.
    """
    at = Variables(_arguments(primals))
    given = at.like("jvp", _arguments(tangents))
    output = at.call(function)
    pushed = push(at.tensors(output, "jvp"), dict(zip(at.nodes, given, strict=True)))
    return at.released(output), at.released(output, pushed)


def vjp(function: Function, *primals: Any) -> tuple[Any, Function]:
    """A function's value at a point, and what pulls a cotangent of it back: v ↦ Jᵀ v.

    Parameters
    ----------
    function, primals
        As in `linearize`.

    Returns
    -------
    output, pull
        `pull(*cotangents)` takes one of each output (in the output's form) and gives a tuple, one for each argument. It
        may be called many times.
    """
    at = Variables(primals)
    output = at.call(function)
    ends = at.tensors(output, "vjp")

    def pull(*cotangents: Any) -> tuple[Any, ...]:
        given = matched("vjp", "cotangent", [v for tree in cotangents for v in leaves_of(tree)], ends)
        found = iter(at.released(at.values, _pulled(ends, at.values, given)))
        return tuple(filled(tree, [next(found) for _ in leaves_of(tree)]) for tree in at.trees)

    return at.released(output), pull


def _pulled(
    ends: list[Tensor], values: list[Tensor], cotangents: list[Any], create: bool | None = None
) -> list[Tensor]:
    """The cotangents of values; zeros where nothing depends on them."""
    pairs = [(y, v) for y, v in zip(ends, cotangents, strict=True) if y.requires_grad]
    if not pairs:
        return [wrap(np.zeros(x.shape, x.dtype)) for x in values]
    found = grad(
        [y for y, _ in pairs],
        values,
        gradients=[v for _, v in pairs],
        retain_graph=True,
        create_graph=is_grad_enabled(),
    )
    return list(found)


def jacrev(function: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The Jacobian as a function, row by row: for functions that give few numbers; parameters are those of `jacfwd`."""

    def jacobian_of(*args: Any) -> Any:
        at = Variables(args, argnums)
        (y,) = at.tensors(at.call(function), "jacrev", one=True)
        return one_or_all(at.released(at.values, _rows(y, at.values)), argnums)

    return jacobian_of


def _rows(y: Tensor, values: list[Tensor]) -> list[Tensor]:
    rows = [_pulled([y], values, [v]) for v in unit_vectors(y)]
    if not rows:
        return [wrap(np.zeros((*y.shape, *x.shape), x.dtype)) for x in values]
    return [ops.reshape(ops.stack([row[i] for row in rows]), (*y.shape, *x.shape)) for i, x in enumerate(values)]


def jacobian(function: Function, inputs: Any = None, *, argnums: int | tuple[int, ...] = 0) -> Any:
    """The Jacobian of a function: at a point, or without one as a function of the arguments.

    Parameters
    ----------
    function
        From tensors to one tensor, or to a tuple of them.
    inputs
        A tensor, or a tuple with one for each argument, as PyTorch's `autograd.functional.jacobian` takes it.
    argnums
        Where `inputs` is left out: by which arguments, as in JAX.

    Returns
    -------
    Tensor, tuple or callable
        Of shape (*output, *input); a tuple of those for inputs in a tuple, and one of these for outputs in a tuple.
        Columns or rows are computed, whichever are fewer.
    """
    if inputs is None:

        def jacobian_of(*args: Any) -> Any:
            found = jacobian(lambda *chosen: function(*_with(args, argnums, chosen)), _chosen(args, argnums))
            return found[0] if isinstance(argnums, int) and isinstance(found, tuple) and len(found) == 1 else found

        return jacobian_of
    at = Variables(_arguments(inputs))
    output = at.call(function)
    found = [at.released(at.values, _either(y, at)) for y in at.tensors(output, "jacobian")]
    parts = [tuple(part) if isinstance(inputs, tuple) else part[0] for part in found]
    return tuple(parts) if isinstance(output, tuple | list) else parts[0]


def _either(y: Tensor, at: Variables) -> list[Tensor]:
    """The Jacobians of one output by all variables, by columns or by rows."""
    if not y.requires_grad or int(y.size) <= sum(int(x.size) for x in at.values):
        return _rows(y, at.values)
    return columns(y, at)


def hessian(function: Function, inputs: Any = None, *, argnums: int | tuple[int, ...] = 0) -> Any:
    """The Hessian of a function that gives one number: at a point, or without one as a function of the arguments.

    Parameters
    ----------
    function
        From tensors to a tensor with one element.
    inputs, argnums
        As in `jacobian`.

    Returns
    -------
    Tensor, tuple or callable
        Of shape (*input, *input); for inputs in a tuple a tuple of tuples, [i][j] by input i and input j.
    """
    if inputs is None:
        return jacobian(jacrev(_single(function, "hessian"), argnums), argnums=argnums)
    several = isinstance(inputs, tuple)
    args = _arguments(inputs)
    slope = jacrev(_single(function, "hessian"), tuple(range(len(args))))
    found = jacobian(slope, args)
    return found if several else found[0][0]


def hvp(function: Function, inputs: Any, v: Any) -> tuple[Any, Any]:
    """A function's value and its Hessian times a vector, without the Hessian (Pearlmutter 1994): forward over reverse.

    Parameters
    ----------
    function
        From tensors to a tensor with one element.
    inputs, v
        The point and the vector: a tensor each, or tuples with one for each argument.

    Returns
    -------
    output, product
        The product is in the form of `inputs`.
    """
    args = _arguments(inputs)
    single = _single(function, "hvp")
    _, found = jvp(jacrev(single, tuple(range(len(args)))), args, _arguments(v))
    at = Variables(args)
    return at.released(at.call(single)), found if isinstance(inputs, tuple) else found[0]


def vhp(function: Function, inputs: Any, v: Any) -> tuple[Any, Any]:
    """A vector times the Hessian: since that is symmetric, what `hvp` gives."""
    return hvp(function, inputs, v)


def _single(function: Function, name: str) -> Function:
    def called(*args: Any) -> Any:
        y = function(*args)
        if not isinstance(y, Tensor) or y.size != 1:
            got = f"shape {y.shape}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(f"{name}: expected the function to return a tensor with one element, got {got}")
        return ops.reshape(y, ())

    return called


def _arguments(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _chosen(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(args[i] for i in ((argnums,) if isinstance(argnums, int) else argnums))


def _with(args: tuple[Any, ...], argnums: int | tuple[int, ...], chosen: tuple[Any, ...]) -> list[Any]:
    """The arguments with those chosen in their places."""
    found = list(args)
    for i, x in zip((argnums,) if isinstance(argnums, int) else argnums, chosen, strict=True):
        found[i] = x
    return found


__all__ = ["hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "vhp", "vjp"]
