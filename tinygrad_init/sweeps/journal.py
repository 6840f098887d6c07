"""A journal: rows on disk, a line each, with a checksum each.

A run is finished when its line is on the disk: `add` returns after `fsync`, and only then is the run counted, shown and
told of. Lines that come at the same time share one. After a power cut or a kill the last line may be torn, or anything
else damaged; each line is therefore judged by itself, and a journal that was closed is never written to again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..replacing import sync_folder

Row = dict[str, Any]


def line_of(row: Row) -> bytes:
    """Eight digits of a CRC-32, a blank, and the row as JSON on one line."""
    text = json.dumps(row, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def row_of(line: bytes) -> Row | None:
    """The row of a line; None if it is not what was written."""
    check, _, text = line.partition(b" ")
    if check != b"%08x" % zlib.crc32(text):
        return None
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("name"), str) else None


def read_journal(path: Path) -> tuple[list[Row], int]:
    """The rows of a journal in the order in which they were written, and how many lines are damaged.

    An end without a line break that is no row is a run that was never finished, and no damage.
    """
    *lines, end = path.read_bytes().split(b"\n")
    rows = [row_of(line) for line in lines]
    if (last := row_of(end)) is not None:
        rows.append(last)
    good = [row for row in rows if row is not None]
    return good, len(rows) - len(good)


class Journal:
    """A journal that is being written, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = open(path, "xb", buffering=0)  # noqa: SIM115 (closed by `close`)
        sync_folder(path.parent)

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows; when this returns they are on the disk."""
        content = memoryview(b"".join(map(line_of, rows)))
        while len(content):  # a write may take less than all
            content = content[self.file.write(content) :]
        os.fsync(self.file.fileno())

    def close(self) -> None:
        self.file.close()
