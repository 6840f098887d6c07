"""The steps of a recorder that training consists of besides products: the loss of classes and the update rules."""

from __future__ import annotations

from typing import Any

from .buffers import DTYPES, INT64
from .instructions import OUT, C
from .traced import Recorder, Traced


def cross_entropy(recorder: Recorder, logits: Traced, labels: Traced) -> tuple[Traced, Traced]:
    """The losses of rows of logits, and the softmax."""
    logits = recorder.solid(logits)
    labels = recorder.solid(recorder.converted(recorder.operand(labels), DTYPES[INT64], copy=False))
    losses, probabilities = recorder.new(logits.shape[:1], logits.kind), recorder.new(logits.shape, logits.kind)
    recorder.add(
        "cross_entropy",
        logits.kind,
        logits.shape,
        [logits, labels, probabilities, None, None, losses],
        writes=(C, OUT),
    )
    recorder.probabilities[id(logits.buffer), id(labels.buffer)] = probabilities
    return losses, probabilities


def cross_entropy_vjp(recorder: Recorder, logits: Traced, g: Traced, labels: Traced) -> Traced:
    """The cotangent of rows of logits; the softmax of the forward pass is used again."""
    labels = recorder.solid(recorder.converted(recorder.operand(labels), DTYPES[INT64], copy=False))
    probabilities = recorder.probabilities.get((id(logits.buffer), id(labels.buffer)))
    if probabilities is None:
        probabilities = cross_entropy(recorder, logits, labels)[1]
    out = recorder.new(logits.shape, logits.kind)
    recorder.add(
        "cross_entropy_vjp",
        out.kind,
        out.shape,
        [recorder.solid(g), probabilities, labels, None, None, out],
    )
    return out


def sgd(
    recorder: Recorder, w: Traced, g: Traced, v: Traced | None, lr: Traced, p: tuple[float, ...], nesterov: bool
) -> None:
    """Gradient descent, in place."""
    update(recorder, "sgd", w, [g, v, lr], p, int(nesterov), (1, OUT))


def adam(
    recorder: Recorder,
    w: Traced,
    g: Traced,
    m: Traced,
    v: Traced,
    powers: Traced,
    lr: Traced,
    p: tuple[float, ...],
    flag: bool,
) -> None:
    """Adam, in place."""
    update(recorder, "adam", w, [g, m, lr, v, powers], p, int(flag), (1, 3, 4, OUT))


def update(
    recorder: Recorder,
    code: str,
    w: Traced,
    operands: list[Traced | None],
    p: tuple[float, ...],
    flag: int,
    writes: Any,
) -> None:
    """An update rule: the gradient comes first, then the state."""
    gradient = operands[0]
    assert gradient is not None
    gradient = recorder.copied(gradient) if gradient.buffer is w.buffer else recorder.solid(gradient)
    laid: list[Traced | None] = [gradient, *operands[1:]]
    target = w if w.whole else recorder.copied(w)
    recorder.add(code, w.kind, (w.size,), [*laid, target], p=p, flag=flag, writes=writes)
    if target is not w:
        recorder.copy(target, w)
