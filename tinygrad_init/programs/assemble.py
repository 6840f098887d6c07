"""From a trace to a program: steps are optimized, memory is planned, the machine is loaded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels.backend import kernels
from .buffers import ITEM, Buffer, contiguous
from .exchange import Gradient, Input, Output
from .instructions import OUT, A, B, Step, View
from .memory import plan
from .optimize import optimize, settle_chain, without_dead
from .program import Program
from .tapes import lay_out_tapes
from .traced import Traced
from .tracing import Trace


def assemble(
    trace: Trace,
    inputs: list[Input],
    results: list[tuple[Any, bool]],
    structure: Any,
    gradients: list[Any],
    depended_on: tuple[list[Any], list[Any]],
    exact: bool = False,
) -> Program:
    """The program of what a trace has written down.

    Parameters
    ----------
    inputs
        The arguments, with their stand-ins.
    results
        Stand-ins or, for what the function was given and hands back, that itself; and whether each is a tensor.
    structure
        From the list of results to what the function returns; None for a single one.
    gradients
        Tensors with the gradients before and after, and whether the former were read.
    depended_on
        Names and containers outside that the program takes for granted.
    exact
        Whether every sum must be formed in the order in which the function forms it.
    """
    recorder = trace.recorder
    slots = Slots()
    variables = [binding.traced for binding in trace.bindings] + [i.traced for i in inputs if i.traced is not None]
    for traced in variables:
        if traced.shape:
            traced.buffer.slot = slots.next()
    read = {binding.traced.buffer for binding in trace.bindings if binding.of_gradient}
    outputs = [lasting(recorder, x, slots, read) if isinstance(x, Traced) else x for x, _ in results]
    finals = []
    for tensor, before, after, was_read in gradients:
        if after is before and before is not None:
            continue  # it is where it was, and a binding of it looks whether it is there
        array = None if after is None else trace.operand(after)
        kept = None if array is None else lasting(recorder, array, slots, read, alone=True)
        finals.append((tensor, before is not None, was_read, kept))
    aliased = trace.overlapping([memory for item in inputs if (memory := item.memory()) is not None])
    if aliased:  # memory that has two names: nothing may change places
        steps = [part for step in without_dead(recorder.steps) for part in by_way_of_copies(step)]
        lay_out_tapes(steps)
    else:
        steps = optimize(recorder.steps, kernels.LIMITS, exact)
    numbers = [traced.buffer for traced in variables if not traced.shape]
    numbers += [traced.buffer for _, _, traced in trace.attributes]
    size = plan(steps, numbers)
    for step in steps:
        step.settle()
        if step.code == "chain":
            settle_chain(step)
    machine = kernels.Machine(steps, size, slots.count, calls(steps))
    load_constants(machine, recorder, steps)
    for item in (*trace.bindings, *(i for i in inputs if i.traced is not None)):
        item.slot, item.offset, item.kind = item.traced.buffer.slot, item.traced.buffer.offset, item.traced.kind
        if item.slot:
            machine.watch(item.slot, *item.traced.span, item.traced.buffer.lasting)
    return Program(
        machine,
        steps,
        inputs,
        trace.bindings,
        [Gradient(*final) for final in finals],
        [
            Output(found, is_tensor) if isinstance(found, Traced) else Output(None, is_tensor, found)
            for found, (_, is_tensor) in zip(outputs, results, strict=True)
        ],
        structure,
        checks(steps),
        [(owner, name, traced.buffer.offset) for owner, name, traced in trace.attributes],
        list(trace.visited.values()),
        *depended_on,
        not aliased,
    )


def by_way_of_copies(step: Step) -> list[Step]:
    """A step that changes what lies outside reads nothing else from there: that could be the same memory."""
    if step.code not in ("copy", "sgd", "adam"):
        return [step]
    before = []
    for i, view in enumerate(step.views):
        if view is not None and i not in step.writes and view.buffer.outside and view.buffer.slot:
            kind = view.buffer.kind
            copy = Buffer(max(math.prod(step.shape), 1) * ITEM[kind], kind)
            place = View(copy, 0, contiguous(step.shape, ITEM[kind]))
            before.append(Step("copy", kind, step.shape, [view, *[None] * 4, place], flag=kind, place=step.place))
            step.views[i] = place
    return [*before, step]


class Slots:
    """Numbers for arrays of the caller; 0 is the program's own memory."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count


def lasting(recorder: Any, x: Traced, slots: Slots, read: set[Buffer], alone: bool = False) -> Traced:
    """Where a result is found after the run: single numbers in the program's memory, others in an array of their own.

    A result that is the whole of a buffer that only the program knows is written there at once; any other is copied.
    """
    buffer = x.buffer
    fresh = buffer.value is None and not buffer.outside and buffer.slot == 0 and not buffer.lasting and x.offset == 0
    if not x.shape:
        if not fresh or x.strides:
            out = recorder.new((), x.kind, x.boolean)
            out.narrow = x.narrow
            recorder.copy(x, out)
            x = out
        x.buffer.lasting = True
        return x
    fills = x.whole and x.size * ITEM[x.kind] == buffer.size and not buffer.lone
    if not (fresh and fills) or (alone and read):
        x = recorder.copied(x) if x.value is None else copied_constant(recorder, x)
    x.buffer.slot = slots.next()
    return x


def copied_constant(recorder: Any, x: Traced) -> Traced:
    """A copy that is made at each run, since the caller may change it."""
    out: Traced = recorder.new(x.shape, x.kind, x.boolean)
    out.narrow = x.narrow
    recorder.copy(x, out)
    return out


def calls(steps: list[Step]) -> dict[int, Any]:
    """By number of a step, what Python has to do there."""
    return {i: caller(step) for i, step in enumerate(steps) if step.code == "call"}


def caller(step: Step) -> Any:
    """Calls an operation that no kernels are known for, on arrays over the program's memory."""
    forward, arrays, params, out = step.run

    def call(machine: Any) -> None:
        operands = [machine.view(place, x.shape, x.strides, x.kind) for place, x in zip(step.at, arrays, strict=False)]
        target = machine.view(step.at[OUT], out.shape, out.strides, out.kind)
        with np.errstate(all="ignore"):
            target[...] = forward(*operands, *params)

    return call


def checks(steps: list[Step]) -> dict[int, Any]:
    """By number of a step that may stop the run, what to raise."""
    return {i: checker(step) for i, step in enumerate(steps) if step.code == "check"}


def checker(step: Step) -> Any:
    """Makes the error from the numbers that were found."""
    error, x, show = step.run

    def raised(machine: Any) -> Exception:
        shown, place = (x, step.at[A]) if show is None else (show, step.at[B])
        values = np.array(machine.view(place, shown.shape, shown.strides, shown.kind))
        found: Exception = error(values)
        return found

    return raised


def load_constants(machine: Any, recorder: Any, steps: list[Step]) -> None:
    """Put the constants into the program's memory."""
    seen: set[int] = set()
    for step in steps:
        for view in step.views:
            if view is not None and view.buffer.value is not None and id(view.buffer) not in seen:
                seen.add(id(view.buffer))
                machine.load(view.buffer.offset, view.buffer.value)
