"""Each C kernel against its NumPy twin, over shapes, strides, dtypes and extreme values, on every instruction set."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi
from tinygrad_init.kernels import reference
from tinygrad_init.ops.registry import REGISTRY

from ..strategies import dtypes, seeds, shapes

if tgi.BACKEND != "compiled":
    pytest.skip("the reference backend has no compiled kernels", allow_module_level=True)

from tinygrad_init.kernels import compiled as _kernels

PARAMS = {"leaky_relu": 0.01, "elu": 1.0}
EXTREMES = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-40,
    -1e-40,
    1e30,
    -1e30,
    88.8,
    -88.8,
    104.0,
    -104.0,
    1.0,
    -1.0,
    3.0,
    -3.0,
]

# Relative differences that two libraries' exp, tanh, erf ... may have in this dtype.
RTOL = {np.float32: 3e-6, np.float64: 1e-13}
ATOL = {np.float32: 1e-6, np.float64: 1e-15}


def test_both_backends_have_the_same_functions() -> None:
    assert set(_kernels.FUNCTIONS) == set(reference.UNARY) | set(reference.BINARY)
    assert set(_kernels.READS) == set(reference.UNARY)
    assert all(name in REGISTRY for name in _kernels.FUNCTIONS)


def values(dtype: Any) -> st.SearchStrategy[Any]:
    width = 32 if dtype == np.float32 else 64
    limit = float(np.float32(1e4))
    return st.one_of(st.floats(-limit, limit, width=width), st.sampled_from([float(dtype(v)) for v in EXTREMES]))


def lay_out(x: Any, how: str) -> Any:
    """The same numbers, lying otherwise in memory."""
    if how == "transposed" and x.ndim:
        return np.ascontiguousarray(x.T).T
    if how == "reversed" and x.ndim:
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if how == "strided" and x.ndim:
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), 7, x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if how == "unaligned":
        raw = np.zeros(x.nbytes + 1, np.uint8)
        shifted = raw[1:].view(x.dtype).reshape(x.shape)
        shifted[...] = x
        return shifted
    return x


layouts = st.sampled_from(["in a row", "transposed", "reversed", "strided", "unaligned"])


@pytest.mark.parametrize("name", sorted(reference.UNARY))
@given(data=st.data())
def test_unary(name: str, data: st.DataObject) -> None:
    dtype = data.draw(dtypes)
    x = lay_out(data.draw(hnp.arrays(dtype, shapes, elements=values(dtype))), data.draw(layouts))
    params = [PARAMS[name]] if name in PARAMS else []
    if name in ("sin", "cos"):  # reducing a huge argument is the C library's business, not ours
        x = np.where(np.abs(x) < 1e6, x, dtype(1.0))
    ours = _kernels.unary(_kernels.code(name), x, *params)
    theirs = reference.unary(name, x, *params)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=RTOL[dtype], atol=ATOL[dtype])


@pytest.mark.parametrize("name", sorted(reference.UNARY))
@given(data=st.data())
def test_unary_derivative_is_the_rule(name: str, data: st.DataObject) -> None:
    """The one-pass derivative of the C table and the differentiable rule are the same function, kinks included."""
    op = REGISTRY[name]
    dtype = data.draw(dtypes)
    params = [data.draw(st.sampled_from([0.01, 0.2, 1.0, 2.0]))] if op.param_names else []
    kinks = [float(kink) for kink in op.spec.kinks]
    x = data.draw(hnp.arrays(dtype, (5,), elements=st.floats(-20, 20, width=32) | st.sampled_from([0.0, -0.0, *kinks])))
    g = data.draw(hnp.arrays(dtype, (5,), elements=st.floats(-2, 2, width=32) | st.just(0.0)))
    t = tgi.tensor(x, requires_grad=True)
    fused = tgi.grad(op(t, *params), t, gradients=g)[0].numpy()
    by_rule = tgi.grad(op(t, *params), t, create_graph=True, gradients=g)[0].numpy()
    # A rule is up to ten rounded operations, each of a relative error eps and on numbers of up to about 20.
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(fused, by_rule, rtol=200 * eps, atol=200 * eps)


@pytest.mark.parametrize("name", sorted(reference.BINARY))
@given(data=st.data())
def test_binary(name: str, data: st.DataObject) -> None:
    dtype = data.draw(dtypes)
    drawn = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=4, max_dims=4))
    x, y = (
        lay_out(data.draw(hnp.arrays(dtype, shape, elements=values(dtype))), data.draw(layouts))
        for shape in drawn.input_shapes
    )
    ours = _kernels.binary(_kernels.code(name), x, y)
    theirs = reference.binary(name, x, y)
    assert ours.shape == drawn.result_shape
    np.testing.assert_allclose(ours, theirs, rtol=RTOL[dtype])


@pytest.mark.parametrize("name", sorted(_kernels.FUNCTIONS))
@given(data=st.data())
def test_bare_numbers_and_arrays_agree(name: str, data: st.DataObject) -> None:
    """A 0-d tensor takes a way without arrays; values and gradients are those of an array of one element."""
    op = REGISTRY[name]
    numbers = [data.draw(st.floats(*op.spec.domain)) for _ in range(op.arity)]
    bare = [tgi.tensor(v, "float64", requires_grad=True) for v in numbers]
    arrays = [tgi.tensor([v], "float64", requires_grad=True) for v in numbers]
    np.testing.assert_allclose(op(*bare).item(), op(*arrays).item(), rtol=1e-13, atol=1e-300)
    for one, other in zip(tgi.grad(op(*bare), bare), tgi.grad(op(*arrays).sum(), arrays), strict=True):
        np.testing.assert_allclose(one.item(), other.item(), rtol=1e-12, atol=1e-300)


sizes = st.sampled_from([0, 1, 2, 3, 5, 8, 13, 16, 17, 48, 49, 97, 130])


@given(
    m=sizes,
    k=st.one_of(sizes, st.sampled_from([255, 256, 257, 600])),
    n=sizes,
    dtype=dtypes,
    seed=seeds,
    data=st.data(),
)
def test_matmul(m: int, k: int, n: int, dtype: Any, seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    ours = _kernels.matmul(lay_out(x, data.draw(layouts)), lay_out(y, data.draw(layouts)))
    exact = x.astype(np.longdouble) @ y.astype(np.longdouble)
    # The error bound of a sum of k products in any order (Higham 2002, eq. 3.5).
    bound = 2 * (k + 1) * np.finfo(dtype).eps * (np.abs(x).astype(np.longdouble) @ np.abs(y).astype(np.longdouble))
    assert ours.shape == (m, n) and ours.dtype == dtype
    assert np.all(np.abs(ours - exact) <= bound)


@given(m=sizes, k=sizes, n=sizes, dtype=dtypes, seed=seeds)
def test_linear(m: int, k: int, n: int, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, b = (rng.normal(size=shape).astype(dtype) for shape in ((m, k), (n, k), (n,)))
    exact = x.astype(np.longdouble) @ w.T.astype(np.longdouble) + b
    size = np.abs(x).astype(np.longdouble) @ np.abs(w.T) + np.abs(b)
    assert np.all(np.abs(_kernels.linear(x, w, b) - exact) <= 2 * (k + 2) * np.finfo(dtype).eps * size)
    np.testing.assert_allclose(
        reference.linear(x, w, b), exact.astype(dtype), atol=1e-4 * (dtype == np.float32) + 1e-12
    )


def test_a_product_with_what_is_not_finite() -> None:
    x = np.array([[np.inf, 1.0], [np.nan, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(_kernels.matmul(x, np.eye(2)), reference.matmul(x, np.eye(2)))


def test_results_repeat_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 300)), rng.normal(size=(300, 70))
    first = _kernels.matmul(x, y)
    assert all(np.array_equal(first, _kernels.matmul(x, y)) for _ in range(5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: _kernels.matmul(np.zeros((2, 3)), np.zeros((2, 3))),
        lambda: _kernels.matmul(np.zeros(3), np.zeros((3, 3))),
        lambda: _kernels.matmul(np.zeros((2, 3)), np.zeros((3, 2), np.float32)),
        lambda: _kernels.linear(np.zeros((2, 3)), np.zeros((4, 3)), np.zeros(3)),
        lambda: _kernels.unary(0, np.zeros(3, np.int64)),
        lambda: _kernels.unary(1000, np.zeros(3)),
        lambda: _kernels.unary(-1, np.zeros(3)),
        lambda: _kernels.binary(0, np.zeros(3), np.zeros(3)),
        lambda: _kernels.binary(_kernels.code("add"), np.zeros(3), np.zeros(4)),
        lambda: _kernels.unary_vjp(1, np.zeros(3), np.zeros(4)),
        lambda: _kernels.unary(1, [1.0]),
        lambda: _kernels.unary(1, None),
    ],
)
def test_bad_input_is_refused_not_crashed_on(call: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        call()


def ones(*shape: int) -> Any:
    return np.ones(shape)


LABELS = np.array([0, 1])
CALLS: dict[str, tuple[Any, ...]] = {
    "unary": (1, ones(3), 0.0),
    "unary_vjp": (1, ones(3), ones(3), 0.0),
    "binary": (_kernels.code("add"), ones(3), ones(3)),
    "binary_with_number": (_kernels.code("add"), ones(3), 1.0, True),
    "binary_vjp": (_kernels.code("mul"), 0, ones(3), ones(3), ones(3), ones(3)),
    "add_into": (ones(3), ones(3)),
    "reduce": (ones(2, 3), 0, (0,), False),
    "matmul": (ones(2, 3), ones(3, 2)),
    "linear": (ones(2, 3), ones(4, 3), ones(4)),
    "cross_entropy": (ones(2, 3), LABELS),
    "cross_entropy_vjp": (ones(2), ones(2, 3), LABELS),
    "sgd": (ones(3), ones(3), ones(3), 0.1, 0.9, False, 0.0),
    "adam": (ones(3), ones(3), ones(3), ones(3), ones(2), 0.1, 0.9, 0.99, 1e-8, 0.0, False),
    "empty": ((2, 3), 1),
    "within": (ones(3), 0.0, 2.0),
}
ODD: tuple[Any, ...] = (
    None, [], [1.0], "x", b"x", 3, -1, 2**40, 1e300, float("nan"), object(), (), (0,), (5,), (-1,), (0, 0), (None,), {},
    True, np.ones(3, np.int64), np.ones(3, np.float32), ones(0), ones(2, 0), np.float64(3), ones(*(1,) * 64),
    ones(6)[::2], np.ones(3, ">f8"), np.ones(3, complex), np.array(None), ones(4), np.array([-1, 5]),
)  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_whatever_an_argument_is_nothing_crashes(name: str) -> None:
    """For Cython None is an array: reading it as one crashes now and then, by what lies behind it in memory."""
    getattr(_kernels, name)(*CALLS[name])
    refused = 0
    for i in range(len(CALLS[name])):
        for odd in ODD:
            arguments = (*CALLS[name][:i], odd, *CALLS[name][i + 1 :])
            try:
                getattr(_kernels, name)(*arguments)
            except (TypeError, ValueError, OverflowError):
                refused += 1
        if isinstance(CALLS[name][i], np.ndarray) and (name, i) not in {
            ("sgd", 2),
            *(("binary_vjp", j) for j in (3, 4, 5)),
        }:
            with pytest.raises((TypeError, ValueError)):
                getattr(_kernels, name)(*CALLS[name][:i], None, *CALLS[name][i + 1 :])
    assert refused


def test_sixty_four_axes() -> None:
    x = np.ones((1,) * 63 + (2,))
    np.testing.assert_array_equal(_kernels.binary(_kernels.code("add"), x, x), x + x)


def test_the_peak_is_counted() -> None:
    assert _kernels.peak(True, 10) == 2 * _kernels.peak(False, 10) > 0


@pytest.mark.parametrize("isa", _kernels.isas())
def test_every_instruction_set_passes(isa: str) -> None:
    """This file again, on kernels for another instruction set."""
    if isa == _kernels.ISA:
        pytest.skip("the one that runs anyway")
    if "TINYGRAD_INIT_ISA" in os.environ:
        pytest.skip("already inside such a run")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    run = subprocess.run(
        command, env={**os.environ, "TINYGRAD_INIT_ISA": isa}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_an_unknown_instruction_set_is_refused() -> None:
    command = [sys.executable, "-c", "import tinygrad_init"]
    run = subprocess.run(
        command, env={**os.environ, "TINYGRAD_INIT_ISA": "mmx"}, capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "TINYGRAD_INIT_ISA='mmx': this processor has" in run.stderr
