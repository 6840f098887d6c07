"""A bar for what takes longer than a second: on a terminal or in a notebook, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


@contextmanager
def shown(items: Iterable[T], what: str, wanted: bool | None = True) -> Iterator[Iterable[T]]:
    """The items, with a bar that goes on as they are taken; None wants it in notebooks alone."""
    total = len(items) if isinstance(items, Sized) else None

    def taken() -> Iterator[T]:
        for done, item in enumerate(items):
            tell(done, "")
            yield item
        if total is not None:
            tell(total, "")

    with counted(total, what, wanted) as tell:
        yield taken()


@contextmanager
def counted(total: int | None, what: str, wanted: bool | None = True) -> Iterator[Callable[[int, str], None]]:
    """What is to be called with how many of `total` are done and a few words; it shows a bar with the time left."""
    drawn = bar() if (in_notebook() if wanted is None else wanted) else None
    if drawn is None:
        yield lambda done, said: None
        return
    with drawn as progress:
        task = progress.add_task(what, total=total, said="")
        yield lambda done, said: progress.update(task, completed=done, said=said)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this; nobody has to have IPython for the question."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def bar() -> Progress | None:
    """The one form of all bars, gone at the end; None where nobody would see it, as in a file."""
    from importlib.util import find_spec

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = Console(stderr=True)
    if not (console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)):
        return None
    # Names of parameters have brackets, which are no markup; what is too long for the line is cut there.
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    said = TextColumn("{task.fields[said]}", markup=False, table_column=rest)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), said)
    return Progress(*columns, console=console, transient=True, expand=True)
