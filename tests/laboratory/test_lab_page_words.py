"""The Lab's page in words: the tour, whose scenes must show what they say, and both languages."""

from __future__ import annotations

import itertools
import json
import math
import re
import string
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.laboratory.lab_page import ROOT, Lab, fragment
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.messages import frames
from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.frames import RunNow
from tinygrad_init.laboratory.messages.message_schema import read
from tinygrad_init.laboratory.messages.wire import encode
from tinygrad_init.words import LANGUAGES, Phrase, templates

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
    assert large.layers[0].dz > 1e4 * first.layers[0].dz
    saturated = np.mean([layer.saturated for layer in large.layers[:-1]])
    assert saturated == pytest.approx(0.4, abs=0.05)  # "four units in ten"
    falls = [math.log10(run.layers[-1].dz / run.layers[0].dz) for run in run_after(config, 0)]
    assert falls[0] > 4 and all(fall < 2 for fall in falls[1:])

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
    lab.page.locator("#layers > summary").click()
    lab.judged()
    before = lab.page.locator(".layer-table td .number").all_inner_texts()
    lab.page.get_by_role("tab", name="Factors").click()
    lab.page.get_by_role("button", name="中文").click()
    lab.drawn()
    assert [text.replace("%", " %") for text in lab.page.locator(".layer-table td .number").all_inner_texts()] == before
    factors = lab.page.locator("#panel-factors th[scope=row]").all_inner_texts()
    assert len(factors) > 10 and [text for text in factors if re.search("[A-Za-z]{2}", text)] == ["tanh'"] * 4
    for place in ("#controls legend, #controls summary, #controls label", ".tabs button", "#answers dt", "#answers dd"):
        texts = lab.page.locator(place).all_inner_texts()
        # Features and σ are formulas, which no language changes.
        texts = [text for text in texts if not re.fullmatch(r"(sin 2π)?[xy]+²?|.*σ.*|", text)]
        assert texts and all(CHINESE.search(text) for text in texts), texts
    assert lab.page.title().startswith("实验室")


def phrases() -> list[Phrase]:
    """What the library says of all kinds of networks, also of such as have diverged."""
    rng, said = np.random.default_rng(0), dict[str, Phrase]()
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
        loss = ("binary_cross_entropy_with_logits", "half_squared_error")[i % 2]
        found = tgi.diagnose(model, x.astype(np.float32), y, loss, lr=0.3, trained=i % 3 == 0)
        told = [found.verdict.why, found.verdict.phrase(), *(answer.said for answer in found.answers)]
        said |= {str(one): one for one in (*told, *(note.why for note in found.notes))}
    return list(said.values())


SAY = """async ([said, language]) => {
  const m = await import('/page/words.js');
  return said.map((one) => m.say(one, language));
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_library_says(lab: Lab, language: str) -> None:
    """Whatever it is, in either language, to the letter: also refusals, with made-up values in their places."""
    lab.open()
    said = phrases()
    assert len(said) > 200
    for key, template in templates("en").items():
        if key.startswith("refusal."):
            names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
            said.append(Phrase(key, {name: 7 if i % 2 else 1234.5 for i, name in enumerate(names)}))
    sent = [json.loads(encode(frames.said(one))) for one in said]
    for ours, theirs in zip(said, lab.page.evaluate(SAY, [sent, language]), strict=True):
        assert theirs == ours.spoken(language)
        assert language == "en" or CHINESE.search(theirs)


def test_the_page_writes_numbers_as_python_does(lab: Lab) -> None:
    lab.open()
    rng = np.random.default_rng(0)
    numbers = [*(10.0 ** rng.uniform(-12, 12, 300) * rng.choice([-1, 1], 300)), 0.0, -0.0, 0.5, 1.5, 2.5, 0.125, 0.25]
    numbers += [12.5, 1e22, 1e-5, 0.0001, 99999.5, 999.5, 9.995, 0.045, 1e300, 5e-324, 123456789.0, 100.0, 2.0**0.5]
    formats = [".1g", ".2g", ".3g", ".12g", ".0%", ".1%", "+.1f", ".1f", ".4f", ".6f", "g", ".0f", ".1e"]
    wanted = [[format(value, how) for how in formats] for value in numbers]
    write = """async ([numbers, formats]) => {
      const m = await import('/page/words.js');
      return numbers.map((value) => formats.map((how) => m.number(Number(value), how)));
    }"""
    found = lab.page.evaluate(write, [[repr(float(value)) for value in numbers], formats])
    differ = [
        (value, how, ours, theirs)
        for value, row, said in zip(numbers, wanted, found, strict=True)
        for how, ours, theirs in zip(formats, row, said, strict=True)
        if ours != theirs
    ]
    assert not differ


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_left_as_it_is(lab: Lab, language: str) -> None:
    """What has no template would be shown by its key: such as "verdict.dead"."""
    lab.open(fragment({"layers": [6] * 6, "activations": ["sigmoid"], "variants": [{"label": "B"}]}, lang=language))
    lab.judged()
    for tab in lab.page.locator(".tabs button").all():
        tab.click()
        lab.drawn()
        shown = lab.page.locator("body").inner_text()
        assert not re.findall(r"\b[a-z]{3,}\.[a-z]{3,}[.a-z]*\b(?!\()", re.sub(r"tgi\.\w+|layers\.\w+", "", shown))
    assert templates(language)["word.vanishing"] in lab.page.locator("#networks").inner_text()


@pytest.mark.parametrize("start", ["zeros", "constant", "small", "large", "he"])
def test_verdicts_and_answers_speak_chinese(lab: Lab, start: str) -> None:
    config = {"layers": [6] * 6, "starts": [{"name": start}], "activations": ["sigmoid"]}
    lab.open(fragment({**config, "variants": [{"label": "B", "activations": ["relu"]}]}, lang="zh"))
    lab.judged()
    assert lab.page.locator("#verdict .sentence").count() == 2 and lab.page.locator(".answers dd").count() == 6
    assert lab.page.locator("#verdict [lang=en]").all_inner_texts() == []
    # What is left of Latin letters is names: of initializers, activations, modules and quantities.
    text = " ".join(lab.page.locator("#verdict, #answers").all_inner_texts())
    words = set(re.findall(r"[A-Za-z_]{3,}", text))
    names = {"rms", "relu", "ReLU", "sigmoid", "tanh", "Xavier", "LeCun", "fan_in", "fan_out", "float", "bfloat"}
    assert words <= names
