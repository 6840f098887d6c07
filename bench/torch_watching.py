"""What does it cost to have a training in PyTorch watched? `python -m bench.torch_watching`: steps of a loop inside
`tgi.torch.watch` and outside, in turn, from the same start on the same batches; the median of the ratios of processor
time, on one thread, and the range of their middle half. It wants PyTorch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import tinygrad_init.torch as tt

SECONDS, REPEATED, THREADS = 2.0, 5, 1


def dense(width: int, depth: int) -> nn.Module:
    hidden = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), *hidden, nn.Linear(width, 10))


def convolutional(width: int) -> nn.Module:
    layers: list[nn.Module] = []
    for i, o in ((1, width), (width, width), (width, 2 * width), (2 * width, 2 * width)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10))


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
    layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    return nn.Sequential(nn.Linear(8, 64), layers, nn.Flatten(), nn.Linear(512, 10))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "dense 128": (lambda: dense(128, 2), (64,), 128),
    "dense 512": (lambda: dense(512, 3), (64,), 128),
    "convolutional 16": (lambda: convolutional(16), (1, 12, 12), 64),
    "convolutional 32": (lambda: convolutional(32), (1, 16, 16), 64),
    "transformer": (transformer, (8, 8), 64),
}


def seconds(name: str, steps: int, probe: bool | None) -> tuple[float, int]:
    """How long the steps of a training take, and how often it was looked at; `probe` is None if it is not watched."""
    make, shape, batch = CASES[name]
    torch.manual_seed(0)
    model = make()
    x, y = torch.randn(1024, *shape), torch.arange(1024) % 10
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loss = nn.CrossEntropyLoss()

    def run(told: Callable[[Tensor], object]) -> float:
        began = time.process_time()
        for step in range(steps):
            at = step * batch % 1024
            optimizer.zero_grad()
            cost = loss(model(x[at : at + batch]), y[at : at + batch])
            cost.backward()
            optimizer.step()
            told(cost)
        return time.process_time() - began

    if probe is None:
        return run(lambda cost: cost.item()), 0
    with tt.watch(model, optimizer, *((x, y, loss) if probe else ())) as monitor:
        return run(monitor.step), monitor.looks


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.torch_watching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each training ({SECONDS})")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    table = Table("network", "probe", "ms a step", "watched / not", "middle half", "steps", "looks")
    for name in CASES:
        steps = max(48, int(args.seconds / (seconds(name, 20, None)[0] / 20)))
        for probe in (True, False):
            seconds(name, 20, probe)  # warm
            alone, ratios, looks = [], [], 0
            for _ in range(REPEATED):
                plain, _ = seconds(name, steps, None)
                watched, looks = seconds(name, steps, probe)
                alone.append(plain)
                ratios.append(watched / plain)
            low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
            step = f"{np.median(alone) / steps * 1e3:.2f}"
            span = f"{low:.3f} .. {high:.3f}"
            table.add_row(name, "yes" if probe else "no", step, f"{middle:.3f}", span, str(steps), str(looks))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
