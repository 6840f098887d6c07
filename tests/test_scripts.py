"""Scripts as people write them for PyTorch run here with other imports, and learn the same.

Each of `scripts/` is run twice: as it is, and with `torch` in its imports replaced by this package; a line of which
more must be changed has what it becomes above it, after `# ours:`. Both begin with the same weights.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def ported(source: str) -> str:
    """A script for PyTorch as it is written for this package."""
    lines, instead = [], None
    for line in source.splitlines():
        if said := re.fullmatch(r"( *)# ours: (.*)", line):
            instead = said[1] + said[2]
            continue
        whole = re.sub(r"^import torch$", "import tinygrad_init as torch", line)
        lines.append(re.sub(r"^(import|from) torch\b", r"\1 tinygrad_init", whole) if instead is None else instead)
        instead = None
    return "\n".join(lines)


def numbers(source: str, weights: list[dict[str, Any]] | None) -> tuple[list[float], list[dict[str, Any]]]:
    """What a script's `run` yields, and the weights its models begin with, which are those given."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source, script)
    begun = [
        {key: np.asarray(value.tolist()) for key, value in model.state_dict().items()} for model in script["models"]
    ]
    for model, state in zip(script["models"], weights or [], strict=bool(weights)):
        model.load_state_dict(state)
    return list(script["run"]()), begun


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_with_other_imports_learns_the_same(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    theirs, weights = numbers(source, None)
    ours, _ = numbers(ported(source), weights)
    assert len(theirs) >= 10 and len(set(theirs)) > 5
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)
