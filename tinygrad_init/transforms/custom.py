"""Operations of the user's own: a forward function on arrays, and the derivative that goes with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.graph import MISSING, Operation
from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from ..ops.registry import joining, plan


def custom_op(
    *rules: Callable[..., Any] | None,
    formula: str = "",
    joint: bool = False,
    broadcasts: bool = False,
    check: Callable[[np.random.Generator], Any] | None = None,
) -> Callable[[Callable[..., Any]], Operation]:
    """Make a differentiable operation of a function on NumPy arrays; a decorator.

    Parameters
    ----------
    rules
        One an input, or with `joint` one for all: from the cotangent `g` of the result to that of the input. A rule
        asks by the names of its parameters for what it needs: an input, `out`, `<input>_shape`, a parameter of the
        function; only that is kept. Rules made of operations on tensors can be
        differentiated again. None: no derivative.
    formula
        The operation in one line.
    joint
        The one rule returns the cotangents of all inputs, in a list.
    broadcasts
        The function stretches its inputs to a common shape; their cotangents are summed back.
    check
        From a random generator to inputs (a tuple of arrays of float64), or to inputs and parameters (a tuple and a
        dictionary): there the rules are compared with finite differences at once.

    Returns
    -------
    callable
        A decorator of functions that take arrays before `/` and parameters, which are not differentiable, after it. A
        captured program calls the function when it comes to it.

    Raises
    ------
    TypeError
        The rules do not fit the function, or ask for what there is not.
    GradcheckError
        Where it is checked, a rule is wrong.

    Examples
    --------
    >>> @custom_op(lambda g, x: 3.0 * g * x * x, formula="x³", check=lambda rng: (rng.normal(size=4),))
    ... def cube(x, /):
    ...     return x**3
    """

    def make(forward: Callable[..., Any]) -> Operation:
        name = forward.__name__
        signature = list(inspect.signature(forward).parameters.values())
        inputs = [p.name for p in signature if p.kind is p.POSITIONAL_ONLY]
        variadic = any(p.kind is p.VAR_POSITIONAL for p in signature)
        params = [p for p in signature if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        names = tuple(p.name for p in params)
        if not inputs and not variadic:
            raise TypeError(f"{name}: no inputs; name arrays before a /: def {name}({', '.join(names) or 'x'}, /)")
        if len(rules) != (1 if joint else len(inputs)) or (variadic and not joint):
            raise TypeError(f"{name}: {len(rules)} rules do not fit {len(inputs)} inputs")
        plans, masks = zip(*[plan(name, rule, inputs, names) for rule in rules], strict=True)
        called = joining(forward, names) if variadic else forward
        op = Operation(
            name, inspect.getdoc(forward) or formula, _numbers(name, called), rules, plans, masks,
            -1 if variadic else len(inputs), names,
            tuple(MISSING if p.default is p.empty else p.default for p in params), joint, broadcasts, False, -1, False,
            None,
        )  # fmt: skip
        if check is not None:
            from ..gradient_checks import gradcheck

            given = check(np.random.default_rng(0))
            arrays, options = given if len(given) == 2 and isinstance(given[1], dict) else (given, {})
            variables = [Tensor(x, np.float64, requires_grad=True) for x in arrays]
            gradcheck(lambda *xs: op(*xs, **options), variables, name=name)
        return op

    return make


def _numbers(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose result must be an array of the inputs' dtype that is nobody else's."""

    def called(*arrays: Any) -> Any:
        dtype = arrays[0].dtype
        found = forward(*arrays)
        if hasattr(found, "recorder"):
            return found  # a captured program has kernels for it
        if not isinstance(found, np.ndarray | np.generic | float | int):
            raise TypeError(f"{name}: expected the function to return an array, got {type(found).__name__}")
        return np.array(found, dtype)

    return called


class Context:
    """What the two halves of a `Function` share.

    Attributes
    ----------
    saved_tensors
        What `save_for_backward` was given.
    needs_input_grad
        For each argument of `apply` whether it requires grad.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward: inputs as they are, with their history."""
        self.saved_tensors = tensors


class Function:
    """An operation written as PyTorch's `autograd.Function`: static methods `forward(ctx, ...)` and `backward(ctx, g)`.

    `custom_op` says the same in fewer words. One tensor comes out, and `backward` returns one cotangent (or None) for
    each argument; it is made of operations on tensors, and can be differentiated again if `forward` saved its inputs.
    """

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Apply the function.

        Raises
        ------
        TypeError
            `forward` does not return one tensor, or `backward` not one cotangent for each argument.
        """
        name = cls.__name__
        places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx = Context(tuple(isinstance(x, Tensor) and x.requires_grad for x in args))

        def forward(*arrays: Any) -> Any:
            with no_grad():
                found = cls.forward(ctx, *args)  # type: ignore[attr-defined]
            if not isinstance(found, Tensor):
                raise TypeError(f"{name}: expected forward to return one tensor, got {type(found).__name__}")
            return np.array(found.numpy())

        def rule(g: Tensor) -> list[Any]:
            found = cls.backward(ctx, g)  # type: ignore[attr-defined]
            parts = list(found) if isinstance(found, tuple | list) else [found]
            if len(parts) != len(args):
                raise TypeError(f"{name}: expected backward to return {len(args)} cotangents, got {len(parts)}")
            return [parts[i] for i in places]

        op = Operation(
            name, inspect.getdoc(cls) or name, forward, (rule,), ((-1,),), (0,), -1, (), (), True, False, False, -1,
            False, None,
        )  # fmt: skip
        return op(*[args[i] for i in places])
