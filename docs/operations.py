"""Writes docs/operations.md from the registry: python docs/operations.py"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

from tinygrad_init import ops
from tinygrad_init.ops.registry import REGISTRY

for _module in pkgutil.iter_modules(ops.__path__):  # some are imported when they are first asked for
    importlib.import_module(f"{ops.__name__}.{_module.name}")

TARGET = Path(__file__).with_suffix(".md")


def source(rule: Any) -> str:
    """What a rule reads besides the cotangent."""
    if rule is None:
        return "not differentiable"
    _, *reads = inspect.signature(rule).parameters
    return f"by {', '.join(reads)}" if reads else "by the cotangent alone"


def page() -> str:
    """The whole page."""
    lines = [
        "# Operations",
        "",
        "Written from the registry by `docs/operations.py`. The last column says what the derivative of each input is",
        "read from, which is all that is kept for backward; the rules themselves stand beside the operations in",
        "`tinygrad_init/ops/`.",
        "",
        "| operation | formula | module | derivatives read |",
        "|---|---|---|---|",
    ]
    for name, op in sorted(REGISTRY.items()):
        module = inspect.unwrap(op.rules[0] or op.forward).__module__.rsplit(".", 1)[-1]
        reads = "all inputs: " + source(op.rules[0]) if op.joint else "; ".join(source(rule) for rule in op.rules)
        formula = op.spec.formula.replace("|", "\\|")
        lines.append(f"| `{name}` | {formula} | {module} | {reads} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
