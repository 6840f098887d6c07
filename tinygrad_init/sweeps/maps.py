"""Maps: the share of runs that train over two axes, beside what mean-field theory expects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diagnosis.showing.drawing import require
from ..naming import known_name
from ..theory import MeanField, edge_of_chaos
from .axes import AXES, NORMAL
from .running import Row

Array = np.ndarray[Any, Any]

BINS = 12  # of an axis with more values than that, such as of a random design
# σ_w of starts whose variance is a multiple of 1/fan_in, in layers as wide as what they get.
SIGMA_W = {
    **dict.fromkeys(("lecun", "lecun_uniform", "lecun_truncated"), 1.0),
    **dict.fromkeys(("xavier", "xavier_uniform", "xavier_truncated"), 1.0),
    **dict.fromkeys(("he", "he_uniform", "he_truncated", "he_fan_out"), math.sqrt(2.0)),
    "small": 0.1,
    "large": 10.0,
    "torch": math.sqrt(1.0 / 3.0),
}
FINE = 200  # points of a curve
ENDLESS = 1e6  # layers: a depth that theory sets no limit to is drawn beyond the map


@dataclass(frozen=True)
class Map:
    """Trainability over two axes.

    Attributes
    ----------
    x, y
        The names of the axes.
    xs, ys
        Their values, or the middles of bins of many values, in order.
    share
        Of the runs at each place those that have trained, of shape (ys, xs); NaN where there are none.
    count
        How many runs there are.
    depth
        Where one axis is the depth: for each value of the other axis 6 ξ_c, as deep as networks are expected to train
        (Schoenholz et al. 2017), infinite at the edge of chaos, NaN where theory does not say; else None.
    curve
        Depths and σ_w of that on a finer grid, where the other axis is σ_w; else None.
    edge
        σ_w of the edge of chaos where one axis is σ_w, else NaN.
    """

    x: str
    y: str
    xs: tuple[Any, ...]
    ys: tuple[Any, ...]
    share: Array
    count: Array
    depth: Array | None
    curve: tuple[Array, Array] | None
    edge: float

    @property
    def measured_depth(self) -> Array | None:
        """For each value of the axis that is not the depth, how deep networks were that trained in half of the runs.

        The geometric middle between the deepest that did and the next that did not; infinite where all did, NaN where
        none did. Depths beyond a gap do not count.
        """
        if "depth" not in (self.x, self.y):
            return None
        share, depths = (self.share, self.xs) if self.x == "depth" else (self.share.T, self.ys)
        found = []
        for row in share:
            many = next((i for i, part in enumerate(row) if not part >= 0.5), len(row))
            inside = 0 < many < len(row)
            found.append(math.sqrt(depths[many - 1] * depths[many]) if inside else math.inf if many else math.nan)
        return np.array(found)


def map_of(finished: Sequence[Row], x: str, y: str) -> Map:
    """See `Sweep.map`."""
    try:
        x, y = (known_name("an axis of a sweep", name, AXES) for name in (x, y))
    except TypeError as error:
        raise ValueError(str(error)) from None
    if x == y:
        raise ValueError(f"expected two different axes of a map, got {x!r} twice")
    rows, (xs, of_x), (ys, of_y) = placed(finished, x, y)
    count = np.zeros((len(ys), len(xs)), int)
    trained = np.zeros_like(count)
    for i, j, row in zip(of_y, of_x, rows, strict=True):
        count[i, j] += 1
        trained[i, j] += row["trained"]
    with np.errstate(invalid="ignore"):
        share = np.where(count > 0, trained / count, np.nan)
    return Map(x, y, xs, ys, share, count, *expected(rows, x, y, xs, ys))


def placed(
    finished: Sequence[Row], x: str, y: str
) -> tuple[list[Row], tuple[tuple[Any, ...], list[int]], tuple[tuple[Any, ...], list[int]]]:
    """The runs that are on a map, and along both axes its values and at which of them each run is."""
    rows = [row for row in finished if row[x] is not None and row[y] is not None]
    if not rows:
        raise ValueError(f"no finished run has both {x} and {y}")
    return rows, places(x, [row[x] for row in rows]), places(y, [row[y] for row in rows])


def places(name: str, values: list[Any]) -> tuple[tuple[Any, ...], list[int]]:
    """The values of an axis on a map, and at which of them each run is."""
    if AXES[name].kind == "name":
        order = tuple(dict.fromkeys(values))
        return order, [order.index(value) for value in values]
    known = sorted(set(values))
    if len(known) <= 2 * BINS:
        return tuple(known), [known.index(value) for value in values]
    logarithmic = known[0] > 0 and known[-1] > 20 * known[0]
    edges = (np.geomspace if logarithmic else np.linspace)(known[0], known[-1], BINS + 1)
    middles = np.sqrt(edges[1:] * edges[:-1]) if logarithmic else (edges[1:] + edges[:-1]) / 2
    return tuple(middles.tolist()), np.clip(np.searchsorted(edges, values, "right") - 1, 0, BINS - 1).tolist()


def expected(
    rows: list[Row], x: str, y: str, xs: tuple[Any, ...], ys: tuple[Any, ...]
) -> tuple[Array | None, tuple[Array, Array] | None, float]:
    """What theory expects of plain networks: depth, curve and edge of a `Map`.

    It knows nothing of normalization and residual connections, nor of several activations or σ_b at once.
    """
    found = {name: {row[name] for row in rows} for name in ("activation", "sigma_b", "normalization", "residual")}
    one = all(len(values) == 1 for values in found.values())
    if not one or found["normalization"] != {"none"} or found["residual"] != {False}:
        return None, None, math.nan
    activation, sigma_b = next(iter(found["activation"])), next(iter(found["sigma_b"]))
    if activation == "prelu":
        return None, None, math.nan

    def limit(sigma_w: float | None) -> float:
        return math.nan if sigma_w is None else MeanField(activation, sigma_w, sigma_b).trainable_depth

    point = edge_of_chaos(activation, sigma_b) if "sigma_w" in (x, y) else None
    edge = math.nan if point is None else point.sigma_w
    if "depth" not in (x, y):
        return None, None, edge
    other, values = (y, ys) if x == "depth" else (x, xs)
    if other == "sigma_w":
        fine = np.linspace(min(values), max(values), FINE)
        curve = np.array([min(limit(value), ENDLESS) for value in fine]), fine
        return np.array([limit(value) for value in values]), curve, edge
    if other == "start":
        return np.array([limit(None if value == NORMAL else SIGMA_W.get(value)) for value in values]), None, edge
    starts = {row["sigma_w"] if row["start"] == NORMAL else SIGMA_W.get(row["start"]) for row in rows}
    same = next(iter(starts)) if len(starts) == 1 else None
    return np.full(len(values), limit(same)), None, edge


def figure(found: Map) -> Any:
    """A map as a matplotlib figure."""
    require("matplotlib")
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7, 5), layout="constrained")
    ax = drawn.subplots()
    mesh = ax.pcolormesh(
        edges_of(found.x, found.xs), edges_of(found.y, found.ys), np.ma.masked_invalid(found.share),
        cmap="cividis", vmin=0.0, vmax=1.0,
    )  # fmt: skip
    drawn.colorbar(mesh, label="share of runs that train")
    for axis, name, values in ((ax.xaxis, found.x, found.xs), (ax.yaxis, found.y, found.ys)):
        if AXES[name].kind == "name":
            axis.set_ticks(range(len(values)), [str(value) for value in values])
        elif is_logarithmic(values):
            (ax.set_xscale if axis is ax.xaxis else ax.set_yscale)("log")
        if AXES[name].kind == "whole" and len(values) <= BINS:
            axis.set_ticks(values, [f"{value:g}" for value in values])
            axis.set_ticks([], minor=True)
    limits = ax.get_xlim(), ax.get_ylim()
    theory: dict[str, Any] = {"color": "#D55E00", "linewidth": 2}
    if found.curve is not None:
        depth, sigma_w = found.curve
        line = (depth, sigma_w) if found.x == "depth" else (sigma_w, depth)
        ax.plot(*line, **theory, label="theory: depth 6 ξ_c")
    elif found.depth is not None and np.isfinite(found.depth).any():
        across = found.x == "depth"
        edges = edges_of(found.y, found.ys) if across else edges_of(found.x, found.xs)
        for i, depth in enumerate(found.depth):
            line = np.array([depth, depth]), edges[i : i + 2]
            ax.plot(*(line if across else line[::-1]), **theory, label="theory: depth 6 ξ_c" if i == 0 else None)
    if math.isfinite(found.edge):
        draw = ax.axvline if found.x == "sigma_w" else ax.axhline
        draw(found.edge, color="white", linestyle="--", label="edge of chaos, χ = 1")
    ax.set(xlabel=found.x, ylabel=found.y, xlim=limits[0], ylim=limits[1])
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper right", facecolor="#888888", labelcolor="white")
    return drawn


def is_logarithmic(values: tuple[Any, ...]) -> bool:
    """Whether values are rather in equal ratios than at equal distances."""
    if len(values) < 3 or values[0] <= 0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(np.std(ratios) / np.mean(ratios) < np.std(steps) / np.mean(steps))


def edges_of(name: str, values: tuple[Any, ...]) -> Array:
    """The borders between places on a map, one more than there are."""
    if AXES[name].kind == "name" or len(values) == 1:
        at = np.arange(len(values)) if AXES[name].kind == "name" else np.array(values, float)
        return np.concatenate([at - 0.5, at[-1:] + 0.5])
    logarithmic = is_logarithmic(values)
    at = np.log(values) if logarithmic else np.array(values, float)
    middle = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
    return np.exp(edges) if logarithmic else edges
