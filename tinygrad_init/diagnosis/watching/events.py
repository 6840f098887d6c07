"""What a monitor tells: something has begun, or is over."""

from __future__ import annotations

from dataclasses import dataclass

from ...words import Phrase, phrase
from .layer_states import LayerState


@dataclass(frozen=True)
class Event:
    """Something that has begun, or is over.

    Attributes
    ----------
    word
        Of a layer: "vanishing", "exploding", "dead", "saturated" or "unmoved". Of the whole training: "not finite",
        "diverging", "oscillating", "accumulating", "unmoved", "shrinking", "plateau" or "converged". Of trainings in
        PyTorch also "unoptimized", "unused", "annealed", "clipped", "evaluating", "single" and "collapsed".
    step
        The step after which it was seen, from 1.
    layer
        The number of the linear map, from 1; None if it is about the whole training.
    said
        What is so, with its numbers, in any language of `words.LANGUAGES`.
    over
        Whether it has ended instead.
    module
        The name of the module, where those have one.
    fault
        Whether something is wrong, as opposed to what is only worth to know.
    """

    word: str
    step: int
    layer: int | None
    said: Phrase
    over: bool = False
    module: str | None = None
    fault: bool = True

    @property
    def text(self) -> str:
        """What is so, in English."""
        return str(self.said)

    def spoken(self, language: str = "en") -> str:
        """The event in one line."""
        where = None if self.layer is None else phrase("event.layer", layers=(self.layer,))
        module = None if self.module is None else phrase("event.module", module=self.module)
        known = phrase(f"word.{self.word}")
        told = phrase("event", step=self.step, where=where, module=module, word=known, said=self.said)
        return told.spoken(language)

    def __str__(self) -> str:
        return self.spoken()

    @property
    def key(self) -> tuple[str, int | None]:
        """What it is about: a loss that no longer falls has come to one kind of rest or the other."""
        return "rest" if self.word in ("plateau", "converged") else self.word, self.layer


@dataclass(frozen=True)
class Moment:
    """The network after a step: the loss of that step, and every layer."""

    step: int
    loss: float
    layers: tuple[LayerState, ...]
