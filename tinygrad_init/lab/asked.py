"""Answers to questions that do not move the experiment."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..theory import phase_diagram
from . import protocol
from .experiment import Experiment
from .frames import Dot, Phase
from .measure import Watched

TO_W, TO_B = 4.0, 1.0
COLUMNS, ROWS = 60, 40


def answer(experiment: Experiment | None, watched: list[Watched], command: Any) -> Any:
    """The answer to a question; None if the command is none."""
    if isinstance(command, protocol.AskPhase):
        return phase(command.activation, watched)
    return None


@functools.lru_cache(maxsize=32)
def diagram(activation: str) -> Any:
    """The phase diagram of an activation."""
    return phase_diagram(activation, np.linspace(0, TO_W, COLUMNS + 1)[1:], np.linspace(0, TO_B, ROWS))


def phase(activation: str, watched: list[Watched]) -> Phase:
    """The diagram, and where the layers of all runs that have this activation lie."""
    found = diagram(activation)
    dots = []
    for number, each in enumerate(watched):
        for i, (linear, after) in enumerate(zip(each.linears, each.activations, strict=True)):
            if after is not None and after.name == activation:
                square = float(np.mean(np.square(linear.weight.numpy())))
                bias = 0.0 if linear.bias is None else float(np.sqrt(np.mean(np.square(linear.bias.numpy()))))
                dots.append(Dot(number, i, math.sqrt(linear.in_features * square), bias))
    return Phase(
        type="phase",
        activation=activation,
        sigma_w=tuple(found.sigma_w.tolist()),
        sigma_b=tuple(found.sigma_b.tolist()),
        log_chi=tuple(tuple(row) for row in found.log_chi.tolist()),
        edge=tuple(found.edge.tolist()),
        dots=tuple(dots),
    )
