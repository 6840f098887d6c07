"""A bar for what takes longer than a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def shown(items: Iterable[T], what: str, wanted: bool = True) -> Iterator[Iterable[T]]:
    """The items, with a bar on the terminal while they are taken; without one where it is not wanted or no terminal."""
    if not wanted:
        yield items
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    total = len(items) if isinstance(items, Sized) else None
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar.track(items, total, description=what)


@contextmanager
def counted(total: int, what: str, wanted: bool = True) -> Iterator[Callable[[int, str], None]]:
    """What is to be called with how many of `total` are done and a few words; it shows a bar with the time left."""
    if not wanted:
        yield lambda done, said: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, said="")
        yield lambda done, said: bar.update(task, completed=done, said=said)
