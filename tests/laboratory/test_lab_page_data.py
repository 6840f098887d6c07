"""Data on the Lab's page: ten classes, handwritten digits, files with quotes; and scenes of the tour at three sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.laboratory.lab_page import Lab, fragment


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


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (390, 844)])
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
