"""Why gradients are what they are: their factors, their zeros, and what theory expects."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from ...words import Phrase, phrase

# Factors that do not lie on the way back.
ENDS = ("loss", "share", "input", "alignment")


@dataclass(frozen=True)
class Factor:
    """One factor of a derivative.

    Attributes
    ----------
    kind
        "loss", "activation", "weights", "residual", "other", "sum" (over several ways), "share" (of one unit), "input"
        or "alignment".
    name
        Of the module; "" for the loss and the alignment. Of a sum, that whose output the ways lead back to.
    label
        What it is in words: "sigmoid'", "W", "batchnorm", "Σ(a, mul)" of what a sum adds up.
    log10
        Its decimal logarithm: -1 for a factor of a tenth.
    """

    kind: str
    name: str
    label: str
    log10: float


@dataclass(frozen=True)
class Attribution:
    """Why ‖∂C/∂W‖ of one weight matrix is what it is.

    Attributes
    ----------
    name
        Of the weight, "layers.0.weight".
    log10
        log10 ‖∂C/∂W‖, also where the number itself would underflow or overflow.
    factors
        From the loss back to the weight; their logarithms add up to `log10`.
    measured
        log10 of the same norm from one ordinary backward pass: -inf where that underflows, NaN for a weight that is
        used more than once.
    """

    name: str
    log10: float
    factors: tuple[Factor, ...]
    measured: float

    @property
    def residual(self) -> float:
        """How far the sum of the factors is from the measured norm; NaN where that is no finite number."""
        if not math.isfinite(self.measured):
            return math.nan
        return abs(sum(factor.log10 for factor in self.factors) - self.measured)

    def totals(self) -> dict[str, float]:
        """The decades that each label has contributed on the way back, without loss, input and alignment."""
        found: dict[str, float] = defaultdict(float)
        for factor in self.factors:
            if factor.kind not in ENDS:
                found[factor.label] += factor.log10
        return dict(found)

    @property
    def way(self) -> float:
        """The decades that the cotangent has gained (or lost, negative) between the output and this layer's z."""
        return sum(self.totals().values())

    def largest(self, most: int | None = None) -> list[tuple[str, float]]:
        """The labels that have contributed most, with their decades."""
        return sorted(self.totals().items(), key=lambda item: -abs(item[1]))[:most]

    def phrase(self) -> Phrase:
        """In words."""
        if not self.totals():
            return phrase("attribution.nothing", name=self.name)
        if math.isnan(self.way):
            return phrase("attribution.not_finite", name=self.name)
        if self.way == -math.inf:
            blocked = next(factor for factor in self.factors if factor.log10 == -math.inf)
            return phrase("attribution.blocked", name=self.name, label=blocked.label, module=blocked.name)
        parts = [phrase("attribution.part", decades=value, label=label) for label, value in self.largest()]
        key = "attribution.lost" if self.way < 0 else "attribution.gained"
        return phrase(key, name=self.name, decades=abs(self.way), parts=parts)

    def __str__(self) -> str:
        return str(self.phrase())


@dataclass(frozen=True)
class Zeros:
    """The zeros of ∂C/∂W of one weight matrix.

    Attributes
    ----------
    name
        Of the weight.
    share
        Of its entries that are exactly 0.
    rules
        By rule (see `RULES`) the share of all entries that it makes 0.
    wakes
        In how many steps of training some entry of the matrix can get a gradient at the earliest (0: it has one now);
        None if never, and -1 if that cannot be said for such a network.
    """

    name: str
    share: float
    rules: dict[str, float]
    wakes: int | None

    @property
    def whole(self) -> bool:
        """Whether the matrix gets no gradient at all."""
        return self.share == 1.0

    @property
    def reasons(self) -> tuple[Phrase, ...]:
        """The rules, the one that makes most zeros first."""
        shares = sorted(self.rules.items(), key=lambda item: -item[1])
        if len(shares) == 1:
            return (phrase(f"zero.{shares[0][0]}"),)
        return tuple(
            phrase("zero.share", share=share / self.share, rule=phrase(f"zero.{rule}")) for rule, share in shares
        )

    @property
    def because(self) -> str:
        """The same in words."""
        return "; ".join(map(str, self.reasons))

    def phrase(self) -> Phrase:
        """In words."""
        wakes = None
        if self.whole and self.wakes is None:
            wakes = phrase("zeros.never")
        elif self.whole and self.wakes is not None and self.wakes > 0:
            wakes = phrase("zeros.later", step=self.wakes + 1)
        because = phrase("zeros.because", because=self.reasons) if self.rules else None
        return phrase("zeros", name=self.name, share=self.share, because=because, wakes=wakes)

    def __str__(self) -> str:
        return str(self.phrase())


@dataclass(frozen=True)
class Prediction:
    """A root mean square over the depth as mean-field theory has it.

    Attributes
    ----------
    what
        "z" or "dz": which statistics of `Layer` it is about.
    name
        In words.
    expected, low, high
        For every layer the expected root mean square, and between what a network of this width should lie.
    measured
        What it is.
    departs
        The first layer on the signal's (or gradient's) way, from 1, that lies outside; None if none does.
    """

    what: str
    name: str
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    measured: tuple[float, ...]
    departs: int | None

    def phrase(self) -> Phrase:
        """In words."""
        name = phrase(f"prediction.{self.what}")
        if self.departs is None:
            return phrase("prediction.fits", name=name)
        i = self.departs - 1
        return phrase(
            "prediction.departs",
            name=name,
            layer=self.departs,
            measured=self.measured[i],
            low=self.low[i],
            high=self.high[i],
        )

    def __str__(self) -> str:
        return str(self.phrase())
