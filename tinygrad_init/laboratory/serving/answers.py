"""Answers to questions that do not move the experiment."""

from __future__ import annotations

from typing import Any

from ..experiment.experiment import Experiment
from ..looking.measure import Watched
from ..looking.microscope import expression
from ..looking.phases import phase
from ..looking.weight_paths import weight_paths
from ..messages import protocol
from ..messages.message_schema import Invalid
from .export import export


def answer(experiment: Experiment | None, watched: list[Watched], command: Any) -> Any:
    """The answer to a question; None if the command is none."""
    if isinstance(command, protocol.AskPhase):
        return phase(command.activation, watched, experiment.step if experiment else 0)
    if isinstance(command, protocol.AskMicroscope):
        return expression(command.expression, command.values or {})
    if isinstance(command, protocol.AskMicroscopeWeight | protocol.AskExport):
        if experiment is None:
            raise Invalid("type", "first", type=command.type)
        if isinstance(command, protocol.AskExport):
            return export(experiment, watched, command.what)
        if command.run >= len(watched):
            raise Invalid("run", "up_to", most=len(watched) - 1, got=command.run)
        return weight_paths(watched[command.run], command.layer, command.unit, command.input, command.sample)
    return None
