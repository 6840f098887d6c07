"""The Lab in one file: in a browser without a network it repeats the server's losses, step by step."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.cli import main
from tinygrad_init.laboratory.experiment.evaluation import evaluation
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.pictures import PARTS, Pictures
from tinygrad_init.laboratory.messages.config import Data, Start
from tinygrad_init.laboratory.serving.single_file import MACHINE, config_of

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)

ROOT = Path(__file__).parents[2]
STEPS = 101
# Point of the grid, start, seed, data, learning rate.
SETTINGS = (
    ("tanh", 2, "plain", "xavier", 0, "circles", 0.1),
    ("relu", 1, "batch", "he", 1, "moons", 0.5),
    ("relu", 2, "residual", "orthogonal", 1, "spirals", 0.05),
    ("tanh", 1, "layer", "large", 0, "xor", 1.0),
    ("tanh", 2, "plain", "zeros", 0, "checkerboard", 0.1),
)


def on_the_server() -> list[list[list[float]]]:
    """The losses that the server's experiment has, and what its networks then say over the plane of the map."""
    found = []
    for name, depth, stack, start, seed, data, lr in SETTINGS:
        config = replace(config_of(name, depth, 6, stack), starts=(Start(start),), seed=seed, data=Data(data), lr=lr)
        experiment = Experiment(config)
        for _ in range(STEPS):
            experiment.advance()
        pictures = Pictures(experiment.runs[0], experiment.samples)
        with evaluation(experiment.runs[0].model):
            outputs = np.concatenate([pictures.predict(part).numpy() for part in np.split(pictures.grid, PARTS)])
        found.append([list(experiment.runs[0].losses), outputs.reshape(-1).tolist()])
    return found


def on_the_baseline() -> Any:
    """The same on 128-bit vectors without fused multiply-add."""
    code = "import json; from tests.laboratory.test_lab_single_file import on_the_server as f; print(json.dumps(f()))"
    environment = {**os.environ, "TINYGRAD_INIT_ISA": "baseline"}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MACHINE.exists():
        pytest.skip("machine.wasm was not built: there is no clang, or no wasm-ld")
    path = tmp_path_factory.mktemp("lab") / "lab.html"
    assert main(["lab", "--save", str(path), "--activations", "tanh,relu", "--depths", "1,2"]) == 0
    return path


@pytest.fixture
def page(file: Path, chromium: Any) -> Iterator[Any]:
    """The file in Chromium, on a telephone's screen and without a network."""
    problems: list[str] = []
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: line.type in ("error", "warning") and problems.append(line.text))
    page.on("request", lambda request: request.url.startswith("http") and problems.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('#layers tr').length > 0")
    yield page
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert problems == [] and width <= 390


def test_it_repeats_the_servers_losses(page: Any) -> None:
    found = []
    for name, depth, stack, start, seed, data, lr in SETTINGS:
        page.fill("#lr", str(lr))
        chosen = {"activation": name, "depth": depth, "stack": stack, "start": start, "seed": seed, "data": data}
        for field, value in chosen.items():
            page.select_option(f"#{field}", str(value))
        page.tap("#again")
        page.tap("#hundred")
        page.tap("#one")
        page.wait_for_function(f"losses().length === {STEPS}")
        found.append(page.evaluate("[Array.from(losses()), Array.from(outputs())]"))
        assert page.inner_text("#step") == str(STEPS) and page.inner_text("#failed") == ""
    if platform.machine() in ("x86_64", "AMD64"):
        assert found == on_the_baseline()  # the same instruction set but for its name
    for (mine, _), (theirs, _) in zip(found, on_the_server(), strict=True):
        assert mine[0] == pytest.approx(theirs[0], rel=1e-13)
        assert mine[:20] == pytest.approx(theirs[:20], rel=1e-9)


def test_it_plays_and_a_rate_that_changes_on_the_way_holds_from_then_on(page: Any) -> None:
    page.tap("#play")
    page.wait_for_function("losses().length > 200")
    page.fill("#lr", "1e-300")
    page.press("#lr", "Tab")
    page.wait_for_function("(all => all.length > 300 && all.at(-1) === all.at(-2))(losses())")
    page.tap("#play")
    assert page.inner_text("#play") == "Play"


def test_it_is_small(file: Path) -> None:
    assert file.stat().st_size < 1_500_000


def test_options_without_a_file_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--depths", "1"]) != 0
    assert "--depths goes with --save" in capsys.readouterr().err
