"""What is to be learned: classes by their names, or numbers; which of both, unless it is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .complaints import DataError, DataWarning
from .numerals import as_float, is_missing, is_number, number

Array = np.ndarray[Any, Any]

AUTO, CLASSIFICATION, REGRESSION = "auto", "classification", "regression"
TASKS = (AUTO, CLASSIFICATION, REGRESSION)
# So many different whole numbers may be classes anywhere; more only if they are numbered one after the other and each
# comes up so many times on average.
FEW, OFTEN = 20, 10


def check_task(task: str) -> None:
    """Raise unless it is one of `TASKS`."""
    if task not in TASKS:
        raise DataError(f"expected a task out of {', '.join(TASKS)}; got {task!r}")


def are_classes(values: Array) -> bool:
    """Whether finite numbers are rather those of classes than to be learned as numbers.

    Classes are whole, each comes up twice on average, and there are few of them, or they are numbered from 0 or 1
    without a gap and come up often.
    """
    if np.any(values != np.round(values)):
        return False
    names = np.unique(values)
    if len(names) > 2 and 2 * len(names) > len(values):
        return False
    numbered = names[0] in (0, 1) and names[-1] - names[0] == len(names) - 1
    return len(names) <= FEW or bool(numbered and len(names) * OFTEN <= len(values))


def from_texts(
    path: str, column: str, place: Callable[[int], str], texts: Sequence[str], task: str, decimal: str = "."
) -> tuple[Array, tuple[str, ...]]:
    """Class numbers with the names of the classes, or numbers and no names.

    Parameters
    ----------
    path, column
        Where they come from, for errors.
    place, texts
        The cells, and what errors call each by its number.
    task
        One of `TASKS`; "auto" finds out.
    decimal
        The decimal sign.

    Raises
    ------
    DataError
        A value is missing or does not fit the task, or all are the same.
    """
    if task == AUTO:
        known = {text: as_float(text, decimal) for text in set(texts) if not is_missing(text)}
        found = [known[text] for text in texts if text in known]
        values = np.array([value for value in found if value is not None])
        numeric = 2 * len(values) > len(found)  # a text among numbers is a mistake, and is told by its row
        task = REGRESSION if numeric and not (np.isfinite(values).all() and are_classes(values)) else CLASSIFICATION
    if task == REGRESSION:
        values = np.array([number(f"{path}: {place(row)}", text, decimal) for row, text in enumerate(texts)])
        return numbers(f"{path}: column {column!r}", values)
    blank = {text for text in set(texts) if is_missing(text)}
    if blank:
        row = next(row for row, text in enumerate(texts) if text in blank)
        raise DataError(f"{path}: {place(row)}: {missing_class(texts[row].strip())}")
    return classes(path, column, texts)


def numbers(where: str, y: Array) -> tuple[Array, tuple[str, ...]]:
    """Finite numbers to be learned.

    Raises
    ------
    DataError
        All are the same.
    """
    if len(y) and np.all(y == y[0]):
        raise DataError(f"{where}: all targets are {y[0]:g}: there is nothing to learn")
    return y, ()


def missing_class(text: str) -> str:
    """A target that is not there; what stands in its place may be the name of a class all the same."""
    return "missing value" + (f" {text!r}; if it is a class, give it another name" if text else "")


def classes(path: str, column: str, labels: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Class numbers in the order of the names, numbers by size; blanks around a name do not count.

    Raises
    ------
    DataError
        There is one class alone, or there are so many that they are none.
    """
    stripped = [label.strip() for label in labels]
    names = sorted(set(stripped))
    where = f"{path}: column {column!r}"
    if len(names) < 2:
        raise DataError(f"{where}: only one class, {names[0]!r}; at least two are needed")
    if len(names) > 2 and len(names) > len(labels) // 2:
        raise DataError(
            f"{where}: {len(names)} different values in {len(labels)} rows; expected the names of classes"
            + ("; --task regression learns them as numbers" if all(map(is_number, names)) else "")
        )
    if all(map(is_number, names)):
        names = sorted(names, key=lambda name: as_float(name) or 0.0)
    question(path, column, sorted(set(labels)))
    of = {name: i for i, name in enumerate(names)}
    return np.array([of[label] for label in stripped], dtype=np.intp), tuple(of)


def question(path: str, column: str, labels: Sequence[str]) -> None:
    """Warn of names that are written differently and may mean one class."""
    alike: dict[str, list[str]] = {}
    for label in labels:
        alike.setdefault(meant(label), []).append(label)
    for written in alike.values():
        if len(written) > 1:
            count = len({label.strip() for label in written})
            key = "data.alike.one" if count == 1 else "data.alike"
            names = tuple(map(repr, written))
            warnings.warn(DataWarning(key, file=path, column=column, names=names, count=count), stacklevel=2)


def meant(label: str) -> str:
    """A name without what people do not mean: case, blanks, how a number is written."""
    plain = " ".join(label.casefold().split())
    value = as_float(plain)
    return plain if value is None else repr(value)
