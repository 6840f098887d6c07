"""Running a function and its captured twin side by side, and comparing everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import settings

import tinygrad_init as tgi

Step = Callable[..., Any]
Build = Callable[[np.random.Generator], tuple[Step, Sequence[tgi.Tensor]]]

few = settings(max_examples=12)  # of what is drawn for each of many cases
# Fused steps round once where single ones round twice or more, and sums are added up in another order: each of the few
# dozen steps of a test moves the result by a few units in the last place of the largest number that takes part.
ULPS = 128


def leaf(array: Any, dtype: Any = np.float64) -> tgi.Tensor:
    return tgi.tensor(np.asarray(array), dtype, requires_grad=True)


def numbers(value: Any) -> Iterator[Any]:
    """All arrays, tensors and numbers in nested containers, as arrays of NumPy."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, dict):
        yield from numbers(list(value.values()))
    elif isinstance(value, tgi.Tensor):
        yield value.detach().numpy().copy()
    else:
        yield np.array(value) if isinstance(value, np.ndarray | np.generic) else value


def assert_same(found: Any, expected: Any, what: str = "", ulps: float = ULPS, terms: float = 0.0) -> None:
    """Equal shapes and dtypes, and numbers up to `ulps` units in the last place of the largest one.

    Where sums may cancel, the units are those of their terms: `terms` says how large those are.
    """
    for mine, theirs in zip(numbers(found), numbers(expected), strict=True):
        if not isinstance(theirs, np.ndarray):
            assert mine == theirs, what
            continue
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), what
        if theirs.dtype.kind != "f":
            np.testing.assert_array_equal(mine, theirs, what)
            continue
        largest = np.max(np.abs(theirs), initial=terms, where=np.isfinite(theirs))
        tolerance = ulps * float(np.finfo(theirs.dtype).eps)
        np.testing.assert_allclose(mine, theirs, tolerance, tolerance * largest, err_msg=what)


def check(
    build: Build, calls: Sequence[tuple[Any, ...]] = ((),) * 3, seed: int = 0, ulps: float = ULPS, terms: float = 0.0
) -> Any:
    """Run two equal worlds side by side, one captured, and compare everything after each call; returns the program."""
    step, tensors = build(np.random.default_rng(seed))
    function, copies = build(np.random.default_rng(seed))
    program = tgi.capture(function)
    for i, arguments in enumerate(calls):
        expected = step(*arguments)
        assert_same(program(*arguments), expected, f"results of call {i}", ulps, terms)
        for k, (mine, theirs) in enumerate(zip(copies, tensors, strict=True)):
            assert_same(mine, theirs, f"tensor {k} after call {i}", ulps, terms)
            assert (mine.grad is None) == (theirs.grad is None), f"gradient {k} after call {i}"
            if theirs.grad is not None:
                assert_same(mine.grad, theirs.grad, f"gradient {k} after call {i}", ulps, terms)
    return program


def derivatives(function: Callable[..., Any], leaves: Sequence[tgi.Tensor], rng: Any, order: int) -> Step:
    """A step that leaves the derivatives of some order of a weighted sum of results in `.grad`."""
    out = function(*leaves)
    weights = tgi.tensor(rng.normal(size=out.shape), out.dtype)
    inner = [tgi.tensor(rng.normal(size=x.shape), x.dtype) for x in leaves]

    def step() -> Any:
        for x in leaves:
            x.grad = None
        result = function(*leaves)
        loss = (result * weights).sum()
        if order == 2:
            slopes = tgi.grad(loss, leaves, create_graph=True)
            loss = sum(((g * g * w).sum() for g, w in zip(slopes, inner, strict=True)), loss * 0.0)
        loss.backward()
        return result.detach() if order == 2 else result

    return step
