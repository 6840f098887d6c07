"""What the server of the Lab says to the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ...diagnosis.showing.plain import plain
from ...words import Phrase, phrase
from .config import Config
from .message_schema import Invalid


@dataclass(frozen=True)
class Limits:
    """How large an experiment may be."""

    layers: int
    width: int
    samples: int
    variants: int
    steps: int


@dataclass(frozen=True)
class Said:
    """A sentence as data: the key of a template of `words`, and what stands in its places, with all digits."""

    exact: ClassVar[bool] = True
    key: str
    numbers: dict[str, Any]


def said(what: Phrase) -> Said:
    """A phrase, as it is sent."""
    return Said(what.key, plain(what.numbers))


def refused(why: Invalid) -> Error:
    """What is sent when a message is refused."""
    return Error("error", why.field, why.message, said(why.why))


def failed(key: str, **numbers: Any) -> Error:
    """What is sent when something else goes wrong: the template `refusal.<key>`."""
    why = phrase(f"refusal.{key}", **numbers)
    return Error("error", "", str(why), said(why))


@dataclass(frozen=True)
class Hello:
    """The first message: what there is to choose from; `own` says whether model and data are the user's own.

    `words` are the templates of all sentences, by language and key.
    """

    type: Literal["hello"]
    version: str
    own: bool
    activations: tuple[str, ...]
    starts: tuple[str, ...]
    data: tuple[str, ...]
    regressions: tuple[str, ...]
    features: tuple[str, ...]
    losses: tuple[str, ...]
    optimizers: tuple[str, ...]
    normalizations: tuple[str, ...]
    regularizations: tuple[str, ...]
    limits: Limits
    words: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Points:
    """Samples in the plane, each with its class or, for a regression, with its number; the last `test` are held out.

    Numbers are on a scale from `low` to `high`.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    label: tuple[int, ...]
    value: tuple[float, ...]
    low: float
    high: float
    test: int


@dataclass(frozen=True)
class LayerOf:
    """A linear map with the activation after it ("" without one); `single`: between two units there is one weight."""

    name: str
    units: int
    inputs: int
    activation: str
    single: bool


@dataclass(frozen=True)
class RunOf:
    """One of the networks that are trained side by side; `points` are its own (null: those of the first)."""

    label: str
    parameters: int
    layers: tuple[LayerOf, ...]
    classes: int
    points: Points | None


@dataclass(frozen=True)
class Curve:
    """An activation and its slope over z; saturated where |slope| is below `flat`."""

    z: tuple[float, ...]
    value: tuple[float, ...]
    slope: tuple[float, ...]
    flat: float


@dataclass(frozen=True)
class Map:
    """The output (or a unit) over the square from -1.2 to 1.2: rows from below of bytes, in base64.

    A byte stands for low + byte / 255 · (high - low).
    `kind` is "probability" (of class 1), "score" (above 0: class 1), "class" (its number), "number" (of a regression)
    or "unit".
    """

    kind: Literal["probability", "score", "class", "number", "unit"]
    size: int
    low: float
    high: float
    values: bytes


@dataclass(frozen=True)
class Images:
    """Some samples that are pictures: squares of bytes, one after the other, rows from above, with their classes."""

    size: int
    values: bytes
    label: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """What was built from a config; `classes` is 0 for a regression, `inputs` are maps of the features."""

    type: Literal["state"]
    config: Config
    parameters: int
    points: Points | None
    images: Images | None
    classes: int
    features: tuple[str, ...]
    inputs: tuple[Map, ...]
    epochs_of: int
    runs: tuple[RunOf, ...]
    phi: dict[str, Curve]
    notes: tuple[Said, ...]


@dataclass(frozen=True)
class VerdictOf:
    """What is wrong, at which layer (from 1), and why."""

    word: str
    layer: int | None
    reason: str
    why: Said


@dataclass(frozen=True)
class AnswerOf:
    """One of the six questions."""

    key: str
    question: str
    good: bool
    sentence: str
    said: Said


@dataclass(frozen=True)
class LayerNow:
    """A layer: log10 ‖∂C/∂W‖ (null for exactly 0), rms of z, a and ∂C/∂z a sample, and shares of its units or numbers.

    `dead_units` are at most 64 of them; `distinct` is null where weights are not finite. `theory_z` and `theory_dz` are
    low, expected and high, as of `report_step`.
    """

    dw: float
    z: float
    a: float
    dz: float
    saturated: float
    dead: float
    dead_units: tuple[int, ...]
    not_finite: float
    distinct: int | None
    units: int
    theory_z: tuple[float, float, float] | None
    theory_dz: tuple[float, float, float] | None


@dataclass(frozen=True)
class Edges:
    """The edges of a layer: matrices, unit by input, or in large networks only the strongest by weight or gradient.

    Each of the strongest is 12 bytes, little-endian: its input and its unit as uint16, weight and gradient as float32.
    """

    weight: tuple[tuple[float, ...], ...] | None
    gradient: tuple[tuple[float, ...], ...] | None
    strong: bytes | None


@dataclass(frozen=True)
class Histogram:
    """Counts between edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Histograms:
    """Of one layer, or of one of its units."""

    z: Histogram
    a: Histogram
    dz: Histogram
    dw: Histogram


@dataclass(frozen=True)
class Entering:
    """What goes into the activation (z, unless normalized first), and shares where it is flat and off its curve."""

    histogram: Histogram
    flat: float
    outside: float


@dataclass(frozen=True)
class SpectrumOf:
    """Of the weight: eigenvalues (empty unless square), singular values, log10 ‖W^t‖ for t = 1, 2, …"""

    eigenvalues: tuple[tuple[float, float], ...]
    singular: tuple[float, ...]
    growth: tuple[float, ...]


@dataclass(frozen=True)
class FactorOf:
    """One factor of ‖∂C/∂W‖, as of `report_step`; `kind` is that of `diagnosis.Factor`.

    `layer` is the linear map that it belongs to, itself or as the activation after it; a factor that is finite and has
    no logarithm is 0.
    """

    kind: str
    label: str
    name: str
    layer: int | None
    log10: float
    finite: bool


@dataclass(frozen=True)
class WeightOf:
    """The selected weight, or the bias of the selected unit."""

    value: float
    gradient: float


@dataclass(frozen=True)
class Detail:
    """What was selected."""

    layer: int
    unit: int | None
    input: int | None
    histograms: Histograms
    into: Entering | None
    spectrum: SpectrumOf | None
    factors: tuple[FactorOf, ...]
    unit_map: Map | None
    weight: WeightOf | None


@dataclass(frozen=True)
class RunNow:
    """A run at a step: loss and accuracy (null: a regression) of all samples, layers of at most 256 of them.

    Those of a test are of the samples that are held out (null: there are none). `notes` are what is worth to know, no
    fault, and told by no answer. `unit_maps` are those of the hidden units, layer by layer; empty where there are many.
    Of pictures they are the weights of the first layer. `confusion` counts, of more than two classes, those that are
    held out (if there are any, else all): a row for what each class is, a column for what it is taken for.
    """

    loss: float
    accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    losses: tuple[tuple[int, float], ...]
    test_losses: tuple[tuple[int, float], ...]
    verdict: VerdictOf | None
    answers: tuple[AnswerOf, ...]
    notes: tuple[Said, ...]
    report_step: int | None
    layers: tuple[LayerNow, ...]
    edges: tuple[Edges, ...]
    map: Map | None
    unit_maps: tuple[tuple[Map, ...], ...]
    confusion: tuple[tuple[int, ...], ...] | None
    detail: Detail | None


@dataclass(frozen=True)
class Frame:
    """All runs at a step."""

    type: Literal["frame"]
    step: int
    epoch: float
    playing: bool
    timeline: tuple[int, ...]
    runs: tuple[RunNow, ...]


@dataclass(frozen=True)
class Progress:
    """How far training has come on its way to a distant step, to which a frame will belong."""

    type: Literal["progress"]
    step: int
    goal: int


@dataclass(frozen=True)
class Dot:
    """A layer in the phase diagram."""

    run: int
    layer: int
    sigma_w: float
    sigma_b: float


@dataclass(frozen=True)
class Phase:
    """The phase diagram: ln χ by rows of sigma_b, and the sigma_w of the edge of chaos for each."""

    type: Literal["phase"]
    activation: str
    step: int
    sigma_w: tuple[float, ...]
    sigma_b: tuple[float, ...]
    log_chi: tuple[tuple[float, ...], ...]
    edge: tuple[float, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Contribution:
    """What one node adds to the cotangent of another; null stands for all nodes that are not shown."""

    source: int | None
    value: float


@dataclass(frozen=True)
class Node:
    """A number of a graph: `local` are the derivatives by its inputs, `incoming` is the final cotangent."""

    id: int
    op: str
    label: str
    inputs: tuple[int, ...]
    value: float
    forward_order: int
    backward_order: int
    local: tuple[float, ...]
    incoming: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Microscope:
    """A graph of single numbers, and the number of its result."""

    type: Literal["microscope"]
    nodes: tuple[Node, ...]
    output: int


@dataclass(frozen=True)
class Export:
    """A file."""

    type: Literal["export"]
    what: str
    name: str
    text: str


@dataclass(frozen=True)
class Error:
    """Something asked for cannot be done; `field` says which part of the message is to blame ("" for none)."""

    type: Literal["error"]
    field: str
    message: str
    said: Said


SAID: tuple[Any, ...] = (Hello, State, Frame, Progress, Phase, Microscope, Export, Error)
