"""Data from files: checked so that what is wrong is said with file, row and column."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


# Beyond this, squares and differences of features overflow, and what is seen then is not the network's doing. Features
# are scaled in float64, so that what float32 does not hold (beyond 3.4e38) can be learned from up to here.
LARGEST = 1e100
MISSING = ("", "na", "n/a", "nan", "null", "none")


class DataError(ValueError):
    """A file or data set that cannot be learned from; the message is one line that says where and why."""


def load_csv(path: Path | str, target: str | None = None) -> tuple[Array, Array, tuple[str, ...]]:
    """Numbers and a target from a CSV file whose first row names the columns.

    Parameters
    ----------
    path
        The file, in UTF-8, separated by commas.
    target
        The name of the target's column; the last one unless given. Its values are the names of classes.

    Returns
    -------
    x, y, classes
        float64 of shape (rows, columns - 1), class numbers of shape (rows,), and the classes' names.

    Raises
    ------
    DataError
        Names file, row (as an editor counts lines) and column.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text in UTF-8 ({error.reason} at byte {error.start})") from None
    except csv.Error as error:
        raise DataError(f"{path}: row {reader.line_num}: {error}") from None
    if not rows:
        raise DataError(f"{path}: no rows")
    header = [name.strip() for name in rows[0][1]]
    _check_header(path, header)
    if len(rows) == 1:
        raise DataError(f"{path}: no rows below the header")
    at = _target_column(path, header, target)
    x = np.empty((len(rows) - 1, len(header) - 1))
    labels = []
    for i, (line, row) in enumerate(rows[1:]):
        if len(row) != len(header):
            raise DataError(f"{path}: row {line}: expected {len(header)} columns, got {len(row)}")
        values = [_number(path, line, header[j], text) for j, text in enumerate(row) if j != at]
        x[i] = values
        labels.append(row[at].strip())
        if labels[-1].lower() in MISSING:
            raise DataError(f"{path}: row {line}, column {header[at]!r}: {_missing_class(labels[-1])}")
    y, classes = _classes(str(path), np.array(labels), header[at])
    return x, y, classes


def _check_header(path: Path | str, header: list[str]) -> None:
    if len(header) < 2:
        raise DataError(f"{path}: row 1: expected at least one column of numbers and a target, got {header}")
    if all(_is_number(name) for name in header):
        raise DataError(f"{path}: row 1: expected the names of the columns, got numbers")
    doubled = next((name for i, name in enumerate(header) if name in header[:i]), None)
    if doubled is not None:
        raise DataError(f"{path}: row 1: two columns are named {doubled!r}")


def _target_column(path: Path | str, header: list[str], target: str | None) -> int:
    if target is None:
        return len(header) - 1
    if target not in header:
        raise DataError(f"{path}: no column {target!r}; there is {', '.join(header)}")
    return header.index(target)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _missing_class(text: str) -> str:
    """A target that is not there; what stands in its place may be the name of a class all the same."""
    return "missing value" + (f" {text!r}; if it is a class, give it another name" if text else "")


def _number(path: Path | str, line: int, column: str, text: str) -> float:
    where, text = f"{path}: row {line}, column {column!r}", text.strip()
    if text.lower() in MISSING:
        raise DataError(f"{where}: missing value")
    if not _is_number(text):
        raise DataError(f"{where}: expected a number, got {text!r}")
    number = float(text)
    if abs(number) <= LARGEST:
        if number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
            raise DataError(f"{where}: {text} is too small for float64, where it would be 0; scale the column")
        return number
    if "inf" in text.lower() or math.isnan(number):
        raise DataError(f"{where}: expected a finite number, got {text!r}")
    raise DataError(f"{where}: {_too_large(text)}")


def _too_large(number: str) -> str:
    """A finite number with which nobody can compute."""
    return (
        f"{number} is too large: float32 ends at 3.4e+38, and beyond ±{LARGEST:g} squares overflow in float64, too; "
        "scale the column"
    )


def _classes(path: str, labels: Array, column: str) -> tuple[Array, tuple[str, ...]]:
    """Class numbers in the order of the names, numbers by size."""
    names = np.unique(labels)
    if len(names) < 2:
        raise DataError(f"{path}: column {column!r}: only one class, {str(names[0])!r}; at least two are needed")
    if len(names) > 2 and len(names) > len(labels) // 2:
        raise DataError(
            f"{path}: column {column!r}: {len(names)} different values in {len(labels)} rows; "
            "expected the names of classes"
        )
    if all(_is_number(str(name)) for name in names):
        names = np.array(sorted(names, key=lambda name: float(str(name))))
    numbers = {str(name): i for i, name in enumerate(names)}
    return np.array([numbers[str(label)] for label in labels], dtype=np.intp), tuple(str(name) for name in names)


def load_npz(path: Path | str, target: str | None = None) -> tuple[Array, Array, tuple[str, ...]]:
    """Arrays "x" (samples, ...) and "y" (samples,) from a NumPy archive.

    Parameters
    ----------
    path
        The file.
    target
        The name of the array with the classes; "y" unless given.

    Returns
    -------
    x, y, classes
        As `load_csv`; further axes of x are joined into one.

    Raises
    ------
    DataError
        Names file, array, row and column.
    """
    name = target or "y"
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays = {key: archive[key] for key in archive.files}
    except Exception as error:  # a damaged archive fails in as many ways as there are decompressors and parsers
        raise DataError(f"{path}: expected a NumPy archive of plain arrays ({str(error).splitlines()[0]})") from None
    for key in ("x", name):
        if key not in arrays:
            raise DataError(f"{path}: no array {key!r}; there is {', '.join(arrays) or 'none'}")
    x, y = arrays["x"], arrays[name]
    if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
        raise DataError(f"{path}: expected arrays 'x' and {name!r}, got other members of those names")
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        raise DataError(f"{path}: array 'x': expected numbers of shape (samples, features), got {x.dtype} {x.shape}")
    if x.size == 0:
        raise DataError(f"{path}: array 'x': {'no rows' if len(x) == 0 else 'no columns'}")
    with np.errstate(over="ignore"):  # of numbers with more than 64 bits, which are infinite then
        x = x.reshape(len(x), -1).astype(np.float64)
    if y.shape != (len(x),):
        raise DataError(f"{path}: array {name!r}: expected shape ({len(x)},), one a row of 'x', got {y.shape}")
    bad = np.argwhere(~(np.abs(x) <= LARGEST))
    if len(bad):
        row, column = bad[0]
        value = x[row, column]
        what = f"expected a finite number, got {value:g}" if np.isinf(value) else _too_large(f"{value:g}")
        raise DataError(
            f"{path}: array 'x', row {row}, column {column}: {'missing value' if np.isnan(value) else what}"
        )
    if y.dtype.kind not in "fiubU":
        raise DataError(f"{path}: array {name!r}: expected classes as numbers or text, got {y.dtype}")
    if y.dtype.kind == "f":
        bad_rows = np.flatnonzero(~(np.abs(y) < 2**53) | (y != np.round(y)))
        if len(bad_rows):
            value = y[bad_rows[0]]
            what = "missing value" if np.isnan(value) else f"expected a class, got {value}"
            raise DataError(f"{path}: array {name!r}, row {bad_rows[0]}: {what}")
        y = y.astype(np.int64)
    for row, label in enumerate(y) if y.dtype.kind == "U" else ():
        if label.strip().lower() in MISSING:
            raise DataError(f"{path}: array {name!r}, row {row}: {_missing_class(label.strip())}")
    classes, names = _classes(str(path), y.astype(str), name)
    return x, classes, names
