"""The folder of a sweep: its plan, a journal for each time that it was run, and the parts that these become.

    sweep.json        the plan
    journal-0001.log  finished runs, a line each
    part-0001.parquet runs of journals that are no longer there
    damaged/          what could not be read, or not all of it

A part takes the place of journals: it is moved into its place whole, and only then are they deleted. Whoever is killed
in between leaves rows twice, of which one is read.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..replacing import UNFINISHED, replacing
from .journal import Journal, Row, read_journal
from .parts import has_parquet, read_part, write_part
from .plan import Plan

PLAN, LOCK, DAMAGED = "sweep.json", ".lock", "damaged"
MOST_ROWS = 20_000  # of a journal before it becomes a part


class DamageWarning(RuntimeWarning):
    """A file of a sweep could not be read whole; it was set aside, and the rest is used."""


def read_plan(folder: Path) -> Plan:
    """The plan of a folder.

    Raises
    ------
    ValueError
        There is none, or it is damaged.
    """
    path = folder / PLAN
    if not path.is_file():
        raise ValueError(f"{folder}: no folder of a sweep, there is no {PLAN} in it")
    try:
        return Plan.from_json(json.loads(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: expected the plan of a sweep: {error}") from None


def read_rows(folder: Path) -> tuple[dict[str, Row], list[tuple[Path, str]]]:
    """All finished runs by their names, and files that are damaged with what is wrong with them."""
    rows: dict[str, Row] = {}
    damaged: list[tuple[Path, str]] = []
    for path in sorted(folder.glob("part-*.parquet")):
        try:
            found = read_part(path)
        except ValueError as error:
            damaged.append((path, str(error).splitlines()[0]))
            continue
        for row in found:
            rows.setdefault(row["name"], row)
    for path in sorted(folder.glob("journal-*.log")):
        found, bad = read_journal(path)
        for row in found:
            rows.setdefault(row["name"], row)
        if bad:
            damaged.append((path, f"{bad} of {bad + len(found)} lines are not what was written"))
    return rows, damaged


class Store:
    """A folder that is being written, by this process alone.

    Parameters
    ----------
    folder
        Made if it is not there.
    plan
        What is run there; must be the folder's own if it has one.

    Attributes
    ----------
    rows
        All finished runs by their names.

    Raises
    ------
    ValueError
        The folder has another sweep, something else, or somebody else is writing there.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder}: expected a folder, got a file")
        if (
            folder.is_dir()
            and not (folder / PLAN).exists()
            and any(p.name != LOCK and p.suffix != UNFINISHED for p in folder.iterdir())
        ):
            raise ValueError(f"{folder}: expected an empty folder or one of a sweep; there are other files in it")
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = locked(folder / LOCK)
        try:
            if not (folder / PLAN).exists():
                with replacing(folder / PLAN) as beside:
                    beside.write_text(json.dumps(plan.to_json(), indent=1) + "\n", encoding="utf-8", newline="\n")
            elif (known := read_plan(folder)) != plan:
                raise ValueError(f"{folder}: has another sweep: {difference(known, plan)}; name another folder")
            self.rows = self.clean()
        except BaseException:
            self.lock.close()
            raise
        self.journal: Journal | None = None
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(kind is not KeyboardInterrupt)

    def clean(self) -> dict[str, Row]:
        """What can be read; files that are damaged are set aside, and what could be read of them is kept."""
        for path in self.folder.glob(f"*{UNFINISHED}"):  # what was never moved into its place
            path.unlink()
        rows, damaged = read_rows(self.folder)
        if damaged:
            # First the rows, in a file of its own, then the file that they come from.
            kept = {row["name"]: row for path, _ in damaged if path.suffix == ".log" for row in read_journal(path)[0]}
            if kept:
                journal = Journal(self.free("journal", "log"))
                journal.add(kept.values())
                journal.close()
            (self.folder / DAMAGED).mkdir(exist_ok=True)
            for path, why in damaged:
                place = self.folder / DAMAGED / path.name
                while place.exists():
                    place = place.with_name(f"again-{place.name}")
                os.replace(path, place)
                said = f"{path}: damaged, {why}; set aside as {place}, and all else is used"
                warnings.warn(DamageWarning(said), stacklevel=2)
        return rows

    def free(self, kind: str, ending: str) -> Path:
        """A name that no file has, after all others of its kind, here and among the damaged."""
        names = [path.name for place in (self.folder, self.folder / DAMAGED) for path in place.glob(f"*{kind}-*.*")]
        digits = [name.rpartition("-")[2].partition(".")[0] for name in names]
        last = max((int(text) for text in digits if text.isdecimal()), default=0)
        return self.folder / f"{kind}-{last + 1:04d}.{ending}"

    def add(self, rows: Iterable[Row]) -> list[Row]:
        """Finish runs: when this returns they are on the disk. Returns those that were not finished before."""
        fresh = {row["name"]: row for row in rows if row["name"] not in self.rows}
        if fresh:
            if self.journal is None:
                self.journal = Journal(self.free("journal", "log"))
            self.journal.add(fresh.values())
            self.rows |= fresh
            self.written += len(fresh)
            if self.written >= MOST_ROWS:
                self.compact()
        return list(fresh.values())

    def compact(self) -> None:
        """Make a part of the journals; without pyarrow they stay."""
        self.stop()
        if not has_parquet():
            return
        journals = sorted(self.folder.glob("journal-*.log"))
        known = {row["name"]: row for path in journals for row in read_journal(path)[0]}
        if known:
            write_part(self.free("part", "parquet"), list(known.values()))
        for path in journals:
            path.unlink()

    def stop(self) -> None:
        """Close the journal; the next row begins another one."""
        if self.journal is not None:
            self.journal.close()
        self.journal, self.written = None, 0

    def close(self, compact: bool = True) -> None:
        """Leave the folder to others; whoever is in a hurry leaves the journals, too."""
        try:
            if compact:
                self.compact()
            else:
                self.stop()
        finally:
            self.lock.close()


def difference(known: Plan, plan: Plan) -> str:
    """The first thing in which two plans differ."""
    for name, axis in known.axes.items():
        if axis != plan.axes[name]:
            return f"{name} is {shortened(axis)} there, and {shortened(plan.axes[name])} here"
    one, other = known.to_json(), plan.to_json()
    name = next(name for name in one if one[name] != other[name])
    return f"{name} is {shortened(one[name])} there, and {shortened(other[name])} here"


def shortened(value: Any) -> str:
    """As text, the beginning of what is long."""
    text = str(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def locked(path: Path) -> Any:
    """A file that this process alone has, until it is closed or the process ends.

    Raises
    ------
    ValueError
        Somebody else has it.
    """
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (closed by whoever asked)
    try:
        import fcntl
    except ImportError:  # where there is no such thing nobody is kept out
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ValueError(f"{path.parent}: another process is running this sweep") from None
    return file
