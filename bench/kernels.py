"""How close are the C kernels to what the processor can do? Products against its peak, the rest against its memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import reference
from tinygrad_init.backend import BACKEND, kernels
from tinygrad_init.ops import REGISTRY

from .harness import OURS, Array, LeftOut, Question, Row, Side

RTOL = {"float32": 1e-5, "float64": 1e-10}
# Operands and result together are larger than the last cache of most processors, yet each is small enough for the
# allocator to reuse its memory (glibc returns what is above 32 MB to the system), so that no new page is paid for.
BYTES = 24 << 20
QUICK_BYTES = 1 << 16


@cache
def peak(dtype: str) -> float:
    """Floating-point operations a second of nothing but fused multiply-adds: the best of several tries."""
    repeats, taken, best = 1000, 0.0, 0.0
    while taken < 5e-3:
        repeats *= 2
        began = time.perf_counter()
        kernels.peak(dtype == "float32", repeats)
        taken = time.perf_counter() - began
    for _ in range(20):
        began = time.perf_counter()
        done = kernels.peak(dtype == "float32", repeats)
        best = max(best, done / (time.perf_counter() - began))
    return best


@cache
def bandwidth(size: int) -> float:
    """Bytes a second that a copy of `size` bytes reads and writes: the best of several tries.

    A yardstick, no limit: memory that is written is often read first, unseen, which weighs less on two operands.
    """
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    copies, taken, best = 1, 0.0, 0.0
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(copies):
            np.copyto(target, source)
        taken = time.perf_counter() - began
        best = max(best, 2 * size * copies / taken)
        if taken < 2e-3:
            copies *= 2
    return best


def read(out: Array) -> dict[str, Array]:
    """The result of a kernel."""
    return {"result": out}


def product_row(n: int, dtype: str) -> Row:
    """The product of two square matrices."""

    def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
        rng = np.random.default_rng(0)
        x, y = (rng.normal(size=(n, n)).astype(dtype) for _ in range(2))
        yield Side(OURS, partial(kernels.matmul, x, y), read)
        yield Side("NumPy", partial(np.matmul, x, y), read)

    def rates(seconds: float) -> dict[str, float]:
        rate = 2 * n**3 / seconds
        return {"GFLOP/s": rate / 1e9, "of FMA peak": rate / peak(dtype)}

    return Row(
        f"matmul-{n}-{dtype}",
        f"matmul {n}×{n}",
        dtype,
        build,
        RTOL[dtype],
        unit="product",
        rates=rates,
        limits=("of FMA peak",),
    )


def elementwise_row(name: str, dtype: str, size: int, vjp: bool) -> Row:
    """An elementwise function, or the derivative kernel of one.

    The specification of a derivative is the operation's rule, which the engine follows when gradients are recorded.
    """
    operation = REGISTRY[name]
    is_unary = operation.spec.kind == "unary"
    count = size // np.dtype(dtype).itemsize
    low, high = operation.spec.domain
    params = operation.defaults
    code = kernels.code(name)

    def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
        rng = np.random.default_rng(0)
        x, y = (rng.uniform(low, high, count).astype(dtype) for _ in range(2))
        if vjp:
            tensor = tgi.Tensor(x, requires_grad=True)
            result, g = operation(tensor, *params), tgi.Tensor(y)
            kept = result.numpy() if kernels.READS[name] == "out" else x
            yield Side(OURS, partial(kernels.unary_vjp, code, y, kept, *params), read)
            rule = partial(tgi.grad, result, tensor, True, gradients=g)
            yield Side("rule in ops", rule, lambda found: read(found.numpy()))
        elif is_unary:
            yield Side(OURS, partial(kernels.unary, code, x, *params), read)
            yield Side("reference", partial(reference.unary, name, x, *params), read)
        else:
            yield Side(OURS, partial(kernels.binary, code, x, y), read)
            yield Side("reference", partial(reference.binary, name, x, y), read)

    def rates(seconds: float) -> dict[str, float]:
        reads_one = kernels.READS[name] == "nothing" if vjp else is_unary
        arrays = 2 if reads_one else 3
        return {"of copy": arrays * size / seconds / bandwidth(size)}

    kind = "-vjp" if vjp else ""
    title = f"{name}{' derivative' if vjp else ''}"
    return Row(
        f"{name}{kind}-{dtype}", title, dtype, build, RTOL[dtype], unit="element", per=count, nano=True, rates=rates
    )


def unavailable() -> str:
    """The reference backend has no C kernels."""
    return "" if BACKEND == "compiled" else f"needs the compiled backend; this is TINYGRAD_INIT_BACKEND={BACKEND}"


def rows(quick: bool) -> list[Row]:
    """Products of several sizes, then every function of the C table and every derivative of one."""
    if unavailable():
        return []
    dtypes = ("float32",) if quick else ("float32", "float64")
    found = [product_row(n, dtype) for dtype in dtypes for n in ((64,) if quick else (64, 128, 256, 512, 1024))]
    size = QUICK_BYTES if quick else BYTES
    for name in kernels.FUNCTIONS:
        found += [elementwise_row(name, dtype, size, vjp=False) for dtype in dtypes]
        if name in kernels.READS:
            found += [elementwise_row(name, dtype, size, vjp=True) for dtype in dtypes]
    return found


QUESTION = Question(
    "kernels", "How close are the kernels to the machine?", rows, single_thread=True, unavailable=unavailable
)
