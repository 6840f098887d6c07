"""Capturing: run a function once on stand-ins, and make a program of what it does."""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ..engine.modes import mode
from ..engine.places import describe_place
from ..engine.tensor import Tensor
from ..trees import filled, form_of, leaves_of, rebuilt
from .assemble import assemble
from .comparing import compare
from .exchange import EXACT, Input
from .explain import explain
from .outside import Outside, is_library
from .program import MISFIT, Program, Runner
from .recorder import Recorder
from .side_effects import watched
from .traced import NotRecordable, Traced
from .tracing import CaptureError, Trace, narrow, stand_in
from .traffic import TRAFFIC

ATTEMPTS = 20  # to find a program that is still true when it is run, or to make one
# What code asks by to know whether something is a number of Python; stand-ins are none.
KINDS = frozenset(("type", "isinstance", "float", "int", "bool", "number", "Number", "Real", "isscalar", "hasattr"))
MOST_PROGRAMS = 32  # for one function; the one that was not used for longest goes


class Captured(Runner):
    """A function that runs as a program; made by `capture`.

    Parameters
    ----------
    function
        The function.
    own
        Whether all that it calls is code of this package, which does the same each time and nothing besides: then it is
        traced once, and nobody watches.
    """

    def __init__(self, function: Callable[..., Any], own: bool = False) -> None:
        super().__init__()
        functools.update_wrapper(self, function)
        self.function, self.own = function, own
        self.programs: list[tuple[Any, Program]] = []  # most recently used first
        self.captures = 0
        self.careful = False  # whether numbers once were what a program did not expect
        self.decisive: set[tuple[Any, frozenset[int]]] = set()  # numbers that cannot change from run to run

    def miss(self, args: Any, kwargs: Any) -> Any:
        if mode.trace is not None:  # part of a larger function that is being captured
            return self.function(*args, **kwargs)
        spec, values = spread(args, kwargs)
        for _ in range(ATTEMPTS):
            captures = self.captures
            for program in self.fitting(spec, values):
                result = program.run(values)
                if result is not MISFIT:
                    self.last = program if spec is None else None
                    self.put_first(spec, program)
                    return result
            self.capture(spec, values, args, kwargs, captures)
        raise CaptureError(f"{self.function.__qualname__}: what it works on changes while it is captured")

    def fitting(self, spec: Any, values: tuple[Any, ...]) -> list[Program]:
        """The programs that were made for such arguments, and still take them."""
        with TRAFFIC.listing:
            programs = list(self.programs)
        return [program for known, program in programs if known == spec and program.takes(values)]

    def put_first(self, spec: Any, program: Program) -> None:
        """Keep a program before all others."""
        with TRAFFIC.listing:
            if not self.programs or self.programs[0][1] is not program:
                self.programs = [(spec, program), *(entry for entry in self.programs if entry[1] is not program)]
                del self.programs[MOST_PROGRAMS:]

    def capture(self, spec: Any, values: tuple[Any, ...], args: Any, kwargs: Any, captures: int) -> None:
        """Make the program for such arguments, unless another thread has made one since there were so many captures."""
        nested = TRAFFIC.stop()
        try:
            if self.captures != captures:
                return
            self.captures += 1
            if self.captures == MOST_PROGRAMS + 1:
                warnings.warn(
                    f"{self.function.__qualname__} was captured {MOST_PROGRAMS} times: an argument, or something that "
                    "it takes for granted, differs at each call. Numbers that the code decides by are part of a "
                    "program, and so is what it finds outside; pass what changes as arrays or tensors.",
                    RuntimeWarning,
                    stacklevel=4,
                )
            varying = self.varying(spec, values)
            try:
                program = self.traced(spec, values, args, kwargs, varying)
            except Exception:
                if not varying:
                    raise
                program = None
            if program is None:  # the code decides by these numbers, or asks them what only numbers know
                program = self.traced(spec, values, args, kwargs, frozenset())
                self.decisive.add((spec, varying))
            self.put_first(spec, program)
        finally:
            TRAFFIC.go_on(nested)

    def traced(self, spec: Any, values: tuple[Any, ...], args: Any, kwargs: Any, varying: frozenset[int]) -> Program:
        """The program that the function is for such arguments."""
        # A trace of many numbers makes many small objects, none of them garbage yet: nothing is gained by looking.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self.program(spec, values, args, kwargs, varying)
        finally:
            if collecting:
                gc.enable()

    def program(self, spec: Any, values: tuple[Any, ...], args: Any, kwargs: Any, varying: frozenset[int]) -> Program:
        """Trace, a user's function twice to compare, and assemble."""
        known = Outside(self.function, values)
        self.careful = self.careful or any(program.refuted for _, program in self.programs)
        given = self.function, known, spec, values, args, kwargs, varying, self.careful
        if self.own:
            return assemble(*trace(*given, watching=nullcontext()))
        first, second = trace(*given), trace(*given)
        compare(first[0], second[0])
        first[0].recorder.steps.clear()  # traces are part of a circle: the rest waits for the garbage collector
        return assemble(*second)

    def varying(self, spec: Any, values: tuple[Any, ...]) -> frozenset[int]:
        """Which arguments are numbers that differ from those of a program that would take the others."""
        for known, program in self.programs:
            if known != spec or len(program.inputs) != len(values):
                continue
            places = {i for i, item in enumerate(program.inputs) if not item.takes(values[i])}
            if places and all(
                is_number(values[i]) and type(program.inputs[i].value) is type(values[i]) for i in places
            ):
                found = frozenset(places | {i for i, item in enumerate(program.inputs) if item.varies is not None})
                if (spec, found) not in self.decisive:
                    return found
        return frozenset()

    def explain(self, *args: Any, **kwargs: Any) -> None:
        """Print what the program consists of: its kernels in order, their times, bytes and floating-point operations.

        Parameters
        ----------
        args, kwargs
            For which arguments; those of the last call if there are none. The program is run a few times, and
            everything that it changes is put back.
        """
        program = self.programs[0][1] if self.programs else None
        values = None
        if args or kwargs or program is None:
            spec, values = spread(args, kwargs)
            if not self.fitting(spec, values):
                self.capture(spec, values, args, kwargs, self.captures)
            program = self.fitting(spec, values)[0]
        explain(program, self.function.__qualname__, values)

    def save(self, path: Any) -> None:
        """Write the program of the last call to a file, for `load_program` in another process or on another machine.

        The state outside travels along as it is now: parameters, what optimizers remember, arrays.

        Parameters
        ----------
        path
            The file; one that is there is replaced.

        Raises
        ------
        CaptureError
            Nothing has been captured yet; or something in the program is of this process, such as an operation without
            a kernel, which the message names.
        OSError
            The file cannot be written.
        """
        from .describing import describe
        from .travelling import write

        if not self.programs:
            raise CaptureError(f"{self.function.__qualname__} has no program yet: call it once, and save it then")
        write(path, describe(self.function.__qualname__, self.programs[0][1], self.programs[0][0]))

    def __reduce__(self) -> Any:
        """As a global name where it is one, else as the function, to be captured anew: programs belong to a process."""
        found: Any = sys.modules.get(self.function.__module__)
        for part in self.function.__qualname__.split("."):
            found = getattr(found, part, None)
        return self.function.__qualname__ if found is self else (capture, (self.function,))

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def __repr__(self) -> str:
        return f"<captured {self.function.__qualname__}, {len(self.programs)} programs>"


def capture(function: Callable[..., Any]) -> Captured:
    """Make a program of a function on tensors and arrays: a training step, say, or a prediction.

    The function is run on stand-ins for its arguments; what it does to them, and to all tensors that it reaches from
    outside (parameters, their gradients, the state of optimizers), is written down as a list of kernel calls, of which
    a program is made: steps that belong together are fused, memory is planned. From then on a call runs the program, in
    C and without the interpreter's lock. Results, gradients and parameters are those of the function itself, up to the
    rounding of fused steps (a few units in the last place).

    Parameters
    ----------
    function
        May call `backward`, optimizers and other captured functions. Arguments that are arrays or tensors, also in
        lists, tuples and dictionaries, are inputs, and numbers become such at the second value; any other argument,
        and a number that the code decides by, is part of the program, and another value of it makes another program.
        So does another shape, dtype or mode. Tensors and arrays that the function finds outside are read anew at each
        run, and so is the learning rate of an optimizer. Everything else that it reaches by name, as an attribute or in
        a container is part of the program: where that has changed, another one is made.

    Returns
    -------
    Captured
        Called like the function. Returned tensors have no history. `explain()` prints the program.

    Raises
    ------
    CaptureError
        When first called: the function decides by numbers that only a run knows, has side effects that a run would not
        repeat, or differs from call to call. The message names the line.

    Examples
    --------
    >>> import tinygrad_init as tgi
    >>> w = tgi.tensor([1.0, 2.0], requires_grad=True)
    >>> @tgi.capture
    ... def slope(x):
    ...     w.grad = None
    ...     (w * x).sum().backward()
    ...     return w.grad
    >>> slope(tgi.tensor([3.0, 4.0]))
    tensor([3., 4.], dtype=float32)
    """
    if not callable(function):
        raise TypeError(f"capture: expected a function, got {type(function).__name__}")
    return Captured(function)


def is_number(value: Any) -> bool:
    """Whether it is a bare number of Python that a run can read exactly."""
    return type(value) is float or (type(value) is int and -EXACT <= value <= EXACT)


def spread(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The structure of arguments (None: a row of them) and what containers among them hold."""
    if not kwargs and not any(isinstance(value, list | tuple | dict) for value in args):
        return None, args
    found: list[Any] = []
    return form_of((args, kwargs), found), tuple(found)


def trace(
    function: Callable[..., Any],
    known: Outside,
    spec: Any,
    values: tuple[Any, ...],
    args: Any,
    kwargs: Any,
    varying: frozenset[int] = frozenset(),
    careful: bool = False,
    watching: AbstractContextManager[None] | None = None,
) -> tuple[Any, ...]:
    """Run a function on stand-ins, also for numbers at places that vary; returns what `assemble` needs.

    Side effects are watched for unless there is another context to run it in.
    """
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        code = function.__code__
        where = f"{code.co_filename}:{code.co_firstlineno} in {code.co_name}"
        raise CaptureError(f"{where}: a generator; a program runs from beginning to end")
    found = Trace(Recorder, careful)
    inputs = [Input(value, i in varying) for i, value in enumerate(values)]
    stand_ins = []
    for item, value in zip(inputs, values, strict=True):
        if item.is_tensor and value.requires_grad:
            raise CaptureError(
                f"{function.__qualname__}: an argument requires grad; parameters are found outside, arguments are data"
            )
        stand_ins.append(argument(found, item) if item.dynamic else value)
    if spec is None:
        args, kwargs = tuple(stand_ins), {}
    else:
        args, kwargs = filled((args, kwargs), stand_ins)
    mode.enter("trace", found)
    try:
        with watching or watched(known, KINDS if varying else frozenset()):
            result = function(*args, **kwargs)
        if found.refused is not None:
            raise found.refused
    except NotRecordable as error:
        found.restore()
        raise CaptureError(
            f"{line_of(error)}: {error or 'NumPy'} meets an array of the program, but has no kernel; "
            "use the operations of tinygrad_init instead"
        ) from None
    except BaseException:
        found.restore()
        if found.refused is not None:  # and something else was made of it on the way
            raise found.refused from None
        raise
    finally:
        mode.leave()
    gradients = found.restore()
    leaves = leaves_of(result)
    refuse_escaped(found, leaves, gradients)
    found.made_tensors.clear()
    if varying and any(isinstance(leaf, Traced) and leaf.number for leaf in leaves):
        raise CaptureError("a number of Python is returned")
    results = [outcome(found, leaf) for leaf in leaves]
    hollow = rebuilt(result, lambda _: True)  # the containers, which hold no stand-ins any more
    structure = None if len(leaves) == 1 and leaves[0] is result else functools.partial(filled, hollow)
    known.settle()
    read_anew = {id(binding.array) for binding in found.bindings if binding.array is not None}
    return found, inputs, results, structure, gradients, (known.names, known.guarded(read_anew))


def line_of(error: BaseException) -> str:
    """The last line of the user's code that an error went through."""
    where = "an unknown place"
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not is_library(frame.f_code):
            where = f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
    return where


def argument(found: Trace, item: Input) -> Any:
    """The stand-in for an argument."""
    if item.dtype.kind not in "fiub":
        raise CaptureError(f"expected arrays of real numbers as arguments, got {item.dtype}")
    if item.dtype.kind == "f" and item.dtype.itemsize not in (4, 8):
        raise CaptureError(f"expected arrays of float32, float64 or whole numbers as arguments, got {item.dtype}")
    kind = 0 if item.dtype == np.float32 else 1 if item.dtype.kind in "fb" else 2
    item.traced = found.recorder.new(item.shape, kind, bool(item.dtype == np.bool_))
    item.traced.buffer.outside = item.traced.buffer.argument = True
    item.traced.narrow = narrow(item.dtype)
    item.traced.number = item.is_number
    return stand_in(item.traced) if item.is_tensor else item.traced


def outcome(found: Trace, leaf: Any) -> tuple[Any, bool]:
    """A result as a stand-in, or as what it is; and whether it is a tensor."""
    if isinstance(leaf, Traced):
        return leaf, False
    if isinstance(leaf, Tensor):
        if any(leaf is binding.tensor for binding in found.bindings):
            return leaf, True
        traced = found.operand(leaf)
        return traced, True
    return leaf, False


def refuse_escaped(found: Trace, leaves: list[Any], gradients: list[Any]) -> None:
    """Refuse a function that keeps results somewhere: they have no numbers."""
    known = {id(leaf) for leaf in leaves} | {id(after) for _, _, after, _ in gradients}
    for reference, place in found.made_tensors:
        tensor = reference()
        if tensor is not None and id(tensor) not in known:
            raise CaptureError(
                f"{describe_place(place)}: a tensor that is made here outlives the function, and would never have "
                "numbers; return it instead of keeping it somewhere"
            )
