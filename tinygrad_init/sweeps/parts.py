"""Rows as Parquet files, which pandas, polars and DuckDB open; of the extra `sweep`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..replacing import replacing
from .journal import Row
from .plan import SCHEMA

WANTED = "reading and writing Parquet needs pyarrow; install it with: pip install 'tinygrad_init[sweep]'"
# The columns with their types, as pyarrow calls them; a version that adds one is another SCHEMA.
COLUMNS: dict[str, str] = {
    "name": "string",
    "schema": "int32",
    "version": "string",
    "machine": "string",
    "data": "string",
    "activation": "string",
    "depth": "int64",
    "width": "int64",
    "normalization": "string",
    "residual": "bool",
    "optimizer": "string",
    "batch": "int64",
    "start": "string",
    "sigma_w": "double",
    "sigma_b": "double",
    "rate": "double",
    "seed": "int64",
    "steps": "int64",
    "guess": "double",
    "verdict": "string",
    "verdict_key": "string",
    "fault": "bool",
    "outcome": "string",
    "trained": "bool",
    "why": "string",
    "first_loss": "double",
    "final_loss": "double",
    "steps_taken": "int64",
    "loss_steps": "list<int64>",
    "losses": "list<double>",
    "seconds": "double",
}


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return False
    return True


def table_of(rows: Sequence[Row]) -> Any:
    """Rows as a table of pyarrow.

    Raises
    ------
    ImportError
        pyarrow is not installed.
    """
    try:
        import pyarrow.json
    except ImportError:
        raise ImportError(WANTED) from None

    def kind(name: str) -> Any:
        inner = name.removeprefix("list<").removesuffix(">")
        found = getattr(pyarrow, {"double": "float64", "bool": "bool_"}.get(inner, inner))()
        return found if inner == name else pyarrow.list_(found)

    about = {"tinygrad_init.sweep.schema": str(SCHEMA)}
    schema = pyarrow.schema([(name, kind(text)) for name, text in COLUMNS.items()], metadata=about)
    if not rows:
        return schema.empty_table()
    # By way of JSON: lists of Python's would make pyarrow load pandas, where that is installed.
    content = "\n".join(json.dumps({name: row.get(name) for name in COLUMNS}) for row in rows).encode()
    options = pyarrow.json.ParseOptions(explicit_schema=schema)
    return pyarrow.json.read_json(
        pyarrow.BufferReader(content), pyarrow.json.ReadOptions(block_size=len(content) + 1), options
    ).cast(schema)


def write_part(path: Path, rows: Sequence[Row]) -> None:
    """A part that is there as a whole or not at all."""
    import pyarrow.parquet

    with replacing(path) as beside:
        pyarrow.parquet.write_table(table_of(rows), beside, compression="zstd", write_page_checksum=True)


def read_part(path: Path) -> list[Row]:
    """The rows of a part.

    Raises
    ------
    ImportError
        pyarrow is not installed.
    ValueError
        The file is damaged, or no part of a sweep.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError(f"{path}: {WANTED}") from None
    try:
        # Read whole first: what is damaged is found then, and no file stays open that is to be moved.
        rows: list[Row] = pyarrow.parquet.read_table(
            pyarrow.BufferReader(path.read_bytes()), page_checksum_verification=True
        ).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    if not all(isinstance(row.get("name"), str) and row.get("schema") == SCHEMA for row in rows):
        raise ValueError("no part of a sweep of this schema")
    return rows
