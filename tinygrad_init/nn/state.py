"""Numbers of modules by their names, read from arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from .parameters import Buffer, Parameter


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


class Stateful:
    """What a module has of its state."""

    def state_dict(self: Any, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and buffers by name, as tensors that share their memory and have no gradient.

        What is written into an entry changes the module, and what the module learns is seen in the entry; for a state
        that stays as it is say `copy.deepcopy(module.state_dict())`. A tensor that stands in several places, such as
        a tied weight, is listed under each of its names, as one entry.

        Parameters
        ----------
        prefix
            What stands before each name.
        keep_vars
            Whether the entries are the parameters and buffers themselves.
        """
        made: dict[int, Any] = {}
        for _, value in self._state():
            made[id(value)] = value if keep_vars else value.detach()
        return {prefix + name: made[id(value)] for name, value in self._places() if id(value) in made}

    def _state(self: Any) -> Iterator[tuple[str, Any]]:
        """What belongs to the state, each under the first of its names."""
        left_out = {id(vars(module)[name]) for module in self.modules() for name in module._transient}
        return ((name, value) for name, value in self._named((Parameter, Buffer)) if id(value) not in left_out)

    def _places(self: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All parameters and buffers under all of their names."""
        for own, value in vars(self).items():
            if isinstance(value, Parameter | Buffer) or (own in self._buffers and value is not None):
                yield prefix + own, value
        for own, module in self._members():
            yield from module._places(f"{prefix}{own}.")

    def load_state_dict(self: Any, state: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Overwrite all parameters and buffers by name.

        The values are arrays, or anything that NumPy reads, such as PyTorch's tensors. Nothing is changed unless
        everything fits.

        Parameters
        ----------
        strict
            Whether names that are missing or unknown are an error; else they are left alone.

        Returns
        -------
        Loaded
            `missing_keys` and `unexpected_keys`.

        Raises
        ------
        KeyError
            A name is missing or unknown.
        ValueError
            A shape differs; the message lists all that do.
        TypeError
            An array does not hold real numbers.
        """
        return load_state(dict(self._state()), under_first_names(self, state), strict)
