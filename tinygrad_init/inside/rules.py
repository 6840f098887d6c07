"""Derivative rules as a reader writes them: taken from the source of the rules themselves, not from a second list.

The rule of tanh says `lambda g, out: gated(g, (1.0 - out) * (1.0 + out))`; what is shown for `h = tanh(z)` is
`ḡ·(1 - h)·(1 + h)`, or, where an operation works number by number, the derivative `(1 - h)·(1 + h)` alone.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..engine.graph import NEEDS, OUT, PARAM, SHAPE, SHAPES, Operation

COTANGENT = "ḡ"
# How tightly operators bind: what stands inside a tighter one wants parentheses.
TERNARY, SUM, QUOTIENT, PRODUCT, SIGN, POWER, ATOM = range(7)
OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: (" + ", SUM), ast.Sub: (" - ", SUM), ast.Mult: ("·", PRODUCT), ast.Div: (" / ", QUOTIENT),
    ast.Pow: ("^", POWER),
}  # fmt: skip
# Functions of rules that are operators to a reader.
CALLS = {"gated": ("·", PRODUCT), "gated_quotient": (" / ", QUOTIENT), "matmul": (" @ ", PRODUCT)}


def rule_text(op: Operation, i: int, inputs: Sequence[str], out: str, slope: bool) -> str:
    """What the derivative rule of input `i` does.

    Parameters
    ----------
    inputs, out
        What the operation's inputs and its result are called here.
    slope
        Say the derivative alone, without the cotangent that it is multiplied with.

    Returns
    -------
    str
        "none" where there is no derivative; the operation's own formula where the rule cannot be read as one.
    """
    rule, plan = (op.rules[0], op.plans[0]) if op.joint else (op.rules[i], op.plans[i])
    if rule is None:
        return "none"
    source = None if op.joint else source_of(rule)
    if source is None:
        told = (inspect.getdoc(rule) or f"derivative of {op.spec.formula}").splitlines()[0].rstrip(".")
        pieces = told.split(", ")
        return pieces[i] if op.joint and len(pieces) == len(inputs) else told  # linear: one formula for each input
    names = {}
    for argument, what in zip(source.args.args, plan, strict=True):
        names[argument.arg] = called(what, op, inputs, out)
    names["g"] = "1" if slope else COTANGENT
    return Writer(names).write(source.body)[0]


def called(what: int, op: Operation, inputs: Sequence[str], out: str) -> str:
    """What the argument of a rule is called to a reader (the numbers are those of `engine.graph`)."""
    if what == OUT:
        return out
    if 0 <= what < OUT:
        return inputs[what]
    if what in (NEEDS, SHAPES):
        return {NEEDS: "needs", SHAPES: "shapes"}[what]
    if PARAM <= what < SHAPE:
        return op.param_names[what - PARAM]
    return f"shape of {inputs[what - SHAPE]}" if what >= SHAPE else COTANGENT


def source_of(rule: Callable[..., Any]) -> ast.Lambda | None:
    """The expression of a rule that is a lambda; None of another, and where there is no source."""
    code, alike = rule.__code__, []
    for found in lambdas(code.co_filename):
        if found.lineno <= code.co_firstlineno <= (found.end_lineno or found.lineno):
            made = compile(ast.fix_missing_locations(ast.Expression(found)), "", "eval").co_consts[0]
            if made.co_code == code.co_code and made.co_names == code.co_names:
                return found
            if (made.co_names, made.co_varnames) == (code.co_names, code.co_varnames):
                alike.append(found)  # by itself an expression may be compiled otherwise than in its file
    return alike[0] if len(alike) == 1 else None


@cache
def lambdas(file: str) -> tuple[ast.Lambda, ...]:
    """Every lambda of a file."""
    path = Path(file)
    if not path.is_file():
        return ()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Lambda))


class Writer:
    """Writes an expression of Python as a formula; each piece comes with how tightly it binds."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def write(self, node: ast.expr) -> tuple[str, int]:
        match node:
            case ast.Name(id=name):
                return self.names.get(name, name.lstrip("_")), ATOM
            case ast.Constant(value=bool() as truth):
                return str(truth), ATOM
            case ast.Constant(value=float() | int() as number):
                return f"{number:g}", ATOM
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return f"-{self.inside(inner, SIGN)}", SIGN
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                sign, binds = OPERATORS[type(operator)]
                return self.joined(left, sign, right, binds)
            case ast.Call(func=ast.Name(id=name), args=[x, y]) if name.lstrip("_") in CALLS:
                sign, binds = CALLS[name.lstrip("_")]
                return self.joined(x, sign, y, binds)
            case ast.Call(func=ast.Name(id="_turned"), args=[x]):
                return f"{self.inside(x, ATOM)}ᵀ", ATOM
            case ast.Call(func=ast.Name(id="restore"), args=[x, *_]):
                return self.write(x)  # axes of length 1 are put back: of the numbers nothing changes
            case ast.Call(func=ast.Name(id="where"), args=[condition, x, y]):
                return f"{self.inside(x, SUM)} if {self.write(condition)[0]} else {self.inside(y, SUM)}", TERNARY
            case ast.Call(func=function, args=arguments):
                told = ", ".join(self.write(x)[0] for x in arguments)
                return f"{self.write(function)[0]}({told})", ATOM
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                compared = {ast.Gt: ">", ast.Lt: "<", ast.Eq: "=", ast.GtE: "≥", ast.LtE: "≤"}.get(type(op), "?")
                return f"{self.inside(left, SUM)} {compared} {self.inside(right, SUM)}", TERNARY
            case ast.Attribute(value=inner, attr=attribute):
                return f"{self.inside(inner, ATOM)}.{attribute}", ATOM
        return self.unparsed(node), ATOM

    def inside(self, node: ast.expr, binds: int) -> str:
        """A piece inside something that binds so tightly."""
        text, own = self.write(node)
        return text if own >= binds else f"({text})"

    def joined(self, x: ast.expr, sign: str, y: ast.expr, binds: int) -> tuple[str, int]:
        """Two pieces with a sign between them; a factor 1 is not said."""
        left, right = self.inside(x, binds), self.inside(y, {" - ": QUOTIENT, " / ": SIGN}.get(sign, binds))
        if right.startswith("-"):
            right = f"({right})"
        if sign == "·" and "1" in (left, right):
            return self.write(y if left == "1" else x)
        return f"{left}{sign}{right}", binds

    def unparsed(self, node: ast.expr) -> str:
        """Python itself, with the names that are used here."""
        names = self.names

        class Renamed(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.Name:
                return ast.Name(names.get(node.id, node.id.lstrip("_")), node.ctx)

        return ast.unparse(Renamed().visit(ast.parse(ast.unparse(node), mode="eval")))
