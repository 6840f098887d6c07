"""What tests of saving share: files to be damaged."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from tinygrad_init.saving.writing import KEY

Header = dict[str, Any]


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> Header:
    """What a header says of a tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def written(path: Path, header: Header | str, data: bytes = b"", length: int | None = None) -> Path:
    """A file with a header as it is given."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def opened(path: Path) -> tuple[Header, bytes]:
    """The header of a file, and its numbers."""
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def said(path: Path) -> Any:
    """What this package wrote beside the tensors."""
    return json.loads(opened(path)[0]["__metadata__"][KEY])


def saying(path: Path, said: Any) -> Path:
    """The same file with something else beside the tensors; a text stands there as it is."""
    header, data = opened(path)
    header["__metadata__"][KEY] = said if isinstance(said, str) else json.dumps(said)
    return written(path, header, data)
