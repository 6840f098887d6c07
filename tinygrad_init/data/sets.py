"""Data sets: handwritten digits, and point sets in the plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from .complaints import DataError
from .encoding import REFUSE, Encoder
from .files import SUFFIXES, ending, learnable, read
from .targets import AUTO, CLASSIFICATION, REGRESSION, check_task

Array = np.ndarray[Any, Any]
Seed = np.random.Generator | int | None


@dataclass(frozen=True)
class Dataset:
    """Inputs and what belongs to them.

    Attributes
    ----------
    name
        What it is called.
    x
        float64 of shape (samples, features).
    y
        Of shape (samples,): class numbers, or float64 numbers where there are no classes.
    classes
        The names of the classes in the order of their numbers; empty for a regression.
    encoder
        Of a table: what became of its columns.
    target
        Of a table: the column with what is to be learned.
    dropped
        How many rows were left out as a value was missing.
    """

    name: str
    x: Array
    y: Array
    classes: tuple[str, ...]
    encoder: Encoder | None = None
    target: str = ""
    dropped: int = 0

    @property
    def task(self) -> str:
        """What is to be learned: "classification" or "regression"."""
        return CLASSIFICATION if self.classes else REGRESSION


def _labelled(name: str, x: Array, y: Array, classes: int) -> Dataset:
    return Dataset(name, x, y.astype(np.intp), tuple(str(i) for i in range(classes)))


def digits(rng: Seed = None) -> Dataset:
    """1797 handwritten digits as 8x8 images with values 0 to 16 (Alpaydin and Kaynak 1998, CC BY 4.0).

    Nothing about it is random; `rng` is there because every data set has it.
    """
    with (files(__package__) / "digits.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return _labelled("digits", archive["x"].astype(np.float64), archive["y"], 10)


def _two_halves(samples: int) -> tuple[int, int]:
    if samples < 2:
        raise ValueError(f"expected at least 2 samples, got {samples}")
    return samples - samples // 2, samples // 2


def moons(samples: int = 400, noise: float = 0.1, rng: Seed = None) -> Dataset:
    """Two interleaved half circles."""
    generator = np.random.default_rng(rng)
    n, m = _two_halves(samples)
    a, b = np.linspace(0, np.pi, n), np.linspace(0, np.pi, m)
    x = np.concatenate([np.stack([np.cos(a), np.sin(a)], 1), np.stack([1 - np.cos(b), 0.5 - np.sin(b)], 1)])
    return _labelled("moons", x + generator.normal(0, noise, x.shape), np.repeat([0, 1], [n, m]), 2)


def circles(samples: int = 400, noise: float = 0.1, rng: Seed = None, factor: float = 0.5) -> Dataset:
    """A circle inside another of radius 1; `factor` is the inner radius."""
    generator = np.random.default_rng(rng)
    n, m = _two_halves(samples)
    angles = np.concatenate([np.linspace(0, 2 * np.pi, k, endpoint=False) for k in (n, m)])
    radius = np.repeat([1.0, factor], [n, m])
    x = np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1)
    return _labelled("circles", x + generator.normal(0, noise, x.shape), np.repeat([0, 1], [n, m]), 2)


def spirals(samples: int = 400, noise: float = 0.05, rng: Seed = None, turns: float = 1.5) -> Dataset:
    """Two spirals around each other."""
    generator = np.random.default_rng(rng)
    n, m = _two_halves(samples)
    t = np.concatenate([np.linspace(0.05, 1, n), np.linspace(0.05, 1, m)])
    angles = 2 * np.pi * turns * t + np.repeat([0.0, np.pi], [n, m])
    x = np.stack([t * np.cos(angles), t * np.sin(angles)], 1)
    return _labelled("spirals", x + generator.normal(0, noise, x.shape), np.repeat([0, 1], [n, m]), 2)


def xor(samples: int = 400, noise: float = 0.0, rng: Seed = None) -> Dataset:
    """The square from -1 to 1, class 1 where the signs of both coordinates differ."""
    generator = np.random.default_rng(rng)
    _two_halves(samples)
    x = generator.uniform(-1, 1, (samples, 2))
    return _labelled("xor", x + generator.normal(0, noise, x.shape), (x[:, 0] > 0) != (x[:, 1] > 0), 2)


def checkerboard(samples: int = 400, noise: float = 0.0, rng: Seed = None, squares: int = 4) -> Dataset:
    """The square from -1 to 1 as a board of `squares` by `squares` fields, of two classes in turn."""
    generator = np.random.default_rng(rng)
    _two_halves(samples)
    x = generator.uniform(-1, 1, (samples, 2))
    fields = np.floor((x + 1) * squares / 2).sum(1)
    return _labelled("checkerboard", x + generator.normal(0, noise, x.shape), fields % 2, 2)


def blobs(samples: int = 400, noise: float = 0.5, rng: Seed = None, centers: int = 3) -> Dataset:
    """Normal clouds around centers on a circle of radius 2, one a class."""
    generator = np.random.default_rng(rng)
    if centers < 2 or samples < centers:
        raise ValueError(f"blobs: expected at least 2 centers and a sample for each, got {centers} and {samples}")
    y = np.arange(samples) % centers
    angles = 2 * np.pi * y / centers
    x = 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
    return _labelled("blobs", x + generator.normal(0, noise, x.shape), y, centers)


def plane(samples: int = 400, noise: float = 0.0, rng: Seed = None) -> Dataset:
    """A regression on the square from -1 to 1: y = (x₀ + x₁) / 2, with normal noise on y."""
    generator = np.random.default_rng(rng)
    _two_halves(samples)
    x = generator.uniform(-1, 1, (samples, 2))
    return Dataset("plane", x, x.mean(1) + generator.normal(0, noise, samples), ())


def hills(samples: int = 400, noise: float = 0.0, rng: Seed = None) -> Dataset:
    """A regression on the square from -1 to 1: six normal bumps of width 0.2, up and down in turn, with noise on y."""
    generator = np.random.default_rng(rng)
    _two_halves(samples)
    x = generator.uniform(-1, 1, (samples, 2))
    tops = np.array([(column, row) for row in (-0.5, 0.5) for column in (-0.65, 0.0, 0.65)])
    signs = np.array([1, -1, 1, -1, 1, -1])
    squares = np.sum((x[:, None, :] - tops) ** 2, axis=2)
    y = np.exp(-squares / (2 * 0.2**2)) @ signs
    return Dataset("hills", x, y + generator.normal(0, noise, samples), ())


# What has numbers to be learned instead of classes.
REGRESSIONS: dict[str, Callable[..., Dataset]] = {"plane": plane, "hills": hills}

DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "xor": xor,
    "checkerboard": checkerboard,
    "blobs": blobs,
}

# All that need no file.
BUILT_IN: dict[str, Callable[..., Dataset]] = {**DATASETS, **REGRESSIONS}


def load(
    name: str,
    target: str | None = None,
    rng: Seed = None,
    *,
    task: str = AUTO,
    separator: str | None = None,
    decimal: str | None = None,
    drop: Sequence[str] = (),
    query: str | None = None,
    array: str | None = None,
    categories: Sequence[str] = (),
    missing: str = REFUSE,
) -> Dataset:
    """A data set by its name, or from a file: see `read` for all kinds.

    Parameters
    ----------
    name
        Out of `BUILT_IN`, or a path.
    target
        For a file: the column or array with what is to be learned; the last column, or "y", unless given.
    rng
        For the sets that are drawn at random.
    task
        "classification" or "regression"; "auto" asks the target, see `learnable`.
    separator, decimal
        Of a text file, where they are not found, see `load_csv`.
    drop
        Columns of a file to leave out: their names, or numbers from 0 in an archive.
    query, array
        Of a database, and of an archive with several arrays, see `read`.
    categories, missing
        Columns of numbers that are names, and what is done where a value is missing, see `Encoder`.

    Raises
    ------
    DataError
        There is no such set or file, it is not fit for learning or for the task, or an option is none for it.

    Warns
    -----
    DataWarning
        Of what is probably not meant, see `learnable`.
    """
    check_task(task)
    of_files = {
        "a target": target, "a separator": separator, "a decimal sign": decimal, "columns to leave out": drop or None,
        "a query": query, "an array": array, "categories": categories or None,
        "what is done where a value is missing": None if missing == REFUSE else missing,
    }  # fmt: skip
    if name in BUILT_IN:
        refuse(name, of_files, "a file")
        found = BUILT_IN[name](rng=rng)
        if task not in (AUTO, found.task):
            raise DataError(f"{name}: is a {found.task}, not a {task}")
        return found
    if Path(name).suffix.lower() not in SUFFIXES:
        raise DataError(f"{name}: expected {', '.join(BUILT_IN)}, or a file ending in {ending()}")
    frame = read(name, separator=separator, decimal=decimal, query=query, array=array)
    table = learnable(frame, target, task=task, drop=drop, categories=categories, missing=missing)
    return Dataset(Path(name).stem, table.x, table.y, table.classes, table.encoder, table.target, table.dropped)


def refuse(name: str, options: Mapping[str, object], where: str) -> None:
    """Raise if something was chosen that can be chosen only elsewhere."""
    chosen = next((what for what, value in options.items() if value is not None), None)
    if chosen is not None:
        raise DataError(f"{name}: {chosen} can be chosen only for {where}")
