"""The Lab's page in Chromium: each control, each display, the microscope, files in and out."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.laboratory.lab_page import Lab, fragment


def test_each_control_changes_the_config_that_is_sent(lab: Lab) -> None:
    lab.open()
    for name, value in {
        "data.name": "moons", "activations": "gelu", "starts.name": "normal", "loss": "cross_entropy",
        "optimizer": "adam", "normalization": "layer",
    }.items():  # fmt: skip
        config = lab.after(lambda name=name, value=value: lab.pick(name, value))
        found = {**config, "data.name": config["data"]["name"], "starts.name": config["starts"][0]["name"]}[name]
        assert found == value or found == [value]
    for name, value in {
        "data.samples": 150, "data.noise": 0.25, "starts.sigma_w": 1.5, "starts.sigma_b": 0.2, "lr": 0.05, "batch": 32,
        "clip": 1.5, "seed": 77, "layers": 3,
    }.items():  # fmt: skip
        config = lab.after(lambda name=name, value=value: lab.fill(name, value))
        group, _, key = name.partition(".")
        found = config[group][key] if group == "data" else config[group][0][key] if key else config[group]
        assert (len(found) if name == "layers" else found) == value
    lab.pick("starts.name", "constant")
    assert lab.after(lambda: lab.fill("starts.constant", -0.5))["starts"][0]["constant"] == -0.5
    assert lab.after(lambda: lab.page.get_by_role("checkbox", name="Residual connections").check())["residual"] is True
    seed = lab.configs()[-1]["seed"]
    assert lab.after(lambda: lab.page.get_by_role("button", name="New seed").click())["seed"] != seed
    width = lab.page.get_by_label("Units a layer").first
    assert lab.after(lambda: (width.fill("9"), width.press("Enter")))["layers"] == [9, 9, 9]
    last = [message for message in lab.received if message["type"] == "state"][-1]
    assert last["config"] == lab.configs()[-1]


def test_a_regression_seen_through_features_with_some_samples_held_out(lab: Lab) -> None:
    lab.open()
    assert lab.after(lambda: lab.pick("data.name", "hills"))["loss"] == "half_squared_error"
    assert lab.page.locator('select[data-field="loss"] option').count() == 1
    for name in ("xy", "sin 2πy"):
        lab.page.get_by_label(name, exact=True).check()
    lab.until(lambda: lab.configs()[-1]["features"] == ["x", "y", "xy", "sin_y"])
    assert lab.after(lambda: lab.page.get_by_label("x", exact=True).uncheck())["features"] == ["y", "xy", "sin_y"]
    assert lab.page.locator("#networks .heads text").all_text_contents()[-3:] == ["y", "xy", "sin 2πy"]
    assert lab.after(lambda: lab.pick("regularization", "l2"))["regularization"] == "l2"
    assert lab.after(lambda: lab.fill("regularization_rate", 0.01))["regularization_rate"] == 0.01
    lab.after(lambda: lab.fill("data.test", 0.25))
    frame = lab.step(1)["runs"][0]
    said = lab.page.locator("#maps figcaption").inner_text().splitlines()
    assert said == [f"loss {frame['loss']:.3g}", f"held out: loss {frame['test_loss']:.3g}"]
    pixels = """selector => {
      const from = document.querySelector(selector);
      const copy = new OffscreenCanvas(from.width, from.height).getContext("2d"); // read once, as Chromium wants it
      copy.drawImage(from, 0, 0);
      return [...new Uint32Array(copy.getImageData(0, 0, from.width, from.height).data.buffer)];
    }"""
    inked = lambda: np.count_nonzero(lab.page.evaluate(pixels, "canvas.map.over"))  # noqa: E731
    both = inked()
    lab.page.get_by_label("held-out points").uncheck()
    assert 0 < inked() < both
    colours = lambda: len(set(lab.page.evaluate(pixels, "canvas.map")))  # noqa: E731
    assert colours() > 10
    lab.page.get_by_label("two colours").check()
    assert colours() == 2
    assert lab.saved()["discrete"] == "1" and lab.saved()["held"] == "0"
    assert lab.after(lambda: lab.pick("data.name", "xor"))["loss"] == "binary_cross_entropy_with_logits"


def test_a_weight_can_be_set_by_hand_from_any_step_on(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("tab", name="Factors").click()
    losses = [lab.step(to)["runs"][0]["loss"] for to in (1, 2)]
    lab.page.get_by_role("combobox", name="Unit", exact=True).select_option("3")
    lab.page.get_by_role("combobox", name="Input", exact=True).select_option("1")
    field = lab.page.locator("#panel-factors .weight input")
    lab.until(lambda: field.is_visible())
    config = lab.after(lambda: (field.fill("2.5"), field.press("Enter")))
    assert config["edits"] == [{"step": 2, "run": 0, "layer": 0, "unit": 3, "input": 1, "value": 2.5}]
    lab.until(lambda: lab.frame["step"] == 2 and lab.frame["runs"][0]["edges"][0]["weight"][3][1] == 2.5)
    assert lab.frame["runs"][0]["loss"] != losses[1]
    lab.page.get_by_role("slider", name="Timeline").fill("1")
    lab.until(lambda: lab.frame["step"] == 1)
    assert lab.frame["runs"][0]["loss"] == losses[0]  # what came before is as it was
    assert lab.after(lambda: lab.page.get_by_role("button", name="Undo what was set").click())["edits"] == []
    config = lab.after(lambda: (field.fill("1"), field.press("Enter")))
    assert len(config["edits"]) == 1 and lab.after(lambda: lab.fill("layers", 3))["edits"] == []


def test_weights_set_by_hand_stay_with_their_run(lab: Lab) -> None:
    edits = [{"step": 0, "run": run, "layer": 0, "unit": 1, "input": 0, "value": 7.0 + run} for run in range(3)]
    lab.open(fragment({"layers": [4, 4], "edits": edits, "variants": [{"label": "B"}, {"label": "C"}]}))
    said = lambda config: [(edit["run"], edit["value"]) for edit in config["edits"]]  # noqa: E731
    assert said(lab.configs()[-1]) == [(0, 7.0), (1, 8.0), (2, 9.0)]
    config = lab.after(lambda: lab.fill("variants.0.layers", 3))  # another network: what was set in it is gone
    assert said(config) == [(0, 7.0), (2, 9.0)]
    config = lab.after(lambda: lab.page.get_by_role("button", name="Remove B").click())
    assert [variant["label"] for variant in config["variants"]] == ["C"] and said(config) == [(0, 7.0), (1, 9.0)]
    config = lab.after(lambda: lab.page.get_by_role("button", name="Copy this run").click())
    assert said(config) == [(0, 7.0), (1, 9.0), (2, 7.0)]


def test_a_depth_of_zero_on_the_way_takes_nothing_with_it(lab: Lab) -> None:
    starts = [{"name": name} for name in ("xavier", "he", "lecun", "zeros")]
    lab.open(fragment({"layers": [6] * 3, "activations": ["tanh", "relu", "sin"], "starts": starts}))
    config = lab.after(lambda: lab.fill("layers", 0))
    assert config["activations"] == ["tanh"] and [start["name"] for start in config["starts"]] == ["zeros"]
    config = lab.after(lambda: lab.fill("layers", 2))
    assert config["activations"] == ["tanh", "relu"]
    assert [start["name"] for start in config["starts"]] == ["xavier", "he", "zeros"]


def test_losses_of_any_size_have_an_axis(lab: Lab) -> None:
    start = [{"name": "normal", "sigma_w": 14}]
    lab.open(fragment({"layers": [8] * 16, "activations": ["identity"], "starts": start, "loss": "half_squared_error"}))
    assert lab.frame["runs"][0]["loss"] > 1e33
    with lab.page.expect_download() as waiting:
        lab.page.get_by_text("Share").click()
        lab.page.get_by_role("button", name="Charts as SVG").click()
    losses = Path(waiting.value.path()).read_text(encoding="utf-8").split("</svg>")[1]
    assert len(re.findall(r'text-anchor="end"[^>]*>[^<]*10[⁰¹²³⁴⁵⁶⁷⁸⁹]+<', losses)) >= 2


def test_new_data_and_a_new_seed_change_one_thing_each(lab: Lab) -> None:
    lab.open()
    state = lambda: [m for m in lab.received if m["type"] == "state"][-1]["points"]["x"]  # noqa: E731
    weights = lambda: lab.frame["runs"][0]["edges"][0]["weight"]  # noqa: E731
    points, start = state(), weights()
    lab.after(lambda: lab.page.get_by_role("button", name="New seed").click())
    assert state() == points and weights() != start
    start = weights()
    lab.after(lambda: lab.page.get_by_role("button", name="New data").click())
    assert state() != points and weights() == start
    assert lab.after(lambda: lab.fill("data.seed", ""))["data"]["seed"] is None


def test_a_slider_that_is_dragged_sends_its_first_value_at_once_and_its_last(lab: Lab) -> None:
    lab.open()
    slider = lab.page.get_by_role("slider", name="Hidden layers")
    before = len(lab.configs())
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    lab.until(lambda: len(lab.frame["runs"][0]["layers"]) == 10)
    sent = [len(config["layers"]) for config in lab.configs()[before:]]
    assert sent[0] == 5 and sent[-1] == 9
    lab.until(lambda: len(lab.saved()["config"]["layers"]) == 9)


def test_factors_that_are_not_finite_are_not_called_zero(lab: Lab) -> None:
    lab.open(fragment({"layers": [6] * 3, "activations": ["identity"], "starts": [{"name": "he"}], "lr": 1000,
                       "loss": "half_squared_error"}, panel="factors"))  # fmt: skip
    lab.page.locator("#play").click()
    lab.until(lambda: lab.frame["runs"][0]["layers"][0]["not_finite"] and lab.frame["runs"][0]["detail"]["factors"])
    lab.page.locator("#play").click()
    lab.until(lambda: not all(factor["finite"] for factor in lab.frame["runs"][0]["detail"]["factors"]))
    lab.drawn()
    assert lab.page.locator("#panel-factors tr td.factor .number").all_inner_texts()[0] == "not finite"
    assert "comes to not finite" in lab.page.locator("#panel-factors").inner_text()
    assert "exploding" in lab.page.locator("#verdict .sentence").inner_text()
    assert not any("unexpected" in message.get("message", "") for message in lab.received)


def test_the_dots_of_the_phase_diagram_follow_training(lab: Lab) -> None:
    lab.open(fragment({"layers": [6] * 3}, panel="phase"))
    phases = lambda: [message for message in lab.received if message["type"] == "phase"]  # noqa: E731
    lab.until(phases)
    assert phases()[0]["step"] == 0
    lab.page.locator("#play").click()
    lab.until(lambda: phases()[-1]["step"] > 30)
    lab.page.locator("#play").click()
    lab.until(lambda: phases()[-1]["step"] == lab.frame["step"])
    assert phases()[-1]["dots"] != phases()[0]["dots"]
    lab.page.locator("#phase-activation").select_option("relu")
    lab.until(lambda: phases()[-1]["activation"] == "relu")
    assert all(edge == pytest.approx(2**0.5, rel=1e-3) for edge in phases()[-1]["edge"])
    lab.after(lambda: lab.fill("lr", 0.2))  # the same activations: what was chosen stays
    lab.until(lambda: phases()[-1]["step"] == 0)
    assert phases()[-1]["activation"] == "relu"


def test_layers_can_differ_in_width_activation_and_start(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_text("Layer by layer").click()
    assert lab.after(lambda: lab.fill("layers.1", 3))["layers"] == [6, 3, 6, 6]
    assert lab.after(lambda: lab.pick("activations.2", "relu"))["activations"] == ["tanh", "tanh", "relu", "tanh"]
    starts = lab.after(lambda: lab.pick("starts.4.name", "zeros"))["starts"]
    assert [start["name"] for start in starts] == ["xavier"] * 4 + ["zeros"]
    assert lab.page.locator('select[data-field="activations"]').input_value() == ""  # different in each layer
    # One layer more: what was chosen stays where it was.
    config = lab.after(lambda: lab.fill("layers", 5))
    assert config["layers"] == [6, 3, 6, 6, 6] and config["activations"] == ["tanh", "tanh", "relu", "tanh", "tanh"]
    assert [start["name"] for start in config["starts"]] == ["xavier"] * 5 + ["zeros"]


def test_runs_side_by_side(lab: Lab) -> None:
    lab.open()
    config = lab.after(lambda: lab.page.get_by_role("button", name="Copy this run").click())
    assert config["variants"][0]["starts"] == config["starts"]
    config = lab.after(lambda: lab.pick("variants.0.activations", "relu"))
    assert config["variants"][0]["activations"] == ["relu"] and config["activations"] == ["tanh"]
    assert lab.page.locator("svg.network").count() == lab.page.locator("#maps figure").count() == 2
    lab.page.locator("#networks").get_by_role("button", name="B").click()
    lab.page.locator("#layers > summary").click()
    lab.drawn()
    assert "ReLU" in lab.page.locator(".layer-table tbody").inner_text()
    lab.page.get_by_text("Layer by layer").click()
    lab.after(lambda: lab.pick("activations.1", "relu"))
    lab.page.get_by_role("button", name="Copy this run").click()
    config = lab.after(lambda: lab.fill("layers", 6))
    assert config["variants"][1]["activations"] == config["activations"] == ["tanh", "relu", *["tanh"] * 4]
    lab.after(lambda: lab.page.get_by_role("button", name="Remove C").click())
    assert lab.after(lambda: lab.page.get_by_role("button", name="Remove B").click())["variants"] == []


SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def number(text: str) -> float:
    """A number as the page writes it: 0.25, −3, 4.1·10⁻⁷ or 10⁵."""
    text = text.replace("−", "-").replace("∞", "inf")
    digits, power = re.fullmatch(r"(?:([^·]+?)(?:·|$))?(?:10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+))?", text).groups()
    return float(digits or 1) * 10.0 ** int((power or "0").translate(SUPERSCRIPTS))


def as_shown(sentence: str) -> str:
    """A sentence of the library in the one notation for numbers that the page has."""

    def power(found: re.Match[str]) -> str:
        exponent = int(found[2])
        if 0 <= exponent < 4:
            return f"{float(found[0]):g}"
        return f"{found[1]}·10{str(exponent).translate(str.maketrans('0123456789-', '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'))}"

    return re.sub(r"(\d+(?:\.\d+)?)e([+-]\d+)", power, sentence)


def test_runs_of_different_depth_side_by_side(lab: Lab) -> None:
    """What is said for each layer stays with its layer in every run, whichever depth is changed."""
    lab.open()
    lab.after(lambda: lab.fill("layers", 3))
    lab.page.locator("details.inner > summary").click()
    lab.after(lambda: lab.pick("activations.1", "relu"))
    lab.after(lambda: lab.page.get_by_role("button", name="Copy this run").click())
    assert lab.page.locator('[data-field="variants.0.activations"] option:checked').inner_text().startswith("different")
    config = lab.after(lambda: lab.fill("variants.0.layers", 5))
    assert config["layers"] == [6] * 3 and config["variants"][0]["layers"] == [6] * 5
    assert config["activations"] == ["tanh", "relu", "tanh"]
    assert config["variants"][0]["activations"] == ["tanh", "relu", "tanh", "tanh", "tanh"]
    assert [len(run["layers"]) for run in lab.frame["runs"]] == [4, 6]
    sizes = [label.split(" units")[0] for label in labels_of_networks(lab)]
    assert sizes == ["Network of 2, 6, 6, 6, 1", "Network of 2, 6, 6, 6, 6, 6, 1"]
    lab.page.locator("svg.network").nth(1).scroll_into_view_if_needed()
    lab.page.locator(".selected select").first.select_option("1")  # run B
    lab.until(lambda: lab.page.locator(".layer-table tbody tr").count() == 6)
    config = lab.after(lambda: lab.fill("layers", 1))
    assert config["activations"] == ["tanh"] and len(config["variants"][0]["layers"]) == 5
    link = lab.page.url
    lab.page.goto("about:blank")
    lab.received.clear()
    lab.page.goto(link)
    lab.until(lambda: lab.frames() and [len(run["layers"]) for run in lab.frame["runs"]] == [2, 6])
    config = lab.after(lambda: lab.fill("variants.0.layers", 1))
    assert "layers" not in config["variants"][0]  # as in the first run, and so it stays
    lab.after(lambda: lab.fill("layers", 2))
    assert [len(run["layers"]) for run in lab.frame["runs"]] == [3, 3]


def labels_of_networks(lab: Lab) -> list[str]:
    return [svg.get_attribute("aria-label") or "" for svg in lab.page.locator("svg.network").all()]


def test_the_layer_table_shows_the_numbers_of_the_frame(lab: Lab) -> None:
    lab.open()
    lab.page.locator("#layers > summary").click()
    lab.step(1)
    lab.until(lambda: lab.frame["runs"][0]["report_step"] == 1)
    lab.judged()
    run = lab.frame["runs"][0]
    rows = lab.page.locator(".layer-table tbody tr")
    assert rows.count() == len(run["layers"]) == 5
    for i, layer in enumerate(run["layers"]):
        cells = [cell.inner_text() for cell in rows.nth(i).locator("td").all()]
        expected = [10 ** layer["dw"], layer["z"], layer["a"], layer["dz"]]
        assert [number(cell) for cell in cells[:4]] == pytest.approx(expected, rel=0.05)  # two digits at least
        assert cells[4:] == [f"{layer['saturated']:.0%}".replace("%", " %"), f"{layer['dead']:.0%}".replace("%", " %"),
                             f"{layer['distinct']}/{layer['units']}"]  # fmt: skip
        # The bar of log10 ‖∂C/∂W‖ stands on an axis from -12 to 4.
        matrix = rows.nth(i).locator("td .fill").first.evaluate("e => new DOMMatrix(getComputedStyle(e).transform).a")
        assert matrix == pytest.approx((layer["dw"] + 12) / 16, abs=2e-3)
    assert f"loss {run['loss']:.3g}" in lab.page.locator("#maps figcaption").inner_text()
    assert as_shown(run["verdict"]["reason"]) in lab.page.locator("#verdict .sentence").inner_text()
    assert lab.page.locator(".answers dt").all_inner_texts() == [answer["question"] for answer in run["answers"]]


# For each path of the picture: how many edges it holds, their width and their opacity.
EDGES = """[...document.querySelectorAll("#networks .edges path")].map(path => [
  path.getAttribute("d").split("M").length - 1, Number(path.getAttribute("stroke-width")),
  Number(path.getAttribute("stroke-opacity"))])"""


def test_every_edge_is_drawn_by_its_decade(lab: Lab) -> None:
    lab.open()
    drawn = [count for count, *_ in lab.page.evaluate(EDGES)]
    weights = np.concatenate([np.ravel(edges["weight"]) for edges in lab.frame["runs"][0]["edges"]])
    assert sum(drawn) == len(weights) == 2 * 6 + 3 * 36 + 6
    # Paths come layer by layer, and in each by half decades from 1e-8, positive before negative.
    by_bucket = np.reshape(drawn, (5, -1, 2)).sum(0)
    bucket = np.clip(np.floor(2 * (np.log10(np.abs(weights)) + 8)), 0, len(by_bucket) - 1).astype(int)
    for sign, positive in ((0, True), (1, False)):
        assert (by_bucket[:, sign] == np.bincount(bucket[(weights > 0) == positive], minlength=len(by_bucket))).all()


UNITS = """() => {
  const canvas = document.querySelector(".unit-maps");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...document.querySelectorAll("#networks .units circle")].slice(2, 8).map(circle => {
    const [x, y, r] = ["cx", "cy", "r"].map(name => 2 * circle.getAttribute(name)); // two pixels to one of CSS
    return [[0, 0], [1, 1], [-1, 1], [1, -1], [-1, -1]].flatMap(([dx, dy]) => {
      const at = 4 * (Math.round(y + 0.4 * dy * r) * canvas.width + Math.round(x + 0.4 * dx * r));
      return [...data.slice(at, at + 4)];
    });
  });
}"""


def test_each_unit_shows_its_own_map(lab: Lab) -> None:
    """Random units differ; those of a constant start do not, up to the place of their pixels.

    On one scale for all what is small looks small; on a scale of its own it does not.
    """
    spread = {}
    for start, each in (("xavier", "1"), ("constant", "1"), ("small", "1"), ("small", "0")):
        lab.received.clear()
        lab.page.goto("about:blank")
        lab.open(fragment({"layers": [6, 6], "starts": [{"name": start}]}, eachUnit=each))
        colours = np.array(lab.page.evaluate(UNITS))
        assert (colours[:, 3::4] == 255).all()  # nothing shines through
        spread[start, each] = np.ptp(colours, axis=0).max()
    assert spread["xavier", "1"] > 80 and spread["constant", "1"] < 20
    assert spread["small", "1"] > 70 and spread["small", "0"] < 20


def test_a_gradient_that_has_vanished_everywhere_looks_vanished(lab: Lab) -> None:
    ink = {}
    for start, scale in (("good", 1.0), ("small", 1e-4)):
        config = {"layers": [6] * 4, "activations": ["identity"], "starts": [{"name": "normal", "sigma_w": scale}]}
        lab.received.clear()
        lab.page.goto("about:blank")
        lab.open(fragment(config, edges="gradient"))
        ink[start] = sum(math.prod(path) for path in lab.page.evaluate(EDGES))
    assert ink["good"] > 100 and ink["small"] == 0


def test_steps_seeking_and_the_same_start_again(lab: Lab) -> None:
    lab.open()
    first = lab.frame["runs"][0]["loss"]
    button = lambda name: lab.page.get_by_role("button", name=name, exact=True)  # noqa: E731
    for to in (1, 2, 3):
        lab.step(to)
    button("Epoch").click()
    lab.until(lambda: lab.frame["step"] == 4)
    button("Play").click()
    lab.until(lambda: lab.frame["step"] > 12)
    button("Pause").click()
    lab.until(lambda: not lab.frame["playing"])
    lab.drawn()
    timeline = lab.page.get_by_role("slider", name="Timeline")
    assert timeline.input_value() == str(lab.frame["step"])
    losses = dict(lab.frame["runs"][0]["losses"])
    timeline.fill("2")
    lab.until(lambda: lab.frame["step"] == 2)
    assert lab.frame["runs"][0]["losses"][-1] == [2, losses[2]]
    assert int(timeline.get_attribute("max")) > 12  # and forward again
    button("Run backwards").click()
    lab.until(lambda: lab.frame["step"] == 0)
    lab.step(1)
    button("Rewind to the same start").click()
    lab.until(lambda: lab.frame["step"] == 0)
    assert lab.frame["runs"][0]["loss"] == first
    lab.drawn()
    assert lab.page.locator(".where").inner_text() == "step 0 · epoch 0"


def test_what_is_chosen_in_the_picture_and_by_menus_is_shown_in_detail(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("tab", name="Factors").click()
    lab.page.get_by_role("combobox", name="Layer", exact=True).last.select_option("2")
    lab.page.get_by_role("combobox", name="Unit", exact=True).select_option("4")
    lab.page.get_by_role("combobox", name="Input", exact=True).select_option("1")
    # Until the input has arrived, the frames are about the unit's bias.
    lab.until(lambda: lab.frame["runs"][0]["detail"]["input"] == 1 and lab.frame["runs"][0]["detail"]["factors"])
    lab.drawn()
    detail = lab.frame["runs"][0]["detail"]
    weights = lab.frame["runs"][0]["edges"][2]["weight"]
    assert (detail["layer"], detail["weight"]["value"]) == (2, weights[4][1])
    weight = lab.page.locator("#panel-factors .weight")
    assert float(weight.locator("input").input_value()) == weights[4][1]
    assert number(weight.inner_text().split("w = ")[-1]) == pytest.approx(detail["weight"]["gradient"], rel=0.05)
    product = lambda: number(lab.page.locator("#panel-factors .so-far .number").all_inner_texts()[-1])  # noqa: E731
    assert product() == pytest.approx(abs(detail["weight"]["gradient"]), rel=0.05)  # the factors multiply up to it
    lab.page.get_by_role("combobox", name="Input", exact=True).select_option("")
    lab.until(lambda: lab.frame["runs"][0]["detail"]["input"] is None)
    lab.drawn()
    assert product() == pytest.approx(10 ** lab.frame["runs"][0]["layers"][2]["dw"], rel=0.05)  # and to the norm
    box = lab.page.locator("svg.network").bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] - 26, box["y"] + (30 + box["height"] - 12) / 2)  # the output unit
    lab.until(lambda: lab.sent[-1] == {"type": "select", "run": 0, "layer": 4, "unit": 0, "input": None})


@pytest.mark.parametrize(
    ("panel", "charts"), [("Histograms", 4), ("Activation", 2), ("Spectrum", 3), ("Phase diagram", 1)]
)
def test_panels_draw_their_charts(lab: Lab, panel: str, charts: int) -> None:
    lab.open()
    lab.page.locator("#layers > summary").click()
    lab.page.locator(".layer-button").nth(1).click()
    lab.page.get_by_role("tab", name=panel).click()
    lab.until(lambda: lab.page.locator(".panel:visible canvas:visible").count() == charts)
    lab.drawn()
    inked = """canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Uint32Array(data.buffer).filter(pixel => pixel).length;
    }"""
    for canvas in lab.page.locator(".panel:visible canvas:visible").all():
        assert canvas.evaluate(inked) > 500
    lab.until(lambda: lab.page.locator(".panel:visible .chart:visible[aria-label]").count() == charts)


def test_the_microscope_goes_forward_and_back_node_by_node(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("tab", name="Microscope").click()
    lab.until(lambda: lab.page.locator("svg.graph .node").count())
    lab.page.get_by_role("textbox", name="Expression").fill("exp(p) * q + p")
    lab.page.get_by_label("p =").fill("0.5")
    lab.page.get_by_label("q =").fill("-2")
    lab.answer(lambda: lab.page.get_by_role("button", name="Look at it").click(), "microscope")
    gradients = lambda: [text for text in lab.page.locator("svg.graph .grad").all_text_contents() if text]  # noqa: E731
    assert not gradients()
    words = lab.page.locator("#panel-microscope .sentence")
    lab.page.get_by_role("button", name="Next node").click()
    assert "is given" in words.inner_text()
    lab.page.get_by_role("button", name="To the end").click()
    found = {
        node.locator(".label").text_content(): number(node.locator(".grad").text_content().removeprefix("∂ "))
        for node in lab.page.locator("svg.graph .node").all()
    }
    # d/dp (e^p q + p) = e^p q + 1, of which both ways to p have their part; d/dq = e^p.
    assert found["p"] == pytest.approx(math.exp(0.5) * -2 + 1, rel=0.01)
    assert found["q"] == pytest.approx(math.exp(0.5), rel=0.01)
    lab.page.get_by_role("button", name="Back", exact=True).last.click()
    assert len(gradients()) <= len(found)
    lab.page.get_by_role("textbox", name="Expression").fill("import os")
    lab.answer(lambda: lab.page.get_by_role("button", name="Look at it").click(), "error")
    assert lab.page.get_by_role("textbox", name="Expression").get_attribute("aria-invalid") == "true"
    assert lab.page.locator("#panel-microscope .error").inner_text()
    look = lab.page.get_by_role("button", name="Look at the selected weight")
    assert look.is_disabled()  # a layer is selected, but no weight
    panel = lab.page.locator("#panel-microscope")
    panel.get_by_label("Unit", exact=True).select_option("4")
    panel.get_by_label("Input", exact=True).select_option("1")
    answer = lab.answer(lambda: look.click(), "microscope")
    assert answer["nodes"][0]["label"] == "w1[5,2]"  # counted from 1, as everywhere on the page
    assert not lab.page.locator("#panel-microscope .error").count()
    assert lab.page.locator("svg.graph .node").count() == len(answer["nodes"])


def test_points_of_ones_own_by_click_keys_and_file(lab: Lab, tmp_path: Path) -> None:
    lab.open()
    page = lab.page
    page.locator('select[data-field="data.name"]').select_option("points")
    pad = page.locator("canvas.pad")
    size = pad.bounding_box()["width"]
    pad.click(position={"x": size / 2, "y": size / 4})
    assert "two classes are needed" in page.locator("#controls").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    points = lab.after(lambda: page.keyboard.press("Enter"))["data"]["points"]
    assert [p[2] for p in points] == [0, 1]
    assert points[0][:2] == pytest.approx([0, 0.6], abs=0.02) and points[1][:2] == pytest.approx([0.1, 0.6], abs=0.02)
    assert page.locator("#controls p.hint", has_text="2 points of your own").count() == 1
    for _ in range(2):  # the right button sets the other class, again and again
        points = lab.after(lambda: pad.click(button="right", position={"x": 20, "y": 30}))["data"]["points"]
    page.get_by_role("button", name="Remove last").click()
    lab.until(lambda: [p[2] for p in lab.configs()[-1]["data"]["points"]] == [0, 1, 0])
    good = tmp_path / "good.csv"
    good.write_text("x;y;class\n0;10;no\n4;20;yes\n2;15;no\n", encoding="utf-8")
    data = lab.after(lambda: page.locator("#csv").set_input_files(good))["data"]
    assert data["name"] == "points" and data["points"] == [[-1, -1, 0], [1, 1, 1], [0, 0, 0]]
    good.write_text("-0,5;1,5;1\n0,5;2;0\n", encoding="utf-8")
    assert lab.after(lambda: page.locator("#csv").set_input_files(good))["data"]["points"] == [[-1, -1, 1], [1, 1, 0]]
    good.write_text("1 2 a\n3 4 b\n", encoding="utf-8")
    assert lab.after(lambda: page.locator("#csv").set_input_files(good))["data"]["points"] == [[-1, -1, 0], [1, 1, 1]]
    for text, message in (("1,2\n", "Line 1"), ("a,b,c\n", "no numbers"), ("1,2,a\n3,4,a\n", "2 to 10 classes")):
        bad = tmp_path / "bad.csv"
        bad.write_text(text, encoding="utf-8")
        page.locator("#csv").set_input_files(bad)
        lab.until(lambda message=message: message in " ".join(page.locator(".own .error").all_inner_texts()))


def test_bad_input_shows_a_message_at_the_control(lab: Lab) -> None:
    lab.open()
    lab.answer(lambda: lab.fill("lr", 5000), "error")
    control = lab.page.locator('[data-field="lr"]')
    assert control.get_attribute("aria-invalid") == "true"
    message = lab.page.locator(f"#{control.get_attribute('aria-describedby')}").inner_text()
    assert "1000" in message and "5000" in message
    lab.after(lambda: lab.fill("lr", 0.1))
    assert control.get_attribute("aria-invalid") is None and not lab.page.locator(".error").count()


def test_exports(lab: Lab) -> None:
    lab.open()

    def download(item: str) -> Any:
        lab.page.get_by_text("Share").click()
        with lab.page.expect_download() as waiting:
            lab.page.get_by_role("button", name=item).click()
        return waiting.value

    svg = Path(download("Network as SVG").path()).read_text(encoding="utf-8")
    assert svg.startswith("<svg") and svg.count("<circle") >= 27 and "var(" not in svg
    chart = Path(download("Charts as SVG").path()).read_text(encoding="utf-8")
    assert chart.startswith("<svg") and "<path" in chart
    captions = re.findall("<text[^>]*>([^<]*)</text>", chart)
    for figure in lab.page.locator(".chart[aria-label]:visible").all():
        assert html.escape(figure.get_attribute("aria-label"), quote=False) in captions
    for item in ("Network as PNG", "Output as PNG", "Charts as PNG"):
        assert Path(download(item).path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert json.loads(Path(download("Numbers as JSON").path()).read_text(encoding="utf-8"))
    assert "," in Path(download("Numbers as CSV").path()).read_text(encoding="utf-8").splitlines()[0]
    compile(Path(download("Python code").path()).read_text(encoding="utf-8"), "run.py", "exec")
