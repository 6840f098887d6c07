"""Where numbers lie while a program is made. Graphs of numbers have very many of these objects: C knows them."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

FLOAT32, FLOAT64, INT64 = 0, 1, 2
ITEM = (4, 8, 8)
DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64))

Array = np.ndarray[Any, Any]


@cython.no_gc
@cython.binding(False)
@cython.freelist(64)
@cython.cclass
class Buffer:
    """Memory of `size` bytes.

    Attributes
    ----------
    value
        The numbers of a constant.
    slot
        Which array of the caller it is; 0 for the program's own memory, where `offset` says at which byte.
    lasting
        Whether what is written here is wanted after the run.
    outside, argument
        Whether the numbers come from outside, and whether as an argument.
    lone
        Whether it is a single number, which always lies in the program's own memory.
    met
        Which one it is in the order in which steps name them; known after traces were compared.
    wanted
        Whether a later step reads it; known after useless steps were left out.
    tape, last, placed
        The tape that alone knows it (-1: there is none), the last entry there that does, and whether `offset` is known:
        from the beginning of the tape's own memory.
    """

    __slots__ = ("argument", "kind", "last", "lasting", "lone", "met", "offset", "outside", "placed", "size",
                 "slot", "tape", "value", "wanted")  # fmt: skip

    def __init__(self, size: int, kind: int, value: Array | None = None, lone: bool = False) -> None:
        self.size = size
        self.kind = kind
        self.value = value
        self.lone = lone
        self.slot = self.offset = 0
        self.lasting = self.outside = self.argument = False
        self.met = self.tape = self.last = 0
        self.wanted = self.placed = False


def number_buffer(kind: cython.int) -> Buffer:
    """Memory of a single number."""
    if not cython.compiled:  # where it is, all fields start as 0
        return Buffer(ITEM[kind], kind, lone=True)
    out: Buffer = Buffer.__new__(Buffer)
    out.size = 4 if kind == 0 else 8
    out.kind = kind
    out.lone = True
    return out


@cython.binding(False)
class InBuffer:
    """What lies in a buffer, as steps name it; `Traced` is one that NumPy may be asked about.

    Truth values are numbers 1 and 0 (`boolean`). A floating-point number that has a buffer to itself, in the program's
    own memory, is `alone`.
    """

    __slots__ = ("alone", "boolean", "buffer", "kind", "narrow", "number", "offset", "recorder", "shape", "strides")

    def __init__(
        self,
        recorder: Any,
        buffer: Buffer,
        kind: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...] | None = None,
        offset: int = 0,
        boolean: bool = False,
    ) -> None:
        self.recorder = recorder  # makes stand-ins; what NumPy does to them they hand on to it
        self.buffer = buffer
        self.kind = kind
        self.offset = offset
        self.boolean = boolean
        self.narrow: Any = None  # the dtype of whole numbers that are not int64: what NumPy does to them overflows
        self.number = False  # whether NumPy would have a number here, which takes the dtype of what is beside it
        self.shape = shape
        self.alone = buffer.lone and len(shape) == 0 and kind != INT64
        self.strides = contiguous(shape, ITEM[kind]) if strides is None else strides

    @property
    def itemsize(self) -> int:
        return ITEM[self.kind]


def contiguous(shape: tuple[int, ...], item: int) -> tuple[int, ...]:
    """The strides of an array without gaps in C order."""
    strides = [item] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * max(shape[i + 1], 1)
    return tuple(strides)
