"""`tinygrad-init explain`: the factors of one weight matrix's gradient."""

from __future__ import annotations

import argparse
from typing import Any

from .options import InputError, add_network, build_network, console, show


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "explain",
        help="show the factors that the gradient of a weight is the product of",
        description="Follow the gradient from the loss back to a weight matrix: which factor makes it small or large.",
    )
    parser.add_argument("weight", metavar="WEIGHT", help="such as layers.0.weight")
    add_network(parser, one_start=True, trained=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    from ..diagnosis import diagnose
    from ..diagnosis.showing import text
    from ..words import say

    network = build_network(args)
    report = diagnose(network.model, network.x[:512], network.y[:512], network.loss, args.lr)
    names = [attribution.name for attribution in report.attributions]
    if args.weight not in names:
        raise InputError(f"expected a weight out of {', '.join(names)}; got {args.weight!r}")
    out, i = console(), names.index(args.weight)
    head = {"model": report.model, "start": args.init, "samples": report.samples, "dtype": report.dtype}
    show(out, Text(say("explain.head", head, args.language)))
    show(out, text.factors_table(report.attributions[i], args.language))
    show(out, Text(report.attributions[i].phrase().spoken(args.language)))
    if report.zeros[i].share:
        show(out, Text(report.zeros[i].phrase().spoken(args.language)))
    return 0
