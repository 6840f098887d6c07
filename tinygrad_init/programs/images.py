"""Convolution, pooling and normalization as steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .buffers import INT64
from .instructions import OUT
from .traced import NotRecordable, Recorder, Traced


def over_windows(
    recorder: Recorder, code: str, which: int, operands: Sequence[Any], windows: Any, shape: Any
) -> Traced:
    """A convolution or pooling, or what undoes it."""
    laid = [None if x is None else recorder.solid(recorder.operand(x)) for x in operands]
    out = recorder.new(shape, operands[0].kind)
    if any(x.kind != out.kind for x in laid if x is not None) or out.kind == INT64:
        raise NotRecordable("windows over numbers that are not of one floating-point kind")
    if out.size:
        recorder.add(code, out.kind, out.shape, [*laid, None, None, out], flag=which, parts=windows)
    return out


def normalized(recorder: Recorder, which: int, operands: Sequence[Any], eps: float) -> Traced:
    """Moments of channels, channels normalized, or what undoes it."""
    laid = [recorder.solid(recorder.operand(x)) for x in operands]
    x = laid[1 if which > 1 else 0]
    out = recorder.new((2, x.shape[1]) if which in (0, 2) else x.shape, x.kind)
    if any(v.kind != x.kind for v in laid) or x.kind == INT64:
        raise NotRecordable("channels of numbers that are not of one floating-point kind")
    if out.size:
        recorder.add("normalization", x.kind, x.shape, [*laid, *[None] * (OUT - len(laid)), out], flag=which, p=(eps,))
    return out
