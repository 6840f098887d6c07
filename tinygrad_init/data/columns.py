"""Columns that are probably no features: numbers of rows, what never changes, and codes for what is missing."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..words import Phrase, phrase
from .complaints import DataWarning

Array = np.ndarray[Any, Any]

# In shorter files whole numbers one after the other are chance.
FEWEST = 10
# What people write where a value is missing, if all others are far away.
CODES = tuple(sign * nines for nines in (99.0, 999.0, 9999.0, 99999.0, 999999.0) for sign in (-1.0, 1.0))
# Of so many values or fewer, -1 is one like the others.
GRADES = 3
# So many columns are named; the others are counted.
NAMED = 5


def question(path: str, names: Sequence[str], x: Array) -> None:
    """Warn of every kind of column that is probably no feature.

    Parameters
    ----------
    path
        The file.
    names
        Of the columns.
    x
        The numbers, finite, of shape (rows, columns).
    """
    for key, columns, value in doubts(x):
        found = [names[column] for column in columns]
        drop = " ".join(f"--drop {shlex.quote(name)}" for name in found[:NAMED])
        warnings.warn(DataWarning(key, file=path, columns=named(found), drop=drop, value=value), stacklevel=2)


def question_others(path: str, rows: int, still: Sequence[str], texts: dict[str, int]) -> None:
    """Warn of columns that are no numbers and probably no features.

    Parameters
    ----------
    path, rows
        The file, and how many rows it has.
    still
        The names of those with one value.
    texts
        How many different texts those have that are texts.
    """
    single = [name for name, count in texts.items() if 2 * count > rows]
    for key, found in (("data.same", still), ("data.names", single)) if rows >= FEWEST else ():
        if found:
            drop = " ".join(f"--drop {shlex.quote(name)}" for name in found[:NAMED])
            warnings.warn(DataWarning(key, file=path, columns=named(found), drop=drop), stacklevel=2)


def question_target(path: str, name: str, y: Array) -> None:
    """Warn of numbers to be learned that probably stand for none."""
    for code in (-1.0, *CODES) if len(y) >= FEWEST else ():
        if stands_for_missing(y, code):
            warnings.warn(DataWarning("data.code.target", file=path, name=repr(name), value=code), stacklevel=2)


def named(names: Sequence[str]) -> Phrase:
    """Columns by their names."""
    shown = tuple(map(repr, names[:NAMED]))
    if len(names) == 1:
        return phrase("data.column", names=shown)
    more = phrase("data.more", count=len(names) - NAMED) if len(names) > NAMED else None
    return phrase("data.columns", names=shown, more=more)


def doubts(x: Array) -> Iterator[tuple[str, list[int], float | None]]:
    """Each kind of doubt with its columns, and the number that it is about."""
    if len(x) < FEWEST:
        return
    columns = list(range(x.shape[1]))
    still = [i for i in columns if np.all(x[:, i] == x[0, i])]
    counting = [i for i in columns if counts_rows(x[:, i])]
    if counting:
        yield "data.index", counting, None
    if still:
        yield "data.constant", still, None
    for code in (-1.0, *CODES):
        coded = [i for i in columns if stands_for_missing(x[:, i], code)]
        if coded:
            yield "data.code", coded, code


def counts_rows(column: Array) -> bool:
    """Whether a column goes up by one from row to row, or has all numbers from 0 or 1 on in another order."""
    if np.all(np.diff(column) == 1):
        return True
    first = np.min(column)
    return bool(first in (0, 1) and np.array_equal(np.sort(column), first + np.arange(len(column))))


def stands_for_missing(column: Array, code: float) -> bool:
    """Whether a value comes up again and again, far from all others; or is -1 where no other is negative."""
    marked = column == code
    if np.count_nonzero(marked) < 2 or marked.all():
        return False
    low, high = np.min(column[~marked]), np.max(column[~marked])
    if code == -1:
        return bool(low >= 0 and len(np.unique(column[~marked])) > GRADES)
    return bool(max(low - code, code - high) > high - low)
