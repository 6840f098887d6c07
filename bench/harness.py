"""The harness: sides that must come to the same result, measured in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

OURS = "tinygrad_init"


@dataclass(frozen=True)
class Side:
    """One way to do the work of a row.

    Attributes
    ----------
    name
        What the table calls it.
    step
        The work that is timed; all of it is done when it returns.
    read
        From what `step` returned to the arrays that must agree.
    state
        What the steps have changed (parameters, by name); views of it will do.
    reset
        Back to the start, so that no side is timed with numbers that others never see (such as denormal ones).
    floor
        Whether this is less than the work of the row, to be seen as a bound from below: its results are not those of
        the row, and its time is a share of ours that cannot be saved rather than a ratio.
    """

    name: str
    step: Callable[[], Any]
    read: Callable[[Any], Arrays]
    state: Callable[[], Arrays] = dict
    reset: Callable[[], None] = lambda: None
    floor: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A side that a row does not have, and why."""

    name: str
    reason: str


class NotOffered(Exception):
    """A peer cannot do the work of a row; the message says why."""


def ask(peers: Sequence[Any], question: Callable[[Any], Iterable[Side]]) -> Iterator[Side | LeftOut]:
    """What each peer offers, or why it does not."""
    for peer in peers:
        try:
            yield from question(peer)
        except NotOffered as why:
            yield LeftOut(peer.name, str(why))


@dataclass(frozen=True)
class Row:
    """A problem and how its sides are measured.

    Attributes
    ----------
    build
        From the peers to the sides, `tinygrad_init` among them.
    per, unit
        Times are given for one of the `per` units that a step consists of.
    nano
        Whether tables show nanoseconds instead of microseconds.
    checked_steps, rtol
        How many steps must agree before the timing, and how closely.
    rates
        From the seconds a step takes to further numbers, such as GFLOP/s.
    limits
        Those of the rates that are shares of something that cannot be exceeded.
    """

    name: str
    title: str
    dtype: str
    build: Callable[[Sequence[Any]], Iterable[Side | LeftOut]]
    rtol: float
    unit: str = "step"
    per: int = 1
    nano: bool = False
    checked_steps: int = 2
    rates: Callable[[float], dict[str, float]] | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Rows that belong in one table.

    Attributes
    ----------
    rows
        From whether the run is a quick one to the rows.
    on_demand
        Asked only by those who name it.
    single_thread
        Asked once, on one thread, whatever numbers of threads were wanted.
    unavailable
        Why the question cannot be asked here; empty if it can.
    """

    name: str
    title: str
    rows: Callable[[bool], list[Row]]
    single_thread: bool = False
    on_demand: bool = False
    unavailable: Callable[[], str] = str


@dataclass(frozen=True)
class Effort:
    """How much time a measurement may take.

    A timing repeats the step until it lasts `shortest` seconds; there are up to `rounds` of them for each side, fewer
    (but at least `fewest`) if the row would take longer than `budget` seconds.
    """

    shortest: float
    rounds: int
    fewest: int
    budget: float


FULL = Effort(shortest=5e-3, rounds=40, fewest=7, budget=10.0)
# Threads that slept, and processors that a virtual machine's host gave to others, need some milliseconds to come back.
FULL_OF_THREADS = Effort(shortest=4e-2, rounds=40, fewest=7, budget=15.0)
QUICK = Effort(shortest=2e-4, rounds=5, fewest=3, budget=0.2)


@dataclass(frozen=True)
class Timing:
    """Seconds a step, one number a round, how many steps each of them is the average of, and whether of a floor."""

    seconds: list[float]
    calls: int
    floor: bool = False


@dataclass
class Result:
    """What came out of a row: either timings by side or errors."""

    row: Row
    timings: dict[str, Timing] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def run(row: Row, peers: Sequence[Any], effort: Effort) -> Result:
    """Build the sides of a row, check that they do the same work and, only then, time them."""
    result = Result(row)
    sides: list[Side] = []
    try:
        for found in row.build(peers):
            if isinstance(found, LeftOut):
                result.left_out[found.name] = found.reason
            else:
                sides.append(found)
        outcomes = {}
        for side in (side for side in sides if not side.floor):
            try:
                outcomes[side.name] = outcome(side, row.checked_steps)
            except Exception as error:
                raise RuntimeError(f"{side.name}: {error}") from error
        result.errors = disagreements(outcomes, row.rtol)
        if not result.errors:
            result.timings = measure(sides, effort)
    except Exception as error:  # a row that fails must not hide the others; the run still ends as failed
        result.errors.append(f"{type(error).__name__}: {error}")
    return result


def outcome(side: Side, steps: int) -> Arrays:
    """What the timed function itself comes to in its first steps: its results, and the change of its state."""
    side.reset()
    before = {name: np.array(array, np.float64) for name, array in side.state().items()}
    readings = [{k: np.array(v, np.float64) for k, v in side.read(side.step()).items()} for _ in range(steps)]
    after = {name: np.array(array, np.float64) for name, array in side.state().items()}
    side.reset()
    found: Arrays = {name: np.stack([reading[name] for reading in readings]) for name in readings[0]}
    return found | {f"change of {name}": after[name] - before[name] for name in before}


def disagreements(outcomes: dict[str, Arrays], rtol: float) -> list[str]:
    """What is wrong with the sides' results: nothing if all agree with the first and none is empty of meaning.

    Arrays agree if the norm of their difference is at most `rtol` of the norm of either. Zeros and numbers that are not
    finite are refused even if all agree: they would hide a side that does nothing.
    """
    errors = []
    (first, expected), *others = outcomes.items()
    for what, array in expected.items():
        if not np.isfinite(array).all() or not np.any(array):
            errors.append(f"{first}: {what} is zero or not finite, which proves nothing")
    for name, found in others:
        if found.keys() != expected.keys():
            errors.append(f"{name} and {first} report different results: {sorted(found)} and {sorted(expected)}")
            continue
        for what, array in found.items():
            wanted = expected[what]
            if array.shape != wanted.shape:
                errors.append(f"{name} and {first} disagree: {what} has shape {array.shape} and {wanted.shape}")
                continue
            allowed = rtol * float(min(np.linalg.norm(array), np.linalg.norm(wanted)))
            difference = float(np.linalg.norm(array - wanted))
            if not difference <= allowed:  # so that NaN counts as a disagreement
                errors.append(f"{name} and {first} disagree: {what} differs by {difference:.3g}, allowed {allowed:.3g}")
    return errors


def measure(sides: Sequence[Side], effort: Effort) -> dict[str, Timing]:
    """Time the sides in turn.

    The garbage collector stays on, since graphs that hold reference cycles have to pay for them; but what one side has
    left is collected before the next one's clock starts.
    """
    gc.collect()
    gc.freeze()  # programs that were compiled for this row live as long as it does: no need to look at them again
    calls = [calibrate(side, effort.shortest) for side in sides]
    seconds: list[list[float]] = [[] for _ in sides]
    began, rounds = time.perf_counter(), 0
    while rounds < effort.rounds and (rounds < effort.fewest or time.perf_counter() - began < effort.budget):
        for turn in range(len(sides)):
            # Another one starts each round, so that nobody always finds the caches as the same other one left them.
            i = (rounds + turn) % len(sides)
            seconds[i].append(clock(sides[i], calls[i]) / calls[i])
        rounds += 1
    return {side.name: Timing(s, n, side.floor) for side, s, n in zip(sides, seconds, calls, strict=True)}


def calibrate(side: Side, shortest: float) -> int:
    """How many steps make a timing of at least `shortest` seconds; also the warm-up."""
    calls = 1
    clock(side, calls)
    while (taken := clock(side, calls)) < shortest:
        calls = max(2 * calls, int(calls * 1.2 * shortest / max(taken, 1e-9))) if taken > shortest / 100 else 10 * calls
    return calls


def clock(side: Side, calls: int) -> float:
    """Seconds that some steps take together, behind as many from the start.

    Threads of the side before may go on looking for work when there is none, OpenBLAS's for tens of milliseconds; the
    clock starts when they have gone to sleep and this side, with its own threads and processors, is well awake.
    """
    settle()
    side.reset()
    gc.collect()
    step = side.step
    for _ in range(calls):
        step()
    began = time.perf_counter()
    for _ in range(calls):
        step()
    return time.perf_counter() - began


def settle(most: float = 0.3) -> None:
    """Wait until no thread of this process is busy, for so many seconds at most."""
    end = time.perf_counter() + most
    while time.perf_counter() < end:
        busy = time.process_time()
        time.sleep(2e-3)
        if time.process_time() - busy < 2e-4:
            return
