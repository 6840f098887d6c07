"""All that was measured of a network, what was found wrong with it, and the answers to the six questions."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import Any

from ...words import Phrase, phrase
from .ahead import Ahead
from .evidence import Evidence
from .fit import Fit
from .gradients import Attribution, Prediction, Zeros
from .layers import Distribution, Layer, MatrixSizes
from .sequences import Sequences


@dataclass(frozen=True)
class Measured:
    """What was measured of a network on a batch.

    Attributes
    ----------
    model
        The network in a line.
    samples, inputs
        The size of the batch, and its numbers.
    dtype
        What was computed in.
    loss, guess
        The loss of the network, and that of the best prediction that does not look at the input.
    lr
        The learning rate that update ratios are about.
    layers
        Every linear map with its activation.
    attributions
        For every weight matrix the factors of ‖∂C/∂W‖.
    zeros
        For every weight matrix why entries of its gradient are exactly 0.
    same_draws
        Pairs of weights that hold the same random numbers.
    first_not_finite
        The name of the first module whose output has infinities or NaN, and the number of its layer.
    predictions
        What theory says of z and ∂C/∂z, if the network is dense layers and activations in turn.
    matrices
        How far every weight matrix stretches; empty where the smaller side of one is longer than 128.
    jacobian
        Singular values of ∂output/∂input at the first sample, largest first; empty where the outputs are many, or where
        samples depend on each other.
    trained
        Whether this is no longer the start.
    fit
        Data, output, loss and targets beside each other.
    ahead
        What the first steps have shown; None unless it was said which optimizer will train.
    evidence
        What is worth to know beside that, with what it took.
    sequences
        Attention, states over time, and the stream past residual branches; None where that was not looked for.
    """

    model: str
    samples: int
    inputs: Distribution
    dtype: str
    loss: float
    guess: float
    lr: float
    layers: tuple[Layer, ...]
    attributions: tuple[Attribution, ...]
    zeros: tuple[Zeros, ...]
    same_draws: tuple[tuple[str, str], ...]
    first_not_finite: tuple[str, int] | None
    predictions: tuple[Prediction, ...] = ()
    matrices: tuple[MatrixSizes, ...] = ()
    jacobian: tuple[float, ...] = ()
    trained: bool = False
    fit: Fit | None = None
    ahead: Ahead | None = None
    evidence: Evidence | None = None
    sequences: Sequences | None = None

    @property
    def typical_update(self) -> float:
        """The median over the layers of the update as a share of the weights; NaN if no layer has one."""
        ratios = [layer.update_ratio for layer in self.layers if math.isfinite(layer.update_ratio)]
        return statistics.median(ratios) if ratios else math.nan

    @property
    def when(self) -> Phrase:
        """Which time it is about."""
        return phrase("when.trained" if self.trained else "when.start")


@dataclass(frozen=True)
class Verdict:
    """What is wrong, or worth to know, where and why.

    Attributes
    ----------
    word
        "vanishing", "exploding", "lost", "unscaled", "stuck", "asleep", "saturated", "dead", "symmetric", "correlated",
        "misfit", "unbalanced", "overshooting", "creeping", "stalled", "slow", "lagging" or "healthy".
    layer
        The number of the linear map, from 1; None if it is about all of them.
    key
        Which finding it is: that of its template in `words`.
    numbers
        What the finding rests on, by name, in the units that the template writes them in; may hold further phrases.
    fault
        Whether it is a fault; else a note, which no training fails of.
    """

    word: str
    layer: int | None
    key: str
    numbers: dict[str, Any] = field(default_factory=dict)
    fault: bool = True

    @property
    def why(self) -> Phrase:
        """The reason as a phrase."""
        return Phrase(self.key, self.numbers)

    @property
    def reason(self) -> str:
        """In words, with the numbers."""
        return str(self.why)

    def phrase(self) -> Phrase:
        """All of it in words."""
        word = phrase(f"word.{self.word}")
        if self.layer is None:
            return phrase("verdict", word=word, reason=self.why)
        return phrase("verdict.at", word=word, layer=self.layer, reason=self.why)

    def note(self) -> Phrase:
        """As something that is worth to know: without its word, which names a fault."""
        return self.why if self.layer is None else phrase("note.at", layer=self.layer, reason=self.why)

    def __str__(self) -> str:
        return str(self.phrase())


@dataclass(frozen=True)
class Confidence:
    """How often a verdict of the same word was right about networks that were then trained.

    Attributes
    ----------
    right, networks
        Of so many networks about so many: those said to be healthy trained, the others did not.
    source
        Where they were counted.
    """

    right: int
    networks: int
    source: str


@dataclass(frozen=True)
class Answer:
    """One of the six questions and its answer.

    Attributes
    ----------
    key
        Which question: "fit", "signal", "gradient", "units", "alive" or "advice".
    good
        Whether there is nothing to complain about.
    said
        The answer in short.
    findings
        Everything that was found, the gravest first.
    """

    key: str
    good: bool
    said: Phrase
    findings: tuple[Verdict, ...] = ()

    @property
    def question(self) -> str:
        """As a person asks it."""
        return str(phrase(f"question.{self.key}"))

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return str(self.said)


class Judged(Measured):
    """What was measured, with what is to be said of it: the public `Report` is one."""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The six questions and their answers."""
        raise NotImplementedError

    @property
    def verdict(self) -> Verdict:
        """The gravest finding, or that the network is healthy."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[Verdict, ...]:
        """What is worth to know and no fault."""
        raise NotImplementedError

    @property
    def confidence(self) -> Confidence | None:
        """How often such a verdict was right; None where that was not counted."""
        raise NotImplementedError
