"""Captured programs: what a run does besides the machine's work, from the arguments to the results."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .guards import PLAIN, contents, same_contents, same_names, same_structure, same_value
from .modes import FLOAT32, lock_across_forks, mode
from .storage import Storage, operand
from .tensor import Tensor, blank, number
from .tracing import Binding

try:
    import cython
except ImportError:
    from . import _interpreted as cython

__all__ = ["MISFIT", "TRAFFIC", "Gradient", "Input", "Output", "Program", "Runner", "Storage"]

if not cython.compiled:
    from sys import getrefcount as references

    def is_array(value: Any, dtype: Any, shape: tuple[int, ...]) -> bool:
        return isinstance(value, np.ndarray) and bool(value.dtype == dtype) and bool(value.shape == shape)

    def empty(shape: tuple[int, ...], kind: int) -> Any:
        return np.empty(shape, (np.float32, np.float64, np.int64)[kind])


MISFIT: Any = object()  # what `run` returns if something outside is no longer what the program was made for


@cython.binding(False)
class Traffic:
    """Who may use the tensors that programs work on: any number of runs, or one capture alone.

    While a function is captured its tensors hold stand-ins; no run of another thread may meet those, nor a child process.

    Attributes
    ----------
    running
        How many programs are being run.
    capturing
        The thread that captures, or 0.
    era
        Counts the forks that lead to this process: what another era says of threads means nothing.
    """

    def __init__(self) -> None:
        self.running = 0
        self.capturing = 0
        self.era = 0
        self.alone = lock_across_forks()
        self.changed = threading.Condition()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forked)

    def enter(self) -> None:
        """Count a run in; while another thread captures, it waits."""
        if self.capturing != 0 or not cython.compiled:
            self.wait_for_capture()
        self.running += 1

    def wait_for_capture(self) -> None:
        if self.capturing != threading.get_ident():
            with self.changed:
                while self.capturing != 0:
                    self.changed.wait()

    def leave(self) -> None:
        """Count a run out."""
        self.running -= 1
        if self.capturing != 0:
            self.tell()

    def tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def stop(self) -> bool:
        """Before a capture: let no run begin, and wait for those on their way, but for this thread's own.

        Returns whether the capture is part of another one.
        """
        self.alone.acquire()
        if self.capturing != 0:
            return True
        self.capturing = threading.get_ident()
        own = mode.threads.calling
        with self.changed:
            while self.running > own:
                self.changed.wait()
        return False

    def go_on(self, nested: bool) -> None:
        """After a capture: let runs begin again."""
        if not nested:
            self.capturing = 0
            self.tell()
        self.alone.release()

    def forked(self) -> None:
        """In a child process nobody else is on the way."""
        self.era += 1
        self.running = mode.threads.calling
        if self.capturing != threading.get_ident():
            self.capturing = 0
        self.changed = threading.Condition()


traffic = Traffic()
TRAFFIC = traffic  # the former is, compiled, a C variable that Python does not see


@cython.binding(False)
class Input:
    """An argument: an array or a tensor, of which dtype and shape are fixed, or a value that is part of the program."""

    __slots__ = ("dtype", "dynamic", "is_tensor", "kind", "offset", "shape", "single", "slot", "traced", "value")

    def __init__(self, value: Any) -> None:
        self.is_tensor = isinstance(value, Tensor)
        self.dynamic = self.is_tensor or isinstance(value, np.ndarray | np.generic)
        self.value = value  # of an array or a tensor, only until the program is made
        self.dtype: Any = value.dtype if self.dynamic else None
        self.shape: Any = tuple(value.shape) if self.dynamic else ()
        self.single = self.dtype == FLOAT32
        self.slot, self.offset, self.kind = 0, 0, 0
        self.traced: Any = None

    def memory(self) -> Any:
        """The array that the program is made for; None for a number or a value that is part of the program."""
        value = self.value
        if self.dynamic:
            self.value = None
        return None if not self.shape else operand(value)

    def takes(self, value: Any) -> bool:
        """Whether the program was made for such an argument."""
        tensor: Tensor
        if self.is_tensor:
            if not isinstance(value, Tensor):
                return False
            tensor = value
            return tensor._single == self.single and tensor._dims() == self.shape and tensor._node is None
        if self.dynamic:
            return is_array(value, self.dtype, self.shape) or (
                isinstance(value, np.generic) and self.shape == () and bool(value.dtype == self.dtype)
            )
        return value is self.value or (type(value) is type(self.value) and same(value, self.value))

    def attach(self, machine: Any, value: Any) -> None:
        """Let the program see the argument."""
        tensor: Tensor
        array: Any = value
        if not self.dynamic or self.traced is None:
            return
        if self.is_tensor:
            tensor = value
            if tensor._array is None:
                machine.write(self.offset, 0 if self.single else 1, tensor._value)
                return
            array = tensor._array
        elif not self.shape:
            machine.write(self.offset, self.kind, float(value))
            return
        if not machine.bind(self.slot, array, self.kind):  # a copy lies as the machine wants it, and is aligned
            machine.bind(self.slot, np.array(array, (np.float32, np.float64, np.int64)[self.kind], order="C"), self.kind)


def same(value: Any, other: Any) -> bool:
    """Whether two arguments of one type are the same to a program; what cannot be compared is not.

    Objects of a user's class are known by what their attributes are: what `==` says of them is the user's own affair.
    """
    if isinstance(value, PLAIN):
        return same_value(value, other)
    if type(value).__eq__ is object.__eq__:
        return False
    try:
        if not value == other:
            return False
        own = getattr(value, "__dict__", None)
        return own is None or same_contents([(vars(other), contents(own))])
    except Exception:
        return False


@cython.binding(False)
class Output:
    """A result: a tensor or an array of numbers that the program leaves, or something that it was given (`same`)."""

    __slots__ = ("array", "dtype", "is_tensor", "kind", "numbers", "offset", "same", "shape", "single", "slot")

    def __init__(self, traced: Any, is_tensor: bool, same: Any = None) -> None:
        self.same = same
        self.is_tensor = is_tensor
        if traced is None:
            self.dtype: Any = None
            self.shape: Any = ()
            self.numbers, self.single = False, False
            self.slot, self.kind, self.offset = 0, 0, 0
        else:
            self.dtype = traced.dtype
            self.shape = traced.shape
            self.numbers = not traced.shape
            self.single = traced.kind == 0
            self.slot, self.kind = traced.buffer.slot, traced.kind
            self.offset = traced.buffer.offset + traced.offset
        self.array: Any = None

    def prepare(self, machine: Any) -> None:
        """Give the program a fresh array to write to."""
        if self.slot != 0 and not self.numbers:
            self.array = empty(self.shape, self.kind)
            machine.bind(self.slot, self.array, self.kind)

    def take(self, machine: Any) -> Any:
        """The result of the run."""
        out: Tensor
        if self.slot == 0 and not self.numbers:
            return self.same
        if self.numbers:
            value: float = machine.read(self.offset, self.kind)
            return number(value, self.single) if self.is_tensor else self.dtype.type(value)
        array = self.array
        self.array = None
        if not self.is_tensor:
            return array.astype(np.bool_) if self.dtype == np.bool_ else array
        out = blank(self.single)
        out._array = array
        return out


@cython.binding(False)
class Gradient:
    """What a run leaves in the `.grad` of a tensor."""

    __slots__ = ("before", "held", "kind", "offset", "read", "slot", "tensor", "there")

    def __init__(self, tensor: Tensor, before: bool, read: bool, traced: Any) -> None:
        self.tensor = tensor
        self.before = before  # whether there was a gradient when the program was made
        self.read = read  # whether that matters
        self.there = traced is not None
        self.held: Any = None
        self.slot, self.kind, self.offset = 0, 0, 0
        if traced is not None:
            self.slot, self.kind = traced.buffer.slot, traced.kind
            self.offset = traced.buffer.offset + traced.offset

    def fits(self) -> bool:
        """Whether there is a gradient before the run if, and only if, there was one when the program was made."""
        return not self.read or (self.tensor._grad is not None) == self.before

    def prepare(self, machine: Any) -> None:
        """Let the program write to an array that nobody else holds: the one of the last run, if that is so."""
        held: Tensor = self.held
        if not self.there or self.tensor._array is None:
            return
        if held is not None and held is self.tensor._grad and held._array is not None and held._memory is None:
            free: cython.bint = references(held) <= FREE_TENSOR and references(held._array) <= FREE_ARRAY
            if free:
                return
        held = blank(self.tensor._single)
        held._array = empty(self.tensor._dims(), self.kind)
        self.held = held
        machine.bind(self.slot, held._array, self.kind)

    def store(self, machine: Any) -> None:
        """Hand the gradient over."""
        tensor: Tensor = self.tensor
        if not self.there:
            tensor._grad = None
        elif tensor._array is None:
            tensor._grad = number(machine.read(self.offset, self.kind), tensor._single)
        else:
            tensor._grad = self.held


def _references() -> tuple[int, int]:
    """How many references there are to a gradient, and to its array, that only the program and the tensor hold."""
    tensor: Tensor = blank(True)
    tensor._array = np.empty(1, np.float32)
    owner: Tensor = blank(True)
    owner._grad = tensor
    holder = [tensor]
    machine = [tensor._array]
    held: Tensor = holder[0]
    del tensor
    counts = references(held), references(held._array)
    del machine
    return counts


FREE_TENSOR, FREE_ARRAY = _references()


@cython.binding(False)
class Program:
    """A captured function for arguments of certain dtypes and shapes.

    Attributes
    ----------
    steps
        What the machine does, for `explain`.
    grad, dtype
        The modes that the function was captured under.
    checks
        By number of a step that may stop the run, what to raise.
    attributes
        Objects, names of numbers that they have, and where in the program's memory those belong.
    names, containers
        What names outside meant and what containers there held, when the program was made.
    visited
        Modules and optimizers, and what the program takes for granted of them.
    unaliased
        Whether the program is only true as long as what it writes has no other name.
    runs
        How often it has run.
    """

    def __init__(
        self,
        machine: Any,
        steps: list[Any],
        inputs: list[Any],
        bindings: list[Any],
        gradients: list[Any],
        outputs: list[Any],
        structure: Callable[..., Any] | None,
        checks: dict[int, Any],
        attributes: list[Any],
        visited: list[Any],
        names: list[Any],
        containers: list[Any],
        unaliased: bool,
    ) -> None:
        self.machine = machine
        self.steps = steps
        self.inputs = inputs
        self.bindings = bindings
        self.gradients = gradients
        self.outputs = outputs
        self.structure = structure
        self.checks = checks
        self.attributes = attributes
        self.visited = visited
        self.names = names
        self.calls = any(step.code == "call" for step in steps)
        self.unaliased = unaliased
        self.containers = [pair for _, known in visited for pair in known[1]] + containers
        self.epoch = mode.structure
        self.grad = mode.grad
        self.dtype = mode.dtype
        self.idle = threading.Condition()
        self.running = False
        self.waiting = 0
        self.era = traffic.era
        self.runs = 0

    def takes(self, values: tuple[Any, ...]) -> bool:
        """Whether the program was made for these arguments and the modes of this moment."""
        item: Input
        i: cython.Py_ssize_t
        if len(values) != len(self.inputs):
            return False
        for i in range(len(values)):
            item = self.inputs[i]
            if not item.takes(values[i]):
                return False
        if self.epoch != mode.structure:
            for owner, known in self.visited:
                if not same_structure(owner, known):
                    return False
            self.epoch = mode.structure
        if not same_names(self.names) or not same_contents(self.containers):
            return False
        if mode.dtypes != 0 and mode.dtype is not self.dtype:
            return False
        return self.grad == (mode.unusual == 0 or mode.grad)

    def run(self, values: tuple[Any, ...]) -> Any:
        """Run with these arguments; `MISFIT` if something outside has changed so much that the program is no longer
        true.

        One thread at a time: another one that asks for the same program waits.
        """
        binding: Binding
        output: Output
        gradient: Gradient
        machine = self.machine
        self.acquire()
        try:
            for binding in self.bindings:
                if not binding.fits():
                    return MISFIT
            for gradient in self.gradients:
                if not gradient.fits():
                    return MISFIT
            self.attach(values)
            if self.unaliased and not machine.apart():
                return MISFIT
            stopped: cython.longlong = machine.run() if not self.calls else self.call()
            for binding in self.bindings:
                binding.store(machine)
            if stopped >= 0:
                raise self.checks[stopped](machine)
            for gradient in self.gradients:
                gradient.store(machine)
            self.runs += 1
            if self.structure is None:
                output = self.outputs[0]
                return output.take(machine)
            return self.structure([output.take(machine) for output in self.outputs])
        finally:
            self.release()

    def call(self) -> cython.longlong:
        """Run, where functions of Python are called on the way: those may capture something themselves."""
        mode.threads.calling += 1
        try:
            return self.machine.run()
        finally:
            mode.threads.calling -= 1

    def attach(self, values: tuple[Any, ...]) -> None:
        """Let the program see its arguments and everything outside as they are now."""
        binding: Binding
        item: Input
        output: Output
        gradient: Gradient
        i: cython.Py_ssize_t
        machine = self.machine
        for i in range(len(values)):
            item = self.inputs[i]
            item.attach(machine, values[i])
        for binding in self.bindings:
            binding.attach(machine)
        for owner, name, offset in self.attributes:
            machine.write(offset, 1, getattr(owner, name))
        for gradient in self.gradients:
            gradient.prepare(machine)
        for output in self.outputs:
            output.prepare(machine)

    def acquire(self) -> None:
        """Take the program for this thread."""
        if self.running or not cython.compiled:
            self.wait()
        self.running = True  # compiled, nobody comes between this and the look at it
        self.era = traffic.era
        traffic.enter()

    def release(self) -> None:
        """Give the program back."""
        traffic.leave()
        self.running = False
        if self.waiting > 0:
            self.go_on()

    def wait(self) -> None:
        """Until no other thread runs the program."""
        if self.era != traffic.era:  # those were threads of the process that this one was forked from
            self.running = False
            self.waiting = 0
            self.era = traffic.era
            self.idle = threading.Condition()
        with self.idle:
            self.waiting += 1
            while self.running:
                self.idle.wait()
            self.waiting -= 1
            self.running = True

    def go_on(self) -> None:
        """Wake a thread that waits."""
        with self.idle:
            self.idle.notify()

    def profile(self, runs: int, values: Any) -> list[list[float]]:
        """The seconds that each step takes, run by run; what the program changes outside is put back.

        With these arguments, or (None) with those of the last run.
        """
        binding: Binding
        gradient: Gradient
        output: Output
        self.acquire()
        try:
            if values is not None:
                self.attach(values)
            else:
                for output in self.outputs:
                    output.prepare(self.machine)
            arrays: list[Any] = []
            for binding in self.bindings:
                arrays.append(binding.shown())
            for gradient in self.gradients:
                if gradient.held is not None:
                    arrays.append(gradient.held._array)
            saved = [(array, array.copy()) for array in arrays if array is not None]
            found = [self.machine.profile() for _ in range(runs)]
            for output in self.outputs:
                output.array = None
            for array, copy in saved:
                array[...] = copy
            return found
        finally:
            self.release()


@cython.binding(False)
class Runner:
    """The quick way to the program that ran last; `miss` finds or makes another one."""

    def __init__(self) -> None:
        self.last: Program | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        last = self.last
        if last is not None and not kwargs and (mode.unusual == 0 or mode.trace is None) and last.takes(args):
            result = last.run(args)
            if result is not MISFIT:
                return result
        return self.miss(args, kwargs)

    def miss(self, args: Any, kwargs: Any) -> Any:
        """Call the function some other way."""
        raise NotImplementedError
