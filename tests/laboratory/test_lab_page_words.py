"""The Lab's page in words: the tour, whose scenes must show what they say, and both languages."""

from __future__ import annotations

import ast
import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.laboratory.lab_page import ROOT, Lab, fragment
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.frames import RunNow
from tinygrad_init.laboratory.messages.message_schema import read

PAGE = ROOT / "tinygrad_init" / "laboratory" / "page"
CHINESE = re.compile("[\u4e00-\u9fff]")
SCENES = 9


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


def run_after(config: dict[str, Any], steps: int) -> list[RunNow]:
    """What the library makes of a config that the page has sent."""
    experiment = Experiment(read(Config, config, "config"))
    while experiment.step < steps:
        experiment.advance()
    watched = watch(experiment)
    for each in watched:
        each.diagnose(steps)
    return [each.now(steps, experiment.stride, each.look()) for each in watched]


def losses(config: dict[str, Any], steps: int) -> list[float]:
    return [run.loss for run in run_after(config, steps)]


def test_the_scenes_show_what_they_say(lab: Lab) -> None:
    lab.open()

    def scene(number: int) -> dict[str, Any]:
        return lab.after(lambda: lab.page.locator(".dot").nth(number - 1).click())

    lab.after(lambda: lab.page.locator("#tour-start").click())
    chance = math.log(2)  # the loss of a network that answers the same to everything

    scene(2)  # powers
    ratio = [run["layers"][0]["dz"] / run["layers"][-1]["dz"] for run in lab.frame["runs"]]
    assert ratio == pytest.approx([0.25**10, 2.0**10], rel=2e-5)  # frames have six digits

    config = scene(3)  # activations
    sigmoid, tanh, relu = losses(config, 300)
    assert sigmoid == pytest.approx(chance, abs=0.01) and tanh < 0.3 and relu < 0.3
    first = run_after(config, 0)[0]
    assert first.verdict and first.verdict.word == "vanishing"
    large = run_after({**config, "starts": [{"name": "normal", "sigma_w": 10}], "variants": []}, 0)[0]
    assert large.layers[0].dz > 1e4 * first.layers[0].dz and large.layers[-2].saturated > 0.5

    config = scene(4)  # too small
    small, xavier = losses(config, 300)
    assert small == pytest.approx(chance, abs=0.01) and xavier < 0.1
    z = [layer.z for layer in run_after(config, 0)[0].layers]
    assert (z[-1] / z[0]) ** (1 / 8) == pytest.approx(1 / 6, rel=0.2)

    config = scene(5)  # too large
    tanh_now, relu_now = run_after(config, 0)
    assert np.mean([layer.saturated for layer in tanh_now.layers[2:-1]]) > 0.5
    assert tanh_now.layers[0].dz > 10 * tanh_now.layers[-1].dz
    assert all(b.z > 2 * a.z for a, b in itertools.pairwise(relu_now.layers[:-1]))
    assert losses(config, 1)[1] > 1e6 * relu_now.loss

    config = scene(6)  # all the same
    same, different = run_after(config, 300)
    assert {layer.distinct for layer in same.layers} == {1}
    assert {layer.distinct for layer in different.layers[:-1]} == {6}
    assert different.loss < 0.5 * same.loss

    scene(7)  # all zero
    for step in range(5):
        relu_layers, sigmoid_layers = (run["layers"] for run in lab.frame["runs"])
        assert all(layer["dw"] is None for layer in relu_layers)
        assert [layer["dw"] is not None for layer in sigmoid_layers] == [i + step >= 4 for i in range(5)]
        drawn = lab.page.locator("svg.network").nth(1).locator("path[d]:not([d=''])").count()
        assert drawn or step == 0
        # Thick enough to be drawn: the edges' scale begins at 10^-8.
        assert all(10 ** layer["dw"] > 1e-6 for layer in sigmoid_layers if layer["dw"] is not None)
        if step < 4:
            lab.step(step + 1)

    config = scene(8)  # good starts
    tanh, he, xavier = losses(config, 300)
    assert tanh < 0.5 and he < 0.1 and xavier > 0.65
    kept, lost = (run.layers[-1].z for run in run_after(config, 0)[1:])
    assert 0.2 < kept / lost / 2 ** (16 / 2) < 5  # √2 a layer

    config = scene(9)  # clipping
    clipped = [losses(config, step)[0] for step in range(5)]
    assert all(b < a for a, b in itertools.pairwise(clipped)) and losses(config, 300)[0] < 0.1 * clipped[0]
    assert losses({**config, "clip": 0}, 3)[0] > 1e6 * clipped[0]


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
    assert [text.replace("%", " %") for text in lab.page.locator(".layer-table td .number").all_inner_texts()] == before
    factors = lab.page.locator("#panel-factors th[scope=row]").all_inner_texts()
    assert len(factors) > 10 and [text for text in factors if re.search("[A-Za-z]{2}", text)] == ["tanh'"] * 4
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


def sentences() -> list[str]:
    """What the library says of all kinds of networks, also of such as have diverged."""
    rng, said = np.random.default_rng(0), set[str]()
    for i in range(150):
        activation = ("relu", "tanh", "sigmoid", "identity", "gelu", "softplus", "selu")[i % 7]
        depth, width = int(rng.integers(0, 12)), int(rng.integers(1, 9))
        model = tgi.nn.MLP((2, *(width,) * depth, 1), activation, rng=i)
        start = ("zeros", "constant", "small", "large", "xavier", "he", "lecun", "orthogonal")[i % 8]
        tgi.initialize(model, start, rng)
        size = 10.0 ** rng.uniform(-20, 20) if i % 5 == 0 else rng.choice([0.1, 1, 1, 1, 6])
        x = rng.normal(size=(20, 2)) * rng.choice([1, 1, 1, 1, 30]) + rng.choice([0, 0, 0, 50])
        with tgi.no_grad(), np.errstate(over="ignore"):
            for parameter in model.parameters():
                parameter.copy_(parameter.numpy() * np.float32(size))
            if i % 31 == 0:
                parameter.copy_(np.full(parameter.shape, rng.choice([np.nan, np.inf]), np.float32))
        if i % 37 == 0:
            x[:] = x[0]
        if i % 41 == 0:
            x[0, 0] = np.nan
        if i % 29 == 0 and depth > 2:
            first, second = model.linears()[1:3]
            with tgi.no_grad():
                second.weight.copy_(first.weight.numpy())
        y = rng.integers(0, 2, (20, 1)).astype(np.float32)
        loss = ("binary_cross_entropy", "half_squared_error")[i % 2]
        found = tgi.diagnose(model, x.astype(np.float32), y, loss, lr=0.3, trained=i % 3 == 0)
        said |= {found.verdict.reason, *(sentence for a in found.answers for sentence in (a.question, a.sentence))}
    return sorted(said)


# Names, which are the same in any language, and formulas.
NAMES = (
    r"tgi\.[\w.]+|√|fan_in|fan_out|layers\.\d+|\.weight|LayerNorm|ReLU|He|Xavier|LeCun|NaN|nan|inf|rms|tanh|sigmoid|relu|gelu|"
    r"softplus|selu|identity|∂C/∂\w|e[+-]?\d+|[zaWCφ]\b"
)


def test_whatever_the_library_says_is_said_in_chinese(lab: Lab) -> None:
    lab.open()
    said = sentences()
    assert len(said) > 200
    translate = "async said => { const m = await import('/page/sentences.js'); return said.map(m.translateSentence); }"
    for english, chinese in zip(said, lab.page.evaluate(translate, said), strict=True):
        assert chinese and CHINESE.search(chinese), english
        assert not re.search("[A-Za-z]{2}", re.sub(NAMES, "", chinese)), (english, chinese)
        assert not re.search(r"[,;:.]($| [\u4e00-\u9fff])|[\u4e00-\u9fff][,;:.(]|[。；，：] ", chinese), chinese


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
