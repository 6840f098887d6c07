"""A table with a column of every kind, in files of every format, and files that were damaged."""

from __future__ import annotations

import csv
import random
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 60
SUFFIXES = ("csv", "tsv", "npz", "db", "parquet", "feather", "arrow", "arrows")
OF_ARROW = ("parquet", "feather", "arrow", "arrows")


def columns(rows: int = ROWS, seed: int = 0) -> dict[str, Any]:
    """Categories, numbers, truth values and dates, and prices that depend on all of them."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Oslo", "Bergen", "Tromsø"], rows)
    area = rng.uniform(30, 200, rows).round(2)
    lift = rng.random(rows) < 0.5
    built = np.datetime64("1990-03-01") + rng.integers(0, 9000, rows)
    price = 2 * area + np.where(city == "Oslo", 200, 0) + 40 * lift + (built - built.min()).astype(int) / 100
    return {"city": city, "area": area, "lift": lift, "built": built, "price": price.round(3)}


def write(path: Path, table: dict[str, Any]) -> Path:
    """The table as a file, in the format that its name says."""
    kind = path.suffix[1:]
    rows = zip(*(values.tolist() for values in table.values()), strict=True)
    if kind in ("csv", "tsv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="," if kind == "csv" else "\t").writerows([list(table), *rows])
    elif kind == "npz":
        np.savez(path, **table)
    elif kind == "db":
        path.unlink(missing_ok=True)
        link = sqlite3.connect(path)
        link.execute(f"CREATE TABLE houses ({', '.join(table)})")
        marks = ", ".join("?" * len(table))
        plain = ([str(value) if hasattr(value, "isoformat") else value for value in row] for row in rows)
        link.executemany(f"INSERT INTO houses VALUES ({marks})", plain)
        link.commit()
        link.close()
    else:
        write_arrow(path, table)
    return path


def write_arrow(path: Path, table: dict[str, Any]) -> None:
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    found = pyarrow.table(table)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(found, path)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(found, path)
    else:
        make = pyarrow.ipc.new_file if path.suffix == ".arrow" else pyarrow.ipc.new_stream
        with pyarrow.OSFile(str(path), "wb") as file, make(file, found.schema) as writer:
            writer.write_table(found)


def damaged(raw: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, cut off, cut out or put in; often where formats say what is in them."""
    found = bytearray(raw)
    at, end = rng.randrange(len(found)), min(len(found), 400)
    match rng.randrange(5):
        case 0:
            return bytes(found[:at])
        case 1:
            for _ in range(rng.choice([1, 3, 20])):
                found[rng.randrange(len(found))] = rng.randrange(256)
        case 2:
            del found[at : at + rng.randrange(1, 200)]
        case 3:
            found[at:at] = rng.randbytes(rng.randrange(1, 100))
        case _:
            for _ in range(rng.choice([1, 3])):
                found[rng.choice([rng.randrange(end), len(found) - 1 - rng.randrange(end)])] = rng.randrange(256)
    return bytes(found)
