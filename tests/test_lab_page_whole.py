"""The Lab's page as a whole: tour, languages, links, reconnection, accessibility, small screens, files and types."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.lab_page import ROOT, Lab, fragment

PAGE = ROOT / "tinygrad_init" / "laboratory" / "page"
TOOLS = ROOT / "lab" / "node_modules"
CHINESE = re.compile("[\u4e00-\u9fff]")
PANELS = ("Histograms", "Activation", "Spectrum", "Factors", "Phase diagram", "Microscope")
SCENES = 9

needs_tools = pytest.mark.skipif(not TOOLS.is_dir(), reason="the page's tools are not installed: npm ci --prefix lab")


@pytest.mark.parametrize("language", ["English", "中文"])
def test_the_tour_sets_the_controls_and_speaks(lab: Lab, language: str) -> None:
    lab.open()
    page = lab.page
    page.get_by_role("button", name=language).click()
    configs = [lab.after(lambda: page.locator("#tour-start").click())]
    texts = [page.locator(".tour-text p").nth(1).inner_text()]
    for _ in range(SCENES - 1):
        configs.append(lab.after(lambda: page.locator("#tour-next").click()))
        texts.append(page.locator(".tour-text p").nth(1).inner_text())
    assert len(set(texts)) == SCENES and page.locator("#tour-next").is_disabled()
    assert all(bool(CHINESE.search(text)) == (language == "中文") for text in texts)
    assert all(2 <= len(re.findall(r"\.(?=\s|$)|。", text)) <= 4 for text in texts)
    assert page.locator("html").get_attribute("lang") == ("en" if language == "English" else "zh-Hans")
    assert configs[1]["starts"][0]["constant"] == 0.25 and configs[1]["variants"][0]["starts"][0]["constant"] == 2
    assert [configs[2]["activations"], *(v["activations"] for v in configs[2]["variants"])] == [
        ["sigmoid"], ["tanh"], ["relu"]
    ]  # fmt: skip
    assert configs[6]["starts"][0]["name"] == "zeros" and configs[8]["clip"] == 1
    page.locator("#tour-close").click()
    assert page.locator("#tour").is_hidden()


def test_the_scenes_show_what_they_say(lab: Lab) -> None:
    """0.25^10 and 2^10; no gradient from zeros with ReLU, one layer a step with sigmoid."""
    lab.open()
    lab.after(lambda: lab.page.locator("#tour-start").click())
    lab.after(lambda: lab.page.locator("#tour-next").click())
    ratio = [run["layers"][0]["dz"] / run["layers"][-1]["dz"] for run in lab.frame["runs"]]
    assert ratio == pytest.approx([0.25**10, 2.0**10], rel=2e-5)  # frames have six digits
    lab.after(lambda: lab.page.locator(".dot").nth(6).click())
    for step in range(4):
        relu, sigmoid = (run["layers"] for run in lab.frame["runs"])
        assert all(layer["dw"] is None for layer in relu)
        assert [layer["dw"] is not None for layer in sigmoid] == [False] * (4 - step) + [True] * (step + 1)
        lab.step(step + 1)
    lab.after(lambda: lab.page.locator(".dot").nth(5).click())
    assert {layer["distinct"] for layer in lab.frame["runs"][0]["layers"]} == {1}


def test_every_text_has_both_languages_and_every_key_a_text(lab: Lab) -> None:
    lab.open()
    strings = lab.page.evaluate("async () => (await import('/page/strings.js')).STRINGS")
    placeholders = lambda text: sorted(re.findall(r"\{\w+\}", text))  # noqa: E731
    for key, both in strings.items():
        assert len(both) == 2 and all(both), key
        assert set(placeholders(both[0])) == set(placeholders(both[1])), key
    used = {
        name
        for path in PAGE.rglob("*.js")
        if "vendor" not in path.parts
        for name in re.findall(r'\bt\("([\w.]+)"|\bt_\w+: "([\w.]+)"|\bt: "([\w.]+)"', path.read_text(encoding="utf-8"))
        for name in name
        if name
    } | set(re.findall(r'data-t(?:-\w+)?="([\w.]+)"', (PAGE / "index.html").read_text(encoding="utf-8")))
    assert used <= set(strings), used - set(strings)
    hello = next(message for message in lab.received if message["type"] == "hello")
    assert {f"option.{name}" for name in (*hello["data"], *hello["losses"], *hello["optimizers"])} <= set(strings)


def test_the_language_can_be_switched_and_numbers_stay(lab: Lab) -> None:
    lab.open()
    lab.judged()
    before = lab.page.locator(".layer-table td .number").all_inner_texts()
    lab.page.get_by_role("tab", name="Factors").click()
    lab.page.get_by_role("button", name="中文").click()
    lab.drawn()
    assert lab.page.locator(".layer-table td .number").all_inner_texts() == before
    factors = lab.page.locator("#panel-factors th[scope=row]").all_inner_texts()
    assert len(factors) > 10 and [text for text in factors if re.search("[A-Za-z]{2}", text)] == [
        "∂C/∂output", *["tanh'"] * 4
    ]  # fmt: skip
    for place in ("#controls legend, #controls summary, #controls label", ".tabs button", "#verdict dt", "#verdict dd"):
        texts = lab.page.locator(place).all_inner_texts()
        # Features and σ are formulas, which no language changes.
        texts = [text for text in texts if not re.fullmatch(r"(sin 2π)?[xy]+²?|.*σ.*|", text)]
        assert texts and all(CHINESE.search(text) for text in texts), texts
    assert lab.page.title().startswith("实验室")


def refusals() -> list[str]:
    """What the Lab's Python says to a page, with made-up values where it quotes something."""
    found = []
    for path in (PAGE.parent).glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name(id="Invalid"), args=[_, text]):
                    found.append(text)
                case ast.Call(func=ast.Attribute(attr="Error"), args=[_, _, text]):
                    found.append(text)
                case ast.Assign(targets=[ast.Name(id="message")], value=ast.JoinedStr() as text):
                    found.append(text)
    return [said for text in found if (said := as_said(text)) is not None]


def as_said(text: ast.expr) -> str | None:
    match text:
        case ast.Constant(value=str() as whole):
            return whole
        case ast.JoinedStr(values=parts):
            return "".join(as_said(part) or "" for part in parts)
        case ast.FormattedValue(value=inner):
            # Labels and names are words, everything else is a number.
            quoted = {
                "' or '.join(map(repr, parts))": "'a' or 'b'",
                "what": "items",
                "NAMES[kind]": "a text",
                "NAMES[hint]": "a whole number",
                "strange[0]": "'%'",
            }
            code = ast.unparse(inner).removeprefix("getattr")
            return quoted.get(code, "f" if re.match("[^(]*(name|label|type|error|reason)", code) else "7")
        case ast.Subscript(value=ast.JoinedStr() as whole):
            return as_said(whole)
    return None


def test_whatever_the_server_refuses_is_said_in_chinese(lab: Lab) -> None:
    lab.open()
    said = refusals()
    assert len(said) > 40
    translate = "async said => { const m = await import('/page/refusals.js'); return said.map(m.translateRefusal); }"
    for english, chinese in zip(said, lab.page.evaluate(translate, said), strict=True):
        assert chinese and CHINESE.search(chinese), english


@pytest.mark.parametrize("start", ["zeros", "constant", "small", "large", "he"])
def test_verdicts_and_answers_speak_chinese(lab: Lab, start: str) -> None:
    config = {"layers": [6] * 6, "starts": [{"name": start}], "activations": ["sigmoid"]}
    lab.open(fragment({**config, "variants": [{"label": "B", "activations": ["relu"]}]}, lang="zh"))
    lab.judged()
    assert lab.page.locator("#verdict .sentence").count() == 2 and lab.page.locator(".answers dd").count() == 5
    assert lab.page.locator("#verdict [lang=en]").all_inner_texts() == []
    # What is left of Latin letters is names: of initializers, activations, modules and quantities.
    text = " ".join(lab.page.locator("#verdict").all_inner_texts())
    words = set(re.findall(r"[A-Za-z_]{3,}", text))
    assert words <= {"rms", "relu", "ReLU", "sigmoid", "tanh", "Xavier", "LeCun", "fan_in", "fan_out"}


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


@pytest.mark.parametrize(
    "broken", ["#config=%%%", "#config=bm90IGpzb24", fragment({"layers": "many", "lr": [], "data": 3})]
)
def test_a_link_that_cannot_be_read_opens_the_page_all_the_same(lab: Lab, broken: str) -> None:
    lab.open(broken)
    assert lab.configs()[-1]["layers"] == [6, 6, 6, 6] and lab.configs()[-1]["lr"] == 0.3


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


def test_the_keyboard_reaches_tabs_layers_and_the_tour(lab: Lab) -> None:
    lab.open()
    page = lab.page
    page.get_by_role("tab", name="Histograms").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-phi" and page.locator("#panel-phi").is_visible()
    page.keyboard.press("End")
    assert page.locator("#panel-microscope").is_visible()
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
    network = lab.page.locator("svg.network").bounding_box()
    assert network and network["y"] + network["height"] < 740  # the controls above it are folded
    lab.page.locator("#tour-start").click()
    for fold in lab.page.locator("#controls .group > summary").all():
        fold.click()
    lab.after(lambda: lab.fill("layers", 30))
    lab.page.locator("#controls .group:nth-of-type(3) button").last.click()
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
    elsewhere = {"main.js", "notebook/widget.js"}  # itself, and what only notebooks have
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
def test_uplot_is_the_release_of_the_lock_file() -> None:
    names = {"uPlot.esm.js": "dist/uPlot.esm.js", "uPlot.min.css": "dist/uPlot.min.css", "LICENSE": "LICENSE",
             "uPlot.esm.d.ts": "dist/uPlot.d.ts"}  # fmt: skip
    for ours, theirs in names.items():
        assert (PAGE / "vendor" / "uplot" / ours).read_bytes() == (TOOLS / "uplot" / theirs).read_bytes(), ours
