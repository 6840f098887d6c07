"""`tinygrad-init train`: a network on a table, to be kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._interruption import INTERRUPTED
from .options import InputError, add_network, check_outputs, console, load_data, not_negative, positive, show, whole
from .tables import encodings

if TYPE_CHECKING:
    from ..data import Dataset
    from ..tabular import Learned
    from ..words import Phrase


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a network on a table, and keep it for predict",
        description="Train a network on a table. What became of its columns is printed, and kept with the network.",
        epilog="Exit code: 0, also if little was learned; 2 bad input; 130 interrupted, with what was learned kept.",
    )
    add_network(parser, one_start=True, scales=False)
    add = parser.add_argument
    add("--epochs", type=positive, default=100, help="how often every row is used at most (100)")
    help = "the share of the rows that is held out to judge by (a fifth of 10 rows or more)"
    add("--validation", type=share, metavar="SHARE", help=help)
    help = (
        "after so many epochs without a lower loss on those rows it is over, and the best weights are taken; 0: never"
    )
    add("--patience", type=whole(0, 10**9), default=10, help=f"{help} (10)")
    add("--save", type=Path, metavar="FILE", help="keep the network, with all that predict needs (.safetensors)")
    parser.set_defaults(run=run)


def share(text: str) -> float:
    number = not_negative(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0 and below 1, got {text!r}")
    return number


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    from ..update_rules import OPTIMIZERS
    from ..words import say

    check_outputs({"--save": args.save}, args.data)
    dataset, sizes = load_data(args)
    out = console()
    show(out, Text(heading(dataset, args.target).spoken(args.language)))
    if dataset.encoder is not None:
        show(out, encodings(dataset.encoder, args.language))
    from ..tabular import learn

    try:
        found = learn(
            dataset, sizes, OPTIMIZERS[args.optimizer].at(args.lr), loss=args.loss, activation=args.activation,
            start=args.init, epochs=args.epochs, batch_size=args.batch_size, validation=args.validation,
            patience=args.patience or None, seed=args.seed, dtype=args.dtype, progress=True,
        )  # fmt: skip
        if args.save is not None:
            found.predictor.save(args.save)
    except ValueError as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"{args.save}: cannot be written: {error.strerror or error}") from None
    if found.interrupted:
        said = say("train.interrupted", {}, args.language)
        print(f"tinygrad-init: {said}", file=sys.stderr)
    show(out, Text(summary(found, args.save).spoken(args.language), style="bold"))
    return INTERRUPTED if found.interrupted else 0


def heading(dataset: Dataset, target: str | None) -> Phrase:
    """What is learned from what."""
    from ..words import phrase

    if dataset.classes:
        what = phrase("train.classes", count=len(dataset.classes))
    else:
        what = phrase("train.numbers", low=float(dataset.y.min()), high=float(dataset.y.max()))
    rows, features = dataset.x.shape
    name = repr(dataset.target or "y")
    return phrase("train.head", name=dataset.name, rows=rows, features=features, target=name, what=what)


def summary(found: Learned, file: Path | None) -> Phrase:
    """How good it is, and where it lies."""
    from ..words import phrase

    key = "accuracy" if found.predictor.classes else "r2"
    stopped = found.best < found.epochs
    said = {
        "score": score(found.predictor.classes, found.score),
        "guess": phrase("train.guess.accuracy", guess=found.guess) if key == "accuracy" else phrase("train.guess.r2"),
        "rows": found.held or found.rows,
        "epochs": phrase("train.best", best=found.best, epochs=found.epochs)
        if stopped
        else phrase("train.epochs", epochs=found.epochs),
        "where": phrase("train.unsaved", option="--save FILE.safetensors")
        if file is None
        else phrase("train.saved", file=str(file)),
    }
    return phrase("train.held" if found.held else "train.all", **said)


def score(classes: tuple[str, ...], value: float) -> Phrase:
    """The score of a network for classes, or for numbers."""
    from ..words import phrase

    return phrase("train.accuracy" if classes else "train.r2", score=value)
