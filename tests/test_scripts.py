"""Scripts as people write them for PyTorch run here with other imports, and learn the same.

Each of `scripts/` is run twice: as it is, and with `torch` in its imports replaced by this package; a line of which
more must be changed says so after `# ours:`. Both begin with the same weights.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def ported(line: str) -> str:
    """A line of a script for PyTorch as it is written for this package."""
    indent, code, instead = re.fullmatch(r"( *)(.*?)(?:  # ours: (.*))?", line).groups()  # type: ignore[union-attr]
    if instead is not None:
        return f"{indent}{instead}"
    if code == "import torch":
        return "import tinygrad_init as torch"
    return indent + re.sub(r"^(import|from) torch\b", r"\1 tinygrad_init", code)


def numbers(source: str, weights: list[dict[str, Any]] | None) -> tuple[list[float], list[dict[str, Any]]]:
    """What a script's `run` yields, and the weights its models begin with, which are those given."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source, script)
    begun = [{key: np.asarray(value.tolist()) for key, value in model.state_dict().items()} for model in script["models"]]
    for model, state in zip(script["models"], weights or [], strict=bool(weights)):
        model.load_state_dict(state)
    return list(script["run"]()), begun


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_with_other_imports_learns_the_same(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    theirs, weights = numbers("\n".join(lines), None)
    ours, _ = numbers("\n".join(map(ported, lines)), weights)
    assert len(theirs) >= 10 and len(set(theirs)) > 5
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)
