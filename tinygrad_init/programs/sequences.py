"""Functions of rows, products of stacks of matrices and recurrent layers as steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .buffers import INT64, ITEM
from .instructions import OUT, merged
from .traced import NotRecordable, Recorder, Traced

STACKS = 5  # axes that a stack may have, as `csrc/tgi.h` says
SUMS = 6  # of `tgi_of_rows`, the only one whose result is no rows


def rows(recorder: Recorder, which: int, operands: list[Any], queries: int, eps: float) -> Traced:
    """A function of rows, or what undoes it."""
    laid = [recorder.solid(recorder.operand(x)) for x in operands]
    x = laid[1 if which >= SUMS else 0]
    columns = x.shape[-1]
    out = recorder.new((2, columns) if which == SUMS else x.shape, x.kind)
    if any(v.kind != x.kind for v in laid) or x.kind == INT64:
        raise NotRecordable("rows of numbers that are not of one floating-point kind")
    shape = (x.size // columns, columns, queries)
    recorder.add("rows", x.kind, shape, [*laid, *[None] * (OUT - len(laid)), out], flag=which, p=(eps,))
    return out


def stack_product(recorder: Recorder, x: Traced, y: Traced) -> Traced:
    """The products of two stacks of matrices, as many axes in each."""
    (m, k), n = x.shape[-2:], y.shape[-1]
    stacks = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if x.kind != y.kind or x.kind == INT64 or y.shape[-2] != k:
        raise NotRecordable("a product of numbers that are not of one floating-point kind")
    out = recorder.new((*stacks, m, n), x.kind)
    if out.size:
        a, b = x.broadcast_to((*stacks, m, k)), y.broadcast_to((*stacks, k, n))
        counts, (sa, sb) = merged(stacks, [a.strides[:-2], b.strides[:-2]])
        if len(counts) > STACKS:
            raise NotRecordable(f"a product of stacks of more than {STACKS} axes")
        left, right = a.place((*sa, *a.strides[-2:])), b.place((*sb, *b.strides[-2:]))
        recorder.add("stack_product", x.kind, (*counts, m, n, k), [left, right, out.place((ITEM[x.kind],))])
    return out


def lstm(recorder: Recorder, which: int, operands: list[Any], shape: tuple[int, int, int]) -> Traced:
    """Long short-term memory along a sequence, or its derivative."""
    laid = [None if x is None else recorder.solid(recorder.operand(x)) for x in operands]
    steps, rows, units = shape
    out = recorder.new((4 * steps + 2 if which else 6 * steps, rows, units), operands[0].kind)
    if any(x.kind != out.kind for x in laid if x is not None) or out.kind == INT64:
        raise NotRecordable("memory of numbers that are not of one floating-point kind")
    recorder.add("lstm", out.kind, shape, [*laid, *[None] * (OUT - len(laid)), out], flag=which)
    return out
