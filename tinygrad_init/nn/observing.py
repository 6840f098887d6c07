"""Modules seen from outside: which calls there are, which dtype they have, and how they are left as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.modes import mode, no_grad
from .module import Call, Module
from .parameters import Buffer


class observe:
    """Within this context every call of a module is written down, in this thread, innermost first.

    Examples
    --------
    >>> with observe() as calls:
    ...     model(x)
    >>> [call.output.shape for call in calls]
    """

    def __enter__(self) -> list[Call]:
        calls: list[Call] = []
        mode.enter("observer", calls.append)
        return calls

    def __exit__(self, *exception: object) -> None:
        mode.leave()


def dtype_of(module: Module, otherwise: Any = None) -> Any:
    """The dtype of a module's parameters (of the first), or something else if it has none.

    Raises
    ------
    TypeError
        It is no module.
    """
    if not isinstance(module, Module):
        came = f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
        raise TypeError(f"expected a module, got {came}")
    return next((parameter.dtype for parameter in module.parameters()), otherwise)


class undisturbed:
    """Within this context a model may be run at will: afterwards its modes, buffers and generators are as before.

    Parameters
    ----------
    model
        Whose `training` flags, `Buffer`s and `rng`s, in all modules, are put back.
    modules
        All of its modules, if whoever asks has them: finding them takes longer than a small model.
    """

    def __init__(self, model: Module, modules: Sequence[Module] | None = None) -> None:
        self.model, self.modules = model, modules

    def __enter__(self) -> None:
        modules = self.modules or [module for _, module in self.model.named_modules()]
        self.modes = [(module, vars(module).get("training")) for module in modules]
        buffers = {id(value): value for one in modules for value in vars(one).values() if isinstance(value, Buffer)}
        self.buffers = [(buffer, buffer.numpy().copy()) for buffer in buffers.values()]
        rngs = [rng for module in modules if isinstance(rng := vars(module).get("rng"), np.random.Generator)]
        self.states = [(rng, rng.bit_generator.state) for rng in rngs]

    def __exit__(self, *exception: object) -> None:
        for module, training in self.modes:
            if training is None:
                vars(module).pop("training", None)
            elif module.training != training:
                module.training = training
        with no_grad():
            for buffer, array in self.buffers:
                buffer.copy_(array)
        for rng, state in self.states:
            rng.bit_generator.state = state
