"""`tinygrad-init diagnose`: one network from several starts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .._interruption import INTERRUPTED
from .options import (
    HEALTHY_FOUND,
    NONE_HEALTHY,
    add_network,
    check_outputs,
    console,
    load_data,
    need,
    positive,
    show,
    write,
)


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "diagnose",
        help="train one network from several starts and say what each start does to it",
        description="Train the same network on the same data from several starts, look at every layer, judge.",
        epilog="Exit code: 0 at least one start is healthy, 1 none is, 2 bad input, 130 interrupted.",
    )
    add_network(parser, one_start=False)
    parser.add_argument("--epochs", type=positive, default=10, help="how often every sample is used (10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as one HTML page with plots")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; see the package for exit codes."""
    from rich.text import Text

    from ..diagnosis import STARTS, Settings, compare_starts
    from ..diagnosis.judging import HEALTHY
    from ..diagnosis.showing import page, text
    from ..progress import counted
    from ..training import Progress as Step
    from ..words import say

    check_outputs({"--json": args.json, "--html": args.html}, args.data)
    if args.html is not None:
        need("jinja2", "plotly")
    dataset, sizes = load_data(args)

    settings = Settings(
        dataset.name, len(dataset.x), len(dataset.classes), sizes, args.activation, args.loss, args.lr, args.epochs,
        args.batch_size, args.seed, args.dtype, args.optimizer, args.scale_targets,
    )  # fmt: skip
    starts = list(dict.fromkeys(args.init or STARTS))
    out = console()
    interrupted = False
    with counted(args.epochs * len(starts), say("diagnose.bar", {}, args.language)) as tell:

        def on_step(start: str, step: Step) -> None:
            tell(starts.index(start) * args.epochs + step.epoch + 1, f"{start}, loss {step.loss:.3g}")

        comparison, results = compare_starts(dataset, settings, starts, on_step)
        show(out, text.heading(comparison, args.language))
        try:
            for result in results:
                show(out, text.start_table(result, args.language))
        except KeyboardInterrupt:
            interrupted = True
    healthy = [start.init for start in comparison.starts if start.verdict.word == HEALTHY]
    if comparison.starts:
        show(out, text.summary(comparison, args.language))
        said = {"count": len(healthy), "all": len(comparison.starts), "names": ", ".join(healthy)}
        show(out, Text(say("diagnose.summary" if healthy else "diagnose.none", said, args.language), style="bold"))
    write(
        (args.json, comparison.to_json),
        (args.html, lambda: page.render(None, comparison, args.language)),
        language=args.language,
    )
    if interrupted:
        print(f"tinygrad-init: interrupted after {len(comparison.starts)} of {len(starts)} starts", file=sys.stderr)
        return INTERRUPTED
    return HEALTHY_FOUND if healthy else NONE_HEALTHY
