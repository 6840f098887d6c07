"""Generators: where each stands, and which of those that a training draws from are one and the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..init.drawing import default_generator
from ..nn.module import Module
from .plain import Array, Malformed, decode, encode, record

Generators = np.random.Generator | Mapping[str, np.random.Generator]
_BITS = (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
KINDS: dict[Any, Any] = {kind.__name__: kind for kind in _BITS}
# Of numbers in a state that are places in an array: how large the array is. NumPy takes them as they come.
PLACES = {("MT19937", "pos"): 624, ("Philox", "buffer_pos"): 4}


def places_in(model: Module) -> dict[str, tuple[Module, str]]:
    """Where a network keeps generators, such as those of dropout: the modules, and the names of the attributes."""
    return {
        f"{path}.{name}" if path else name: (module, name)
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, np.random.Generator)
    }


def generators_in(model: Module) -> dict[str, np.random.Generator]:
    """A network's generators by the place where it keeps them."""
    return {place: vars(module)[name] for place, (module, name) in places_in(model).items()}


def named(generators: Any, owner: str) -> dict[str, np.random.Generator]:
    """What the user gave by name; one that has no name has the empty one.

    Raises
    ------
    TypeError
        It is neither a generator nor a dictionary of them.
    """
    found = dict(generators) if isinstance(generators, Mapping) else {"": generators} if generators is not None else {}
    for name, value in found.items():
        if not isinstance(value, np.random.Generator) or not isinstance(name, str):
            came = f"{type(value).__name__}{f' as {name!r}' if name else ''}"
            raise TypeError(
                f"{owner}: expected generators to be np.random.default_rng(...) or a dictionary of such, got {came}"
            )
        if type(value.bit_generator).__name__ not in KINDS:
            raise TypeError(
                f"{owner}: expected generators over {', '.join(KINDS)}; got {type(value.bit_generator).__name__}"
            )
    return found


def saved(model: Module, generators: Mapping[str, np.random.Generator], tensors: dict[str, Array]) -> dict[str, Any]:
    """The states of all generators, and who draws from which."""
    known: dict[int, int] = {}
    states: list[Any] = []

    def number(generator: np.random.Generator) -> int:
        if id(generator) not in known:
            known[id(generator)] = len(states)
            states.append(encode(generator.bit_generator.state, f"generators/{len(states)}", tensors))
        return known[id(generator)]

    own, default = named(generators_in(model), "save"), default_generator()
    return {
        "model": {place: number(generator) for place, generator in own.items()},
        "given": {name: number(generator) for name, generator in generators.items()},
        "default": None if default is None else number(default),
        "states": states,
    }


class Drawing:
    """The generators of a file, as new ones until they are bound to those that are there.

    Parameters
    ----------
    said
        What `saved` made, or somebody else.
    tensors
        Of the file.
    used
        The names of those that belong here are noted in it.

    Raises
    ------
    Malformed
        It is something else.
    """

    def __init__(self, said: Any, tensors: Mapping[str, Array], used: set[str]) -> None:
        record(said, "generators", model=dict, given=dict, default=int | None, states=list)
        self.made = [made(decode(state, tensors, used)) for state in said["states"]]
        self.model, self.given, self.default = said["model"], said["given"], said["default"]
        for i in (*self.model.values(), *self.given.values(), 0 if self.default is None else self.default):
            if not isinstance(i, int) or isinstance(i, bool) or not 0 <= i < max(len(self.made), 1):
                raise Malformed(f"there is no generator {i}")
        self.bound: dict[int, np.random.Generator] = {}

    def bind(self, those: Mapping[str, np.random.Generator], there: Mapping[str, int], what: str) -> None:
        """Take generators that are there for those of the file.

        Raises
        ------
        Malformed
            Names differ, or what was one generator is two now, or two are one, or one is of another kind.
        """
        if those.keys() != there.keys():
            raise Malformed(
                f"{what} draws from generators at {listed(those)}, where those of {listed(there)} were saved"
            )
        for name, generator in those.items():
            i = there[name]
            others = [other for j, other in self.bound.items() if j != i]
            if self.bound.setdefault(i, generator) is not generator:
                raise Malformed(
                    f"{name or what} had one generator with another place when it was saved and has its own now"
                )
            if any(other is generator for other in others):
                raise Malformed(
                    f"{name or what} had a generator of its own when it was saved and has one with another place now"
                )
            if type(generator.bit_generator) is not type(self.made[i].bit_generator):
                kinds = [type(g.bit_generator).__name__ for g in (self.made[i], generator)]
                raise Malformed(
                    f"{name or what} had a generator over {kinds[0]} when it was saved, and has one over {kinds[1]} now"
                )

    def of(self, i: int) -> np.random.Generator:
        """That of a number: the one that is there, or a new one."""
        return self.bound.get(i, self.made[i])

    def move(self) -> None:
        """Let those that are there go on from where those of the file were."""
        for i, generator in self.bound.items():
            generator.bit_generator.state = self.made[i].bit_generator.state

    def place(self, model: Module) -> None:
        """Give a network that was built its generators.

        Raises
        ------
        Malformed
            It keeps them elsewhere.
        """
        places = places_in(model)
        if places.keys() != self.model.keys():
            raise Malformed(f"its architecture draws at {listed(places)}, its generators at {listed(self.model)}")
        for place, (module, name) in places.items():
            setattr(module, name, self.of(self.model[place]))


def listed(names: Iterable[str]) -> str:
    """Names in a message."""
    return ", ".join(sorted(names)) or "none"


def made(state: Any) -> np.random.Generator:
    """A new generator that stands where another stood.

    Raises
    ------
    Malformed
        It is no state of a generator.
    """
    name = state.get("bit_generator") if isinstance(state, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Malformed("it has the state of a generator that NumPy has not")
    inner = state.get("state")
    for (owner, key), size in PLACES.items():
        if owner == name:
            place = inner.get(key) if key == "pos" and isinstance(inner, dict) else state.get(key)
            if not isinstance(place, int) or not 0 <= place <= size:
                raise Malformed(f"its {name} stands at {place}, outside of its {size} numbers")
    bits = kind(0)
    try:
        bits.state = state
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise Malformed(f"its {kind.__name__} has no state of one: {error}") from None
    return np.random.Generator(bits)
