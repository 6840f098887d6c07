"""Maps: what is counted, and what theory says of the same network elsewhere in the library."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tests.sweeps.test_sweep import plan_of
from tinygrad_init.nn.stacks import stack
from tinygrad_init.sweeps import Range, Sweep, running
from tinygrad_init.sweeps.maps import SIGMA_W


def made_up(trains: Any, random: int | None = None, **axes: Any) -> Sweep:
    """A sweep of runs that train as a function of their settings says."""
    plan = plan_of(random, **axes)
    rows = {name: running.failed(name, task, "") | {"outcome": "slow"} for name, task in plan.runs().items()}
    for row in rows.values():
        if trains(row):
            row |= {"trained": True, "outcome": "trained"}
    return Sweep(Path("made_up"), plan, rows)


def test_a_map_counts_and_averages() -> None:
    found = made_up(lambda row: row["seed"] < row["depth"] / row["width"], depth=[3, 1], width=[1, 2], seed=[0, 1, 2])
    drawn = found.map("depth", "width")
    assert (drawn.xs, drawn.ys) == ((1, 3), (1, 2)) and (drawn.count == 3).all()
    np.testing.assert_array_equal(drawn.share, [[1 / 3, 1], [1 / 3, 2 / 3]])
    turned = found.map("width", "depth")
    np.testing.assert_array_equal(turned.share, drawn.share.T)
    with pytest.raises(ValueError, match="two different axes"):
        found.map("depth", "Depth")
    with pytest.raises(ValueError, match="did you mean 'width'"):
        found.map("depth", "widht")
    with pytest.raises(ValueError, match="no finished run has both depth and sigma_w"):
        found.map("depth", "sigma_w")


def test_many_values_are_put_into_bins() -> None:
    axes = {"depth": Range(1, 100, log=True), "rate": Range(1e-3, 1, log=True)}
    found = made_up(lambda row: row["rate"] < 0.03, 500, **axes).map("depth", "rate")
    assert len(found.xs) == len(found.ys) == 12 and found.count.sum() == 500
    shares = np.nanmean(found.share, axis=1)
    assert (shares[:5] == 1).all() and (shares[7:] == 0).all()  # the border lies in the middle


def test_theory_is_that_of_the_rest_of_the_library() -> None:
    axes = {"depth": [2, 10, 50], "sigma_w": [0.5, 1.0, 2.0], "activation": "tanh", "sigma_b": 0.3}
    drawn = made_up(lambda row: row["depth"] <= 10, **axes).map("depth", "sigma_w")
    expected = [tgi.theory.MeanField("tanh", sigma_w, 0.3).trainable_depth for sigma_w in (0.5, 1.0, 2.0)]
    assert drawn.depth is not None and drawn.depth.tolist() == expected
    assert drawn.edge == tgi.theory.edge_of_chaos("tanh", 0.3).sigma_w  # type: ignore[union-attr]
    assert drawn.curve is not None and drawn.curve[1][0] == 0.5 and drawn.curve[1][-1] == 2.0
    assert drawn.curve[0][0] == pytest.approx(expected[0]) and drawn.curve[0].max() > 100
    assert drawn.measured_depth == pytest.approx(np.full(3, math.sqrt(500)))
    for other in ({"normalization": "batch"}, {"residual": True}, {"activation": ["tanh", "relu"]}):
        nothing = made_up(lambda row: True, **(axes | other)).map("depth", "sigma_w")
        assert nothing.depth is None and nothing.curve is None and math.isnan(nothing.edge)
    assert made_up(lambda row: True, **axes).map("sigma_w", "seed").edge == drawn.edge


@pytest.mark.parametrize(
    ("trained", "depth"),
    [((1, 1, 1), math.inf), ((0, 1, 1), math.nan), ((1, 0, 1), math.sqrt(20)), ((1, 1, 0), 1e2**0.5 * 5**0.5)],
)
def test_measured_depths(trained: tuple[int, ...], depth: float) -> None:
    known = dict(zip((2, 10, 50), trained, strict=True))
    found = made_up(lambda row: known[row["depth"]], depth=[2, 10, 50], seed=[0, 1])
    for drawn in (found.map("depth", "seed"), found.map("seed", "depth")):
        assert drawn.measured_depth == pytest.approx(np.full(2, depth), nan_ok=True)
    assert (
        found.map("seed", "depth").x == "seed"
        and made_up(lambda row: 1, rate=[1, 2], seed=[1, 2]).map("rate", "seed").measured_depth is None
    )


@pytest.mark.parametrize("start", list(SIGMA_W))
def test_starts_have_the_scale_that_maps_take_them_to_have(start: str) -> None:
    model = stack([300, 300, 300], ["relu"], dtype="float64")
    running.fill(model, {"start": start, "seed": 0, "sigma_w": None, "sigma_b": 0.0})
    weight = model[0].weight.numpy()
    # 90000 weights: their standard deviation is known to 1 % with four deviations to spare.
    assert weight.std() * math.sqrt(300) == pytest.approx(SIGMA_W[start], rel=0.01)


def test_xavier_and_he_at_thirty_layers_of_relu() -> None:
    """χ is 1/2 and 1: 6 ξ_c is 8.66 layers, and no limit."""
    found = made_up(lambda row: row["start"] == "he", start=["xavier", "he"], depth=[2, 30], activation="relu")
    drawn = found.map("depth", "start")
    assert drawn.ys == ("xavier", "he") and drawn.depth is not None
    assert drawn.depth[0] == pytest.approx(6 / math.log(2)) and drawn.depth[1] == math.inf


def test_verdicts_are_counted_against_outcomes() -> None:
    found = made_up(lambda row: row["depth"] == 1, depth=[1, 2, 3])
    for row, verdict in zip(found.rows, ("healthy", "vanishing", "healthy"), strict=True):
        row["verdict"] = verdict
    assert found.verdicts() == {"healthy": Counter(trained=1, slow=1), "vanishing": Counter(slow=1)}
    assert [*found.verdicts()] == ["healthy", "vanishing"] and found.trained == 1


@pytest.mark.parametrize(
    ("axes", "x", "y", "legend"),
    [
        ({"depth": [2, 10, 50], "sigma_w": [0.5, 1.0, 2.0], "activation": "tanh"}, "depth", "sigma_w", 2),
        ({"depth": [2, 10, 50], "sigma_w": [0.5, 1.0, 2.0], "activation": "tanh"}, "sigma_w", "depth", 2),
        ({"depth": [2, 10], "start": ["xavier", "he"]}, "depth", "start", 1),
        ({"depth": [2, 10], "start": ["xavier", "he"]}, "start", "depth", 1),
        ({"depth": [2, 10], "rate": [0.01, 0.1, 1]}, "depth", "rate", 1),
        ({"residual": [True, False], "rate": [0.1]}, "residual", "rate", 0),
    ],
)
def test_a_figure_shows_the_shares_and_the_curve(axes: dict[str, Any], x: str, y: str, legend: int) -> None:
    pytest.importorskip("matplotlib")
    found = made_up(lambda row: row["depth"] < 5, **axes)
    drawn = found.plot(x, y)
    ax = drawn.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x, y)
    np.testing.assert_array_equal(ax.collections[0].get_array(), found.map(x, y).share)
    assert len(ax.get_legend_handles_labels()[1]) == legend
    drawn.canvas.draw()
