"""`tinygrad-init phase-diagram`: where a network lies between order and chaos."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .options import InputError, add_activation, check_outputs, console, need, not_negative, rate, show, tell_written

if TYPE_CHECKING:
    from rich.text import Text

    from ..theory import PhaseDiagram

ROWS, COLUMNS = 20, 60
LARGEST = 1e6


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "phase-diagram",
        help="draw order and chaos over σ_w and σ_b, with a network as a dot",
        description="The phase of every start: where gradients vanish (ordered), explode (chaotic), or neither.",
    )
    add_activation(parser, "tanh")
    add = parser.add_argument
    add("--sigma-w", type=not_negative, metavar="X", help="the network's √(fan_in · Var w), for the dot")
    add("--sigma-b", type=not_negative, default=0.0, metavar="X", help="the deviation of its biases (0)")
    add("--to-w", type=rate, default=4.0, metavar="X", help="how far the diagram goes (4)")
    add("--to-b", type=rate, default=1.0, metavar="X", help="(1)")
    add("--output", type=Path, metavar="FILE", help="also write a picture (.png, .svg or .pdf)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    from ..theory import MeanField, phase_diagram

    dot = None if args.sigma_w is None else (args.sigma_w, args.sigma_b)
    if max(args.to_w, args.to_b, *(dot or (0.0,))) > LARGEST:
        raise InputError(f"expected standard deviations up to {LARGEST:g}")
    if args.output is not None:
        if args.output.suffix not in (".png", ".svg", ".pdf"):
            raise InputError(f"--output: expected a name that ends in .png, .svg or .pdf, got {args.output}")
        check_outputs({"--output": args.output})
        need("matplotlib")
        from ..diagnosis.showing.drawing import phase_figure

        fine = phase_diagram(args.activation, np.linspace(0, args.to_w, 81)[1:], np.linspace(0, args.to_b, 61))
        phase_figure(fine, args.activation, dot).savefig(args.output)
    diagram = phase_diagram(
        args.activation, np.linspace(0, args.to_w, COLUMNS + 1)[1:], np.linspace(0, args.to_b, ROWS)
    )
    out = console()
    show(out, Text(f"{args.activation}: σ_b from 0 to {args.to_b:g} upwards, σ_w from 0 to {args.to_w:g} to the right"))
    show(out, picture(diagram, dot))
    if dot is not None:
        field = MeanField(args.activation, *dot)
        show(out, Text(f"● σ_w {dot[0]:g}, σ_b {dot[1]:g}: {field.phase}, √χ = {math.sqrt(field.chi()):.4g} a layer"))
    if args.output is not None:
        tell_written(args.output)
    return 0


def picture(diagram: PhaseDiagram, dot: tuple[float, float] | None) -> Text:
    """The diagram in characters: the stronger the colour, the faster gradients vanish (blue) or explode (orange)."""
    from rich.text import Text

    text = Text()
    edges = [int(np.argmin(np.abs(diagram.sigma_w - edge))) if math.isfinite(edge) else -1 for edge in diagram.edge]
    at = (-1, -1)
    if dot is not None:
        at = (
            int(np.argmin(np.abs(diagram.sigma_b - dot[1]))),
            int(np.argmin(np.abs(diagram.sigma_w - dot[0]))),
        )
    for row in reversed(range(len(diagram.sigma_b))):
        text.append(f"{diagram.sigma_b[row]:5.2f} ")
        for column in range(len(diagram.sigma_w)):
            log = float(diagram.log_chi[row, column])
            strength = min(abs(log), 1.0) if math.isfinite(log) else 1.0
            colour = shade("#0072b2" if log < 0 else "#d55e00", strength)
            mark = "●" if (row, column) == at else "│" if column == edges[row] else "-" if log < 0 else "+"
            text.append(mark, style=f"bold black on {colour}" if mark in "●│" else f"black on {colour}")
        text.append("\n")
    text.append("       - gradients vanish   + gradients explode   │ the edge of chaos")
    return text


def shade(colour: str, strength: float) -> str:
    """A colour mixed with white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * (0.25 + 0.75 * strength)):02x}" for part in parts)
