"""A network on a batch: links that form a graph, of which a chain is the special case."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...layering import Step, activation_after
from .cotangents import Cotangent
from .links import WEIGHTS, Link, flat

Array = np.ndarray[Any, Any]


@dataclass(eq=False)
class Network:
    """A network run on a batch.

    Attributes
    ----------
    description
        The network in a line, "64-64-10 relu".
    inputs
        What went in, by name ("x").
    links
        In the order in which they run: each after those that it takes its inputs from. Those of residual blocks'
        branches are inside them.
    parameters
        All of them by name.
    gradients
        ∂C by every parameter, by name, as the framework itself finds them in one ordinary backward pass; one that
        several links share has one for all of them. Empty (or those of the last step) without a loss.
    loss
        The loss as a number; NaN without one.
    start
        ∂C/∂output.
    loss_of
        From predictions to the loss and its cotangent, on the same targets.
    rerun
        From the keywords of `again` to the network run on those instead.
    loss_name
        The name of a loss that is known; "" for one of somebody's own.
    """

    description: str
    inputs: dict[str, Array]
    links: tuple[Link, ...]
    parameters: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    loss: float = math.nan
    start: Cotangent | None = None
    loss_of: Callable[[Array], tuple[float, Array]] | None = None
    rerun: Callable[..., Network] | None = None
    loss_name: str = ""

    @property
    def output(self) -> Array:
        """The predictions."""
        return self.links[-1].output

    @property
    def from_loss(self) -> Cotangent:
        """∂C/∂output of a network that was run with a loss."""
        if self.start is None:
            raise ValueError("expected a network that was run with a loss")
        return self.start

    def again(self, x: Any = None, y: Any = None, parameters: dict[str, Array] | None = None, **how: Any) -> Network:
        """The same network with other inputs, targets or parameters; what is not given stays.

        Parameters
        ----------
        x, y
            A batch.
        parameters
            By name; those that are missing stay.
        how
            `dtype`: in which to compute; `evaluating=True`: not as in training; `backward=False`: without the loss.
        """
        assert self.rerun is not None
        return self.rerun(x=x, y=y, parameters=parameters, **how)

    def flat(self) -> Iterator[Link]:
        """All links in the order in which they run, those of branches before their block."""
        return flat(self.links)

    def linears(self) -> list[Link]:
        """The links with weights; one in place of all uses of a weight over time (`all_uses`)."""
        return list(self.all_uses)

    @cached_property
    def all_uses(self) -> dict[Link, tuple[Link, ...]]:
        """Every linear map with the links that it stands for: itself, or all steps of a network over time.

        That of many steps is the same map of all their inputs one below the other, so that its gradient is the sum over
        them; it stands where the last step is.
        """
        found: dict[Link, tuple[Link, ...]] = {}
        steps: dict[str, list[Link]] = defaultdict(list)
        links = [link for link in self.flat() if link.role == WEIGHTS]
        for link in links:
            if link.over_time:
                steps[link.matrix.name].append(link)
        for link in links:
            uses = steps[link.matrix.name] if link.over_time else [link]
            if link is uses[-1]:
                whole = link if len(uses) == 1 else link.again(np.concatenate([use.x for use in uses]))
                found[whole] = tuple(uses)
        return found

    @cached_property
    def places(self) -> dict[Link, tuple[tuple[Link, ...], int]]:
        """Every link's own chain (the whole one, or that of a branch) and its place in it."""
        found: dict[Link, tuple[tuple[Link, ...], int]] = {}
        waiting = [self.links]
        while waiting:
            links = waiting.pop()
            found.update((link, (links, i)) for i, link in enumerate(links))
            waiting += [inner for link in links for inner in (link.branch, link.shortcut) if inner]
        return found

    @cached_property
    def consumers(self) -> dict[Link, list[Link]]:
        """For every link those of its own chain or graph that take its output, once for each time."""
        found: dict[Link, list[Link]] = {link: [] for link in self.flat()}
        for link, (row, _) in self.places.items():
            for source in link.sources:
                # A block's first links have the block's source, which lies outside: there the block itself stands.
                if isinstance(source, Link) and self.places[source][0] is row:
                    found[source].append(link)
        return found

    @property
    def is_chain(self) -> bool:
        """Whether all links lie one after the other, each with one input; blocks have chains inside them."""
        before = (None, *self.links[:-1])
        return all(
            link.sources == (source,) if isinstance(source, Link) else len(link.sources) == 1
            for link, source in zip(self.links, before, strict=True)
        )

    def after(self, link: Link) -> Iterator[Link]:
        """The links that its output goes through one after the other, until ways part; in a branch, until its end."""
        while len(takers := set(self.consumers.get(link, ()))) == 1:
            (link,) = takers
            yield link

    def before_output(self) -> Iterator[Link]:
        """The links that the output came through, the last first, down to the first that has not one input."""
        link: Link | str = self.links[-1]
        while isinstance(link, Link):
            yield link
            if len(link.sources) != 1:
                return
            (link,) = link.sources

    def activation_after(self, link: Link) -> Link | None:
        """The activation that a linear map's output goes through."""
        shape = link.output.shape
        return activation_after(Step(later, later.role, keeps_units(later, shape)) for later in self.after(link))

    def layers(self) -> list[tuple[Link, Link | None]]:
        """Every linear map with the activation after it."""
        return [(link, self.activation_after(link)) for link in self.linears()]

    def dense_layers(self) -> list[tuple[Link, Link | None]] | None:
        """The same, if the network is nothing but dense layers, each with at most one activation after it."""
        found = self.layers()
        if not all(link.matrix.values.ndim == 2 and link.x.ndim == 2 for link, _ in found):
            return None
        return found if [part for layer in found for part in layer if part] == list(self.links) else None

    @cached_property
    def uses(self) -> Counter[str]:
        """How many links use a parameter, as a weight or otherwise, by its name."""
        return Counter(name for link in self.flat() for name in {parameter.name for parameter in link.parameters})

    @property
    def work(self) -> float:
        """Multiplications by weights that a sample takes, each position of a convolution counted."""
        found = 0.0
        for link in self.linears():
            units = link.output.shape[link.unit_axis]
            found += link.matrix.values.size * link.output.size / max(units * len(link.output), 1)
        return found

    def backward(self, start: Cotangent | None = None) -> dict[Link, Cotangent]:
        """∂C/∂output of every link; from another cotangent of the output than that of the loss if one is given."""
        found: dict[Link, Cotangent] = {}

        def walk(links: tuple[Link, ...], cotangent: Cotangent) -> None:
            arriving: dict[Link, list[Cotangent]] = defaultdict(list)
            if links:
                arriving[links[-1]].append(cotangent)
            for link in reversed(links):
                found[link] = total = Cotangent.total(arriving[link] or [Cotangent(np.zeros(link.output.shape))])
                walk(link.branch, total)
                walk(link.shortcut, total)
                for source, part in zip(link.sources, link.pull(total), strict=True):
                    if isinstance(source, Link):
                        arriving[source].append(part)

        walk(self.links, start or self.from_loss)
        for whole, uses in self.all_uses.items():
            if whole not in found:
                found[whole] = Cotangent.joined([found[use] for use in uses])
        return found

    def pull_plain(self, cotangent: Array, name: str = "x") -> Array:
        """From the cotangent of the output to that of an input of the network, in the network's dtype."""
        arriving: dict[Link | str, Array] = {self.links[-1]: cotangent}
        for link in reversed(self.links):
            if (whole := arriving.pop(link, None)) is not None:
                for source, part in zip(link.sources, link.pull_plain(whole), strict=True):
                    arriving[source] = arriving[source] + part if source in arriving else part
        return arriving.get(name, np.zeros_like(self.inputs[name]))

    @cached_property
    def cotangents(self) -> dict[Link, Cotangent]:
        """What `backward` finds, once for all who ask."""
        return self.backward()

    def first_not_finite(self) -> tuple[str, int] | None:
        """The first link whose output has infinities or NaN, and the number of the linear map it belongs to.

        Numbers that are -infinity where all that takes them is finite are what a mask puts before a softmax.
        """
        numbers = {use: i for i, uses in enumerate(self.all_uses.values(), 1) for use in uses}
        layer = 0
        for link in self.flat():
            layer = numbers.get(link, layer)
            if not np.isfinite(link.output).all() and not self.masks(link):
                return link.name, max(layer, 1)
        return None

    def masks(self, link: Link) -> bool:
        """Whether all of a link's numbers that are not finite are -infinity, of which nothing arrives where they go."""
        while np.isfinite(link.output[link.output != -math.inf]).all():
            takers = set(self.consumers[link])
            if takers and all(np.isfinite(taker.output).all() for taker in takers):
                return True
            if len(takers) != 1:
                return False
            (link,) = takers
        return False


def keeps_units(link: Link, shape: tuple[int, ...]) -> bool:
    """Whether what goes into a link in this shape is still unit by unit where it meets other tensors, if it does."""
    if len(link.inputs) == 1:
        return link.x.shape == shape
    return link.elementwise and link.output.shape == shape
