"""`tinygrad-init predict`: what a network that `train` kept says of another table."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import InputError, check_outputs, console, locale_language, show
from .tables import FILES, add_file, doubts_said, encodings, file_options

if TYPE_CHECKING:
    import numpy as np

    from ..data import Frame
    from ..tabular import Predictor

# So many rows are written at a time.
AT_ONCE = 1 << 14
TEXTS, PARQUET, ARROW = (".csv", ".tsv"), (".parquet", ".pq"), (".arrow", ".feather")


def add_to(commands: Any) -> None:
    """The command and its options."""
    from ..words import LANGUAGES

    parser = commands.add_parser(
        "predict",
        help="predict the rows of a table by a network that train has kept",
        description="Do to a table what was done to the one that was trained on, and say what the network says.",
    )
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="FILE", help="what train --save has written")
    add("--data", metavar="FILE", help=f"the table: {FILES}; columns are found by their names")
    add_file(parser)
    ends = ", ".join((*TEXTS, *PARQUET, *ARROW))
    add("--output", type=Path, metavar="FILE", help=f"{ends} (CSV on the standard output)")
    add("--probabilities", action="store_true", help="also the probability of each class")
    help = "a category that was not there in training: refuse, or take it as none of them (refuse)"
    add("--unseen", choices=["refuse", "none"], default="refuse", help=help)
    add("--explain", action="store_true", help="print what becomes of the columns; --data may be left out then")
    add("--language", default=locale_language(), choices=list(LANGUAGES), help="of sentences (that of the locale)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.data is None and not args.explain:
        raise InputError("predict: expected a table, --data FILE")
    if args.output is not None and args.output.suffix.lower() not in (*TEXTS, *PARQUET, *ARROW):
        ends = ", ".join((*TEXTS, *PARQUET, *ARROW))
        raise InputError(f"--output: expected a name that ends in {ends}, got {args.output}")
    check_outputs({"--output": args.output}, args.data, {"--model": args.model})
    from ..data import read
    from ..tabular import load

    try:
        with doubts_said(args.language):
            predictor = load(args.model)
            if args.explain:
                show(console(), encodings(predictor.encoder, args.language))
            if args.data is None:
                return 0
            frame = read(args.data, **file_options(args))
            outputs = predictor.outputs(frame, args.unseen)
            answers = predictor.answers(outputs)
            shares = predictor.shares(outputs) if args.probabilities else None
    except ValueError as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"{error.filename or args.model}: {error.strerror or error}") from None
    for line in notes(predictor, frame, outputs):
        print(f"tinygrad-init: {line.spoken(args.language)}", file=sys.stderr)
    names = [predictor.target, *(f"p({name})" for name in predictor.classes if shares is not None)]
    write(args.output, names, answers, shares)
    return 0


def notes(predictor: Predictor, frame: Frame, outputs: np.ndarray[Any, Any]) -> Iterator[Any]:
    """What is to be known of the predictions."""
    import numpy as np

    from ..data.columns import named
    from ..words import phrase
    from .train import score

    known = {column.name for column in predictor.encoder.columns} | {predictor.target}
    extra = [name for name in frame.columns if name not in known]
    if extra:
        yield phrase("predict.extra", file=frame.path, columns=named(extra))
    left = int(np.isnan(outputs).any(axis=1).sum())
    if left:
        yield phrase("predict.left", file=frame.path, count=left, rows=len(frame))
    if (found := predictor.score(frame, outputs)) is not None:
        said = score(predictor.classes, found[0])
        yield phrase("predict.known", score=said, rows=found[1], target=repr(predictor.target))


def write(path: Path | None, names: list[str], answers: Any, shares: Any) -> None:
    """Write the predictions, a row each.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    try:
        if path is None:
            for text in lines(names, answers, shares, ","):
                sys.stdout.write(text)
        elif path.suffix.lower() in TEXTS:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.writelines(lines(names, answers, shares, "\t" if path.suffix.lower() == ".tsv" else ","))
        else:
            write_arrow(path, names, answers, shares)
    except OSError as error:
        if path is None:
            raise
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def lines(names: list[str], answers: Any, shares: Any, separator: str) -> Iterator[str]:
    """The text of some rows after the other; numbers in as many digits as tell them apart from all others."""
    for start in range(0, max(len(answers), 1), AT_ONCE):
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        if start == 0:
            writer.writerow(names)
        some = answers[start : start + AT_ONCE].tolist()
        told = ["" if value != value else value for value in some]
        if shares is None:
            writer.writerows([value] for value in told)
        else:
            rows = shares[start : start + AT_ONCE].tolist()
            writer.writerows(
                [value, *("" if p != p else p for p in row)] for value, row in zip(told, rows, strict=True)
            )
        yield text.getvalue()


def write_arrow(path: Path, names: list[str], answers: Any, shares: Any) -> None:
    """Write a file of Parquet or Arrow."""
    from ..data import DataError
    from ..data.arrow import require

    try:
        arrow = require(str(path))
        columns = [answers, *(() if shares is None else shares.T)]
        table = arrow.table([arrow.array(column.tolist(), from_pandas=True) for column in columns], names)
        if path.suffix.lower() in PARQUET:
            require(str(path), "pyarrow.parquet").write_table(table, str(path))
        else:
            require(str(path), "pyarrow.feather").write_feather(table, str(path), compression="uncompressed")
    except DataError as error:
        raise InputError(str(error)) from None
