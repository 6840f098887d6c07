"""Making a program that shows something as short as it can be, and a test of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .programs import Program, without


def shrink(program: Program, shows: Callable[[Program], bool], tries: int = 300) -> Program:
    """The shortest program that still shows it, found by leaving out and simplifying one thing at a time."""
    changed = True
    while changed and tries > 0:
        changed = False
        for smaller in simpler(program):
            tries -= 1
            if tries <= 0:
                break
            if shows(smaller):
                program, changed = smaller, True
                break
    return program


def simpler(program: Program) -> Iterator[Program]:
    """Programs with one thing less."""
    for i in reversed(range(len(program.lines))):
        name = program.lines[i].name
        rest = (*program.lines[:i], *program.lines[i + 1 :])
        if any(name in line.uses for line in rest):
            continue
        results = tuple(r for r in program.results if r != name)
        if not results:
            results = tuple(n for n in program.lines[i].uses if n[0] in "pv")[:1]
        if results:
            yield without(program, lines=rest, results=results)
    if len(program.results) > 1:
        for i in range(len(program.results)):
            yield without(program, results=(*program.results[:i], *program.results[i + 1 :]))
    for i in range(len(program.changes)):
        yield without(program, changes=(*program.changes[:i], *program.changes[i + 1 :]))
    if program.optimizer:
        yield replace(program, optimizer="")
    if program.order == 2:
        yield replace(program, order=1)
    if program.accumulates:
        yield replace(program, accumulates=False)
    if program.runs > 1:
        yield replace(program, runs=program.runs - 1)
    for i, leaf in enumerate(program.leaves):
        fewer = []
        if leaf.layout != "plain":
            fewer.append(replace(leaf, layout="plain"))
        if len(leaf.runs) > 1:
            fewer.append(replace(leaf, runs=leaf.runs[:1]))
        for value in (1.0, 0.5):
            if any(number != value for numbers in leaf.runs for number in numbers):
                fewer.append(replace(leaf, runs=tuple((value,) * len(numbers) for numbers in leaf.runs)))
        for simple in fewer:
            yield replace(program, leaves=(*program.leaves[:i], simple, *program.leaves[i + 1 :]))


def as_test(program: Program, what: str) -> str:
    """A test of what was found, to be put beside the others: the program is a literal."""
    rows = "\n".join(f"#     {row}" for row in program.source().splitlines())
    return f"# {what}\n{rows}\nFOUND.append(\n    {program!r}\n)\n"
