"""`tinygrad-init recommend`: what would make a network train better, tried out."""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from .options import InputError, add_network, build_network, console, positive, rate, show


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "recommend",
        help="try out scales, starts, learning rates, optimizers and designs, and keep what helps",
        description="Try changes on copies of a network and keep only those that make it train better.",
    )
    add_network(parser, one_start=True)
    parser.add_argument("--steps", type=positive, default=1000, help="how long the longest trials train (1000)")
    parser.add_argument(
        "--budget", type=rate, default=60.0, metavar="SECONDS", help="after which no trial is begun any more (60)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from ..diagnosis import recommend
    from ..diagnosis.showing import text
    from ..progress import counted
    from ..words import say

    network = build_network(args)
    try:
        with counted(None, say("recommend.bar", {}, args.language)) as tell:
            tell(0, say("recommend.first", {}, args.language))
            tried = itertools.count(1)
            found = recommend(
                network.model,
                network.x,
                network.y,
                network.loss,
                optimizer=network.optimizer,
                steps=args.steps,
                batch_size=args.batch_size,
                budget=args.budget,
                rng=args.seed,
                on_trial=lambda change: tell(next(tried), change.spoken(args.language)),
            )
    except ValueError as error:
        raise InputError(str(error)) from None
    show(console(), text.recommendation_view(found, args.language))
    return 0
