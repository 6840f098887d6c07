"""The parser with all commands, and what happens around each."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .._interruption import INTERRUPTED, interruptible
from ..version import __version__
from . import audit, diagnose, doctor, explain, lab, phase_diagram, predict, recommend, sweep, theory, train
from .completion import SHELLS, PrintCompletion
from .options import BAD_INPUT, InputError


def build_parser() -> argparse.ArgumentParser:
    """The parser, with everything that can be asked for."""
    parser = argparse.ArgumentParser(prog="tinygrad-init", description="Why does my network not train?")
    parser.add_argument("--version", action="version", version=f"tinygrad-init {__version__}")
    parser.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, help="print what a shell completes our words by"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (
        *(diagnose, explain, recommend, train, predict),
        *(audit, theory, phase_diagram, sweep, lab, doctor),
    ):
        command.add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (lives as long as the process)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show ∂ still shows the rest
    try:
        args = build_parser().parse_args(argv)
        with interruptible():
            code: int = args.run(args)
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"tinygrad-init: {error}", file=sys.stderr)
        return BAD_INPUT
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
