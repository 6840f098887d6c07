"""Tables of any format: columns by name, each of numbers, truth values, texts or times, some of which are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from ..naming import nearest, spelled
from .complaints import CellError, DataError
from .numerals import LARGEST, as_float, decimal_of, number, too_large
from .spelling import BOOLEAN, MICROSECOND, NUMBER, TEXT, TIME, floats, kind_of, missing_in, time, truth

Array = np.ndarray[Any, Any]
T = TypeVar("T")

# Of a column that nothing can be learned from, such as lists.
OTHER = "other"
# So many columns are named in an error.
SHOWN = 20
WHAT = {NUMBER: "numbers", BOOLEAN: "truth values", TEXT: "texts", TIME: "dates"}


@dataclass(frozen=True)
class Column:
    """What stands below a name.

    Attributes
    ----------
    kind
        "number" (float64), "boolean", "text" (objects), "time" (datetime64[us], UTC) or "other", which is of no use.
    values
        Of shape (rows,).
    absent
        Where a value is missing; None if texts tell.
    spelled
        Whether texts may spell numbers, as in a file that has nothing but texts.
    said
        What the file calls the type, for errors.
    """

    kind: str
    values: Array
    absent: Array | None = None
    spelled: bool = False
    said: str = ""

    @cached_property
    def missing(self) -> Array:
        """Where a value is missing, of shape (rows,)."""
        return missing_in(self.values) if self.absent is None else self.absent

    def take(self, rows: Array) -> Column:
        """The same of some rows alone."""
        return replace(self, values=self.values[rows], absent=self.missing[rows])


@dataclass(frozen=True)
class Frame:
    """A table: of a file, or made of another library's.

    Attributes
    ----------
    path
        The file, or what else errors call it.
    columns
        By name, of one length.
    decimal
        The decimal sign of texts that spell numbers; None as long as nobody has looked.
    rows
        The number of each row as errors say it; from 0 where there are none.
    """

    path: str
    columns: Mapping[str, Column]
    decimal: str | None = None
    rows: Sequence[int] | Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).values)

    def title(self, name: str) -> str:
        """What errors call a column."""
        return f"column {name!r}"

    def place(self, row: int, name: str) -> str:
        """What errors call a value."""
        return f"row {row if self.rows is None else self.rows[row]}, {self.title(name)}"

    def wrong(self, row: int, name: str, what: str) -> CellError:
        """That something is wrong with a value."""
        return CellError(f"{self.path}: {self.place(row, name)}: {what}", row)

    def column(self, name: str) -> Column:
        """What stands below a name.

        Raises
        ------
        DataError
            There is no such column.
        """
        if name not in self.columns:
            raise DataError(f"{self.path}: {self.none_of(name)}")
        return self.columns[name]

    def none_of(self, name: str) -> str:
        """That there is no column of that name."""
        near = nearest(name, {spelled(column): column for column in self.columns})
        return f"no column {name!r}; there is {listed(self.columns)}{near}"

    def target(self, name: str | None, left_out: set[str]) -> str:
        """The column that is learned: the one of that name, or the last that is not left out.

        Raises
        ------
        DataError
            There is none of that name, or it is left out.
        """
        kept = [column for column in self.columns if column not in left_out]
        found = name if name is not None else kept[-1] if kept else [*self.columns][-1]
        self.column(found)
        if found in left_out:
            raise DataError(f"{self.path}: the column {found!r} is the target, and cannot be left out")
        return found

    def features(self, target: str, left_out: set[str]) -> list[str]:
        """The columns to learn from: all others.

        Raises
        ------
        DataError
            There are none.
        """
        found = [name for name in self.columns if name != target and name not in left_out]
        if not found:
            raise DataError(f"{self.path}: no column is left beside the target {target!r}")
        return found

    def kind(self, name: str) -> str:
        """What a column has, as far as it can be told.

        Raises
        ------
        DataError
            It has nothing that can be learned from.
        """
        column = self.column(name)
        if column.kind == OTHER:
            raise DataError(
                f"{self.path}: {self.title(name)}: expected numbers, truth values, texts or dates, got {column.said}; "
                f"leave it out with --drop"
            )
        if column.kind != TEXT:
            return column.kind
        return kind_of(column.values[~column.missing], column.spelled)

    def settled(self, names: Sequence[str]) -> Frame:
        """The same, with the decimal sign that the texts of some columns have.

        Raises
        ------
        DataError
            Nothing says which it is.
        """
        texts = [name for name in names if self.columns[name].kind == TEXT and self.columns[name].spelled]
        if self.decimal is not None or all(_plain(self.columns[name].values) for name in texts):
            return replace(self, decimal=self.decimal or ".")
        cells = ((self.place(row, name), self.columns[name].values[row]) for row in range(len(self)) for name in texts)
        return replace(self, decimal=decimal_of(self.path, cells))

    def take(self, rows: Array, names: Sequence[str]) -> Frame:
        """Some rows, which keep their numbers, of some columns."""
        numbers = np.arange(len(self)) if self.rows is None else np.asarray(self.rows)
        return replace(self, columns={name: self.columns[name].take(rows) for name in names}, rows=numbers[rows])

    def numbers(self, name: str) -> Array:
        """A column as float64, NaN where a value is missing.

        Raises
        ------
        DataError
            A value is no number, infinite, or of a size that nobody can compute with.
        """
        column = self._known(name, NUMBER)
        if column.kind == TEXT:
            return self._spelled(name, column)
        found = np.where(column.missing, np.nan, column.values.astype(np.float64))
        bad = np.flatnonzero(~column.missing & ~(np.abs(found) <= LARGEST))
        if len(bad):
            value = found[bad[0]]
            what = f"expected a finite number, got {value:g}" if np.isinf(value) else too_large(f"{value:g}")
            raise self.wrong(int(bad[0]), name, what)
        return found

    def _spelled(self, name: str, column: Column) -> Array:
        """Numbers of texts."""
        sign = self.decimal or "."
        found = _at_once(column.values, sign)
        if found is None:
            found = np.full(len(column.values), np.nan)
            for row in np.flatnonzero(~column.missing):
                try:
                    found[row] = number(f"{self.path}: {self.place(int(row), name)}", column.values[row], sign)
                except DataError as error:
                    raise CellError(str(error), int(row)) from None
        return found

    def truths(self, name: str) -> Array:
        """A column as 0 and 1, NaN where a value is missing.

        Raises
        ------
        DataError
            A value is neither true nor false.
        """
        column = self._known(name, BOOLEAN)
        if column.kind == TEXT:
            return self._each(name, column, np.dtype(np.float64), _truth_or_number, "true or false")
        found = np.where(column.missing, np.nan, column.values.astype(np.float64))
        bad = np.flatnonzero(~np.isin(found, (0, 1)) & ~column.missing)
        if len(bad):
            raise self.wrong(int(bad[0]), name, f"expected true or false, or 1 or 0, got {found[bad[0]]:g}")
        return found

    def times(self, name: str) -> Array:
        """A column as datetime64[us], NaT where a value is missing.

        Raises
        ------
        DataError
            A value is no date.
        """
        column = self._known(name, TIME)
        if column.kind == TEXT:
            return self._each(name, column, MICROSECOND, time, "a date such as 2024-12-31")
        return np.where(column.missing, np.datetime64("NaT"), column.values)

    def texts(self, name: str) -> Array:
        """A column as texts without blanks around them, "" where a value is missing.

        Raises
        ------
        DataError
            It has something else.
        """
        column = self._known(name, TEXT)
        spelling: Callable[[Any], str] = str.strip if column.kind == TEXT else _written
        of = {value: spelling(value) for value in dict.fromkeys(column.values.tolist())}
        found = np.array([of[value] for value in column.values.tolist()], dtype=object)
        found[column.missing] = ""
        return found

    def _known(self, name: str, wanted: str) -> Column:
        """A column of which something can be made."""
        column = self.column(name)
        fits = column.kind in (wanted, TEXT) or (wanted != TIME and column.kind in (NUMBER, BOOLEAN))
        if not fits or (column.kind == OTHER and wanted != OTHER):
            what = WHAT.get(column.kind, column.said)
            raise DataError(f"{self.path}: {self.title(name)}: expected {WHAT[wanted]}, got {what}")
        return column

    def _each(
        self, name: str, column: Column, dtype: np.dtype[Any], read: Callable[[str], Any], expected: str
    ) -> Array:
        """What each text spells."""
        of = {text: read(text) for text in set(column.values[~column.missing])}
        found = np.full(len(column.values), np.array("NaT" if dtype.kind == "M" else np.nan, dtype))
        for row in np.flatnonzero(~column.missing):
            value = of[column.values[row]]
            if value is None:
                raise self.wrong(int(row), name, f"expected {expected}, got {column.values[row]!r}")
            found[row] = value
        return found


def listed(names: Iterable[str]) -> str:
    """Names in an error, the first of many."""
    shown = list(islice(names, SHOWN + 1))
    return ", ".join(shown[:SHOWN]) + (", …" if len(shown) > SHOWN else "")


def checked(path: object, columns: Sequence[tuple[str, Column]]) -> dict[str, Column]:
    """Columns by their names, with single blanks in them, as text files have them.

    Raises
    ------
    DataError
        There are none, or they have no rows, or two of them have one name.
    """
    found: dict[str, Column] = {}
    for name, column in columns:
        plain = " ".join(str(name).split())
        if plain in found:
            raise DataError(f"{path}: two columns are named {plain!r}")
        found[plain] = column
    if not found:
        raise DataError(f"{path}: no columns")
    if not len(next(iter(found.values())).values):
        raise DataError(f"{path}: no rows")
    return found


def _truth_or_number(text: str) -> float | None:
    """1 or 0 for what is true or false, or is written as a number."""
    said = truth(text)
    value = as_float(text) if said is None else float(said)
    return value if value in (0, 1) else None


def _written(value: Any) -> str:
    """A number or a truth value as the name of a category."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _plain(texts: Array) -> bool:
    """Whether all of many texts are numbers as Python writes them, or missing."""
    if any("," in text for text in texts):
        return False
    return floats(texts) is not None or floats(texts[~missing_in(texts)]) is not None


def _at_once(texts: Array, decimal: str) -> Array | None:
    """Many numbers without a look at each; None if one of them wants it."""
    sign = "." if decimal == "," else ","
    if any(sign in text for text in texts):
        return None
    points = texts if decimal == "." else np.array([text.replace(",", ".") for text in texts], dtype=object)
    found = floats(points)
    if found is None:
        return None
    tiny = any(sign in texts[row] for row in np.flatnonzero(found == 0) for sign in "123456789")
    return None if tiny or not (np.abs(found) <= LARGEST).all() else found
