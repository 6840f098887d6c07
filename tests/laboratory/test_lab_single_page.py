"""The page that is one file as somebody meets it: experiments by name, the tour, a unit close up, two languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init as tgi
from tests.laboratory.single_page import AXE, SinglePage, opened

if tgi.BACKEND != "compiled":
    pytest.skip("programs travel between compiled backends", allow_module_level=True)

Frame = Any


@pytest.fixture
def lab(single_file_of_tests: Path, chromium: Any) -> Iterator[SinglePage]:
    with opened(single_file_of_tests, chromium) as lab:
        yield lab


def dz(frame: Frame, run: int = 0) -> tuple[float, float]:
    """The gradient at the first layer and at the last."""
    layers = frame["runs"][run]["layers"]
    return layers[0]["dz"], layers[-1]["dz"]


def share(frame: Frame, run: int = 0) -> float:
    """Of the gradient that leaves the last layer, what reaches the first."""
    first, last = dz(frame, run)
    return first / last


def test_within_three_taps_a_gradient_vanishes_and_comes_back(lab: SinglePage) -> None:
    bottom = lab.page.locator("#depth .chart").bounding_box()
    assert bottom["y"] + bottom["height"] < 844 and lab.page.locator("#guide-act").bounding_box()["y"] < 400
    vanished = lab.frame
    assert share(vanished) == pytest.approx(1 / 4.3e6 / 6**0.5, rel=0.02)  # rms; of six units and one the norm
    assert all("by a factor of 4.3·10⁶" in lab.words(said) for said in ("#guide", "#verdict"))
    said = lab.page.locator("#depth .chart").get_attribute("aria-label")
    assert "4.8·10⁻⁸" in said and "0.5" in said
    assert lab.words("#verdict").startswith("At the start, a forecast:") and "vanishing at layer 1" in lab.words(
        "#verdict"
    )
    back = lab.after(lambda: lab.page.tap("text=Change the activation to tanh"))
    assert share(back) > 0.1
    assert "The gradient is back" in lab.words("#guide") and not lab.page.is_visible("#guide-act")
    assert "healthy" in lab.words("#verdict")
    dotted = lab.page.evaluate("[...modules['history.js'].sizesBefore('dz')]")
    assert 10 ** dotted[0] == pytest.approx(dz(vanished)[0])


def learns(lab: SinglePage) -> None:
    """What a preset that is mended says: press Play and it learns."""
    lab.page.select_option("#speed", "0")
    lab.page.tap("#play")
    lab.until("store.frame.runs[0].loss < 0.3")
    lab.page.tap("#play")
    lab.until("!store.frame.playing")


def test_experiments_by_name_show_what_they_say(lab: SinglePage) -> None:
    def choose(name: str) -> Frame:
        return lab.after(lambda: lab.page.get_by_role("button", name=name, exact=True).tap())

    def mend() -> Frame:
        return lab.after(lambda: lab.page.tap("#guide-act"))

    exploding = choose("Exploding")
    sizes = [layer["z"] for layer in exploding["runs"][0]["layers"]]
    assert share(exploding) > 1000 and sizes[-1] > 1000 * sizes[0]
    assert (
        lab.steps(1)["runs"][0]["loss"] > 10 * exploding["runs"][0]["loss"]
    )  # "the first step throws the weights away"
    mended = mend()
    assert all(0.01 < layer["dz"] < 1.1 * dz(mended)[1] for layer in mended["runs"][0]["layers"])
    learns(lab)
    same = choose("All the same")
    maps = [[unit["values"] for unit in layer] for layer in same["runs"][0]["unit_maps"]]
    assert all(len(layer) == 6 and len(set(layer)) == 1 for layer in maps)
    maps = [[unit["values"] for unit in layer] for layer in mend()["runs"][0]["unit_maps"]]
    assert all(len(set(layer)) == 6 for layer in maps)
    learns(lab)
    dead = choose("Dead")["runs"][0]["layers"]
    assert dead[7]["dead_units"] == list(range(6)) and all(layer["dw"] is None for layer in dead)
    layers = mend()["runs"][0]["layers"]
    assert not any(layer["dead_units"] for layer in layers) and all(layer["dw"] is not None for layer in layers)
    learns(lab)
    healthy = choose("Deep and healthy")["runs"][0]["layers"]
    assert all(0.1 < layer["dz"] < 10 for layer in healthy)
    assert dz(mend())[0] < 2**-24  # "below what float16 can hold"
    assert "below this float16 has only 0" not in lab.words("#guide")


def product(lab: SinglePage, frame: Frame) -> None:
    factors = frame["runs"][0]["detail"]["factors"]
    assert {"loss", "weights", "activation", "input", "alignment"} == {factor["kind"] for factor in factors}
    assert sum(factor["log10"] for factor in factors) == pytest.approx(frame["runs"][0]["layers"][0]["dw"])
    assert lab.page.locator("table.factors tbody tr").count() == len(factors)


def powers(lab: SinglePage, frame: Frame) -> None:
    assert share(frame) == pytest.approx(9.5e-7, rel=0.01) and share(frame, 1) == pytest.approx(1024)


def activations(lab: SinglePage, frame: Frame) -> None:
    assert share(frame) < 1e-6 and share(frame, 1) > 0.01 and share(frame, 2) > 0.01
    lab.page.evaluate("labHost.send(JSON.stringify({ type: 'seek', step: 1000 }))")
    lab.until("store.frame?.step === 1000")
    assert [run["loss"] < 0.05 for run in lab.frame["runs"]] == [False, True, True]  # "which runs learn?"
    lab.page.evaluate(
        "modules['lab.js'].change(c => void (c.starts[0] = {...c.starts[0], name: 'normal', sigma_w: 10}))"
    )
    lab.until("store.config.starts[0].sigma_w === 10 && store.frame?.runs[0].layers[0].saturated > 0")
    hidden = lab.frame["runs"][0]["layers"][:-1]
    assert sum(layer["saturated"] for layer in hidden) / len(hidden) == pytest.approx(0.5, abs=0.05)
    assert share(lab.frame) > 1e-3


def small(lab: SinglePage, frame: Frame) -> None:
    layers = frame["runs"][0]["layers"]
    assert (layers[-1]["z"] / layers[0]["z"]) ** 0.1 == pytest.approx(1 / 5, abs=0.02)
    assert share(frame) ** 0.1 == pytest.approx(1 / 6, abs=0.01)
    assert lab.steps(3)["runs"][0]["loss"] == pytest.approx(frame["runs"][0]["loss"], rel=1e-6)


def large(lab: SinglePage, frame: Frame) -> None:
    saturated = [layer["saturated"] for layer in frame["runs"][0]["layers"][:-1]]
    assert sum(saturated) / len(saturated) > 0.5
    z = [layer["z"] for layer in frame["runs"][1]["layers"]]
    assert z[-1] > 1e6 and share(frame, 1) > 1e6
    assert lab.steps(1)["runs"][1]["loss"] > 1e9 * frame["runs"][1]["loss"]


def constant(lab: SinglePage, frame: Frame) -> None:
    for now in (frame, lab.steps(3)):
        assert [layer["distinct"] for layer in now["runs"][0]["layers"]] == [1, 1, 1, 1]
        assert [layer["distinct"] for layer in now["runs"][1]["layers"]] == [6, 6, 6, 1]


def zero(lab: SinglePage, frame: Frame) -> None:
    """From right to left, a layer a step, wide enough to be drawn."""
    for awake in (1, 2, 3, 4):
        runs = frame["runs"]
        assert all(layer["dw"] is None for layer in runs[0]["layers"])
        assert [layer["dw"] is not None for layer in runs[1]["layers"]] == [False] * (4 - awake) + [True] * awake
        assert all(layer["dw"] > -7 for layer in runs[1]["layers"][4 - awake :])
        frame = lab.steps(1) if awake < 4 else frame


def good(lab: SinglePage, frame: Frame) -> None:
    assert 0.5 < share(frame) < 2
    assert dz(frame, 2)[0] < dz(frame, 1)[0] / 20


def clipping(lab: SinglePage, frame: Frame) -> None:
    losses = [loss for _, loss in lab.steps(3)["runs"][0]["losses"]]
    assert losses == sorted(losses, reverse=True)
    frame = lab.after(lambda: lab.page.evaluate("document.querySelector('[data-field=clip]').click()"))
    assert lab.page.evaluate("store.config.clip") == 0
    assert lab.steps(1)["runs"][0]["loss"] > 10 * frame["runs"][0]["loss"]
    assert dz(lab.steps(2))[0] == 0


SCENES: tuple[Callable[[SinglePage, Frame], None], ...] = (
    product, powers, activations, small, large, constant, zero, good, clipping
)  # fmt: skip


def test_the_tour_shows_what_it_says(lab: SinglePage) -> None:
    frame = lab.after(lambda: lab.page.tap("#tour-start"))
    assert lab.page.locator("#tour .dot").count() == len(SCENES)
    for i, look in enumerate(SCENES):
        if i:
            frame = lab.after(lambda: lab.page.tap("#tour-next"))
        look(lab, frame)
    lab.page.tap("#tour-close")
    assert not lab.page.is_visible("#tour")


def test_a_link_says_what_the_file_opens_on(single_file_of_tests: Path, chromium: Any) -> None:
    with opened(single_file_of_tests, chromium, link="#scene=zero&lang=zh") as lab:
        assert "全零" in lab.words("#tour h2") and lab.page.evaluate("store.config.starts[0].name") == "zeros"
        lab.after(lambda: lab.page.evaluate("location.hash = '#preset=exploding&lang=en'"))
        assert not lab.page.is_visible("#tour") and "Weights that are too large" in lab.words("#guide")
        for link, said in {
            "preset=nothing": "“nothing”, which is not here. There are: vanishing, exploding, same",
            "scene=99": "“99”, which is not here. There are: product, powers",
            "exploding": "“exploding”, which means nothing here. It may say: preset, scene, lang",
        }.items():
            lab.page.evaluate(f"location.hash = '#{link}'")
            lab.until(f"document.querySelector('#notices').innerText.includes('{said}')")
        assert lab.page.evaluate("store.config.starts[0].sigma_w") == 4  # is left as it is


def test_a_unit_and_an_edge_close_up_by_keys(lab: SinglePage) -> None:
    stage = lab.page.locator("#networks [tabindex='0']").first
    stage.focus()
    for key in ("ArrowRight", "ArrowDown"):
        stage.press(key)
    lab.until("store.selection.unit !== null && store.frame.runs[0].detail?.unit === store.selection.unit")
    selection = lab.page.evaluate("store.selection")
    lab.page.get_by_label("Input").or_(lab.page.locator("#panel-factors .selected select").last).first.select_option(
        "2"
    )
    lab.until("store.frame.runs[0].detail?.input === 2")
    run = lab.frame["runs"][0]
    edges = run["edges"][selection["layer"]]
    weight = run["detail"]["weight"]
    assert weight["value"] == edges["weight"][selection["unit"]][2]
    assert weight["gradient"] == edges["gradient"][selection["unit"]][2]
    words = lab.words("#panel-factors")
    shown = lab.page.evaluate(f"modules['scale.js'].format(Math.abs({weight['gradient']!r}))")
    assert re.search(
        rf"∂C/∂w of this weight is a product of \d+ factors and comes to {re.escape(shown)} in size", words
    )


def test_nothing_is_left_in_the_other_language(single_file_of_tests: Path, chromium: Any) -> None:
    with opened(single_file_of_tests, chromium, language="zh-CN") as lab:
        lab.page.tap("#tour-start")
        lab.until("document.querySelector('#tour').innerText.includes('连乘')")
        assert lab.page.evaluate("document.documentElement.lang") == "zh-Hans"
        text = lab.words("body")
        assert re.findall(r"\b[a-z]+\.[a-z]+(?:\.[a-z]+)*\b", text) == []  # keys that have no text
        words = set(re.findall(r"[A-Za-z]{4,}", text)) - {
            "English",
            "Xavier",
            "sigmoid",
            "tinygrad",
            "init",
            "float",
            "LeCun",
        }
        assert words <= {"tanh", "ReLU", "GELU", "PyTorch", "leaky"}, words
        lab.page.get_by_role("button", name="English").tap()
        assert "Close" in lab.words("#tour") and "关闭" not in lab.words("body")


@pytest.mark.skipif(not AXE.exists(), reason="the page's tools are not installed: npm ci --prefix lab")
def test_axe_finds_nothing(lab: SinglePage) -> None:
    lab.page.evaluate(AXE.read_text(encoding="utf-8"))
    for todo in ("#guide-act", "summary", "#tour-start"):
        for scheme in ("light", "dark"):
            lab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another
            found = lab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]] == []
        if todo == "summary":
            lab.page.tap("#layers summary")
        else:
            lab.after(lambda todo=todo: lab.page.tap(todo))  # the new pictures are there, with their names
