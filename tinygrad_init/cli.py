"""The command line: `tinygrad-init diagnose`.

Exit codes: 0 when at least one start was healthy, 1 when none was, 2 for bad input, 130 when interrupted (what was
finished is printed).
"""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__

HEALTHY_FOUND, NONE_HEALTHY, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected whole numbers separated by commas, got {text!r}") from None


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return number


def build_parser() -> argparse.ArgumentParser:
    """The parser, with everything that can be asked for."""
    from .data import DATASETS
    from .diagnosis.experiment import STARTS
    from .init import INITIALIZERS
    from .nn import ACTIVATIONS
    from .ops.losses import LOSSES

    parser = argparse.ArgumentParser(prog="tinygrad-init", description="Why does my network not train?")
    parser.add_argument("--version", action="version", version=f"tinygrad-init {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    diagnose = commands.add_parser(
        "diagnose",
        help="train one network from several starts and say what each start does to it",
        description="Train the same network on the same data from several starts, look at every layer, judge.",
        epilog="Exit code: 0 at least one start is healthy, 1 none is, 2 bad input, 130 interrupted.",
    )
    diagnose.set_defaults(run=run_diagnose)
    add = diagnose.add_argument
    add("--data", default="digits", metavar="NAME|FILE", help=f"{', '.join(DATASETS)}, or a .csv or .npz file (digits)")
    add("--target", help="the file's column (.csv) or array (.npz) to be learned (the last column, or y)")
    add("--sizes", type=_sizes, metavar="N,N,...", help="input, hidden layers, output (three hidden layers of 64)")
    add(
        "--activation",
        default="relu",
        choices=[*ACTIVATIONS, "prelu"],
        metavar="NAME",
        help=f"{', '.join(ACTIVATIONS)}, prelu (relu)",
    )
    add(
        "--init",
        action="append",
        choices=list(INITIALIZERS),
        metavar="NAME",
        help=f"a start; may be given several times: {', '.join(INITIALIZERS)} ({', '.join(STARTS)})",
    )
    add("--lr", type=_rate, default=0.1, help="learning rate of plain gradient descent (0.1)")
    add("--epochs", type=_positive, default=10, help="how often every sample is used (10)")
    add("--batch-size", type=_positive, default=64, help="samples an update (64)")
    add(
        "--loss",
        default="cross_entropy",
        choices=list(LOSSES),
        metavar="NAME",
        help=f"{', '.join(LOSSES)} (cross_entropy)",
    )
    add("--seed", type=_seed, default=0, help="of the start, the split and the batches (0)")
    add("--dtype", default="float32", choices=["float32", "float64"], help="(float32)")
    add("--json", type=Path, metavar="FILE", help="also write the report as JSON")
    add("--html", type=Path, metavar="FILE", help="also write the report as one HTML page with plots")
    return parser


def check_writable(path: Path) -> None:
    """Find out before the work, not after it, that a file cannot be written.

    Raises
    ------
    OSError
        Says why.
    """
    existed = path.exists()
    with open(path, "a", encoding="utf-8"):
        pass
    if not existed:
        path.unlink()


def run_diagnose(args: argparse.Namespace) -> int:
    """The command `diagnose`; see the module for exit codes."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from .data import DataError, load
    from .diagnosis import STARTS, Settings, check_sizes, compare_starts, default_sizes, drawing, page, text
    from .diagnosis.verdict import HEALTHY
    from .training import Progress as Step

    try:
        dataset = load(args.data, args.target, rng=args.seed)
        sizes = args.sizes or default_sizes(dataset, args.loss)
        check_sizes(sizes, dataset, args.loss)
        for path in (args.json, args.html):
            if path is not None:
                check_writable(path)
        if args.html is not None:
            drawing.require("jinja2", "plotly")
    except OSError as error:
        print(f"tinygrad-init: {error.filename}: cannot be written: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    except (DataError, ValueError, ImportError) as error:
        print(f"tinygrad-init: {error}", file=sys.stderr)
        return BAD_INPUT

    settings = Settings(
        dataset.name, len(dataset.x), len(dataset.classes), sizes, args.activation, args.loss, args.lr, args.epochs,
        args.batch_size, args.seed, args.dtype,
    )  # fmt: skip
    starts = list(dict.fromkeys(args.init or STARTS))
    out = Console()
    out.width = max(out.width, 80) if out.is_terminal else 120  # what the tables need

    def show(what: RenderableType) -> None:
        """Print, until whoever reads has left; the work goes on for the files and the exit code."""
        try:
            out.print(what)
        except SystemExit:  # how rich says that the pipe is broken
            out.quiet = True

    interrupted = False
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("", total=args.epochs * len(starts), loss="")

        def on_step(start: str, step: Step) -> None:
            done = starts.index(start) * args.epochs + step.epoch + 1
            progress.update(bar, description=start, completed=done, loss=f"loss {step.loss:.3g}")

        comparison, results = compare_starts(dataset, settings, starts, on_step)
        show(text.heading(comparison))
        try:
            for result in results:
                show(text.start_table(result))
        except KeyboardInterrupt:
            interrupted = True
    if comparison.starts:
        show(text.summary(comparison))
    for path, content in ((args.json, comparison.to_json), (args.html, lambda: page.render(comparison))):
        try:
            if path is not None:
                path.write_text(content(), encoding="utf-8")
        except OSError as error:
            print(f"tinygrad-init: {path}: cannot be written: {error.strerror}", file=sys.stderr)
            return BAD_INPUT
    if interrupted:
        print(f"tinygrad-init: interrupted after {len(comparison.starts)} of {len(starts)} starts", file=sys.stderr)
        return INTERRUPTED
    return HEALTHY_FOUND if any(s.verdict.word == HEALTHY for s in comparison.starts) else NONE_HEALTHY


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (lives as long as the process)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show ∂ still shows the rest
    try:
        args = build_parser().parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        print("tinygrad-init: not enough memory for this network and data", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        # The output has nowhere to go any more; nothing written to it from here on must fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"tinygrad-init: the output cannot be written: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
