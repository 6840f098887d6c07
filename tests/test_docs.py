"""What the documentation says is run: every Python block, every command, the table of operations, every link."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import tinygrad_init as tgi

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    [
        ROOT / "README.md",
        *(
            ROOT / "docs" / f"{name}.md"
            for name in ("engine", "functions", "inside", "programs", "saving", "theory", "diagnosis", "lab")
        ),
    ],
    ids=lambda page: page.name,
)
def test_python_blocks_run_one_after_the_other(page: Path) -> None:
    if page.name == "lab.md":
        pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    if page.name == "programs.md" and tgi.BACKEND != "compiled":
        pytest.skip("programs of the reference backend do not travel")
    found = blocks(page, "python")
    assert found
    namespace: dict[str, object] = {}
    for block in found:
        exec(compile(block, str(page), "exec"), namespace)


def test_the_three_lines_for_pytorch_run() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    block, _ = blocks(ROOT / "README.md", "py")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    x = torch.randn(200, 4)
    namespace = {
        "torch": torch, "model": model, "x": x, "y": (x[:, 0] > 0).long(),
        "optimizer": torch.optim.Adam(model.parameters(), 1e-2),
    }  # fmt: skip
    exec(compile(block, "README.md", "exec"), namespace)
    assert namespace["report"].verdict.word == "healthy"


def test_the_page_on_pytorch_runs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)
    namespace: dict[str, object] = {}
    for block in blocks(ROOT / "docs" / "pytorch.md", "py"):
        exec(compile(block, "pytorch.md", "exec"), namespace)


def test_the_three_lines_for_scikit_learn_run(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    _, block = blocks(ROOT / "README.md", "py")
    digits = tgi.data.digits()
    exec(compile(block, "README.md", "exec"), {"x": digits.x / 16, "y": digits.y})
    assert "What should I do?" in capsys.readouterr().out


def test_the_page_on_estimators_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    warnings.simplefilter("ignore")  # of trainings that are not over; pytest puts the filters back
    namespace: dict[str, object] = {}
    for block in blocks(ROOT / "docs" / "estimators.md", "py"):
        exec(compile(block, "estimators.md", "exec"), namespace)
    assert "Start: critical" in capsys.readouterr().out


def test_the_example_of_a_wrong_rule_is_found_wrong() -> None:
    (block,) = blocks(ROOT / "CONTRIBUTING.md", "python")
    import numpy as np

    namespace: dict[str, object] = {"operation": tgi.operation, "np": np}
    exec(block, namespace)
    op = tgi.ops.REGISTRY.pop("length")
    ((inputs, _),) = op.spec.examples(np.random.default_rng(0))
    leaves = [tgi.tensor(x, requires_grad=True) for x in inputs]
    with pytest.raises(tgi.GradcheckError, match="input 0"):
        tgi.gradcheck(op, leaves)
    constant = tgi.tensor(inputs[0])
    assert tgi.gradcheck(lambda y: op(constant, y), leaves[1])


def test_readme_commands_run(tmp_path: Path) -> None:
    """Installing is what CI does by these very lines; every other command of the README is run here."""
    lines = [line for block in blocks(ROOT / "README.md", "bash") for line in block.strip().splitlines()]
    assert lines[0] == "pip install . && tinygrad-init diagnose"
    assert lines[1] == "pip install -e '.[test]' && python -m pytest -n auto"
    assert len(lines) > 3
    for line in lines[2:]:
        program, *args = shlex.split(line)
        assert program == "tinygrad-init"
        command = [sys.executable, "-m", "tinygrad_init", *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(tgi.BACKEND != "compiled", reason="slow on the reference backend; the same table comes out")
def test_readme_shows_what_the_main_job_prints() -> None:
    (shown,) = blocks(ROOT / "README.md", "text")
    command = [sys.executable, "-m", "tinygrad_init", "diagnose"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0

    def words(text: str) -> list[list[str]]:
        """Start and verdict of each row: what holds on every processor; digits further right may differ."""
        rows = [re.findall(r"[a-z0-9.%]+", line) for line in text[text.rindex("All starts") :].splitlines()]
        return [row[:2] for row in rows if len(row) >= 4]

    assert words(done.stdout) == words(shown)
    assert len(words(shown)) >= 6


def test_the_table_of_operations_is_up_to_date() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "operations.py"))["page"]()
    assert (ROOT / "docs" / "operations.md").read_text(encoding="utf-8") == written, "run: python docs/operations.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
