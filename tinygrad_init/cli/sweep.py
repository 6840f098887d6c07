"""`tinygrad-init sweep`: which starts, depths and rates train at all?"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._interruption import INTERRUPTED
from .options import InputError, check_outputs, console, need, positive, seed, short, show, tell_written

if TYPE_CHECKING:
    from rich.table import Table

    from ..sweeps import Sweep

FORMS = """\
tinygrad-init sweep FILE.toml [-o FOLDER]            what the file says
tinygrad-init sweep --depth 2,4,8 ... -o FOLDER      what options say: values, or FROM:TO:COUNT[:log]
tinygrad-init sweep resume FOLDER                    what is missing, after a kill or Ctrl-C
tinygrad-init sweep show FOLDER                      what is finished
tinygrad-init sweep map FOLDER X Y -o FILE           trainability over two axes, with theory's curve;
                                                     a page of .html shows the loss curves of a cell"""
PAGE = ".html"
PICTURES = (PAGE, ".png", ".svg", ".pdf")
OF_A_FILE = ("folder", "steps", "random", "draws", "diagnose", "workers", "axes")


def add_to(commands: Any) -> None:
    """The command and its options."""
    from ..sweeps import AXES

    parser = commands.add_parser(
        "sweep",
        help="train networks on a grid or at random points of settings, and map which train",
        description=f"Which starts, depths and rates train at all?\n\n{FORMS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="tinygrad-init sweep [FILE.toml | resume FOLDER | show FOLDER | map FOLDER X Y] [options]",
    )
    add = parser.add_argument
    add("what", nargs="*", metavar="FILE.toml|resume|show|map", help="see above; options alone say what to run, too")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="PATH",
        help=f"the folder of results, or a map's file ({', '.join(PICTURES)})",
    )
    for name, axis in AXES.items():
        usual = "" if axis.default is None else f" ({axis.default})"
        add(f"--{name.replace('_', '-')}", metavar="VALUES", help=f"{HELP[name]}{usual}")
    add("--steps", type=positive, help="of each training (200)")
    add("--random", type=positive, metavar="N", help="so many points drawn from the axes instead of all combinations")
    add("--draws", type=seed, metavar="SEED", help="of those points (0)")
    add("--no-diagnosis", action="store_true", help="no verdict at the start, which takes longer than a small training")
    add("--workers", type=positive, metavar="N", help="processes at a time (as many as there are processors)")
    add("--dask", metavar="ADDRESS", help="a scheduler of Dask's that runs it instead, tcp://HOST:PORT")
    parser.set_defaults(run=run)


HELP = {
    "data": "a data set or a file",
    "activation": "of the hidden layers",
    "depth": "how many hidden layers",
    "width": "units of each",
    "normalization": "none, batch or layer",
    "residual": "true or false",
    "optimizer": "what trains",
    "batch": "samples a step",
    "start": "an initializer, or normal with --sigma-w",
    "sigma_w": "√(fan_in · Var w) of normal weights",
    "sigma_b": "standard deviation of biases",
    "rate": "learning rate (what suits the optimizer)",
    "seed": "of weights and batches",
}


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    forms: dict[str, tuple[int, Callable[[argparse.Namespace], int]]] = {
        "resume": (2, resume),
        "show": (2, show_folder),
        "map": (4, draw),
    }
    word = args.what[0] if args.what else ""
    count, form = forms.get(word, (1 if args.what else 0, begin))
    if len(args.what) != count or (not args.what and not given(args)):
        raise InputError(f"sweep: expected one of these forms, got {short(' '.join(args.what) or 'nothing')}:\n{FORMS}")
    if form is not begin and (
        more := [*given(args), *(name for name in ("steps", "random", "draws") if getattr(args, name))]
    ):
        raise InputError(f"sweep {word}: the folder says what is run; --{more[0].replace('_', '-')} is for a new sweep")
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: print(f"tinygrad-init: {message}", file=sys.stderr)
        warnings.simplefilter("ignore")
        from ..sweeps import DamageWarning

        warnings.simplefilter("always", DamageWarning)
        try:
            return form(args)
        except (ValueError, ImportError, RuntimeError) as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(f"{error.filename or 'sweep'}: {error.strerror or error}") from None


def given(args: argparse.Namespace) -> dict[str, str]:
    """The axes that options name."""
    from ..sweeps import AXES

    return {name: getattr(args, name) for name in AXES if getattr(args, name) is not None}


def begin(args: argparse.Namespace) -> int:
    """Run what a file or options say."""
    from ..naming import known_name
    from ..sweeps import AXES, sweep

    said: dict[str, Any] = read_file(Path(args.what[0])) if args.what else {}
    named = {known_name("an axis of a sweep", name, AXES): value for name, value in said.pop("axes", {}).items()}
    axes = named | {name: values(name, text) for name, text in given(args).items()}
    folder = args.output or said.pop("folder", None)
    said.pop("folder", None)
    if folder is None:
        raise InputError("sweep: expected a folder for the results, -o FOLDER")
    if not isinstance(folder, str | Path):
        raise InputError(f"sweep: folder: expected a path, got {folder!r}")
    said |= {
        name: getattr(args, name) for name in ("steps", "random", "draws", "workers") if getattr(args, name) is not None
    }
    if args.no_diagnosis:
        said["diagnose"] = False
    return carried_out(args, Path(folder), lambda: sweep(folder, **said, **axes, client=args.dask, progress=True))


def resume(args: argparse.Namespace) -> int:
    """Run what is missing."""
    from ..sweeps import resume

    folder = Path(args.what[1])
    return carried_out(args, folder, lambda: resume(folder, workers=args.workers, client=args.dask, progress=True))


def carried_out(args: argparse.Namespace, folder: Path, work: Callable[[], Sweep]) -> int:
    """Do it, and say what has come of it, also after Ctrl-C."""
    try:
        found = work()
    except KeyboardInterrupt:
        print(
            f"tinygrad-init: interrupted; what is finished is kept, go on with: tinygrad-init sweep resume {folder}",
            file=sys.stderr,
        )
        return INTERRUPTED
    tell(found)
    return 0


def show_folder(args: argparse.Namespace) -> int:
    """Say what is finished."""
    from ..sweeps import read

    tell(read(args.what[1]))
    return 0


def tell(found: Sweep) -> None:
    """Numbers and tables."""
    from rich.text import Text

    out = console()
    if found.rows:
        show(out, outcomes(found))
    if len(found.varied) > 1:
        x, y = found.varied[:2]
        show(out, Text(f"draw it: tinygrad-init sweep map {found.folder} {x} {y} -o map.png"))
    done = f"{len(found)} of {found.planned} runs in {found.folder}, {found.trained} have trained"
    show(out, Text(done, style="bold"))


def outcomes(found: Sweep) -> Table:
    """Verdicts at the start against outcomes; outcomes alone where nothing was diagnosed."""
    from collections import Counter

    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    verdicts = found.verdicts() or {"not diagnosed": Counter(row["outcome"] for row in found.rows)}
    words = [
        word for word in ("trained", "slow", "stuck", "diverged", "error") if any(c[word] for c in verdicts.values())
    ]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("verdict at the start")
    for word in ("runs", *words):
        table.add_column(word, justify="right")
    for verdict, counted in verdicts.items():
        table.add_row(verdict, str(counted.total()), *(str(counted[word]) for word in words))
    return table


def draw(args: argparse.Namespace) -> int:
    """Draw a map, and say how far it is from theory."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..sweeps import read

    _, folder, x, y = args.what
    if args.output is None:
        raise InputError("sweep map: expected a file for the map, -o FILE")
    if args.output.suffix not in PICTURES:
        raise InputError(f"--output: expected a name that ends in {', '.join(PICTURES)}, got {args.output}")
    check_outputs({"--output": args.output})
    if args.output.suffix != PAGE:
        need("matplotlib")
    found = read(folder)
    if args.output.suffix == PAGE:
        args.output.write_text(found.to_html(x, y), encoding="utf-8")
    else:
        found.plot(x, y).savefig(args.output)
    drawn = found.map(x, y)
    if drawn.depth is not None and drawn.measured_depth is not None:
        other, places = (drawn.y, drawn.ys) if drawn.x == "depth" else (drawn.x, drawn.xs)
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in (other, "theory: depth 6 ξ_c", "half of the runs train up to depth"):
            table.add_column(name, justify="right")
        for place, depth, measured in zip(places, drawn.depth, drawn.measured_depth, strict=True):
            table.add_row(f"{place:.4g}" if isinstance(place, float) else str(place), f"{depth:.3g}", told(measured))
        show(console(), table)
    tell_written(args.output)
    return 0


def told(depth: float) -> str:
    """A measured depth in words."""
    return "none" if depth != depth else "all" if depth == float("inf") else f"{depth:.3g}"


def values(name: str, text: str) -> Any:
    """What an option says of an axis.

    Raises
    ------
    InputError
        It is not written as values of such an axis are.
    """
    from ..sweeps import AXES, Range

    axis, option = AXES[name], f"--{name.replace('_', '-')}"
    if axis.kind != "name" and ":" in text:
        parts = text.split(":")
        logarithmic = parts[-1] == "log"
        try:
            low, high, *count = parts[:-1] if logarithmic else parts
            ends = float(low), float(high)
            (many,) = map(int, count) if count else (None,)
        except ValueError:
            raise InputError(f"{option}: expected FROM:TO[:COUNT][:log], got {short(text)}") from None
        try:
            return Range(*ends, many, logarithmic)
        except ValueError as error:
            raise InputError(f"{option}: {error}") from None
    parts = [part.strip() for part in text.split(",")]
    if name == "residual":
        return [{"true": True, "false": False}.get(part.lower(), part) for part in parts]
    if axis.kind == "name":
        return [part for part in parts if part]
    try:
        return [float(part) if axis.kind == "number" else int(part) for part in parts]
    except ValueError:
        kind = "whole numbers" if axis.kind == "whole" else "numbers"
        raise InputError(
            f"{option}: expected {kind} separated by commas, or FROM:TO:COUNT, got {short(text)}"
        ) from None


def read_file(path: Path) -> dict[str, Any]:
    """What a file says.

    Raises
    ------
    InputError
        It cannot be read, or says something that is not known.
    """
    import tomllib

    from ..naming import nearest

    if path.suffix != ".toml":
        raise InputError(f"sweep: expected a .toml file, or resume, show or map; got {short(str(path))}")
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise InputError(f"{path}: expected TOML: {error}") from None
    for key in said:
        if key not in OF_A_FILE:
            near = nearest(key, {name: name for name in OF_A_FILE})
            raise InputError(f"{path}: expected {', '.join(OF_A_FILE)}; got {key!r}{near}")
    if not isinstance(said.get("axes", {}), dict):
        raise InputError(f"{path}: axes: expected a table [axes] with values for each axis")
    return said
