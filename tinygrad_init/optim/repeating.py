"""Steps of one kind, taken again and again: after some, a program takes them, for all parameters at once."""

from __future__ import annotations

from typing import Any

from ..engine.modes import mode

STEPS = 8  # before a program pays
NEVER = -(1 << 62)  # so many more
EXACT = frozenset(("ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "RMSprop", "Rprop", "SGD"))
MOST_CAPTURES = 4  # what changes more often than that is not always the same


class Repeating:
    """Knows how often an optimizer has stepped, and then the program that does it.

    Only for rules of this package that compute the same bits either way; another's may do anything. It is no part of
    what an optimizer is: a copy, or one that comes out of a file, begins anew.
    """

    __slots__ = ("refusal", "runner", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self.runner: Any = None
        self.refusal: type[Exception] = Exception  # of a capture

    def __reduce__(self) -> Any:
        return Repeating, ()

    def steps_for(self, optimizer: Any) -> bool:
        """Take the step by a program; False, and nothing done, if there is none."""
        self.steps += 1
        if self.steps <= STEPS or mode.trace is not None:
            return False
        if self.runner is None:
            if not is_exact(optimizer):
                self.steps = NEVER
                return False
            from ..programs import CaptureError, capture  # not before: most imports of this room make no step

            self.runner, self.refusal = capture(optimizer.step_once), CaptureError
        try:
            self.runner()
            self.runner.last.let_go()
        except self.refusal:
            self.steps = NEVER
            return False
        if self.runner.captures > MOST_CAPTURES:
            self.steps = NEVER
        return True


def is_exact(optimizer: Any) -> bool:
    """Whether a program of the step computes the same bits. (NumPy's powers and sums are not the kernels'.)"""
    kind = type(optimizer)
    own = kind.__module__.startswith(__name__.rpartition(".")[0]) and kind.__name__ in EXACT
    amsgrad = any(group.get("amsgrad") for group in optimizer.param_groups)
    return own and not amsgrad and all(p.ndim > 0 for p in optimizer.parameters)
