"""Every kernel with operands that lie in every way: empty, unaligned, backwards, with gaps, read-only, swapped.

Against the reference, which NumPy computes; what is written lies as the kernel wants it, or is refused before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.kernels import reference
from tinygrad_init.kernels.backend import kernels

pytestmark = pytest.mark.skipif(tgi.BACKEND != "compiled", reason="compares the C kernels with the reference")
DTYPES = ["float32", "float64"]
SHAPES = [(0,), (5,), (0, 3), (3, 0), (4, 3), (2, 0, 3), (2, 3, 2), (1, 1)]


def unaligned(x: Any) -> Any:
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    found = memory.view(x.dtype).reshape(x.shape) if x.size else x
    found[...] = x
    return found


def read_only(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: x,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "all axes backwards": lambda x: np.flip(np.flip(x).copy()),
    "gaps": lambda x: np.repeat(x, 3, axis=-1)[..., ::3],
    "fortran": np.asfortranarray,
    "unaligned": unaligned,
    "read-only": read_only,
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
}
laid = pytest.mark.parametrize("layout", LAYOUTS)


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape).astype(dtype)


def agree(found: Any, expected: Any, dtype: str) -> None:
    assert found.shape == expected.shape and found.dtype == np.dtype(dtype)
    np.testing.assert_allclose(
        found, expected, 1e-4 if dtype == "float32" else 1e-11, 1e-6 if dtype == "float32" else 0
    )


@laid
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_elementwise(shape: tuple[int, ...], dtype: str, layout: str) -> None:
    lay, x, y = LAYOUTS[layout], numbers(shape, dtype), numbers(shape, dtype, 1)
    for name in kernels.READS:
        params = (0.3,) if name in ("leaky_relu", "elu") else ()
        expected = reference.unary(name, x, *params)
        agree(kernels.unary(kernels.code(name), lay(x), *params), expected, dtype)
        kept = expected if kernels.READS[name] == "out" else x
        plain = kernels.unary_vjp(kernels.code(name), y, kept, *params)
        agree(kernels.unary_vjp(kernels.code(name), lay(y), lay(kept), *params), plain, dtype)
    for name, code in [*kernels.FUNCTIONS.items(), *kernels.RELATIONS.items()]:
        if name in kernels.READS:
            continue
        expected = reference.binary(name, x, y)
        agree(kernels.binary(code, lay(x), lay(y)), expected, dtype)
        agree(kernels.binary(code, lay(x), y), expected, dtype)
        for other in (numbers(shape[-1:], dtype, 2), numbers((*shape[:-1], 1), dtype, 3)):  # stretched
            agree(kernels.binary(code, lay(x), lay(other)), reference.binary(name, x, other), dtype)
            agree(kernels.binary(code, lay(other), lay(x)), reference.binary(name, other, x), dtype)
        for i in range(2) if name not in kernels.RELATIONS else ():
            plain = kernels.binary_vjp(code, i, y, x, y, expected)
            agree(kernels.binary_vjp(code, i, lay(y), lay(x), lay(y), lay(expected)), plain, dtype)


@laid
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_reductions(shape: tuple[int, ...], dtype: str, layout: str) -> None:
    x = numbers(shape, dtype)
    axes = [(), tuple(range(len(shape))), *((i,) for i in range(len(shape)))]
    for name, code in kernels.REDUCTIONS.items():
        for over in axes:
            count = int(np.prod([shape[a] for a in over]))
            if count == 0 and name in ("max", "min"):
                continue
            for keep in (False, True):
                expected = reference.reduce(x, code, over, keep)
                agree(kernels.reduce(LAYOUTS[layout](x), code, over, keep), expected, dtype)


@laid
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "sizes", [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0), (1, 1, 1), (5, 4, 3), (40, 33, 70), (130, 2, 90)]
)
def test_products(sizes: tuple[int, int, int], dtype: str, layout: str) -> None:
    lay, (m, k, n) = LAYOUTS[layout], sizes
    x, y, bias = numbers((m, k), dtype), numbers((k, n), dtype, 1), numbers((n,), dtype, 2)
    agree(kernels.matmul(lay(x), lay(y)), reference.matmul(x, y), dtype)
    agree(kernels.matmul(x, lay(y.T.copy()).T), reference.matmul(x, y), dtype)
    agree(kernels.linear(lay(x), lay(y.T.copy()), lay(bias)), reference.linear(x, y.T, bias), dtype)


@laid
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 3), (300, 2), (4, 70)])
def test_cross_entropy(shape: tuple[int, int], dtype: str, layout: str) -> None:
    lay, logits, g = LAYOUTS[layout], numbers(shape, dtype), numbers(shape[:1], dtype, 1)
    labels = np.random.default_rng(2).integers(0, shape[1], shape[0])
    agree(kernels.cross_entropy(lay(logits), lay(labels)), reference.cross_entropy(logits, labels), dtype)
    expected = reference.cross_entropy_vjp(g, logits, labels)
    agree(kernels.cross_entropy_vjp(lay(g), lay(logits), lay(labels)), expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("large", [1e4, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("columns", [1, 2, 3, 20])
def test_cross_entropy_of_logits_that_are_large_or_no_numbers(columns: int, large: float, dtype: str) -> None:
    """In any class, and in all of them, over two blocks of rows."""
    logits = numbers((300, columns), dtype)
    for row in range(1, 300, 2):
        logits[row, row // 2 % columns] = large
    logits[[7, 299]] = large
    labels, g = np.random.default_rng(2).integers(0, columns, 300), numbers((300,), dtype, 1)
    with np.errstate(all="ignore"):
        agree(kernels.cross_entropy(logits, labels), reference.cross_entropy(logits, labels), dtype)
        expected = reference.cross_entropy_vjp(g, logits, labels)
    agree(kernels.cross_entropy_vjp(g, logits, labels), expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_steps_of_gradient_descent(momentum: float, nesterov: bool, decay: float, dtype: str) -> None:
    """Several after each other: weights and velocity, if there is one, and beside the formula."""
    pairs = [[numbers((37,), dtype), np.zeros(37, dtype) if momentum else None] for _ in range(2)]
    w, v = numbers((37,), "float64").astype(dtype).astype(np.float64), np.zeros(37)
    for i in range(4):
        g = numbers((37,), dtype, i + 1) - np.dtype(dtype).type(1.0)
        for kernel, (weight, velocity) in zip((kernels, reference), pairs, strict=True):
            kernel.sgd(weight, g, velocity, 0.1, momentum, nesterov, decay)
        slope = g + decay * w
        v = momentum * v + slope
        w = w - 0.1 * (slope + momentum * v if nesterov else v)
        for weight, velocity in pairs:
            agree(weight, w, dtype)
            assert (velocity is None) == (momentum == 0)
            if velocity is not None:
                np.testing.assert_allclose(velocity, v, 1e-4, 1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("decoupled", [False, True])
def test_steps_of_adam(decoupled: bool, decay: float, dtype: str) -> None:
    """The same, with moments and powers."""
    pairs = [[numbers((37,), dtype), np.zeros(37, dtype), np.zeros(37, dtype), np.ones(2)] for _ in range(2)]
    w = numbers((37,), dtype).astype(np.float64)
    m, v = np.zeros(37), np.zeros(37)
    for i in range(4):
        g = numbers((37,), dtype, i + 1)
        for kernel, state in zip((kernels, reference), pairs, strict=True):
            kernel.adam(*(state[0], g, *state[1:]), 0.1, 0.8, 0.95, 1e-3, decay, decoupled)
        slope = g + (0.0 if decoupled else decay) * w
        w = w * (1.0 - 0.1 * decay) if decoupled else w
        m, v = 0.8 * m + 0.2 * slope, 0.95 * v + 0.05 * slope**2
        w = w - 0.1 * (m / (1 - 0.8 ** (i + 1))) / (np.sqrt(v / (1 - 0.95 ** (i + 1))) + 1e-3)
        for weight, first, second, powers in pairs:
            agree(weight, w, dtype)
            agree(first, m, dtype)
            agree(second, v, dtype)
            np.testing.assert_allclose(powers, [0.8 ** (i + 1), 0.95 ** (i + 1)], 1e-14)


@laid
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_updates(n: int, dtype: str, layout: str) -> None:
    lay, w, g = LAYOUTS[layout], numbers((n,), dtype), numbers((n,), dtype, 1)
    mine, theirs, v, u = w.copy(), w.copy(), np.zeros(n, dtype), np.zeros(n, dtype)
    kernels.sgd(mine, lay(g), v, 0.1, 0.9, False, 0.01)
    reference.sgd(theirs, g, u, 0.1, 0.9, False, 0.01)
    agree(mine, theirs, dtype)
    states = [[np.zeros(n, dtype), np.zeros(n, dtype), np.ones(2)] for _ in range(2)]
    kernels.adam(mine, lay(g), *states[0], 0.1, 0.9, 0.999, 1e-8, 0.01, True)
    reference.adam(theirs, g, *states[1], 0.1, 0.9, 0.999, 1e-8, 0.01, True)
    agree(mine, theirs, dtype)
    target = lay(w)
    if n > 1 and not (target.flags.carray and target.dtype.isnative):  # what is written must lie as it should
        before = np.array(target)
        with pytest.raises((TypeError, ValueError)):
            kernels.sgd(target, g, None, 0.1, 0.0, False, 0.0)
        assert np.array_equal(before, target)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_operand_that_is_another_one_turned(dtype: str) -> None:
    x = numbers((6, 6), dtype)
    for name in ("add", "mul", "maximum"):
        agree(kernels.binary(kernels.code(name), x, x.T), reference.binary(name, x, x.T), dtype)
        agree(kernels.binary(kernels.code(name), x[::-1], x), reference.binary(name, x[::-1], x), dtype)
    agree(kernels.matmul(x, x.T), reference.matmul(x, x.T), dtype)
    agree(kernels.matmul(x[1:], x[:, :-1]), reference.matmul(x[1:], x[:, :-1]), dtype)
