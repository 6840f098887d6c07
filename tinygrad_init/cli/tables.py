"""Tables on the command line: how they are read, and what is said of what became of their columns."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from ..data import Dataset, Encoder

FILES = "CSV, TSV, Parquet, Arrow, Feather, .npz, .npy or SQLite (.db)"
# So many columns that stay as they are have a row each; more are told together.
MOST_ROWS, NAMED = 12, 4


def add_data(parser: argparse.ArgumentParser) -> None:
    """The data, what is to be learned of them, and how a file is written."""
    from ..data import BUILT_IN, TASKS
    from ..data.encoding import MISSING

    add = parser.add_argument
    names = ", ".join(BUILT_IN)
    add("--data", default="digits", metavar="NAME|FILE", help=f"{names}, or a file of a table: {FILES} (digits)")
    add("--target", metavar="NAME", help="the file's column or array (.npz) to be learned (the last column, or y)")
    add(
        "--task",
        default=TASKS[0],
        choices=TASKS,
        help="what is to be learned: classes, or numbers (numbers with fractions or of many sizes are a regression)",
    )
    add("--drop", action="append", default=[], metavar="NAME", help="a column to leave out; may be given several times")
    help = "a column of numbers that are names, such as postcodes; may be given several times"
    add("--category", action="append", default=[], metavar="NAME", help=help)
    help = "where a value is missing: refuse, take the mean, say so by an indicator column, or drop the row (refuse)"
    add("--missing", choices=MISSING, default=MISSING[0], help=help)
    add_file(parser)


def add_file(parser: argparse.ArgumentParser) -> None:
    """How a file of a table is written, where that is not found."""
    add = parser.add_argument
    add("--query", metavar="SELECT", help="what is read of a database (its only table)")
    add(
        "--array",
        metavar="NAME",
        help="the array of a .npz file that is the table (x and y, or a column an array)",
    )
    add(
        "--separator",
        type=column,
        metavar="SIGN",
        help="between cells of a text file: , ; tab | or another (found)",
    )
    add("--decimal", choices=[".", ","], help="the decimal sign of a text file (found)")


def column(text: str) -> str:
    """A sign between cells; that of a tab may be written."""
    return {"tab": "\t", r"\t": "\t"}.get(text, text)


def read(args: argparse.Namespace) -> Dataset:
    """The data set; what looks doubtful in a file is said on stderr, a line each, and so is what became of columns."""
    from ..data import load

    options = {"task": args.task, "drop": args.drop, "categories": args.category, "missing": args.missing}
    with doubts_said(args.language):
        dataset = load(args.data, args.target, args.seed, **options, **file_options(args))
    if args.command != "train":  # which has a table of it
        encodings_said(dataset, args.data, args.language)
    return dataset


def file_options(args: argparse.Namespace) -> dict[str, Any]:
    """What was said of how a file is written."""
    return {name: getattr(args, name) for name in ("separator", "decimal", "query", "array")}


@contextmanager
def doubts_said(language: str) -> Iterator[None]:
    """Say what looks doubtful within on stderr, a line each."""
    from ..data import DataWarning

    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always", UserWarning)
        yield
    for doubt in doubts:
        said = doubt.message.said.spoken(language) if isinstance(doubt.message, DataWarning) else doubt.message
        print(f"tinygrad-init: {said}", file=sys.stderr)


def encodings_said(dataset: Dataset, file: str, language: str) -> None:
    """Say on stderr what became of columns that did not stay as they are, and of rows that were left out."""
    from ..data.spelling import NUMBER
    from ..words import phrase

    said = []
    for column in dataset.encoder.columns if dataset.encoder is not None else ():
        if column.kind != NUMBER or column.missing:
            more = None if column.missing == 0 else phrase("data.filled", how=column.phrase_of_missing())
            said.append(phrase("data.encoded", file=file, column=repr(column.name), how=column.phrase(), more=more))
    if dataset.dropped:
        said.append(phrase("data.dropped", file=file, count=dataset.dropped, rows=dataset.dropped + len(dataset.x)))
    for one in said:
        print(f"tinygrad-init: {one.spoken(language)}", file=sys.stderr)


def encodings(encoder: Encoder, language: str) -> Table:
    """What became of each column."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ..data.spelling import NUMBER
    from ..words import phrase, say

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("column", "kind", "becomes", "missing"):
        table.add_column(say(f"encoded.heading.{name}", {}, language))
    plain = [column for column in encoder.columns if column.kind == NUMBER and not column.missing]
    together = len(plain) > MOST_ROWS
    for column in encoder.columns:
        if together and column in plain:
            if column is plain[0]:
                names, more = tuple(one.name for one in plain[:NAMED]), phrase("data.more", count=len(plain) - NAMED)
                said = phrase("encoded.plain", count=len(plain), names=names, more=more).spoken(language)
                table.add_row(Text(said), *kind_of(column.kind, language), Text(column.phrase().spoken(language)), "")
            continue
        missing = column.phrase_of_missing()
        cells = (column.name, column.phrase().spoken(language), "" if missing is None else missing.spoken(language))
        table.add_row(Text(cells[0]), *kind_of(column.kind, language), Text(cells[1]), Text(cells[2]))
    return table


def kind_of(kind: str, language: str) -> tuple[str]:
    """The cell with the kind of a column."""
    from ..words import say

    return (say(f"encoded.kind.{kind}", {}, language),)
