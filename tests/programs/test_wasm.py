"""The machine in WebAssembly: bit for bit the 128-bit build without fused multiply-add, and close to the others."""

from __future__ import annotations

import base64
import json
import os
import pickle
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.programs.buffers import DTYPES

from .test_travelling import ELSEWHERE, bits
from .travellers import TRAVELLERS, network

PACKAGE = Path(tgi.__file__).parent
MODULE = PACKAGE / "kernels" / "machine.wasm"
SCRIPT = PACKAGE / "laboratory" / "page" / "program.js"

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)
if shutil.which("node") is None:
    pytest.skip("Node.js is not installed", allow_module_level=True)
if not MODULE.exists():
    pytest.skip("machine.wasm was not built: there is no clang, or no wasm-ld", allow_module_level=True)


def said(values: Any, kind: int) -> str:
    return base64.b64encode(np.asarray(values, DTYPES[kind]).tobytes()).decode()


def in_node(folder: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the machine makes of jobs (run_programs.mjs)."""
    (folder / "jobs.json").write_text(json.dumps(jobs))
    driver = Path(__file__).with_name("run_programs.mjs")
    command = ["node", str(driver), str(SCRIPT), str(MODULE), str(folder / "jobs.json"), str(folder / "results.json")]
    subprocess.run(command, check=True)
    found: list[dict[str, Any]] = json.loads((folder / "results.json").read_text())
    return found


def header_of(path: Any) -> dict[str, Any]:
    found: dict[str, Any] = tgi.load_program(path)._header
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each program gives on the baseline instruction set in another process, and in Node."""
    folder = tmp_path_factory.mktemp("wasm")
    paths, jobs = [], []
    for name, make in TRAVELLERS.items():
        function, args = make()
        for _ in range(2):
            function(*args)
        path = str(folder / f"{name}.program")
        function.save(path)
        paths.append((path, args))
        entries = header_of(path)["inputs"]
        inputs = [said(x, at["kind"]) if "kind" in at else None for x, at in zip(args, entries, strict=True)]
        jobs.append({"file": path, "runs": [{"inputs": inputs, "state": {}}] * 4})
    (folder / "jobs").write_bytes(pickle.dumps(paths))
    command = [sys.executable, "-c", ELSEWHERE, str(folder / "jobs"), str(folder / "found")]
    baseline = {**os.environ, "TINYGRAD_INIT_ISA": "baseline"}
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], env=baseline)
    native = pickle.loads((folder / "found").read_bytes())
    browser = in_node(folder, jobs)
    return {
        name: (path, *native[path], result) for name, (path, _), result in zip(TRAVELLERS, paths, browser, strict=True)
    }


@pytest.mark.parametrize("name", TRAVELLERS)
def test_the_bits_of_the_baseline_build(name: str, both: dict[str, Any]) -> None:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the baseline build of this processor has fused multiply-add")
    path, runs, state, found = both[name]
    header = header_of(path)
    for native, run in zip(runs, found["runs"], strict=True):
        outputs = [
            np.frombuffer(base64.b64decode(text), DTYPES[entry["kind"]]).reshape(entry["shape"])
            for entry, text in zip(header["outputs"], run["outputs"], strict=True)
            if text is not None
        ]
        assert bits(outputs) == bits([x for x in native if isinstance(x, np.ndarray)])
    last = {name: base64.b64decode(text) for name, text in found["runs"][-1]["state"].items()}
    assert last == {name: array.tobytes() for name, array in state.items()}


def test_a_hundred_steps_from_the_same_weights(tmp_path: Path) -> None:
    """Within what fused multiply-add, other vectors and other orders of sums change in one step."""
    step, args = network(lambda p: tgi.optim.SGD(p, lr=0.1))
    for _ in range(2):
        step(*args)
    step.save(tmp_path / "step.program")
    program = tgi.load_program(tmp_path / "step.program")
    inputs = [said(x, 0) for x in args]
    runs, losses, after = [], [], []
    for _ in range(100):
        runs.append({"inputs": inputs, "state": {name: said(x, 0) for name, x in program.parameters.items()}})
        losses.append(program(*args).item())
        after.append({name: x.copy() for name, x in program.parameters.items()})
    (found,) = in_node(tmp_path, [{"file": str(tmp_path / "step.program"), "runs": runs}])
    for loss, weights, run in zip(losses, after, found["runs"], strict=True):
        there = np.frombuffer(base64.b64decode(run["outputs"][0]), np.float32)
        np.testing.assert_allclose(there, loss, rtol=16 * np.finfo(np.float32).eps)
        for name, x in weights.items():
            y = np.frombuffer(base64.b64decode(run["state"][name]), np.float32).reshape(x.shape)
            np.testing.assert_allclose(y, x, rtol=0, atol=16 * np.finfo(np.float32).eps * np.abs(x).max())


def test_what_is_not_whole_is_refused_there_too(tmp_path: Path) -> None:
    step, args = network(lambda p: tgi.optim.SGD(p, lr=0.1))
    step(*args)
    step.save(tmp_path / "step.program")
    data = (tmp_path / "step.program").read_bytes()
    broken = {
        "short": (data[:-1], "it is not whole"),
        "bit": (data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "damaged"),
        "version": (data[:8] + b"\x63" + data[9:], "of version 99"),
        "other": (b"PK" + data, "does not begin like one"),
    }
    for name, (wrong, _) in broken.items():
        (tmp_path / name).write_bytes(wrong)
    found = in_node(tmp_path, [{"file": str(tmp_path / name), "runs": []} for name in broken])
    for result, (_, why) in zip(found, broken.values(), strict=True):
        assert why in result["error"]
