"""The Lab's page for somebody who has never seen it: five tasks in a few actions each, from the opening screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.laboratory.lab_page import Lab

SIZES = {"desktop": (1440, 900), "laptop": (1280, 720), "phone": (390, 844)}
MOST_ACTIONS = 5


class User:
    """Somebody who uses the opened page, and whose actions are counted."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page, self.actions = lab, lab.page, 0

    def does(self, action: Callable[[], Any]) -> None:
        self.actions += 1
        assert self.actions <= MOST_ACTIONS
        action()

    def changes(self, action: Callable[[], Any]) -> None:
        self.does(lambda: self.lab.after(action))


@pytest.fixture
def user(lab: Lab, request: pytest.FixtureRequest) -> User:
    size = getattr(request, "param", None)
    if size:
        lab.page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    lab.open("")
    lab.judged()
    return User(lab)


def gradients(lab: Lab, run: int = 0) -> list[float]:
    return [layer["dz"] for layer in lab.frame["runs"][run]["layers"]]


def in_sight(lab: Lab, selector: str) -> bool:
    """Whether all of an element is on the screen, and nothing stands on its middle."""
    return bool(
        lab.page.locator(selector).first.evaluate("""e => {
      const { left, top, right, bottom } = e.getBoundingClientRect();
      const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      const inside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
      return inside && right > left && at !== null && (e.contains(at) || at.contains(e));
    }""")
    )


NIGHTLY = pytest.mark.nightly  # other sizes and other experiments of what is tested with every change


@pytest.mark.parametrize(
    "user", ["laptop", *(pytest.param(n, marks=NIGHTLY) for n in ("desktop", "phone"))], indirect=True
)
def test_a_gradient_vanishes_and_comes_back(user: User) -> None:
    lab = user.lab
    # Task 1, without an action: that it vanishes is seen, and said.
    first, *_, last = gradients(lab)
    assert last / first == pytest.approx(3.6e6 * 8**0.5, rel=0.02)  # rms; of eight units and one the norm
    assert all("by a factor of 3.6·10⁶" in lab.page.locator(said).inner_text() for said in ("#guide", "#verdict"))
    ratios = [a / b for a, b in zip(gradients(lab), gradients(lab)[1:], strict=False)]
    assert sum(ratio < 0.25 for ratio in ratios) > 0.6 * len(ratios)  # "most layers"
    assert "vanishing" in lab.page.locator("#verdict").inner_text()
    words = lab.page.locator("#depth .chart").get_attribute("aria-label") or ""
    assert "10⁻⁸" in words
    needed = ["#guide-act", ".guide-see", "#depth .chart", 'select[data-field="activations"]',
              'select[data-field="starts.name"]', 'input[data-field="lr"]']  # fmt: skip
    assert [one for one in needed if not in_sight(lab, one)] == []
    # Task 2: it comes back.
    user.changes(lambda: lab.page.locator("#guide-act").click())
    assert lab.configs()[-1]["activations"] == ["tanh"]
    assert gradients(lab)[-1] / gradients(lab)[0] < 10  # "nearly level"
    lab.judged()
    assert "healthy" in lab.page.locator("#verdict").inner_text()
    assert "back" in lab.page.locator(".guide-see").inner_text() and lab.page.locator("#guide-act").is_hidden()
    loss = lab.frame["runs"][0]["loss"]
    lab.page.locator("#speed").select_option("50")
    user.does(lambda: lab.page.locator("#play").click())
    lab.until(lambda: lab.frame["runs"][0]["loss"] < loss - 0.1)  # "watch the loss fall"


def test_a_dead_unit_is_found(user: User) -> None:
    lab = user.lab
    user.changes(lambda: lab.page.get_by_role("button", name="Dead").click())
    dead = lab.frame["runs"][0]["layers"][2]["dead_units"]
    crosses = lab.page.locator(".network-dead").get_attribute("d") or ""
    everywhere = sum(len(layer["dead_units"]) for layer in lab.frame["runs"][0]["layers"])
    assert len(dead) >= 3 and crosses.count("M") == everywhere
    lab.page.locator("svg.network").scroll_into_view_if_needed()
    circle = lab.page.locator("#networks .units circle").nth(2 + 8 + 8 + dead[0])
    box = circle.bounding_box()
    assert box
    user.does(lambda: lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    card = lab.page.locator(".probe")
    lab.until(card.is_visible)
    assert f"Layer 3, unit {dead[0] + 1}" in card.inner_text() and "dead" in card.inner_text()
    user.changes(lambda: lab.page.locator("#guide-act").click())
    assert not any(layer["dead_units"] for layer in lab.frame["runs"][0]["layers"])


def test_clipping_on_and_off_are_compared(user: User) -> None:
    lab = user.lab
    user.changes(lambda: lab.page.get_by_role("button", name="Exploding").click())
    user.changes(lambda: lab.page.get_by_role("button", name="Copy this run").click())
    user.changes(lambda: lab.pick("variants.0", "clip"))
    assert lab.configs()[-1]["clip"] == 0 and lab.configs()[-1]["variants"][0]["clip"] == 1
    names = lab.page.locator("#depth .run-name").all_inner_texts()
    assert names == ["A · not clipped", "B · clipped at 1"]
    for to in (1, 2):
        user.does(lambda to=to: lab.step(to))
    off, on = (run["loss"] for run in lab.frame["runs"])
    assert off is None or off > 1e3 * on


def test_a_class_is_shown_something(user: User) -> None:
    """On a projector: large, without controls; and the link does the same for everybody."""
    lab = user.lab
    size = lambda: float(  # noqa: E731
        lab.page.locator(".guide-see").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    )
    before = size()
    user.does(lambda: lab.page.get_by_text("View", exact=True).click())
    user.does(lambda: lab.page.get_by_label("large, for a projector").check())
    user.does(lambda: lab.page.get_by_label("hide the controls").check())
    assert size() > 1.3 * before and lab.page.locator("#controls").is_hidden()
    least = lab.page.evaluate("""() => Math.min(...[...document.querySelectorAll("main *")]
      .filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
      .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
    assert least >= 13
    url = lab.page.url
    assert "plain=1" in url and "large=1" in url
    lab.received.clear()
    lab.page.goto("about:blank")
    lab.page.goto(url)
    lab.settled(0)
    assert lab.page.locator("#controls").is_hidden() and size() > 1.3 * before


OTHERS = ["Exploding", "All the same", "Dead", "Deep and healthy"]


@pytest.mark.parametrize("name", ["The article's experiment", *(pytest.param(name, marks=NIGHTLY) for name in OTHERS)])
def test_each_experiment_by_name_shows_what_it_says_before_and_after(user: User, name: str) -> None:
    lab = user.lab
    lab.after(lambda: lab.page.get_by_role("button", name=name).click())
    lab.judged()
    before = lab.frame["runs"]
    lab.after(lambda: lab.page.locator("#guide-act").click())
    lab.judged()
    after = lab.frame["runs"]
    dz = lambda run: [layer["dz"] for layer in run["layers"]]  # noqa: E731
    if name == "Exploding":
        assert dz(before[0])[0] > 1e3 * dz(before[0])[-1] and before[0]["layers"][-1]["z"] > 1e2
        assert 0.03 < dz(after[0])[0] / dz(after[0])[-1] < 30
    elif name == "All the same":
        assert {layer["distinct"] for layer in before[0]["layers"]} == {1}
        assert [layer["distinct"] for layer in after[0]["layers"]] == [6, 6, 6, 1]
    elif name == "Dead":
        assert before[0]["layers"][2]["dead_units"] and not after[0]["layers"][2]["dead_units"]
    elif name == "Deep and healthy":
        assert len(before[0]["layers"]) == 31
        assert all(0.05 < layer[key] < 10 for layer in before[0]["layers"][:-1] for key in ("dz", "z"))
        assert dz(after[0])[0] < 6e-8  # what float16 can hold
    else:
        sigmoid, tanh, relu = (dz(run)[0] / dz(run)[-1] for run in before)
        assert sigmoid < 0.01 and tanh > 0.1 and relu > 0.05
        assert dz(after[0])[0] / dz(after[0])[-1] > 3 * sigmoid
    text = lab.page.locator(".guide-see").inner_text()
    lab.page.get_by_role("button", name="中文").click()
    assert re.search("[\u4e00-\u9fff]", lab.page.locator(".guide-see").inner_text())
    assert not re.search("[\u4e00-\u9fff]", text)


OPENING = {
    "desktop": {},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "dark": {"color_scheme": "dark"},
    "chinese": {"locale": "zh-CN"},
}


@pytest.mark.parametrize(
    "how", ["phone", "chinese", *(pytest.param(how, marks=NIGHTLY) for how in ("desktop", "dark"))]
)
def test_the_opening_screen_is_whole(lab: Lab, how: str) -> None:
    """Kept as pictures in build/screenshots, to be looked at."""
    page = lab.page
    if "viewport" in OPENING[how]:
        page.set_viewport_size(OPENING[how]["viewport"])
    page.emulate_media(color_scheme=OPENING[how].get("color_scheme", "light"))
    lab.open("#lang=zh" if how == "chinese" else "")
    lab.judged()
    assert page.locator(".guide-see").is_visible() and page.locator("#verdict .sentence").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    chinese = re.search("[一-鿿]", page.locator("main").inner_text())
    assert bool(chinese) == (how == "chinese")


def test_symbols_explain_themselves_on_hover_focus_and_tap(user: User) -> None:
    lab = user.lab
    shown = lambda: lab.page.locator(".tip:visible").all_inner_texts()  # noqa: E731
    button = lab.page.get_by_role("button", name="Spread of the biases, σ_b")
    assert not shown()
    button.hover()
    assert "Standard deviation" in shown()[0]
    tip = lab.page.locator(".tip:visible").bounding_box()
    assert tip and tip["x"] >= 0 and tip["x"] + tip["width"] <= 1400
    lab.page.mouse.move(700, 60)
    assert not shown()
    button.focus()
    assert "Standard deviation" in shown()[0]
    lab.page.keyboard.press("Escape")
    assert not shown()


def test_the_chart_and_the_strip_lead_to_a_layer_and_a_step(user: User) -> None:
    lab = user.lab
    for to in (1, 2, 3):
        lab.step(to)
    lab.page.locator("#depth .chart").scroll_into_view_if_needed()
    over = lab.page.locator("#depth .u-over").bounding_box()
    assert over
    at = lambda layer: over["x"] + over["width"] * (layer - 0.5) / 11  # noqa: E731
    lab.page.mouse.click(at(4), over["y"] + 20)
    lab.until(lambda: lab.sent[-1] == {"type": "select", "run": 0, "layer": 3, "unit": None, "input": None})
    strip = lab.page.locator("canvas.strip")
    box = strip.bounding_box()
    assert box and box["x"] == pytest.approx(at(0.5), abs=3)  # columns stand below their layers
    assert box["x"] + box["width"] == pytest.approx(at(11.5), abs=3)
    strip.click(position={"x": box["width"] * 7.5 / 11, "y": box["height"] * 0.5})
    lab.until(lambda: lab.frame["step"] == 1)
    lab.until(lambda: any(m["type"] == "select" and m["layer"] == 7 for m in lab.sent[-3:]))
    assert "step 0 to 3" in (strip.get_attribute("aria-label") or "")
    strip.focus()
    lab.page.keyboard.press("ArrowDown")
    lab.until(lambda: lab.frame["step"] == 2)
