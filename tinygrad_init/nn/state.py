"""Numbers of modules by their names, read from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Tensor


class Loaded(NamedTuple):
    """What `load_state_dict` found: names that the state did not have, and names that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def under_first_names(module: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """A state without what stands in it a second time: tensors that a module has under several names.

    States have tied weights under all their names, files of this package under the first.

    Raises
    ------
    ValueError
        The numbers under two names differ, and are one tensor here.
    """
    found, first = dict(state), {id(tensor): name for name, tensor in module._state()}
    for name, tensor in module._places():
        known = first.get(id(tensor), name)
        if known != name and name in found:
            numbers = found.pop(name)
            if not np.array_equal(np.asarray(found.setdefault(known, numbers)), np.asarray(numbers)):
                raise ValueError(f"load_state_dict: {known} and {name} are one tensor, and differ in the state")
    return found


def load_state(own: dict[str, Any], state: Mapping[str, Any], strict: bool) -> Loaded:
    """Overwrite tensors by name; see `Module.load_state_dict`."""
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if strict and (missing or unknown):
        raise KeyError(f"load_state_dict: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    own = {name: tensor for name, tensor in own.items() if name in state}
    found = {n: state[n].numpy() if isinstance(state[n], Tensor) else np.asarray(state[n]) for n in own}
    strange = [f"{name}: {array.dtype}" for name, array in found.items() if array.dtype.kind not in "fiub"]
    strange += [f"{name}: a masked array" for name in own if isinstance(state[name], np.ma.MaskedArray)]
    if strange:
        raise TypeError(f"load_state_dict: expected real numbers, got {'; '.join(strange)}")
    with np.errstate(over="ignore"):
        arrays = {name: array.astype(own[name].dtype) for name, array in found.items()}
    wrong = [
        f"{name}: expected {p.shape}, got {arrays[name].shape}"
        for name, p in own.items()
        if arrays[name].shape != p.shape
    ]
    if wrong:
        raise ValueError(f"load_state_dict: shapes differ: {'; '.join(wrong)}")
    with no_grad():
        for name, tensor in own.items():
            if isinstance(tensor, Tensor):
                tensor.copy_(arrays[name])
            else:
                tensor[...] = arrays[name]  # whole numbers
    return Loaded(missing, unknown)
