"""Data from files: checked so that what is wrong is said with file, row and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import columns
from .complaints import DataError
from .numerals import DECIMALS, LARGEST, decimal_of, is_missing, is_number, number, too_large
from .tables import Table, read_table
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
        "classification": the target's values are the names of classes. "regression": they are numbers to be learned.
        "auto": numbers with fractions, or many different whole ones, are a regression.
    separator
        What stands between two cells; found out of `,`, `;`, tabs and `|` unless given.
    decimal
        The decimal sign, "." or ","; found unless given.
    drop
        The names of columns to leave out.

    Returns
    -------
    x, y, classes
        float64 of shape (rows, features); class numbers of shape (rows,), and the classes' names; or float64 numbers of
        that shape and no names.

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
    if decimal not in (None, *DECIMALS):
        raise DataError(f"{path}: expected . or , as a decimal sign, got {decimal!r}")
    table = read_table(path, separator)
    left_out = {table.column(name) for name in drop}
    at = target_column(table, target, left_out)
    features = [column for column in range(len(table.header)) if column != at and column not in left_out]
    if not features:
        raise DataError(f"{table.path}: no column is left beside the target {table.header[at]!r}")
    sign = decimal or decimal_of(table.path, table.cells([*features, *numeric(table, at, task)]))
    x = np.empty((len(table.rows), len(features)))
    for i, (line, row) in enumerate(table.rows):
        x[i] = [number(f"{table.path}: {table.place(line, column)}", row[column], sign) for column in features]
    places, texts = zip(*table.cells([at]), strict=True)
    y, names = from_texts(table.path, table.header[at], places, texts, task, sign)
    columns.question(table.path, [table.header[column] for column in features], x)
    if not names:
        columns.question_target(table.path, table.header[at], y)
    return x, y, names


def target_column(table: Table, target: str | None, left_out: set[int]) -> int:
    """The number of the target's column: by its name, or the last that is not left out.

    Raises
    ------
    DataError
        There is none of that name, or it is left out.
    """
    kept = [column for column in range(len(table.header)) if column not in left_out]
    at = table.column(target) if target is not None else max(kept, default=len(table.header) - 1)
    if at in left_out:
        raise DataError(f"{table.path}: the column {table.header[at]!r} is the target, and cannot be left out")
    return at


def numeric(table: Table, at: int, task: str) -> list[int]:
    """The target's column if it has numbers, which say as much of decimal signs as others."""
    if task == CLASSIFICATION:
        return []
    known = [text for _, text in table.cells([at]) if not is_missing(text)]
    return [at] if all(any(is_number(text, decimal) for decimal in DECIMALS) for text in known) else []


def load_npz(
    path: Path | str, target: str | None = None, *, task: str = AUTO, drop: Sequence[str] = ()
) -> tuple[Array, Array, tuple[str, ...]]:
    """Arrays "x" (samples, ...) and "y" (samples,) from a NumPy archive.

    Parameters
    ----------
    path
        The file.
    target
        The name of the array with what is to be learned; "y" unless given.
    task
        As in `load_csv`.
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
    name = target or "y"
    x, y = arrays_of(path, name)
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        raise DataError(f"{path}: array 'x': expected numbers of shape (samples, features), got {x.dtype} {x.shape}")
    if x.size == 0:
        raise DataError(f"{path}: array 'x': {'no rows' if len(x) == 0 else 'no columns'}")
    with np.errstate(over="ignore"):  # of numbers with more than 64 bits, which are infinite then
        x = x.reshape(len(x), -1).astype(np.float64)
    kept = kept_columns(path, x.shape[1], drop)
    x = x[:, kept]
    if y.shape != (len(x),):
        raise DataError(f"{path}: array {name!r}: expected shape ({len(x)},), one a row of 'x', got {y.shape}")
    bad = np.argwhere(~(np.abs(x) <= LARGEST))
    if len(bad):
        row, column = bad[0]
        value = x[row, column]
        what = f"expected a finite number, got {value:g}" if np.isinf(value) else too_large(f"{value:g}")
        raise DataError(
            f"{path}: array 'x', row {row}, column {kept[column]}: {'missing value' if np.isnan(value) else what}"
        )
    targets, names = from_array(path, name, y, task)
    columns.question(str(path), [str(column) for column in kept], x)
    if not names:
        columns.question_target(str(path), name, targets)
    return x, targets, names


def arrays_of(path: Path | str, target: str) -> tuple[Array, Array]:
    """The arrays "x" and that of the target.

    Raises
    ------
    DataError
        It is no archive, or they are not in it.
    """
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays = {key: archive[key] for key in archive.files}
    except Exception as error:  # a damaged archive fails in as many ways as there are decompressors and parsers
        raise DataError(f"{path}: expected a NumPy archive of plain arrays ({str(error).splitlines()[0]})") from None
    for key in ("x", target):
        if key not in arrays:
            raise DataError(f"{path}: no array {key!r}; there is {', '.join(arrays) or 'none'}")
    x, y = arrays["x"], arrays[target]
    if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
        raise DataError(f"{path}: expected arrays 'x' and {target!r}, got other members of those names")
    return x, y


def kept_columns(path: Path | str, count: int, drop: Sequence[str]) -> list[int]:
    """The numbers of the columns that are not left out.

    Raises
    ------
    DataError
        There is no such column, or none is left.
    """
    for name in drop:
        if not (str(name).isdecimal() and len(str(name)) < 10 and int(name) < count):
            raise DataError(f"{path}: no column {str(name)!r}; those of 'x' are numbered from 0 to {count - 1}")
    left_out = {int(name) for name in drop}
    kept = [column for column in range(count) if column not in left_out]
    if not kept:
        raise DataError(f"{path}: no column of 'x' is left")
    return kept


def from_array(path: Path | str, name: str, y: Array, task: str) -> tuple[Array, tuple[str, ...]]:
    """What is to be learned, out of an array of one number or text a row.

    Raises
    ------
    DataError
        A value is missing or does not fit the task, or all are the same.
    """
    where = f"{path}: array {name!r}"
    if y.dtype.kind not in "fiubU":
        raise DataError(f"{where}: expected classes as numbers or text, got {y.dtype}")
    if y.dtype.kind == "U":
        return from_texts(str(path), name, [f"array {name!r}, row {row}" for row in range(len(y))], y.tolist(), task)
    values = y.astype(np.float64)
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        raise DataError(f"{where}, row {missing[0]}: missing value")
    if task == REGRESSION or (task == AUTO and not (np.isfinite(values).all() and are_classes(values))):
        bad = np.flatnonzero(~(np.abs(values) <= LARGEST))
        if len(bad):
            value = values[bad[0]]
            what = f"expected a finite number, got {value:g}" if np.isinf(value) else too_large(f"{value:g}")
            raise DataError(f"{where}, row {bad[0]}: {what}")
        return numbers(where, values)
    bad = np.flatnonzero(~(np.abs(values) < 2**53) | (values != np.round(values)))
    if len(bad):
        raise DataError(f"{where}, row {bad[0]}: expected a class, got {values[bad[0]]}")
    return classes(str(path), name, (y if y.dtype.kind != "f" else y.astype(np.int64)).astype(str).tolist())
