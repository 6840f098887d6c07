"""The machine that runs programs, in NumPy: the specification of `csrc/program.c`, for the reference backend."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import reference, reference_sequences, reference_windows

Array = np.ndarray[Any, Any]
DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64))
A, B, C, D, E, OUT = range(6)


class Memory:
    """A place in an array's memory, as NumPy takes it."""

    def __init__(
        self, owner: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        address = owner.__array_interface__["data"][0] + offset
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "shape": tuple(shape),
            "typestr": dtype.str,
            "strides": tuple(strides),
            "data": (address, False),
        }


class Machine:
    """A program ready to run; see `_machine.pxi` for what it is made of.

    Parameters
    ----------
    instructions
        Steps whose operands are placed (`program.instructions.Step`).
    memory
        The size of the program's own memory, slot 0, in bytes.
    slots
        How many slots there are besides.
    calls
        For each instruction `call` its number and what to do there.
    """

    def __init__(self, instructions: list[Any], memory: int, slots: int, calls: dict[int, Callable[..., None]]) -> None:
        self.instructions, self.calls, self.memory_size = instructions, calls, memory
        self.watched: list[tuple[int, int, int, bool]] = []
        self.slots: list[Array] = [np.zeros(max(memory, 1), np.uint8)] + [np.zeros(0, np.uint8)] * slots

    def bind(self, slot: int, array: Array, kind: int) -> bool:
        """Let a slot stand for an array; False, and nothing done, if it is of another kind or has gaps."""
        if array.dtype != DTYPES[kind] or not array.flags.c_contiguous or not array.flags.aligned:
            return False
        self.slots[slot] = array
        return True

    def bind_as_it_lies(self, slot: int, array: Array) -> None:
        """Let a slot stand for an array with gaps: the program knows its strides."""
        self.slots[slot] = array

    def let_go(self, slot: int) -> None:
        """Keep the array of a slot alive no longer; the slot is bound again before the next run."""
        self.slots[slot] = np.zeros(0, np.uint8)

    def watch(self, slot: int, begin: int, end: int, written: bool) -> None:
        """Let `apart` look at a slot, whose numbers lie from byte `begin` to byte `end` of what it stands for."""
        self.watched.append((slot, begin, end, written))

    def apart(self) -> bool:
        """Whether nothing that the program writes lies where something else does."""
        spans = []
        for slot, begin, end, written in self.watched:
            address = self.slots[slot].__array_interface__["data"][0]
            spans.append((address + begin, address + end, written))
        return not any(
            (written or other_written) and begin < other_end and other_begin < end
            for i, (begin, end, written) in enumerate(spans)
            for other_begin, other_end, other_written in spans[:i]
        )

    def load(self, offset: int, array: Array) -> None:
        """Put an array into the program's own memory."""
        self.slots[0][offset : offset + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)

    def view(self, place: tuple[int, int], shape: tuple[int, ...], strides: tuple[int, ...], kind: int) -> Array:
        """An array over an operand's memory."""
        if math.prod(shape) == 0:
            return np.zeros(shape, DTYPES[kind])
        return np.asarray(Memory(self.slots[place[0]], place[1], shape, strides, DTYPES[kind]))

    def read(self, offset: int, kind: int) -> float:
        """A single number out of the program's own memory."""
        return float(self.view((0, offset), (), (), kind))

    def write(self, offset: int, kind: int, value: float) -> None:
        """A single number into the program's own memory."""
        with np.errstate(over="ignore"):
            self.view((0, offset), (), (), kind)[...] = value

    def run(self) -> int:
        """Run all instructions; the number of a check that failed, or -1."""
        with np.errstate(all="ignore"):
            for i, step in enumerate(self.instructions):
                if not self.do(i, step):
                    return i
        return -1

    def profile(self) -> list[float]:
        """Run once and return the seconds that each instruction took."""
        seconds = []
        with np.errstate(all="ignore"):
            for i, step in enumerate(self.instructions):
                start = time.perf_counter()
                self.do(i, step)
                seconds.append(time.perf_counter() - start)
        return seconds

    def do(self, i: int, step: Any) -> bool:
        """One instruction; whether the run may go on."""
        if step.code == "call":
            self.calls[i](self)
        elif step.code == "scalars":
            tape = step.parts
            for n, (name, p) in enumerate(zip(tape.functions, tape.parameters, strict=True)):
                kind, _, *at = tape.places[7 * n : 7 * n + 7]
                self.do_number(name, kind, at, p)
        elif step.code == "check":
            x = self.operand(step, A)
            return bool(np.all((x >= step.p[0]) & (x <= step.p[1])))
        else:
            DO[step.code](self, step)
        return True

    def do_number(self, name: str, kind: int, at: list[int], p: float) -> None:
        """One function of single numbers; cotangents are none of them, as rules are followed operation by operation."""
        _, x, y, _, out = [self.view((0, offset), (), (), kind) for offset in at]
        if name == "copy":
            out[...] = x
        elif name in reference.UNARY:
            out[...] = reference.unary(name, x, *((p,) if name in ("leaky_relu", "elu") else ()))
        else:
            out[...] = reference.binary(name, x, y)

    def operand(self, step: Any, which: int, shape: tuple[int, ...] | None = None, kind: int | None = None) -> Any:
        """An operand as an array over the step's shape (or another), None where there is none."""
        if step.at[which] is None:
            return None
        shape = step.shape if shape is None else shape
        strides = step.strides[which]
        if step.code in ("product", "stack_product"):
            strides = tuple(s * DTYPES[step.kind].itemsize for s in strides)
        if len(strides) != len(shape):
            itemsize = DTYPES[step.kind if kind is None else kind].itemsize
            strides = tuple(itemsize * math.prod(shape[d + 1 :]) for d in range(len(shape)))
        return self.view(step.at[which], shape, strides, step.kind if kind is None else kind)


def _unary(m: Machine, step: Any) -> None:
    params = step.p if step.function in ("leaky_relu", "elu") else ()
    m.operand(step, OUT)[...] = reference.unary(step.function, m.operand(step, A), *params)


def _binary(m: Machine, step: Any) -> None:
    m.operand(step, OUT)[...] = reference.binary(step.function, m.operand(step, A), m.operand(step, B))


def _select(m: Machine, step: Any) -> None:
    m.operand(step, OUT)[...] = np.where(m.operand(step, A) != 0, m.operand(step, B), m.operand(step, C))


def _copy(m: Machine, step: Any) -> None:
    m.operand(step, OUT)[...] = m.operand(step, A, kind=step.flag)


def _reduce(m: Machine, step: Any) -> None:
    kept = step.shape[: len(step.shape) - step.reduced]
    axes = tuple(range(len(kept), len(step.shape)))
    found = reference.reduce(m.operand(step, A), reference.REDUCTIONS[step.function], axes, False)
    m.view(step.at[OUT], kept, step.strides[OUT][: len(kept)], step.kind)[...] = found


def _product(machine: Machine, step: Any) -> None:
    m, n, k = step.shape
    a, b = machine.operand(step, A, (m, k)), machine.operand(step, B, (k, n))
    out = a @ b
    if step.at[C] is not None:
        bias = machine.view(step.at[C], (m if step.flag else n,), (out.itemsize,), step.kind)
        out = out + (bias[:, np.newaxis] if step.flag else bias)
    if step.function is not None:
        out = reference.unary(step.function, out, *(step.p if step.function in ("leaky_relu", "elu") else ()))
    if step.at[E] is not None:
        machine.view(step.at[E], (m,), (out.itemsize,), step.kind)[...] = a.sum(1)
    machine.view(step.at[OUT], (m, n), (n * out.itemsize, out.itemsize), step.kind)[...] = out


def _by_rows(m: Machine, step: Any, which: int) -> Array:
    """Logits, and what lies like them, as rows whichever way they lie."""
    rows, columns = step.shape
    found: Array = m.view(step.at[which], (rows, columns), (1, 1), step.kind)
    item = found.itemsize
    strides = (item, rows * item) if step.flag else (columns * item, item)
    return m.view(step.at[which], (rows, columns), strides, step.kind)


def _cross_entropy(m: Machine, step: Any) -> None:
    rows = step.shape[0]
    logits, labels = _by_rows(m, step, A), m.view(step.at[B], (rows,), (8,), 2)
    m.view(step.at[OUT], (rows,), (logits.itemsize,), step.kind)[...] = reference.cross_entropy(logits, labels)
    _by_rows(m, step, C)[...] = reference.softmax(logits)


def _cross_entropy_vjp(m: Machine, step: Any) -> None:
    rows = step.shape[0]
    out = np.array(_by_rows(m, step, B))
    out[np.arange(rows), m.view(step.at[C], (rows,), (8,), 2)] -= 1
    g = m.view(step.at[A], (rows,), (out.itemsize,), step.kind)
    _by_rows(m, step, OUT)[...] = reference.binary("gated", g[:, np.newaxis], out)


def _update(m: Machine, step: Any) -> None:
    weight, gradient, state = (m.operand(step, i, (step.shape[0],)) for i in (OUT, A, B))
    lr = float(m.view(step.at[C], (), (), 1))
    if step.code == "sgd":
        reference.sgd(weight, gradient, state, lr, step.p[0], bool(step.flag), step.p[1])
    else:
        powers = m.view(step.at[E], (2,), (8,), 1)
        second = m.operand(step, D, (step.shape[0],))
        beta1, beta2, eps, decay = step.p
        reference.adam(weight, gradient, state, second, powers, lr, beta1, beta2, eps, decay, decoupled=bool(step.flag))


def _lines(m: Machine, step: Any, which: int, rows: int) -> Array:
    """So many rows of an operand without gaps, which may be an array of other axes."""
    width, item = step.shape[1], DTYPES[step.kind].itemsize
    found: Array = m.view(step.at[which], (rows, width), (width * item, item), step.kind)
    return found


def _gather(m: Machine, step: Any) -> None:
    index = m.view(step.at[B], step.shape[:1], (8,), 2)
    _lines(m, step, OUT, step.shape[0])[...] = _lines(m, step, A, int(index.max(initial=-1)) + 1)[index]


def _scatter(m: Machine, step: Any) -> None:
    n, _, rows = step.shape
    out = _lines(m, step, OUT, rows)
    out[...] = 0
    np.add.at(out, m.view(step.at[B], (n,), (8,), 2), _lines(m, step, A, n))


def _convolution(m: Machine, step: Any) -> None:
    w = reference_windows.Windows(step.parts)
    images = w.samples * w.groups * w.inputs * math.prod(w.lengths)
    maps, weights = w.samples * w.groups * w.outputs * math.prod(w.counts), w.groups * w.outputs * w.inputs
    weights *= math.prod(w.size)
    a = m.operand(step, A, (maps if step.flag == 1 else images,))
    b, bias = m.operand(step, B, (maps if step.flag == 2 else weights,)), m.operand(step, C, (w.groups * w.outputs,))
    m.operand(step, OUT)[...] = reference_windows.convolve(step.flag, a, b, bias, step.parts, step.shape)


def _pooling(m: Machine, step: Any) -> None:
    w = reference_windows.Windows(step.parts)
    images, maps = w.samples * math.prod(w.lengths), w.samples * math.prod(w.counts)
    a = m.operand(step, A, (maps if step.flag in (1, 4) else images,))
    x, largest = m.operand(step, B, (images,)), m.operand(step, C, (maps,))
    m.operand(step, OUT)[...] = reference_windows.pool(step.flag, a, x, largest, step.parts, step.shape)


def _normalization(m: Machine, step: Any) -> None:
    channels = step.shape[1]
    shapes = {"x": step.shape, "m": (2, channels), "w": (channels,)}
    kinds = ("x", "xmww", "xxm", "xxmwm")[step.flag]
    operands = [m.operand(step, i, shapes[kind]) for i, kind in enumerate(kinds)]
    out = m.operand(step, OUT, shapes["m" if step.flag in (0, 2) else "x"])
    out[...] = reference_windows.normalize(step.flag, operands, step.p[0])


def _rows(m: Machine, step: Any) -> None:
    rows, columns, queries = step.shape
    shapes = {"x": (rows, columns), "m": (2, rows), "w": (columns,)}
    kinds = reference_sequences.OPERANDS[step.flag]
    operands = [m.operand(step, i, shapes[kind]) for i, kind in enumerate(kinds)]
    out = m.operand(step, OUT, (2, columns) if step.flag == reference_sequences.SUMS else (rows, columns))
    out[...] = reference_sequences.rows(step.flag, operands, queries, step.p[0])


def _lstm(m: Machine, step: Any) -> None:
    steps, rows, units = step.shape
    square = (4 * units, units)
    forward = ((steps, rows, 4 * units), (rows, units), (rows, units), square, (4 * units,))
    back = ((steps + 1, rows, units), (6 * steps, rows, units), (rows, units), square)
    operands = [m.operand(step, i, shape) for i, shape in enumerate(back if step.flag else forward)]
    out = m.operand(step, OUT, (4 * steps + 2 if step.flag else 6 * steps, rows, units))
    out[...] = reference_sequences.lstm(step.flag, operands, step.shape)


def _stack_product(machine: Machine, step: Any) -> None:
    *counts, m, n, k = step.shape
    machine.operand(step, OUT, (*counts, m, n))[...] = np.matmul(
        machine.operand(step, A, (*counts, m, k)), machine.operand(step, B, (*counts, k, n))
    )


DO: dict[str, Callable[[Machine, Any], None]] = {
    "unary": _unary,
    "binary": _binary,
    "select": _select,
    "copy": _copy,
    "reduce": _reduce,
    "product": _product,
    "cross_entropy": _cross_entropy,
    "cross_entropy_vjp": _cross_entropy_vjp,
    "sgd": _update,
    "adam": _update,
    "gather": _gather,
    "scatter": _scatter,
    "convolution": _convolution,
    "pooling": _pooling,
    "normalization": _normalization,
    "rows": _rows,
    "stack_product": _stack_product,
    "lstm": _lstm,
}
