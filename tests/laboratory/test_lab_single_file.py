"""The Lab in one file: in a browser without a network it repeats the server's losses, step by step."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
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
from tinygrad_init.laboratory.serving.single_file import DATA, MACHINE, PAGE, STARTS, Grid, config_of, single_file

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "lab" / "node_modules" / "axe-core" / "axe.min.js"
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


@contextmanager
def opened(file: Path, chromium: Any, scheme: str = "light") -> Iterator[Any]:
    """A file in Chromium, on a telephone's screen and without a network."""
    problems: list[str] = []
    screen = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=screen, has_touch=True, offline=True, color_scheme=scheme)
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


@pytest.fixture
def page(file: Path, chromium: Any) -> Iterator[Any]:
    with opened(file, chromium) as page:
        yield page


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose grid reaches two of the presets."""
    if not MACHINE.exists():
        pytest.skip("machine.wasm was not built: there is no clang, or no wasm-ld")
    path = tmp_path_factory.mktemp("lab") / "deep.html"
    path.write_text(single_file(Grid(("sigmoid", "tanh"), (10,), stacks=("plain",), seeds=(0,))), encoding="utf-8")
    return path


def first_step(activation: str) -> tuple[float, list[float]]:
    """The loss of the server's experiment at its start, and the root mean squares of its weights' gradients."""
    experiment = Experiment(config_of(activation, 10, 6, "plain"))
    experiment.advance()
    weights = [p for name, p in experiment.runs[0].model.named_parameters() if name.endswith("weight")]
    return experiment.runs[0].losses[0], [float(np.sqrt(np.mean(w.grad.numpy() ** 2))) for w in weights]


def drawn(page: Any, line: str) -> list[float]:
    """Decimal logarithms that a line of the chart over depth shows, read from its axis."""
    axis = """[...document.querySelectorAll("#depths .grid")].map(line => Number(line.getAttribute("y1")))"""
    bottom, top = (end(page.evaluate(axis)) for end in (max, min))
    points = page.locator(f"#depths polyline.{line}").get_attribute("points").split()
    return [-10 + 12 * (bottom - float(point.split(",")[1])) / (bottom - top) for point in points]


def said(page: Any) -> str:
    return str(page.locator("#depths").get_attribute("aria-label"))


def test_it_opens_on_a_gradient_that_vanishes_and_one_button_brings_it_back(deep: Path, chromium: Any) -> None:
    with opened(deep, chromium) as page:
        (loss, vanished), (_, back) = first_step("sigmoid"), first_step("tanh")
        assert vanished[0] < 1e-6 * vanished[-1] and back[0] > 0.1 * back[-1]  # what the page says of them
        assert float(page.inner_text("#loss")) == pytest.approx(loss, rel=1e-5)
        assert page.evaluate("losses().length") == 0 and page.inner_text("#step") == "0"
        assert drawn(page, "gradients") == pytest.approx(np.log10(vanished), abs=1e-6)
        assert drawn(page, "before") == []
        assert page.locator("#presets button").all_inner_texts() == ["Vanishing", "Deep and healthy"]
        bottom = page.evaluate("document.querySelector('#depths').getBoundingClientRect().bottom")
        assert bottom < 844  # to be seen without scrolling, with the button above it
        page.tap("text=Change the activation to tanh")
        page.wait_for_function("document.querySelector('#before').checkVisibility()")
        assert drawn(page, "gradients") == pytest.approx(np.log10(back), abs=1e-6)
        assert drawn(page, "before") == pytest.approx(np.log10(vanished), abs=1e-6)
        assert "The gradient is back" in page.inner_text("#story") and not page.is_visible("#mend")
        assert said(page).endswith("Before the last change it was 6.7·10⁻¹⁰ in the first.")
        page.select_option("#data", "moons")
        page.wait_for_function("document.querySelector('#story').innerText.includes('of your own')")
        page.select_option("#start", "zeros")  # no gradient but that of the last layer's bias
        page.wait_for_function("document.querySelector('#said').textContent.includes('weights: 0 in')")
        assert drawn(page, "gradients") == pytest.approx([-10] * 11) and "of your own" in page.inner_text("#story")


@pytest.mark.skipif(not AXE.exists(), reason="the page's tools are not installed: npm ci --prefix lab")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(deep: Path, chromium: Any, scheme: str) -> None:
    with opened(deep, chromium, scheme) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for todo in ("#mend", "summary"):
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]] == []
            page.tap(todo)


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


def test_the_default_grid_reaches_every_preset() -> None:
    said = (PAGE / "single" / "presets.js").read_text(encoding="utf-8")
    grid = Grid()
    there: dict[str, Collection[object]] = {
        "activation": grid.activations, "depth": grid.depths, "width": grid.widths, "stack": grid.stacks,
        "seed": grid.seeds, "start": STARTS, "data": DATA,
    }  # fmt: skip
    for field, values in there.items():
        wanted = set(re.findall(rf'\b{field}: "?(\w+)"?[ ,]', said.split("const BASE")[1]))
        assert wanted and wanted <= {str(value) for value in values}, field


def test_options_without_a_file_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--depths", "1"]) != 0
    assert "--depths goes with --save" in capsys.readouterr().err
