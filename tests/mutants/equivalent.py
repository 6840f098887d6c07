"""Lines whose faults nothing but a clock could tell from what is right, or that nobody can reach where tests run.

Each is a file, a text in the line, and why; the runner leaves such faults undecided. A line belongs here only if every
change of it is like that.
"""

from __future__ import annotations

from .fault import Fault

EQUIVALENT: list[tuple[str, str, str]] = [
    ("", "except ImportError:", "what is imported is there where tests run"),
    ("tinygrad_init/programs/layout.py", "NARROW =", "from where on another way is faster"),
    ("tinygrad_init/programs/guards.py", "if means(entry[0], entry[1], entry[2]):", "the quick way to say yes"),
]


# Single changes of lines of which others are faults: a file, what becomes what, and why.
CHANGES: list[tuple[str, str, str, str]] = [
    (
        "tinygrad_init/data/archives.py",
        "reshape(len(x), -1)",
        "reshape(len(x), - 2)",
        "NumPy takes any negative number",
    ),
    ("tinygrad_init/programs/indexing.py", "part.kind != INT64", "part.kind < INT64", "it is the last of the kinds"),
    (
        "tinygrad_init/engine/places.py",
        "if instruction // 2 < len(lines)",
        "if instruction / 2 < len(lines)",
        "all instructions are even",
    ),
]


def why_equivalent(fault: Fault) -> str:
    """Why no test can tell a fault from what is right; empty if one may."""
    if fault.function.endswith("examples"):
        return "operands that tests are given"
    lines = [why for path, text, why in EQUIVALENT if fault.path.startswith(path) and text in fault.before]
    changes = [
        why
        for path, before, after, why in CHANGES
        if fault.path == path and before in fault.before and fault.before.replace(before, after, 1) == fault.after
    ]
    return next(iter([*lines, *changes]), "")
