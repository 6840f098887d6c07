"""Small pieces of work whose instructions are counted; `python -m bench.instructions` runs this under valgrind.

Every workload is set up in a process of its own, forked from one that has imported everything: a start of Python under
valgrind takes longer than all the work. From there two processes are forked, which do the work n and 2n times; as both
began with the same count, the difference of their counts is that of n repetitions. A line of output says which process
did what: name, repetitions and process.

Only what the fork needs is imported before the imports themselves have been counted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

Work = Callable[[], Any]

IMPORT = "import"
WARM_UP = 25  # until eager code has its programs (`programs/replay.py`, `optim/repeating.py`)
OPERATIONS = 200


def in_child(work: Work) -> int:
    """Do something in a forked process, wait for it, and return its number."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"a process ended with status {os.waitstatus_to_exitcode(status)}")
    return child


def repeat(work: Work, times: int) -> None:
    """Do it so many times."""
    for _ in range(times):
        work()


def chain(shape: tuple[int, ...], dtype: str) -> Work:
    """200 operations of the eager engine and their derivatives."""
    from .chains import OPERATIONS_A_CYCLE, draw
    from .peers.ours import TinygradInit

    return side(TinygradInit(1).chain(draw(shape, dtype, OPERATIONS // OPERATIONS_A_CYCLE)), 0)


def network(widths: tuple[int, ...], batch: int, loss: str, eager: bool = False) -> Work:
    """A training step."""
    from .networks import Size, draw
    from .peers.ours import TinygradInit

    return side(TinygradInit(1).network(draw(Size("", "", widths, batch, loss, 0.01))), int(eager))


def side(sides: Any, i: int) -> Work:
    """What one of the sides does."""
    step: Work = list(sides)[i].step
    return step


def product(n: int) -> Work:
    """The product of two square matrices."""
    import numpy as np

    from tinygrad_init.kernels.backend import kernels

    x = np.ones((n, n), np.float32)
    return partial(kernels.matmul, x, x)


def elementwise(name: str, dtype: str) -> Work:
    """An elementwise function of 4096 numbers."""
    import numpy as np

    from tinygrad_init.kernels.backend import kernels

    return partial(kernels.unary, kernels.code(name), np.linspace(-3, 3, 4096, dtype=dtype))


# By name, how it is set up and how many repetitions are counted.
WORKLOADS: dict[str, tuple[Callable[[], Work], int]] = {
    "eager chain of arrays": (partial(chain, (10,), "float32"), 3),
    "eager chain of numbers": (partial(chain, (), "float64"), 3),
    "eager step 4-16-16-3": (partial(network, (4, 16, 16, 3), 32, "cross_entropy", eager=True), 5),
    "captured step 2-6-3-1": (partial(network, (2, 6, 3, 1), 100, "binary_cross_entropy_with_logits"), 20),
    "captured step 4-16-16-3": (partial(network, (4, 16, 16, 3), 32, "cross_entropy"), 20),
    "captured step 64-64-10": (partial(network, (64, 64, 10), 64, "cross_entropy"), 10),
    "product 64": (partial(product, 64), 10),
    "product 256": (partial(product, 256), 2),
    **{
        f"{name} {dtype}": (partial(elementwise, name, dtype), 10)
        for name in ("tanh", "exp")
        for dtype in ("float32", "float64")
    },
}
NAMES = (IMPORT, *WORKLOADS)


def run(name: str) -> None:
    """Set up a workload, and do it n and 2n times."""
    make, times = WORKLOADS[name]
    work = make()
    repeat(work, WARM_UP)
    gc.collect()
    for n in (times, 2 * times):
        print(name, n, in_child(partial(repeat, work, n)), sep="\t")
    sys.stdout.flush()


def imported(*modules: str) -> None:
    """Import modules that nobody has imported yet."""
    for module in modules:
        __import__(module)


def main(names: list[str]) -> None:
    """Run the workloads of these names."""
    if IMPORT in names:
        print(IMPORT, 1, in_child(partial(imported, "numpy")), sep="\t")
        print(IMPORT, 2, in_child(partial(imported, "numpy", "tinygrad_init")), sep="\t")
    imported("numpy", "tinygrad_init", "bench.peers.ours")
    gc.collect()
    gc.freeze()
    for name in names:
        if name != IMPORT:
            in_child(partial(run, name))


if __name__ == "__main__":
    main(sys.argv[1:])
