"""State as plain values: what JSON can say is said in JSON, arrays become tensors of the file, all else is refused.

What JSON has not is a dictionary with the key "!", which says what it is, and the key "of", which says of what.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.discrete import DiscreteTensor, discrete
from ..engine.tensor import Tensor

Array = np.ndarray[Any, Any]
TAG, DEEPEST = "!", 100


class Malformed(ValueError):
    """What stands in a file is not what this package writes there."""


def tagged(what: str, of: Any) -> dict[str, Any]:
    """Something that JSON has not."""
    return {TAG: what, "of": of}


def encode(value: Any, where: str, tensors: dict[str, Array], depth: int = 0) -> Any:
    """A value as JSON, with its arrays among the tensors, under the name of the place where they were.

    Raises
    ------
    TypeError
        There is something in it that is no plain value.
    ValueError
        It is nested too deeply.
    """
    if depth > DEEPEST:
        raise ValueError(f"save: {where} is nested more than {DEEPEST} deep")
    match value:
        case None | bool() | str():
            return value
        case np.generic():  # before float, which np.float64 is, too
            tensors[where] = np.asarray(value)
            return tagged("number", where)
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else tagged("float", str(float(value)))
        case Tensor() | DiscreteTensor():
            tensors[where] = numbers(value)
            return tagged("tensor", [where, value.requires_grad])
        case np.ndarray() if not isinstance(value, np.ma.MaskedArray):
            tensors[where] = value
            return tagged("array", where)
        case list() | tuple():
            inner = [encode(item, f"{where}/{i}", tensors, depth + 1) for i, item in enumerate(value)]
            return inner if isinstance(value, list) else tagged("tuple", inner)
        case Mapping() if all(isinstance(key, str) for key in value) and TAG not in value:
            return {key: encode(item, f"{where}/{key}", tensors, depth + 1) for key, item in value.items()}
        case Mapping() if all(isinstance(key, str | int) and not isinstance(key, bool) for key in value):
            pairs = [[key, encode(item, f"{where}/{key!r}", tensors, depth + 1)] for key, item in value.items()]
            return tagged("mapping", pairs)
    raise TypeError(
        f"save: {where} is of {type(value).__name__}; expected numbers, texts, arrays, and lists and dictionaries of "
        "them"
    )


def decode(said: Any, tensors: Mapping[str, Array], used: set[str], depth: int = 0) -> Any:
    """The value again; what tensors it has is noted in `used`.

    Raises
    ------
    Malformed
        It is not what `encode` makes.
    """
    if depth > DEEPEST:
        raise Malformed("it is nested too deeply")
    match said:
        case None | bool() | str() | int() | float():
            return said
        case list():
            return [decode(item, tensors, used, depth + 1) for item in said]
        case dict() if TAG not in said:
            return {key: decode(item, tensors, used, depth + 1) for key, item in said.items()}
        case {"!": "float", "of": "nan" | "inf" | "-inf" as text}:
            return float(text)
        case {"!": "tuple", "of": list() as items}:
            return tuple([decode(item, tensors, used, depth + 1) for item in items])
        case {"!": "mapping", "of": list() as pairs} if all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str | int) for pair in pairs
        ):
            return {key: decode(item, tensors, used, depth + 1) for key, item in pairs}
        case {"!": "array" | "number" as what, "of": str() as name} if name in tensors:
            used.add(name)
            if what == "array":
                return tensors[name].copy()
            if tensors[name].shape == ():
                return tensors[name][()]
        case {"!": "tensor", "of": [str() as name, bool() as learned]} if name in tensors:
            used.add(name)
            return tensor(tensors[name], learned)
    raise Malformed(f"{str(said)[:80]} means nothing here")


def numbers(value: Tensor | DiscreteTensor) -> Array:
    """The array of a tensor, of floats or of others."""
    return np.asarray(value.numpy() if isinstance(value, Tensor) else value)


def tensor(array: Array, learned: bool) -> Tensor | DiscreteTensor:
    """A tensor that was saved.

    Raises
    ------
    Malformed
        There are no tensors of that dtype.
    """
    if array.dtype.kind in "iub" and not learned:
        return discrete(array.copy())
    try:
        return Tensor(array.copy(), array.dtype, learned)
    except TypeError:
        raise Malformed(f"there are no tensors of {array.dtype}{' that learn' * learned}") from None


def record(said: Any, what: str, **kinds: Any) -> dict[str, Any]:
    """A dictionary with these keys and no others, each of its type.

    Raises
    ------
    Malformed
        It is something else.
    """
    if not isinstance(said, dict) or said.keys() != kinds.keys():
        raise Malformed(f"its {what} has not the parts {', '.join(kinds)}")
    for key, kind in kinds.items():
        if not isinstance(said[key], kind) or isinstance(said[key], bool):
            raise Malformed(f"the {key} of its {what} is of {type(said[key]).__name__}")
    return said
