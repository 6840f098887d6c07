"""Products with Jacobians from both sides, vector spaces, and the rules of primitives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init.trees import filled, form_of, leaves_of, rebuilt

from .tracer import defvjp as defvjp
from .tracer import defvjp_argnum as defvjp_argnum
from .tracer import defvjp_argnums as defvjp_argnums
from .tracer import primitive as primitive
from .tracer import primitive_vjps as primitive_vjps
from .values import like, plain, tensor, tensors


class Traced:
    """A function of tensors that returns tensors; what it returned itself is kept."""

    def __init__(self, fun: Callable[[Any], Any]) -> None:
        self.fun = fun
        self.output: Any = None

    def __call__(self, x: Any) -> Any:
        self.output = self.fun(x)
        return tensors(self.output)

    def released(self, value: Any) -> Any:
        """The output with the leaves of another tree in place of its tensors."""
        pairs = zip(leaves_of(self.output), leaves_of(value), strict=True)
        return plain(filled(self.output, [new if hasattr(old, "detach") else old for old, new in pairs]))


def make_vjp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """What pulls a cotangent back, and the value."""
    traced = Traced(fun)
    value, pull = tgi.func.vjp(traced, tensors(x))
    return lambda g: plain(pull(like(g, value))[0]), traced.released(value)


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """What gives the value and pushes a tangent forward."""

    def jvp(v: Any) -> tuple[Any, Any]:
        traced, at = Traced(fun), tensors(x)
        value, tangent = tgi.func.jvp(traced, (at,), (like(v, at),))
        return traced.released(value), plain(tangent)

    return jvp


class VSpace:
    """The space that a value lies in: an array's, or that of nested lists, tuples and dictionaries of arrays."""

    def __init__(self, value: Any) -> None:
        self.zero = rebuilt(value, _zero)
        self.form = form_of(value), [np.shape(x) for x in leaves_of(self.zero)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VSpace) and self.form == other.form

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"VSpace of {self.form}"

    @property
    def shape(self) -> Any:
        return np.shape(self.zero)

    @property
    def size(self) -> int:
        return sum(np.size(x) for x in leaves_of(self.zero))

    def zeros(self) -> Any:
        return rebuilt(self.zero, np.copy)

    def ones(self) -> Any:
        return rebuilt(self.zero, lambda x: (x + 1.0)[()])

    def randn(self) -> Any:
        return rebuilt(self.zero, lambda x: np.asarray(np.random.randn(*np.shape(x)), x.dtype)[()])  # noqa: NPY002

    def standard_basis(self) -> Iterator[Any]:
        flat = [np.zeros(x.shape, x.dtype) for x in leaves_of(self.zero)]
        for i, x in enumerate(flat):
            for place in np.ndindex(*x.shape):
                one = x.copy()
                one[place] = 1.0
                yield filled(self.zero, [*flat[:i], one, *flat[i + 1 :]])

    def add(self, x: Any, y: Any) -> Any:
        return filled(x, [a + b for a, b in zip(leaves_of(x), leaves_of(y), strict=True)])

    def scalar_mul(self, x: Any, a: Any) -> Any:
        return rebuilt(x, lambda v: v * a)

    def inner_prod(self, x: Any, y: Any) -> Any:
        return sum(np.sum(a * b) for a, b in zip(leaves_of(x), leaves_of(y), strict=True))

    def covector(self, x: Any) -> Any:
        return x


def _zero(x: Any) -> Any:
    if isinstance(x, bool | str) or not isinstance(x, float | int | complex | np.number | np.ndarray | tgi.Tensor):
        raise TypeError(f"there is no vector space of values of type {type(x).__name__}")
    return np.zeros(np.shape(x), tensor(x).dtype)


def vspace(value: Any) -> VSpace:
    return VSpace(value)
