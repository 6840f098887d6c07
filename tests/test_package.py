"""The package as it is installed: backends, messages, files, typing, style, size."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tinygrad_init as tgi

ROOT = Path(__file__).parent.parent
PACKAGE = Path(tgi.__file__).parent


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
        timeout=120,
    )


def test_the_reference_backend_runs_on_python_and_numpy_alone() -> None:
    """No compiled module of ours is loaded, and Cython need not be there."""
    code = """
import sys
import tomllib
sys.modules["cython"] = None
import tinygrad_init as tgi
x = tgi.tensor([1.0, 2.0], requires_grad=True)
tgi.tanh(x @ x).backward()
ours = [m.__file__ for n, m in sys.modules.items() if n.startswith("tinygrad_init") and getattr(m, "__file__", None)]
assert all(f.endswith(".py") for f in ours), ours
print(tgi.BACKEND, x.grad.shape)
"""
    done = python(code, TINYGRAD_INIT_BACKEND="reference")
    assert done.stdout == "reference (2,)\n", done.stderr


@pytest.mark.skipif(tgi.BACKEND != "compiled", reason="the reference backend runs")
def test_the_compiled_backend_is_compiled() -> None:
    from tinygrad_init.engine import backward, graph, modes, storage, tensor

    for module in (backward, graph, modes, storage, tensor, sys.modules["tinygrad_init.kernels.compiled"]):
        assert not str(module.__file__).endswith(".py"), module


@pytest.mark.skipif(tgi.BACKEND != "compiled", reason="the reference backend runs")
def test_every_module_with_c_types_is_compiled_and_found_in_the_one_library() -> None:
    """By whatever name Python is asked for it; its source lies beside it all the same."""
    from tinygrad_init.kernels.backend import COMPILED, kernels

    rooms = [PACKAGE / room for room in ("engine", "programs")]
    assert {".".join(("tinygrad_init", p.parent.name, p.stem)) for r in rooms for p in r.glob("*.pxd")} == COMPILED
    for name in COMPILED:
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin == importlib.import_module(name).__file__ == kernels.__file__, name
        assert (PACKAGE.parent / f"{name.replace('.', '/')}.py").is_file()


def test_an_unknown_backend() -> None:
    done = python("import tinygrad_init", TINYGRAD_INIT_BACKEND="gpu")
    assert done.returncode == 1
    assert "TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got 'gpu'" in done.stderr


def test_a_missing_extension_says_what_to_do() -> None:
    done = python(
        "import sys; sys.modules['tinygrad_init.kernels.compiled'] = None; import tinygrad_init",
        TINYGRAD_INIT_BACKEND="compiled",
    )
    assert done.returncode == 1
    assert "TINYGRAD_INIT_BACKEND=reference" in done.stderr and "C compiler" in done.stderr


@pytest.mark.skipif(tgi.BACKEND != "compiled", reason="the reference backend has no instruction sets")
def test_an_unknown_instruction_set_is_the_last_word() -> None:
    done = python("import tinygrad_init", TINYGRAD_INIT_ISA="avx51")
    assert "this processor has" in done.stderr.strip().splitlines()[-1]


def test_importing_needs_neither_rich_nor_plots_nor_safetensors() -> None:
    heavy = ("rich", "matplotlib", "jinja2", "torch", "safetensors")
    done = python(f"import sys, tinygrad_init; print([m for m in {heavy} if m in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_importing_leaves_for_later_what_tensors_do_not_need() -> None:
    """And every public name is there all the same, among what `dir` lists."""
    later = ("tinygrad_init.nn", "tinygrad_init.optim", "tinygrad_init.init", "tinygrad_init.ops.numpy_protocol")
    done = python(
        f"import sys, numpy; before = set(sys.modules); import tinygrad_init as tgi; tgi.tensor([1.0]) + 1; "
        f"print([m for m in (*{later}, 'numpy.random') if m in sys.modules and m not in before]); "
        "print(set(tgi.__all__) - set(dir(tgi)), [name for name in tgi.__all__ if not hasattr(tgi, name)])"
    )
    assert done.stdout == "[]\nset() []\n", done.stderr


def test_a_failed_build_says_what_is_needed(tmp_path: Path) -> None:
    if importlib.util.find_spec("Cython") is None or not (ROOT / "setup.py").exists():
        pytest.skip("needs Cython and a checkout")
    compiler = tmp_path / "broken-cc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build", "--build-base", str(tmp_path / "build")],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "CC": str(compiler)}, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode != 0
    assert "needs a C11 compiler" in done.stderr and "TINYGRAD_INIT_NO_EXTENSION=1" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_installed() -> None:
    for name in (
        "py.typed",
        "kernels/compiled.pyi",
        "data/digits.npz",
        "data/LICENSE-digits.txt",
        "diagnosis/showing/page.html",
        "sweeps/page.html",
        "engine/graph.py",
    ):
        assert (PACKAGE / name).is_file(), name


def test_every_public_name_is_documented() -> None:
    undocumented = [
        f"{module.__name__}.{name}"
        for module in (tgi, tgi.nn, tgi.optim, tgi.init, tgi.data, tgi.ops)
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and str(getattr(value, "__module__", "")).startswith("tinygrad_init")
        and not (getattr(value, "__doc__", None) or "").strip()
    ]
    assert not undocumented


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tinygrad_init.init.lsuv_", "tinygrad_init.starts.lsuv_"),
        ("tinygrad_init.init.critical", "tinygrad_init.starts.critical"),
        ("tinygrad_init.nn.layers_of", "tinygrad_init.nn.linear_maps"),
        ("tinygrad_init.diagnosis.Chain", "tinygrad_init.diagnosis.Network"),
    ],
)
def test_an_old_name_says_the_new_one(old: str, new: str) -> None:
    """However it is asked for, and the new one is there."""
    home, _, name = old.rpartition(".")
    for code in (f"from {home} import {name}", f"import {home} as home; home.{name}"):
        with pytest.raises(ImportError, match=f"{old} is now {new}$"):
            exec(code, {})
    room, _, name = new.rpartition(".")
    assert hasattr(importlib.import_module(room), name)


@pytest.mark.parametrize("tool", [["ruff", "check", "."], ["mypy"]])
def test_style_and_types(tool: list[str]) -> None:
    if importlib.util.find_spec(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_can_be_read_in_one_sitting() -> None:
    files = [
        p
        for folder in ("tinygrad_init", "csrc", "bench")
        for ext in ("py", "pyx", "c", "h")
        for p in (ROOT / folder).rglob(f"*.{ext}")
    ]
    generated = {p.with_suffix(".c") for p in files if p.suffix in (".py", ".pyx")}
    long = {
        p.name: n for p in files if p not in generated and (n := len(p.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_the_version_is_the_same_wherever_it_stands() -> None:
    """And sections of the changelog are of versions, the newest first, each released one with its date."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert tgi.__version__ == told
    assert f"\nversion: {told}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    parts = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \((unreleased|\d{4}-\d\d-\d\d)\)", heading) for heading in headings]
    versions = [tuple(map(int, part.groups()[:3])) for part in parts if part]
    assert len(versions) == len(headings) and versions == sorted(set(versions), reverse=True)
    assert headings[0].startswith(f"{told} (") and not any("unreleased" in heading for heading in headings[1:])


def test_every_folder_of_python_files_is_installed() -> None:
    """Where the package is imported from its checkout, what the list leaves out is there all the same."""
    told = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    there = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "tinygrad_init").rglob("__init__.py")}
    assert told == there
