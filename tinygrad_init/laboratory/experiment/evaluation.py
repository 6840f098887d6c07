"""A model in evaluation mode for a moment."""

from __future__ import annotations

from ...engine.modes import no_grad
from ...nn import BatchNorm, Dropout, Module, undisturbed


class evaluation:
    """Within this context a model is evaluated, without graphs; afterwards it goes on as before.

    Batch normalization then uses the statistics that it has, those of the last pass in the Lab's own networks.

    Parameters
    ----------
    model
        What is evaluated.
    """

    def __init__(self, model: Module) -> None:
        self.model, self.no_grad = model, no_grad()
        self.undisturbed = undisturbed(model) if knows_modes(model) else None

    def __enter__(self) -> None:
        self.no_grad.__enter__()
        if self.undisturbed is not None:
            self.undisturbed.__enter__()
            self.model.eval()

    def __exit__(self, *exception: object) -> None:
        if self.undisturbed is not None:
            self.undisturbed.__exit__(*exception)
        self.no_grad.__exit__(*exception)


def knows_modes(model: Module) -> bool:
    """Whether a model may do something else in evaluation mode; a class that is not the library's may."""
    return any(
        isinstance(module, BatchNorm | Dropout) or not type(module).__module__.startswith("tinygrad_init.")
        for _, module in model.named_modules()
    )
