"""Networks of descriptions: classes of `tgi.nn`, and those that the caller allows, called with what a file says.

Whatever the file says, no more memory is taken than its numbers need, and nothing else is called.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from ..init.drawing import default_generator
from ..nn import Buffer, Module, Parameter
from ..nn.construction import admission
from .classes import Allowed, class_of, function_of, of_nn
from .plain import DEEPEST, Array, Malformed, decode, record

# Parameters that constructors make and drop again; and arrays that they may make before one becomes a parameter.
SPARE, PASSING = 2**16, 2**27
ELSE = "make one and write tgi.load(path, model)"


def build(description: Any, numbers: int, allowed: Allowed = ()) -> Module:
    """The network of a description, with numbers of no meaning.

    Parameters
    ----------
    description
        What `architecture.described` made, or somebody else.
    numbers
        How many numbers all its parameters and buffers have together, as the file has them.
    allowed
        Classes that may be called though they are not of `tgi.nn`.

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

    looks = {"looks": list | tuple} if isinstance(description, dict) and "looks" in description else {}
    record(description, "architecture", call=dict, ties=dict, **looks)
    token = admission.set(admit)
    default = default_generator()  # which classes of the user's own may draw from, and which goes on as it was
    state: Any = None if default is None else default.bit_generator.state
    try:
        model = _Maker(_Undrawn(admit), max(16 * numbers, PASSING), allowed).made(description["call"], 0)
    finally:
        admission.reset(token)
        if default is not None:
            default.bit_generator.state = state
    _tie(model, description["ties"])
    if looks and (reason := difference(model, description["looks"])):
        raise Malformed(f"its classes make another network than the one that was saved, where {reason}; {ELSE}")
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


@dataclass
class _Maker:
    """Makes modules, one call after the other."""

    rng: np.random.Generator
    largest: int  # the most numbers that a single option may ask for
    allowed: Allowed
    modules: list[Module] = field(default_factory=list)  # made so far

    def made(self, said: Any, depth: int) -> Module:
        """The module of one call."""
        match said:
            case {"!": "again", "of": int() as i} if 0 <= i < len(self.modules):
                return self.modules[i]
            case {"module": str() as name, "values": list() as values, "options": dict() as options}:
                if depth > DEEPEST:
                    raise Malformed(f"{str(said)[:80]} describes no module")
            case _:
                raise Malformed(f"{str(said)[:80]} describes no module")
        kind = class_of(name, of_nn, self.allowed)
        if kind is None or not issubclass(kind, Module):
            raise Malformed(_refusal(name))
        for key, of in (("", [values, options]), *options.items()):
            numbers = sorted(map(abs, _whole_numbers(of)))
            # A shape has as many numbers as its product, anything else hardly more than its two largest sizes make.
            if math.prod(numbers if "shape" in key else numbers[-2:]) > self.largest:
                raise Malformed(f"its architecture has a {name} of {numbers[-1]}, too much for the numbers in the file")
        parameters = inspect.signature(kind).parameters
        given = {key: self.option(of, depth) for key, of in options.items()}
        listed = [self.option(of, depth) for of in values]
        if "dtype" in given and ":" not in name:
            if given["dtype"] not in ("", "float32", "float64"):
                raise Malformed(f"its architecture has a {name} of {given['dtype']}")
            given["dtype"] = np.dtype(given["dtype"]) if given["dtype"] else None
        if "rng" in parameters:
            given["rng"] = self.rng
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
        self.modules.append(module)
        return module

    def option(self, of: Any, depth: int) -> Any:
        """What a module is called with."""
        if depth > DEEPEST:
            raise Malformed("its architecture is nested too deeply")
        match of:
            case {"!": "module", "of": inner}:
                return self.made(inner, depth + 1)
            case {"!": "generator"}:
                return self.rng
            case {"!": "dtype", "of": "float32" | "float64" as name}:
                return np.dtype(name)
            case {"!": "function", "of": str() as name} if (function := function_of(name)) is not None:
                return function
            case {"!": "tuple", "of": list() as items}:
                return tuple([self.option(item, depth + 1) for item in items])
            case list():
                return [self.option(item, depth + 1) for item in of]
            case dict() if "!" not in of:
                return {key: self.option(item, depth + 1) for key, item in of.items()}
        return decode(of, {}, set())


def _refusal(name: str) -> str:
    """Why a class is not called."""
    own = name.rpartition(":")[2].rpartition(".")[2]
    if ":" in name and own.isidentifier():
        return (
            f"its architecture has the class {name[:200]}, which is none of tgi.nn; allow it, if the file is trusted, "
            f"by tgi.load(path, classes=[{own[:100]}]), or {ELSE}"
        )
    return f"its architecture has the class {name[:200]}, which is none of tgi.nn"


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


def signature(model: Module) -> Signature:
    """All of a network that is neither numbers nor code."""
    modules = [
        (
            path,
            type(module).__name__,
            tuple(
                (name, _shown(value))
                for name, value in sorted(vars(module).items())
                if name not in ("training", "made_with")
                and not name.startswith("_")
                and (isinstance(value, bool | int | float | str | None | tuple) or _calls(value))
            ),
        )
        for path, module in model.named_modules()
    ]
    tensors = [
        (name, type(tensor).__name__, tensor.shape, str(np.dtype(tensor.dtype)))
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    ]
    return tuple(modules), tuple(tensors)


def _calls(value: Any) -> bool:
    """Whether it is a function of a module, such as an activation."""
    return callable(value) and not isinstance(value, Module | type)


def _shown(value: Any) -> str:
    """An attribute as text; a function by its name, as where it is in memory is another place each time."""
    if isinstance(value, FunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return f"{type(value).__name__} {getattr(value, 'name', '')}" if _calls(value) else repr(value)


def difference(made: Module, looks: Any) -> str:
    """What a network that was made is not, as a text that says it of the saved one; empty if they are the same.

    Raises
    ------
    Malformed
        What it is to be looks like nothing that `signature` says.
    """
    # Through JSON, as what stands in a file has been.
    modules, tensors = json.loads(json.dumps(signature(made)))
    try:
        wanted_modules, wanted_tensors = json.loads(json.dumps(looks))
        if [row[:2] for row in modules] != [row[:2] for row in wanted_modules]:
            return "it has other modules than those that its classes made"
        for (path, kind, then), (_, _, now) in zip(modules, wanted_modules, strict=True):
            changed = {name for name, value in map(tuple, then) if [name, value] not in now}
            changed |= {name for name, _ in now} - {name for name, _ in then}
            if changed:
                return f"{min(changed)} of the {kind} {path} was changed" if path else f"its {min(changed)} was changed"
    except (TypeError, ValueError, KeyError, IndexError):
        raise Malformed("its architecture looks like nothing that is known here") from None
    return "" if tensors == wanted_tensors else "it has other parameters than those that its classes made"


def fits(model: Module, arrays: Mapping[str, Array]) -> None:
    """See that a network that was built is the one whose numbers the file has.

    Raises
    ------
    Malformed
        It is not.
    """
    own = {name: (tensor.shape, tensor.dtype) for name, tensor in model._state()}
    if own.keys() != arrays.keys():
        raise Malformed(f"its architecture and its tensors differ in {min(own.keys() ^ arrays.keys())}")
    for name, (shape, dtype) in own.items():
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            found = f"{arrays[name].shape} and {arrays[name].dtype}"
            raise Malformed(f"its architecture has {name} of {shape} and {dtype}, its tensors of {found}")
