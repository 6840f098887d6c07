"""NumPy's files: archives with samples and targets, or a column an array; tables as one array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .complaints import DataError, first_line
from .frames import OTHER, Column, Frame, checked
from .spelling import BOOLEAN, MICROSECOND, NUMBER, TEXT, TIME

Array = np.ndarray[Any, Any]
KINDS = {"b": BOOLEAN, "i": NUMBER, "u": NUMBER, "f": NUMBER, "U": TEXT, "M": TIME}
SAMPLES, TARGETS = "x", "y"
LAST = 0x10FFFF  # of Unicode


@dataclass(frozen=True)
class Archive(Frame):
    """Samples as the array "x", whose columns are called by their numbers, and arrays beside it.

    Attributes
    ----------
    width
        How many columns "x" has.
    """

    width: int = 0

    def title(self, name: str) -> str:
        return f"column {name}" if self.is_feature(name) else f"array {name!r}"

    def place(self, row: int, name: str) -> str:
        row = row if self.rows is None else int(self.rows[row])
        return f"array {SAMPLES!r}, row {row}, column {name}" if self.is_feature(name) else f"array {name!r}, row {row}"

    def is_feature(self, name: str) -> bool:
        """Whether it is a column of "x"."""
        return name.isdecimal()

    def none_of(self, name: str) -> str:
        return f"no column {name!r}; those of {SAMPLES!r} are numbered from 0 to {self.width - 1}"

    def target(self, name: str | None, left_out: set[str]) -> str:
        found = TARGETS if name is None else name
        if found not in self.columns:
            arrays = [SAMPLES, *(name for name in self.columns if not self.is_feature(name))]
            raise DataError(f"{self.path}: no array {found!r}; there is {', '.join(arrays)}")
        y = self.columns[found].values
        if y.shape != (len(self),):
            raise DataError(
                f"{self.path}: array {found!r}: expected shape ({len(self)},), one a row of {SAMPLES!r}, got {y.shape}"
            )
        return found

    def features(self, target: str, left_out: set[str]) -> list[str]:
        found = [name for name in self.columns if self.is_feature(name) and name not in {target, *left_out}]
        if not found:
            raise DataError(f"{self.path}: no column of {SAMPLES!r} is left")
        return found


def read_archive(path: Path | str, array: str | None = None) -> Frame:
    """A .npz file: arrays "x" (samples, ...) and what belongs to them; or, where there is no "x", a column an array.

    Parameters
    ----------
    path
        The file.
    array
        The name of a single array that is the whole table; see `table_of`.

    Raises
    ------
    DataError
        It is no archive, or its arrays do not fit together.
    """
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays: dict[str, Any] = {key: archive[key] for key in archive.files}
    except Exception as error:  # a damaged archive fails in as many ways as there are decompressors and parsers
        raise DataError(f"{path}: expected a NumPy archive of plain arrays ({first_line(error)})") from None
    if array is not None:
        if array not in arrays:
            raise DataError(f"{path}: no array {array!r}; there is {', '.join(arrays) or 'none'}")
        return table_of(path, f"array {array!r}", arrays[array])
    if strange := [key for key, value in arrays.items() if not isinstance(value, np.ndarray)]:
        raise DataError(f"{path}: expected arrays, got other members, such as {strange[0]!r}")
    if SAMPLES in arrays:
        return samples_of(path, arrays)
    shapes = {value.shape for value in arrays.values()}
    if not arrays or len(shapes) > 1 or len(min(shapes)) != 1:
        said = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "none"
        raise DataError(
            f"{path}: expected arrays 'x' and 'y', or a column an array, all of one length; there is {said}; "
            "a table in one of them is read by --array NAME"
        )
    return Frame(str(path), checked(path, [(key, column_of(value)) for key, value in arrays.items()]))


def samples_of(path: Path | str, arrays: dict[str, Array]) -> Archive:
    """An archive with the array "x"; its further axes are joined into one."""
    x = arrays.pop(SAMPLES)
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        raise DataError(f"{path}: array 'x': expected numbers of shape (samples, features), got {x.dtype} {x.shape}")
    if x.size == 0:
        raise DataError(f"{path}: array 'x': {'no rows' if len(x) == 0 else 'no columns'}")
    x = as_floats(x.reshape(len(x), -1))
    columns = {str(i): Column(NUMBER, x[:, i], np.isnan(x[:, i])) for i in range(x.shape[1])}
    beside = {key: column_of(value) for key, value in arrays.items() if not key.isdecimal()}
    return Archive(str(path), columns | beside, width=x.shape[1])


def read_array(path: Path | str) -> Frame:
    """A .npy file: a table of numbers, or of records, whose fields are columns.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
    except Exception as error:
        raise DataError(f"{path}: expected an array of NumPy without objects ({first_line(error)})") from None
    return table_of(path, "the array", found)


def table_of(path: Path | str, what: str, array: Any) -> Frame:
    """The columns of an array of shape (rows, columns), called by their numbers from 0, or the fields of records.

    Raises
    ------
    DataError
        It is of another shape.
    """
    if isinstance(array, np.ndarray) and array.dtype.names is not None and array.ndim == 1:
        return Frame(str(path), checked(path, [(name, column_of(array[name])) for name in array.dtype.names]))
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiubU":
        came = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "something else"
        raise DataError(f"{path}: {what}: expected a table of shape (rows, columns), or records, got {came}")
    return Frame(str(path), checked(path, [(str(i), column_of(array[:, i])) for i in range(array.shape[1])]))


def column_of(values: Array) -> Column:
    """An array of one value a row as a column; another one as what is of no use."""
    kind = KINDS.get(values.dtype.kind, OTHER) if values.ndim == 1 else OTHER
    said = str(values.dtype) if values.ndim == 1 else f"{values.dtype} {values.shape[1:]} a row"
    if kind == NUMBER:
        values = as_floats(values)
        return Column(NUMBER, values, np.isnan(values), said=said)
    if kind == TEXT:
        codes = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))).view(np.uint32)
        if np.any(codes > LAST) or np.any((codes >= 0xD800) & (codes < 0xE000)):
            return Column(OTHER, np.zeros(len(values)), np.zeros(len(values), bool), said="texts that are no Unicode")
        return Column(TEXT, values.astype(object), said=said, spelled=True)
    if kind == TIME:
        return Column(TIME, values.astype(MICROSECOND), np.isnat(values), said=said)
    return Column(kind, values, np.zeros(len(values) if values.ndim else 0, bool), said=said)


def as_floats(values: Array) -> Array:
    """Numbers as float64; those with more than 64 bits may become infinite, which is told of later."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64)
