"""`audit`: what a checkpoint's numbers say by themselves, without data."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..activations import ActivationRecord
from ..words import phrase
from .audit_records import NOTE, Finding, Moved, ParameterRecord
from .audit_result import Audit
from .audit_rules import HEAD, Seen, findings
from .checkpoints import Checkpoint, CheckpointError, checkpoint
from .following import activations_after, factors
from .moments import PIECE, moments, pieces, sample, spacing
from .patterns import equal_rows, pattern
from .roles import EMBEDDING, MAPS, STATISTIC, Role, role_of, roles_of_model
from .schemes import recognized, sizes

NUMBERED = re.compile(r"(?:^|\.)(\d+)(?=\.)")
# Numbers of blocks that are taken for the depth, the largest ones.
DEPTHS = 3


def audit(
    source: Any,
    *,
    against: Any = None,
    baseline: Path | str | None = None,
    on_parameter: Callable[[str], None] | None = None,
) -> Audit:
    """Where do these weights come from, and what is wrong with them? Without data.

    Parameters
    ----------
    source
        A module, a state dict, or a path: a file of safetensors, one of `torch.save`, an index of shards
        (`*.index.json`) or a folder of them. Files are read tensor by tensor, and nothing in them is run.
    against
        The same of a reference, such as the start or an earlier checkpoint: what has moved, and how far?
    baseline
        The JSON of an earlier audit: findings that are in it are known, and no longer counted as faults.
    on_parameter
        Called with the name of each parameter before it is looked at.

    Returns
    -------
    Audit
        `.findings`, `.parameters`; `print` shows them, `.to_json()` writes them.

    Raises
    ------
    CheckpointError
        A file cannot be read; it is a ValueError of one sentence.
    TypeError
        The source is neither a module nor a state dict nor a path.

    Notes
    -----
    Moments are exact, in one pass; the shape of a distribution, and how many different numbers there are, is that of a
    fixed sample of 65536 numbers. `schemes` says how starts are told apart.
    """
    of, reference = checkpoint(source), None if against is None else checkpoint(against)
    accepted = known_findings(Path(baseline)) if baseline is not None else set()
    if of.model is not None:
        roles, after = roles_of_model(of.model), activations_after(of.model)
    else:
        roles, after = {name: role_of(name, of.shapes) for name in of.shapes}, {}
    depths, seen = depths_of(of.shapes), []
    for name in of.shapes:
        if on_parameter is not None:
            on_parameter(name)
        tensor = of.read(name)
        one = look(name, tensor, roles[name], depths, after.get(name.removesuffix(".weight")))
        moved = None
        if reference is not None and reference.shapes.get(name) == of.shapes[name]:
            moved = movement(tensor, reference.read(name))
        seen.append(replace(one, record=replace(one.record, moved=moved, tied_to=of.tied.get(name, ""))))
    found = findings(seen)
    if reference is not None:
        found += unmatched(of, reference)
    return Audit(
        of.name,
        "" if reference is None else reference.name,
        tuple(one.record for one in seen),
        tuple(replace(one, known=(one.code, one.parameter) in accepted) for one in found),
        of.model is not None,
    )


def look(name: str, tensor: Tensor, role: Role, depths: Iterable[int], after: ActivationRecord | None) -> Seen:
    """One parameter."""
    shape, dtype, eps = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), spacing(tensor)
    tensor = countable(tensor)
    some = sample(tensor)
    of = moments(tensor, some, role.kind == EMBEDDING, eps)
    scheme = None
    if role.kind != STATISTIC:
        scheme = pattern(tensor, of, some, role) or recognized(of, some, role, depths)
    gain = None if role.fan_in is None else of.rms * math.sqrt(role.fan_in)
    mistaken = None
    if role.fan_in is not None and role.kind in MAPS:
        mistaken = {fan: of.rms * math.sqrt(size) for fan, (size, _) in sizes(role).items() if fan != "fan_in"}
    forward, backward = (None, None) if after is None or gain is None else factors(after)
    record = ParameterRecord(
        name,
        shape,
        dtype,
        role.kind,
        of.count,
        of.mean,
        of.std,
        of.rms,
        of.low,
        of.high,
        of.not_finite,
        of.zeros,
        of.kurtosis,
        role.fan_in,
        role.fan_out,
        gain,
        mistaken,
        scheme,
        "" if after is None else after.name,
        None if forward is None or gain is None else gain * forward,
        None if backward is None or role.fan_out is None else of.rms * math.sqrt(role.fan_out) * backward,
    )
    rows = role.kind in (*MAPS, EMBEDDING) and tensor.ndim >= 2 and not of.not_finite and of.low < of.high
    zero_rows = int((tensor.reshape(len(tensor), -1).count_nonzero(1) == 0).sum()) if rows and of.zeros else 0
    alike = [group for group in equal_rows(tensor, eps) if tensor[group[0]].any()] if rows else []
    head = next(pieces(tensor, HEAD), torch.zeros(0)).clone().numpy()  # no view, which would keep the tensor
    masking = of.low == of.high == 0 and int(torch.isneginf(tensor).sum()) == of.not_finite
    return Seen(record, role, alike, zero_rows, of.distinct, digest(tensor), head, masking)


def countable(tensor: Tensor) -> Tensor:
    """A tensor of a dtype that PyTorch counts and compares in: complex numbers as pairs, float8 as float32."""
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj())
    if tensor.dtype == torch.bool:
        return tensor.to(torch.uint8)
    return tensor.float() if tensor.is_floating_point() and tensor.dtype.itemsize < 2 else tensor


def digest(tensor: Tensor) -> bytes:
    """Of shape, dtype and all bytes."""
    found = hashlib.blake2b(f"{tuple(tensor.shape)} {tensor.dtype}".encode(), digest_size=16)
    row = tensor.contiguous().reshape(-1)
    for first in range(0, row.numel(), PIECE):
        found.update(row[first : first + PIECE].view(torch.uint8).numpy().data)
    return found.digest()


def movement(tensor: Tensor, reference: Tensor) -> Moved:
    """How far a parameter is from its reference."""
    difference = size = 0.0
    identical = tensor.dtype == reference.dtype
    for piece, before in zip(pieces(countable(tensor)), pieces(countable(reference)), strict=True):
        # NaN is where it was, too.
        identical = identical and bool(((piece == before) | (piece.isnan() & before.isnan())).all())
        difference += float((piece - before).square().sum())
        size += float(before.square().sum())
    distance = math.sqrt(difference / size) if size else math.inf if difference else 0.0
    return Moved(identical, 0.0 if identical else distance)


def depths_of(names: Iterable[str]) -> list[int]:
    """How many blocks there may be: how many numbers stand at the same place of names."""
    places: dict[str, set[str]] = {}
    for name in names:
        for match in NUMBERED.finditer(name):
            places.setdefault(name[: match.start(1)], set()).add(match[1])
    return sorted({len(numbers) for numbers in places.values()}, reverse=True)[:DEPTHS]


def unmatched(of: Checkpoint, reference: Checkpoint) -> list[Finding]:
    """Parameters that cannot be compared."""
    found = []
    for name in dict.fromkeys((*of.shapes, *reference.shapes)):
        here, there = of.shapes.get(name), reference.shapes.get(name)
        if here is not None and there is not None and here != there:
            said = phrase("audit.unmatched.shape", here=str(here), there=str(there))
        elif here is None or there is None:
            said = phrase("audit.unmatched.missing", where=reference.name if there is None else of.name)
        else:
            continue
        found.append(Finding("unmatched", NOTE, name, said))
    return found


def known_findings(path: Path) -> set[tuple[str, str]]:
    """Code and parameter of the findings in the JSON of an earlier audit.

    Raises
    ------
    CheckpointError
        The file cannot be read, or is something else.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["findings"]
        return {(str(one["code"]), str(one["parameter"])) for one in listed}
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(f"{path}: expected the JSON of an audit, with its findings") from None
