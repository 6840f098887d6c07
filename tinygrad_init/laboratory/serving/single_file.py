"""The experiment as one file: a page with the machine, captured steps and starts in it, which opens without a server.

What changes the steps themselves (activation, depth, width, what stands between the layers) is a grid that is chosen
when the file is written; each point of it is a program that travels. What changes numbers alone is live: start, seed,
data, learning rate. NumPy's generators are not in the machine: starts and data of the seeds go along as arrays.
"""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...programs import CaptureError
from ...programs.travelling import DTYPES_OF
from ..experiment import build
from ..experiment.experiment import Experiment
from ..looking.pictures import PARTS, Pictures
from ..messages.config import Config, Data, Start

PACKAGE = Path(__file__).parents[2]
PAGE = PACKAGE / "laboratory" / "page"
MACHINE = PACKAGE / "kernels" / "machine.wasm"

STACKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "residual": {"residual": True},
}
STARTS = ("zeros", "constant", "small", "large", "xavier", "he", "lecun", "orthogonal", "torch")
DATA = ("circles", "moons", "xor", "spirals", "checkerboard")


class NotThere(RuntimeError):
    """There is no such file to be written; the message says why."""


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
    """

    activations: Sequence[str] = ("sigmoid", "tanh", "relu", "gelu")
    depths: Sequence[int] = (1, 2, 3, 5, 10)
    widths: Sequence[int] = (6,)
    stacks: Sequence[str] = tuple(STACKS)
    seeds: Sequence[int] = (0, 1)

    def points(self) -> Iterator[tuple[str, Config]]:
        """Each point, with the name that the page has for it."""
        for name, depth, width, stack in product(self.activations, self.depths, self.widths, self.stacks):
            yield f"{name}/{depth}/{width}/{stack}", config_of(name, depth, width, stack)


def config_of(activation: str, depth: int, width: int, stack: str) -> Config:
    """The experiment at a point of the grid, with the rest as the Lab has it."""
    return replace(Config(), layers=(width,) * depth, activations=(activation,), **STACKS[stack])


class Store:
    """Bytes that the page finds by where they begin; equal ones are there once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.known: dict[bytes, list[int]] = {}

    def keep(self, part: bytes) -> list[int]:
        """The first byte, and how many."""
        if part not in self.known:
            self.known[part] = [self.size, len(part)]
            self.parts.append(part + bytes(-len(part) % 8))
            self.size += len(self.parts[-1])
        return self.known[part]

    def array(self, x: Any) -> list[int]:
        """An array of float64, or of labels."""
        kind = np.asarray(x).dtype.name
        return self.keep(np.asarray(x, np.int64 if kind in DTYPES_OF[2] else np.float64).tobytes())


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
    contents = {
        "grid": {name: list(getattr(grid, name)) for name in ("activations", "depths", "widths", "stacks", "seeds")},
        "machine": store.keep(MACHINE.read_bytes()),
        "points": {name: point(config, grid.seeds, store) for name, config in grid.points()},
        "data": {
            f"{name}/{seed}": [store.array(part) for part in data_of(name, seed)]
            for name, seed in product(DATA, grid.seeds)
        },
    }
    said = json.dumps(contents, separators=(",", ":")).encode()
    said += b" " * (-len(said) % 8)
    whole = len(said).to_bytes(8, "little") + said + b"".join(store.parts)
    packed = base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode()
    page = joined("scale.js", "single/depth.js", "single/presets.js", "single/page.js")
    worker = joined("program.js", "single/worker.js")
    html = (PAGE / "single" / "page.html").read_text(encoding="utf-8")
    for mark, text in (("/* page.js */", page), ("/* worker.js */", worker), ("/* contents */", packed)):
        html = html.replace(mark, text)
    return html


def joined(*modules: str) -> str:
    """Modules as one script, each after those that it imports: within a file nothing can be imported."""
    lines = [line for name in modules for line in (PAGE / name).read_text(encoding="utf-8").splitlines(True)]
    return "".join(line.removeprefix("export ") for line in lines if not line.startswith("import "))


def point(config: Config, seeds: Sequence[int], store: Store) -> dict[str, Any]:
    """The programs of a step and of the map at a point of the grid, and the parameters of every start."""
    experiment = Experiment(config)
    run = experiment.runs[0]
    start = run.save()
    for _ in range(2):
        experiment.advance()
    run.load(start)
    pictures = Pictures(run, experiment.samples)
    pictures.map()
    programs = [store.keep(program_of(captured)) for captured in (run.learn, pictures.predict)]
    starts = {}
    for name, seed in product(STARTS, seeds):
        model, _ = build.start(replace(config, starts=(Start(name),), seed=seed), experiment.samples)
        starts[f"{name}/{seed}"] = {
            f"sequential.{part}": store.array(parameter.numpy()) for part, parameter in model.named_parameters()
        }
    plane = [store.array(part) for part in np.split(pictures.grid, PARTS)]
    return {"learn": programs[0], "predict": programs[1], "plane": plane, "starts": starts}


def program_of(captured: Any) -> bytes:
    """The file of a program."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if captured.refused is not None:
                raise captured.refused
            captured.program.save(Path(folder) / "program")
        except CaptureError as error:
            raise NotThere(str(error)) from None
        return (Path(folder) / "program").read_bytes()


def data_of(name: str, seed: int) -> tuple[Any, Any]:
    """Inputs and labels."""
    found = build.samples(replace(Config(), data=Data(name), seed=seed))
    return found.x, found.target
