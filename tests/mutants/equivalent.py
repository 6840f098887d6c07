"""Lines whose faults nothing but a clock could tell from what is right, or that nobody can reach where tests run.

Each is a file, a text in the line, and why; the runner leaves such faults undecided. A line belongs here only if every
change of it is like that.
"""

from __future__ import annotations

from .fault import Fault

EQUIVALENT: list[tuple[str, str, str]] = [
    ("", "except ImportError:", "what is imported is there where tests run"),
    ("tinygrad_init/ops/convolution.py", "MANY_COLUMNS, MANY_PIECES =", "from where on another way is faster"),
    ("tinygrad_init/programs/layout.py", "NARROW =", "from where on another way is faster"),
    ("tinygrad_init/programs/guards.py", "if means(entry[0], entry[1], entry[2]):", "the quick way to say yes"),
]


def why_equivalent(fault: Fault) -> str:
    """Why no test can tell a fault from what is right; empty if one may."""
    if fault.function.endswith("examples"):
        return "operands that tests are given"
    found = (why for path, text, why in EQUIVALENT if fault.path.startswith(path) and text in fault.before)
    return next(found, "")
