"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._interruption import BAD_INPUT as BAD_INPUT
from .tables import add_data, read

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ..data import Dataset

# More epochs, steps, samples or units than anybody waits for or a machine holds; floats and indices hold them all.
MOST = 10**9
DIGITS = 100  # of a seed
HEALTHY_FOUND, NONE_HEALTHY = 0, 1


class InputError(Exception):
    """Something is wrong with what was asked for; the message is one line."""


def sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected whole numbers separated by commas, got {short(text)}") from None


def whole(least: int, most: int, why: str = "") -> Callable[[str], int]:
    """What reads a whole number within limits; `why` says where the larger one comes from."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = most + 1 if text.isdecimal() else least - 1  # more digits than Python reads, or no number
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {short(text)}")
        if number > most:
            raise argparse.ArgumentTypeError(f"expected at most {most}{why and f', {why}'}; got {short(text)}")
        return number

    return read


positive = whole(1, MOST)


def short(text: str) -> str:
    """What was typed, quoted; the beginning of what is long."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def seed(text: str) -> int:
    if not text.isdecimal() or len(text) > DIGITS:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least 0 and {DIGITS} digits at most, got {short(text)}"
        )
    return int(text)


def rate(text: str) -> float:
    number = real(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {short(text)}")
    return number


def not_negative(text: str) -> float:
    number = real(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"expected a positive number or 0, got {short(text)}")
    return number


def real(text: str) -> float:
    """A finite number; NaN if it is none."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


class Named:
    """What reads a name, ours or that of other libraries, and which names are ours."""

    def __init__(self, look_up: Callable[[str], str], names: Iterable[str]) -> None:
        self.look_up, self.names = look_up, tuple(names)

    def __call__(self, name: str) -> str:
        try:
            return self.look_up(name)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None


def add_activation(parser: argparse.ArgumentParser, default: str) -> None:
    """An activation by its name."""
    from ..ops.activations import ACTIVATIONS, activation_name

    names = [*ACTIVATIONS, "prelu"]
    help = f"{', '.join(names)} ({default})"
    parser.add_argument("--activation", default=default, type=Named(activation_name, names), metavar="NAME", help=help)


def need(*modules: str) -> None:
    """What plots are drawn with, or an `InputError` that says what to install."""
    from ..diagnosis.showing.drawing import require

    try:
        require(*modules)
    except ImportError as error:
        raise InputError(str(error)) from None


def add_network(parser: argparse.ArgumentParser, one_start: bool, trained: bool = True, scales: bool = True) -> None:
    """The data, the network and how it is trained; without `scales` its targets always are scaled."""
    from ..diagnosis.trials.comparison import STARTS
    from ..init import INITIALIZERS, start_name
    from ..ops.losses import LOSSES, loss_name
    from ..update_rules import OPTIMIZERS, optimizer_name
    from ..words import LANGUAGES

    add = parser.add_argument
    add_data(parser)
    parser.set_defaults(scale_targets=None)
    if scales:
        help = "bring the targets of a regression to mean 0 and variance 1"
        add("--scale-targets", action="store_true", default=False, help=help)
    add("--sizes", type=sizes, metavar="N,N,...", help="input, hidden layers, output (three hidden layers of 64)")
    add_activation(parser, "relu")
    start, starts = Named(start_name, INITIALIZERS), ", ".join(INITIALIZERS)
    if one_start:
        add("--init", type=start, default="torch", metavar="NAME", help=f"the start: {starts} (torch)")
    else:
        add(
            "--init",
            action="append",
            type=start,
            metavar="NAME",
            help=f"a start; may be given several times: {starts} ({', '.join(STARTS)})",
        )
    parser.set_defaults(optimizer="sgd")
    if trained:
        names = ", ".join(OPTIMIZERS)
        add("--optimizer", type=Named(optimizer_name, OPTIMIZERS), metavar="NAME", help=f"what trains: {names} (sgd)")
    rates = [f"{rule.lr:g} or {rule.lr_regression:g} with {name}" for name, rule in OPTIMIZERS.items()]
    usual = ", ".join(rates if trained else rates[:1])
    add("--lr", type=rate, help=f"learning rate (for classes or a regression {usual})")
    add("--batch-size", type=positive, default=64, help="samples an update (64)")
    losses = ", ".join(LOSSES)
    help = f"{losses} (cross_entropy for classes, mse for a regression)"
    add("--loss", type=Named(loss_name, LOSSES), metavar="NAME", help=help)
    add("--seed", type=seed, default=0, help="of the start, the split and the batches (0)")
    add("--dtype", default="float32", choices=["float32", "float64"], help="(float32)")
    add("--language", default=locale_language(), choices=list(LANGUAGES), help="of sentences (that of the locale)")


def locale_language() -> str:
    """The language that the environment asks for, if the library speaks it; else English."""
    said = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if said.lower().startswith("zh") else "en"


@dataclass(frozen=True)
class Network:
    """A network at its start with its data, as arguments describe them."""

    model: Any
    x: Any
    y: Any
    loss: str
    optimizer: Any


def load_data(args: argparse.Namespace) -> tuple[Dataset, tuple[int, ...]]:
    """The data set and the sizes of the network, or an `InputError`.

    What was not said of loss and learning rate is filled in.
    """
    from ..data.samples import require_fits
    from ..diagnosis import check_sizes, default_sizes
    from ..diagnosis.trials.comparison import check_loss, default_loss
    from ..update_rules import OPTIMIZERS

    try:
        dataset = read(args)
        if args.scale_targets and dataset.classes:
            raise InputError(f"--scale-targets: {dataset.name} has classes; only targets of a regression are scaled")
        args.loss = args.loss or default_loss(dataset)
        args.lr = args.lr or OPTIMIZERS[args.optimizer].lr_for(dataset.task)
        check_loss(dataset, args.loss)
        found = args.sizes or default_sizes(dataset, args.loss)
        check_sizes(found, dataset, args.loss)
        if args.scale_targets is False:
            require_fits(dataset.name, "y", dataset.y, args.dtype)
    except ValueError as error:
        raise InputError(str(error)) from None
    return dataset, found


def build_network(args: argparse.Namespace) -> Network:
    """The network with its one start, and scaled data in the form that the loss wants."""
    import numpy as np

    from ..data import StandardScaler
    from ..diagnosis.trials.comparison import targets
    from ..nn import MLP
    from ..training import initialize
    from ..update_rules import OPTIMIZERS

    dataset, found = load_data(args)
    model = MLP(found, args.activation, rng=0, dtype=args.dtype)
    initialize(model, args.init, args.seed)
    order = np.random.default_rng(args.seed).permutation(len(dataset.x))
    x = StandardScaler().fit(dataset.x).transform(dataset.x)[order].astype(args.dtype)
    y = dataset.y[order]
    if args.scale_targets:
        y = StandardScaler().fit(y[:, None]).transform(y[:, None])[:, 0]
    y = targets(y, args.loss, found[-1], np.dtype(args.dtype))
    return Network(model, x, y, args.loss, OPTIMIZERS[args.optimizer].at(args.lr))


def write(*files: tuple[Path | None, Callable[[], str]], language: str) -> None:
    """Write what each file is to hold, where one was asked for, and say where that is.

    Raises
    ------
    InputError
        One cannot be written.
    """
    for path, content in files:
        try:
            if path is not None:
                path.write_text(content(), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    tell_written(*(path for path, _ in files if path is not None), language=language)


def tell_written(*paths: Path, language: str = "en") -> None:
    """One line that says where the results are, if any were written."""
    from rich.text import Text

    from ..words import say

    if paths:
        show(console(), Text(say("written", {"files": ", ".join(map(str, paths))}, language), style="bold"))


def check_outputs(
    outputs: dict[str, Path | None], data: str | None = None, inputs: dict[str, Path] | None = None
) -> None:
    """Find out before the work, not after it, that a file cannot be written, or would take the place of another.

    Parameters
    ----------
    outputs
        The files that will be written, by the options that name them.
    data
        What --data names, which may be a file.
    inputs
        Other files that are read, by how the command line calls them.

    Raises
    ------
    InputError
        Says why.
    """
    from ..data import BUILT_IN

    known = [] if data is None or data in BUILT_IN or not os.path.exists(data) else [("--data", Path(data))]
    known += [(option, path) for option, path in (inputs or {}).items() if path.exists()]
    made = []
    try:
        for option, path in outputs.items():
            if path is None:
                continue
            if path.is_dir():
                raise InputError(f"{option} {path}: expected a file, got a directory")
            there = path.exists()
            if path.is_file() or not there:
                # Made for a moment, as whether two names mean one file is known only of files that are there.
                with open(path, "a", encoding="utf-8"):
                    made += [] if there else [Path(os.path.realpath(path))]
            elif not os.access(path, os.W_OK):
                raise InputError(f"{option} {path}: cannot be written")
            same = next((other for other, file in known if os.path.samefile(path, file)), None)
            if same is not None:
                raise InputError(f"{option} {path}: is the file of {same}, too, and would be overwritten; name another")
            known.append((option, path))
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}") from None
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def console() -> Console:
    """Where results are printed; as wide as the tables need."""
    from rich.console import Console

    out = Console()
    out.width = max(out.width, 80) if out.is_terminal else 120
    return out


def show(out: Console, what: RenderableType) -> None:
    """Print, until whoever reads has left; the work goes on for the files and the exit code."""
    try:
        out.print(what)
    except SystemExit:  # how rich says that the pipe is broken
        out.quiet = True
