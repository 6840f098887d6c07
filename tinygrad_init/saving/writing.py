"""Saving: a network and what its training needs to go on, or tensors by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Scaler
from ..engine.discrete import DiscreteTensor
from ..engine.tensor import Tensor
from ..nn.module import Module
from ..version import __version__
from .architecture import NotDescribed, described
from .files import DTYPES, write
from .parts import saved_optimizer, saved_scaler, saved_schedule
from .plain import Array, encode, numbers
from .randomness import Generators, named, saved

KEY, FORMAT = "tinygrad_init", 1
PLACE = "/"  # in names of tensors that are not the model's; dots join those of modules


def save(
    path: Any,
    model: Any,
    optimizer: Any = None,
    schedule: Any = None,
    *,
    generators: Generators | None = None,
    scaler: Scaler | None = None,
    class_names: Sequence[str] | None = None,
    step: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Save a network and the state of its training, or tensors by name, as one file of safetensors.

    The file is there as a whole or not at all: what a file of that name held before stays until everything is written.

    Parameters
    ----------
    path, model
        Where to, and what: a module, or a dictionary from names to tensors or arrays. In the order of `torch.save`,
        what and where to, it is the same.
    optimizer, schedule
        Whose state is saved, too: anything with `state_dict()` and `load_state_dict()`.
    generators
        A generator of NumPy that the training draws from, or a dictionary of them. Those inside of the model, such as
        dropout's, and that of `tgi.manual_seed` are saved without being named.
    scaler
        What the features were scaled by, of `tgi.data`.
    class_names
        What the outputs stand for.
    step
        How many steps were taken.
    metadata
        What else is to be remembered: numbers, texts, arrays, and lists and dictionaries of them. Beside a dictionary
        of tensors these are texts alone.

    Raises
    ------
    TypeError
        Something is of a type that cannot be saved; the message says where it is.
    ValueError
        Something cannot be written in a file of safetensors, such as a name with a "/" for a parameter.
    OSError
        The file cannot be written.
    """
    if isinstance(model, str | os.PathLike) and not isinstance(path, str | os.PathLike):
        path, model = model, path
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"save: expected a path first, save(path, model), got {type(path).__name__}")
    beside = {"optimizer": optimizer, "schedule": schedule, "generators": generators, "scaler": scaler}
    beside |= {"class_names": class_names, "step": step}
    if isinstance(model, Mapping):
        given = [name for name, value in beside.items() if value is not None]
        if given:
            raise TypeError(f"save: {given[0]} goes with a model, got a dictionary; write save(path, model, ...)")
        return _save_tensors(Path(path), model, metadata)
    if not isinstance(model, Module):
        came = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"save: expected a module or a dictionary of tensors, got {came}")
    more: dict[str, Array] = {}
    said: dict[str, Any] = {
        "format": FORMAT,
        "version": __version__,
        "kind": "model",
        "class": type(model).__name__,
        "architecture": None,
        "reason": "",
        "frozen": [name for name, parameter in model.named_parameters() if not parameter.requires_grad],
        "training": {path: module.training for path, module in model.named_modules()},
        "optimizer": None if optimizer is None else saved_optimizer(optimizer, model, more),
        "schedule": None if schedule is None else saved_schedule(schedule, more),
        "generators": saved(model, named(generators, "save"), more),
        "scaler": None if scaler is None else saved_scaler(scaler, more),
        "class_names": None if class_names is None else _texts(class_names),
        "step": None if step is None else _whole(step),
        "metadata": encode({} if metadata is None else _mapping(metadata), "metadata", more),
    }
    try:
        said["architecture"] = described(model)
    except NotDescribed as reason:
        said["reason"] = str(reason)
    state = {name: numbers(tensor) for name, tensor in model._state()}  # tied ones once: `described` says where else
    slashed = [name for name in state if PLACE in name]
    if slashed:
        raise ValueError(f"save: a parameter cannot be called {slashed[0]!r}: {PLACE!r} is for what is not the model's")
    write(Path(path), state | more, {KEY: json.dumps(said, allow_nan=False)})


def _save_tensors(path: Path, tensors: Mapping[Any, Any], metadata: Mapping[str, Any] | None) -> None:
    """Save a dictionary; in the file's texts stands which of its arrays were tensors, and which of those learn."""
    arrays: dict[str, Array] = {}
    learning: dict[str, bool] = {}
    for name, value in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"save: expected names that are texts, got {name!r}")
        if isinstance(value, Mapping):
            raise TypeError(
                f"save: {name!r} is a dictionary; expected tensors. A training is saved by save(path, model, "
                "optimizer, step=..., metadata={...})"
            )
        if isinstance(value, Tensor | DiscreteTensor):
            arrays[name], learning[name] = numbers(value), value.requires_grad
        elif hasattr(value, "__array__") and not isinstance(value, np.ma.MaskedArray):
            arrays[name] = np.asarray(value)
        else:
            raise TypeError(f"save: expected tensors and arrays, got {type(value).__name__} as {name!r}")
        if arrays[name].dtype.newbyteorder("<").str not in DTYPES.values():
            raise TypeError(f"save: {name!r} is of {arrays[name].dtype}, which safetensors has not")
    texts = {} if metadata is None else dict(_mapping(metadata))
    for name, text in texts.items():
        if not isinstance(name, str) or not isinstance(text, str) or name == KEY:
            raise TypeError(f"save: beside a dictionary of tensors, expected metadata of texts, got {name!r}: {text!r}")
    said = {"format": FORMAT, "version": __version__, "kind": "tensors", "tensors": learning}
    write(path, arrays, {**texts, KEY: json.dumps(said)} if learning else texts)


def _mapping(metadata: Any) -> Mapping[str, Any]:
    if not isinstance(metadata, Mapping):
        raise TypeError(f"save: expected metadata to be a dictionary, got {type(metadata).__name__}")
    return metadata


def _texts(names: Any) -> list[str]:
    found = [
        str(name) if isinstance(name, np.str_) else name for name in ([names] if isinstance(names, str) else names)
    ]
    if isinstance(names, str) or not all(isinstance(name, str) for name in found):
        raise TypeError(f"save: expected class_names to be a list of texts, got {names!r}")
    return found


def _whole(step: Any) -> int:
    if isinstance(step, bool) or not isinstance(step, int | np.integer):
        raise TypeError(f"save: expected step to be a whole number, got {step!r}")
    return int(step)
