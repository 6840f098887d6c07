"""`tinygrad-init doctor`: what is installed here, what is missing and how to get it, and does it compute?"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .installation import NAME, Check, Extra, checks, extras, facts
from .options import console, show

if TYPE_CHECKING:
    from rich.table import Table

WORKS, BROKEN = 0, 1


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "doctor",
        help="show processor, threads, extras and what is missing, and test the installation",
        description="What is installed here, what is missing and how to get it, and whether the engine computes.",
        epilog="Exit code: 0 it works (extras may be missing), 1 something is broken.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    known, installed, done = facts(), extras(), checks()
    required = next((extra for extra in installed if not extra.name), Extra("", ()))
    optional = [extra for extra in installed if extra.name]
    broken = [*required.faults, *(f"{check.what}: {check.fault}" for check in done if check.fault)]
    if args.json:
        print(json.dumps(as_json(known, installed, done, broken), indent=2, ensure_ascii=False))
        return BROKEN if broken else WORKS
    out = console()
    show(out, table(machine(known)))
    show(out, Text("\nExtras", style="bold"))
    if installed:
        show(out, table([(extra.name, state(extra)) for extra in optional]))
    else:
        show(out, Text(f"  not known: {NAME} is imported from a folder, not installed (pip install -e . does it)"))
    show(out, Text("\nSelf-test", style="bold"))
    show(out, table([("ok" if not check.fault else "FAILS", check.what) for check in done]))
    for fault in broken:
        show(out, Text(f"broken: {fault}", style="red"))
    show(out, Text("It works." if not broken else f"It is broken; install it again: {required.install}", style="bold"))
    return BROKEN if broken else WORKS


def machine(known: dict[str, Any]) -> list[tuple[str, str]]:
    """A line for each thing that is known."""
    chosen, there = known["instructions"]["chosen"], known["instructions"]["there"]
    variables = known["variables"]
    asked = "TINYGRAD_INIT_ISA says so" if variables.get("TINYGRAD_INIT_ISA") else "the best that this processor has"
    why = "TINYGRAD_INIT_BACKEND says so" if "TINYGRAD_INIT_BACKEND" in variables else "the default"
    return [
        (NAME, f"{known['version']} in {known['folder']}"),
        ("Python", f"{known['python']}, {known['executable']}"),
        ("platform", known["platform"]),
        ("processor", f"{known['processor']}, {known['processors']} for this process"),
        ("NumPy", known["numpy"]),
        ("backend", f"{known['backend']}: {why}"),
        ("instructions", f"{chosen}: {asked}, of {', '.join(there)}" if there else "those of NumPy"),
        ("threads", threads(known)),
        ("environment", ", ".join(f"{name}={value}" for name, value in variables.items()) or "nothing set"),
    ]


def threads(known: dict[str, Any]) -> str:
    """How many, and who says so."""
    if known["threads"]["now"] is None:
        return "those of NumPy"
    if known["threads"]["openmp"]:
        return f"up to {known['threads']['now']} for large work, as OpenMP says: OMP_NUM_THREADS, threadpoolctl"
    return f"up to {known['threads']['now']} for large work, as OMP_NUM_THREADS says; without OpenMP, no threadpoolctl"


def state(extra: Extra) -> str:
    """What is there, or what is not and how to get it."""
    if extra.faults:
        return f"{'; '.join(extra.faults)}: {extra.install}"
    return ", ".join(f"{package.name} {package.found}" for package in extra.packages)


def table(rows: list[tuple[str, str]]) -> Table:
    """Names and what is to be said of them."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, said in rows:
        made.add_row(Text(name), Text(said, style="red" if name == "FAILS" else ""))
    return made


def as_json(known: dict[str, Any], installed: list[Extra], done: list[Check], broken: list[str]) -> dict[str, Any]:
    """The same for programs."""
    return known | {
        "packages": {
            extra.name or "required": {
                "packages": [{"name": p.name, "needs": p.needs, "found": p.found} for p in extra.packages],
                "missing": extra.faults,
                "install": extra.install,
            }
            for extra in installed
        },
        "checks": [{"what": check.what, "ok": not check.fault, "fault": check.fault} for check in done],
        "broken": broken,
    }
