"""Filling what is there, in steps that can be taken back: all of them or none."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..nn.module import Module
from .plain import Array, Malformed
from .randomness import Drawing


@dataclass
class Step:
    """Something that is changed, and how it becomes what it was."""

    take: Callable[[], object]
    back: Callable[[], object]


def take(steps: Iterable[Step]) -> None:
    """Take all steps; if one fails, or the user ends it, those that were taken are taken back.

    Raises
    ------
    Malformed
        What the file has does not fit.
    """
    taken: list[Step] = []
    try:
        for step in steps:
            taken.append(step)
            step.take()
    except BaseException:
        for step in reversed(taken):
            step.back()
        raise


def filling(model: Module, numbers: Mapping[str, Array]) -> Step:
    """Give a network its numbers."""
    before = copy.deepcopy(model.state_dict())

    def fill() -> None:
        try:
            model.load_state_dict(numbers)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            said = str(error.args[0]).removeprefix("load_state_dict: ")
            raise Malformed(f"it does not fit into the model: {said}") from None

    return Step(fill, lambda: model.load_state_dict(before))


def modes(model: Module, training: Mapping[Any, Any], alike: bool = True) -> Step:
    """Let each module be trained or used as it was; in a network of other modules, if all were alike."""
    modules = dict(model.named_modules())
    before = {path: vars(module).get("training") for path, module in modules.items()}

    def set_modes() -> None:
        told = dict(training)
        if alike and told.keys() != modules.keys() and len(set(map(repr, told.values()))) == 1:
            told = dict.fromkeys(modules, next(iter(told.values())))
        if told.keys() != modules.keys() or not all(isinstance(mode, bool) for mode in told.values()):
            raise Malformed("it says of other modules whether they are trained")
        for path, module in modules.items():
            if module.training != told[path]:
                module.training = told[path]

    def back() -> None:
        for path, module in modules.items():
            was = before[path]
            if was is None:
                vars(module).pop("training", None)
            elif module.training != was:
                module.training = was

    return Step(set_modes, back)


def drawing_on(drawing: Drawing) -> Step:
    """Let generators go on from where they were saved."""
    before = {i: generator.bit_generator.state for i, generator in drawing.bound.items()}

    def back() -> None:
        for i, generator in drawing.bound.items():
            generator.bit_generator.state = before[i]

    return Step(drawing.move, back)


def restoring(part: Any, state: Any, what: str) -> Step:
    """Give an optimizer or a schedule its state."""
    before = copy.deepcopy(part.state_dict())

    def restore() -> None:
        try:
            part.load_state_dict(state)
        except Exception as error:  # which of them is the affair of whoever wrote the part
            raise Malformed(f"its {what} does not fit: {error}") from None

    return Step(restore, lambda: part.load_state_dict(before))
