"""The steps of a program as whole numbers of 64 bits, in the order in which `csrc/reading.c` takes them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from ..kernels.backend import kernels
from .instructions import OUT, Chain, Step

VERSION: int = getattr(kernels, "PROGRAM_VERSION", 0)
NOWHERE = (-1, 0)


def words_of(steps: list[Step], sizes: list[int], begins: dict[int, int]) -> np.ndarray[Any, Any]:
    """All of a program that the machine has to know.

    Parameters
    ----------
    steps
        In order; all placed.
    sizes
        Of the slots in bytes, that of the program's own memory first.
    begins
        At which byte the memory of a slot begins, seen from where its steps count from; 0 where it is not said.
    """
    found = [VERSION, len(sizes), *sizes, len(steps)]
    for step in steps:
        found += words_of_step(step, begins)
    return np.array(found, "<i8")


def words_of_step(step: Step, begins: dict[int, int]) -> list[int]:
    """One instruction."""

    def moved(place: tuple[int, int] | None) -> tuple[int, int]:
        return NOWHERE if place is None else (place[0], place[1] - begins.get(place[0], 0))

    ndim = len(step.shape)
    found = [kernels.CODES[step.code], step.kind, number_of(step.code, step.function), step.flag, ndim, step.reduced]
    found += [bits(x) for x in (*step.p, *[0.0] * (6 - len(step.p)))]
    at = step.at if step.code not in ("scalars", "chain") else [None] * (OUT + 1)  # those have operands of their own
    for place in at:
        found += moved(place)
    found += step.shape
    for place, strides in zip(at, step.strides, strict=False):
        if place is not None:
            found += [*strides, *[0] * (ndim - len(strides))][:ndim]
    if step.code == "scalars":
        found += words_of_tape(step.parts)
    elif step.code == "chain":
        found += words_of_chain(step.parts, moved)
    elif step.code in ("convolution", "pooling"):
        found += step.parts
    return found


def words_of_tape(tape: Any) -> list[int]:
    """Single numbers: function, input, kind, five places, the parameter."""
    found = []
    for i, (name, p) in enumerate(zip(tape.functions, tape.parameters, strict=True)):
        kind, of, *places = tape.places[7 * i : 7 * i + 7]
        found += [-1 if name == "copy" else number_of("", name), of, kind, *places, bits(p)]
    return found


def words_of_chain(chain: Chain, moved: Any) -> list[int]:
    """Stages and operands of a chain."""
    found = [len(chain.stages), len(chain.operands)]
    for stage in chain.stages:
        found += [kernels.CODES[stage.code], number_of(stage.code, stage.function), stage.flag]
        found += [*stage.operands, stage.to, bits(stage.p)]
    for place, each in chain.operands:
        found += [*moved(place), each]
    return found


def number_of(code: str, function: str | None) -> int:
    """The number of a function or a reduction; -1 for none."""
    if function is None:
        return -1
    if code == "reduce":
        return int(kernels.REDUCTIONS[function])
    return int(kernels.FUNCTIONS[function] if function in kernels.FUNCTIONS else kernels.RELATIONS[function])


def bits(x: float) -> int:
    """A number of 64 bits, bit by bit."""
    return int(struct.unpack("<q", struct.pack("<d", x))[0])
