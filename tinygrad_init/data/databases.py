"""Tables in a file of SQLite, opened to be read and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .complaints import DataError, first_line
from .frames import OTHER, Column, Frame, checked
from .spelling import NUMBER, TEXT

Array = np.ndarray[Any, Any]
DATABASES = (".db", ".sqlite", ".sqlite3")
MAGIC = b"SQLite format 3\0"
# So many rows are taken at a time, and put into columns.
AT_ONCE = 1 << 14
HOW = 'say what is read by --query "SELECT ... FROM ..."'


def read_database(path: Path | str, query: str | None = None) -> Frame:
    """What a query finds, or the only table.

    Parameters
    ----------
    path
        The file.
    query
        A SELECT; needed where there are several tables.

    Raises
    ------
    DataError
        It is no such file, the query is wrong or would change something, or it finds nothing.
    """
    try:
        import sqlite3
    except ImportError:  # some builds of Python leave it out
        raise DataError(f"{path}: this Python was built without SQLite") from None
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise DataError(f"{path}: expected a database of SQLite")
        link = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)
    except (OSError, sqlite3.Error) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or first_line(error)}") from None
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}

    def may(action: int, *about: Any) -> int:
        return sqlite3.SQLITE_OK if action in allowed and "load_extension" not in about else sqlite3.SQLITE_DENY

    try:
        link.set_authorizer(may)
        found = link.execute(f"SELECT * FROM {_only_table(path, link)}" if query is None else query)
        if found.description is None:
            raise DataError(f"{path}: --query: expected a SELECT, got {query!r}")
        names = [name for name, *_ in found.description]
        parts: list[list[Array]] = [[] for _ in names]
        while rows := found.fetchmany(AT_ONCE):
            for part, values in zip(parts, zip(*rows, strict=True), strict=True):
                part.append(_chunk(values))
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        if isinstance(error, DataError):
            raise
        denied = any(word in str(error) for word in ("not authorized", "prohibited", "authorization denied"))
        said = "expected a SELECT, which changes nothing" if denied else first_line(error)
        raise DataError(f"{path}: {'' if query is None else '--query: '}{said}") from None
    finally:
        link.close()
    columns = [_column(np.concatenate(part) if part else np.zeros(0)) for part in parts]
    return Frame(str(path), checked(path, list(zip(names, columns, strict=True))))


def _only_table(path: Path | str, link: Any) -> str:
    """The name of the only table or view, quoted."""
    tables = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [str(name) for (name,) in link.execute(tables)]
    if len(names) != 1:
        there = ", ".join(names[:20]) + (", …" if len(names) > 20 else "") or "none"
        raise DataError(f"{path}: expected one table, there is {there}; {HOW}")
    return '"' + names[0].replace('"', '""') + '"'


def _chunk(values: tuple[Any, ...]) -> Array:
    """Some values of a column: numbers as such where all are, or are missing."""
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values, dtype=object)


def _column(values: Array) -> Column:
    """A column of numbers, of texts, or of what is of no use."""
    if values.dtype != object:
        return Column(NUMBER, values, np.isnan(values))
    if any(isinstance(value, bytes) for value in values):
        return Column(OTHER, values, np.zeros(len(values), bool), said="BLOB")
    missing = np.array([value is None or value != value for value in values], bool)
    texts = np.array(["" if gone else str(value) for value, gone in zip(values, missing, strict=True)], dtype=object)
    mixed = any(not isinstance(value, str) for value in values[~missing])
    blank = np.array([not text.strip() for text in texts], bool)
    return Column(TEXT, texts, missing | blank, spelled=mixed)
