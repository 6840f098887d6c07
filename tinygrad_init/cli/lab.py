"""`tinygrad-init lab`: the interactive experiment in a browser."""

from __future__ import annotations

import argparse
import re
import secrets
from pathlib import Path
from typing import Any

from .options import InputError, short, whole


def add_to(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "lab",
        help="open the Lab, the interactive experiment, in a browser",
        description="Serve the Lab on this machine alone, without the internet, until Ctrl-C.",
    )
    add = parser.add_argument
    add("link", nargs="?", type=link, metavar="LINK", help="an experiment: a link that a Lab has copied")
    add("--port", type=port, default=0, help="where to listen (any that is free)")
    add("--token", type=token, metavar="TEXT", help="the secret in the URL, to keep over a restart (a new one)")
    add("--no-browser", action="store_true", help="print the URL and open nothing")
    add("--save", metavar="FILE", help="write a page that needs no server, and stop")
    add("--activations", type=names, metavar="NAME,...", help="in it (sigmoid,tanh,relu,leaky_relu,gelu)")
    add("--depths", type=sizes, metavar="N,...", help="numbers of hidden layers in it (1,2,3,5,10)")
    add("--widths", type=sizes, metavar="N,...", help="numbers of units in it (6)")
    parser.set_defaults(run=run)


def port(text: str) -> int:
    if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 65535, got {short(text)}")
    return int(text)


def token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", text):
        raise argparse.ArgumentTypeError("expected 16 to 128 letters, digits, - or _")
    return text


def names(text: str) -> tuple[str, ...]:
    from ..nn import ACTIVATIONS

    found = tuple(text.split(","))
    for name in found:
        if name not in ACTIVATIONS:
            raise argparse.ArgumentTypeError(f"expected names out of {', '.join(ACTIVATIONS)}, got {short(name)}")
    return found


def sizes(text: str) -> tuple[int, ...]:
    return tuple(map(whole(1, 60), text.split(",")))


def save(args: argparse.Namespace) -> int:
    """Write the page that is one file."""
    from ..laboratory.messages.message_schema import Invalid
    from ..laboratory.serving.grid import Grid
    from ..laboratory.serving.points import NotThere
    from ..laboratory.serving.single_file import single_file
    from ..replacing import replacing

    chosen = {name: value for name in ("activations", "depths", "widths") if (value := getattr(args, name)) is not None}
    try:
        html = single_file(Grid(**chosen))
        with replacing(Path(args.save)) as beside:
            beside.write_text(html, encoding="utf-8")
    except (NotThere, Invalid) as error:
        raise InputError(f"--save: {error}") from None
    except OSError as error:
        raise InputError(f"--save {args.save}: {error.strerror or error}") from None
    print(f"{args.save}: {len(html.encode()) / 1e6:.2f} MB", flush=True)
    return 0


def link(text: str) -> str:
    """The part of a link that is the experiment; what stands before it says where some Lab was."""
    _, sign, experiment = text.partition("#")
    if not sign or not re.fullmatch(r"[A-Za-z0-9_.~%+&=-]{1,200000}", experiment):
        raise argparse.ArgumentTypeError(f"expected a link with # and an experiment after it, got {short(text)}")
    return f"#{experiment}"


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.save is not None:
        return save(args)
    for option in ("activations", "depths", "widths"):
        if getattr(args, option) is not None:
            raise InputError(f"--{option} goes with --save")
    try:
        from ..laboratory.serving.server import HOST, listen, serve
    except ImportError as error:
        raise InputError(str(error)) from None
    try:
        listening = listen(args.port)
    except OSError as error:
        raise InputError(f"--port {args.port}: {error.strerror}") from None
    secret = args.token or secrets.token_urlsafe(24)
    url = f"http://{HOST}:{listening.getsockname()[1]}/?token={secret}{args.link or ''}"
    print(url, flush=True)
    if not args.no_browser:
        import webbrowser

        webbrowser.open(url)
    with listening:
        serve(listening, secret).run(sockets=[listening])
    return 0
