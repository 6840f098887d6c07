"""What comes out of the results of some tools: who accuses the healthy, and who names the cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from .case import Case, Said

Result = dict[str, Any]


def said_of(result: Result) -> list[Said]:
    """What a result has kept."""
    return [Said(**one) for one in result["said"]]


def accused(result: Result) -> bool:
    """Whether a fault was told."""
    return any(one.fault for one in said_of(result))


def worthless(results: Sequence[Result]) -> set[tuple[str, bool]]:
    """Words that a tool says of healthy trainings too, as a fault or as worth to know."""
    return {(one.word, one.fault) for result in results if result["kind"] == "healthy" for one in said_of(result)}


def meant(result: Result, without: set[tuple[str, bool]]) -> list[Said]:
    """What was said in words that say something."""
    return [one for one in said_of(result) if (one.word, one.fault) not in without]


def right(case: Case, result: Result, without: set[tuple[str, bool]]) -> bool:
    """Whether the cause was among it, and its place."""
    return any(case.named_by(one, result["names"]) for one in meant(result, without))


def right_first(case: Case, result: Result) -> bool:
    """Whether the first fault that was told was the cause."""
    first = next((one for one in said_of(result) if one.fault), None)
    return first is not None and case.named_by(first, result["names"])


def by_tool(results: Sequence[Result]) -> Iterator[tuple[str, int, list[Result]]]:
    """The results of each tool and number of steps."""
    for tool, steps in dict.fromkeys((result["tool"], result["steps"]) for result in results):
        yield tool, steps, [result for result in results if (result["tool"], result["steps"]) == (tool, steps)]


def view(results: Sequence[Result], cases: Sequence[Case]) -> Table:
    """A line for each tool and number of steps."""
    known = {case.name: case for case in cases}
    table = Table(
        "tool", "steps", "healthy accused", "spoken of", "right", "right at first", "mended accused", "crashed"
    )
    for tool, steps, own in by_tool(results):
        kinds = {kind: [one for one in own if one["kind"] == kind] for kind in ("healthy", "broken", "mended")}
        without, broken = worthless(own), kinds["broken"]
        counts = [
            (sum(map(accused, kinds["healthy"])), len(kinds["healthy"])),
            (sum(bool(meant(one, without)) for one in broken), len(broken)),
            (sum(right(known[one["case"]], one, without) for one in broken), len(broken)),
            (sum(right_first(known[one["case"]], one) for one in broken), len(broken)),
            (sum(map(accused, kinds["mended"])), len(kinds["mended"])),
            (sum(one["crash"] is not None for one in own), len(own)),
        ]
        table.add_row(f"{tool} {own[0]['version']}", str(steps), *(f"{some} of {all_}" for some, all_ in counts))
    return table


def details(results: Sequence[Result], cases: Sequence[Case]) -> Iterator[str]:
    """Every result that is wrong, with all that was said."""
    known = {case.name: case for case in cases}
    for tool, steps, own in by_tool(results):
        without = worthless(own)
        for one in own:
            wrong = (not right(known[one["case"]], one, without) if one["kind"] == "broken" else accused(one)) or one[
                "crash"
            ] is not None
            if wrong:
                yield f"{tool} {steps} {one['kind']} {one['case']!r} seed {one['seed']} loss {one['losses']}"
                if one["crash"]:
                    yield f"    crashed: {one['crash']}"
                for said in said_of(one):
                    hollow = " (of healthy ones too)" if (said.word, said.fault) in without else ""
                    yield f"    {'fault' if said.fault else 'note'} {said.word}{hollow}: {said.text[:300]}"
