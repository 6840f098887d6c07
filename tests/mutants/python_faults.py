"""Faults in Python files, by the operators of Cosmic Ray: of comparisons, numbers, conditions, loops, decorators.

Its own runner is of no use here, as it plants faults in the checkout, and knows neither compiled modules nor rooms.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from .fault import Fault, changed

# Not those that put random numbers in place of variables; nor those that nearly always change nothing (== and `is`), or
# that nearly always end in a TypeError (shifts and the like of floats), and would only make the share look better.
LEFT_OUT = re.compile(r".*_(Eq_Is|Is_Eq|NotEq_IsNot|IsNot_NotEq|LShift|RShift|BitOr|BitAnd|BitXor)$")
OPERATORS = {
    name: kind()
    for name in OperatorProvider()
    if not (kind := OperatorProvider()[name]).arguments() and not LEFT_OUT.match(name)
}
# Without them the same is computed, slower or by compiled code alone.
SPEED = ("cython.", "functools.cache", "functools.lru_cache", "cache", "lru_cache", "overload")

Place = tuple[int, int]


class Bare(ast.NodeTransformer):
    """Takes out what nothing is computed by: annotations, what is imported for them, decorators for speed, `strict`."""

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        return None if node.arg == "strict" else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        node.decorator_list = [d for d in node.decorator_list if not ast.unparse(d).startswith(SPEED)]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not ast.unparse(d).startswith(SPEED)]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Name("annotation")
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) in ("TYPE_CHECKING", "not TYPE_CHECKING") else self.generic_visit(node)


def meaning(source: str) -> str | None:
    """What a source computes, in a form that can be compared; None if it is no Python."""
    try:
        return ast.dump(Bare().visit(ast.parse(source)))
    except SyntaxError:
        return None


@cache
def places(source: str) -> dict[Place, list[tuple[str, int]]]:
    """Where what can be changed: at each place operators, and how many of their places come before it."""
    found: dict[Place, list[tuple[str, int]]] = {}
    before: Counter[str] = Counter()
    for node in ast_nodes(get_ast(source)):
        for name, operator in OPERATORS.items():
            for start, _ in operator.mutation_positions(node):
                found.setdefault(start, []).append((name, before[name]))
                before[name] += 1
    return found


def function_at(source: str, line: int) -> str:
    """The name of the innermost function or class around a line."""
    around = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name if around else ""


def one_fault(rng: random.Random, path: str, source: str) -> Fault | None:
    """A fault in a file, each place being as likely as the others; None if it would change nothing that runs."""
    found = places(source)
    if not found:
        return None
    name, before = rng.choice(found[rng.choice(sorted(found))])
    text = mutate_code(source, OPERATORS[name], before)
    if text is None or meaning(text) in (None, meaning(source)):
        return None
    line, old, new = changed(source, text)
    return Fault(path, line, name.removeprefix("Replace"), old, new, text, function_at(source, line))


def faults(rng: random.Random, root: Path, paths: Sequence[str]) -> Iterator[Fault]:
    """Faults until there are hardly any others; longer files have more of them."""
    sources = [(root / path).read_text(encoding="utf-8") for path in paths]
    seen: set[tuple[str, str]] = set()
    vain = 0
    while sources and vain < 1000:
        i = rng.choices(range(len(paths)), [len(source) for source in sources])[0]
        fault = one_fault(rng, paths[i], sources[i])
        vain += 1
        if fault is not None and (fault.path, fault.text) not in seen:
            seen.add((fault.path, fault.text))
            vain = 0
            yield fault
