"""The Lab's page and what comes from elsewhere: data, files and links; and scenes of the tour at three sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.laboratory.lab_page import TOKEN, Lab, Server, fragment
from tests.laboratory.single_page import opened
from tinygrad_init.laboratory.serving.single_file import MACHINE


@pytest.fixture(scope="module")
def another_server() -> Iterator[Server]:
    server = Server("another-token-for-tests-987")
    yield server
    server.kill()


def copied(lab: Lab) -> str:
    """What "Copy link" puts into the clipboard."""
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.page.get_by_text("Share").click()
    lab.page.get_by_role("button", name="Copy link").click()
    lab.until(lambda: "link is copied" in lab.page.locator("#notices").inner_text())
    return str(lab.page.evaluate("navigator.clipboard.readText()"))


def test_a_link_copied_on_one_lab_opens_on_another_with_another_token(lab: Lab, another_server: Server) -> None:
    lab.open()
    lab.after(lambda: lab.pick("activations", "gelu"))
    lab.after(lambda: lab.fill("seed", 5))
    lab.step(1)
    lab.until(lambda: lab.saved().get("step") == "1")
    link, loss = copied(lab), lab.frame["runs"][0]["loss"]
    for secret in (TOKEN, "127.0.0.1", "localhost", str(lab.server.port)):
        assert secret not in link and secret not in lab.page.url.replace(f"127.0.0.1:{lab.server.port}", "")
    page = lab.page.context.new_page()
    other = Lab(page, another_server)
    other.open()
    page.get_by_text("Share").click()
    page.get_by_label("Open a link").fill(link)
    page.keyboard.press("Enter")
    other.until(lambda: other.frame["step"] == 1 and other.configs()[-1]["seed"] == 5)
    assert other.frame["runs"][0]["loss"] == loss and other.configs()[-1]["activations"] == ["gelu"]
    page.go_back()  # opening is an entry of the history like any other change
    other.until(lambda: other.configs()[-1]["seed"] == 1)
    assert not other.problems


def test_the_token_leaves_the_address_and_a_reload_goes_on(lab: Lab) -> None:
    lab.open()
    assert "token" not in lab.page.url and TOKEN not in lab.page.evaluate("document.documentElement.outerHTML")
    lab.received.clear()
    lab.page.reload()
    lab.settled(0)
    assert TOKEN not in lab.page.url


def test_a_tab_without_the_token_says_what_to_do(lab: Lab) -> None:
    lab.page.goto(f"http://127.0.0.1:{lab.server.port}/")
    lab.until(lambda: "tinygrad-init lab" in lab.page.locator("#notices").inner_text())
    assert not lab.received


DROP = """([name, text]) => {
  const data = new DataTransfer();
  if (name) data.items.add(new File([text], name)); else data.setData("text/plain", text);
  document.body.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data}));
}"""


def test_what_was_saved_as_json_can_be_dropped_again(lab: Lab) -> None:
    lab.open(fragment({"layers": [5, 4], "activations": ["relu"], "seed": 9, "variants": [{"label": "B"}]}))
    lab.step(1)
    lab.page.get_by_text("Share").click()
    with lab.page.expect_download() as waiting:
        lab.page.get_by_role("button", name="Numbers as JSON").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    config: dict[str, Any] = lab.configs()[-1]
    lab.after(lambda: lab.fill("layers", 3))
    assert lab.after(lambda: lab.page.evaluate(DROP, ["lab.json", text])) == config
    lab.until(lambda: lab.frame["step"] == json.loads(text)["step"] == 1)
    assert lab.after(lambda: lab.page.evaluate(DROP, ["", f"see lab:{fragment({'seed': 4})}"]))["seed"] == 4
    assert lab.after(lambda: lab.page.evaluate(DROP, ["mine.csv", "0;1;a\n2;3;b\n"]))["data"]["name"] == "points"
    for nothing in ("{", "[1]", "hello", '{"a": 1}', "#", "https://example.org/#top"):
        before = len(lab.configs())
        lab.page.evaluate(DROP, ["", nothing])
        lab.until(lambda: "neither a link" in lab.page.locator("#notices").inner_text())
        assert len(lab.configs()) == before


def test_ten_classes_have_ten_colours_and_ten_marks(lab: Lab) -> None:
    lab.open()
    drawn = lab.page.evaluate("""async () => {
      const { palette } = await import('/page/colours.js');
      const { drawPoint } = await import('/page/displays/points.js');
      const canvas = new OffscreenCanvas(40, 40), context = canvas.getContext("2d", { willReadFrequently: true });
      return Array.from({ length: 10 }, (_, label) => {
        context.clearRect(0, 0, 40, 40);
        drawPoint(context, 20, 20, label, 12, palette(), { colour: "#000000" });
        return [...context.getImageData(0, 0, 40, 40).data].filter((_, i) => i % 4 === 3).map(a => a > 127);
      });
    }""")
    marks = np.array(drawn)
    differ = (marks[:, None] != marks[None]).sum(-1)
    assert (differ + 10**6 * np.eye(10) > 60).all()  # of some 450 pixels of a mark
    for scheme in ("light", "dark"):
        lab.page.emulate_media(color_scheme=scheme)
        colours = lab.page.evaluate("async () => (await import('/page/colours.js')).palette().classes")
        channels = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours])
        apart = np.linalg.norm(channels[:, None] - channels[None], axis=-1) + 1000 * np.eye(10)
        assert len(set(colours)) == 10 and apart.min() > 40


def test_digits_their_weights_and_what_they_are_taken_for_are_seen(lab: Lab) -> None:
    config = {
        "data": {"name": "digits", "samples": 300, "test": 0.3},
        "layers": [12],
        "loss": "cross_entropy",
        "lr": 0.5,
    }
    lab.open(fragment(config))
    assert lab.page.locator(".sample-image").count() == 30
    labels = lab.page.locator(".sample-image").all_inner_texts()
    assert sorted(labels) == sorted(str(digit) for digit in range(10) for _ in range(3))
    for to in (1, 2, 3):
        lab.step(to)
    run = lab.frame["runs"][0]
    cells = lab.page.locator(".confusion tbody td").all_inner_texts()
    counts = np.array([0 if cell == "·" else int(cell) for cell in cells]).reshape(10, 10)
    assert counts.tolist() == run["confusion"] and counts.sum() == 90
    assert np.trace(counts) / 90 == pytest.approx(run["test_accuracy"], abs=1e-4)
    assert len(run["unit_maps"]) == 1 and len(run["unit_maps"][0]) == 12
    weights = np.array(run["edges"][0]["weight"])
    assert [found["low"] for found in run["unit_maps"][0]] == pytest.approx(weights.min(1).tolist(), rel=1e-4)
    circle = lab.page.locator("#networks .units circle").nth(64 + 5)
    circle.scroll_into_view_if_needed()
    box = circle.bounding_box()
    assert box
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.until(lambda: "weights as a picture" in lab.page.locator(".probe").inner_text())


def test_a_file_with_quotes_and_semicolons(lab: Lab, tmp_path: Path) -> None:
    lab.open()
    lab.pick("data.name", "points")
    file = tmp_path / "quoted.csv"
    for text in ('"x";"y";"which, one"\n"-1,5";0;"a;b"\n"1,5";2;"say ""hi"""\n', '-3,0,"a, b"\n3,4,"c"\n'):
        file.write_text(text, encoding="utf-8")
        data = lab.after(lambda: lab.page.locator("#csv").set_input_files(file))["data"]
        assert sorted(point[:2] for point in data["points"]) == [[-1, -1], [1, 1]]
        assert {point[2] for point in data["points"]} == {0, 1}


FOCUS = {
    1: "#panel-factors .factors",
    2: "#depth .chart",
    5: "#panel-phi .chart",
    6: "#networks .card",
    9: "#depth .chart",
}


NIGHTLY = [pytest.param(size, marks=pytest.mark.nightly) for size in ((1440, 900), (390, 844))]


@pytest.mark.parametrize("size", [(1280, 720), *NIGHTLY])
def test_what_a_scene_is_about_is_in_sight_below_it(lab: Lab, size: tuple[int, int]) -> None:
    lab.page.set_viewport_size({"width": size[0], "height": size[1]})
    lab.open()
    lab.after(lambda: lab.page.locator("#tour-start").click())
    for scene, about in FOCUS.items():
        if scene > 1:
            lab.after(lambda scene=scene: lab.page.locator(".dot").nth(scene - 1).click())
        lab.until(lambda about=about: lab.page.locator(about).first.is_visible())
        lab.drawn()
        box = lab.page.locator(about).first.bounding_box()
        assert box and lab.page.evaluate("scrollY") == 0
        if size[0] > 900:
            assert box["y"] < 0.75 * size[1], scene  # its beginning, without scrolling
        else:
            mine = "#tabs" if about.startswith("#panel") else about.split()[0]
            others = [one for one in ("#depth", "#networks", "#tabs") if one != mine]
            tops = [lab.page.locator(one).bounding_box()["y"] for one in others]
            assert all(box["y"] < top for top in tops), scene  # before the other displays


def test_an_experiment_leaves_as_one_file_that_opens_where_it_was_taken(lab: Lab, chromium: Any) -> None:
    if not MACHINE.exists():
        pytest.skip("machine.wasm was not built: there is no clang, or no wasm-ld")
    start = [{"name": "normal", "sigma_w": 1.5}]
    lab.open(fragment({"layers": [5, 5], "activations": ["silu"], "starts": start, "seed": 3, "lr": 0.07}))
    with lab.page.expect_download() as waiting:
        lab.page.get_by_text("Share").click()
        lab.page.get_by_role("button", name="Page in one file").click()
    assert waiting.value.suggested_filename == "lab.html"
    path = Path(waiting.value.path()).rename(Path(waiting.value.path()).with_suffix(".html"))
    with opened(path, chromium) as page:
        there = page.page.evaluate("store.config")
        here = lab.configs()[-1]
        assert {name: there[name] for name in here} == here
        for mine, theirs in zip(page.frame["runs"][0]["layers"], lab.frame["runs"][0]["layers"], strict=True):
            assert (mine["dz"], mine["z"]) == pytest.approx((theirs["dz"], theirs["z"]), rel=1e-4)
        assert page.frame["runs"][0]["test_loss"] == pytest.approx(lab.frame["runs"][0]["test_loss"], rel=1e-4)
