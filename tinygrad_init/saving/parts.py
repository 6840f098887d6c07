"""Optimizers, schedules and scalers as plain state, and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .. import optim
from ..data.scaling import MinMaxScaler, Scaler, StandardScaler
from ..nn.module import Module
from .plain import Array, Malformed, decode, encode, record

SCALERS: dict[str, type[Scaler]] = {kind.__name__: kind for kind in (StandardScaler, MinMaxScaler)}


def stateful(value: Any, what: str, owner: str) -> Any:
    """What can say its state and take it back.

    Raises
    ------
    TypeError
        It cannot.
    """
    methods = [getattr(value, name, None) for name in ("state_dict", "load_state_dict")]
    if isinstance(value, type) or not all(map(callable, methods)):
        came = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise TypeError(f"{owner}: expected {what} with state_dict() and load_state_dict(), got {came}")
    return value


def names_of(optimizer: Any, model: Module) -> list[str] | None:
    """What the parameters of an optimizer are called in a network, in its order; None if others are among them."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = [names.get(id(parameter)) for parameter in optimizer.parameters]
    return None if None in found else [name for name in found if name is not None]


def saved_optimizer(optimizer: Any, model: Module, tensors: dict[str, Array]) -> dict[str, Any]:
    """The class, the state, and the names of the parameters."""
    state = encode(stateful(optimizer, "an optimizer", "save").state_dict(), "optimizer", tensors)
    return {"class": type(optimizer).__name__, "parameters": names_of(optimizer, model), "state": state}


def saved_schedule(schedule: Any, tensors: dict[str, Array]) -> dict[str, Any]:
    """The class and the state."""
    state = encode(stateful(schedule, "a schedule", "save").state_dict(), "schedule", tensors)
    return {"class": type(schedule).__name__, "state": state}


def saved_scaler(scaler: Any, tensors: dict[str, Array]) -> dict[str, Any]:
    """The class, and what was found by fitting.

    Raises
    ------
    TypeError
        It is no scaler of `tgi.data`.
    """
    if SCALERS.get(type(scaler).__name__) is not type(scaler):
        raise TypeError(f"save: expected a scaler of tgi.data, {' or '.join(SCALERS)}, got {type(scaler).__name__}")
    found = {"shift": scaler.shift, "scale": scaler.scale}
    return {"class": type(scaler).__name__, **encode(found, "scaler", tensors)}


def scaler_of(said: Any, tensors: Mapping[str, Array], used: set[str]) -> Scaler:
    """A scaler that has found what the saved one had.

    Raises
    ------
    Malformed
        It is none.
    """
    record(said, "scaler", **{"class": str, "shift": dict | None, "scale": dict | None})
    if said["class"] not in SCALERS:
        raise Malformed(f"its scaler is a {said['class']}, which is none of {', '.join(SCALERS)}")
    scaler = SCALERS[said["class"]]()
    shift, scale = (decode(said[part], tensors, used) for part in ("shift", "scale"))
    if shift is not None or scale is not None:
        for part in (shift, scale):
            if getattr(part, "ndim", None) != 1 or part.dtype.kind != "f" or part.shape != shift.shape:
                raise Malformed("the shift and the scale of its scaler are not one number a feature")
        scaler.shift, scaler.scale = shift, scale
    return scaler


class Unknown(Exception):
    """Why an optimizer or a schedule cannot be made again."""


def known_class(name: str, what: str) -> Any:
    """A class of `tgi.optim` that has a state.

    Raises
    ------
    Unknown
        There is none of that name.
    """
    kind = None if name.startswith("_") else getattr(optim, name, None)
    own = isinstance(kind, type) and kind.__module__.startswith(optim.__name__) and hasattr(kind, "load_state_dict")
    if not own:
        raise Unknown(f"the {what} is a {name}, which is no class of tgi.optim")
    return kind


def optimizer_of(said: Mapping[str, Any], state: Any, model: Module) -> Any:
    """A new optimizer of a network's parameters, as the saved one was.

    Raises
    ------
    Unknown
        It is none that can be made again.
    Malformed
        It is none at all.
    """
    if said["parameters"] is None:
        raise Unknown("the optimizer has parameters that are not the model's")
    kind = known_class(said["class"], "optimizer")
    known = dict(model.named_parameters())
    groups = state.get("param_groups") if isinstance(state, dict) else None
    if not isinstance(groups, list) or not groups or not all(isinstance(group, dict) for group in groups):
        raise Malformed("its optimizer has no param_groups")
    lists = [group.get("params") for group in groups]
    numbers = [i for listed in lists if isinstance(listed, list) for i in listed]
    names = said["parameters"]
    if not all(isinstance(name, str) and name in known for name in names) or numbers != list(range(len(names))):
        raise Malformed("its optimizer has other parameters than its model")
    options = inspect.signature(kind).parameters
    made = []
    for group in groups:
        parameters: list[Any] = [known[names[i]] for i in group["params"]]
        if isinstance(named := group.get("param_names"), list) and len(named) == len(parameters):
            parameters = list(zip(named, parameters, strict=True))
        made.append({key: value for key, value in group.items() if key in options} | {"params": parameters})
    usual = {key: value for key, value in made[0].items() if key != "params"}
    try:
        optimizer = kind(made[0]["params"] if len(made) == 1 else made, **usual)
        optimizer.load_state_dict(state)
    except Exception as error:  # whatever options and state that nobody had lead to
        raise Malformed(f"its optimizer cannot be a {said['class']}: {error}") from None
    return optimizer


def schedule_of(said: Mapping[str, Any], state: Any, optimizer: Any) -> Any:
    """A new schedule of an optimizer, as the saved one was; the optimizer's rates are to be put back afterwards.

    Raises
    ------
    Unknown
        It is none that can be made again from its state.
    Malformed
        It is none at all.
    """
    kind = known_class(said["class"], "schedule")
    if not isinstance(state, dict):
        raise Malformed("its schedule has no state")
    if optimizer is None:
        raise Unknown("the schedule has no optimizer that could be made again")
    groups = getattr(optimizer, "param_groups", ())
    options: dict[str, Any] = {}
    missing: list[str] = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in state:
            options[name] = state[name]
        elif isinstance(each := state.get(f"{name}s"), list) and None not in each:  # such as one rate for each group
            options[name] = each
        elif groups and all(name in group for group in groups):
            options[name] = [group[name] for group in groups]
        elif name != "optimizer" and parameter.default is inspect.Parameter.empty:
            missing.append(name)
    if missing:
        raise Unknown(f"the state of the schedule {said['class']} does not say its {', '.join(missing)}")
    try:
        schedule = kind(optimizer, **options)
        schedule.load_state_dict(state)
    except Exception as error:
        raise Malformed(f"its schedule cannot be a {said['class']}: {error}") from None
    return schedule
