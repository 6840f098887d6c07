"""Loading: what was saved, made anew or filled into what is there; all of it or nothing."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Scaler
from ..init import manual_seed
from ..nn.module import Module
from . import building
from .classes import Allowed, allowed_classes
from .files import LoadError, read, strict_json
from .filling import Step, drawing_on, filling, modes, restoring, take
from .parts import Unknown, names_of, optimizer_of, scaler_of, schedule_of, stateful
from .plain import Array, Malformed, decode, record, tensor
from .randomness import Drawing, Generators, generators_in, named
from .writing import FORMAT, KEY

PARTS: dict[str, Any] = {
    "format": int,
    "version": str,
    "kind": str,
    "class": str,
    "architecture": dict | None,
    "reason": str,
    "frozen": list,
    "training": dict,
    "optimizer": dict | None,
    "schedule": dict | None,
    "generators": dict,
    "scaler": dict | None,
    "class_names": list | None,
    "step": int | None,
    "metadata": dict,
}


class Tensors(dict[str, Any]):
    """Tensors and arrays by name, with the texts that stand beside them in the file as `metadata`."""

    def __init__(self, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
        super().__init__(tensors)
        self.metadata = dict(metadata)


@dataclass
class Saved:
    """What `tgi.load` found.

    Attributes
    ----------
    model
        The network.
    optimizer, schedule
        Those of its training; None if none were saved, or they could not be made again (a warning says so).
    generators
        What was given as `generators` to `tgi.save`, as it was given: one, or a dictionary.
    scaler, class_names, step
        As they were given.
    metadata
        What else was.
    version
        Of this package, which wrote the file; None if another did.
    """

    model: Module
    optimizer: Any = None
    schedule: Any = None
    generators: Any = None
    scaler: Scaler | None = None
    class_names: list[str] | None = None
    step: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    version: str | None = None
    default_generator: np.random.Generator | None = None

    def restore_default_generator(self) -> None:
        """Let initializers that are given no generator go on from where they were, as after `tgi.manual_seed`."""
        if self.default_generator is not None:
            manual_seed(self.default_generator)


def load(
    path: Any,
    model: Module | None = None,
    optimizer: Any = None,
    schedule: Any = None,
    *,
    generators: Generators | None = None,
    classes: Iterable[type | str] = (),
) -> Any:
    """What `tgi.save` saved, or the tensors of any file of safetensors.

    Parameters
    ----------
    path
        The file.
    model, optimizer, schedule, generators
        To be filled with what the file has; without them new ones are made. Nothing in them is changed unless all of it
        fits.
    classes
        Modules, optimizers and schedules of your own that may be made from the file, as classes or by name,
        "models.Net": they are called with the options that the file says, so allow them for files that you trust.
        Nothing else that a file names is imported or called.

    Returns
    -------
    Saved or dict
        A record with the model, and all that was saved beside it; of a file that has tensors alone, and without
        `model`, a dictionary with them. What was saved as a tensor is one again, all else are NumPy's arrays.

    Raises
    ------
    LoadError
        The file is damaged, does not fit, or holds a network that cannot be made; the message is one sentence.
    OSError
        The file cannot be read.

    Warns
    -----
    UserWarning
        bfloat16 was read as float32; or an optimizer or schedule cannot be made; or a model that is filled alone draws
        elsewhere than the one that was saved.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"load: expected a path first, load(path, model), got {type(path).__name__}")
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"load: expected a module to be filled, got {type(model).__name__}")
    if model is None and not (optimizer is None and schedule is None and generators is None):
        raise TypeError("load: what is filled goes with its model; write load(path, model, ...)")
    drawn = None if generators is None else named(generators, "load")
    given = _Given(optimizer, schedule, drawn, allowed_classes(classes))
    path = Path(path)
    arrays, texts = read(path)
    try:
        said = _said(texts)
        if said is not None and said["kind"] == "model":
            return _saved(path, said, arrays, model, given)
        if not (optimizer is None and schedule is None and generators is None):
            raise Malformed("it has the tensors of a model and nothing else")
        if model is None:
            return _tensors(said, arrays, texts)
        take([filling(model, arrays)])
        return Saved(model)
    except Malformed as error:
        raise LoadError(f"{path}: {error}") from None


@dataclass
class _Given:
    """What is to be filled beside the model, and which classes may be made."""

    optimizer: Any
    schedule: Any
    generators: dict[str, np.random.Generator] | None
    allowed: Allowed = field(default=(), compare=False)


def _said(texts: Mapping[str, str]) -> dict[str, Any] | None:
    """What this package wrote beside the tensors, if it did."""
    if KEY not in texts:
        return None
    try:
        said = strict_json(texts[KEY])
    except ValueError as error:
        raise Malformed(f"what stands beside its tensors: {error}") from None
    form = said.get("format") if isinstance(said, dict) else None
    if isinstance(form, int) and form > FORMAT:
        raise Malformed(
            f"it is of format {form}, of a later version ({str(said.get('version'))[:20]}), and {FORMAT} is known"
        )
    if form != FORMAT or isinstance(form, bool) or said.get("kind") not in ("model", "tensors"):
        raise Malformed("what stands beside its tensors is nothing that is known here")
    if said["kind"] == "model":
        return record(said, "description", **PARTS)
    return record(said, "description", format=int, version=str, kind=str, tensors=dict)


def _tensors(said: dict[str, Any] | None, arrays: dict[str, Array], texts: dict[str, str]) -> Tensors:
    """A dictionary; those that were tensors are tensors."""
    found: dict[str, Any] = dict(arrays)
    for name, learning in (said or {"tensors": {}})["tensors"].items():
        if name not in arrays or not isinstance(learning, bool):
            raise Malformed(f"it has no tensor {name}")
        found[name] = tensor(arrays[name], learning)
    return Tensors(found, {name: text for name, text in texts.items() if name != KEY})


def _saved(path: Path, said: dict[str, Any], arrays: dict[str, Array], model: Module | None, given: _Given) -> Saved:
    """All parts of a file, each seen to be whole and to fit before any is filled."""
    used: set[str] = set()
    drawing = Drawing(said["generators"], arrays, used)
    states = {part: _state_of(said[part], part, arrays, used) for part in ("optimizer", "schedule")}
    scaler = None if said["scaler"] is None else scaler_of(said["scaler"], arrays, used)
    metadata = decode(said["metadata"], arrays, used)
    if not isinstance(metadata, dict):
        raise Malformed("its metadata are no dictionary")
    if not all(isinstance(name, str) for name in said["class_names"] or ()):
        raise Malformed("its class names are not all texts")
    numbers = {name: array for name, array in arrays.items() if name not in used}
    steps: list[Step] = []
    told: list[str] = []
    if model is None:
        found = _built(said, numbers, given.allowed)
        drawing.place(found)
    else:
        found = model
        _bind(drawing, model, given, told)
        steps += [filling(model, numbers), modes(model, said["training"]), drawing_on(drawing)]
    optimizer = given.optimizer
    if optimizer is not None:
        _require_same(said["optimizer"], stateful(optimizer, "an optimizer", "load"), "optimizer")
        if said["optimizer"]["parameters"] not in (None, names_of(optimizer, found)):
            raise Malformed("its optimizer has other parameters, or has them in another order")
    elif said["optimizer"] is not None:
        try:
            optimizer = optimizer_of(said["optimizer"], states["optimizer"], found, given.allowed)
        except (Unknown, Malformed) as reason:
            # What is wrong with the file is refused; what is there may want another optimizer, as where it is frozen.
            if isinstance(reason, Malformed) and model is None:
                raise
            told.append(f"{reason}; make one and write tgi.load(path, model, optimizer)")
    schedule = _schedule(said, states, optimizer, given, steps, told)
    take(steps)
    if model is None:
        _freeze(found, said["frozen"])
        modes(found, said["training"], alike=False).take()
    for text in told:
        warnings.warn(f"{path}: {text}", UserWarning, stacklevel=3)
    generators = {name: drawing.of(i) for name, i in drawing.given.items()}
    return Saved(
        found,
        optimizer,
        schedule[0],
        generators[""] if generators.keys() == {""} else generators or None,
        scaler,
        said["class_names"],
        said["step"],
        metadata,
        said["version"],
        None if drawing.default is None else drawing.of(drawing.default),
    )


def _bind(drawing: Drawing, model: Module, given: _Given, told: list[str]) -> None:
    """Let the generators that are there be those of the file.

    A network that is filled alone may draw elsewhere than the one that was saved, as where it has no dropout any more.
    """
    try:
        drawing.bind(generators_in(model), drawing.model, "the model")
    except Malformed as reason:
        if given != _Given(None, None, None):
            raise
        drawing.bound.clear()
        told.append(f"{reason}; they are left as they are")
    if given.generators is not None:
        drawing.bind(given.generators, drawing.given, "what was given")


def _schedule(
    said: dict[str, Any], states: dict[str, Any], optimizer: Any, given: _Given, steps: list[Step], told: list[str]
) -> list[Any]:
    """Add the steps that bring optimizer and schedule to where they were; where the schedule is after these."""
    rates = None if optimizer is None else restoring(optimizer, states["optimizer"], "optimizer")
    found: list[Any] = [given.schedule]

    def make() -> None:
        try:
            found[0] = schedule_of(said["schedule"], states["schedule"], optimizer, given.allowed)
        except Unknown as reason:
            told.append(f"{reason}; make one and write tgi.load(path, model, optimizer, schedule)")

    if given.schedule is not None:
        _require_same(said["schedule"], stateful(given.schedule, "a schedule", "load"), "schedule")
        steps.append(restoring(given.schedule, states["schedule"], "schedule"))
    elif said["schedule"] is not None:
        steps.append(Step(make, rates.back if rates else lambda: None))
    if rates is not None:  # last, as schedules set rates when they are made
        steps.append(rates)
    return found


def _state_of(said: Any, part: str, arrays: dict[str, Array], used: set[str]) -> Any:
    """The state of an optimizer or a schedule, if there is one."""
    if said is None:
        return None
    if part == "optimizer":
        record(said, part, **{"class": str, "parameters": list | None, "state": object})
    else:
        told = {key: list for key in ("parts", "functions") if key in said}  # the first files have neither
        record(said, part, **{"class": str, "state": object}, **told)
    return decode(said["state"], arrays, used)


def _require_same(said: Any, given: Any, part: str) -> None:
    """See that what is to be filled is of the class that was saved."""
    if said is None:
        raise Malformed(f"it has no {part}")
    # By the name alone: a class of the user's own may have moved to another module.
    saved, own = re.split("[:.]", said["class"])[-1], type(given).__name__
    if saved != own:
        raise Malformed(f"its {part} is of the class {saved}, the given one of {own}")


def _built(said: dict[str, Any], numbers: dict[str, Array], allowed: Allowed) -> Module:
    """The network of a file, with its numbers."""
    if said["architecture"] is None:
        raise Malformed(
            f"it has a {said['class'][:100]}, which cannot be made from the file, as {said['reason'][:200]}; "
            f"{building.ELSE}"
        )
    model = building.build(said["architecture"], sum(array.size for array in numbers.values()), allowed)
    building.fits(model, numbers)
    model.load_state_dict(numbers)
    return model


def _freeze(model: Module, names: list[Any]) -> None:
    """Let parameters not learn."""
    known = dict(model.named_parameters())
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise Malformed(f"it has no parameter {name}")
        known[name].requires_grad = False
