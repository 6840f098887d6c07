"""What goes into the page that is one file: the grid of its networks, and that of an experiment of the Lab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

from ..experiment import build
from ..experiment.samples import inputs_of, outputs_of
from ..messages.config import Config, Variant
from ..messages.message_schema import Invalid

STACKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "residual": {"residual": True},
}
STARTS = ("xavier", "he", "lecun", "orthogonal", "torch", "small", "large", "zeros")
SCALED = ("normal", "constant")  # whose size the page chooses
DATA = ("circles", "moons", "xor", "spirals", "checkerboard")
LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits")  # of two classes, which the map shows as probabilities
CHAIN = "identity/10/1/plain"
MOST_PARAMETERS = 3000  # of a network whose starts go along as arrays
BEGIN = Config(layers=(6,) * 10, activations=("sigmoid",), loss="binary_cross_entropy_with_logits")
# What runs beside the first may differ in without another program for each.
LIVE = ("label", "activations", "starts", "lr")


@dataclass(frozen=True)
class Grid:
    """Which programs, starts and data go along.

    Attributes
    ----------
    activations, stacks, starts, data
        By name.
    depths, widths
        Numbers of hidden layers, and of units in each.
    seeds
        Those of the starts and the data.
    clip
        The norm to which the page clips.
    chain
        Whether ten single units without an activation go along, which the tour shows.
    base
        What all have: samples and their noise, loss, update rule and its rate, regularization. All samples are learned
        from at each step.
    """

    activations: Sequence[str] = ("sigmoid", "tanh", "relu", "leaky_relu", "gelu")
    depths: Sequence[int] = (1, 2, 3, 5, 10)
    widths: Sequence[int] = (6,)
    stacks: Sequence[str] = tuple(STACKS)
    starts: Sequence[str] = STARTS
    data: Sequence[str] = DATA
    seeds: Sequence[int] = (0, 1)
    clip: float = 1.0
    chain: bool = True
    base: Config = BEGIN

    def points(self) -> Iterator[tuple[str, Config]]:
        """Each point, with the name that the page has for it."""
        for depth, width, stack, name in product(self.depths, self.widths, self.stacks, self.activations):
            yield f"{name}/{depth}/{width}/{stack}", config_of(name, depth, width, stack, self.base)
        if self.chain:
            yield CHAIN, config_of("identity", 10, 1, "plain", self.base)

    @property
    def begin(self) -> Config:
        """What the page opens on: the base, or the point that is nearest to it."""
        base = self.base
        depth = min(self.depths, key=lambda depth: abs(depth - len(base.layers)))
        width = min(self.widths, key=lambda width: abs(width - max(base.layers, default=0)))
        name = base.activations[0] if base.activations[0] in self.activations else self.activations[0]
        stack = stack_of(base) if stack_of(base) in self.stacks else self.stacks[0]
        return replace(config_of(name, depth, width, stack, base), variants=base.variants, edits=base.edits)


def stack_of(config: Config) -> str:
    """What stands between the layers, by the name of a stack; "" if it is both normalization and residual blocks."""
    for stack, changes in STACKS.items():
        wanted = {"normalization": "none", "residual": False} | changes
        if all(getattr(config, name) == value for name, value in wanted.items()):
            return stack
    return ""


def config_of(activation: str, depth: int, width: int, stack: str, base: Config = BEGIN) -> Config:
    """The experiment at a point of the grid."""
    other: dict[str, Any] = {"normalization": "none", "residual": False} | STACKS[stack]
    return replace(base, layers=(width,) * depth, activations=(activation,), variants=(), edits=(), **other)


def grid_of(config: Config) -> Grid:
    """The grid around an experiment of the Lab: the same network with other activations, and with fewer layers.

    Batches become whole, and runs that differ from the first in more than activations, starts and rate stay out.

    Raises
    ------
    Invalid
        There is no such page of it.
    """
    stack = stack_of(config)
    alike = len(set(config.layers)) == len(set(config.activations)) == len(config.starts) == 1
    if not alike or not stack or config.features != ("x", "y"):
        raise Invalid("what", "single.alike")
    samples = build.samples(config)
    if samples.plane is None or samples.classes != 2 or config.loss not in LOSSES:
        raise Invalid("what", "single.data")
    widths = [inputs_of(config), *config.layers, outputs_of(config)]
    parameters = sum((a + 1) * b for a, b in pairwise(widths))
    if parameters > MOST_PARAMETERS:
        raise Invalid("what", "single.large", most=MOST_PARAMETERS, got=parameters)
    variants = tuple(one for one in config.variants if is_live(one))
    runs = build.configs(replace(config, variants=variants))
    starts = [run.starts[0].name for run in runs if run.starts[0].name not in SCALED]
    depth, seed = len(config.layers), config.seed
    return Grid(
        activations=tuple(dict.fromkeys([*(run.activations[0] for run in runs), "sigmoid", "tanh", "relu"])),
        depths=tuple(sorted({depth, *(fewer for fewer in (1, 3) if fewer < depth)})),
        widths=(config.layers[0],),
        stacks=tuple(dict.fromkeys(["plain", stack])),
        starts=tuple(dict.fromkeys([*starts, *STARTS])),
        data=tuple(dict.fromkeys([config.data.name, *DATA])),
        seeds=tuple(dict.fromkeys([seed, seed if config.data.seed is None else config.data.seed, seed + 1])),
        clip=config.clip or 1.0,
        chain=False,
        base=replace(config, batch=0, variants=variants, activations=config.activations[:1]),
    )  # fmt: skip


def is_live(variant: Variant) -> bool:
    """Whether a run differs from the first only in what the page can change."""
    one = all(len(set(named)) == 1 for named in (variant.activations, variant.starts) if named)
    return one and all(value is None or name in LIVE for name, value in vars(variant).items())
