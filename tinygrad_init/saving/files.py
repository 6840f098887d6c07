"""Files of safetensors: tensors by name, written whole or not at all, and read with suspicion."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..replacing import replacing

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
NOT_IN_NUMPY = {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"}
LARGEST_HEADER = 100_000_000  # bytes, as the format has it
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


def read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors by name and texts by name.

    bfloat16, which NumPy has not, is read as float32, which has all of its numbers, after a warning.

    Raises
    ------
    LoadError
        It is no whole file of safetensors, or has a dtype that NumPy has not; or there is no memory for it.
    OSError
        The file cannot be read.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise LoadError(f"{path}: expected a file")
    try:
        with path.open("rb") as file:
            header = _header(path, file)
            texts = header.pop("__metadata__", {})
            if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
                raise LoadError(f"{path}: no whole file of safetensors: its __metadata__ are not texts by name")
            places = _places(path, header, os.fstat(file.fileno()).st_size - file.tell())
            arrays = {name: _array(path, file, name, *place) for name, place in places.items()}
    except (MemoryError, OverflowError):
        raise LoadError(f"{path}: it is too large for this machine's memory") from None
    widened = sorted(name for name, (dtype, *_) in places.items() if dtype == "BF16")
    if widened:
        more = f" and {len(widened) - 1} more" if len(widened) > 1 else ""
        said = f"{path}: {widened[0]}{more}: bfloat16, which NumPy has not, is read as float32"
        warnings.warn(said, UserWarning, stacklevel=3)
    return {name: arrays[name] for name in header}, texts


def _header(path: Path, file: BinaryIO) -> dict[str, Any]:
    """What the file says of its tensors, each name once; the file stands behind it then."""
    begin = file.read(9)
    size, left = int.from_bytes(begin[:8], "little"), os.fstat(file.fileno()).st_size - 8
    if len(begin) < 9 or size > left or begin[8:] != b"{":
        said = next((said for start, said in OTHERS.items() if begin.startswith(start)), "")
        if not said and begin[8:] == b"{":
            said = f"it ends before its header of {size} bytes does"
        raise LoadError(f"{path}: no whole file of safetensors: {said or 'it does not begin with a header'}")
    if size > LARGEST_HEADER:
        raise LoadError(f"{path}: no whole file of safetensors: a header of {size} bytes, over {LARGEST_HEADER}")
    try:
        header = strict_json((begin[8:] + file.read(size - 1)).decode())
    except ValueError as error:
        raise LoadError(f"{path}: no whole file of safetensors: its header: {str(error)[:200]}") from None
    return header if isinstance(header, dict) else {}


Place = tuple[str, list[int], int]  # dtype, shape, bytes


def _places(path: Path, header: dict[str, Any], size: int) -> dict[str, Place]:
    """Of each tensor what lies where, in the order of the file; all of it is covered, and nothing twice."""

    def malformed(name: str, said: str) -> LoadError:
        return LoadError(f"{path}: no whole file of safetensors: {name[:100]}: {said}")

    for name, said in header.items():
        offsets, shape = (said.get(key) for key in ("data_offsets", "shape")) if isinstance(said, dict) else (0, 0)
        if not (_counts(offsets, 2) and _counts(shape) and isinstance(said.get("dtype"), str)):
            raise malformed(name, "expected a dtype, a shape and two offsets")
    found, at = {}, 0
    for name, said in sorted(header.items(), key=lambda item: (item[1]["data_offsets"], item[0])):
        dtype, shape, (begin, end) = said["dtype"], said["shape"], said["data_offsets"]
        if begin != at or end < begin:
            raise malformed(name, f"invalid offsets {begin} and {end}, where {at} is the first byte left")
        if dtype in NOT_IN_NUMPY:
            raise LoadError(
                f"{path}: {name} is of {dtype}, which NumPy has not; convert it to F32 where it was written"
            )
        if dtype not in DTYPES and dtype != "BF16":
            raise malformed(name, f"unknown dtype {dtype[:20]!r}")
        length = math.prod(length for length in shape if length) * np.dtype(DTYPES.get(dtype, "<u2")).itemsize
        if length >= 2**63:
            raise malformed(name, f"the number of bytes overflows, of shape {str(shape)[:100]}")
        length = 0 if 0 in shape else length
        if end - begin != length:
            raise malformed(name, f"{end - begin} bytes, and {length} by its shape and dtype")
        found[name], at = (dtype, shape, length), end
    if at != size:
        raise LoadError(f"{path}: no whole file of safetensors: its {size} bytes of data are not fully covered by {at}")
    return found


def _counts(found: Any, length: int | None = None) -> bool:
    """Whether it is a list, of that length, of whole numbers from 0 on."""
    listed = isinstance(found, list) and length in (None, len(found))
    return listed and all(type(number) is int and number >= 0 for number in found)


def _array(path: Path, file: BinaryIO, name: str, dtype: str, shape: list[int], length: int) -> Array:
    """The tensor that the file stands at, which may be changed."""
    array = np.fromfile(file, np.uint8, length)
    if len(array) < length:
        raise LoadError(f"{path}: no whole file of safetensors: it ends in {name}")
    try:
        if dtype == "BF16":
            return (array.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        found = array.view(DTYPES[dtype]).reshape(shape)
    except (ValueError, OverflowError):
        raise LoadError(f"{path}: {name} has the shape {shape}, which NumPy cannot have") from None
    if dtype == "BOOL" and array.size and array.max() > 1:
        raise LoadError(f"{path}: {name} is of BOOL and has bytes that are neither 0 nor 1")
    return found if sys.byteorder == "little" else found.astype(found.dtype.newbyteorder("="))


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
