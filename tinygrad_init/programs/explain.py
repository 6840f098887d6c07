"""What a program consists of, as a table: kernels, times, memory traffic, arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .buffers import ITEM
from .instructions import OUT, Step
from .program import Program

RUNS = 20
OF_ROWS = (
    "softmax",
    "log softmax",
    "causal softmax",
    "softmax derivative",
    "log softmax derivative",
    "rows normalized",
    "sums of columns",
    "rows derivative",
)


def explain(program: Program, name: str, values: Any) -> None:
    """Print the steps of a program with the median times of some runs, whose effects are undone."""
    from rich.console import Console
    from rich.table import Table

    called = [step.run[2] for step in program.steps if step.code == "call"]
    generators = [p for params in called for p in params if isinstance(p, np.random.Generator)]
    states = [generator.bit_generator.state for generator in generators]
    seconds = np.median(program.profile(RUNS, values), axis=0)
    for generator, state in zip(generators, states, strict=True):
        generator.bit_generator.state = state
    table = Table(title=f"{name}: {len(program.steps)} kernels, {sum(seconds) * 1e6:.1f} µs", title_justify="left")
    for column in ("kernel", "shape", "line"):
        table.add_column(column)
    for column in ("µs", "kB", "kflop", "GB/s", "GFLOP/s"):
        table.add_column(column, justify="right")
    for step, time in zip(program.steps, seconds, strict=True):
        moved, flops = traffic(step), arithmetic(step)
        rates = [f"{n / time / 1e9:.1f}" if time > 0 and n else "" for n in (moved, flops)]
        table.add_row(
            describe(step),
            "×".join(map(str, step.shape)),
            line_of(step),
            f"{time * 1e6:.2f}",
            f"{moved / 1e3:.1f}",
            f"{flops / 1e3:.1f}" if flops else "",
            *rates,
        )
    console = Console()
    console.print(table, highlight=False)
    console.print(f"memory of its own: {program.machine.memory_size / 1e3:.1f} kB", highlight=False)


def describe(step: Step) -> str:
    """A step in words."""
    words = [step.code.replace("_vjp", " derivative").replace("_", " ")]
    if step.code == "product":
        words += [" + bias"] if step.views[2] is not None else []
        words += [" + sums of rows"] if step.views[4] is not None else []
        if step.function is not None:
            words.append(f" · {step.function}'" if step.views[3] is not None else f" → {step.function}")
        return "".join(words)
    if step.code == "convolution":
        return ("convolution", "convolution by input", "convolution by weight")[step.flag]
    if step.code == "normalization":
        return ("moments", "channels normalized", "sums of channels", "channels derivative")[step.flag]
    if step.code == "lstm":
        return "lstm derivative" if step.flag else "lstm"
    if step.code == "rows":
        return OF_ROWS[step.flag]
    if step.code == "pooling":
        return ("maxima", "maxima derivative", "at maxima", "means", "means derivative")[step.flag]
    if step.code == "chain":
        return "chain: " + " ".join(stage.function or stage.code for stage in step.parts.stages)
    if step.code == "scalars":
        return f"{step.shape[0]} single numbers"
    return f"{step.function} ({words[0]})" if step.function else words[0]


def line_of(step: Step) -> str:
    """The line of the user's code."""
    from ..engine.places import describe_place

    where = describe_place(step.place)
    return where.rsplit("/", 1)[-1].split(" in ")[0]


def traffic(step: Step) -> int:
    """Bytes that are read and written, each operand once."""
    item = ITEM[step.kind]
    if step.code == "stack_product":
        *counts, m, n, k = step.shape
        return math.prod(counts) * (m * k + k * n + m * n) * item
    if step.code == "lstm":
        return item * math.prod(step.shape) * 11
    if step.code == "rows":
        return item * step.shape[0] * step.shape[1] * (3 if step.flag > 2 else 2)
    if step.code == "product":
        m, n, k = step.shape
        return (m * k + k * n + m * n * (1 + (step.views[3] is not None))) * item
    if step.code == "scalars":
        return 4 * item * step.shape[0]
    n = math.prod(step.shape)
    if step.code in ("convolution", "pooling"):
        return item * sum(sizes_of_windows(step))
    if step.code == "chain":
        return sum(n * item if each else item for _, each in step.parts.operands)
    reads = sum(n * item if any(v.strides) else item for v in step.views[:OUT] if v is not None)
    written = n if step.code != "reduce" else math.prod(step.shape[: len(step.shape) - step.reduced])
    return reads + written * item


def sizes_of_windows(step: Step) -> list[int]:
    """How many numbers the operands of a convolution or a pooling have."""
    samples, groups, inputs, outputs, *axes = step.parts
    images, maps = (samples * groups * n * math.prod(axes[i : i + 3]) for n, i in ((inputs, 0), (outputs, 3)))
    if step.code == "convolution":
        return [images, maps, groups * inputs * outputs * math.prod(axes[6:9])]
    return [images, maps] if step.flag in (0, 3, 4) else [images, images, maps, maps]


def arithmetic(step: Step) -> int:
    """Floating-point operations, where counting them means something."""
    n = math.prod(step.shape)
    if step.code in ("product", "stack_product"):
        return 2 * n
    if step.code == "lstm":
        return 8 * n * step.shape[2]
    if step.code == "convolution":
        samples, groups, inputs, outputs, *axes = step.parts
        return 2 * samples * groups * inputs * outputs * math.prod(axes[3:9])  # windows and their positions
    if step.code in ("binary", "reduce", "scalars"):
        return n
    return {"sgd": 2 * n, "adam": 12 * n}.get(step.code, 0)
