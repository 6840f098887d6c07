"""The page of a map: what stands there is what was found, and a cell opens the curves of its runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.sweeps.test_maps import made_up
from tinygrad_init.sweeps import Sweep

AXES: dict[str, Any] = {
    "depth": [2, 10, 50], "sigma_w": [0.5, 1.0, 2.0], "activation": "tanh", "seed": [0, 1], "rate": [0.1, 0.2],
}  # fmt: skip


def swept(**axes: Any) -> Sweep:
    """Made-up runs with curves, verdicts, and one loss that is not finite."""
    found = made_up(lambda row: row["depth"] <= 10, **(AXES | axes))
    for i, row in enumerate(found.rows):
        falls = 0.5 if row["trained"] else 0.99
        row |= {"verdict": "healthy" if row["depth"] == 2 else "vanishing", "guess": 0.7, "loss_steps": [1, 5, 9, 13]}
        row |= {"losses": [falls**k for k in range(4)], "why": f"</script> & run {i}"}
    found.rows[0]["losses"][2:] = [1e30, None]
    return found


def test_a_page_has_each_cell_and_run_and_is_whole_in_itself() -> None:
    found = swept()
    text = found.to_html("depth", "sigma_w")
    assert text.count("</script>") == 2 and not re.search(r"\b(src|href)=|https?:(?!//www\.w3\.org/2000/svg)", text)
    labels = re.findall(r'aria-label="(depth [^"]*)"', text)
    assert sorted(labels) == sorted(
        f"depth {depth}, sigma_w {sigma_w}: {100 if depth < 50 else 0} % of 4 runs trained"
        for depth in (2, 10, 50)
        for sigma_w in (0.5, 1, 2)
    )
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)[0])
    assert data["settings"] == ["depth", "sigma_w", "rate", "seed"] and len(data["cells"]) == 9
    assert Counter(len(runs) for runs in data["cells"].values()) == {4: 9}
    known = {tuple(run["settings"]): run for run in data["runs"]}
    for row in found.rows:
        run = known[tuple(f"{row[name]:.4g}" for name in data["settings"])]
        assert data["steps"][run["steps"]] == row["loss_steps"] and run["why"] == row["why"]
        assert run["losses"] == [loss if loss is None else pytest.approx(loss, rel=1e-3) for loss in row["losses"]]
    assert "<td>healthy</td><td>12 trained</td>" in text and "<td>vanishing</td><td>12 trained, 12 slow</td>" in text


def test_the_lines_of_theory_lie_where_the_cells_are() -> None:
    """Cells are as wide as each other, whatever the values: σ_w = 1 is in the middle of the second of three."""
    found = swept()
    drawn = found.map("depth", "sigma_w")
    assert drawn.edge == pytest.approx(1)
    assert 'class="edge" vector-effect="non-scaling-stroke" points="0.000,1.500 3.000,1.500"' in found.to_html(
        "depth", "sigma_w"
    )
    turned = re.findall(r'class="edge"[^>]*points="([^"]*)"', found.to_html("sigma_w", "depth"))
    assert turned == ["1.500,3.000 1.500,0.000"]
    starts = made_up(lambda row: True, depth=[2, 10], seed=[0, 1])  # Xavier's with ReLU: 8.7 layers for each seed
    assert starts.to_html("depth", "seed").count('class="depth"') == 2


def test_of_many_runs_some_are_kept() -> None:
    text = swept(seed=range(60), sigma_w=1.0).to_html("depth", "rate")
    data = json.loads(re.findall(r'id="data">(.*?)</script>', text)[0])
    assert {len(runs) for runs in data["cells"].values()} == {60}
    text = swept(seed=range(200), sigma_w=1.0).to_html("depth", "activation")
    data = json.loads(re.findall(r'id="data">(.*?)</script>', text)[0])
    assert {len(runs) for runs in data["cells"].values()} == {100} and 'data-runs="400"' in text


@pytest.mark.parametrize("width", [1200, 360])
def test_a_cell_opens_its_curves_by_click_and_by_keyboard(browser: Any, width: int) -> None:
    page = browser(swept().to_html("depth", "sigma_w"))
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out on a phone
    page.click("[aria-label='depth 50, sigma_w 1: 0 % of 4 runs trained']")
    assert page.locator(".chart path[d]").count() == 4 and page.locator(".chart path.slow").count() == 4
    assert page.inner_text("#chosen") == "depth 50, sigma_w 1: 0 % of 4 runs trained"
    assert page.locator(".map [aria-pressed=true]").count() == 1
    page.focus("[aria-label='depth 50, sigma_w 1: 0 % of 4 runs trained']")
    for key in ("ArrowLeft", "ArrowDown", "ArrowLeft", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    assert page.inner_text("#chosen") == "depth 2, sigma_w 0.5: 100 % of 4 runs trained"
    rows = page.locator(".runs tbody tr")
    assert rows.nth(0).locator("td").all_inner_texts()[1:] == [
        "2", "0.5", "0.1", "0", "healthy", "trained", "</script> & run 0",
    ]  # fmt: skip
    # The curve ends where it is no longer finite: three points of four.
    assert [len(re.findall("[ML]", path.get_attribute("d"))) for path in page.locator(".chart path").all()] == [
        3,
        4,
        4,
        4,
    ]
    rows.nth(1).locator("button").click()
    assert page.locator(".chart.some path.lit").get_attribute("data-run") == "1"
    assert page.locator("#curves table").nth(1).inner_text().split() == [
        *["verdict", "at", "the", "start", "outcome", "healthy", "4", "trained"]
    ]
