"""Optimizers, schedules and scalers as plain state, and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..data.scaling import MinMaxScaler, Scaler, StandardScaler
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .classes import Allowed, class_of, name_of, of_optim
from .plain import DEEPEST, Array, Malformed, decode, encode, record

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
    return {"class": name_of(type(optimizer), of_optim), "parameters": names_of(optimizer, model), "state": state}


def saved_schedule(schedule: Any, tensors: dict[str, Array]) -> dict[str, Any]:
    """The class and the state, with the classes of the schedules that it is made of."""
    state = encode(stateful(schedule, "a schedule", "save").state_dict(), "schedule", tensors)
    return _classes_of(schedule) | {"state": state}


def _classes_of(schedule: Any) -> dict[str, Any]:
    """The class of a schedule, those of its parts, and which attributes are functions, which no file holds."""
    parts: Any = ()
    functions: set[str] = set()
    if isinstance(schedule, LRScheduler):
        parts = vars(schedule).get("_schedulers", ())
        unsaved = schedule.unsaved() - {"optimizer", "_schedulers"}
        functions = {name for name in unsaved if vars(schedule).get(name) is not None}
    name = name_of(type(schedule), of_optim)
    return {"class": name, "parts": [_classes_of(part) for part in parts], "functions": sorted(functions)}


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


def known_class(name: str, what: str, allowed: Allowed) -> Any:
    """The optimizer or the schedule of `tgi.optim` of that name, or one that is allowed.

    Raises
    ------
    Unknown
        There is none of that name.
    """
    kind = class_of(name, of_optim, allowed)
    if kind is None or not hasattr(kind, "load_state_dict") or issubclass(kind, Optimizer) != (what == "optimizer"):
        raise Unknown(f"the {what} is a {name.rpartition(':')[2][:100]}, which is no {what} of tgi.optim")
    return kind


def optimizer_of(said: Mapping[str, Any], state: Any, model: Module, allowed: Allowed = ()) -> Any:
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
    kind = known_class(said["class"], "optimizer", allowed)
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


def schedule_of(said: Any, state: Any, optimizer: Any, allowed: Allowed = (), depth: int = 0) -> Any:
    """A new schedule of an optimizer, as the saved one was; the optimizer's rates are to be put back afterwards.

    Raises
    ------
    Unknown
        It is none that can be made again from its state.
    Malformed
        It is none at all.
    """
    told = said if isinstance(said, dict) else {}
    name, parts, functions = (
        told.get("class"),
        told.get("parts", []),
        told.get("functions", []),
    )  # in the first files not
    if not (isinstance(name, str) and isinstance(parts, list) and isinstance(functions, list)) or depth > DEEPEST:
        raise Malformed("its schedule is made of something else than schedules")
    kind = known_class(name, "schedule", allowed)
    if not isinstance(state, dict):
        raise Malformed("its schedule has no state")
    if optimizer is None:
        raise Unknown("the schedule has no optimizer that could be made again")
    if functions:
        raise Unknown(f"the schedule {name} calls functions ({str(functions[0])[:100]}), which no file holds")
    options: dict[str, Any] = {}
    if parts:
        states = state.get("_schedulers")
        if not isinstance(states, list) or len(parts) != len(states):
            raise Malformed(f"its schedule {name} has other parts than states of them")
        pairs = zip(parts, states, strict=True)
        options["schedulers"] = [schedule_of(part, of, optimizer, allowed, depth + 1) for part, of in pairs]
    groups = getattr(optimizer, "param_groups", ())
    missing: list[str] = []
    for option, parameter in inspect.signature(kind).parameters.items():
        if option in options:
            continue
        if option in state or f"_{option}" in state:
            options[option] = state.get(option, state.get(f"_{option}"))
        elif isinstance(each := state.get(f"{option}s"), list) and None not in each:  # such as one rate for each group
            options[option] = each
        elif groups and all(option in group for group in groups):
            options[option] = [group[option] for group in groups]
        elif option != "optimizer" and parameter.default is inspect.Parameter.empty:
            missing.append(option)
    if missing:
        raise Unknown(f"the state of the schedule {name} does not say its {', '.join(missing)}")
    try:
        schedule = kind(**{"optimizer": optimizer} | options)
        before = schedule.state_dict()
        schedule.load_state_dict(state)
    except Exception as error:
        raise Malformed(f"its schedule cannot be a {name}: {error}") from None
    if before.keys() != state.keys():
        odd = min(before.keys() ^ state.keys(), key=str)
        raise Malformed(f"its schedule cannot be a {name}: its state differs from that of one in {odd}")
    return schedule
