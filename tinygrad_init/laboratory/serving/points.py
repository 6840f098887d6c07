"""A point of the grid of the page that is one file: its programs, what their outputs are, and where its weights start.

Besides the step there are programs that look: over the samples (what `looking.measure` looks at, and the cotangents
that `diagnosis.measures.attribution` divides by each other), and over the plane, at the output and at every unit. The
page finds an array by its number among the results.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from ...diagnosis import run as run_network
from ...diagnosis.measures.attribution import attribute
from ...diagnosis.records import ENDS
from ...engine.gradients import grad
from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import observe
from ...programs import CaptureError
from ...programs.travelling import DTYPES_OF, PREAMBLE, ROOM, to_bytes
from ...training import captured
from ..experiment import build
from ..experiment.experiment import Experiment, Run
from ..experiment.samples import Samples
from ..looking.describe import run_of
from ..looking.pictures import COARSE, PARTS, Pictures, columns
from ..looking.pictures import grid as points_of
from ..looking.structure import passed
from ..messages.config import Config, Start
from .grid import Grid

Array = np.ndarray[Any, Any]

PART = 8192  # bytes of a program that are kept together


class NotThere(RuntimeError):
    """There is no such file to be written; the message says why."""


class Store:
    """Bytes that the page finds by where they begin; equal ones are there once.

    Those that are alike are kept together, so that little is left of them when they are packed: in the order of `kind`.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, list[bytes]] = {}
        self.places: dict[bytes, list[int]] = {}

    def keep(self, part: bytes, kind: str = "arrays") -> list[int]:
        """The first byte, and how many; the first is known once all are kept (`joined`)."""
        if part not in self.places:
            self.places[part] = [-1, len(part)]
            self.kinds.setdefault(kind, []).append(part)
        return self.places[part]

    def cut(self, program: bytes, kind: str) -> list[list[int]]:
        """A program in parts that are short enough for what packs them to see the same part of the one before."""
        sizes = PREAMBLE.unpack_from(program)[3:]
        ends = [0, *np.cumsum([ROOM, *sizes]).tolist()]
        cuts = sorted({at for begin, end in pairwise(ends) for at in (*range(begin, end, PART), end)})
        return [self.keep(program[a:b], f"{kind}/{i:03}") for i, (a, b) in enumerate(pairwise(cuts))]

    def array(self, x: Any) -> list[int]:
        """An array of float64, or of labels."""
        kind = np.asarray(x).dtype.name
        return self.keep(np.asarray(x, np.int64 if kind in DTYPES_OF[2] else np.float64).tobytes())

    def joined(self) -> bytes:
        """All of it, each from a multiple of 8 bytes on."""
        parts, size = [], 0
        for kind in sorted(self.kinds):
            for part in self.kinds[kind]:
                self.places[part][0] = size
                parts.append(part + bytes(-len(part) % 8))
                size += len(parts[-1])
        return b"".join(parts)


@dataclass(frozen=True, eq=False)
class Outputs:
    """Arrays among the results of a program, each once."""

    tensors: list[Any]

    def number(self, tensor: Any) -> int:
        """Its place."""
        for i, known in enumerate(self.tensors):
            if known is tensor:
                return i
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def point(config: Config, grid: Grid, store: Store) -> dict[str, Any]:
    """The programs of a point, what is in their outputs, and the parameters of every start."""
    experiment = Experiment(replace(config, clip=0.0))
    run, samples = experiment.runs[0], experiment.samples
    clipping = Experiment(replace(config, clip=grid.clip))
    for one in (experiment, clipping):
        begin = one.runs[0].save()
        for _ in range(2):
            one.advance()
        one.runs[0].load(begin)
    pictures = Pictures(run, samples)
    looking, places = looker(run)
    painting = captured(painter(run))
    parts = np.split(pictures.grid, PARTS)
    pictures.map()
    for program, given in ((looking, (samples.x, samples.target)), (painting, (parts[0],))):
        for _ in range(2):
            program(*given)
    said = run_of(run, columns(run, samples), samples)
    programs = {
        "learn": run.learn, "clipped": clipping.runs[0].learn, "look": looking, "predict": pictures.predict,
        "paint": painting,
    }  # fmt: skip
    shape = f"{len(config.layers):03}/{config.layers[0]:03}/{config.normalization}{config.residual}"
    found: dict[str, Any] = {
        name: store.cut(program_of(program), f"{name}/{shape}") for name, program in programs.items()
    }
    return {
        **found,
        "plane": [store.array(part) for part in parts],
        "coarse": store.array(np.resize(samples.seen(points_of(COARSE)), parts[0].shape)),
        "layers": [{**vars(layer), **places[i]} for i, layer in enumerate(said.layers)],
        "parameters": said.parameters,
        "factors": factors(run, places),
        "starts": {
            f"{name}/{seed}": weights(config, samples, name, seed, store)
            for name, seed in product((*grid.starts, "normal"), grid.seeds)
        },
    }


def looker(run: Run) -> tuple[Any, list[dict[str, Any]]]:
    """The program that looks at every layer of a run, and for each layer the places of its arrays among the results.

    The first result is the loss, the second the output. `below` is of the gradients by what goes into modules, by name.
    """
    model, loss = run.model, run.loss
    names = {id(module): name for name, module in model.named_modules()}
    parameters = {id(parameter): name for name, parameter in model.named_parameters()}
    wanted = {factor.name for one in attributions(run) for factor in one.factors}
    places: list[dict[str, Any]] = [{} for _ in run.layers]

    samples = len(run.samples.x)
    ones = {
        shape: Tensor(np.ones(shape), np.float64)
        for shape in {(samples, len(layer.linear.weight)) for layer in run.layers}
    }

    def look(x: Any, y: Any) -> Any:
        with observe() as calls:
            output = model(x)
        cost = loss(output, y)
        found = Outputs([cost, output])
        through = list(passed(calls, run.layers))
        slopes = [
            None if one.a is one.into else grad(one.a, one.into, gradients=ones[one.a.shape], retain_graph=True)[0]
            for one in through
        ]
        below = {
            names[id(call.module)]: call.inputs[0]
            for call in calls
            if names.get(id(call.module)) in wanted and call.inputs[0] is not calls[0].inputs[0]
        }
        outs = {
            id(call.output): names[id(call.module)] for call in calls if not any(True for _ in call.module.children())
        }
        asked = Outputs([])
        for layer in run.layers:
            asked.number(layer.linear.weight)
            asked.number(layer.linear.bias)
        by_z = [asked.number(one.z) for one in through]
        by_into = [asked.number(one.into) for one in through]
        by_x = [0, *(asked.number(one.x) for one in through[1:])]  # that of the samples is not asked for
        by_name = {name: asked.number(tensor) for name, tensor in below.items()}
        gradients = [found.number(one) for one in grad(cost, asked.tensors)]
        for i, (layer, one) in enumerate(zip(run.layers, through, strict=True)):
            linear = layer.linear
            places[i] = {
                "weight": parameters[id(linear.weight)], "bias": parameters[id(linear.bias)],
                "x": found.number(one.x), "z": found.number(one.z),
                "into": found.number(one.into), "a": found.number(one.a),
                "names": [outs.get(id(tensor), "") for tensor in (one.z, one.into, one.a)],
                "slope": None if slopes[i] is None else found.number(slopes[i]),
                "dz": gradients[by_z[i]], "dinto": gradients[by_into[i]],
                "da": None if i + 1 == len(through) else gradients[by_x[i + 1]],
                "dw": gradients[asked.number(linear.weight)], "db": gradients[asked.number(linear.bias)],
            }  # fmt: skip
        places[0]["below"] = {name: gradients[number] for name, number in by_name.items()}
        return found.tensors

    look(run.samples.x, run.samples.target)
    return captured(look), places


def attributions(run: Run) -> Any:
    """Of which factors the gradients of the weights of a run are products."""
    return attribute(run_network(run.model, run.samples.x, run.samples.target, run.loss))


def factors(run: Run, places: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """For every layer the factors of its gradient: kind, label and name, the layer it belongs to, and, as a place among
    the results of the look, the cotangent below it (None for the two at the end, which the layer itself has)."""
    modules = dict(run.model.named_modules())
    layer_of = {id(part): i for i, layer in enumerate(run.layers) for part in (layer.linear, layer.activation) if part}
    below = places[0].pop("below")
    loss = places[-1]["dz"]
    return [
        [
            {
                "kind": one.kind,
                "label": one.label,
                "name": one.name,
                "layer": layer_of.get(id(modules.get(one.name))) if one.name else None,
                "below": below.get(one.name) if one.kind not in ENDS else loss if one.kind == ENDS[0] else None,
            }
            for one in found.factors
        ]
        for found in attributions(run)
    ]


def painter(run: Run) -> Callable[[Array], Any]:
    """What comes out of every hidden layer over a part of the plane."""

    def paint(x: Any) -> Any:
        run.model.eval()
        with no_grad(), observe() as calls:
            run.model(x)
        run.model.train()
        return [one.a for one in passed(calls, run.layers)][:-1]

    return paint


def weights(config: Config, samples: Samples, name: str, seed: int, store: Store) -> dict[str, list[int]]:
    """The parameters of a start by name; for "normal" numbers of standard deviation 1, weights and biases."""
    model, _ = build.start(replace(config, starts=(Start(name),), seed=seed), samples)
    found = {part: np.array(parameter.numpy()) for part, parameter in model.named_parameters()}
    if name == "normal":
        maps = [each for each in found if each.endswith(".weight") and found[each].ndim == 2]
        for i, part in enumerate(maps):
            bias = part.replace("weight", "bias")
            found[part] = np.random.default_rng([seed, build.WEIGHTS, i]).normal(0, 1, found[part].shape)
            found[bias] = np.random.default_rng([seed, build.BIASES, i]).normal(0, 1, found[bias].shape)
    return {part: store.array(values) for part, values in found.items()}


def program_of(program: Any) -> bytes:
    """The file of a program without what is not needed here: numbers that a start replaces, and whose code it was."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if program.refused is not None:
                raise program.refused
            program.program.save(Path(folder) / "program")
        except CaptureError as error:
            raise NotThere(str(error)) from None
        data = (Path(folder) / "program").read_bytes()
    _, _, _, *sizes = PREAMBLE.unpack_from(data)
    said, words, numbers = np.split(np.frombuffer(data, np.uint8, offset=ROOM), np.cumsum(sizes)[:2])
    header = json.loads(bytes(said))
    numbers = numbers.copy()
    for entry in header["state"]:
        if entry["parameter"]:
            begin, size = entry["numbers"]
            numbers[begin : begin + size] = 0
    header["checks"] = {step: text.rpartition(": ")[2] for step, text in header["checks"].items()}
    return to_bytes(header, words.view("<i8"), [numbers])
