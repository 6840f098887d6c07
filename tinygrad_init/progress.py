"""A bar for what takes longer than a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
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
