"""The experiment as one file: a page with the machine, captured steps and starts in it, which opens without a server.

What changes the steps themselves (activation, depth, width, what stands between the layers, clipping) is a grid that is
chosen when the file is written; each point of it has programs that travel (`points`). What changes numbers alone is
live: start and its size, seed, data, learning rate. NumPy's generators are not in the machine: starts and data of the
seeds go along as arrays. The page is made of the Lab's own modules (`page/`), to which a worker speaks as the server
does; what it says comes from the same templates and the same table of conditions.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...activations import activation
from ...diagnosis import run as run_network
from ...diagnosis.findings.conditions import table
from ...diagnosis.measures.fit import fit
from ...diagnosis.measures.guess import best_constant_loss
from ...diagnosis.measures.slopes import FLAT, MOSTLY
from ...diagnosis.measures.symmetry import ROUNDING
from ...diagnosis.measures.zeros import STRIDE
from ...words import LANGUAGES, templates
from ..experiment import build
from ..looking.describe import curve, hello
from ..looking.pictures import COARSE, GRID, grid, map_of_unit
from ..messages.config import Config, Data, Start
from ..messages.wire import plain
from .points import CLIP, SCALED, STARTS, NotThere, Store, point
from .scripts import script

PACKAGE = Path(__file__).parents[2]
PAGE = PACKAGE / "laboratory" / "page"
MACHINE = PACKAGE / "kernels" / "machine.wasm"
STYLES = (
    "vendor/uplot/uPlot.min.css", "style/base.css", "style/layout.css", "style/controls.css", "style/displays.css",
    "style/panels.css", "style/guide.css", "style/closeup.css", "single/page.css",
)  # fmt: skip

STACKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "residual": {"residual": True},
}
CHAIN = "identity/10/1/plain"
DATA = ("circles", "moons", "xor", "spirals", "checkerboard")
# What of the library's sentences the page may say: those about networks on rows of numbers that just train.
SAID = re.compile(
    r"(?:word|question|verdict|note|not_finite|inputs|signal|gradient|units|alive|healthy|solved|loss|when|zero|layers|list|"
    r"answer|fit\.linear|fit\.no_activation|refusal\.unexpected)\b"
)


@dataclass(frozen=True)
class Grid:
    """Which programs go along.

    Attributes
    ----------
    activations, stacks
        By name.
    depths, widths
        Numbers of hidden layers, and of units in each.
    seeds
        Those of the starts and the data.
    chain
        Whether ten single units without an activation go along, which the tour shows.
    base
        What all have: samples and their noise, loss, update rule and its rate, regularization. All samples are learned
        from at each step.
    """

    activations: Sequence[str] = ("sigmoid", "tanh", "relu", "leaky_relu", "gelu")
    depths: Sequence[int] = (1, 2, 3, 5, 10)
    widths: Sequence[int] = (6,)
    stacks: Sequence[str] = tuple(STACKS)
    seeds: Sequence[int] = (0, 1)
    chain: bool = True
    base: Config = Config(
        layers=(6,) * 10, activations=("sigmoid",), loss="binary_cross_entropy_with_logits"
    )

    def points(self) -> Iterator[tuple[str, Config]]:
        """Each point, with the name that the page has for it."""
        for depth, width, stack, name in product(self.depths, self.widths, self.stacks, self.activations):
            yield f"{name}/{depth}/{width}/{stack}", config_of(name, depth, width, stack, self.base)
        if self.chain:
            yield CHAIN, config_of("identity", 10, 1, "plain", self.base)

    @property
    def begin(self) -> Config:
        """What the page opens on: the base, or the point that is nearest to it."""
        base = self.base
        depth = min(self.depths, key=lambda depth: abs(depth - len(base.layers)))
        width = min(self.widths, key=lambda width: abs(width - max(base.layers, default=0)))
        name = base.activations[0] if base.activations[0] in self.activations else self.activations[0]
        stack = next((stack for stack in self.stacks if within(STACKS[stack], base)), self.stacks[0])
        return config_of(name, depth, width, stack, base)


def within(changes: dict[str, Any], config: Config) -> bool:
    """Whether a config has what a stack changes, and nothing that another one does."""
    other = {"normalization": "none", "residual": False} | changes
    return all(getattr(config, name) == value for name, value in other.items())


def config_of(activation: str, depth: int, width: int, stack: str, base: Config = Grid.base) -> Config:
    """The experiment at a point of the grid."""
    other = {"normalization": "none", "residual": False} | STACKS[stack]
    return replace(base, layers=(width,) * depth, activations=(activation,), **other)


def single_file(grid: Grid) -> str:
    """The page.

    Raises
    ------
    NotThere
        There is no machine for browsers, or the steps cannot travel.
    Invalid
        The grid has a point that the Lab has not.
    """
    if not MACHINE.exists():
        raise NotThere(
            "the machine for browsers is not there: it is built where clang and wasm-ld are (Debian: apt-get install "
            "clang lld), and the package installed again from its sources then has it"
        )
    store = Store()
    contents = contents_of(grid, store)
    whole = store.joined()  # after which it is known where everything lies
    said = json.dumps(contents, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    said += b" " * (-len(said) % 8)
    packed = base64.b64encode(gzip.compress(len(said).to_bytes(8, "little") + said + whole, 9, mtime=0)).decode()
    html = (PAGE / "single" / "page.html").read_text(encoding="utf-8")
    style = packed_style("".join((PAGE / name).read_text(encoding="utf-8") for name in STYLES))
    unpack = (PAGE / "single" / "unpack.js").read_text(encoding="utf-8").replace("export {};\n", "")
    for mark, text in (("/* style */", style), ("/* unpack.js */", unpack), ("/* contents */", packed)):
        html = html.replace(mark, text)
    return html


def packed_style(style: str) -> str:
    """A style sheet without comments and margins."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", style, flags=re.S)).strip()


def contents_of(grid: Grid, store: Store) -> dict[str, Any]:
    """Everything in the file but bytes, of which the places in the store are noted."""
    words = {language: {k: v for k, v in templates(language).items() if SAID.match(k)} for language in LANGUAGES}
    known = {
        "activations": tuple(grid.activations), "starts": (*STARTS, *SCALED), "data": DATA, "losses": (grid.base.loss,),
        "words": words,
    }  # fmt: skip
    return {
        "grid": {name: list(getattr(grid, name)) for name in ("activations", "depths", "widths", "stacks", "seeds")},
        "hello": plain(replace(hello(), **known), None),
        "begin": plain(grid.begin, None),
        "stacks": STACKS,
        "starts": [*SCALED[:1], *STARTS, *SCALED[1:]],
        "data": {f"{name}/{seed}": data_of(grid, name, seed, store) for name, seed in product(DATA, grid.seeds)},
        "points": {name: point(config, grid.seeds, store) for name, config in grid.points()},
        "phi": {name: phi(name) for name in (*grid.activations, "identity")},
        "inputs": inputs(),
        "table": table(),
        "constants": {
            "clip": CLIP, "flat": FLAT, "mostly": MOSTLY, "stride": STRIDE, "grid": GRID, "coarse": COARSE,
            "alike": ROUNDING * float(np.finfo(np.float64).eps),
        },
        "machine": store.keep(MACHINE.read_bytes(), "machine"),
        "page": store.keep(script(PAGE, "single/page.js").encode(), "scripts"),
        "worker": store.keep(script(PAGE, "single/worker.js").encode(), "scripts"),
    }  # fmt: skip


def phi(name: str) -> dict[str, Any]:
    """The curve of an activation, and what is flat and what 0 becomes."""
    record = activation(name)
    at_zero = float(record.value(np.zeros(1))[0])
    return {**plain(curve(name), 8), "steepest": record.steepest, "saturates": record.saturates, "at_zero": at_zero}


def inputs() -> list[Any]:
    """The small maps of the two features."""
    return [plain(map_of_unit(values, COARSE), None) for values in grid(COARSE).T]


def data_of(grid: Grid, name: str, seed: int, store: Store) -> dict[str, Any]:
    """Inputs, targets and classes, the loss of guessing, and how much a linear function explains."""
    # How much a linear function explains is asked of a network that is linear; the rest is of the data alone.
    config = replace(grid.begin, activations=("identity",), data=replace(grid.base.data, name=name, seed=None, test=0.0), seed=seed)
    samples = build.samples(config)
    network = run_network(build.start(config, samples)[0], samples.x, samples.target, build.loss(config))
    assert network.loss_of is not None
    guess = best_constant_loss(network.loss_of, samples.target, network.output.shape)
    asked = fit(network, samples.x, samples.target)
    return {
        "x": store.array(samples.x), "target": store.array(samples.target), "y": samples.y.tolist(), "guess": guess,
        "linear_share": asked.linear_share,
    }  # fmt: skip
