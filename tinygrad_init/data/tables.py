"""Text files of rows and named columns: what separates cells is found, what does not fit is said with its row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from .complaints import DataError
from .frames import Column, Frame
from .numerals import DECIMALS, is_number
from .spelling import TEXT

SEPARATORS = (",", ";", "\t", "|")
# So many rows say what separates their cells.
SAMPLE = 100


def read_table(path: Path | str, separator: str | None = None, decimal: str | None = None) -> Frame:
    """A text file in UTF-8 whose first row names the columns; rows are numbered by the line where each ends.

    Parameters
    ----------
    path
        The file.
    separator
        What stands between two cells: one sign. Found out of commas, semicolons, tabs and vertical bars unless given.
    decimal
        The decimal sign, "." or ",", if it is known.

    Raises
    ------
    DataError
        Names file and row.
    """
    if decimal not in (None, *DECIMALS):
        raise DataError(f"{path}: expected . or , as a decimal sign, got {decimal!r}")
    if separator is not None and (len(separator) != 1 or separator in '\r\n"'):
        raise DataError(f"{path}: expected one sign as a separator, got {separator!r}")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = file.readlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text in UTF-8 ({error.reason} at byte {error.start})") from None
    found = separator or separator_of(path, lines)
    reader = csv.reader(lines, strict=True, delimiter=found)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path}: row {reader.line_num}: {error}") from None
    if not rows:
        raise DataError(f"{path}: no rows")
    header = tuple(" ".join(name.split()) for name in rows[0][1])
    check_header(path, header, found)
    if len(rows) == 1:
        raise DataError(f"{path}: no rows below the header")
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise DataError(f"{path}: row {line}: expected {len(header)} columns, got {len(row)}")
    columns = zip(header, zip(*(row for _, row in rows[1:]), strict=True), strict=True)
    texts = {name: Column(TEXT, np.array(cells, dtype=object), spelled=True) for name, cells in columns}
    return Frame(str(path), texts, decimal, [line for line, _ in rows[1:]])


def separator_of(path: Path | str, lines: Sequence[str]) -> str:
    """The sign that cuts every row into as many cells as the header; else the one that cuts the header into most.

    Raises
    ------
    DataError
        Several signs do.
    """
    widths = {separator: cut(lines, separator) for separator in SEPARATORS}
    fitting = [separator for separator, found in widths.items() if found and found[0] > 1 and len(set(found)) == 1]
    if len(fitting) > 1:
        signs = " and ".join(map(repr, fitting))
        raise DataError(f"{path}: {signs} both cut all rows into columns; say which by --separator")
    if fitting:
        return fitting[0]
    headers = {separator: widths[separator] or cut(lines[:1], separator) or [0] for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: headers[separator][0])


def cut(lines: Sequence[str], separator: str) -> list[int]:
    """Into how many cells a sign cuts the first rows; none if quotes do not allow it."""
    try:
        return [len(row) for row in islice(filter(None, csv.reader(lines, strict=True, delimiter=separator)), SAMPLE)]
    except csv.Error:
        return []


def check_header(path: Path | str, header: Sequence[str], separator: str) -> None:
    """Refuse a first row that does not name columns.

    Raises
    ------
    DataError
        Says why.
    """
    if len(header) < 2:
        raise DataError(
            f"{path}: row 1: expected at least one column of numbers and a target, got {list(header)}; if another sign "
            f"than {separator!r} is between them, say which by --separator"
        )
    if all(is_number(name) for name in header):
        raise DataError(f"{path}: row 1: expected the names of the columns, got numbers")
    doubled = next((name for i, name in enumerate(header) if name in header[:i]), None)
    if doubled is not None:
        raise DataError(f"{path}: row 1: two columns are named {doubled!r}")
