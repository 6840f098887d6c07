"""`tinygrad-init audit`: what the numbers of a checkpoint say by themselves."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

from .options import InputError, check_outputs, console, locale_language, show, write

NO_FAULT, FAULTS = 0, 1


def add_to(commands: Any) -> None:
    """The command and its options."""
    from ..words import LANGUAGES

    parser = commands.add_parser(
        "audit",
        help="say where the weights of a PyTorch checkpoint come from, and what is wrong with them",
        description="Look at every parameter of a checkpoint without data: its start, its fans, its faults.",
        epilog="Exit code: 0 no fault, or only such that the baseline knows; 1 there are faults; 2 bad input; "
        "130 interrupted.",
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="a .safetensors or .pt file, an index of shards (*.index.json), or a folder")
    add("--against", metavar="REFERENCE", help="another checkpoint: what has moved since, and how far")
    add("--baseline", type=Path, metavar="FILE", help="the JSON of an earlier audit, whose findings are accepted")
    add("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    add("--junit", type=Path, metavar="FILE", help="also write the findings as JUnit's XML")
    add("--sarif", type=Path, metavar="FILE", help="also write the findings as SARIF")
    add("--language", default=locale_language(), choices=list(LANGUAGES), help="of sentences (that of the locale)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    from ..progress import counted
    from ..words import say

    outputs = {"--json": args.json, "--junit": args.junit, "--sarif": args.sarif}
    check_outputs(outputs, inputs={"FILE": Path(args.file), "--against": Path(args.against or args.file)})
    try:
        from ..torch import CheckpointError, audit
        from ..torch.audit_exchange import junit, sarif
    except ImportError as error:
        raise InputError(str(error)) from None
    try:
        with counted(None, say("audit.bar", {}, args.language)) as tell:
            seen = itertools.count(1)
            found = audit(
                args.file,
                against=args.against,
                baseline=args.baseline,
                on_parameter=lambda name: tell(next(seen), name),
            )
    except CheckpointError as error:
        raise InputError(str(error)) from None
    out = console()
    show(out, found.view(args.language))
    notes = [one for one in found.findings if one.severity == "note" and not one.known]
    known = [one for one in found.findings if one.known]
    counts = {"faults": len(found.faults), "notes": len(notes), "known": len(known)}
    show(out, Text(say("audit.summary", counts, args.language), style="bold"))
    write(
        (args.json, found.to_json),
        (args.junit, lambda: junit(found)),
        (args.sarif, lambda: sarif(found)),
        language=args.language,
    )
    return FAULTS if found.faults else NO_FAULT
