"""What a fault is, and what may become of it."""

from __future__ import annotations

from dataclasses import dataclass

CAUGHT, SURVIVED, UNDECIDED = "caught", "survived", "undecided"


@dataclass(frozen=True)
class Fault:
    """One change of one file."""

    path: str  # from the root of the checkout
    line: int
    what: str  # the operator, or in words
    before: str  # the changed lines
    after: str
    text: str  # the whole file with the fault
    function: str = ""  # in which it is

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what}: `{self.before}` becomes `{self.after}`"


@dataclass(frozen=True)
class Verdict:
    """What became of a fault, and by what: the test that failed, or why nothing is known."""

    word: str
    why: str = ""


def changed(before: str, after: str) -> tuple[int, str, str]:
    """The first line that two texts differ in, and what differs, on one line each."""
    old, new = before.splitlines(), after.splitlines()
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    while len(old) > first and len(new) > first and old[-1] == new[-1]:
        old.pop(), new.pop()
    shown = (" ".join(" ".join(lines[first:]).split()) for lines in (old, new))
    return first + 1, *shown
