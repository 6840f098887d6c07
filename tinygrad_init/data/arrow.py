"""Parquet, Arrow and Feather files, and tables of other libraries (pandas, polars, DuckDB), by pyarrow."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from .complaints import DataError, first_line
from .frames import OTHER, Column, Frame, checked
from .spelling import BOOLEAN, NUMBER, TEXT, TIME

Array = np.ndarray[Any, Any]
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".arrows", ".feather", ".ipc")
DAY = 86400e6  # microseconds
# What pandas calls the numbers of rows, where it writes them into a file; those of a table in memory are told there.
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def require(what: str, module: str = "pyarrow") -> Any:
    """pyarrow, or a part of it.

    Raises
    ------
    DataError
        It is not installed; the message says how it is.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise DataError(
            f"{what}: expected pyarrow 17 or newer to be installed, found none; pip install 'tinygrad_init[tables]', "
            "or pip install pyarrow"
        ) from None


def read_arrow(path: Path | str) -> Frame:
    """A file of Parquet, or one of Arrow's: a file or a stream of its format, or Feather.

    Raises
    ------
    DataError
        It is none, or damaged.
    """
    arrow = require(str(path))
    kind = "a Parquet file" if Path(path).suffix.lower() in PARQUET else "an Arrow file"
    try:
        with open(path, "rb") as file:
            start = file.read(6)
        if Path(path).suffix.lower() in PARQUET:
            table = require(str(path), "pyarrow.parquet").ParquetFile(path).read()
        elif start[:4] == b"FEA1":
            table = require(str(path), "pyarrow.feather").read_table(path)
        else:
            ipc = require(str(path), "pyarrow.ipc")
            with arrow.OSFile(str(path), "rb") as source:
                opened = ipc.open_file(source) if start == b"ARROW1" else ipc.open_stream(source)
                table = opened.read_all()
        return frame_of(table, str(path))
    except DataError:
        raise
    except OSError as error:
        if error.errno is not None:  # of the file itself; what is wrong inside is an OSError of Arrow's, too
            raise DataError(f"{path}: {error.strerror or error}") from None
        raise DataError(f"{path}: expected {kind} ({first_line(error)})") from None
    except Exception as error:  # a damaged file fails in as many ways as there are decompressors and parsers
        raise DataError(f"{path}: expected {kind} ({first_line(error)})") from None


def frame_of(table: Any, path: str) -> Frame:
    """A table of pyarrow, or what can be handed over as one (pandas, polars, DuckDB and others).

    Parameters
    ----------
    table
        Has `__arrow_c_stream__`.
    path
        What errors call it.

    Raises
    ------
    DataError
        It cannot be handed over.
    """
    arrow = require(path)
    try:
        handed = not isinstance(table, arrow.Table)
        table = arrow.table(table)
        table.validate(full=True)  # what is read of a damaged file may point anywhere
        index = (table.schema.pandas_metadata or {}).get("index_columns", []) if handed else []
        names = [
            (i, name)
            for i, name in enumerate(table.column_names)
            if name not in index and not UNNAMED_INDEX.fullmatch(name)
        ]
        columns = [(name, column_of(arrow, table.column(i))) for i, name in names]
    except Exception as error:
        raise DataError(f"{path}: expected columns of numbers, texts and dates ({first_line(error)})") from None
    return Frame(path, checked(path, columns))


def column_of(arrow: Any, values: Any) -> Column:
    """A column of pyarrow's."""
    types, kind, said = arrow.types, values.type, str(values.type)
    if types.is_dictionary(kind):
        values = values.cast(kind.value_type)
    elif types.is_run_end_encoded(kind):
        values = arrow.chunked_array([arrow.compute.run_end_decode(chunk) for chunk in values.chunks], kind.value_type)
    kind = values.type
    missing = np.asarray(values.is_null().to_numpy(), bool)
    if types.is_null(kind):
        return Column(NUMBER, np.full(len(values), np.nan), missing, said=said)
    if types.is_boolean(kind):
        return Column(BOOLEAN, values.fill_null(False).to_numpy().astype(bool), missing, said=said)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        found = np.asarray(values.cast(arrow.float64(), safe=False).to_numpy(), np.float64)
        return Column(NUMBER, found, missing | np.isnan(found), said=said)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        found = np.asarray(values.cast(arrow.large_string()).fill_null("").to_numpy(), object)
        return Column(TEXT, found, missing | np.array([not text.strip() for text in found], bool), said=said)
    if types.is_date(kind) or types.is_timestamp(kind):
        as_times = arrow.compute.CastOptions(arrow.timestamp("us"), allow_time_truncate=True)
        if types.is_timestamp(kind) and kind.tz is not None:
            values = values.cast(arrow.timestamp(kind.unit))  # the same instant, in UTC
        found = np.asarray(values.cast(options=as_times).to_numpy(), np.dtype("datetime64[us]"))
        return Column(TIME, found, missing, said=said)
    if types.is_time(kind) or types.is_duration(kind):
        unit = arrow.duration("us") if types.is_duration(kind) else arrow.time64("us")
        as_days = arrow.compute.CastOptions(unit, allow_time_truncate=True)
        whole = values.cast(options=as_days).cast(arrow.int64())
        return Column(NUMBER, np.asarray(whole.cast(arrow.float64(), safe=False).to_numpy()) / DAY, missing, said=said)
    return Column(OTHER, np.zeros(len(values)), missing, said=said)
