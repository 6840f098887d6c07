"""Captured programs: what a run does besides the machine's work, from the arguments to the results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..engine.modes import Unforeseen, mode
from .exchange import Gradient, Input, Output
from .guards import same_contents, same_names, same_structure
from .tracing import Binding
from .traffic import TRAFFIC

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

__all__ = ["MISFIT", "Program", "Runner"]

traffic = TRAFFIC  # compiled, a C variable that Python does not see
MISFIT: Any = object()  # what `run` returns if something outside is no longer what the program was made for


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
        self.refuted = False  # something that it was made to expect of its numbers was not so

    def takes(self, values: tuple[Any, ...]) -> bool:
        """Whether the program was made for these arguments and the modes of this moment."""
        item: Input
        i: cython.Py_ssize_t
        if len(values) != len(self.inputs) or self.refuted:
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
                error = self.checks[stopped](machine)
                if isinstance(error, Unforeseen):  # nothing has been changed before
                    self.refuted = True
                    return MISFIT
                raise error
            for gradient in self.gradients:
                gradient.store(machine)
            self.runs += 1
            if self.structure is None:
                output = self.outputs[0]
                return output.take(machine)
            return self.structure([output.take(machine) for output in self.outputs])
        finally:
            self.release()

    def let_go(self) -> None:
        """Keep the gradients that the last run has read alive no longer."""
        binding: Binding
        for binding in self.bindings:
            if binding.of_gradient and binding.slot != 0:
                binding.let_go(self.machine)

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
        if self.running or self.era != traffic.era or not cython.compiled:
            self.wait()
        self.running = True  # compiled, nobody comes between this and the look at it
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
