"""Answers to questions that do not move the experiment."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..init.scaling import fan
from ..theory import phase_diagram
from . import protocol
from .experiment import Experiment
from .export import export
from .frames import Dot, Phase
from .measure import Watched
from .microscope import expression
from .shapes import Invalid
from .weight_paths import weight_paths

TO_W, TO_B = 4.0, 1.0
COLUMNS, ROWS = 60, 40


def answer(experiment: Experiment | None, watched: list[Watched], command: Any) -> Any:
    """The answer to a question; None if the command is none."""
    if isinstance(command, protocol.AskPhase):
        return phase(command.activation, watched)
    if isinstance(command, protocol.AskMicroscope):
        return expression(command.expression, command.values or {})
    if isinstance(command, protocol.AskMicroscopeWeight | protocol.AskExport):
        if experiment is None:
            raise Invalid("type", f"expected configure before {command.type}")
        if isinstance(command, protocol.AskExport):
            return export(experiment, watched, command.what)
        if command.run >= len(watched):
            raise Invalid("run", f"expected 0 to {len(watched) - 1}, got {command.run}")
        return weight_paths(watched[command.run], command.layer, command.unit, command.input, command.sample)
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
        for i, layer in enumerate(each.run.layers):
            linear = layer.linear
            if layer.name == activation:
                square = float(np.mean(np.square(linear.weight.numpy())))
                bias = 0.0 if linear.bias is None else float(np.sqrt(np.mean(np.square(linear.bias.numpy()))))
                dots.append(Dot(number, i, math.sqrt(fan(linear.weight, "fan_in") * square), bias))
    return Phase(
        type="phase",
        activation=activation,
        sigma_w=tuple(found.sigma_w.tolist()),
        sigma_b=tuple(found.sigma_b.tolist()),
        log_chi=tuple(tuple(row) for row in found.log_chi.tolist()),
        edge=tuple(found.edge.tolist()),
        dots=tuple(dots),
    )
