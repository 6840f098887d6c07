"""The fixture `watched`, in test runs of somebody's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

ROOT = Path(__file__).parent.parent.parent
TRAINING = """
import pytest, torch
from torch import nn

torch.set_num_threads(1)

def train(watched, bias=0.0, momentum=0.0, steps=40, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    with torch.no_grad():
        model[0].bias += bias
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    monitor = watched(model, optimizer, x, y, "cross_entropy", every=4, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        monitor.step(loss)
    return model, optimizer
"""


def outcome(folder: Path, tests: str, conftest: str = 'pytest_plugins = ["tinygrad_init.pytest_plugin"]\n') -> str:
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    (folder / "test_it.py").write_text(TRAINING + tests, encoding="utf-8")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", str(folder)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )
    return done.stdout + done.stderr


def test_a_test_fails_by_the_faults_of_its_training_alone(tmp_path: Path) -> None:
    said = outcome(
        tmp_path,
        """
def test_healthy(watched):
    train(watched)

def test_dead(watched):
    train(watched, bias=-1e3)

def test_dead_as_it_is_meant(watched):
    train(watched, bias=-1e3, allowed=("dead", "unmoved", "collapsed"))

@pytest.mark.xfail(strict=True)
def test_known_to_die(watched):
    train(watched, bias=-1e3)

def test_wrong_in_itself(watched):
    train(watched, bias=-1e3)
    assert "its own" == "reason"

def test_two(watched):
    train(watched)
    train(watched, bias=-1e3)

kept = []
def test_of_hooks(watched):
    kept.append(train(watched, bias=-1e3))

def test_none_is_left():
    (model, optimizer), = kept
    assert not optimizer._optimizer_step_pre_hooks and not any(p._backward_hooks for p in model.parameters())

def test_without_a_training(watched):
    pass
""",
    )
    for name in ("healthy", "dead_as_it_is_meant", "none_is_left", "without_a_training"):
        assert f"PASSED test_it.py::test_{name}\n" in said, said
    for name in ("dead", "two", "of_hooks"):
        assert f"FAILED test_it.py::test_{name} - Failed: Sequential, trained for 40 steps:" in said, said
    assert "  step 0, layer 1, 0: dead: 16 of 16 units were born dead" in said
    assert "XFAIL test_it.py::test_known_to_die" in said
    assert "FAILED test_it.py::test_wrong_in_itself - AssertionError" in said
    assert "4 passed" in said and "4 failed" in said and "error" not in said.splitlines()[-1]


def test_nobody_has_it_unasked(tmp_path: Path) -> None:
    said = outcome(tmp_path, "def test_it(watched): pass", conftest="")
    assert "fixture 'watched' not found" in said


def test_the_plugin_does_not_import_pytorch(tmp_path: Path) -> None:
    """Nor does a run need it in which no test uses the fixture."""
    conftest = 'import sys\nsys.modules["torch"] = None\npytest_plugins = ["tinygrad_init.pytest_plugin"]\n'
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_plain.py").write_text("def test_it(): pass\ndef test_other(watched): watched(1, 2)", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
    assert "PASSED test_plain.py::test_it" in done.stdout, done.stdout + done.stderr
    assert "tinygrad_init.torch needs PyTorch" in done.stdout
