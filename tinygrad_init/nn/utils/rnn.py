"""Sequences of different lengths for recurrent networks: padded to one length, or packed without padding.

In a packed sequence the longest comes first, and all first steps stand before all second ones: at each step those that
have not ended are the first so many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.discrete import discrete
from ...engine.modes import mode
from ...engine.operands import as_tensors
from ...engine.storage import Storage, operand
from ...engine.tensor import Tensor
from ...ops.elementwise import where
from ...ops.registry import Array
from ...ops.shape import concatenate, getitem, put_add, swapaxes, whole


class PackedSequence(NamedTuple):
    """Sequences of different lengths without padding; made by `pack_padded_sequence` and `pack_sequence`.

    Attributes
    ----------
    data
        Of shape (steps of all sequences together, ...).
    batch_sizes
        At each step how many sequences have not ended.
    sorted_indices
        Which of the given sequences stands at each place in order of length; None if they came in this order.
    unsorted_indices
        At which place each of the given sequences stands.
    """

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None

    @property
    def lengths(self) -> Array:
        """The lengths, the longest first."""
        sizes = _known("PackedSequence", self.batch_sizes)
        return (sizes > np.arange(sizes[0])[:, np.newaxis]).sum(1)


def _known(name: str, values: Any) -> Array:
    """Whole numbers that shapes depend on; in a captured function such as are part of the program.

    Raises
    ------
    TypeError
        They are no whole numbers.
    """
    found = operand(values) if isinstance(values, Storage) else values
    if hasattr(found, "recorder") and found.value is None:
        mode.trace.refuse(f"{name}: lengths of sequences, which results are as long as, are known only in the run")
    found = np.asarray(found.value if hasattr(found, "recorder") else found)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected whole numbers as lengths, got {found.dtype}")
    return found.astype(np.int64)


def _steps(lengths: Array) -> tuple[Array, Array]:
    """Of each packed row the step and the sequence, from lengths that do not grow."""
    steps, samples = np.nonzero(np.arange(lengths[0])[:, np.newaxis] < lengths)
    return steps, samples


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Sequences that are padded to one length, without their padding.

    Parameters
    ----------
    input
        Of shape (steps, samples, ...), or (samples, steps, ...) with `batch_first`.
    lengths
        Of each sequence, at least 1.
    enforce_sorted
        Whether an order that is not by length is an error; else they are put in order, and what comes out is put back.

    Raises
    ------
    ValueError
        Lengths do not fit, or are not in order and should be.
    """
    name = "pack_padded_sequence"
    (x,) = as_tensors(name, (input,))
    if x.ndim < 2:
        raise ValueError(f"{name}: expected (steps, samples, ...), got shape {x.shape}")
    x = swapaxes(x, 0, 1) if batch_first else x
    found = _known(name, lengths)
    if found.shape != (x.shape[1],) or found.size == 0 or found.min() < 1 or found.max() > x.shape[0]:
        raise ValueError(f"{name}: expected {x.shape[1]} lengths from 1 to {x.shape[0]}, got {found.tolist()}")
    if enforce_sorted and np.any(np.diff(found) > 0):
        raise ValueError(
            f"{name}: expected the longest sequence first, got lengths {found.tolist()}; enforce_sorted=False puts "
            "them in order"
        )
    order = np.argsort(-found, kind="stable")
    steps, samples = _steps(found[order])
    sizes = discrete(np.bincount(steps))
    data = getitem(x, (steps, order[samples]))
    return PackedSequence(data, sizes, *([] if enforce_sorted else [discrete(order), discrete(np.argsort(order))]))


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of shape (steps, ...), packed; see `pack_padded_sequence`."""
    lengths = [len(sequence) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), np.array(lengths, np.int64), enforce_sorted=enforce_sorted)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """Packed sequences with padding, in the order in which they were given, and their lengths.

    Parameters
    ----------
    batch_first
        Whether the result has shape (samples, steps, ...) instead of (steps, samples, ...).
    padding_value
        What stands behind the ends.
    total_length
        How many steps the result has; as many as the longest unless given.

    Raises
    ------
    ValueError
        A sequence is longer than that.
    """
    name = "pad_packed_sequence"
    lengths = sequence.lengths
    n = int(lengths[0]) if total_length is None else whole(name, "total_length", total_length)
    if n < lengths[0]:
        raise ValueError(f"{name}: expected total_length of at least {lengths[0]}, the longest sequence, got {n}")
    steps, samples = _steps(lengths)
    order = None if sequence.sorted_indices is None else _known(name, sequence.sorted_indices)
    if order is not None:
        samples, lengths = order[samples], lengths[np.argsort(order)]
    out = _spread(sequence.data, (n, len(lengths)), (steps, samples), padding_value)
    return (swapaxes(out, 0, 1) if batch_first else out), discrete(lengths)


def _spread(data: Any, lead: tuple[int, int], index: tuple[Array, Array], value: float) -> Any:
    """Rows laid out along two axes, and a number where there is none."""
    (data,) = as_tensors("pad_packed_sequence", (data,))
    shape = (*lead, *data.shape[1:])
    if not isinstance(data, Tensor):
        out = np.full(shape, value, data.dtype)
        out[index] = operand(data)
        return discrete(out)
    laid = put_add(data, shape, index)
    if value == 0.0:
        return laid
    taken = np.zeros(lead, bool)
    taken[index] = True
    return where(taken.reshape((*lead, *(1,) * (data.ndim - 1))), laid, value)


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences of shape (steps, ...) made equally long, side by side.

    Parameters
    ----------
    batch_first
        Whether the result has shape (samples, steps, ...) instead of (steps, samples, ...).
    padding_value
        What is laid behind them, or before them with `padding_side` "left".

    Raises
    ------
    ValueError
        There are none, or their other axes differ.
    """
    name = "pad_sequence"
    found = [as_tensors(name, (sequence,))[0] for sequence in sequences]
    if not found or any(x.ndim < 1 or x.shape[1:] != found[0].shape[1:] for x in found):
        raise ValueError(f"{name}: expected sequences (steps, ...) alike but in steps, got {[x.shape for x in found]}")
    if padding_side not in ("left", "right"):
        raise ValueError(f"{name}: expected padding_side 'left' or 'right', got {padding_side!r}")
    lengths = np.array([len(x) for x in found], np.int64)
    n = int(lengths.max())
    samples = np.repeat(np.arange(len(found)), lengths)
    starts = n - lengths if padding_side == "left" else np.zeros_like(lengths)
    steps = np.concatenate([np.arange(start, start + k) for start, k in zip(starts, lengths, strict=True)])
    rows = concatenate(found)
    lead, index = ((len(found), n), (samples, steps)) if batch_first else ((n, len(found)), (steps, samples))
    return _spread(rows, lead, index, padding_value)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences without what was laid behind them: the opposite of `pad_sequence`."""
    (x,) = as_tensors("unpad_sequence", (padded_sequences,))
    x = x if batch_first else swapaxes(x, 0, 1)
    return [x[i, : int(n)] for i, n in enumerate(_known("unpad_sequence", lengths))]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences of a packed one, in the order in which they were given: the opposite of `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
