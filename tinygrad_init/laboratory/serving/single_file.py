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
from dataclasses import replace
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
from ..looking.phases import phase
from ..looking.pictures import COARSE, GRID, map_of_unit
from ..looking.pictures import grid as points_of
from ..messages.wire import plain
from .grid import SCALED, STACKS, Grid
from .moments import moments
from .points import NotThere, Store, point
from .scripts import script

PACKAGE = Path(__file__).parents[2]
PAGE = PACKAGE / "laboratory" / "page"
MACHINE = PACKAGE / "kernels" / "machine.wasm"
BODY = re.compile(r"<body>\n(.*)</body>", re.S)
STYLE = re.compile(r'<link rel="stylesheet" href="/page/([^"]+)">')

# What of the library's sentences the page may say: those about networks on rows of numbers that just train.
SAID = re.compile(
    r"(?:word|question|verdict|note|not_finite|inputs|signal|gradient|units|alive|healthy|solved|loss|when|zero|layers|list|"
    r"answer|fit\.linear|fit\.no_activation|refusal\.unexpected)\b"
)


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
    html, lab = ((PAGE / name).read_text(encoding="utf-8") for name in ("single/page.html", "index.html"))
    body = BODY.search(lab)
    assert body is not None
    styles = (*STYLE.findall(lab), "single/page.css")
    style = packed_style("".join((PAGE / name).read_text(encoding="utf-8") for name in styles))
    unpack = (PAGE / "single" / "unpack.js").read_text(encoding="utf-8").replace("export {};\n", "")
    marks = {"<!-- the Lab's own body -->\n": body[1], "/* style */": style, "/* unpack.js */": unpack}
    for mark, text in (marks | {"/* contents */": packed}).items():
        html = html.replace(mark, text)
    return html


def packed_style(style: str) -> str:
    """A style sheet without comments and margins."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", style, flags=re.S)).strip()


def contents_of(grid: Grid, store: Store) -> dict[str, Any]:
    """Everything in the file but bytes, of which the places in the store are noted."""
    words = {language: {k: v for k, v in templates(language).items() if SAID.match(k)} for language in LANGUAGES}
    known: dict[str, Any] = {
        "activations": tuple(grid.activations), "starts": (*grid.starts, *SCALED), "data": tuple(grid.data),
        "losses": (grid.base.loss,),
        "words": words,
    }  # fmt: skip
    return {
        "grid": {name: list(getattr(grid, name)) for name in ("activations", "depths", "widths", "stacks", "seeds")},
        "hello": plain(replace(hello(), **known), None),
        "begin": plain(grid.begin, None),
        "stacks": STACKS,
        "starts": [*grid.starts, *SCALED],
        "data": {f"{name}/{seed}": data_of(grid, name, seed, store) for name, seed in product(grid.data, grid.seeds)},
        "points": {name: point(config, grid, store) for name, config in grid.points()},
        "phi": {name: phi(name) for name in (*grid.activations, "identity")},
        "phases": {name: phase_of(name) for name in (*grid.activations, *(["identity"] if grid.chain else []))},
        "moments": {name: moments(name) for name in (*grid.activations, "identity")},
        "inputs": inputs(),
        "table": table(),
        "constants": {
            "clip": grid.clip, "flat": FLAT, "mostly": MOSTLY, "stride": STRIDE, "grid": GRID, "coarse": COARSE,
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


def phase_of(name: str) -> dict[str, Any]:
    """The phase diagram of an activation, without any network in it."""
    found = plain(phase(name, [], 0))
    return {key: found[key] for key in ("activation", "sigma_w", "sigma_b", "log_chi", "edge")}


def inputs() -> list[Any]:
    """The small maps of the two features."""
    return [plain(map_of_unit(values, COARSE), None) for values in points_of(COARSE).T]


def data_of(grid: Grid, name: str, seed: int, store: Store) -> dict[str, Any]:
    """Inputs, targets and classes, the loss of guessing, and how much a linear function explains."""
    # How much a linear function explains is asked of a network that is linear; the rest is of the data alone.
    data = replace(grid.base.data, name=name, seed=seed)
    config = replace(grid.begin, activations=("identity",), data=data, seed=seed, variants=(), edits=())
    samples = build.samples(config)
    network = run_network(build.start(config, samples)[0], samples.x, samples.target, build.loss(config))
    assert network.loss_of is not None
    guess = best_constant_loss(network.loss_of, samples.target, network.output.shape)
    asked = fit(network, samples.x, samples.target)
    return {
        "x": store.array(samples.x), "target": store.array(samples.target), "y": samples.y.tolist(), "guess": guess,
        "linear_share": asked.linear_share,
        "test": {"x": store.array(samples.test.x), "y": samples.test.y.tolist()},
    }  # fmt: skip
