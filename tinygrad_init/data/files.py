"""Data from files: checked so that what is wrong is said with file, row and column."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import columns
from .archives import read_archive, read_array, table_of
from .arrow import ARROW, PARQUET, frame_of, read_arrow
from .complaints import DataError
from .databases import DATABASES, read_database
from .encoding import DROP, REFUSE, Encoder
from .frames import OTHER, Frame
from .numerals import DECIMALS, LARGEST, is_missing, is_number, too_large
from .spelling import BOOLEAN, NUMBER, TEXT, TIME
from .tables import read_table
from .targets import (
    AUTO,
    CLASSIFICATION,
    REGRESSION,
    are_classes,
    check_task,
    classes,
    from_texts,
    numbers,
)

Array = np.ndarray[Any, Any]

TEXTS = (".csv", ".tsv")
NUMPY = (".npz", ".npy")
SUFFIXES = (*TEXTS, *NUMPY, *PARQUET, *ARROW, *DATABASES)


def read(
    source: Any,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    query: str | None = None,
    array: str | None = None,
) -> Frame:
    """A table: out of a file, or made of one of pandas, polars, DuckDB, pyarrow or another library that speaks Arrow.

    Parameters
    ----------
    source
        A path that ends in .csv, .tsv, .parquet, .pq, .arrow, .arrows, .feather, .ipc, .npz, .npy, .db, .sqlite or
        .sqlite3; or a table, which has `__arrow_c_stream__`; or an array of shape (rows, columns).
    separator, decimal
        Of a text file, where they are not found, see `load_csv`.
    query
        Of a database: a SELECT; needed where it has several tables.
    array
        Of an archive: the array that is the whole table.

    Raises
    ------
    DataError
        It cannot be read, or an option is none for it.
    """
    if hasattr(source, "__arrow_c_stream__"):
        return frame_of(source, "the table")
    if isinstance(source, np.ndarray):
        return table_of("the table", "the array", source)
    if not isinstance(source, str | Path):
        raise DataError(f"read: expected a path, an array, or a table that speaks Arrow, got {type(source).__name__}")
    path, suffix = Path(source), Path(source).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{source}: expected a file ending in {ending()}")
    options = {
        "a text file": (TEXTS, {"a separator": separator, "a decimal sign": decimal}),
        "a database": (DATABASES, {"a query": query}),
        "an archive (.npz)": ((".npz",), {"an array": array}),
    }
    for where, (suffixes, given) in options.items():
        chosen = next((what for what, value in given.items() if value is not None), None)
        if chosen is not None and suffix not in suffixes:
            raise DataError(f"{source}: {chosen} can be chosen only for {where}")
    if suffix in TEXTS:
        return read_table(path, separator, decimal)
    if suffix in DATABASES:
        return read_database(path, query)
    if suffix in NUMPY:
        return read_archive(path, array) if suffix == ".npz" else read_array(path)
    return read_arrow(path)


def ending() -> str:
    """How files end that are read, in words."""
    return ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"


@dataclass(frozen=True)
class Learnable:
    """What a table has to be learned.

    Attributes
    ----------
    x
        float64 of shape (rows, features).
    y
        Class numbers or float64 numbers, of shape (rows,).
    classes
        The names of the classes; empty for a regression.
    encoder
        What became of which column.
    target
        The column that is learned.
    dropped
        How many rows were left out as a value was missing.
    """

    x: Array
    y: Array
    classes: tuple[str, ...]
    encoder: Encoder
    target: str
    dropped: int


def learnable(
    frame: Frame,
    target: str | None = None,
    *,
    task: str = AUTO,
    drop: Sequence[str] = (),
    categories: Sequence[str] = (),
    missing: str = REFUSE,
) -> Learnable:
    """Numbers and a target out of a table.

    Parameters
    ----------
    frame
        The table.
    target
        The column that is learned; the last one unless given, or the array "y" of an archive.
    task
        "classification": the target's values are the names of classes. "regression": they are numbers to be learned.
        "auto": numbers with fractions, or many different whole ones, are a regression.
    drop
        Columns to leave out.
    categories, missing
        Columns of numbers that are names, and what is done where a value is missing; see `Encoder`.

    Raises
    ------
    DataError
        Names file, row and column.

    Warns
    -----
    DataWarning
        Of columns that are probably no features, and of names that may mean one class.
    """
    check_task(task)
    encoder = Encoder(missing, categories)
    left_out = set(map(str, drop))
    at = frame.target(target, left_out)
    for name in (*map(str, drop), *categories):
        frame.column(name)
    names = frame.features(at, left_out)
    rows = len(frame)
    if missing == DROP:
        found = encoder.complete(frame, [*names, at])
        if not len(found):
            empty = [name for name in names if frame.columns[name].missing.all()]
            what = "; leave out with " + " ".join(f"--drop {shlex.quote(name)}" for name in empty) if empty else ""
            raise DataError(f"{frame.path}: in every row a value is missing{what}")
        frame = frame if len(found) == rows else frame.take(found, [*names, at])
    of_numbers = [name for name in names if encoder.kind_in(frame, name) == NUMBER]
    frame = frame.settled([*of_numbers, *numeric(frame, at, task)])
    x = encoder.fit_transform(frame, names)
    y, names_of_classes = target_of(frame, at, task)
    question(frame, encoder, x)
    if not names_of_classes:
        columns.question_target(frame.path, at, y)
    return Learnable(x, y, names_of_classes, encoder, at, rows - len(frame))


def question(frame: Frame, encoder: Encoder, x: Array) -> None:
    """Warn of columns that are probably no features."""
    starts = np.cumsum([0, *(len(column.features) for column in encoder.columns)])
    whole = [i for i, column in enumerate(encoder.columns) if column.kind == NUMBER and not column.missing]
    columns.question(frame.path, [encoder.columns[i].name for i in whole], x[:, starts[whole]])
    others = [i for i, column in enumerate(encoder.columns) if column.kind != NUMBER]
    still = [i for i in others if np.all(x[:, starts[i] : starts[i + 1]] == x[0, starts[i] : starts[i + 1]])]
    texts = {encoder.columns[i].name: len(encoder.columns[i].values) for i in others}
    columns.question_others(frame.path, len(x), [encoder.columns[i].name for i in still], texts)


def numeric(frame: Frame, at: str, task: str) -> list[str]:
    """The target's column if it has numbers as texts, which say as much of decimal signs as others."""
    column = frame.columns[at]
    if task == CLASSIFICATION or column.kind != TEXT:
        return []
    known = {text for text in column.values if not is_missing(text)}
    return [at] if all(any(is_number(text, decimal) for decimal in DECIMALS) for text in known) else []


def target_of(frame: Frame, name: str, task: str) -> tuple[Array, tuple[str, ...]]:
    """What is to be learned, out of a column.

    Raises
    ------
    DataError
        A value is missing or does not fit the task, or all are the same.
    """
    column, where = frame.columns[name], f"{frame.path}: {frame.title(name)}"
    if column.kind == OTHER:
        raise DataError(f"{where}: expected classes as numbers or text, got {column.said}")
    if column.kind == TIME:
        raise DataError(f"{where}: expected classes or numbers to be learned, got dates; make numbers of them first")
    if column.kind == TEXT:
        texts = ["" if gone else text for text, gone in zip(column.values, column.missing, strict=True)]
        if column.spelled:  # what is written where nothing is known is told
            texts = column.values.tolist()
        return from_texts(frame.path, name, lambda row: frame.place(row, name), texts, task, frame.decimal or ".")
    values = column.values.astype(np.float64)
    if column.missing.any():
        raise frame.wrong(int(column.missing.argmax()), name, "missing value")
    if task == REGRESSION or (task == AUTO and not (np.isfinite(values).all() and are_classes(values))):
        bad = np.flatnonzero(~(np.abs(values) <= LARGEST))
        if len(bad):
            value = values[bad[0]]
            what = f"expected a finite number, got {value:g}" if np.isinf(value) else too_large(f"{value:g}")
            raise frame.wrong(int(bad[0]), name, what)
        return numbers(where, values)
    bad = np.flatnonzero(~(np.abs(values) < 2**53) | (values != np.round(values)))
    if len(bad):
        raise frame.wrong(int(bad[0]), name, f"expected a class, got {values[bad[0]]}")
    labels = column.values if column.kind == BOOLEAN else values.astype(np.int64)
    return classes(frame.path, name, labels.astype(str).tolist())


def load_csv(
    path: Path | str,
    target: str | None = None,
    *,
    task: str = AUTO,
    separator: str | None = None,
    decimal: str | None = None,
    drop: Sequence[str] = (),
) -> tuple[Array, Array, tuple[str, ...]]:
    """Numbers and a target from a text file whose first row names the columns.

    Parameters
    ----------
    path
        The file, in UTF-8.
    target
        The name of the target's column; the last one unless given.
    task
        As in `learnable`.
    separator
        What stands between two cells; found out of `,`, `;`, tabs and `|` unless given.
    decimal
        The decimal sign, "." or ","; found unless given.
    drop
        The names of columns to leave out.

    Returns
    -------
    x, y, classes
        float64 of shape (rows, features), a column of 0 and 1 for each category of a column of texts; class numbers of
        shape (rows,), and the classes' names; or float64 numbers of that shape and no names.

    Raises
    ------
    DataError
        Names file, row (as an editor counts lines) and column.

    Warns
    -----
    DataWarning
        Of columns that are probably no features, and of names that may mean one class.
    """
    check_task(task)
    found = learnable(read_table(path, separator, decimal), target, task=task, drop=drop)
    return found.x, found.y, found.classes


def load_npz(
    path: Path | str, target: str | None = None, *, task: str = AUTO, drop: Sequence[str] = ()
) -> tuple[Array, Array, tuple[str, ...]]:
    """Arrays "x" (samples, ...) and "y" (samples,) from a NumPy archive; or a column an array, where there is no "x".

    Parameters
    ----------
    path
        The file.
    target
        The name of the array with what is to be learned; "y" unless given.
    task
        As in `learnable`.
    drop
        Columns of x to leave out, by their numbers from 0.

    Returns
    -------
    x, y, classes
        As `load_csv`; further axes of x are joined into one.

    Raises
    ------
    DataError
        Names file, array, row and column.

    Warns
    -----
    DataWarning
        As `load_csv`.
    """
    check_task(task)
    found = learnable(read_archive(path), target, task=task, drop=drop)
    return found.x, found.y, found.classes
