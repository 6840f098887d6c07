"""Whatever meets whatever: operators, NumPy's functions and methods, on both sides, eager, captured and run again.

Captured functions give what the function itself gives, or are refused with a sentence; so is the function itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

from .capturing import assert_same

# A right side that requires grad, one that does not, arrays that come as an argument or from the closure, numbers.
KINDS = ("parameter", "tensor", "argument", "tensor argument", "closure", "number", "0-d", "numpy number", "list")
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
    "<": operator.lt,
    ">=": operator.ge,
    "==": operator.eq,
    **{
        f"np.{name}": getattr(np, name)
        for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "matmul", "greater")
    },
    "+=": operator.iadd,
    "*=": operator.imul,
    "where": lambda x, y: tgi.where(np.array([[True, False], [False, True]]), x, y),
    "np.where": lambda x, y: np.where(np.array([[True, False], [False, True]]), x, y),
    "np.concatenate": lambda x, y: np.concatenate([x, y]),
    "np.stack": lambda x, y: np.stack([x, y]),
    "tgi.stack": lambda x, y: tgi.stack([x, y]),
    "maximum": tgi.maximum,
    "matmul": tgi.matmul,
    "mse": lambda x, y: tgi.mse(x, y),
    "linear": lambda x, y: tgi.linear(x, y),
    "copy_": lambda x, y: tgi.tensor(NUMBERS).copy_(y.detach() if isinstance(y, tgi.Tensor) else y),
}
NUMBERS = np.array([[1.5, 2.0], [0.5, 3.0]])


def values(run: int) -> dict[str, Any]:
    """A value of each kind, other ones in each run."""
    array = NUMBERS + run
    return {
        "argument": array,
        "tensor argument": tgi.tensor(array),
        "number": 2.0 + run,
        "0-d": np.array(1.25 + run),
        "numpy number": np.float64(2.5 + run),
        "list": array.tolist(),
    }


class World:
    """What a function finds outside, and the function."""

    def __init__(self, apply: Callable[[Any, Any], Any], left: str, right: str) -> None:
        self.parameter = tgi.tensor(NUMBERS, requires_grad=True)
        self.tensor, self.closure = tgi.tensor(NUMBERS), NUMBERS.copy()
        self.other = tgi.tensor(NUMBERS * 0.5, requires_grad=True)
        self.arguments = [kind for kind in (left, right) if kind in values(0)]
        parameter, tensor, closure, other = self.parameter, self.tensor, self.closure, self.other
        outside = {"parameter": parameter, "tensor": tensor, "closure": closure}

        def step(*given: Any) -> Any:
            found = list(given)
            x = outside[left] if left in outside else found.pop(0)
            y = outside[right] if right in outside else found.pop(0)
            if left == right == "parameter":
                y = other
            parameter.grad = other.grad = None
            out = apply(x, y)
            if isinstance(out, tgi.Tensor) and out.requires_grad:
                ((out * out).sum() + ((parameter - 1.0) ** 2).sum()).backward()
            return out

        self.step = step

    def run(self, step: Callable[..., Any], run: int) -> list[Any]:
        self.closure[...] = NUMBERS - run
        with tgi.no_grad():
            self.tensor.copy_(NUMBERS * (run + 1.0))
            self.parameter.copy_(NUMBERS + 2.0 * run)
        given = values(run)
        out = step(*[given[kind] for kind in self.arguments])
        out = out.detach() if isinstance(out, tgi.Tensor) else out
        return [out, self.parameter.grad, self.other.grad, self.tensor, self.closure]


def require_sentence(error: Exception) -> None:
    """An error says something: a sentence of this library's, or NumPy's or Python's about the operands."""
    if len(str(error)) < 15 or "NoneType" in str(error):
        raise AssertionError(f"no sentence: {error!r}")


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("right", KINDS)
@pytest.mark.parametrize("left", KINDS)
def test_pairs(left: str, right: str, name: str) -> None:
    with np.errstate(all="ignore"):
        eager, captured = (World(OPERATORS[name], left, right) for _ in range(2))
        program = tgi.capture(captured.step)
        for run in (0, 1, 2, 0):
            try:
                expected = eager.run(eager.step, run)
            except (TypeError, ValueError, RuntimeError) as error:
                require_sentence(error)
                if "list" not in (left, right):  # which is an array to a number that comes as an argument
                    with pytest.raises((TypeError, ValueError, RuntimeError)):
                        captured.run(program, run)
                return
            try:
                found = captured.run(program, run)
            except (tgi.CaptureError, TypeError) as error:
                require_sentence(error)
                return
            for mine, theirs in zip(found, expected, strict=True):
                assert (mine is None) == (theirs is None)
                if theirs is not None:
                    assert_same(mine, theirs, f"{left} {name} {right}, run {run}")


# Each way into a captured function without an operator beside it.
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{
        f"np.{name}": getattr(np, name)
        for name in ("exp", "tanh", "negative", "abs", "sqrt", "sum", "max", "transpose")
    },
    **{name: getattr(tgi, name) for name in ("exp", "relu", "sum", "mean", "logsumexp", "softmax", "transpose", "neg")},
    "[0]": lambda x: x[0],
    "[::-1]": lambda x: x[::-1],
    "[..., None]": lambda x: x[..., None],
    "reshape": lambda x: x.reshape(4),
    ".T": lambda x: x.T,
    ".sum()": lambda x: x.sum(),
    "-x": lambda x: -x,
    "x * x": lambda x: x * x,
    "tensor": lambda x: tgi.tensor(x) if not isinstance(x, tgi.Tensor) else x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", ["parameter", "tensor", "argument", "tensor argument", "closure"])
def test_functions_of_one(kind: str, name: str) -> None:
    def apply(x: Any, y: Any) -> Any:
        return FUNCTIONS[name](x) * y

    with np.errstate(all="ignore"):
        eager, captured = World(apply, kind, "parameter"), World(apply, kind, "parameter")
        program = tgi.capture(captured.step)
        for run in (0, 1, 2, 0):
            try:
                expected = eager.run(eager.step, run)
            except (TypeError, ValueError, RuntimeError) as error:
                require_sentence(error)
                return
            assert_same(captured.run(program, run), expected, f"{name} of {kind}, run {run}")


class TestNumbers:
    """Numbers that look alike and are not."""

    @pytest.mark.parametrize(("one", "other"), [(0.0, -0.0), (1, True), (1, 1.0), (2.0, np.float64(2.0)), (0, False)])
    def test_arguments(self, one: Any, other: Any) -> None:
        t = tgi.tensor([1.0, -1.0])
        program = tgi.capture(lambda x: (t / x, str(type(x)), x))
        with np.errstate(all="ignore"):
            for x in (one, other, one):
                assert_same(program(x)[0], t / x)
                if not isinstance(x, np.generic):
                    assert program(x)[1] == str(type(x))

    def test_nan_is_itself(self) -> None:
        t = tgi.tensor([1.0])
        program = tgi.capture(lambda x: t * x)
        for _ in range(40):  # and no program more: of those there would be a warning
            assert np.isnan(program(float("nan")).numpy())
        assert program.captures == 1

    def test_numbers_from_outside(self) -> None:
        t, k = tgi.tensor([1.0]), 0.0
        program = tgi.capture(lambda: t / k)
        assert program().item() == np.inf
        k = -0.0
        assert program().item() == -np.inf

    def test_whole_numbers_do_what_numpy_does_or_nothing(self) -> None:
        small = np.array([200, 100], np.uint8)
        program = tgi.capture(lambda x: tgi.tensor(x.astype(np.float64)) * 2.0)
        assert_same(program(small), tgi.tensor([400.0, 200.0], np.float64))
        with pytest.raises(tgi.CaptureError, match="uint8"):
            tgi.capture(lambda x: tgi.tensor((x + x).astype(np.float64)))(small)
        double = tgi.capture(lambda x: x * 3)
        assert double(np.array([1, -5])).tolist() == [3, -15]
        with pytest.raises(OverflowError, match=r"2\^53"):
            double(np.array([1, 2**60]))

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint32", "int64", "bool"])
    def test_results_keep_their_dtype(self, dtype: str) -> None:
        x = np.array([1, 0, 3]).astype(dtype)
        for function in (lambda x: x[::-1], lambda x: x.reshape(3, 1), lambda x: x[np.array([2, 0])], lambda x: x[1]):
            program = tgi.capture(function)
            assert_same(program(x), function(x))
            assert program(x).dtype == x.dtype

    def test_half_precision_is_refused_as_it_is_eagerly(self) -> None:
        half = np.ones(2, np.float16)
        with pytest.raises(TypeError):
            tgi.tensor([1.0, 2.0]) * half
        with pytest.raises(tgi.CaptureError, match="float16"):
            tgi.capture(lambda x: tgi.tensor([1.0, 2.0]) * x)(half)


def test_masks_are_not_lost() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    w = tgi.tensor([1.0, 2.0], np.float64, requires_grad=True)
    uses: list[Callable[[], Any]] = [
        lambda: tgi.tensor(masked),
        lambda: w * masked,
        lambda: masked * w,
        lambda: tgi.mse(w, masked),
        lambda: tgi.tensor([masked, masked]),
        lambda: w.detach().copy_(masked),
        lambda: tgi.capture(lambda x: w * x)(masked),
        lambda: tgi.capture(lambda: w * masked)(),
    ]
    for use in uses:
        with pytest.raises((TypeError, tgi.CaptureError), match="filled|its gradient would be lost"):
            use()
    kept = masked * tgi.tensor([1.0, 2.0], np.float64)  # NumPy's module for masks knows what to do
    assert isinstance(kept, np.ma.MaskedArray) and kept.mask.tolist() == [True, False]
