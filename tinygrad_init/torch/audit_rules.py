"""What of a tensor's numbers is worth a finding; each rule accuses what is wrong whatever the model is for.

Healthy: scales of 1 and offsets of 0, zeros in biases and in what a residual branch ends with, trained weights that
come from no start, tables with rows that were never used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diagnosis import same_draws
from ..words import Phrase, number, phrase
from .audit_records import FAULT, NOTE, Finding, ParameterRecord
from .roles import EMBEDDING, LINEAR, MAPS, OTHER, STATISTIC, TRANSPOSED, Role

Array = np.ndarray[Any, Any]

# A layer that multiplies the signal by more, or by less, than so much; with fewer inputs that may be meant, as in
# random Fourier features.
LOUD, QUIET, INPUTS = 10.0, 0.01, 8
# A fan that differs by less is not worth a word; how sure a finding must be, and of how many numbers.
TWICE, SURE, ENOUGH = 2.0, 0.9, 256
# Numbers by which draws are recognized again, and how different they must be.
HEAD, DIFFERENT = 256, 16
PATTERNS = ("zeros", "constant", "identity", "dirac", "orthogonal", "few_values", "sparse")


@dataclass(frozen=True)
class Seen:
    """A parameter with what only the rules ask for.

    Attributes
    ----------
    alike
        Groups of rows that are equal.
    zero_rows, distinct
        Rows of nothing but 0; different numbers of the sample.
    digest, head
        Of all bytes; the first numbers.
    masking
        Whether it is a mask, of 0 and -inf.
    """

    record: ParameterRecord
    role: Role
    alike: list[tuple[int, ...]]
    zero_rows: int
    distinct: int
    digest: bytes
    head: Array
    masking: bool = False

    @property
    def scheme(self) -> str:
        return self.record.scheme.name if self.record.scheme is not None else ""

    @property
    def drawn(self) -> bool:
        """Whether the numbers are random, as far as their distribution tells."""
        return bool(self.scheme) and self.scheme not in PATTERNS

    def found(self, name: str, severity: str, said: Phrase, others: tuple[str, ...] = ()) -> Finding:
        return Finding(name, severity, self.record.name, said, others)


def findings(seen: Sequence[Seen]) -> list[Finding]:
    """Everything that is worth a finding, faults first."""
    own = [one for one in seen if not one.record.tied_to]
    normalized = any(one.role.normalizing or one.record.name.endswith("running_var") for one in own)
    found = [finding for one in own for finding in of_one(one, normalized)]
    found += [*all_zero(own), *copies(own), *draws_again(own), *of_movement(own)]
    return sorted(found, key=lambda one: one.severity != FAULT)


def of_one(one: Seen, normalized: bool) -> Iterator[Finding]:
    """What one parameter shows by itself."""
    record, kind = one.record, one.role.kind
    if record.not_finite and not one.masking:
        said = phrase("audit.not_finite", count=record.not_finite, all=record.not_finite + record.count)
        yield one.found("not-finite", FAULT, said)
    if record.name.endswith("running_var") and record.low < 0:
        yield one.found("negative-variance", FAULT, phrase("audit.negative_variance", low=record.low))
    if kind in (*MAPS, EMBEDDING):
        yield from of_rows(one)
        if one.scheme == "few_values":
            yield one.found("few-values", NOTE, phrase("audit.few_values", count=one.distinct))
    if kind in MAPS:
        yield from of_scale(one, normalized)
    scheme = record.scheme
    if kind == EMBEDDING and one.drawn and scheme is not None and abs(scheme.std - 1) < 1e-6:
        yield one.found("embedding-std-1", NOTE, phrase("audit.embedding"))


def of_rows(one: Seen) -> Iterator[Finding]:
    """Rows that are equal, and rows and whole weights of zeros."""
    record, rows = one.record, one.record.shape[0]
    if one.scheme == "zeros":
        if one.role.kind in MAPS:
            yield one.found("zero-weight", NOTE, phrase("audit.zero_weight"))
    elif one.scheme == "constant":
        if rows > 1 and record.scheme is not None:
            yield one.found("constant-weight", FAULT, phrase("audit.constant", value=record.scheme.gain, rows=rows))
    elif one.scheme not in ("identity", "dirac"):
        if one.alike and one.scheme != "few_values":
            lost, first = sum(len(group) - 1 for group in one.alike), one.alike[0][:2]
            severity = FAULT if one.role.kind in MAPS else NOTE
            said = phrase("audit.identical_rows", distinct=rows - lost, rows=rows, one=first[0], other=first[1])
            yield one.found("identical-rows", severity, said)
        if one.zero_rows and one.role.kind in MAPS and one.scheme != "sparse":
            yield one.found("zero-rows", NOTE, phrase("audit.zero_rows", count=one.zero_rows, rows=rows))


def of_scale(one: Seen, normalized: bool) -> Iterator[Finding]:
    """A weight as it was drawn, by the wrong fan or by none."""
    record, scheme = one.record, one.record.scheme
    if not one.drawn or scheme is None or record.gain is None or record.fan_in is None or record.fan_out is None:
        return
    sure = scheme.probability >= SURE and record.count >= ENOUGH
    ratio = record.fan_out / record.fan_in
    numbers = {"scheme": scheme.label, "gain": number(record.gain), "fan_in": record.fan_in}
    if sure and scheme.fan.startswith("window_forgotten"):
        said = phrase("audit.window_forgotten", window=one.role.window, **numbers)
        yield one.found("window-forgotten", NOTE if normalized else FAULT, said)
    elif sure and not 1 / TWICE < ratio < TWICE and mistaken(one, scheme.fan):
        said = phrase("audit.fan_mistaken", fan_out=record.fan_out, **numbers)
        yield one.found("fan-mistaken", NOTE, said)
    elif record.fan_in >= INPUTS and not QUIET < record.gain < LOUD:
        severity = FAULT if record.gain >= LOUD and not normalized else NOTE
        yield one.found("unscaled", severity, phrase("audit.unscaled", **numbers))


def mistaken(one: Seen, fan: str) -> bool:
    """Whether a start scales by outputs where it should by inputs; of kernels both are usual."""
    return (one.role.kind == LINEAR and fan == "fan_out") or (one.role.kind == TRANSPOSED and fan == "as_counted")


def all_zero(seen: Sequence[Seen]) -> Iterator[Finding]:
    """So many zeros that no gradient finds a way: most weights, or every scale of a normalization."""
    weights = [one for one in seen if one.role.kind in MAPS]
    zero = [one for one in weights if one.scheme == "zeros"]
    if len(weights) > 1 and 2 * len(zero) > len(weights):
        said = phrase("audit.all_zero", count=len(zero), all=len(weights))
        yield zero[0].found("all-zero", FAULT, said, tuple(one.record.name for one in zero[1:]))
    scales = [one for one in seen if one.role.kind == "scale" and one.role.normalizing]
    if len(scales) > 1 and all(one.scheme == "zeros" for one in scales):
        said = phrase("audit.zero_scales", count=len(scales))
        yield scales[0].found("zero-scales", FAULT, said, tuple(one.record.name for one in scales[1:]))


def copies(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Parameters that are equal in every bit: meant where one is the other's average or target, else seldom."""
    groups: dict[bytes, list[Seen]] = {}
    for one in seen:
        if one.distinct >= DIFFERENT and one.role.kind not in (STATISTIC, OTHER) and not one.record.not_finite:
            groups.setdefault(one.digest, []).append(one)
    for first, *others in groups.values():
        if others:
            said = phrase("audit.copied", other=others[0].record.name, count=len(others))
            yield first.found("copied", NOTE, said, tuple(one.record.name for one in others))


def draws_again(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Random numbers that occur twice, in another scale or shape: a seed used twice."""
    # A table may begin with zeros, for padding.
    drawn = [one for one in seen if one.drawn and len(one.head) >= DIFFERENT and one.head[:DIFFERENT].all()]
    if len(drawn) < 2:
        return
    # The first numbers tell almost always; only what is alike in them is looked at closer.
    heads = np.array([one.head[:DIFFERENT] for one in drawn])
    heads = heads / np.linalg.norm(heads, axis=1, keepdims=True)
    for i, j in np.argwhere(np.triu(np.abs(heads @ heads.T) > 1 - 1e-6, 1)):
        one, other = drawn[i], drawn[j]
        if one.digest != other.digest and same_draws({"one": one.head, "other": other.head}):
            said = phrase("audit.same_draws", other=other.record.name)
            yield one.found("same-draws", FAULT, said, (other.record.name,))


def of_movement(seen: Sequence[Seen]) -> Iterator[Finding]:
    """What is as it was in the reference."""
    compared = [one for one in seen if one.record.moved is not None and one.role.kind != STATISTIC]
    still = [one for one in compared if one.record.moved is not None and one.record.moved.identical]
    if compared and len(still) == len(compared):
        others = tuple(one.record.name for one in still[1:])
        yield still[0].found("nothing-moved", FAULT, phrase("audit.nothing_moved", count=len(still)), others)
    else:
        for one in still:
            yield one.found("unmoved", NOTE, phrase("audit.unmoved"))
