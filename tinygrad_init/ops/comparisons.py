"""Comparisons, tests and logic: what gives booleans, and what is done to the bits of whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import Storage, operand

__all__ = [
    "allclose", "array_equal", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "eq", "equal", "ge", "gt", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "le", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne",
]  # fmt: skip


def _named(name: str, doc: str, function: Callable[..., Any]) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    METHODS[name] = function
    return function


def _relation(name: str, sign: str, ufunc: Any) -> Any:
    def compared(x: Any, y: Any) -> Any:
        return discrete(ufunc(operand(x), operand(y)))

    return _named(name, f"Whether x {sign} y, element by element: a tensor of booleans.", compared)


eq = _relation("eq", "=", np.equal)
ne = _relation("ne", "≠", np.not_equal)
lt = _relation("lt", "<", np.less)
le = _relation("le", "≤", np.less_equal)
gt = _relation("gt", ">", np.greater)
ge = _relation("ge", "≥", np.greater_equal)


def _test(name: str, what: str, ufunc: Any) -> Any:
    def tested(x: Any) -> Any:
        return discrete(ufunc(operand(x)))

    return _named(name, f"Whether x is {what}, element by element: a tensor of booleans.", tested)


isfinite = _test("isfinite", "neither infinite nor NaN", np.isfinite)
isnan = _test("isnan", "NaN", np.isnan)
isinf = _test("isinf", "infinite", lambda x: (x == np.inf) | (x == -np.inf))
isposinf = _test("isposinf", "+∞", lambda x: x == np.inf)
isneginf = _test("isneginf", "-∞", lambda x: x == -np.inf)
isreal = _test("isreal", "a real number, as all are here", lambda x: np.ones(x.shape, bool))


def _truth(x: Any) -> Any:
    found = operand(x)
    return found if found.dtype == np.bool_ else found != 0


def _logic(name: str, sign: str, ufunc: Any) -> Any:
    def joined(x: Any, y: Any) -> Any:
        return discrete(ufunc(_truth(x), _truth(y)))

    return _named(name, f"x {sign} y, element by element, what is not zero being true.", joined)


logical_and = _logic("logical_and", "and", np.logical_and)
logical_or = _logic("logical_or", "or", np.logical_or)
logical_xor = _logic("logical_xor", "or else", np.logical_xor)


def logical_not(x: Any) -> Any:
    """Whether x is zero (false), element by element."""
    return discrete(np.logical_not(_truth(x)))


def _bits(name: str, doc: str, ufunc: Any) -> Any:
    def done(x: Any, *other: Any) -> Any:
        found = [operand(v) for v in (x, *other)]
        for v in found:
            if v.dtype.kind not in "biu":
                raise TypeError(f"{name}: expected whole numbers or booleans, got {v.dtype}")
        whole = [v for v in (x, *other) if not isinstance(v, int)]
        if len(whole) == 1 < len(found):  # a number of Python takes the dtype of what is beside it, as NumPy has it
            found = [v if isinstance(v, int) else operand(v) for v in (x, *other)]
        return discrete(ufunc(*found))

    return _named(name, doc, done)


bitwise_and = _bits("bitwise_and", "The bits that both have, of whole numbers or booleans.", np.bitwise_and)
bitwise_or = _bits("bitwise_or", "The bits that at least one has, of whole numbers or booleans.", np.bitwise_or)
bitwise_xor = _bits("bitwise_xor", "The bits that one alone has, of whole numbers or booleans.", np.bitwise_xor)
bitwise_not = _bits("bitwise_not", "The bits that x has not, of whole numbers or booleans.", np.invert)
bitwise_left_shift = _bits("bitwise_left_shift", "The bits of x moved up by y places.", np.left_shift)
bitwise_right_shift = _bits(
    "bitwise_right_shift", "The bits of x moved down by y places, the sign kept.", np.right_shift
)


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x - y| ≤ atol + rtol·|y|, element by element."""
    return discrete(np.asarray(np.isclose(operand(x), operand(y), rtol, atol, equal_nan)))


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds of all elements."""
    return bool(np.allclose(_read("allclose", x), _read("allclose", y), rtol, atol, equal_nan))


def array_equal(x: Any, y: Any) -> bool:
    """Whether both have the same shape and the same numbers; True or False, as `np.array_equal` and `torch.equal`."""
    return bool(np.array_equal(_read("equal", x), _read("equal", y)))


equal = array_equal


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element is among others: a tensor of booleans."""
    found = np.isin(_read("isin", elements), _read("isin", test_elements), assume_unique=assume_unique, invert=invert)
    return discrete(found)


def _read(name: str, x: Any) -> Any:
    return x._numbers(name) if isinstance(x, Storage) else operand(as_tensors(name, (x,))[0])


METHODS.update(
    allclose=allclose, array_equal=array_equal, equal=equal, isclose=isclose, isin=isin, logical_not=logical_not,
)  # fmt: skip
