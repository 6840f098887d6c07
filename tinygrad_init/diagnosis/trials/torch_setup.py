"""A PyTorch model at its start and how it is trained; the changes that are tried, each as the lines that make it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...activations import activation
from ...init import fans
from ...starts.critical_point import critical_sigmas
from ...words import Phrase, phrase
from ..fronts.torch_links import as_array
from ..network import Link, Network
from .changes import CLIP, unscaled

Make = Callable[[Any, float], Optimizer]

# Modules that are activations, by what this package calls their function; and those that are tried in their place.
ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.LeakyReLU: "leaky_relu",
    nn.Softsign: "softsign",
    nn.Softplus: "softplus",
    nn.Hardtanh: "hardtanh",
    nn.Mish: "mish",
}
TRIED: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
ENDINGS: tuple[type[nn.Module], ...] = (nn.Softmax, nn.LogSoftmax, *ACTIVATIONS)


@dataclass(frozen=True)
class Change:
    """Something that is done before a training.

    Attributes
    ----------
    what
        In words.
    edit
        What it does to a model, in place; drawn numbers are PyTorch's.
    lines
        The Python lines that do the same to `model` and `x`.
    make, clip, scaled, lr
        Another optimizer, the largest norm of all gradients, whether inputs are scaled, the rate; None: as before.
    """

    what: Phrase
    edit: Callable[[nn.Module], object] = lambda model: None
    lines: tuple[str, ...] = ()
    make: Make | None = None
    clip: float | None = None
    scaled: bool | None = None
    lr: float | None = None


@dataclass(frozen=True)
class TorchSetup:
    """A model at its start, and how it is trained.

    Attributes
    ----------
    model
        A copy, with all changes.
    make
        From parameters and a rate to the optimizer.
    lr, clip
        The rate, and the largest norm of all gradients together (None: any).
    scaled
        Whether each feature of the input is brought to mean 0 and spread 1 first.
    changes
        In the order in which they are made.
    seed
        Of what is drawn.
    """

    model: nn.Module
    make: Make
    lr: float
    clip: float | None = None
    scaled: bool = False
    changes: tuple[Change, ...] = field(default=())
    seed: int = 0

    def changed(self, change: Change, seed: int) -> TorchSetup:
        """With one more change; a rate takes the place of an earlier one."""
        model = copy.deepcopy(self.model)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            change.edit(model)
        kept = tuple(one for one in self.changes if one.lr is None or change.lr is None)
        return replace(
            self, model=model, seed=seed, changes=(*kept, change), make=change.make or self.make,
            clip=self.clip if change.clip is None else change.clip,
            scaled=self.scaled if change.scaled is None else change.scaled,
            lr=self.lr if change.lr is None else change.lr,
        )  # fmt: skip

    def optimizer(self, parameters: Any) -> Optimizer:
        """What trains it."""
        return self.make(parameters, self.lr)

    def apply(self, model: nn.Module) -> nn.Module:
        """Make the same changes to a model itself, in place: the one that was given, or one like it."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for change in self.changes:
                torch.manual_seed(self.seed)
                change.edit(model)
        return model

    def code(self) -> str:
        """The PyTorch lines that make the changes to `model` (and `x`), and the optimizer."""
        lines = ["import torch", ""]
        for change in self.changes:
            drawn = any("_(" in line for line in change.lines)
            lines += [f"torch.manual_seed({self.seed})", "with torch.no_grad():"] if drawn else []
            lines += [f"    {line}" if drawn else line for line in change.lines]
        made = self.optimizer([nn.Parameter(torch.zeros(1))])
        kind: Any = type(made)
        usual = kind([nn.Parameter(torch.zeros(1))], lr=self.lr).defaults
        options = {key: value for key, value in made.defaults.items() if usual.get(key) != value}
        said = "".join(f", {key}={value!r}" for key, value in {"lr": self.lr, **options}.items())
        home = "torch.optim" if kind.__module__.startswith("torch.optim") else kind.__module__
        lines.append(f"optimizer = {home}.{kind.__name__}(model.parameters(){said})")
        if self.clip is not None:
            lines.append("# after loss.backward(), before optimizer.step():")
            lines.append(f"# torch.nn.utils.clip_grad_norm_(model.parameters(), {self.clip:g})")
        return "\n".join(lines)

    def __str__(self) -> str:
        made = self.optimizer([nn.Parameter(torch.zeros(1))])
        return f"{type(made).__name__}, lr {self.lr:.3g}"


def standardized(x: Tensor, like: Tensor) -> Tensor:
    """Each feature with mean 0 and spread 1 as another batch has them (0 where that has none); images as a whole."""
    over = (0,) if like.ndim == 2 else tuple(range(like.ndim))
    spread = like.std(dim=over, keepdim=True)
    return (x - like.mean(dim=over, keepdim=True)) * torch.where(spread > 0, 1 / spread, torch.zeros_like(spread))


def rate(lr: float) -> Change:
    """Another learning rate."""
    return Change(phrase("change.learning rate", lr=lr), lr=lr)


def started(network: Network, model: nn.Module, phi: str | None = None) -> Change | None:
    """Every linear map that is a module of its own filled anew, each by what suits the activation after it.

    He's for ReLU, Xavier's for what is linear at 0, LeCun's for SELU, the critical point for the others.

    Parameters
    ----------
    network
        The model, run on some samples.
    phi
        What its activations are to be instead.
    """
    lines = []
    for link, after in network.layers():
        name = link.matrix.name.removesuffix(".weight")
        owner = dict(model.named_modules()).get(name)
        if owner is None or link.matrix.name != f"{name}.weight" or isinstance(owner, nn.Embedding):
            continue  # no module's own, or a table that is used as a matrix, too
        record = None if after is None else activation(phi) if phi else after.activation
        weight = f'model.get_submodule("{name}").weight'
        fan_in, fan_out = fans(tuple(link.matrix.values.shape))
        turned = is_turned(link)
        call, sigma_b = fill(record, weight, fan_out if turned else fan_in, turned)
        lines.append(f"torch.nn.init.{call}")
        if link.bias is not None and link.bias.name == f"{name}.bias":
            bias = f'model.get_submodule("{name}").bias'
            drawn = f"normal_({bias}, std={sigma_b:.4g})" if sigma_b else f"zeros_({bias})"
            lines.append(f"torch.nn.init.{drawn}")
    if not lines:
        return None
    return Change(phrase("change.start", name="by activation"), running(lines), tuple(lines))


def is_turned(link: Link) -> bool:
    """Whether a matrix has its units as columns, as in x @ W; `torch.nn.init` counts fans by rows."""
    shape = link.matrix.values.shape
    numbers = np.arange(math.prod(shape)).reshape(shape)
    return len(shape) == 2 and bool(np.array_equal(link.by_unit(numbers), numbers.T) and numbers.size > 1)


def fill(record: Any, weight: str, fan_in: int, turned: bool = False) -> tuple[str, float]:
    """The call that fills a weight before an activation, and the standard deviation of its biases."""
    start = "xavier" if record is None else record.start
    mode = ', mode="fan_out"' if turned else ""
    if start == "he":
        slope = dict(record.params).get("negative_slope", 0.0)
        return f'kaiming_normal_({weight}, a={slope:g}{mode}, nonlinearity="leaky_relu")', 0.0
    if start == "lecun":
        return f'kaiming_normal_({weight}{mode}, nonlinearity="linear")', 0.0
    if start == "xavier":
        return f"xavier_normal_({weight})", 0.0
    sigma_w, sigma_b = critical_sigmas(record)
    return f"normal_({weight}, std={sigma_w / math.sqrt(fan_in):.4g})", sigma_b


def running(lines: list[str]) -> Callable[[nn.Module], object]:
    """What does what the lines say: they are what is tried, and what is handed out."""
    code = compile("\n".join(lines), "<change>", "exec")
    return lambda model: exec(code, {"torch": torch, "model": model})


def activated(model: nn.Module, name: str) -> Change | None:
    """Another activation in place of all that are modules of their own; None if that changes nothing."""
    old = [at for at, one in model.named_modules() if at and ACTIVATIONS.get(type(one), name) != name]
    ends = last_leaf(model)
    lines = [exchanged(at, type(TRIED[name]()).__name__) for at in old if at != ends]
    return Change(phrase("change.activation", name=name), running(lines), tuple(lines)) if lines else None


def without_output_activation(model: nn.Module) -> Change | None:
    """Nothing after the last linear map; None if there is nothing that is a module of its own."""
    last = last_leaf(model)
    if not isinstance(dict(model.named_modules()).get(last), ENDINGS):
        return None
    lines = [exchanged(last, "Identity")]
    return Change(phrase("change.output"), running(lines), tuple(lines))


def exchanged(at: str, kind: str) -> str:
    """The line that puts another module in a place; PyTorch has `set_submodule` since 2.5."""
    home, _, name = at.rpartition(".")
    inside = f'model.get_submodule("{home}")' if home else "model"
    return f'setattr({inside}, "{name}", torch.nn.{kind}())'


def last_leaf(model: nn.Module) -> str:
    """The name of the module that is defined last and has none inside."""
    leaves = [name for name, module in model.named_modules() if name and not any(True for _ in module.children())]
    return leaves[-1] if leaves else ""


def candidates(setup: TorchSetup, network: Network, x: Tensor, fits: bool) -> Iterator[tuple[Change, ...]]:
    """Changes that are tried together, the fewest first, with the given optimizer and with Adam.

    Parameters
    ----------
    network
        The model, run on some samples.
    x
        The first input.
    fits
        Whether nothing stands between the network and its task.
    """
    mended: tuple[Change, ...] = ()
    if x.is_floating_point() and unscaled(as_array(x)):
        over = "0" if x.ndim == 2 else str(tuple(range(x.ndim)))
        lines = (
            f"std = x.std(dim={over}, keepdim=True)",
            f"x = (x - x.mean(dim={over}, keepdim=True)) / torch.where(std > 0, std, torch.ones_like(std))",
        )
        mended += (Change(phrase("change.inputs"), lines=lines, scaled=True),)
    if not fits and (without := without_output_activation(setup.model)) is not None:
        mended += (without,)
    found: list[tuple[Change, ...]] = [(), *([mended] if mended else [])]
    if (start := started(network, setup.model)) is not None:
        found.append((*mended, start))
    for name in TRIED:
        other, start = activated(setup.model, name), started(network, setup.model, name)
        if other is not None and start is not None:
            found.append((*mended, other, start))
    found.append((*mended, Change(phrase("change.clipping", norm=CLIP), clip=CLIP)))
    adam = Change(phrase("change.optimizer", name="Adam"), make=lambda ps, lr: torch.optim.Adam(ps, lr=lr))
    given = type(setup.optimizer(list(setup.model.parameters())))
    for changes in found:
        yield changes
        if not issubclass(given, torch.optim.Adam | torch.optim.AdamW):
            yield (*changes, adam)
