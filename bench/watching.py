"""What does it cost to have a training watched? `python -m bench.watching`: steps of `tgi.train` with a `Monitor` and
without one, in turn, from the same start on the same batches; the median of the ratios and the range of their middle
half. Looks are taken before the first step, after the tenth and at the end, and more often within 3 % of the time.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_init as tgi
from tinygrad_init.diagnosis import Monitor

SIZES: tuple[tuple[int, ...], ...] = (
    (64, 64, 10),
    (64, 128, 128, 10),
    (64, 256, 256, 10),
    (64, 512, 512, 512, 10),
)
STEPS, BATCH, REPEATED = 5000, 64, 5


def seconds(sizes: tuple[int, ...], watched: bool, steps: int) -> tuple[float, int]:
    """How long a training takes, and how often it was looked at."""
    digits = tgi.data.digits()
    order = np.random.default_rng(0).integers(0, len(digits.x), steps * BATCH)
    x, y = (digits.x[order] / 16).astype(np.float32), digits.y[order]
    model = tgi.nn.MLP(sizes, "relu", rng=0)
    tgi.initialize(model, "he", 0)
    monitor = Monitor(model, x[:512], y[:512], "cross_entropy") if watched else None
    began = time.perf_counter()
    tgi.train(
        model, x, y, "cross_entropy", lambda ps: tgi.optim.SGD(ps, 0.05), epochs=1, batch_size=BATCH, rng=0,
        monitor=monitor,
    )  # fmt: skip
    return time.perf_counter() - began, 0 if monitor is None else monitor.looks


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.watching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each training ({STEPS})")
    args = parser.parse_args()
    table = Table("network", "µs a step", "watched / not", "middle half", "looks", title=f"{args.steps} steps")
    for sizes in SIZES:
        seconds(sizes, True, 20)  # warm
        alone, ratios, looks = [], [], 0
        for _ in range(REPEATED):
            plain, _ = seconds(sizes, False, args.steps)
            watched, looks = seconds(sizes, True, args.steps)
            alone.append(plain)
            ratios.append(watched / plain)
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        step = f"{np.median(alone) / args.steps * 1e6:.0f}"
        table.add_row("-".join(map(str, sizes)), step, f"{middle:.3f}", f"{low:.3f} .. {high:.3f}", str(looks))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
