"""Columns as numbers, the same way for every table: what was found of the first one is kept as plain values."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from ..words import Phrase, phrase
from .complaints import CellError, DataError, DataWarning
from .frames import Frame, listed
from .spelling import BOOLEAN, MICROSECOND, NUMBER, TEXT, TIME

Array = np.ndarray[Any, Any]

CATEGORY = "category"
KINDS = (NUMBER, BOOLEAN, CATEGORY, TIME)
REFUSE, MEAN, INDICATOR, DROP = "refuse", "mean", "indicator", "drop"
MISSING = (REFUSE, MEAN, INDICATOR, DROP)
# More categories of one column would be more columns than anybody looks at.
MOST = 100
# So many of them are named in a table.
NAMED = 4
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Encoding:
    """What becomes of one column.

    Attributes
    ----------
    name
        Of the column.
    kind
        "number", which stays as it is; "boolean", 0 or 1; "category", a column of 0 and 1 for each; "time", days.
    values
        The categories.
    origin
        The day since which days are counted, in ISO 8601.
    mean
        What stands for a number, a truth value or a time that is missing; None where it is refused.
    indicator
        Whether a column more says that a value is missing.
    missing
        How many values were missing when it was found.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    origin: str = ""
    mean: float | None = None
    indicator: bool = False
    missing: int = 0

    @property
    def features(self) -> list[str]:
        """The names of the columns of numbers that it becomes."""
        own = [f"{self.name}={value}" for value in self.values] if self.kind == CATEGORY else [self.name]
        return [*own, f"{self.name} is missing"] if self.indicator else own

    def phrase(self) -> Phrase:
        """What becomes of it, in words."""
        if self.kind == CATEGORY:
            more = phrase("data.more", count=len(self.values) - NAMED) if len(self.values) > NAMED else None
            names = tuple(name if name.isprintable() else repr(name) for name in self.values[:NAMED])  # in one line
            return phrase("encoded.category", count=len(self.values), names=names, more=more)
        return phrase(f"encoded.{self.kind}", **({"origin": self.origin} if self.kind == TIME else {}))

    def phrase_of_missing(self) -> Phrase | None:
        """What stands for a missing value, in words; None if there was none."""
        if not self.missing:
            return None
        told = phrase("encoded.told") if self.indicator else None
        if self.kind == CATEGORY:
            return phrase("encoded.none", count=self.missing, told=told)
        return phrase("encoded.mean", count=self.missing, value=self.mean, told=told)

    def applied(self, values: Array, missing: Array, out: Array) -> list[str]:
        """Write the columns of numbers; returns categories that are not known, whose rows are all 0.

        Parameters
        ----------
        values, missing
            What stands in the column, of shape (rows,), and where nothing does.
        out
            Of shape (rows, number of `features`).
        """
        strange: list[str] = []
        if self.kind == CATEGORY:
            number = {value: i for i, value in enumerate(self.values)}
            codes = np.fromiter((number.get(value, -1) for value in values), np.intp, len(values))
            strange = list(dict.fromkeys(values[(codes < 0) & ~missing].tolist()))
            out[...] = 0
            rows = np.flatnonzero(codes >= 0)
            out[rows, codes[rows]] = 1
        else:
            found = (values - np.datetime64(self.origin, "us")) / DAY if self.kind == TIME else values
            out[:, 0] = np.where(missing, np.nan if self.mean is None else self.mean, found) if missing.any() else found
        if self.indicator:
            out[:, -1] = missing
        return strange


class Encoder:
    """Tables as arrays of numbers; `fit` finds out how, `transform` does the same to every table, by names of columns.

    Parameters
    ----------
    missing
        What is done where a value is missing: "refuse"; "mean", where the mean of the column stands for it, or none
        of the categories; "indicator", the same and a column that says so; "drop", where rows are left out first, by
        `complete`, and what is missing then is refused.
    categories
        Columns of numbers that are names, such as postcodes.

    Attributes
    ----------
    columns
        What becomes of each column, in order.
    """

    def __init__(self, missing: str = REFUSE, categories: Sequence[str] = ()) -> None:
        if missing not in MISSING:
            raise DataError(f"expected what is done where a value is missing, {', '.join(MISSING)}; got {missing!r}")
        self.missing, self.categories = missing, tuple(categories)
        self.columns: tuple[Encoding, ...] = ()

    @classmethod
    def of_numbers(cls, width: int) -> Self:
        """That of so many columns of numbers, which are called by their numbers from 0."""
        found = cls()
        found.columns = tuple(Encoding(str(i), NUMBER) for i in range(width))
        return found

    @property
    def features(self) -> list[str]:
        """The names of all columns of numbers."""
        return [name for column in self.columns for name in column.features]

    def kind_in(self, frame: Frame, name: str) -> str:
        """What a column that nobody knows yet is taken for."""
        kind = TEXT if name in self.categories else frame.kind(name)
        return CATEGORY if kind == TEXT else kind

    def complete(self, frame: Frame, names: Sequence[str]) -> Array:
        """The numbers of the rows in which no value is missing."""
        return np.flatnonzero(~np.any([frame.column(name).missing for name in names], axis=0))

    def fit(self, frame: Frame, names: Sequence[str] | None = None) -> Self:
        """Find out what becomes of each column; see `fit_transform`."""
        self.fit_transform(frame, names)
        return self

    def fit_transform(self, frame: Frame, names: Sequence[str] | None = None) -> Array:
        """Find out what becomes of each column, and do it.

        Parameters
        ----------
        frame
            The table.
        names
            The columns; all unless given.

        Returns
        -------
        ndarray
            float64 of shape (rows, number of `features`).

        Raises
        ------
        DataError
            A value is missing and that is refused, a column has too many categories, or nothing that can be learned.
        """
        names = list(frame.columns) if names is None else list(names)
        kinds = {name: self.kind_in(frame, name) for name in names}
        frame = frame.settled([name for name, kind in kinds.items() if kind == NUMBER])
        blocks, columns = [], []
        for name, values, missing in self._read(frame, kinds):
            columns.append(self._found(frame, name, kinds[name], values, missing))
            block = np.empty((len(frame), len(columns[-1].features)))
            columns[-1].applied(values, missing, block)
            blocks.append(block)
        self.columns = tuple(columns)
        return np.concatenate(blocks, axis=1)

    def transform(self, frame: Frame, unseen: str = REFUSE) -> Array:
        """What became of the columns that were seen first, done to others of their names; more columns do not matter.

        Parameters
        ----------
        frame
            The table.
        unseen
            What is done to a category that was not there: "refuse", or "none", where it is none of them, with a
            warning.

        Returns
        -------
        ndarray
            float64 of shape (rows, number of `features`).

        Raises
        ------
        DataError
            A column or a value is missing, or is of another kind; the first row is named.

        Warns
        -----
        DataWarning
            Of categories that were not there.
        """
        self.require_columns(frame)
        frame = frame.settled([column.name for column in self.columns if column.kind == NUMBER])
        found = np.empty((len(frame), len(self.features)))
        of, at = {column.name: column for column in self.columns}, 0
        for name, values, missing in self._read(frame, {column.name: column.kind for column in self.columns}):
            width = len(of[name].features)
            strange = of[name].applied(values, missing, found[:, at : at + width])
            at += width
            if strange and unseen == REFUSE:
                row = int(np.flatnonzero(values == strange[0])[0])
                known = listed(map(repr, of[name].values))
                what = f"{strange[0]!r} is no category that was learned from; those are {known}"
                raise frame.wrong(row, name, f"{what}; --unseen none takes it as none of them")
            if strange:
                count, shown = int(np.isin(values, strange).sum()), tuple(map(repr, strange[:NAMED]))
                more = phrase("data.more", count=len(strange) - NAMED) if len(strange) > NAMED else None
                told = {"file": frame.path, "column": repr(name), "count": count, "names": shown, "more": more}
                warnings.warn(DataWarning("data.unseen", **told), stacklevel=2)
        return found

    def require_columns(self, frame: Frame) -> None:
        """Raise a `DataError` if there is not each column that was learned from."""
        lacking = [column.name for column in self.columns if column.name not in frame.columns]
        if lacking:
            what = f"no column{'s' * (len(lacking) > 1)} {listed(map(repr, lacking))}"
            there = listed(frame.columns)
            raise DataError(f"{frame.path}: {what}, which the network was trained on; there is {there}")

    def _read(self, frame: Frame, kinds: dict[str, str]) -> Iterator[tuple[str, Array, Array]]:
        """Each column with where a value is missing; of values that are wrong the first row's is told."""
        found, wrong = [], []
        for name, kind in kinds.items():
            read = {NUMBER: frame.numbers, BOOLEAN: frame.truths, CATEGORY: frame.texts, TIME: frame.times}[kind]
            try:
                values = read(name)
            except CellError as error:
                wrong.append(error)
                continue
            missing = values == "" if kind == CATEGORY else np.isnat(values) if kind == TIME else np.isnan(values)
            if self.missing in (REFUSE, DROP) and missing.any():
                how = "; --missing mean, indicator or drop goes on without it" if self.missing == REFUSE else ""
                wrong.append(frame.wrong(int(missing.argmax()), name, f"missing value{how}"))
            found.append((name, values, missing))
        if wrong:
            raise min(wrong, key=lambda error: error.row)
        yield from found

    def _found(self, frame: Frame, name: str, kind: str, values: Array, missing: Array) -> Encoding:
        """What becomes of a column."""
        where, known = f"{frame.path}: {frame.title(name)}", values[~missing]
        if not len(known):
            raise DataError(f"{where}: every value is missing; leave it out with --drop")
        categories: tuple[str, ...] = ()
        origin = ""
        if kind == CATEGORY:
            counts = Counter(known.tolist())
            if len(counts) > MOST:
                raise DataError(
                    f"{where}: {len(counts)} different texts, such as {next(iter(counts))!r}; at most {MOST} become "
                    "columns; leave it out with --drop, or make fewer of them; dates are known as 2024-12-31"
                )
            categories = tuple(sorted(counts))
        if kind == TIME:
            origin = str(known.min().astype("datetime64[D]"))
            known = (known - np.datetime64(origin, "us")) / DAY
        filled = kind != CATEGORY and self.missing in (MEAN, INDICATOR)
        mean = float(np.mean(known)) if filled else None
        indicator = self.missing == INDICATOR and bool(missing.any())
        return Encoding(name, kind, categories, origin, mean, indicator, int(missing.sum()))

    def to_dict(self) -> dict[str, Any]:
        """All that was found, as plain values."""
        columns = [asdict(column) | {"values": list(column.values)} for column in self.columns]
        return {"missing": self.missing, "columns": columns}

    @classmethod
    def from_dict(cls, said: Any) -> Self:
        """The same again, of what may come from anywhere.

        Raises
        ------
        DataError
            It is not what `to_dict` makes.
        """
        try:
            found = cls(said["missing"])
            columns = (Encoding(**{**column, "values": tuple(column["values"])}) for column in said["columns"])
            found.columns = tuple(map(_checked, columns))
        except (TypeError, KeyError, ValueError) as error:
            raise DataError(f"expected what became of columns, got something else ({error})") from None
        if len({column.name for column in found.columns}) != len(found.columns) or not found.columns:
            raise DataError("expected what became of columns, got two of one name, or none")
        return found


def _checked(said: Encoding) -> Encoding:
    """The same.

    Raises
    ------
    ValueError
        It cannot be.
    """
    texts = all(isinstance(text, str) for text in (said.name, said.kind, said.origin, *said.values))
    if not texts or said.kind not in KINDS or not isinstance(said.indicator, bool) or not isinstance(said.missing, int):
        raise ValueError("a column has something else than is known")
    if said.mean is not None and not (isinstance(said.mean, float | int) and math.isfinite(said.mean)):
        raise ValueError("a mean is no number")
    if said.kind == TIME and np.isnat(np.datetime64(said.origin, "D").astype(MICROSECOND)):
        raise ValueError("an origin is no day")
    return said
