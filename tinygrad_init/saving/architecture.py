"""Networks as descriptions: which classes of `tgi.nn` were called with which options, and back.

A description is JSON: {"module": class, "values": what stood by position after a star, "options": the rest by name};
modules among the options are descriptions themselves. It is read off the call that made a module (`Module.made_with`)
and the module's attributes, which may have changed since; whether the description makes the same network again is
tried when it is written. Code is neither written nor read.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from .. import nn
from ..nn import Buffer, Module, Parameter
from ..nn.construction import Omitted, admission
from .plain import DEEPEST, Array, Malformed, decode, encode, record, tagged

# Parameters that constructors make and drop again; and arrays that they may make before one becomes a parameter.
SPARE, PASSING = 2**16, 2**27


class NotDescribed(Exception):
    """Why a network cannot be built again from a description."""


def classes() -> dict[str, type[Module]]:
    """The classes of `tgi.nn` by name."""
    found = {name: getattr(nn, name) for name in nn.__all__}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Module)}


def described(model: Module) -> dict[str, Any]:
    """What makes a network like this one again, with other numbers.

    Raises
    ------
    NotDescribed
        There is something in it that a description cannot say.
    """
    description = {"call": _call(model, {}, 0), "ties": _ties(model)}
    reason = _difference(json.dumps(description), _signature(model))
    if reason:
        raise NotDescribed(reason)
    return description


def _call(module: Module, seen: dict[int, int], depth: int) -> dict[str, Any]:
    """The call that makes a module; one that stands in several places is made once."""
    if id(module) in seen:
        return tagged("again", seen[id(module)])
    kind = type(module)
    if classes().get(kind.__name__) is not kind:
        raise NotDescribed(f"{kind.__name__} is no class of tgi.nn")
    if depth > DEEPEST // 2:
        raise NotDescribed(f"it is nested more than {DEEPEST // 2} deep")
    children = iter(_below(module))

    def said(name: str, value: Any) -> Any:
        """An option; modules among the options are the children, in their order."""
        if isinstance(value, Omitted) and issubclass(value.kind, Module):
            _, child = next(children, ("", None))
            if child is None:
                raise NotDescribed(f"the modules of {kind.__name__} are not among its attributes")
            return tagged("module", _call(child, seen, depth + 1))
        if isinstance(value, list | tuple):
            items = [said(name, item) for item in value]
            return items if isinstance(value, list) else tagged("tuple", items)
        if isinstance(value, dict):
            return {key: said(name, item) for key, item in value.items()}
        if isinstance(value, Omitted | type | np.dtype):
            what = value.kind.__name__ if isinstance(value, Omitted) else repr(value)
            raise NotDescribed(f"{name} of {kind.__name__} was given as {what}")
        try:
            return encode(value, name, {})
        except (TypeError, ValueError) as error:
            raise NotDescribed(f"{name} of {kind.__name__}: {error}") from None

    values: list[Any] = []
    options: dict[str, Any] = {}
    bound = inspect.signature(kind).bind(*module.made_with[0], **module.made_with[1])
    bound.apply_defaults()
    parameters = inspect.signature(kind).parameters
    for name, value in bound.arguments.items():
        if len(parameters) == 1 and _of_modules(value):
            # Whoever takes any number of modules may have been given more since, or fewer.
            value = _again(module, value)
        if parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            values = [said(name, item) for item in value]
        elif parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            options |= {key: said(key, item) for key, item in value.items()}
        elif name == "dtype":
            own = next((array.dtype for array in module.state_dict().values() if array.dtype.kind == "f"), value)
            options[name] = "" if own is None else str(np.dtype(own))
        elif name != "rng":  # where generators are is told apart
            options[name] = said(name, _now(module, name, value))
            if options[name] is parameters[name].default is None:  # as it is without being said
                del options[name]
    seen[id(module)] = len(seen)
    return {"module": kind.__name__, "values": values, "options": options}


def _below(module: Module) -> list[tuple[str, Module]]:
    """The modules directly below with their names, also one that stands there twice."""
    return [(name, value) for name, value in vars(module).items() if isinstance(value, Module)]


def _of_modules(value: Any) -> bool:
    """Whether an option is a container of modules alone, or an iterator that has been used up, or nothing."""
    if isinstance(value, Omitted):
        return hasattr(value.kind, "__next__")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    return all(item is None or (isinstance(item, Omitted) and issubclass(item.kind, Module)) for item in items)


def _again(module: Module, value: Any) -> Any:
    """A container of the modules that a container has now; nothing if there are none."""
    names = [name for name, _ in _below(module)]
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
    return now if isinstance(now, bool | int | float | str | None | tuple | list | dict) else value


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


def build(description: Any, numbers: int) -> Module:
    """The network of a description, with numbers of no meaning.

    Parameters
    ----------
    description
        What `described` made, or somebody else.
    numbers
        How many numbers all its parameters and buffers have together, as the file has them.

    Raises
    ------
    Malformed
        It is no description, or one of a larger network, or of classes that are not known here.
    """
    left = [4 * numbers + SPARE]

    def admit(more: int) -> None:
        left[0] -= more
        if left[0] < 0:
            raise Malformed(f"its architecture has more numbers than the {numbers} that are in the file")

    token = admission.set(admit)
    try:
        record(description, "architecture", call=dict, ties=dict)
        model = _made(description["call"], [], _Undrawn(admit), max(16 * numbers, PASSING), 0)
    finally:
        admission.reset(token)
    _tie(model, description["ties"])
    return model


def _tie(model: Module, ties: Mapping[Any, Any]) -> None:
    """Let parameters and buffers stand in second places."""
    modules, tensors = dict(model.named_modules()), dict((*model.named_parameters(), *model.named_buffers()))
    for place, home in ties.items():
        path, _, name = place.rpartition(".")
        old = vars(modules[path]).get(name) if path in modules else None
        new = tensors.get(home) if isinstance(home, str) else None
        if not isinstance(old, Parameter | Buffer) or type(old) is not type(new) or old.shape != new.shape:
            raise Malformed(f"its architecture has nothing at {place} that {home} could stand for")
        setattr(modules[path], name, new)


def _made(said: Any, made: list[Module], rng: np.random.Generator, largest: int, depth: int) -> Module:
    """The module of one call."""
    match said:
        case {"!": "again", "of": int() as i} if 0 <= i < len(made):
            return made[i]
        case {"module": str() as name, "values": list() as values, "options": dict() as options} if depth <= DEEPEST:
            pass
        case _:
            raise Malformed(f"{str(said)[:80]} describes no module")
    kind = classes().get(name)
    if kind is None:
        raise Malformed(f"its architecture has the class {name}, which is none of tgi.nn")

    def option(of: Any, depth: int) -> Any:
        if depth > DEEPEST:
            raise Malformed("its architecture is nested too deeply")
        match of:
            case {"!": "module", "of": inner}:
                return _made(inner, made, rng, largest, depth + 1)
            case {"!": "tuple", "of": list() as items}:
                return tuple([option(item, depth + 1) for item in items])
            case list():
                return [option(item, depth + 1) for item in of]
            case dict() if "!" not in of:
                return {key: option(item, depth + 1) for key, item in of.items()}
        return decode(of, {}, set())

    for key, of in (("", [values, options]), *options.items()):
        numbers = sorted(map(abs, _whole_numbers(of)))
        # A shape has as many numbers as its product, anything else hardly more than its two largest sizes make.
        if math.prod(numbers if "shape" in key else numbers[-2:]) > largest:
            raise Malformed(f"its architecture has a {name} of {numbers[-1]}, too much for the numbers in the file")
    parameters = inspect.signature(kind).parameters
    given = {key: option(of, depth) for key, of in options.items()}
    listed = [option(of, depth) for of in values]
    if "dtype" in given:
        if given["dtype"] not in ("", "float32", "float64"):
            raise Malformed(f"its architecture has a {name} of {given['dtype']}")
        given["dtype"] = np.dtype(given["dtype"]) if given["dtype"] else None
    if "rng" in parameters:
        given["rng"] = rng
    first: list[Any] = []
    if listed:  # what stands before the star can only be given by position then
        before = [key for key, p in parameters.items() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        first = [given.pop(key) for key in before if key in given]
    try:
        module: Module = kind(*first, *listed, **given)
    except Malformed:
        raise
    except (Exception, MemoryError) as error:  # whatever options that nobody would give lead to
        raise Malformed(f"its architecture has a {name} that cannot be made: {error}") from None
    made.append(module)
    return module


def _whole_numbers(of: Any) -> Iterator[int]:
    """All whole numbers in an option, but for those of modules."""
    waiting = [of]
    while waiting:
        match waiting.pop():
            case bool():
                pass
            case int() as number:
                yield number
            case {"!": "module"}:
                pass
            case dict() as inner:
                waiting += inner.values()
            case list() as inner:
                waiting += inner


class _Undrawn(np.random.Generator):
    """Zeros in place of random numbers, for what is overwritten later; `admit` is asked before."""

    def __init__(self, admit: Callable[[int], None]) -> None:
        super().__init__(np.random.PCG64(0))
        self.admit = admit

    def zeros(self, size: Any) -> Any:
        self.admit(math.prod(np.atleast_1d(1 if size is None else size).tolist()))
        return 0.0 if size is None else np.zeros(size)

    def random(self, size: Any = None, *more: Any, **options: Any) -> Any:
        return self.zeros(size)

    def standard_normal(self, size: Any = None, *more: Any, **options: Any) -> Any:
        return self.zeros(size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return self.zeros(size)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        return self.zeros(size)


# Of each module the path, the class, and plain attributes; of each parameter and buffer name, class, shape and dtype.
ModuleLine = tuple[str, str, tuple[tuple[str, str], ...]]
TensorLine = tuple[str, str, tuple[int, ...], str]
Signature = tuple[tuple[ModuleLine, ...], tuple[TensorLine, ...]]


def _signature(model: Module) -> Signature:
    """All of a network that is neither numbers nor code."""
    modules = [
        (
            path,
            type(module).__name__,
            tuple(
                (name, repr(value))
                for name, value in sorted(vars(module).items())
                if name not in ("training", "made_with")
                and not name.startswith("_")
                and isinstance(value, bool | int | float | str | None | tuple)
            ),
        )
        for path, module in model.named_modules()
    ]
    tensors = [
        (name, type(tensor).__name__, tensor.shape, str(np.dtype(tensor.dtype)))
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    ]
    return tuple(modules), tuple(tensors)


@lru_cache(maxsize=16)
def _difference(description: str, signature: Signature) -> str:
    """What a description leaves out of a network; nothing if it makes the same."""
    try:
        modules, tensors = _signature(build(json.loads(description), sum(math.prod(row[2]) for row in signature[1])))
    except Malformed as error:
        return str(error)
    if [row[:2] for row in modules] != [row[:2] for row in signature[0]]:
        return "it has other modules than those that its classes made"
    for (path, kind, now), (_, _, then) in zip(signature[0], modules, strict=True):
        changed = [name for name, _ in set(then) - set(now)]
        if changed:
            return f"{min(changed)} of the {kind} {path} was changed" if path else f"its {min(changed)} was changed"
    return "" if tensors == signature[1] else "it has other parameters than those that its classes made"


def fits(model: Module, arrays: Mapping[str, Array]) -> None:
    """See that a network that was built is the one whose numbers the file has.

    Raises
    ------
    Malformed
        It is not.
    """
    own = {name: (array.shape, array.dtype) for name, array in model.state_dict().items()}
    if own.keys() != arrays.keys():
        raise Malformed(f"its architecture and its tensors differ in {min(own.keys() ^ arrays.keys())}")
    for name, (shape, dtype) in own.items():
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            found = f"{arrays[name].shape} and {arrays[name].dtype}"
            raise Malformed(f"its architecture has {name} of {shape} and {dtype}, its tensors of {found}")
