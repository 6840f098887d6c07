"""What the shell completes of commands, options and names: a script that is printed once and asks Python nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .options import InputError, Named

SHELLS = ("bash", "zsh", "fish")


class PrintCompletion(argparse.Action):
    """Print the script and end, as `--version` does."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> None:
        shell = rest[1]
        try:
            import shtab
        except ImportError:
            raise InputError("--print-completion needs shtab: pip install shtab") from None
        for action in actions(parser):
            if isinstance(action.type, Named):
                action.choices = action.type.names
            elif action.type is Path or "FILE" in str(action.metavar):
                action.complete = shtab.FILE  # type: ignore[attr-defined] # which is where it is looked for
        print(shtab.complete(parser, shell))
        parser.exit()


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Those of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in dict.fromkeys(action.choices.values()):
                yield from actions(command)
