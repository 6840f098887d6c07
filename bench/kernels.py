"""How close are the C kernels to what the processor can do? Products against its peak, the rest against its memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init.kernels import reference
from tinygrad_init.kernels.backend import BACKEND, kernels
from tinygrad_init.ops import REGISTRY

from . import streams
from .harness import OURS, LeftOut, Question, Row, Side
from .machine import peak
from .streams import CACHE, MEMORY, QUICK, RTOL, Place, read


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


def elementwise_row(name: str, dtype: str, place: Place, vjp: bool) -> Row:
    """An elementwise function, or the derivative kernel of one.

    The specification of a derivative is the operation's rule, which the engine follows when gradients are recorded.
    """
    operation = REGISTRY[name]
    is_unary = operation.spec.kind == "unary"
    count = place.size // np.dtype(dtype).itemsize
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
            rule = partial(tgi.grad, result, tensor, create_graph=True, gradients=g)
            yield Side("rule in ops", rule, lambda found: read(found[0].numpy()))
        elif is_unary:
            yield Side(OURS, partial(kernels.unary, code, x, *params), read)
            yield Side("reference", partial(reference.unary, name, x, *params), read)
        else:
            yield Side(OURS, partial(kernels.binary, code, x, y), read)
            yield Side("reference", partial(reference.binary, name, x, y), read)

    reads_one = kernels.READS[name] == "nothing" if vjp else is_unary
    kind, title = ("-vjp", " derivative") if vjp else ("", "")
    return streams.row(f"{name}{kind}", f"{name}{title}", dtype, place, 2 if reads_one else 3, build)


def unavailable() -> str:
    """The reference backend has no C kernels."""
    return "" if BACKEND == "compiled" else f"needs the compiled backend; this is TINYGRAD_INIT_BACKEND={BACKEND}"


def rows(quick: bool) -> list[Row]:
    """Products of several sizes; then every function of the C table, every derivative of one, and all other kernels."""
    if unavailable():
        return []
    dtypes = ("float32",) if quick else ("float32", "float64")
    found = [product_row(n, dtype) for dtype in dtypes for n in ((64,) if quick else (64, 128, 256, 512, 1024))]
    places = (QUICK,) if quick else (MEMORY, CACHE)
    for place in places:
        for name in kernels.FUNCTIONS:
            found += [elementwise_row(name, dtype, place, vjp=False) for dtype in dtypes]
            if name in kernels.READS:
                found += [elementwise_row(name, dtype, place, vjp=True) for dtype in dtypes]
    for dtype in dtypes:
        found += streams.rows(dtype, places)
    return found


QUESTION = Question(
    "kernels", "How close are the kernels to the machine?", rows, single_thread=True, unavailable=unavailable
)
