"""What a program is, apart from the objects of this process: a description in JSON, words for the machine, numbers.

`docs/programs.md` says what stands in the description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.places import describe_place
from ..engine.tensor import Tensor
from ..kernels.backend import BACKEND, kernels
from ..trees import form_of
from ..version import __version__
from .buffers import DTYPES, ITEM
from .instructions import Step
from .program import Program
from .state_names import state_names
from .tracing import Binding, CaptureError
from .words import words_of

Array = np.ndarray[Any, Any]


@dataclass
class Description:
    """A program as it travels.

    Attributes
    ----------
    header
        What JSON can say of it.
    words
        The instructions.
    numbers
        Constants and state, in the order in which the header gives them.
    """

    header: dict[str, Any]
    words: Array
    numbers: list[Array]
    begins: dict[int, int] = field(default_factory=dict)  # by slot, the lowest byte of an array with gaps
    sizes: dict[int, int] = field(default_factory=dict)  # by slot, bytes

    def keep(self, numbers: Array) -> list[int]:
        """Where among all numbers these will lie: at which byte, and how many."""
        begin = sum(rounded(kept.nbytes) for kept in self.numbers)
        self.numbers.append(np.ascontiguousarray(numbers))
        return [begin, numbers.nbytes]


def rounded(size: int) -> int:
    """To the next multiple of 8."""
    return (size + 7) // 8 * 8


def describe(name: str, program: Program, spec: Any) -> Description:
    """Describe a program.

    Parameters
    ----------
    name
        What its function is called.
    program
        Whose tensors outside are such that it could be run now.
    spec
        The form of its arguments; None for a row of arrays and values.

    Raises
    ------
    CaptureError
        Something that it needs is of this process.
    """

    def refuse(why: str) -> None:
        raise CaptureError(f"{name} cannot travel: {why}")

    if BACKEND != "compiled":
        refuse("programs of the reference backend are for its machine alone")
    for step in program.steps:
        if step.code == "call":
            what = getattr(step.run[0], "__name__", repr(step.run[0]))
            refuse(f"{describe_place(step.place)}: {what.strip('_')} has no kernel, and is called under Python")
    if not program.unaliased:
        refuse("two of the arrays that it works on share memory")
    if not all(binding.fits() for binding in program.bindings):
        refuse("a tensor outside has changed since its last call; call it once more")
    for gradient in program.gradients:
        if gradient.read and gradient.before != gradient.there:
            refuse("it adds to gradients that it finds only at some calls; set them to None at its beginning")
    found = Description({}, np.zeros(0, "<i8"), [])
    names = state_names(program)
    constants = constants_of(program.steps, found)
    state, copies = state_of(program, names, found)
    inputs = [input_of(item, found, refuse) for item in program.inputs]
    outputs = [output_of(item, program, found, refuse) for item in program.outputs]
    sizes = [program.machine.memory_size, *(found.sizes[slot] for slot in sorted(found.sizes))]
    hollow = None if program.structure is None else program.structure.args[0]  # type: ignore[attr-defined]
    found.header = {
        "name": name,
        "written_by": f"tinygrad_init {__version__}",
        "isa": kernels.ISA,
        "constants": constants,
        "state": state,
        "copies": copies,
        "inputs": inputs,
        "arguments": None if spec is None else tree_of(spec, refuse),
        "outputs": outputs,
        "results": None if hollow is None else tree_of(form_of(hollow), refuse),
        "checks": checks_of(program.steps),
    }
    found.words = words_of(program.steps, sizes, found.begins)
    try:
        kernels.machine_of(found.words)
    except ValueError as error:
        refuse(str(error))
    return found


def constants_of(steps: list[Step], found: Description) -> list[list[int]]:
    """The constants in the program's memory: at which byte each lies, and where its numbers are."""
    views = [view for step in steps for view in step.views if view is not None and view.buffer.value is not None]
    buffers = {id(view.buffer): view.buffer for view in views}.values()
    return [[buffer.offset, *found.keep(np.asarray(buffer.value))] for buffer in buffers]


def place_of(item: Any, found: Description) -> dict[str, Any]:
    """Where something from outside is found: in a slot of its own, or a single number in the program's memory."""
    if item.slot:
        found.sizes[item.slot] = max(int(np.prod(item.shape, dtype=np.int64)), 0) * ITEM[item.kind]
    return {"shape": list(item.shape), "kind": item.kind, "slot": item.slot, "offset": 0 if item.slot else item.offset}


def state_of(program: Program, names: dict[Any, str], found: Description) -> tuple[list[Any], list[list[int]]]:
    """Everything outside that the program reads or leaves there; and what of it is copied after each run."""
    state: list[dict[str, Any]] = []
    copies: list[list[int]] = []
    at: dict[Any, int] = {}
    used: set[str] = set()

    def add(key: Any, entry: dict[str, Any]) -> None:
        name = names.get(key, "array")
        fresh = next(n for n in (name, *(f"{name}_{i}" for i in range(2, len(used) + 3))) if n not in used)
        used.add(fresh)
        at[key] = len(state)
        state.append({"name": fresh, **entry})

    for binding in program.bindings:
        entry = {**place_of(binding, found), "written": binding.written, "parameter": binding.required}
        array = numbers_of(binding)
        if binding.lies is not None:
            lowest, highest = span(binding)
            found.begins[binding.slot], found.sizes[binding.slot] = lowest, highest - lowest
            entry["strides"], entry["begin"] = list(binding.lies), -lowest
            memory = np.zeros(highest - lowest, np.uint8)
            np.ndarray(binding.shape, DTYPES[binding.kind], memory, -lowest, binding.lies)[...] = array
            array = memory
        add(key_of(binding), {**entry, "numbers": found.keep(np.asarray(array))})
    for owner, name, offset in program.attributes:
        entry = {"shape": [], "kind": 1, "slot": 0, "offset": offset, "written": False, "parameter": False}
        add((id(owner), name), {**entry, "numbers": found.keep(np.array(float(getattr(owner, name))))})
    for gradient in program.gradients:
        if gradient.there:
            entry = {**place_of(Placed(gradient), found), "written": True, "parameter": False}
            before = at.get((id(gradient.tensor), "grad"))
            add((id(gradient.tensor), "grad"), {**entry, "numbers": None})
            if before is not None:
                copies.append([len(state) - 1, before])
    return state, copies


class Placed:
    """A gradient, seen as an array with a place."""

    def __init__(self, gradient: Any) -> None:
        self.slot, self.offset, self.kind = gradient.slot, gradient.offset, gradient.kind
        self.shape = gradient.tensor.shape


def key_of(binding: Binding) -> Any:
    """By what the name of a binding is found."""
    if binding.tensor is None:
        return id(binding.array)
    return (id(binding.tensor), "grad") if binding.of_gradient else id(binding.tensor)


def numbers_of(binding: Binding) -> Array:
    """The numbers of this moment, as the program reads them."""
    array = binding.memory()
    if array is None:
        tensor: Any = binding.tensor
        array = np.asarray((tensor.grad if binding.of_gradient else tensor).numpy())
    return np.asarray(array, DTYPES[binding.kind])


def span(binding: Binding) -> tuple[int, int]:
    """From which byte to which an array with gaps reaches, seen from its first number."""
    reach = [(n - 1) * s for n, s in zip(binding.shape, binding.lies, strict=True)]
    return sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach) + ITEM[binding.kind]


def input_of(item: Any, found: Description, refuse: Any) -> dict[str, Any]:
    """An argument: an array, a number, or a value that is part of the program."""
    if not item.dynamic:
        if not isinstance(item.value, bool | int | float | str | None):
            refuse(f"an argument of {type(item.value).__name__} is part of it; pass arrays, numbers or texts")
        return {"value": value_of(item.value)}
    dtype = np.dtype(item.dtype).name
    return {**place_of(item, found), "dtype": dtype, "tensor": item.is_tensor, "number": item.is_number}


def output_of(item: Any, program: Program, found: Description, refuse: Any) -> dict[str, Any]:
    """A result: numbers that the program leaves, a tensor or an array from outside, or a value."""
    if item.slot or item.numbers:
        return {**place_of(item, found), "dtype": np.dtype(item.dtype).name, "tensor": item.is_tensor}
    for i, binding in enumerate(program.bindings):
        if item.same is (binding.array if binding.tensor is None else binding.tensor) and not binding.of_gradient:
            return {"state": i, "tensor": item.is_tensor}
    if isinstance(item.same, Tensor | np.ndarray) or not isinstance(item.same, bool | int | float | str | None):
        refuse(f"it returns {type(item.same).__name__} that it only hands on")
    return {"value": value_of(item.same)}


def value_of(value: Any) -> Any:
    """A value as JSON can say it; numbers of floating point in hexadecimal, as they are."""
    return {"float": value.hex()} if isinstance(value, float) else value


def tree_of(form: Any, refuse: Any) -> Any:
    """The form of nested containers: `[kind, ...]`, "leaf" or None."""
    if form is None or form == "leaf":
        return form
    kind, parts = form
    if kind not in (list, tuple, dict):
        refuse(f"{kind.__name__} is no list, tuple or dictionary")
    if kind is dict:
        if not all(isinstance(key, str) for key, _ in parts):
            refuse("a dictionary has keys that are no texts")
        return ["dict", *([key, tree_of(part, refuse)] for key, part in parts)]
    return [kind.__name__, *(tree_of(part, refuse) for part in parts)]


def checks_of(steps: list[Step]) -> dict[str, str]:
    """By number of a step that may stop the program, what is said then."""
    return {
        str(i): f"{describe_place(step.place)}: expected numbers from {step.p[0]:g} to {step.p[1]:g}"
        for i, step in enumerate(steps)
        if step.code == "check"
    }
