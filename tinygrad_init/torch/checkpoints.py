"""Checkpoints as tensors by name, read one at a time; nothing that stands in a file is run.

Files of `safetensors` are mapped, and so are those of `torch.save`, which are read by `weights_only=True`: a pickle
that names anything but tensors and plain containers is refused.
"""

from __future__ import annotations

import json
import pickle
import pickletools
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SAFETENSORS, PICKLES, INDEX = (".safetensors",), (".pt", ".pth", ".bin", ".ckpt"), ".index.json"
NAMING = ("GLOBAL", "STACK_GLOBAL", "INST")  # operations of a pickle that look up a function or class by its name
# Where training scripts keep the model's state beside that of the optimizer, the most specific name first.
STATES = ("model_state_dict", "state_dict", "model", "module")


class CheckpointError(ValueError):
    """A checkpoint cannot be read; the message is one sentence that begins with the file."""


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name.

    Attributes
    ----------
    name
        What reports call it: a file, or the class of a model.
    shapes
        By name, in the order of the file.
    read
        From a name to its tensor on the CPU.
    model
        The module, if it is one.
    tied
        For a tensor that is in memory already under another name, that name.
    """

    name: str
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], Tensor]
    model: nn.Module | None = None
    tied: dict[str, str] = field(default_factory=dict)


def checkpoint(source: Any) -> Checkpoint:
    """A module, a mapping from names to tensors, or a file or folder, as tensors by name.

    Raises
    ------
    CheckpointError
        The file cannot be read, or holds no tensors.
    TypeError
        It is something else.
    """
    if isinstance(source, nn.Module):
        model = getattr(source, "_orig_mod", source)  # what torch.compile was given
        return of_tensors(type(model).__name__, model.state_dict(), model)
    if isinstance(source, Mapping):
        return of_tensors("state dict", tensors_in(source))
    if isinstance(source, str | Path):
        return of_path(Path(source))
    raise TypeError(f"audit: expected a module, a state dict or a path, got {type(source).__name__}")


def of_tensors(name: str, tensors: Mapping[str, Tensor], model: nn.Module | None = None) -> Checkpoint:
    """Tensors that are in memory, or mapped into it."""
    held = {key: value for key, value in tensors.items() if isinstance(value, Tensor)}
    if not held:
        raise CheckpointError(f"{name}: there are no tensors in it")
    first: dict[Any, str] = {}
    places = {
        key: (t.data_ptr(), t.shape, t.stride(), t.dtype)
        for key, t in held.items()
        if t.numel() and t.layout is torch.strided and not t.is_meta
    }
    tied = {key: home for key, place in places.items() if (home := first.setdefault(place, key)) != key}
    shapes = {key: tuple(t.shape) for key, t in held.items()}
    return Checkpoint(name, shapes, lambda key: plain(key, held[key]), model, tied)


def plain(name: str, tensor: Tensor) -> Tensor:
    """A tensor as numbers on the CPU, whatever it is wrapped in.

    Raises
    ------
    CheckpointError
        There are no numbers in it.
    """
    if tensor.is_meta:
        raise CheckpointError(f"{name}: a tensor on the device meta has no numbers")
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    return tensor.detach().cpu()


def tensors_in(found: Any) -> dict[str, Tensor]:
    """All tensors of nested containers by dotted names; of a training script's file those of the model."""
    if isinstance(found, Mapping):
        for key in STATES:
            if isinstance(found.get(key), Mapping) and (inner := tensors_in(found[key])):
                return inner
    return dict(walk(found, ""))


def walk(found: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Tensors with their dotted names; the state of an optimizer is none of the model's."""
    if isinstance(found, Tensor):
        yield name or "tensor", found
        return
    items = found.items() if isinstance(found, Mapping) else enumerate(found) if isinstance(found, list | tuple) else ()
    for key, value in items:
        if not str(key).startswith("optim"):
            yield from walk(value, f"{name}.{key}" if name else str(key))


def of_path(path: Path) -> Checkpoint:
    """What a file or folder holds."""
    try:
        if path.is_dir():
            return of_folder(path)
        if not path.stat().st_size:
            raise CheckpointError(f"{path}: the file is empty")
        if path.name.endswith(INDEX):
            return of_index(path)
        if path.suffix in SAFETENSORS:
            return of_safetensors(path)
        if path.suffix in PICKLES:
            return of_pickle(path)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from None
    endings = ", ".join((*SAFETENSORS, *PICKLES, INDEX))
    raise CheckpointError(f"{path}: expected a folder or a file whose name ends in {endings}")


def of_folder(path: Path) -> Checkpoint:
    """The index of a folder's shards, or all of its files; those of safetensors, if there are any."""
    inside = sorted(path.iterdir())
    indices = [file for file in inside if file.name.endswith(INDEX)]
    indices = [file for file in indices if ".safetensors." in file.name] or indices
    if len(indices) == 1:
        return of_index(indices[0], str(path))
    if indices:
        raise CheckpointError(f"{path}: there are several indices, {', '.join(f.name for f in indices)}; name one")
    for endings in (SAFETENSORS, PICKLES):
        if files := [file for file in inside if file.suffix in endings]:
            return together(str(path), [of_path(file) for file in files])
    raise CheckpointError(f"{path}: there is no checkpoint in this folder")


def together(name: str, parts: list[Checkpoint]) -> Checkpoint:
    """Several files as one."""
    shapes: dict[str, tuple[int, ...]] = {}
    home: dict[str, Checkpoint] = {}
    for part in parts:
        for key, shape in part.shapes.items():
            if key in home:
                raise CheckpointError(f"{name}: {key} is in two files, {home[key].name} and {part.name}; name one")
            shapes[key], home[key] = shape, part
    return Checkpoint(name, shapes, lambda key: home[key].read(key))


def of_index(path: Path, name: str = "") -> Checkpoint:
    """Shards as an index lists them: for each tensor's name the file, beside the index."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        wanted = {str(key): str(value) for key, value in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f'{path}: expected JSON with a "weight_map" from names to files') from None
    shards: dict[str, Checkpoint] = {}
    for file in sorted(set(wanted.values())):
        if Path(file).name != file:
            raise CheckpointError(f"{path}: expected shards beside the index, got {file!r}")
        if not (path.parent / file).is_file():
            raise CheckpointError(f"{path}: the shard {file} is missing")
        shards[file] = of_path(path.parent / file)
    shapes = {}
    for key, file in wanted.items():
        if key not in shards[file].shapes:
            raise CheckpointError(f"{path}: {key} is not in {file}, where the index says it is")
        shapes[key] = shards[file].shapes[key]
    if not shapes:
        raise CheckpointError(f"{path}: there are no tensors in it")
    return Checkpoint(name or str(path), shapes, lambda key: shards[wanted[key]].read(key))


def of_safetensors(path: Path) -> Checkpoint:
    """A file of safetensors; a tensor is read when it is asked for, and not kept."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise CheckpointError(f"{path}: reading it needs safetensors: pip install 'tinygrad_init[torch]'") from None
    try:
        file: Any = safe_open(str(path), framework="pt")
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: no whole file of safetensors: {one_line(error)}") from None
    if not shapes:
        raise CheckpointError(f"{path}: there are no tensors in it")
    return Checkpoint(str(path), shapes, file.get_tensor)


def of_pickle(path: Path) -> Checkpoint:
    """A file of `torch.save`, without running what stands in it."""
    with path.open("rb") as file:
        beginning = file.read(2)
    if beginning != b"PK" and beginning[:1] != b"\x80":
        raise CheckpointError(f"{path}: no file of torch.save: it is neither an archive nor a pickle")
    options: dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats: they are read all the same
            found = torch.load(path, mmap=beginning == b"PK", **options)
    except pickle.UnpicklingError as error:
        if "Unsupported global" in str(error) or names_code(path):
            raise CheckpointError(
                f"{path}: a pickle that names code, which is not run; save model.state_dict() or use safetensors"
            ) from None
        raise damaged(path, str(error).partition("WeightsUnpickler error:")[2] or error) from None
    except (
        OSError,
        RuntimeError,
        EOFError,
        LookupError,
        ValueError,
        AttributeError,
        TypeError,
        AssertionError,
    ) as error:
        raise damaged(path, error) from None  # all of which damaged archives have been seen to raise
    return of_tensors(str(path), tensors_in(found))


def names_code(path: Path) -> bool:
    """Whether a pickle in no archive names functions or classes; it is read, not run."""
    with path.open("rb") as file:
        try:
            return any(operation.name in NAMING for operation, _, _ in pickletools.genops(file))
        except ValueError:  # no pickle, from here on
            return False


def damaged(path: Path, error: object) -> CheckpointError:
    """What to say of a file that PyTorch cannot read."""
    return CheckpointError(f"{path}: no whole file of torch.save: {one_line(error)}")


def one_line(error: object) -> str:
    """The first sentence of somebody else's message."""
    first = str(error).strip().partition("\n")[0].partition(". ")[0]
    return first[:160].rstrip(".:") or type(error).__name__
