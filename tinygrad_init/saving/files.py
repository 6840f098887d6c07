"""Files of safetensors: tensors by name, written whole or not at all, and read with suspicion."""

from __future__ import annotations

import json
import os
import stat
import sys
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# What the format calls each dtype, and what NumPy calls it.
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "C64": "<c8",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
# How files begin that are taken for files of safetensors, and what to say of them.
OTHERS = {
    b"PK": "an archive, as torch.save writes them, which may hold code and is not read; in PyTorch, "
    "safetensors.torch.save_file(model.state_dict(), path) writes one that is",
    b"\x80": "a pickle, which may hold code and is not read; in PyTorch, "
    "safetensors.torch.save_file(model.state_dict(), path) writes a file that is",
    b"\x93NUMPY": "an array of NumPy; np.load reads it",
}


class LoadError(ValueError):
    """A file cannot be loaded; the message is one sentence that begins with the file."""


def write(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write tensors by name, and texts by name, or leave what was there before.

    Raises
    ------
    TypeError
        An array has a dtype that the format has not.
    ValueError
        A name cannot be written.
    OSError
        The file cannot be written.
    """
    from safetensors.numpy import save_file

    for name, array in arrays.items():
        if name == "__metadata__" or name != name.encode(errors="replace").decode():
            raise ValueError(f"save: a tensor cannot be called {name!r} in a file of safetensors")
        if array.dtype.newbyteorder("<").str not in DTYPES.values():
            raise TypeError(f"save: {name} is of {array.dtype}, which safetensors has not; .astype() brings it to one")
    rows = {name: np.asarray(array.astype(array.dtype.newbyteorder("<")), order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        save_file(rows, temporary, dict(metadata) or None)  # an empty dictionary of each makes a broken header


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside another, whose place it takes when it is written, and which is as before if anything fails.

    It may be read and written by whom the other may be, or by whom new files may be. What a link leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder")
    temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}")
    # Whoever writes the numbers may make a file for himself alone: the mode is that of one made in the usual way.
    mode = 0o666
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
        yield temporary
        os.chmod(temporary, mode | stat.S_IWUSR)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # so that the name survives a loss of power, too
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):
            os.fsync(folder)
        os.close(folder)


def read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors by name and texts by name.

    bfloat16, which NumPy has not, is read as float32, which has all of its numbers, after a warning.

    Raises
    ------
    LoadError
        It is no whole file of safetensors, or has a dtype that NumPy has not.
    OSError
        The file cannot be read.
    """
    from safetensors import SafetensorError, deserialize

    if path.exists() and not path.is_file() and not path.is_dir():
        raise LoadError(f"{path}: expected a file")
    try:
        data = path.read_bytes()
        header = _header(path, data)
        found: list[tuple[str, dict[str, Any]]] = deserialize(data)  # type: ignore[no-untyped-call, unused-ignore]
    except SafetensorError as error:
        said = str(error).strip().partition("\n")[0].removeprefix("Error while deserializing").removeprefix(" header")
        raise LoadError(f"{path}: no whole file of safetensors: {said.lstrip(': ')[:200]}") from None
    except (MemoryError, OverflowError):
        raise LoadError(f"{path}: it is too large for this machine's memory") from None
    arrays = {name: _array(path, name, held) for name, held in sorted(found)}
    widened = [name for name, held in found if held["dtype"] == "BF16"]
    if widened:
        more = f" and {len(widened) - 1} more" if len(widened) > 1 else ""
        said = f"{path}: {min(widened)}{more}: bfloat16, which NumPy has not, is read as float32"
        warnings.warn(said, UserWarning, stacklevel=3)
    return {name: arrays[name] for name in header if name in arrays}, header.get("__metadata__") or {}


def _header(path: Path, data: bytes) -> dict[str, Any]:
    """What the file says of its tensors; each name once."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8 or data[8:9] != b"{":
        said = next((said for begin, said in OTHERS.items() if data.startswith(begin)), "")
        if not said and len(data) >= 8 and data[8:9] == b"{":
            said = f"it ends before its header of {size} bytes does"
        raise LoadError(f"{path}: no whole file of safetensors: {said or 'it does not begin with a header'}")
    try:
        header = strict_json(data[8 : 8 + size].decode())
    except ValueError as error:
        raise LoadError(f"{path}: no whole file of safetensors: its header: {error}") from None
    return header if isinstance(header, dict) else {}


def _array(path: Path, name: str, held: dict[str, Any]) -> Array:
    """One tensor, which may be changed."""
    dtype, shape, data = held["dtype"], held["shape"], held["data"]
    if dtype not in DTYPES and dtype != "BF16":
        raise LoadError(f"{path}: {name} is of {dtype}, which NumPy has not; convert it to F32 where it was written")
    try:
        if dtype == "BF16":
            return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        array = np.frombuffer(data, DTYPES[dtype]).reshape(shape)
    except (ValueError, OverflowError):
        raise LoadError(f"{path}: {name} has the shape {shape}, which NumPy cannot have") from None
    if dtype == "BOOL" and array.size and np.frombuffer(data, np.uint8).max() > 1:
        raise LoadError(f"{path}: {name} is of BOOL and has bytes that are neither 0 nor 1")
    return array if sys.byteorder == "little" else array.astype(array.dtype.newbyteorder("="))


def strict_json(text: str) -> Any:
    """What a text in JSON says.

    Raises
    ------
    ValueError
        It is no JSON, says a name twice in one place, has a number that JSON has not, or is nested too deeply.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands there twice")
        return found

    def no_number(said: str) -> Any:
        raise ValueError(f"{said} is no number in JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
