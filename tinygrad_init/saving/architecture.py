"""Networks as descriptions: which classes were called with which options.

A description is JSON: {"module": class, "values": what stood by position after a star, "options": the rest by name};
modules among the options are descriptions themselves. It is read off the call that made a module (`Module.made_with`)
and the module's attributes, which may have changed since. Whether the description makes the same network again is
tried when it is written; where there are classes of the user's own among it, which nobody calls unasked, what the
network looks like is written beside it, and compared when it is made (`building`). Code is neither written nor read.
"""

from __future__ import annotations

import inspect
import json
import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..nn import Buffer, Module, Parameter
from ..nn.construction import Omitted
from .building import Signature, build, difference, signature
from .classes import name_of, name_of_function, of_nn
from .plain import DEEPEST, Malformed, encode, tagged


class NotDescribed(Exception):
    """Why a network cannot be built again from a description."""


def described(model: Module) -> dict[str, Any]:
    """What makes a network like this one again, with other numbers.

    Raises
    ------
    NotDescribed
        There is something in it that a description cannot say.
    """
    for module in model.modules():
        computed, kind = vars(module).get("_computed"), type(module).mro()[1]
        if computed:
            raise NotDescribed(f"{min(computed)} of {kind.__name__} is computed from other parameters")
    description = {"call": _call(model, {}, 0), "ties": _ties(model)}
    looks = signature(model)
    if any(of_nn(type(module).__name__) is not type(module) for module in model.modules()):
        return description | {"looks": looks}
    reason = _reason(json.dumps(description), looks)
    if reason:
        raise NotDescribed(reason)
    return description


def _call(module: Module, seen: dict[int, int], depth: int) -> dict[str, Any]:
    """The call that makes a module; one that stands in several places is made once."""
    if id(module) in seen:
        return tagged("again", seen[id(module)])
    kind = type(module)
    own = of_nn(kind.__name__) is not kind
    if depth > DEEPEST // 2:
        raise NotDescribed(f"it is nested more than {DEEPEST // 2} deep")
    below = _Below(module)

    def said(name: str, value: Any) -> Any:
        """An option."""
        if isinstance(value, Omitted):
            if issubclass(value.kind, np.random.Generator):
                return tagged("generator", None)  # any: where each stands is told apart
            if not issubclass(value.kind, Module):
                raise NotDescribed(f"{name} of {kind.__name__} was given as {value.kind.__name__}")
            child = below.take(name, value.kind)
            if child is None:
                raise NotDescribed(f"the modules of {kind.__name__} are not among its attributes")
            return tagged("module", _call(child, seen, depth + 1))
        if isinstance(value, list | tuple):
            items = [said(name, item) for item in value]
            return items if isinstance(value, list) else tagged("tuple", items)
        if isinstance(value, dict):
            return {key: said(name, item) for key, item in value.items()}
        if isinstance(value, type | np.dtype):
            if dtype := _name_of_dtype(value):
                return tagged("dtype", dtype)
            raise NotDescribed(f"{name} of {kind.__name__} was given as {value!r}")
        if function := name_of_function(value):
            return tagged("function", function)
        try:
            return encode(value, name, {})
        except (TypeError, ValueError) as error:
            raise NotDescribed(f"{name} of {kind.__name__}: {error}") from None

    values: list[Any] = []
    options: dict[str, Any] = {}
    parameters = inspect.signature(kind).parameters
    try:
        bound = inspect.signature(kind).bind(*module.made_with[0], **module.made_with[1])
    except TypeError as error:  # a class that is called in another way than its signature says
        raise NotDescribed(f"{kind.__name__} was made in a way that is not known: {error}") from None
    bound.apply_defaults()
    for name, value in bound.arguments.items():
        if len(parameters) == 1 and not own and _of_modules(value):
            # Whoever takes any number of modules may have been given more since, or fewer.
            value = _again(module, value)
        if parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            values = [said(name, item) for item in value]
        elif parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            options |= {key: said(key, item) for key, item in value.items()}
        elif name == "dtype" and not own:
            now = next((array.dtype for array in module.state_dict().values() if array.dtype.kind == "f"), value)
            options[name] = "" if now is None else str(np.dtype(now))
        elif name != "rng":  # where generators are is told apart
            # An attribute of a class of the user's own may be something else than the option of its name.
            options[name] = said(name, value if own else _now(module, name, value))
            if options[name] is parameters[name].default is None:  # as it is without being said
                del options[name]
    seen[id(module)] = len(seen)
    return {"module": name_of(kind, of_nn), "values": values, "options": options}


class _Below:
    """The modules below one, to be taken for those among its options: each by its name, or else by class and order."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.left = list(module._members())  # also one that stands there twice

    def take(self, name: str, kind: type) -> Module | None:
        """What was given as an option; None if there is nothing left that it could be.

        It is the attribute of the option's name; or the next of its class, also further below, as where a layer was
        copied; or the next, as one may stand in its place now.
        """
        direct = next((i for i, (own, _) in enumerate(self.left) if own == name), None)
        if direct is None:
            direct = next((i for i, (_, child) in enumerate(self.left) if isinstance(child, kind)), None)
        if direct is None:
            deeper = (child for _, left in self.left for child in left.modules() if isinstance(child, kind))
            if (found := next(deeper, None)) is not None:
                return found
        return self.left.pop(direct or 0)[1] if self.left else None


def _name_of_dtype(value: Any) -> str:
    """float32 or float64, however it is given; empty if it is neither."""
    try:
        name = np.dtype(value).name
    except TypeError:
        return ""
    return name if name in ("float32", "float64") and value is not float else ""


def _of_modules(value: Any) -> bool:
    """Whether an option is a container of modules alone, or an iterator that has been used up, or nothing."""
    if isinstance(value, Omitted):
        return hasattr(value.kind, "__next__")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    return all(item is None or (isinstance(item, Omitted) and issubclass(item.kind, Module)) for item in items)


def _again(module: Module, value: Any) -> Any:
    """A container of the modules that a container has now; nothing if there are none."""
    names = [name for name, _ in module._members()]
    if isinstance(value, Omitted) and not hasattr(value.kind, "__next__"):
        return value
    if isinstance(value, tuple) or names == [str(i) for i in range(len(names))]:
        return (Omitted(Module),) * len(names) if isinstance(value, tuple) else [Omitted(Module)] * len(names) or value
    return dict.fromkeys(names, Omitted(Module))


def _now(module: Module, name: str, value: Any) -> Any:
    """An option as it is now, if an attribute of its name tells."""
    now = vars(module).get(name, value)
    if isinstance(value, bool) and not isinstance(now, bool):
        return now is not None  # whether there is a bias
    plain = isinstance(now, bool | int | float | str | None | tuple | list | dict)
    return now if plain or name_of_function(now) else value


def _ties(model: Module) -> dict[str, str]:
    """Parameters and buffers that stand in a second place, such as shared weights, with the name of the first."""
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Parameter | Buffer):
                full = f"{path}.{name}" if path else name
                home = first.setdefault(id(value), full)
                if home != full:
                    found[full] = home
    return found


@lru_cache(maxsize=16)
def _reason(description: str, looks: Signature) -> str:
    """What a description leaves out of a network; nothing if it makes the same."""
    try:
        return difference(build(json.loads(description), sum(math.prod(row[2]) for row in looks[1])), looks)
    except Malformed as error:
        return str(error)
