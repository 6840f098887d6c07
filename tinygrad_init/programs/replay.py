"""Backward through a graph of a kind that was seen before: by a program, instead of rule after rule.

A training loop builds the same graph at each step, of other numbers. After `SIGHTINGS` graphs of one structure the
walk is traced once on stand-ins for what the nodes keep, and becomes a program. It must give the same bits as the rules
in the next `TRIALS` walks, and not be slower; from then on it walks in their place. So what is computed does not depend
on how often it was computed before.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..engine.backward import check_memories, walk
from ..engine.bound import bind
from ..engine.graph import Node
from ..engine.modes import FLOAT32, mode
from ..engine.tensor import Tensor
from .assemble import assemble
from .exchange import Input, Output
from .guards import same_value
from .program import Program
from .recorder import Recorder
from .shadows import shadow
from .traced import NotRecordable
from .tracing import CaptureError, Trace, stand_in

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

SIGHTINGS = 8  # of one structure before a program pays: tracing costs as much as a few hundred walks
TRIALS = 4  # walks in which a program has to agree with the rules
SLOWER = 1.5  # than the rules, by the quickest of the trials, is too slow; less may be the machine's mood
MOST_NODES = 2000
OPERATIONS = "tinygrad_init.ops."  # where rules are known to depend on nothing but what they are given
KINDS_OF_GRAPHS = 64  # of which plans are kept, and of each so many:
MOST_PLANS = 4
MOST_BYTES = 1 << 26  # of memory that the programs keep for themselves, all together

if not cython.compiled:

    def lies(array: Any, dtype: Any, shape: tuple[int, ...], strides: Any) -> bool:
        return bool(array.dtype == dtype and array.shape == shape and (strides is None or array.strides == strides))


@cython.binding(False)
class Plan:
    """What is known of the graphs of one structure.

    Attributes
    ----------
    nodes
        For each in its order: operation, parameters (of arrays only that they are some), shape, whether float32,
        what it keeps, and the shapes of its inputs where the rules ask for them.
    edges, roots, given
        Places of the parents and of the roots in that order; which roots got a cotangent from the caller.
    dtypes, shapes, strides
        Of each value that a node keeps; dtype None for a bare number, strides None for an array without gaps.
    sightings
        How many graphs have been like this.
    program
        Once there is one; `dead` if there can be none, or none that is quicker.
    """

    def __init__(self, order: list[Any], edges: Any, roots: Any, given: tuple[Any, ...], values: list[Any]) -> None:
        node: Node
        self.nodes: list[Any] = []
        for node in order:
            self.nodes.append((node.op, plain(node.params), node.shape, node.single, held(node), node.shapes))
        self.edges = edges
        self.roots = roots
        self.given = given
        self.dtypes = [None if isinstance(value, float) else value.dtype for value in values]
        self.shapes = [() if isinstance(value, float) else value.shape for value in values]
        self.strides = [None if isinstance(value, float) or is_whole(value) else value.strides for value in values]
        self.sightings = 0
        self.trials = 0
        self.by_rules = self.by_program = float("inf")
        self.program: Program | None = None
        self.dead = not all(is_own(entry[0]) and is_plain(entry[1]) for entry in self.nodes)
        self.running = False

    def fits(self, order: list[Any], edges: Any, roots: Any, given: tuple[Any, ...], values: list[Any]) -> bool:
        """Whether a graph is like this."""
        node: Node
        i: cython.Py_ssize_t
        if len(order) != len(self.nodes) or len(values) != len(self.dtypes) or given != self.given:
            return False
        if edges != self.edges or roots != self.roots:
            return False
        for i in range(len(order)):
            node = order[i]
            entry: tuple[Any, ...] = self.nodes[i]
            if node.op is not entry[0] or node.single != entry[3] or held(node) != entry[4]:
                return False
            if node.shape != entry[2] or node.shapes != entry[5]:
                return False
            if node.params is not entry[1] and not same_params(node.params, entry[1]):
                return False
        for i in range(len(values)):
            if self.dtypes[i] is None:
                if not isinstance(values[i], float):
                    return False
            elif not lies(values[i], self.dtypes[i], self.shapes[i], self.strides[i]):
                return False
        return True

    def run(self, program: Program, values: list[Any], seeds: list[Any]) -> list[Any] | None:
        """The cotangents of the leaves, by the program, whoever takes it from the plan meanwhile.

        None where it stops, such as at an index out of range.
        """
        machine = program.machine
        item: Input
        output: Output
        i: cython.Py_ssize_t
        for i in range(len(values)):
            item = program.inputs[i]
            if item.slot != 0 and self.strides[i] is not None:
                machine.bind_as_it_lies(item.slot, values[i])
            else:
                item.attach(machine, values[i])
        for i in range(len(seeds)):
            if self.given[i]:
                item = program.inputs[len(values) + i]
                item.attach(machine, seeds[i])
        for binding in program.bindings:
            binding.attach(machine)
        for output in program.outputs:
            output.prepare(machine)
        if machine.run() >= 0:
            machine.let_go_of_all()
            return None
        results: list[Any] = []
        for output in program.outputs:
            results.append(output.take(machine))
        machine.let_go_of_all()  # what the graph kept goes with the graph
        return results


class Plans:
    """The plans of all graphs, by what is told at once: how many nodes there are, the operation of the first, and the
    dtype of Python's numbers where it is not the usual one."""

    def __init__(self) -> None:
        self.plans: dict[Any, list[Plan]] = {}
        self.bytes = 0


PLANS = Plans()


def replay(order: list[Any], edges: Any, roots: Any, seeds: list[Any], given: tuple[Any, ...]) -> Any:
    """The cotangents of the leaves of a graph, in its order; None if it has to be walked by the rules."""
    node: Node
    plan: Plan
    if len(order) > MOST_NODES:
        return None
    values: list[Any] = []
    if not collect(order, values):
        return None
    found: Plan | None = None
    key = len(order), id(order[0].op), None if mode.dtypes == 0 or mode.dtype is FLOAT32 else mode.dtype
    plans: Any = PLANS.plans.get(key)
    if plans is not None:
        for plan in plans:
            if plan.fits(order, edges, roots, given, values):
                found = plan
                break
    if found is None:
        keep(key, Plan(order, edges, roots, given, values))
        return None
    plan = found
    if plan.dead or plan.running:
        return None
    plan.running = True  # compiled, nobody comes between this and the look at it
    try:
        program: Program | None = plan.program
        if program is not None and plan.trials >= TRIALS:
            for node in order:
                if node.x_memory is not None or node.y_memory is not None or node.rest is not None:
                    check_memories(node.op, node)
            return plan.run(program, values, seeds)
        plan.sightings += 1
        if plan.sightings >= SIGHTINGS:
            return attempt(plan, order, edges, roots, seeds, values)
    finally:
        plan.running = False
    return None


def collect(order: list[Any], values: list[Any]) -> bool:
    """Append what the nodes keep; whether it is only what a program can read."""
    node: Node
    for node in order:
        if node.hooks is not None or node.seen is not None:
            return False
        if node.op is None:
            continue
        if node.numbers:
            values.append(node.x_value)
            values.append(node.y_value)
            values.append(node.out_value)
            continue
        if node.x is not None:
            values.append(node.x)
        if node.y is not None:
            values.append(node.y)
        if node.out is not None:
            values.append(node.out)
        if node.rest is not None:
            for entry in node.rest:
                if entry is not None:
                    values.append(entry[0])
        for parameter in node.params:
            if isinstance(parameter, np.ndarray):
                values.append(parameter)
    for value in values:  # noqa: SIM110 (no closure: it is compiled)
        if not isinstance(value, float | np.ndarray):
            return False
    return True


def held(node: Node) -> int:
    """What a node keeps, as bits: structure, where what it is is not."""
    if node.numbers:
        return -1
    bits: cython.int = (node.x is not None) + 2 * (node.y is not None) + 4 * (node.out is not None)
    if node.rest is not None:
        i: cython.int = 8
        for entry in node.rest:
            if entry is not None:
                bits += i
            i *= 2
    return bits


def plain(params: tuple[Any, ...]) -> tuple[Any, ...]:
    """Parameters without the numbers of arrays among them."""
    for value in params:
        if isinstance(value, np.ndarray):
            return tuple([np.ndarray if isinstance(p, np.ndarray) else p for p in params])
    return params


def same_params(params: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether parameters are the same to the rules; those of arrays are values."""
    i: cython.Py_ssize_t
    if len(params) != len(other):
        return False
    for i in range(len(params)):
        if params[i] is other[i] or (other[i] is np.ndarray and isinstance(params[i], np.ndarray)):
            continue
        if not same_parameter(params[i], other[i]):
            return False
    return True


def same_parameter(x: Any, y: Any) -> bool:
    """The same for one."""
    if type(x) is not type(y):
        return False
    if isinstance(x, tuple):
        return len(x) == len(y) and all(map(same_parameter, x, y))
    if isinstance(x, slice):
        return bool(x == y)
    return same_value(x, y)


def is_own(op: Any) -> bool:
    """Whether the rules are of this package: a user's may count, print, or go by something outside at each walk."""
    return op is None or all(rule is None or str(rule.__module__).startswith(OPERATIONS) for rule in op.rules)


def is_plain(value: Any) -> bool:
    """Whether two graphs that have the same parameter do the same."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return (
        value is None or value is Ellipsis or value is np.ndarray or isinstance(value, bool | int | float | str | slice)
    )


def is_whole(array: Any) -> bool:
    """Whether an array lies without gaps, so that the program's kernels see it as they see their own."""
    return bool(array.flags.c_contiguous)


def keep(key: Any, plan: Plan) -> None:
    """Keep a plan, in the place of the oldest where there are many."""
    plans = PLANS.plans.get(key)
    if plans is None:
        if len(PLANS.plans) >= KINDS_OF_GRAPHS:
            for other in PLANS.plans.pop(next(iter(PLANS.plans))):
                forget(other)
        plans = PLANS.plans.setdefault(key, [])
    plans.insert(0, plan)
    while len(plans) > MOST_PLANS:
        forget(plans.pop())


def forget(plan: Plan) -> None:
    """Give up a plan's program, and its memory."""
    program = plan.program
    if program is not None:
        PLANS.bytes -= program.machine.memory_size
        plan.program = None
        plan.sightings = plan.trials = 0


def make_room(size: int) -> bool:
    """Whether programs may keep so many bytes more; the oldest make room, and come back where they are still needed."""
    other: Plan
    if size > MOST_BYTES:
        return False
    for plans in list(PLANS.plans.values()):
        for other in list(plans):
            if PLANS.bytes + size <= MOST_BYTES:
                return True
            if not other.running:
                forget(other)
    return PLANS.bytes + size <= MOST_BYTES


def attempt(plan: Plan, order: list[Any], edges: Any, roots: Any, seeds: list[Any], values: list[Any]) -> Any:
    """Make the program, or try it: walk by the rules, and see whether the program does the same."""
    program: Program | None = plan.program
    if program is None:
        program = make(plan, order, edges, roots, seeds, values)
        if program is None or not make_room(program.machine.memory_size):
            plan.dead = True
            return None
        plan.program = program
        PLANS.bytes += program.machine.memory_size
    start = time.perf_counter()
    results = by_rules(order, edges, roots, seeds)
    between = time.perf_counter()
    others = plan.run(program, values, seeds)
    end = time.perf_counter()
    plan.by_rules = min(plan.by_rules, between - start)
    plan.by_program = min(plan.by_program, end - between)
    plan.trials += 1
    agree = others is not None and all(same_bits(x, y) for x, y in zip(results, others, strict=True))
    if not agree or (plan.trials >= TRIALS and plan.by_program > SLOWER * plan.by_rules):
        plan.dead = True
        forget(plan)
    return results


def by_rules(order: list[Any], edges: Any, roots: Any, seeds: list[Any]) -> list[Any]:
    """The cotangents of the leaves as the rules give them; the graph is kept."""
    leaves: list[Any] = [node for node in order if node.op is None]
    results: list[Any] = [None] * len(leaves)
    wanted = {leaf: [i] for i, leaf in enumerate(leaves)}
    mode.enter("grad", False)
    try:
        walk(list(order), edges, bytearray(b"\1") * len(order), [roots, seeds], wanted, results, True)
    finally:
        mode.leave()
    return results


def same_bits(x: Tensor, y: Tensor) -> bool:
    """Whether two cotangents are the same numbers; NaN is NaN."""
    a, b = np.asarray(x.numpy()), np.asarray(y.numpy())
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return bool(np.all((a == b) & (np.signbit(a) == np.signbit(b)) | ((a != a) & (b != b))))


def make(plan: Plan, order: list[Any], edges: Any, roots: Any, seeds: list[Any], values: list[Any]) -> Any:
    """The program for graphs like this; None if there is none."""
    found = Trace(Recorder)
    inputs = [Input(np.float64(v) if isinstance(v, float) else v) for v in values]
    try:
        traced = [argument(found, item, strides) for item, strides in zip(inputs, plan.strides, strict=True)]
        starts: list[Any] = []
        for start, given in zip(seeds, plan.given, strict=True):
            item = Input(start)
            inputs.append(item)
            if given:
                argument(found, item, None)
            starts.append(stand_in(item.traced if given else found.recorder.constant(start.numpy())))
        shadows = shadow(order, edges, iter(traced))
        mode.enter("trace", found)
        try:
            results = by_rules(shadows, edges, roots, starts)
        finally:
            mode.leave()
        outputs = [(found.operand(result), True) for result in results]
        program = assemble(found, inputs, outputs, list, [], ([], []), exact=True)
    except (CaptureError, NotRecordable, NotImplementedError, TypeError, ValueError, AttributeError):
        return None
    return None if program.calls or program.attributes else program


def argument(found: Trace, item: Input, strides: Any) -> Any:
    """The stand-in for what a node keeps."""
    kind = 0 if item.dtype == np.float32 else 1 if item.dtype.kind in "fb" else 2
    if item.dtype not in (np.float32, np.float64, np.int64, np.bool_):
        raise CaptureError(f"a node keeps numbers of {item.dtype}")
    item.traced = found.recorder.new(item.shape, kind, bool(item.dtype == np.bool_))
    item.traced.buffer.outside = item.traced.buffer.argument = True
    if strides is not None:
        if item.dtype == np.bool_:
            raise CaptureError("a node keeps truth values with gaps")
        item.traced.strides = strides
    return item.traced


bind(replay=replay)
