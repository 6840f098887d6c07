"""What an audit finds; records only."""

from __future__ import annotations

from dataclasses import dataclass

from ..words import Phrase
from .schemes import Scheme

FAULT, NOTE = "fault", "note"

# Stable, each with its heading in docs/audit.md.
CODES = {
    "identical-rows": "TGI101",
    "not-finite": "TGI102",
    "constant-weight": "TGI103",
    "zero-weight": "TGI104",
    "all-zero": "TGI105",
    "zero-rows": "TGI106",
    "copied": "TGI107",
    "same-draws": "TGI108",
    "embedding-std-1": "TGI109",
    "fan-mistaken": "TGI110",
    "window-forgotten": "TGI111",
    "unscaled": "TGI112",
    "few-values": "TGI113",
    "negative-variance": "TGI114",
    "zero-scales": "TGI115",
    "nothing-moved": "TGI120",
    "unmoved": "TGI121",
    "unmatched": "TGI122",
}


@dataclass(frozen=True)
class Finding:
    """What was found about one parameter.

    Attributes
    ----------
    name
        A key of `CODES`.
    severity
        "fault" or "note".
    parameter
        The parameter's name; "" if it is about all.
    said
        The sentence, in any of `words.LANGUAGES`.
    others
        Further parameters it is about.
    known
        Whether a baseline accepts it.
    """

    name: str
    severity: str
    parameter: str
    said: Phrase
    others: tuple[str, ...] = ()
    known: bool = False

    @property
    def code(self) -> str:
        """Such as "TGI101"."""
        return CODES[self.name]


@dataclass(frozen=True)
class Moved:
    """How far one parameter is from that of the reference.

    Attributes
    ----------
    identical
        Whether every bit of the numbers is the same.
    distance
        ‖W - W₀‖/‖W₀‖; infinite if the reference is 0 and this is not.
    """

    identical: bool
    distance: float


@dataclass(frozen=True)
class ParameterRecord:
    """One parameter or buffer.

    Attributes
    ----------
    name, shape, dtype
        As in the checkpoint.
    role
        What it is for: "linear", "convolution", "transposed_convolution", "recurrent", "bilinear", "embedding",
        "scale", "bias", "statistic" or "other".
    count, mean, std, rms, low, high
        How many finite numbers there are, and of these exact moments and the range; of a table without rows of zeros.
    not_finite, zeros
        How many numbers are infinite or NaN, and how many are 0.
    kurtosis
        Of a fixed sample: 3 for a normal, 1.8 for a uniform distribution.
    fan_in, fan_out
        How many inputs a unit sums up, and how many units an input feeds; None where that means nothing.
    gain
        rms·√fan_in: by how much the layer multiplies a signal's standard deviation.
    mistaken
        The same by fans as people mistake them: "fan_out", "window_forgotten", "as_counted" (by `torch.nn.init`).
    scheme
        The start that it most likely comes from; None if from none that is known, as after training.
    activation
        What follows; "" if that is not known.
    forward, backward
        What the layer with its activation makes of the size of a signal and of a gradient, at z ~ N(0, 1); None where
        the activation is not known.
    moved
        How far it is from the reference, if there is one.
    tied_to
        The parameter whose storage this is, too.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    role: str
    count: int
    mean: float
    std: float
    rms: float
    low: float
    high: float
    not_finite: int
    zeros: int
    kurtosis: float
    fan_in: int | None = None
    fan_out: int | None = None
    gain: float | None = None
    mistaken: dict[str, float] | None = None
    scheme: Scheme | None = None
    activation: str = ""
    forward: float | None = None
    backward: float | None = None
    moved: Moved | None = None
    tied_to: str = ""


@dataclass(frozen=True)
class Audited:
    """What was found in a checkpoint.

    Attributes
    ----------
    source, reference
        What was looked at, and what it was compared with ("" if with nothing).
    parameters
        All parameters and buffers, in the order of the checkpoint.
    findings
        Faults first.
    modules_known
        Whether there was a model: otherwise roles are told by names and shapes, and what follows a weight is not known.
    """

    source: str
    reference: str
    parameters: tuple[ParameterRecord, ...]
    findings: tuple[Finding, ...]
    modules_known: bool

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The faults that no baseline accepts."""
        return tuple(one for one in self.findings if one.severity == FAULT and not one.known)
