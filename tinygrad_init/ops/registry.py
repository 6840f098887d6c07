"""How an operation is defined: its forward kernel and its derivative rules, once, side by side.

A rule is a vector-Jacobian product: from the cotangent `g` of the result to that of one input. It says what it needs by
the names of its parameters, and only that is kept for backward:

===============  =======================================================================
`g`              the cotangent of the result (always the first)
an input's name  that input, as the forward function calls it
`out`            the result
`<input>_shape`  the shape of that input (nothing is kept alive)
`shapes`         the shapes of all inputs
a parameter      its value in this application
`needs`          which inputs need a cotangent (rules of several inputs at once)
===============  =======================================================================

Rules are made of operations, so that a gradient can itself be differentiated.

Everything else that somebody wants to know of an operation is in its `Spec`: gradient checks, comparisons with other
engines, the documentation and the benchmarks go through `REGISTRY` and need no list of their own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..engine.graph import MISSING, NEEDS, OPERATIONS, OUT, OUT_BIT, PARAM, SHAPE, SHAPES, SHAPES_BIT, Operation
from ..engine.methods import METHODS
from ..kernels import reference
from ..kernels.backend import kernels
from ..kernels.reference import Array

__all__ = ["REGISTRY", "Array", "Spec", "binary", "operation", "pointwise", "unary"]

REGISTRY = OPERATIONS

Example = tuple[tuple[Any, ...], dict[str, Any]]


class Spec(NamedTuple):
    """What tests, documentation and interoperation need to know of an operation.

    Attributes
    ----------
    formula
        The operation in one line.
    kind
        "unary", "binary" or "other".
    domain
        The open interval from which properties draw the inputs of an elementwise operation.
    kinks
        Points where a derivative (of first or second order) does not exist.
    examples
        For the others: from a random generator to inputs and parameters, covering the cases that differ.
    exempt
        Why there is no first- or second-order check, if there is none.
    numpy
        The names of NumPy functions that mean the same.
    gain
        Of an activation, the conventional factor on the standard deviation of weights before it, or a function of its
        parameters; None where there is none.
    start
        Of an activation, the initializer that is named for it.
    homogeneous
        Whether f(c x) = c f(x) for all c > 0.
    """

    formula: str
    kind: str = "other"
    domain: tuple[float, float] = (-3.0, 3.0)
    kinks: tuple[float, ...] = ()
    examples: Callable[[np.random.Generator], list[Example]] | None = None
    exempt: str = ""
    numpy: tuple[str, ...] = ()
    gain: float | Callable[..., float] | None = None
    start: str = "critical"
    homogeneous: bool = False


def operation(
    *rules: Callable[..., Any] | None,
    formula: str,
    joint: bool = False,
    broadcasts: bool = False,
    view: bool = False,
    method: bool = False,
    name: str | None = None,
    whole: Callable[..., Any] | bool = False,
    param: tuple[str, float] | None = None,
    **spec: Any,
) -> Callable[[Callable[..., Any]], Operation]:
    """Make an operation of a forward function on arrays, and register it.

    Parameters
    ----------
    rules
        One an input (None: not differentiable), or a single one for all with `joint`.
    formula, spec
        See `Spec`.
    joint
        The one rule returns the cotangents of all inputs.
    broadcasts
        Inputs are stretched to a common shape; the engine sums their cotangents back.
    view
        The result may share the memory of the first input.
    method
        Tensors have it as a method, too.
    whole
        What it is of arrays of whole numbers and booleans; True: the same function, which is the default for views.
    param
        The name and the default of the one parameter of a function that does not name it itself.

    Notes
    -----
    The decorated function takes its arrays before `/` (or as `*arrays`) and its parameters after it.
    """

    def make(forward: Callable[..., Any]) -> Operation:
        op_name = name or forward.__name__.strip("_")
        inputs, variadic, params = arguments(forward) if param is None else (["x"], False, [param])
        param_names = tuple(name for name, _ in params)
        if len(rules) != (1 if joint else len(inputs)) or (variadic and not joint):
            raise TypeError(f"{op_name}: {len(rules)} rules do not fit {len(inputs)} inputs")
        elementwise = spec.get("kind", "other") != "other"
        plans, masks = zip(*[plan(op_name, rule, inputs, param_names) for rule in rules], strict=True)
        run = joining(forward, param_names) if variadic else forward
        op = Operation(
            name=op_name,
            doc=forward.__doc__ or elementwise_doc(formula, inputs, params),
            forward=run,
            rules=rules,
            plans=plans,
            masks=masks,
            arity=-1 if variadic else len(inputs),
            param_names=param_names,
            defaults=tuple(default for _, default in params),
            joint=joint,
            broadcasts=broadcasts,
            view=view,
            code=kernels.code(op_name) if elementwise else -1,
            elementwise=elementwise,
            spec=Spec(formula, **spec),
            whole=run if whole is True or (view and not whole) else whole or None,
        )
        if op_name in REGISTRY:
            raise ValueError(f"an operation named {op_name} exists already")
        REGISTRY[op_name] = op
        if method:
            METHODS[op_name] = op
        return op

    return make


def arguments(forward: Callable[..., Any]) -> tuple[list[str], bool, list[tuple[str, Any]]]:
    """The arrays that a function takes before `/`, whether it takes any number, and its parameters with defaults.

    Read from its code: signatures of all operations would be a tenth of what importing takes.
    """
    code, given = forward.__code__, forward.__defaults__ or ()
    positional, named = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames
    defaults = dict(zip(names[positional - len(given) : positional], given, strict=True)) | (
        forward.__kwdefaults__ or {}
    )
    params = [(name, defaults.get(name, MISSING)) for name in names[code.co_posonlyargcount : named]]
    return list(names[: code.co_posonlyargcount]), bool(code.co_flags & inspect.CO_VARARGS), params


def elementwise_doc(formula: str, inputs: list[str], params: list[tuple[str, Any]]) -> str:
    """The docstring of an operation from the tables."""
    of = " and ".join(inputs)
    shape = "the shape of x" if len(inputs) == 1 else "the common shape"
    lines = [f"{formula}, element by element.", "", "Parameters", "----------", ", ".join(inputs)]
    lines += ["    Tensors, arrays or numbers" + (", stretched to a common shape." if len(inputs) > 1 else ".")]
    for name, default in params:
        lines += [name, f"    A number, {default} unless given; not differentiable."]
    lines += ["", "Returns", "-------", "Tensor", f"    Of {shape} and the dtype of {of}.", "", "Raises", "------"]
    lines += ["TypeError", "    An operand is not made of numbers, or float32 meets float64."]
    if len(inputs) > 1:
        lines += ["ValueError", "    The shapes do not stretch to a common one."]
    return "\n".join(lines)


def joining(forward: Callable[..., Any], param_names: tuple[str, ...]) -> Callable[..., Any]:
    """A forward function of any number of arrays as the engine calls it: parameters last, by position."""

    def run(*values: Any) -> Any:
        arrays = len(values) - len(param_names)
        return forward(*values[:arrays], **dict(zip(param_names, values[arrays:], strict=True)))

    return run


def plan(
    op_name: str, rule: Callable[..., Any] | None, inputs: list[str], param_names: tuple[str, ...]
) -> tuple[tuple[int, ...], int]:
    """What a rule asks for, as numbers that the engine looks up, and what must be kept for it, as a bit mask."""
    if rule is None:
        return (), 0
    wants, mask = [], 0
    code = rule.__code__
    for what in code.co_varnames[: code.co_argcount]:
        if what == "g":
            wants.append(-1)
        elif what in inputs:
            wants.append(inputs.index(what))
            mask |= 1 << inputs.index(what)
        elif what == "out":
            wants.append(OUT)
            mask |= OUT_BIT
        elif what == "needs":
            wants.append(NEEDS)
        elif what == "shapes":
            wants.append(SHAPES)
            mask |= SHAPES_BIT
        elif what.removesuffix("_shape") in inputs:
            wants.append(SHAPE + inputs.index(what.removesuffix("_shape")))
            mask |= SHAPES_BIT
        elif what in param_names:
            wants.append(PARAM + param_names.index(what))
        else:
            raise TypeError(f"{op_name}: a rule asks for {what!r}; there is {inputs}, {list(param_names)}, out, shapes")
    return tuple(wants), mask


def unary(
    name: str,
    formula: str,
    rule: Callable[..., Any],
    param: tuple[str, float] | None = None,
    method: bool = True,
    **spec: Any,
) -> Operation:
    """An elementwise function of one array, by its kernel's name; `param` is the name and default of its parameter.

    The forward function is the NumPy specification. Where the C table has the name, the engine calls that instead.
    """

    def forward(x: Any, /) -> Any:
        return reference.unary(name, x)

    def forward_with(x: Any, value: float, /) -> Any:
        return reference.unary(name, x, value)

    made = operation(rule, formula=formula, method=method, name=name, kind="unary", param=param, **spec)
    op = made(forward if param is None else forward_with)
    check_reads(op)
    return op


def binary(
    name: str,
    formula: str,
    x_rule: Callable[..., Any],
    y_rule: Callable[..., Any],
    method: bool = False,
    **spec: Any,
) -> Operation:
    """An elementwise function of two arrays, by its kernel's name; as `unary`."""

    def forward(x: Any, y: Any, /) -> Any:
        return reference.binary(name, x, y)

    rules = (x_rule, y_rule)
    return operation(*rules, formula=formula, broadcasts=True, method=method, name=name, kind="binary", **spec)(forward)


def pointwise(
    name: str, formula: str, function: Callable[..., Any], *rules: Callable[..., Any] | None, **spec: Any
) -> Operation:
    """An elementwise function of one array or two (as many as rules) that has no kernel: NumPy computes it.

    A captured program calls it as it is, unless NumPy makes it of functions that have kernels.
    """

    def one(x: Any, /) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(x), x.dtype)

    def two(x: Any, y: Any, /) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(x, y), x.dtype)

    many = len(rules) == 2
    kind = "other" if "examples" in spec else "binary" if many else "unary"
    made = operation(*rules, formula=formula, broadcasts=many, name=name, kind=kind, **{"method": True, **spec})
    return made(two if many else one)


def check_reads(op: Operation) -> None:
    """The C kernel of a derivative and the rule must read it from the same array: only that one is kept."""
    if op.code >= 0:
        kept = {0: "nothing", 1: "x", OUT_BIT: "out"}.get(op.masks[0])
        if kept != kernels.READS[op.name]:
            raise TypeError(f"{op.name}: the rule reads {kept}, the C table says {kernels.READS[op.name]}")
