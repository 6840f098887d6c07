"""What optimizers remember, as dictionaries to be saved: PyTorch's layout, with arrays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .groups import Array, Group, Remembered, State


def saved(groups: list[Group], state: State) -> dict[str, Any]:
    """`Optimizer.state_dict`."""
    numbers = {id(p): i for i, p in enumerate(p for group in groups for p in group["params"])}
    entries = {numbers[id(p)]: entry_of(p, found) for p, found in state.items() if found and id(p) in numbers}
    rows = []
    for group in groups:
        options = {name: copy.deepcopy(value) for name, value in group.items() if name != "params"}
        rows.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
    return {"state": entries, "param_groups": rows}


def entry_of(p: Tensor, found: Remembered) -> dict[str, Any]:
    """What is remembered of one parameter, in shapes as PyTorch has them: single numbers are 0-d."""
    entry = {}
    for name, value in found.items():
        value = copy.deepcopy(value)
        entry[name] = value.reshape(()) if isinstance(value, np.ndarray) and value.shape == (1,) != p.shape else value
    return entry


def matched(owner: str, groups: list[Group], state_dict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options that were saved, group by group, without "params".

    Raises
    ------
    ValueError
        They are those of other groups.
    """
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
        came = sorted(state_dict) if isinstance(state_dict, Mapping) else type(state_dict).__name__
        raise ValueError(f"{owner}: expected a state_dict with 'state' and 'param_groups', got {came}")
    rows = state_dict["param_groups"]
    if len(rows) != len(groups):
        raise ValueError(f"{owner}: the state has {len(rows)} groups of parameters, the optimizer {len(groups)}")
    for i, (row, group) in enumerate(zip(rows, groups, strict=True)):
        if len(row["params"]) != len(group["params"]):
            raise ValueError(
                f"{owner}: group {i} has {len(group['params'])} parameters, in the state {len(row['params'])}"
            )
    return [
        {name: option(value, group.get(name)) for name, value in row.items() if name != "params"}
        for row, group in zip(rows, groups, strict=True)
    ]


def option(value: Any, known: Any) -> Any:
    """A saved option as it is kept here: a number for a tensor, and a tuple for a list where one is `known`."""
    if isinstance(known, tuple) and isinstance(value, list | tuple):
        return tuple(option(item, None) for item in value)
    return value.item() if hasattr(value, "item") else copy.deepcopy(value)


def entries_by_parameter(
    owner: str, groups: list[Group], state_dict: Mapping[str, Any]
) -> list[tuple[Tensor, int, Mapping[str, Any]]]:
    """What was saved about parameters: each with the number of its group; those without anything are left out.

    Raises
    ------
    ValueError
        Something was saved about a parameter of no group.
    """
    by_number = {}
    for i, (row, group) in enumerate(zip(state_dict["param_groups"], groups, strict=True)):
        by_number.update({n: (p, i) for n, p in zip(row["params"], group["params"], strict=True)})
    strangers = sorted(str(n) for n in state_dict["state"] if n not in by_number)
    if strangers:
        raise ValueError(f"{owner}: the state is about parameters {', '.join(strangers)}, which are in no group")
    found = [(*by_number[n], dropped(entry)) for n, entry in state_dict["state"].items()]
    return [(p, i, entry) for p, i, entry in found if entry]


def dropped(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without what PyTorch keeps as None, for a parameter that was never moved."""
    return {name: value for name, value in entry.items() if value is not None}


def read(
    owner: str, p: Tensor, entry: Mapping[str, Any], known: Mapping[str, Array], may_miss: frozenset[str]
) -> dict[str, Any]:
    """What was saved about a parameter, in shapes and dtypes of what the rule remembers of it (`known`).

    Raises
    ------
    ValueError
        Something is missing, or has another shape.
    """
    missing = known.keys() - entry.keys() - may_miss
    if missing:
        raise ValueError(
            f"{owner}: of a parameter of shape {p.shape} expected {sorted(known)}, got {sorted(entry)}; "
            "was it saved by another rule?"
        )
    found = {}
    for name, value in entry.items():
        if name not in known:
            found[name] = copy.deepcopy(value)
            continue
        array = as_array(value)
        if array.size != known[name].size or array.shape not in ((), p.shape, known[name].shape):
            raise ValueError(f"{owner}: {name} has shape {array.shape} for a parameter of shape {p.shape}")
        found[name] = array.astype(known[name].dtype).reshape(known[name].shape)
    return found


def as_array(value: Any) -> Array:
    """An array of an array, a number, or a tensor of whatever library."""
    for method in ("detach", "cpu", "numpy"):
        value = getattr(value, method)() if hasattr(value, method) else value
    return np.array(value)


def take_over(state: Remembered, found: dict[str, Any]) -> None:
    """Remember this and nothing else, in the same memory where it fits."""
    for name in [name for name in state if name not in found]:
        del state[name]
    for name, value in found.items():
        known = state.get(name)
        if isinstance(known, np.ndarray) and known.shape == np.shape(value) and known.dtype == value.dtype:
            known[...] = value
        else:
            state[name] = value
