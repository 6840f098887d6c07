"""A forward that somebody wrote, rewritten as a chain of modules: `nn.Sequential`, with `Residual` for x + f(x).

The forward is traced (`torch.fx`), not run. Modules inside are steps of the chain as they are, functions become the
modules that compute the same.
"""

from __future__ import annotations

import copy
import operator
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar

from torch import fx, nn

from ..diagnosis.fronts.torch_calls import name_of
from ..diagnosis.fronts.torch_links import SUMS
from .counterparts import Erf, GlobalAvgPool, Residual, Sin

T = TypeVar("T", bound=nn.Module)

# Functions and methods by their name, and the module that takes the same arguments after the input.
FUNCTIONS: dict[str, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "leaky_relu": nn.LeakyReLU,
    "hardtanh": nn.Hardtanh,
    "hardsigmoid": nn.Hardsigmoid,
    "mish": nn.Mish,
    "softsign": nn.Softsign,
    "erf": Erf,
    "sin": Sin,
    "dropout": nn.Dropout,
    "max_pool1d": nn.MaxPool1d,
    "max_pool2d": nn.MaxPool2d,
    "avg_pool1d": nn.AvgPool1d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool1d": nn.AdaptiveAvgPool1d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "flatten": lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
}


class Unwritten(Exception):
    """A forward is no chain; the message says why."""


class Outline(fx.Tracer):
    """Follows a module's own forward; every module inside is one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def as_chain(module: nn.Module) -> nn.Module:
    """A chain that computes what a module does, of the very modules inside it.

    Raises
    ------
    Unwritten
        Its forward cannot be traced, is no chain with sums of two ways, or calls what there is no module for.
    """
    ways = [outline(module, mode) for mode in (not module.training, module.training)]
    if str(ways[0]) != str(ways[1]):
        raise Unwritten("what it computes depends on self.training")
    inputs = [node for node in ways[1].nodes if node.op == "placeholder" and node.users]
    (output,) = (node.args[0] for node in ways[1].nodes if node.op == "output")
    if len(inputs) != 1 or not isinstance(output, fx.Node):
        raise Unwritten(
            f"it takes {len(inputs)} tensors and returns {'one' if isinstance(output, fx.Node) else 'more'}"
        )
    return Ways(module, ways[1]).chain(inputs[0], output)


def outline(module: nn.Module, training: bool) -> fx.Graph:
    """What a module's forward calls in one of the modes; a dropout that follows the mode has no mode of its own."""
    # Parameters and buffers are shared with the copy, so that nothing large is copied and no attribute changed.
    shared = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    try:
        twin = copy.deepcopy(module, shared)
        twin.training = training
        graph = Outline().trace(twin)
    except Exception as error:  # whatever a forward function does that cannot be traced
        raise Unwritten(f"it cannot be traced ({error})") from error
    for node in graph.nodes:
        if node.op == "call_function" and name_of(node.target) == "dropout":
            x, *more = node.args
            found = {**dict(zip(("p", "training", "inplace"), more, strict=False)), **node.kwargs}
            if found.get("training", True) is not training:
                raise Unwritten("a dropout does not depend on self.training")
            node.args, node.kwargs = (x, found.get("p", 0.5)), {}
    return graph


class Ways:
    """The ways through a traced forward.

    Parameters
    ----------
    module, graph
        Whose forward it is, and its trace.
    """

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        self.module = module
        self.taken: set[fx.Node] = set()
        # Of every node the ones that all ways to it go through, the nearest first, itself included.
        self.through: dict[fx.Node, tuple[fx.Node, ...]] = {}
        for node in graph.nodes:
            before = [self.through.get(source, ()) for source in sources(node)]
            common = [one for one in before[0] if all(one in other for other in before)] if before else []
            self.through[node] = (node, *common)
            if in_place_sum(node) and max((changed := sources(node)[0]).users) > node:
                raise Unwritten(f"{changed.name} is changed in place and used again")

    def chain(self, start: fx.Node, end: fx.Node) -> nn.Sequential:
        """The modules between two nodes."""
        steps: list[tuple[str, nn.Module]] = []
        node = end
        while node is not start:
            if node in self.taken:
                raise Unwritten(f"{node.name} is used in several places that are not x + f(x)")
            self.taken.add(node)
            before = sources(node)
            if len(before) == 2:
                fork = next((one for one in self.through[before[0]] if one in self.through[before[1]]), start)
                step, node = (node.name, self.sum(fork, *before)), fork
            elif before:
                step, node = (node.name, self.step(node)), before[0]
            else:
                raise Unwritten(f"{node.name} does not come from the input")
            steps.append(step)
        named = {f"{name}_" if hasattr(nn.Sequential, name) else name: made for name, made in reversed(steps)}
        return self.in_mode(nn.Sequential(OrderedDict(named)))

    def sum(self, fork: fx.Node, one: fx.Node, other: fx.Node) -> nn.Module:
        """Two ways from the same place, the longer of which is the branch."""
        short, long = sorted((self.chain(fork, one), self.chain(fork, other)), key=len)
        if not len(long):
            raise Unwritten("it adds a tensor to itself")
        return self.in_mode(Residual(long, short if len(short) else None))

    def step(self, node: fx.Node) -> nn.Module:
        """The module that does what a node does."""
        if node.op == "call_module":
            if len(node.args) != 1 or node.kwargs:
                raise Unwritten(f"{node.target} takes more than one tensor")
            return self.module.get_submodule(str(node.target))
        name = named(node)
        arguments: tuple[Any, ...] = node.args[1:]
        options: dict[str, Any] = {key: value for key, value in node.kwargs.items() if key != "input"}
        if name in ("view", "reshape") and joins_features(arguments):
            return self.in_mode(nn.Flatten())
        if name == "mean" and (pooled := over_positions(*arguments, **options)) is not None:
            return self.in_mode(pooled)
        make = FUNCTIONS.get(name)
        if make is None:
            raise Unwritten(f"it calls {name}, which no module here does")
        try:
            made = make(*arguments, **options)
        except TypeError as error:
            raise Unwritten(f"it calls {name} in a way that no module here does ({error})") from None
        if str(getattr(node.target, "__name__", node.target)).endswith("_"):
            vars(made)["inplace"] = True
        return self.in_mode(made)

    def in_mode(self, made: T) -> T:
        """A new module in the mode of the one that it is a part of; what is inside has its own."""
        made.training = self.module.training
        return made


def named(node: fx.Node) -> str:
    """What a function or method is called, whether it works in place or not."""
    return str(node.target).strip("_") if node.op == "call_method" else name_of(node.target)


def in_place_sum(node: fx.Node) -> bool:
    """Whether it is x += y or x.add_(y)."""
    return node.op != "call_module" and (node.target == "add_" or named(node) == "iadd")


def sources(node: fx.Node) -> list[fx.Node]:
    """The nodes whose tensors a node computes with."""
    if node.op not in ("call_module", "call_function", "call_method"):
        return []
    if node.op != "call_module" and named(node) in SUMS:
        terms = [part for part in node.args[:2] if isinstance(part, fx.Node)]
        if len(terms) == 2 and len(node.args) == 2 and not node.kwargs:
            return terms
        raise Unwritten(f"{node.name} is no sum of two tensors")
    first = node.args[0] if node.args else node.kwargs.get("input")
    return [first] if isinstance(first, fx.Node) else []


def joins_features(shape: tuple[Any, ...]) -> bool:
    """Whether a new shape is (samples, all the rest)."""
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = tuple(shape[0])
    if len(shape) != 2:
        return False
    first, second = shape
    return (is_count_of_samples(first) and second == -1) or (first == -1 and isinstance(second, int) and second > 0)


def is_count_of_samples(value: Any) -> bool:
    """Whether it is x.size(0), x.size()[0] or x.shape[0]."""
    if not isinstance(value, fx.Node):
        return False
    if value.op == "call_method" and value.target == "size":
        return value.args[1:] == (0,)
    if value.target is not operator.getitem or value.args[1] != 0:
        return False
    shape = value.args[0]
    return isinstance(shape, fx.Node) and (
        (shape.op == "call_method" and shape.target == "size" and len(shape.args) == 1)
        or (shape.target is getattr and shape.args[1] == "shape")
    )


def over_positions(dim: Any = None, keepdim: bool = False, **others: Any) -> nn.Module | None:
    """A mean over the axes behind the channels; None of any other."""
    axes = [dim] if isinstance(dim, int) else list(dim or [])
    return GlobalAvgPool(keepdim) if not others and axes in ([2], [2, 3]) else None
