"""What an experiment of the Lab is made of, with the limits of each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...init import INITIALIZERS
from ...nn import ACTIVATIONS
from ...nn.stacks import NORMALIZATIONS
from .message_schema import Between, Length, OneOf, optional

LAYERS, WIDTH, SAMPLES, VARIANTS = 60, 64, 2000, 3
MOST_STEPS = 10_000_000

DATA = ("circles", "moons", "xor", "gaussians", "spirals", "checkerboard", "plane", "hills", "digits", "points")
FEATURES = ("x", "y", "x2", "y2", "xy", "sin_x", "sin_y")
GIVEN = "given"  # a start that is none: the weights of a model of the user's own, as they came
STARTS = (*INITIALIZERS, "normal", GIVEN)
LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits", "half_squared_error", "hinge")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw")
REGULARIZATIONS = ("none", "l1", "l2")
MOST_EDITS = 64

Count = Annotated[int, Between(0, MOST_STEPS)]
Index = Annotated[int, Between(0, 4096)]
Coordinate = Annotated[float, Between(-1e6, 1e6)]
Seed = Annotated[int, Between(0, 2**32 - 1)]
Activation = Annotated[str, OneOf(tuple(ACTIVATIONS))]


@dataclass(frozen=True)
class Data:
    """What is learned: `test` is the share that is held out, `seed` (null: the experiment's) draws the samples.

    `points` are rows of x, y and a class from 0 to 9, for the name "points".
    """

    name: Annotated[str, OneOf(DATA)] = optional("circles")
    samples: Annotated[int, Between(20, SAMPLES)] = optional(200)
    noise: Annotated[float, Between(0, 1)] = optional(0.1)
    points: Annotated[tuple[tuple[Coordinate, Coordinate, Annotated[int, Between(0, 9)]], ...], Length(0, SAMPLES)] = (
        optional(())
    )
    test: Annotated[float, Between(0, 0.9)] = optional(0.0)
    seed: Seed | None = optional(None)


@dataclass(frozen=True)
class Start:
    """Where the weights of a linear map start: an initializer, or "normal" with sigma_w = √(fan_in · Var w)."""

    name: Annotated[str, OneOf(STARTS)] = optional("xavier")
    sigma_w: Annotated[float, Between(0, 100)] = optional(1.0)
    sigma_b: Annotated[float, Between(0, 100)] = optional(0.0)
    constant: Annotated[float, Between(-100, 100)] = optional(0.1)


Widths = Annotated[tuple[Annotated[int, Between(1, WIDTH)], ...], Length(0, LAYERS)]
Activations = Annotated[tuple[Activation, ...], Length(0, LAYERS)]
Starts = Annotated[tuple[Start, ...], Length(1, LAYERS + 1)]


Rate = Annotated[float, Between(1e-9, 1000)]
Batch = Annotated[int, Between(0, SAMPLES)]
Clip = Annotated[float, Between(0, 1e6)]
Penalty = Annotated[float, Between(0, 100)]


@dataclass(frozen=True)
class Variant:
    """A run beside the first: what differs; null is as in the first."""

    label: Annotated[str, Length(0, 60, "length")]
    activations: Activations | None = optional(None)
    starts: Starts | None = optional(None)
    layers: Widths | None = optional(None)
    data: Data | None = optional(None)
    loss: Annotated[str, OneOf(LOSSES)] | None = optional(None)
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] | None = optional(None)
    lr: Rate | None = optional(None)
    batch: Batch | None = optional(None)
    clip: Clip | None = optional(None)
    normalization: Annotated[str, OneOf(NORMALIZATIONS)] | None = optional(None)
    residual: bool | None = optional(None)
    regularization: Annotated[str, OneOf(REGULARIZATIONS)] | None = optional(None)
    regularization_rate: Penalty | None = optional(None)
    seed: Seed | None = optional(None)


@dataclass(frozen=True)
class Edit:
    """A weight (or, without an input, a bias) that is set by hand when its step is reached; all numbers from 0."""

    step: Count
    run: Index
    layer: Index
    unit: Index
    input: Index | None
    value: Annotated[float, Between(-1000, 1000)]


@dataclass(frozen=True)
class Config:
    """An experiment; the same config is the same experiment, bit for bit.

    Of data in the plane the network sees `features`: x, y, their squares and product, sin 2πx and sin 2πy. The
    regularization adds rate · Σ|w| or rate · Σw²/2 to the loss that is trained on; what is shown is without it.
    """

    data: Data = optional(Data())
    layers: Widths = optional((6, 3))
    activations: Activations = optional(("relu",))
    starts: Starts = optional((Start(),))
    loss: Annotated[str, OneOf(LOSSES)] = optional("cross_entropy")
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = optional("sgd")
    lr: Rate = optional(0.1)
    batch: Batch = optional(0)
    clip: Clip = optional(0.0)
    normalization: Annotated[str, OneOf(NORMALIZATIONS)] = optional("none")
    residual: bool = optional(False)
    features: Annotated[tuple[Annotated[str, OneOf(FEATURES)], ...], Length(1, len(FEATURES))] = optional(("x", "y"))
    regularization: Annotated[str, OneOf(REGULARIZATIONS)] = optional("none")
    regularization_rate: Penalty = optional(0.0)
    seed: Seed = optional(0)
    edits: Annotated[tuple[Edit, ...], Length(0, MOST_EDITS)] = optional(())
    variants: Annotated[tuple[Variant, ...], Length(0, VARIANTS)] = optional(())
