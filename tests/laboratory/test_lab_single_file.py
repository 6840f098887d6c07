"""The Lab in one file: in a browser without a network it repeats the server's numbers, step by step."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.laboratory.single_page import GRID, SinglePage, opened
from tinygrad_init.cli import main
from tinygrad_init.laboratory.experiment.evaluation import evaluation
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import Watched
from tinygrad_init.laboratory.looking.pictures import PARTS
from tinygrad_init.laboratory.messages.config import Config, Data, Edit, Start, Variant
from tinygrad_init.laboratory.messages.message_schema import Invalid
from tinygrad_init.laboratory.serving.export import export
from tinygrad_init.laboratory.serving.grid import Grid, config_of, grid_of
from tinygrad_init.laboratory.serving.scripts import script
from tinygrad_init.laboratory.serving.single_file import single_file

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)

ROOT = Path(__file__).parents[2]
STEPS = 101
# Activation, depth, what stands between the layers, start, seed, data, learning rate, clipping.
SETTINGS = (
    ("tanh", 3, "plain", Start("xavier"), 0, "circles", 0.1, 0.0),
    ("relu", 3, "batch", Start("he"), 1, "moons", 0.5, 0.0),
    ("relu", 3, "residual", Start("orthogonal"), 1, "spirals", 0.05, 1.0),
    ("tanh", 3, "layer", Start("normal", sigma_w=3.0, sigma_b=0.2), 0, "xor", 1.0, 0.0),
    ("sigmoid", 10, "plain", Start("constant", constant=0.3), 0, "checkerboard", 0.1, 1.0),
)


def configs() -> Iterator[Config]:
    for name, depth, stack, start, seed, data, lr, clip in SETTINGS:
        config = config_of(name, depth, 6, stack)
        yield replace(config, starts=(start,), seed=seed, data=Data(data), lr=lr, clip=clip)


def on_the_server() -> list[list[list[float]]]:
    """The losses that the server's experiments have, and what the networks then say over the plane of the map."""
    found = []
    for config in configs():
        experiment = Experiment(config)
        watched = Watched(experiment.runs[0])
        for _ in range(STEPS):
            experiment.advance()
        watched.look()  # as before each picture
        pictures = watched.pictures
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


@pytest.fixture
def lab(single_file_of_tests: Path, chromium: Any) -> Iterator[SinglePage]:
    with opened(single_file_of_tests, chromium) as lab:
        yield lab


def test_it_repeats_the_servers_losses(lab: SinglePage) -> None:
    found = []
    for config in configs():
        lab.ask(config, STEPS)
        found.append(lab.page.workers[0].evaluate("numbers()")[0])
    if platform.machine() in ("x86_64", "AMD64"):
        assert found == on_the_baseline()  # the same instruction set but for its name
    for (mine, _), (theirs, _) in zip(found, on_the_server(), strict=True):
        assert mine[0] == pytest.approx(theirs[0], rel=1e-13)
        assert mine[:20] == pytest.approx(theirs[:20], rel=1e-9)


def test_the_way_back_is_exact_and_so_is_a_weight_that_is_set_by_hand(lab: SinglePage) -> None:
    config = replace(config_of("tanh", 3, 6, "plain"), edits=(Edit(30, 0, 1, 2, 3, 0.75),))
    there = lab.ask(config, 40)
    experiment = Experiment(config)
    for _ in range(40):
        experiment.advance()
    assert there["loss"] == pytest.approx(Watched(experiment.runs[0]).look().loss, rel=1e-6)
    lab.page.evaluate("labHost.send(JSON.stringify({ type: 'seek', step: 400 }))")
    lab.until("store.frame?.step === 400")
    lab.page.evaluate("labHost.send(JSON.stringify({ type: 'seek', step: 40 }))")
    lab.until("store.frame?.step === 40")
    back = lab.frame["runs"][0]
    for name in ("loss", "layers", "edges", "map"):
        assert back[name] == there[name], name


def test_it_plays_and_the_strip_holds_what_was_seen(lab: SinglePage) -> None:
    lab.page.tap("#play")
    lab.until("store.frame.step > 30")
    lab.page.tap("#play")
    lab.until("!store.frame.playing")
    steps = lab.page.evaluate("modules['history.js'].steps()")
    now = lab.frame
    assert steps[0] == 0 and steps[-1] == now["step"] and len(steps) > 5
    seen = lab.page.evaluate(f"[...modules['history.js'].sizesAt({steps[-1]}, 0, 'dz')]")
    assert seen == pytest.approx([math.log10(layer["dz"]) for layer in now["runs"][0]["layers"]])
    box = lab.page.locator("canvas.strip").bounding_box()
    lab.page.locator("canvas.strip").click(position={"x": box["width"] / 2, "y": 1})
    lab.until("store.frame.step < 5 && !store.frame.playing")
    assert [step for step, _ in lab.frame["runs"][0]["losses"]][-1] == lab.frame["step"]


def test_enter_in_a_field_changes_it_and_no_more(lab: SinglePage) -> None:
    lab.page.evaluate("globalThis.here = true")
    lab.page.fill('input[type="number"][data-field="lr"]', "0.25")
    lab.page.press('input[type="number"][data-field="lr"]', "Enter")
    lab.until("store.built.config.lr === 0.25 && store.frame")
    assert lab.page.evaluate("globalThis.here")


def test_a_network_that_is_not_in_the_file_is_refused_in_a_sentence(lab: SinglePage) -> None:
    lab.page.evaluate("modules['lab.js'].change(config => void (config.layers = [6, 6]))")
    lab.until("document.querySelector('#notices').innerText")
    assert "this file has no sigmoid/2/6/plain" in lab.words("#notices")


def test_it_is_small(single_file_of_tests: Path) -> None:
    assert single_file_of_tests.stat().st_size < 750_000
    assert "/home/" not in single_file_of_tests.read_text(encoding="utf-8")


@pytest.mark.nightly
def test_the_file_of_the_command_is_small_and_holds_all_scenes(tmp_path: Path, chromium: Any) -> None:
    path = tmp_path / "lab.html"
    assert main(["lab", "--save", str(path)]) == 0
    assert path.stat().st_size < 1_500_000
    with opened(path, chromium) as lab:
        assert lab.page.locator("#guide .presets button").count() == 5
        lab.page.tap("#tour-start")
        assert lab.page.locator("#tour .dot").count() == 9


def test_the_default_grid_has_what_the_tests_look_at() -> None:
    assert {name for name, _ in GRID.points()} <= {name for name, _ in Grid().points()}


def test_options_without_a_file_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--depths", "1"]) != 0
    assert "--depths goes with --save" in capsys.readouterr().err


EXPERIMENT = Config(
    data=Data("gaussians", samples=150, test=0.3), layers=(5, 5), activations=("silu",), starts=(Start("critical"),),
    optimizer="adam", lr=0.02, clip=0.5, seed=4,
    variants=(Variant("B", activations=("sigmoid",)), Variant("C", batch=10)),
)  # fmt: skip


def test_an_experiment_of_the_lab_becomes_a_file_that_goes_on_from_there(tmp_path: Path, chromium: Any) -> None:
    """With its data, held-out samples, optimizer and runs, as far as a file can have them."""
    path = tmp_path / "own.html"
    path.write_text(export(Experiment(EXPERIMENT), [], "page").text, encoding="utf-8")
    with opened(path, chromium) as lab:
        shown = lab.page.evaluate("store.built")
        assert [run["label"] for run in shown["runs"]] == ["", "B"]
        assert shown["points"]["test"] == 45 and len(shown["points"]["x"]) == 150
        assert "norm 0.5" in lab.page.locator("#controls").text_content()
        experiment = Experiment(replace(EXPERIMENT, variants=EXPERIMENT.variants[:1]))
        watched = [Watched(run) for run in experiment.runs]
        for _ in range(3):
            experiment.advance()
        for mine, each in zip(lab.steps(3)["runs"], watched, strict=True):
            theirs = each.now(3, 1, each.look())
            assert mine["loss"] == pytest.approx(theirs.loss, rel=1e-9)
            assert (mine["test_loss"], mine["test_accuracy"]) == pytest.approx((theirs.test_loss, theirs.test_accuracy))
            assert mine["accuracy"] == theirs.accuracy


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"layers": (6, 5)}, "alike"),
        ({"layers": ()}, "alike"),
        ({"normalization": "batch", "residual": True}, "alike"),
        ({"features": ("x", "y", "xy")}, "alike"),
        ({"data": Data("plane"), "loss": "half_squared_error"}, "data"),
        ({"loss": "hinge"}, "data"),
        ({"layers": (64,) * 3}, "large"),
    ],
)  # fmt: skip
def test_what_does_not_go_into_a_file_is_said(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        grid_of(replace(EXPERIMENT, **changes))
    assert refused.value.why.key == f"refusal.single.{key}"
    assert not re.search(r"[{}]", str(refused.value))


def test_modules_become_one_script(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.js").write_text(
        "// A comment.\nlet count = 0;\nexport function more() {\n  return ++count;\n}\n"
        "export const read = () => count;\n"
    )
    (tmp_path / "two.js").write_text("const two = 2;\nexport { two as default };\n")
    (tmp_path / "main.js").write_text(
        'import two from "./two.js";\nimport { more as next,\n  read } from "./a/one.js";\nimport "./two.js";\n'
        "next();\nnext();\nexport const found = [read(), two];\n"
    )
    whole = script(tmp_path, "main.js")
    assert "comment" not in whole
    node = "console.log(JSON.stringify(modules['main.js'].found))"
    try:
        done = subprocess.run(["node", "-e", f"{whole}\n{node}"], stdout=subprocess.PIPE, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("there is no Node.js")
    assert json.loads(done.stdout) == [2, 2]
    (tmp_path / "two.js").write_text('import { found } from "./main.js";\nexport { found as default };\n')
    with pytest.raises(ValueError, match=r"main.js -> two.js -> main.js"):
        script(tmp_path, "main.js")
    (tmp_path / "two.js").write_text("export default 3;\n")
    with pytest.raises(ValueError, match="two.js: expected imports and exports by name, got 'export default 3;'"):
        script(tmp_path, "main.js")


def test_a_grid_without_the_machine_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tinygrad_init.laboratory.serving.single_file.MACHINE", tmp_path / "none")
    with pytest.raises(RuntimeError, match="built where clang and wasm-ld are"):
        single_file(GRID)
