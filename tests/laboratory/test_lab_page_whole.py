"""The Lab's page as a whole: links, reconnection, accessibility, small screens, files and types."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.laboratory.lab_page import ROOT, Lab, fragment

PAGE = ROOT / "tinygrad_init" / "laboratory" / "page"
TOOLS = ROOT / "lab" / "node_modules"
PANELS = ("Histograms", "Activation", "Spectrum", "Factors", "Phase diagram", "Microscope")
SCENES = 9

needs_tools = pytest.mark.skipif(not TOOLS.is_dir(), reason="the page's tools are not installed: npm ci --prefix lab")


def test_a_link_is_the_whole_state_and_the_back_button_goes_back(lab: Lab) -> None:
    lab.open()
    first = lab.page.url
    lab.after(lambda: lab.pick("activations", "relu"))
    lab.after(lambda: lab.fill("seed", 5))
    lab.page.get_by_role("tab", name="Spectrum").click()
    lab.page.get_by_role("button", name="Gradients").click()
    lab.page.get_by_role("button", name="中文").click()
    saved, losses = lab.saved(), lab.frame["runs"][0]["loss"]
    assert saved["lang"] == "zh" and saved["panel"] == "spectrum" and saved["edges"] == "gradient"
    lab.received.clear()
    lab.page.reload()
    lab.settled(0)
    assert lab.configs()[-1] == saved["config"] and lab.frame["runs"][0]["loss"] == losses and lab.saved() == saved
    assert lab.page.locator("#tab-spectrum").get_attribute("aria-selected") == "true"
    assert lab.page.locator("html").get_attribute("lang") == "zh-Hans"
    while lab.saved()["config"]["activations"] != ["tanh"]:
        lab.page.go_back()
    lab.until(lambda: lab.configs()[-1]["activations"] == ["tanh"])
    assert lab.page.locator('select[data-field="activations"]').input_value() == "tanh"
    assert first.split("#")[0] == lab.page.url.split("#")[0]


def test_each_scene_of_the_tour_is_one_entry_of_the_history(lab: Lab) -> None:
    lab.open()
    lab.after(lambda: lab.page.locator("#tour-start").click())
    for _ in range(2):
        lab.after(lambda: lab.page.locator("#tour-next").click())
    scenes = []
    for _ in range(3):
        heading = lab.page.locator("#tour-heading")
        scenes.append((heading.inner_text() if heading.is_visible() else "", len(lab.saved()["config"]["layers"])))
        lab.after(lab.page.go_back)
    assert scenes == [("Sigmoid, tanh, ReLU", 10), ("0.25¹⁰ and 2¹⁰", 10), ("A gradient is a product", 4)]
    assert lab.page.locator("#tour").is_hidden()


VARIANTS = [{"label": label} for label in "BCDE"]


@pytest.mark.parametrize(
    ("link", "said", "layers"),
    [
        ("#config=%%%", "cannot be read", [6, 6, 6, 6]),
        ("#config=bm90IGpzb24", "cannot be read", [6, 6, 6, 6]),
        (fragment({"layers": "many", "lr": [], "data": 3}), "", [6, 6, 6, 6]),
        (fragment({"layers": [5], "variants": VARIANTS}), "left out: 1", [5]),
        (fragment({"layers": [5]}, tea="green"), "“tea”, which means nothing here", [5]),
        ("#preset=banishing", "“banishing”, which is not here. There are: vanishing, exploding, same", [8] * 10),
        ("#scene=tall", "“tall”, which is not here. There are: product, powers", [8] * 10),
        ("&preset=healthy", "", [12] * 30),
        ("#scene=small", "", None),
    ],
)
def test_what_of_a_link_cannot_be_followed_is_said(lab: Lab, link: str, said: str, layers: list[int] | None) -> None:
    lab.open(link)
    notice = lab.page.locator("#notices").inner_text()
    assert said in notice and bool(said) == bool(notice)
    now = lab.configs()[-1]
    assert layers is None or now["layers"] == layers
    assert len(now["variants"]) == (3 if "left out" in said else 0 if layers else 1)
    assert lab.page.locator("#tour").is_visible() == (layers is None)


FAR = {"step": 0, "run": 0, "layer": 0, "unit": 0, "input": 0, "value": 1e9}


@pytest.mark.parametrize("broken", [{"regularization_rate": -1}, {"edits": [FAR]}])
def test_a_link_that_cannot_be_run_gives_way_to_the_pages_own_and_says_so(lab: Lab, broken: dict[str, Any]) -> None:
    lab.open(fragment({"layers": [5], **broken}))
    assert lab.configs()[-1]["layers"] == [6, 6, 6, 6] and "expected" in lab.page.locator("#notices").inner_text()
    lab.step(1)


def test_what_is_refused_is_said_and_stays_out_of_the_address(lab: Lab) -> None:
    lab.open()
    lab.after(lambda: lab.pick("regularization", "l2"))
    good = lab.saved()
    lab.answer(lambda: lab.fill("regularization_rate", 101), "error")
    assert lab.page.locator("#refused").is_visible() and lab.page.locator(".error").is_visible()
    lab.answer(lambda: lab.pick("regularization", "none"), "error")  # the control is hidden now, its value still sent
    lab.drawn()
    assert "regularization_rate" in lab.page.locator("#notices").inner_text()
    assert lab.saved() == good
    lab.pick("regularization", "l2")
    lab.after(lambda: lab.fill("regularization_rate", 0.5))
    assert not lab.page.locator("#refused").count() and lab.saved()["config"]["regularization_rate"] == 0.5


def test_a_link_holds_the_step(lab: Lab) -> None:
    lab.open()
    frame = [lab.step(to) for to in (1, 2, 3)][-1]
    lab.until(lambda: lab.saved().get("step") == "3")
    lab.received.clear()
    lab.page.reload()
    lab.until(lambda: lab.frames() and lab.frame["step"] == 3)
    assert lab.frame["runs"][0]["loss"] == frame["runs"][0]["loss"]


def test_the_address_never_has_the_step_of_the_network_before(lab: Lab) -> None:
    lab.open()
    lab.step(1)
    lab.step(2)
    lab.until(lambda: lab.saved().get("step") == "2")
    lab.after(lambda: lab.fill("lr", 0.11))
    assert "step" not in lab.saved() and lab.saved()["config"]["lr"] == 0.11
    assert "step 0 · epoch 0" in lab.page.locator(".where").inner_text()


def test_the_way_to_a_distant_step_is_shown_and_can_be_ended(lab: Lab) -> None:
    lab.open()
    far = fragment({**lab.saved()["config"], "layers": [32] * 20}, step="900000")
    lab.page.goto(lab.server.url + far)
    said = lab.until(lambda: [message for message in lab.received if message["type"] == "progress"])
    assert said[0]["goal"] == 900000
    lab.until(lambda: "of 900,000" in lab.page.locator(".where").inner_text())
    frame = lab.answer(lambda: lab.page.get_by_role("button", name="Pause").click())
    assert said[0]["step"] <= frame["step"] < 900000
    assert lab.page.locator(".where").inner_text().startswith(f"step {frame['step']:,}")
    lab.step(frame["step"] + 1)


def test_a_server_that_was_killed_and_started_again_goes_on_from_the_last_step(lab: Lab) -> None:
    lab.open()
    lab.after(lambda: lab.fill("seed", 11))
    before = [lab.step(to) for to in (1, 2, 3)][-1]
    lab.server.kill()
    lab.until(lambda: lab.page.locator("#connection").count())
    lab.received.clear()
    lab.server.start()
    lab.until(lab.frames, seconds=15)
    lab.until(lambda: not lab.page.locator("#connection").count())
    lab.until(lambda: lab.frame["step"] == 3)
    assert lab.frame["runs"][0]["loss"] == before["runs"][0]["loss"]
    lab.step(4)
    lab.problems = [
        problem
        for problem in lab.problems
        if "WebSocket connection" not in problem and "ERR_CONNECTION_REFUSED" not in problem
    ]  # Chromium reports each try


def test_it_plays_on_when_the_experiment_changes(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("button", name="Play").click()
    lab.until(lambda: lab.frame["step"] > 3)
    lab.after(lambda: lab.fill("seed", 3))
    lab.until(lambda: lab.frame["playing"] and lab.frame["step"] > 3)
    lab.page.get_by_role("button", name="Pause").click()
    lab.until(lambda: not lab.frame["playing"])


def violations(lab: Lab) -> list[Any]:
    """What axe finds by the rules of WCAG 2.2 A and AA and its own best practices."""
    lab.page.wait_for_timeout(200)  # colours fade in
    found = lab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(v["id"], v["help"], [node["target"] for node in v["nodes"]][:4]) for v in found["violations"]]


@needs_tools
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(lab: Lab, scheme: str) -> None:
    lab.page.emulate_media(color_scheme=scheme)
    lab.page.add_init_script((TOOLS / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    lab.open()
    lab.page.get_by_text("Layer by layer").click()
    lab.after(lambda: lab.page.get_by_role("button", name="Copy this run").click())
    for panel in PANELS if scheme == "light" else PANELS[-2:]:
        lab.page.get_by_role("tab", name=panel).click()
        lab.until(lambda: lab.page.locator(".panel:visible canvas, .panel:visible .node, .panel:visible td").count())
        assert not violations(lab)
    lab.answer(lambda: lab.fill("lr", 5000), "error")
    lab.pick("data.name", "points")
    lab.page.locator("#tour-start").click()
    lab.page.get_by_role("button", name="中文").click()
    assert not violations(lab)


@needs_tools
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_faults_and_notes_are(lab: Lab, scheme: str) -> None:
    lab.page.emulate_media(color_scheme=scheme)
    lab.page.add_init_script((TOOLS / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    lab.open(fragment({"layers": [6] * 6, "activations": ["identity"], "starts": [{"name": "he"}]}))
    lab.until(lambda: lab.page.locator("#answers .notes dd").is_visible())
    assert lab.page.locator("#answers dd.bad").count() and not violations(lab)


def test_the_keyboard_reaches_tabs_layers_and_the_tour(lab: Lab) -> None:
    lab.open()
    page = lab.page
    page.get_by_role("tab", name="Histograms").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-phi" and page.locator("#panel-phi").is_visible()
    page.keyboard.press("End")
    assert page.locator("#panel-microscope").is_visible()
    page.locator("#layers > summary").click()
    page.locator(".layer-button").nth(2).focus()
    page.keyboard.press("Enter")
    lab.until(lambda: lab.frame["runs"][0]["detail"]["layer"] == 2)
    assert lab.sent[-1]["layer"] == 2 and page.locator(".layer-button").nth(2).get_attribute("aria-pressed") == "true"
    page.locator("#tour-start").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "tour-heading"
    outline = page.locator("#play").evaluate("e => (e.focus(), getComputedStyle(e).outlineStyle)")
    assert outline == "solid"


def test_the_link_past_the_controls_leads_there_and_changes_nothing(lab: Lab) -> None:
    lab.open()
    config = lab.after(lambda: lab.pick("activations", "relu"))
    lab.page.keyboard.press("Home")
    lab.page.evaluate("document.activeElement.blur()")
    lab.page.keyboard.press("Tab")
    assert lab.page.evaluate("document.activeElement.className") == "skip"
    lab.page.keyboard.press("Enter")
    lab.drawn()
    assert lab.page.evaluate("document.activeElement.id") == "displays"
    assert lab.saved()["config"] == config and lab.configs()[-1] == config


@pytest.mark.parametrize("language", ["English", "中文"])
def test_nothing_is_wider_than_a_phone(lab: Lab, language: str) -> None:
    lab.page.set_viewport_size({"width": 360, "height": 740})
    lab.open()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    lab.page.get_by_role("button", name=language).click()
    for width in (360, 660, 760):
        lab.page.set_viewport_size({"width": width, "height": 740})
        lab.page.locator(".menu > summary").last.click()
        lab.drawn()
        menu = lab.page.locator(".menu-items").last.bounding_box()
        assert menu and menu["x"] >= 0 and menu["x"] + menu["width"] <= width
        lab.page.keyboard.press("Escape")
    lab.page.set_viewport_size({"width": 360, "height": 740})
    chart = lab.page.locator("#depth .chart").bounding_box()
    assert chart and chart["y"] + chart["height"] < 740  # most controls above it are folded
    lab.page.locator("#tour-start").click()
    for fold in lab.page.locator("#controls .group:not(.first) > summary").all():
        fold.click()
    lab.after(lambda: lab.fill("layers", 30))
    lab.page.get_by_text("Copy this run" if language == "English" else "复制此运行").click()
    lab.until(lambda: lab.page.locator("svg.network").count() == 2)
    for name in ("histograms", "phi", "spectrum", "factors", "phase", "microscope"):
        lab.page.locator(f"#tab-{name}").click()
        lab.drawn()
        assert lab.page.evaluate(overflow) == 0, name
    lab.page.locator("#verdict").scroll_into_view_if_needed()
    play = lab.page.locator("#play").bounding_box()
    assert play and 0 <= play["y"] < 80  # wherever one looks


def test_sixty_layers_of_sixty_four_units_are_drawn(lab: Lab) -> None:
    lab.open(fragment({"layers": [64] * 60, "data": {"samples": 40}, "lr": 0.01}))
    assert lab.page.locator(".layer-table tbody tr").count() == 61
    assert lab.page.locator("#networks .units circle").count() == 2 + 60 * 64 + 1
    inked = "[...document.querySelectorAll('#networks .edges path')].filter(path => path.getAttribute('d')).length"
    assert lab.page.evaluate(inked) > 60


def test_all_modules_are_asked_for_at_once() -> None:
    listed = re.findall(r'modulepreload" href="/page/(.+?)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    # Itself, what only notebooks have, and what only the microscope waits for.
    elsewhere = {"main.js", "notebook/widget.js", "vendor/dagre/dagre.esm.js"}
    elsewhere |= {"program.js", *(f"single/{path.name}" for path in PAGE.glob("single/*.js"))}  # those of the one file
    assert listed == sorted({str(path.relative_to(PAGE)) for path in PAGE.rglob("*.js")} - elsewhere)


def test_files_of_the_page_can_be_read_in_one_sitting() -> None:
    files = [p for ext in ("js", "css", "html") for p in PAGE.rglob(f"*.{ext}") if "vendor" not in p.parts]
    lines = {p.name: p.read_text(encoding="utf-8").splitlines() for p in files}
    assert not {name: len(text) for name, text in lines.items() if len(text) > 420}
    assert not [name for name in lines for forbidden in ("innerHTML", "eval(", "http://", "https://")
                if any(forbidden in line and "w3.org" not in line for line in lines[name])]  # fmt: skip


@needs_tools
def test_the_page_is_typed() -> None:
    compiler = shutil.which("npx")
    if compiler is None:
        pytest.skip("there is no Node.js")
    done = subprocess.run(
        [compiler, "--no-install", "tsc", "-p", "tsconfig.json"],
        cwd=ROOT / "lab", capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@needs_tools
def test_vendored_files_are_those_of_the_lock_file() -> None:
    copies = {
        "uplot/uPlot.esm.js": "uplot/dist/uPlot.esm.js",
        "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
        "uplot/uPlot.esm.d.ts": "uplot/dist/uPlot.d.ts",
        "uplot/LICENSE": "uplot/LICENSE",
        "dagre/dagre.esm.js": "@dagrejs/dagre/dist/dagre.esm.js",
        "dagre/dagre.esm.js.LEGAL.txt": "@dagrejs/dagre/dist/dagre.esm.js.LEGAL.txt",
        "dagre/LICENSE": "@dagrejs/dagre/LICENSE",
    }
    for ours, theirs in copies.items():
        assert (PAGE / "vendor" / ours).read_bytes() == (TOOLS / theirs).read_bytes(), ours
