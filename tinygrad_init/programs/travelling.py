"""Programs in files: written, read with suspicion, and run without the function that they were captured from.

`docs/programs.md` describes the format.
"""

from __future__ import annotations

import json
import math
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels.backend import BACKEND, kernels
from ..replacing import replacing
from ..trees import filled, form_of
from .buffers import DTYPES, ITEM
from .describing import Description, rounded
from .words import VERSION

MAGIC = b"tgi-prog"
PREAMBLE = struct.Struct("<8s5Q")  # version, checksum of the rest, bytes of header, words and numbers
ROOM = 64  # bytes that the preamble takes
DTYPES_OF = {
    0: ("float32",),
    1: ("float64", "bool"),
    2: ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32"),
}

Array = np.ndarray[Any, Any]


class ProgramError(ValueError):
    """A file holds no program that this version can run; the message is one sentence that begins with the file."""


def to_bytes(header: dict[str, Any], words: Array, numbers: list[Array]) -> bytes:
    """A program as it lies in a file."""
    said = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    said += b" " * (rounded(len(said)) - len(said))
    rest = b"".join(array.tobytes() + bytes(rounded(array.nbytes) - array.nbytes) for array in numbers)
    body = said + words.astype("<i8").tobytes() + rest
    sizes = len(said), words.nbytes, len(rest)
    return PREAMBLE.pack(MAGIC, VERSION, zlib.crc32(body), *sizes).ljust(ROOM, b"\0") + body


def write(path: Any, description: Description) -> None:
    """Write a program to a file, whole or not at all."""
    with replacing(Path(path)) as beside:
        beside.write_bytes(to_bytes(description.header, description.words, description.numbers))


def load_program(path: Any) -> LoadedProgram:
    """Read a captured program that `save` has written, in this process or another one.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    LoadedProgram
        Called like the function that was captured, with arrays or tensors of the same shapes and dtypes. On the same
        instruction set it gives the same bits.

    Raises
    ------
    ProgramError
        It is no whole file of a program, or of another version, or describes a program that could leave its memory.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile, tinygrad_init as tgi
    >>> double = tgi.capture(lambda x: 2 * x)
    >>> _ = double(tgi.tensor([1.0, 2.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     double.save(f"{folder}/double.program")
    ...     loaded = tgi.load_program(f"{folder}/double.program")
    >>> loaded(tgi.tensor([3.0, 4.0]))
    tensor([6., 8.], dtype=float32)
    """
    data = Path(path).read_bytes()
    try:
        return from_bytes(data)
    except ProgramError as error:
        raise ProgramError(f"{path}: {error}") from None


def from_bytes(data: bytes) -> LoadedProgram:
    """The program that such bytes describe.

    Raises
    ------
    ProgramError
        As `load_program`.
    """
    if BACKEND != "compiled":
        raise ProgramError("programs from files are for the compiled backend, and this is the reference backend")
    if len(data) < ROOM or data[:8] != MAGIC:
        raise ProgramError("no file of a program: it does not begin like one")
    _, version, checksum, said, words, numbers = PREAMBLE.unpack_from(data)
    if version != VERSION:
        raise ProgramError(f"a program of version {version}, and this is version {VERSION}; save it anew from there")
    if len(data) != ROOM + said + words + numbers or said % 8 or words % 8:
        raise ProgramError(f"no whole program: expected {ROOM + said + words + numbers} bytes, got {len(data)}")
    if zlib.crc32(data[ROOM:]) != checksum:
        raise ProgramError("damaged: the checksum is another one")
    table = np.frombuffer(data, "<i8", words // 8, ROOM + said).astype(np.int64)
    try:
        machine = kernels.machine_of(table)
    except (ValueError, MemoryError) as error:
        raise ProgramError(f"no program that can be run: {error}") from None
    try:
        header = json.loads(data[ROOM : ROOM + said].decode())
        return LoadedProgram(header, table, data[ROOM + said + words :], *machine)
    except ProgramError:
        raise
    except MemoryError:
        raise ProgramError("it is too large for this machine's memory") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ProgramError(f"no program that can be run: its description is wrong: {error!r:.200}") from None


class Place:
    """An array or a number of a program: its shape and dtype, and where the machine finds it."""

    def __init__(self, entry: dict[str, Any], sizes: list[int], taken: set[int]) -> None:
        self.shape = tuple(whole(n) for n in entry["shape"])
        self.kind, self.slot, self.offset = (
            whole(entry["kind"], 3),
            whole(entry["slot"], len(sizes)),
            whole(entry["offset"]),
        )
        self.dtype = np.dtype(entry.get("dtype", DTYPES[self.kind].name))
        if self.dtype.name not in DTYPES_OF[self.kind]:
            raise ProgramError(f"no program that can be run: {self.dtype} is not kept as {DTYPES[self.kind]}")
        strides, begin = entry.get("strides"), 0
        if strides is not None:
            strides, begin = tuple(int(s) for s in strides), whole(entry["begin"])
        if self.slot:
            if self.slot in taken or not self.shape:
                raise ProgramError("no program that can be run: two arrays have one place")
            taken.add(self.slot)
            if strides is None and math.prod(self.shape) * ITEM[self.kind] != sizes[self.slot]:
                raise ProgramError("no program that can be run: an array does not fill its place")
            self.memory = np.zeros(sizes[self.slot], np.uint8)
            self.array = np.ndarray(self.shape, DTYPES[self.kind], self.memory, begin, strides)
        else:
            item = ITEM[self.kind]
            if self.shape or self.offset % item or self.offset + item > sizes[0]:
                raise ProgramError("no program that can be run: a number lies outside of the memory")
            self.array = self.memory = np.zeros((), DTYPES[self.kind])


def whole(n: Any, end: int = 1 << 40) -> int:
    """A whole number from 0 to `end` - 1."""
    if type(n) is not int or not 0 <= n < end:
        raise ProgramError(f"no program that can be run: its description has {n!r:.50} where a size should be")
    return n


@dataclass
class Result:
    """What the program returns at one place: numbers of its own, those of an array outside, or a value."""

    place: Place | None
    state: int
    tensor: bool
    value: Any


class LoadedProgram:
    """A program from a file, which owns what its function found outside.

    Attributes
    ----------
    name
        What the function was called.
    isa
        The instruction set of the machine that wrote it: there it gave the same bits as here, if here it is the same.
    state
        By name the arrays that the program reads and changes: parameters, what optimizers remember, learning rates,
        gradients. What is written into them (`state["net.0.weight"][...] = 0`) holds from the next call on.
    parameters
        Those of them that required a gradient.
    """

    def __init__(
        self, header: dict[str, Any], words: Array, data: bytes, machine: Any, sizes: list[int], numbers: list[int]
    ) -> None:
        self.name, self.isa = str(header["name"]), str(header["isa"])
        self._header, self._words, self._machine, self._numbers = header, words, machine, numbers
        self._lock = threading.Lock()
        taken: set[int] = set()
        self._constants = [(whole(offset), piece(data, at)) for offset, *at in header["constants"]]
        for offset, constant in self._constants:
            if offset + constant.nbytes > sizes[0]:
                raise ProgramError("no program that can be run: a constant lies outside of the memory")
            machine.load(offset, constant)
        self._places = [Place(entry, sizes, taken) for entry in header["state"]]
        self._written = [bool(entry["written"]) for entry in header["state"]]
        names = [str(entry["name"]) for entry in header["state"]]
        if len(set(names)) < len(names):
            raise ProgramError("no program that can be run: a name stands there twice")
        for entry, place in zip(header["state"], self._places, strict=True):
            if entry["numbers"] is not None:
                memory = place.memory.reshape(-1).view(np.uint8)
                memory[...] = piece(data, entry["numbers"])
        self.state = {name: place.array for name, place in zip(names, self._places, strict=True)}
        self.parameters = {
            name: self.state[name] for name, entry in zip(names, header["state"], strict=True) if entry["parameter"]
        }
        self._inputs = [None if "value" in entry else Place(entry, sizes, taken) for entry in header["inputs"]]
        self._outputs = [result_of(entry, sizes, taken, len(names)) for entry in header["outputs"]]
        if taken != set(range(1, len(sizes))):
            raise ProgramError("no program that can be run: an array has no place")
        for place, written in zip(self._places, self._written, strict=True):
            if place.slot:
                machine.bind_as_it_lies(place.slot, place.memory)
                machine.watch(place.slot, 0, place.memory.nbytes, written)
        for given in self._inputs:
            if given is not None and given.slot:
                machine.watch(given.slot, 0, given.memory.nbytes, False)
        self._copies = [
            (self._places[whole(a, len(names))], self._places[whole(b, len(names))]) for a, b in header["copies"]
        ]
        self._form = None if header["arguments"] is None else form_from(header["arguments"])
        self._hollow = None if header["results"] is None else hollow_from(header["results"])
        leaves: list[Any] = []
        form_of(self._hollow, leaves)
        if len(leaves) != len(self._outputs) if self._hollow is not None else len(self._outputs) != 1:
            raise ProgramError("no program that can be run: it has not as many results as it says")
        self._values = [from_value(entry.get("value")) for entry in header["inputs"]]
        self._checks = {int(number): str(said) for number, said in header["checks"].items()}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run with arguments like those that the function was captured with."""
        values: list[Any] = []
        if self._form is not None:
            if form_of((args, kwargs), values) != self._form:
                raise TypeError(f"{self.name}: expected arguments nested like those that it was captured with")
        elif kwargs or len(args) != len(self._inputs):
            raise TypeError(f"{self.name}: expected {len(self._inputs)} arguments, got {len(args) + len(kwargs)}")
        else:
            values = list(args)
        with self._lock:
            self._attach(values)
            stopped = self._machine.run()
            for place, written in zip(self._places, self._written, strict=True):
                if written and not place.slot:
                    place.array[...] = self._machine.read(place.offset, place.kind)
            if stopped >= 0:
                number = self._numbers[stopped]
                raise ValueError(f"{self.name}: {self._checks.get(number, 'an index is out of range')}")
            for source, target in self._copies:
                target.array[...] = source.array
            results = [self._take(result) for result in self._outputs]
        return results[0] if self._hollow is None else filled(self._hollow, results)

    def _attach(self, values: list[Any]) -> None:
        """Let the machine see arguments, numbers outside, and where results go."""
        machine, copied = self._machine, []
        for i, (place, value) in enumerate(zip(self._inputs, values, strict=True)):
            if place is None:
                if type(value) is not type(self._values[i]) or value != self._values[i]:
                    raise TypeError(
                        f"{self.name}: argument {i} is part of it, and was {self._values[i]!r}, got {value!r}"
                    )
                continue
            array = np.asarray(value.numpy() if isinstance(value, Tensor) else value)
            number = not place.shape and isinstance(value, bool | int | float)
            if array.shape != place.shape or not (number or array.dtype == place.dtype):
                expected = f"an array of shape {place.shape} and {place.dtype}"
                raise TypeError(
                    f"{self.name}: argument {i}: expected {expected}, got shape {array.shape} and {array.dtype}"
                )
            if not place.slot:
                machine.write(place.offset, place.kind, float(array))
            elif not machine.bind(place.slot, array, place.kind):
                machine.bind(place.slot, np.array(array, DTYPES[place.kind], order="C"), place.kind)
            copied.append((place, array))
        if not machine.apart():  # an argument is, or is part of, what the program changes
            for place, array in copied:
                if place.slot:
                    machine.bind(place.slot, np.array(array, DTYPES[place.kind], order="C"), place.kind)
        for place in self._places:
            if not place.slot:
                machine.write(place.offset, place.kind, float(place.array))
        for result in self._outputs:
            place = result.place
            if place is not None and place.slot:
                place.array = np.empty(place.shape, DTYPES[place.kind])
                machine.bind(place.slot, place.array, place.kind)

    def _take(self, result: Result) -> Any:
        """A result of the run."""
        place = result.place
        if place is None:
            if result.state < 0:
                return result.value
            array = self._places[result.state].array.copy()
        elif place.slot:
            array = place.array.astype(place.dtype, copy=False)
        else:
            array = np.array(self._machine.read(place.offset, place.kind), place.dtype)
        if result.tensor:
            return Tensor(array, array.dtype)
        return array if array.ndim else array[()]

    def save(self, path: Any) -> None:
        """Write the program to a file as it is now, with the numbers that its state has."""
        kept = [constant for _, constant in self._constants]
        kept += [
            place.memory
            for place, entry in zip(self._places, self._header["state"], strict=True)
            if entry["numbers"] is not None
        ]
        write(path, Description(self._header, self._words, kept))

    def __repr__(self) -> str:
        return f"<program {self.name}, {len(self._numbers)} instructions>"


def result_of(entry: dict[str, Any], sizes: list[int], taken: set[int], states: int) -> Result:
    """A result as the description has it."""
    if "value" in entry:
        return Result(None, -1, False, from_value(entry["value"]))
    if "state" in entry:
        return Result(None, whole(entry["state"], states), bool(entry["tensor"]), None)
    return Result(Place(entry, sizes, taken), -1, bool(entry["tensor"]), None)


def piece(data: bytes, at: list[Any]) -> Array:
    """Bytes of a file, by where they begin and how many they are."""
    begin, size = (whole(n) for n in at)
    if begin + size > len(data):
        raise ProgramError("no program that can be run: its numbers end before the file does")
    return np.frombuffer(data, np.uint8, size, begin)


def from_value(value: Any) -> Any:
    """What `describing.value_of` has said."""
    if isinstance(value, dict):
        return float.fromhex(value["float"])
    if not isinstance(value, bool | int | str | None):
        raise ProgramError("no program that can be run: its description has a value of no kind")
    return value


def form_from(tree: Any) -> Any:
    """The form of containers, as `trees.form_of` gives it."""
    if tree is None or tree == "leaf":
        return tree
    kind, *parts = tree
    if kind == "dict":
        return dict, tuple([(str(key), form_from(part)) for key, part in parts])
    return {"list": list, "tuple": tuple}[kind], tuple([form_from(part) for part in parts])


def hollow_from(tree: Any) -> Any:
    """Containers with nothing in them."""
    if tree is None or tree == "leaf":
        return tree
    kind, *parts = tree
    if kind == "dict":
        return {str(key): hollow_from(part) for key, part in parts}
    return {"list": list, "tuple": tuple}[kind](hollow_from(part) for part in parts)
