"""Backpropagation under a microscope: graphs of single numbers with everything that passes through them.

`expression` makes one of a text. The text is parsed by `ast` and walked node by node; what is not on the list below is
refused, and nothing is ever executed. `weight_paths` makes one of a network: from one weight to the loss of one sample.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from ...scalar import Value
from ...words import Phrase, phrase
from ..messages.frames import Contribution, Microscope, Node
from ..messages.message_schema import Invalid

MOST_LETTERS, MOST_NODES, MOST_DEPTH = 200, 60, 30

# Name: function, and slope from x and the result.
FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float, float], float]]] = {
    "sin": (math.sin, lambda x, y: math.cos(x)),
    "cos": (math.cos, lambda x, y: -math.sin(x)),
    "exp": (math.exp, lambda x, y: y),
    "log": (math.log, lambda x, y: 1 / x),
    "tanh": (math.tanh, lambda x, y: 1 - y * y),
    "sigmoid": (lambda x: Value(x).sigmoid().data, lambda x, y: y * (1 - y)),
    "relu": (lambda x: max(x, 0.0), lambda x, y: float(x > 0)),
    "sqrt": (math.sqrt, lambda x, y: 0.5 / y),
    "abs": (abs, lambda x, y: float(x > 0) - float(x < 0)),
}
Binary = Callable[[float, float], tuple[float, float, float]]
# Operator: sign; value and both slopes.
OPERATORS: dict[type[ast.operator], tuple[str, Binary]] = {
    ast.Add: ("+", lambda x, y: (x + y, 1.0, 1.0)),
    ast.Sub: ("-", lambda x, y: (x - y, 1.0, -1.0)),
    ast.Mult: ("*", lambda x, y: (x * y, y, x)),
    ast.Div: ("/", lambda x, y: (x / y, 1 / y, -x / (y * y))),
    ast.Pow: ("**", lambda x, y: power(x, y)),
}


def power(x: float, y: float) -> tuple[float, float, float]:
    """x^y and its slopes; for a negative x there is none by y."""
    result = math.pow(x, y)
    return result, y * math.pow(x, y - 1) if y else 0.0, result * math.log(x) if x else 0.0


def literal(node: ast.expr) -> float | None:
    """The number that is written there, with its sign; None if it is something else."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=inner) if (positive := literal(inner)) is not None:
            return -positive
    return None


@dataclass
class Reading:
    """What has been read of an expression so far."""

    values: dict[str, float]
    nodes: list[tuple[Value, str]]
    names: dict[str, Value]

    def note(self, value: Value, label: str) -> Value:
        """Remember a new node."""
        if not math.isfinite(value.data):
            raise Invalid("expression", "not_finite", label=label)
        if len(self.nodes) == MOST_NODES:
            raise Invalid("expression", "nodes", most=MOST_NODES)
        self.nodes.append((value, label))
        return value

    def walk(self, node: ast.expr, depth: int = 1) -> Value:
        """The value of a part of the expression."""
        if depth > MOST_DEPTH:
            raise Invalid("expression", "levels", most=MOST_DEPTH)
        match node:
            case ast.Constant() if (number := literal(node)) is not None:
                return self.note(Value(number), f"{number:g}")
            case ast.Name(id=name):
                return self.named(name)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.walk(operand, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.note(-self.walk(operand, depth + 1), ast.unparse(node))
            case ast.BinOp(left=base, op=ast.Pow(), right=exponent) if (n := literal(exponent)) is not None:
                return self.powered(node, self.walk(base, depth + 1), n)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                return self.binary(node, self.walk(left, depth + 1), self.walk(right, depth + 1))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return self.applied(node, name, self.walk(argument, depth + 1))
            case ast.Call(func=ast.Name(id=name)):
                raise Invalid("expression", "function", name=name, names=", ".join(FUNCTIONS))
        raise Invalid("expression", "arithmetic")

    def named(self, name: str) -> Value:
        """A name is one node, however often it stands there: its cotangents add up."""
        if name in FUNCTIONS:
            raise Invalid("expression", "called", name=name)
        if name not in self.values:
            raise Invalid("values", "value", name=name)
        if name not in self.names:
            self.names[name] = self.note(Value(self.values[name]), name)
        return self.names[name]

    def binary(self, node: ast.BinOp, x: Value, y: Value) -> Value:
        """An operator applied to two values."""
        sign, rule = OPERATORS[type(node.op)]
        result, by_x, by_y = guarded(ast.unparse(node), lambda: rule(x.data, y.data))
        return self.note(Value(result, (x, y), (by_x, by_y), sign), ast.unparse(node))

    def powered(self, node: ast.expr, x: Value, n: float) -> Value:
        """A power with a written exponent, which is part of the operation."""

        def both() -> tuple[float, float, float]:
            return math.pow(x.data, n), n * math.pow(x.data, n - 1) if n else 0.0, 0.0

        result, by_x, _ = guarded(ast.unparse(node), both)
        return self.note(Value(result, (x,), (by_x,), f"**{n:g}"), ast.unparse(node))

    def applied(self, node: ast.Call, name: str, x: Value) -> Value:
        """A function applied to a value."""
        function, slope = FUNCTIONS[name]

        def both() -> tuple[float, float, float]:
            result = float(function(x.data))
            return result, slope(x.data, result), 0.0

        result, by_x, _ = guarded(ast.unparse(node), both)
        return self.note(Value(result, (x,), (by_x,), name), ast.unparse(node))


def guarded(label: str, rule: Callable[[], tuple[float, float, float]]) -> tuple[float, float, float]:
    """A value and slopes, or an error that says where there is none."""
    try:
        return rule()
    except ZeroDivisionError:
        raise Invalid("expression", "divides", label=label) from None
    except OverflowError:
        raise Invalid("expression", "too_large", label=label) from None
    except ValueError:
        raise Invalid("expression", "not_defined", label=label) from None


def why_unreadable(error: BaseException) -> Phrase:
    """What Python says of an expression that it cannot read."""
    if not isinstance(error, SyntaxError):
        return phrase("refusal.unreadable.large")
    sign = "".join(re.findall("'.'", error.msg)[:1])
    for key, said in (("open", f"{sign} was never closed"), ("unmatched", f"unmatched {sign}")):
        if error.msg == said:
            return phrase(f"refusal.unreadable.{key}", sign=sign)
    return phrase("refusal.unreadable.syntax", text=error.msg)


def expression(text: str, values: dict[str, float]) -> Microscope:
    """The graph of an expression with all numbers of its forward and backward pass.

    Parameters
    ----------
    text
        Numbers, names, + - * / **, parentheses and `FUNCTIONS`.
    values
        What the names stand for.

    Raises
    ------
    Invalid
        It is too long or no such expression, a name has no value, or a result is no number.
    """
    if len(text) > MOST_LETTERS:
        raise Invalid("expression", "letters", most=MOST_LETTERS, got=len(text))
    strange = re.search(r"[^A-Za-z0-9_ .+\-*/()]", text)
    if strange:
        raise Invalid("expression", "strange", sign=repr(strange[0]))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        reading = Reading(values, [], {})
        output = reading.walk(tree)
    except (SyntaxError, MemoryError, RecursionError, OverflowError) as error:
        raise Invalid("expression", "unreadable", reason=why_unreadable(error)) from None
    output.backward()
    return graph(reading.nodes, output)


def graph(nodes: list[tuple[Value, str]], output: Value) -> Microscope:
    """Values and their labels, in the order in which they were computed, after `output.backward()`."""
    ids = {id(value): i for i, (value, _) in enumerate(nodes)}
    backward = list(reversed(output.history()))
    turn = {id(value): i for i, value in enumerate(backward)}
    flows: dict[int, list[Contribution]] = {i: [] for i in ids.values()}
    for value in backward:
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            flows[ids[id(parent)]].append(Contribution(ids[id(value)], value.grad * slope))
    found = [
        Node(
            id=i,
            op=value.op,
            label=label,
            inputs=tuple(ids[id(parent)] for parent in value.parents),
            value=value.data,
            forward_order=i,
            backward_order=turn[id(value)],
            local=value.slopes,
            incoming=value.grad,
            contributions=tuple(flows[i]),
        )
        for i, (value, label) in enumerate(nodes)
    ]
    return Microscope("microscope", tuple(found), ids[id(output)])
