"""Drawing and stepping: everything is there, nothing lies on anything else, and it needs nothing from outside."""

from __future__ import annotations

import builtins
import itertools
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.inside.drawing import HIGH, WIDE

from ..strategies import seeds
from .graphs import network, programs, run

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> dict[int, tuple[float, float]]:
    """Where the boxes are, by the numbers of their steps."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if "data-step" in group.attrib:
            x, y = re.findall(r"-?[\d.]+", group.attrib["transform"])
            found[int(group.attrib["data-step"])] = float(x), float(y)
    return found


def arrows(svg: str) -> set[tuple[int, int]]:
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return {(int(g.attrib["data-from"]), int(g.attrib["data-to"])) for g in groups if "data-from" in g.attrib}


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (2, 2)]))
def test_every_step_has_a_box_of_its_own_below_what_it_was_made_from(
    program: list[Any], seed: int, shape: tuple[int, ...]
) -> None:
    with tgi.inspecting():
        end, _ = run(program, seed, shape)
    tape = tgi.tape(end)
    svg = tape.to_svg()
    places = boxes(svg)
    assert sorted(places) == [step.number for step in tape]
    for (x, y), (u, v) in itertools.combinations(places.values(), 2):
        assert abs(x - u) >= WIDE or abs(y - v) >= HIGH
    for step in tape:
        for number in step.inputs:
            assert places[number][1] + HIGH < places[step.number][1]
    assert arrows(svg) == {(number, step.number) for step in tape for number in step.inputs}


@given(program=programs, seed=seeds)
def test_arrows_pass_no_box(program: list[Any], seed: int) -> None:
    """Where an arrow goes straight through a layer, no box of that layer is there."""
    end, _ = run(program, seed, ())
    svg = tgi.tape(end).to_svg()
    places = list(boxes(svg).values())
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        for x, top, bottom in re.findall(r"(-?[\d.]+) (-?[\d.]+)V(-?[\d.]+)", path.attrib["d"]):
            for u, v in places:
                assert not (abs(float(x) - u) < WIDE / 2 and float(top) < v < float(bottom))


def test_what_a_box_says() -> None:
    x = tgi.tensor(2.0, "float64", requires_grad=True, name="x<1>")
    svg = tgi.tape(tgi.exp(x) * 3.0).to_svg()
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert texts[:3] == ["x<1>", "2", f"∂ {3 * np.exp(2):.4g}"]
    assert "x2 = exp(x<1>)" in texts


@pytest.mark.parametrize("most", [5, 20, 60])
def test_what_there_is_no_room_for_is_one_box_that_says_so(most: int) -> None:
    x = tgi.tensor(1.0, "float64", requires_grad=True, name="x")
    y = x
    for _ in range(60):
        y = tgi.sin(y) + 0.1 * x
    tape = tgi.tape(y)
    svg = tape.to_svg(most)
    places = boxes(svg)
    assert len(places) == most
    assert {1, 2, len(tape)} <= set(places) or most == 5
    assert f"… {len(tape) - most + 1} more steps" in svg
    for a, b in arrows(svg):
        assert a in places
        assert b in places
        assert a != b
    assert boxes(tape.to_svg(1000)).keys() == {step.number for step in tape}
    with pytest.raises(ValueError, match="at least 5 boxes, got 4"):
        tape.to_svg(4)


def test_frames_go_forward_and_back() -> None:
    with tgi.inspecting():
        x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
        y = x * x + 3.0 * x
    y.name = "y"
    tape = tgi.tape(y)
    frames = tape.frames()
    assert [(frame.phase, frame.number) for frame in frames] == [
        *(("forward", n) for n in (1, 2, 3, 4, 5)), *(("backward", n) for n in (5, 4, 2, 1)),
    ]  # fmt: skip
    assert frames[1].text == "x2 = x·x = 2 · 2 = 4"
    assert frames[1].known == {1, 2}
    assert frames[5].text == "Backward starts: ∂y/∂y = 1. x2 gets 1 (by 1); x4 gets 1 (by 1)."
    assert [frame.cotangents.get(1) for frame in frames[5:]] == [None, 3.0, 7.0, 7.0]
    assert frames[-1].text == "All that uses x has been visited: ∂y/∂x = 7. A leaf: this is its gradient."


@given(program=programs, seed=seeds, shape=st.sampled_from([(), (3,)]))
def test_the_last_frame_knows_all_cotangents(program: list[Any], seed: int, shape: tuple[int, ...]) -> None:
    with tgi.inspecting():
        end, _ = run(program, seed, shape)
    tape = tgi.tape(end)
    last = tape.frames()[-1]
    for step in tape:
        if step.cotangent is not None:
            assert last.cotangents[step.number].tobytes() == step.cotangent.tobytes()


def test_without_cotangents_there_is_no_way_back() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    assert {frame.phase for frame in tgi.tape(x * x).frames()} == {"forward"}


def test_stepping_at_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
    tape = tgi.tape(tgi.exp(x))
    keys = iter(["n", "", "n", "n", "p", "q"])
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return next(keys)

    monkeypatch.setattr(builtins, "input", answer)
    tape.step_through()
    assert [prompt.split("]")[0] for prompt in prompts] == ["[1/4", "[2/4", "[3/4", "[4/4", "[4/4", "[3/4"]
    out = capsys.readouterr().out
    assert "forward: x2 = exp(x) = exp(2) = 7.389" in out
    assert "▲   1  x" in out

    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", end)
    tape.step_through()


def test_the_page_is_complete_in_itself() -> None:
    loss, _ = network()
    tape = tgi.tape(loss)
    page = tape.to_html()
    outside = re.findall(r"(?:src|href)\s*=|url\(|@import|https?://[^\"'\s<]+", page)
    assert set(outside) == {"http://www.w3.org/2000/svg"}
    assert not re.search("%[A-Z]+%", page)
    inside = tape._repr_html_()
    assert inside.startswith("<iframe srcdoc=") and inside.count("<") == 2
    assert tape._repr_svg_() == tape.to_svg()
    assert repr(tape) == "<tape of 14 steps to C; print() shows it>"


def test_names_cannot_end_the_script() -> None:
    x = tgi.tensor(2.0, requires_grad=True, name="</script><b>")
    page = tgi.tape(x * x).to_html()
    assert page.count("</script>") == 2
    assert "<b>" not in page


def test_the_page_steps_forward_and_back(browser: Any) -> None:
    with tgi.inspecting():
        x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
        y = x * x + 3.0 * x
    y.name = "y"
    tape = tgi.tape(y)
    frames = tape.frames()
    page = browser(tape.to_html())

    def told() -> str:
        return re.sub(r"^(forward|backward)\s+", "", page.inner_text("#text"))

    for frame in frames:
        assert told() == frame.text
        assert page.get_attribute("g.now", "data-step") == str(frame.number)
        page.click("#next") if frame is not frames[-1] else None
    assert page.is_disabled("#next")
    assert page.text_content("g[data-step='1'] .back") == "∂ 7"
    page.keyboard.press("ArrowLeft")
    assert told() == frames[-2].text
    page.click("#first")
    assert page.text_content("g[data-step='1'] .back") == ""
    assert page.text_content("g[data-step='5'] .value") == ""
    page.fill("#at", "6")
    assert told() == frames[6].text


def test_it_steps_inside_a_notebook_s_output(browser: Any) -> None:
    x = tgi.tensor(2.0, "float64", requires_grad=True, name="x")
    tape = tgi.tape(tgi.exp(x))
    frame = browser(f"<body>{tape._repr_html_()}</body>").frame_locator("iframe")
    frame.locator("#last").click()
    assert frame.locator("#count").inner_text() == "4 of 4"
