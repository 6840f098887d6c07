"""`tinygrad-init theory`: what to expect of a deep network with an activation, before anything is trained."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from .options import InputError, add_activation, console, not_negative, positive, show, whole

if TYPE_CHECKING:
    from rich.table import Table

    from ..theory import Gains, MeanField


DEEPEST = 10_000


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "theory",
        help="predict signal and gradient over the depth for an activation",
        description="Mean-field theory: phase, depth scales, gains and the predicted profile of a deep network.",
    )
    add_activation(parser, "relu")
    add = parser.add_argument
    add("--sigma-w", type=not_negative, help="√(fan_in · Var w) (what keeps the variance: the forward gain)")
    add("--sigma-b", type=not_negative, default=0.0, help="the standard deviation of the biases (0)")
    depth = whole(1, DEEPEST, "the depth of the deepest networks that have been trained (Xiao et al. 2018)")
    add("--depth", type=depth, default=50, help="layers of the profile (50)")
    add("--width", type=positive, default=256, help="units a layer, for how far networks differ (256)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from rich.text import Text

    from ..theory import MeanField, gains

    found = gains(args.activation)
    sigma_w = found.forward if args.sigma_w is None else args.sigma_w
    try:
        field = MeanField(args.activation, sigma_w, args.sigma_b)
    except ValueError as error:
        raise InputError(str(error)) from None
    out = console()
    show(out, Text(f"{args.activation}, σ_w {sigma_w:.6g}, σ_b {args.sigma_b:g}", style="bold"))
    show(out, facts(field, found))
    show(out, profile_table(field, args.depth, args.width))
    if args.sigma_w is None and found.warning:
        show(out, Text(found.warning, style="red"))
    return 0


def facts(field: MeanField, found: Gains) -> Table:
    """What does not depend on the depth."""
    from rich.table import Table

    from ..theory import FORMATS, depth_horizon

    point = field.fixed_point()
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = [
        ("fixed point q*", f"{number(point.q)} ({point.stability})"),
        ("χ, the squared gradient's factor a layer", number(point.chi)),
        ("χ∥, that of a change of q", number(point.chi_parallel)),
        ("phase", field.phase),
        ("depth scale ξ_c, of differences between inputs", scale(field.xi_c)),
        ("depth scale ξ_q, of differences of q", scale(field.xi_q)),
        ("trainable to about", f"{number(field.trainable_depth)} layers"),
        (
            "the gradient leaves the format after",
            ", ".join(f"{name} {layers(depth_horizon(point.chi, name))}" for name in FORMATS)
            if math.isfinite(point.chi)
            else "at once",
        ),
        ("gains without biases: forward, backward", f"{found.forward:.6f}, {found.backward:.6f}"),
        (
            "edge of chaos without biases",
            "there is none" if found.critical is None else f"σ_w = {found.critical.sigma_w:.6f}",
        ),
    ]
    for name, value in rows:
        table.add_row(name, value)
    return table


def layers(count: int | None) -> str:
    """After how many layers, or never."""
    return "never" if count is None else f"{count} layers"


def scale(xi: float) -> str:
    """A depth scale in words: it is negative where something grows."""
    if not math.isfinite(xi):
        return "∞: they stay"
    return f"{abs(xi):.5g} layers, in which they {'grow' if xi < 0 else 'shrink'} e-fold"


def number(value: float) -> str:
    """Five digits, and infinity by its sign."""
    return "∞" if value == math.inf else f"{value:.5g}"


def profile_table(field: MeanField, depth: int, width: int) -> Table:
    """Signal and gradient at some depths, with the band that networks of this width lie in."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..diagnosis.showing.text import bar

    profile = field.profile(depth, 1.0, width)
    low, high = profile.band("gradient", 2.0)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("layer", "q = E z²", "E a²", "‖∂C/∂z‖ / last", "95 % of networks", ""):
        table.add_column(name, justify="right")
    largest = math.sqrt(float(profile.gradient.max()))
    steps = sorted({0, 1, 2, 4, 9, *range(19, depth, 10), depth - 1} & set(range(depth)))
    for i in steps:
        size = math.sqrt(profile.gradient[i])
        band = f"{math.sqrt(low[i]):.2g} to {math.sqrt(high[i]):.2g}"
        table.add_row(
            str(i + 1), f"{profile.q[i]:.4g}", f"{profile.a_square[i]:.4g}", f"{size:.4g}", band, bar(size, largest)
        )
    return table
