"""What is given as samples and targets, looked at where it comes in: what is wrong with it is said there, not by what
breaks of it later."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor

Array = np.ndarray[Any, Any]


def pairs(name: str, x: Any, y: Any, least: int = 1) -> tuple[Array, Array]:
    """Samples and their targets as arrays of real numbers.

    Parameters
    ----------
    name
        What errors call the function that was given them.
    x, y
        Tensors, arrays, tables or nested sequences, the samples first.
    least
        How many samples there must be.

    Raises
    ------
    TypeError
        One is not made of real numbers, or is a single one.
    ValueError
        They differ in length, or are too short.
    """
    samples, targets = as_numbers(name, "x", x), as_numbers(name, "y", y)
    same_length(name, samples, targets, least)
    return samples, targets


def same_length(name: str, x: Any, y: Any, least: int = 1) -> None:
    """Raise unless there is a target for each sample, and as many of them as there must be."""
    lengths = []
    for what, values in (("x", x), ("y", y)):
        try:
            lengths.append(len(values))
        except TypeError:
            came = "None" if values is None else "a single number" if np.ndim(values) == 0 else type(values).__name__
            raise TypeError(f"{name}: expected {what} with the samples along its first axis, got {came}") from None
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"{name}: expected a target in y for each sample in x, got {lengths[0]} samples and {lengths[1]} targets"
        )
    if lengths[0] < least:
        raise ValueError(f"{name}: expected at least {least} sample{'s' * (least > 1)}, got {lengths[0] or 'none'}")


def as_numbers(name: str, what: str, values: Any) -> Array:
    """Real numbers as an array.

    Raises
    ------
    TypeError
        They are something else, or part of what they are would be lost; the message says how to make numbers of it.
    ValueError
        Nested sequences have different lengths.
    """
    if isinstance(values, Tensor):
        return values.numpy()
    parts = values if isinstance(values, list | tuple) else (values,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"{name}: {what} is masked, and the mask would be lost; say .filled(value), or leave out what is masked"
        )
    if hasattr(values, "toarray"):
        raise TypeError(f"{name}: {what} is sparse ({type(values).__name__}); expected all numbers: say .toarray()")
    try:
        found = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: expected {what} as nested sequences of equal lengths ({error})") from None
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected {what} as real numbers, got {_described(what, values, found)}")
    return found


def _described(what: str, values: Any, found: Array) -> str:
    """What came instead of real numbers, and what becomes numbers of it."""
    kind = found.dtype.kind
    kinds = sorted({type(item).__name__ for item in found.flat}) if kind == "O" else []
    if values is None:
        return "None"
    if kind in "US" or kinds == ["str"]:
        if what == "y":
            return (
                "text; names of classes become class numbers by classes, numbers = np.unique(names, "
                "return_inverse=True)"
            )
        return "text; say .astype(float) if it spells numbers"
    if kind == "V":
        return f"{found.dtype}; np.lib.recfunctions.structured_to_unstructured makes columns of its fields"
    if kind == "c":
        return f"{found.dtype}; take .real and .imag apart"
    if kind in "mM":
        return f"{found.dtype}; take the difference to one of them, divided by np.timedelta64(1, 'D')"
    if found.ndim == 0:
        return type(values).__name__
    return f"objects ({', '.join(kinds[:4])}); say .astype(float) if all are numbers, or take only the columns that are"


def require_fits(name: str, what: str, values: Array, dtype: Any) -> None:
    """Raise where a number that is finite would become infinite in the dtype of a model."""
    kind = np.dtype(dtype)
    if values.dtype.kind != "f" or values.dtype.itemsize <= kind.itemsize:
        return
    limit = float(np.finfo(kind).max)
    bad = np.argwhere(np.isfinite(values) & (np.abs(values) > limit))
    if len(bad):
        at = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name}: {what}[{', '.join(map(str, at))}] is {values[at]:g}, which does not fit into {kind} (up to "
            f"{limit:.3g}); scale {what}, or use a model of float64"
        )
