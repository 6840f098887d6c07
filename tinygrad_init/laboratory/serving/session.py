"""What one open page has: an experiment, and a thread that trains it and says what it sees.

The thread takes a command, or trains a little, or looks closer while there is nothing else to do; each is short, so
that a command never waits long. Everything that moves the experiment, be it "play", "step" or "seek", is a goal: a step
to train to.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..experiment import build
from ..experiment.experiment import Experiment, Source
from ..looking.describe import state_of
from ..looking.measure import Watched, watch
from ..looking.selection import with_detail
from ..messages import frames, protocol
from ..messages.config import MOST_STEPS
from ..messages.message_schema import Invalid
from . import answers

FRAME_SECONDS = 1 / 60
SLICE_SECONDS, SHORT_SECONDS = 0.02, 0.005  # of training before commands are looked at again; while others wait
REPORT_SECONDS = 1.0  # between two diagnoses while playing
PROGRESS_SECONDS = 0.3  # between two words on the way to a distant step
REPORT_SHARE = 0.1  # of the time, for diagnoses of all visits while playing
# And for looking and telling: half of it while training goes as fast as it can, or while other pages wait for their
# turn; most of it where training waits for each frame.
FRAME_SHARE, WATCHING_SHARE = 0.5, 0.85
WAITING = 32  # commands


class Turns:
    """A context for so many threads at a time, in the order in which they came.

    More at a time would wait for the interpreter's lock, and the server with them. (A semaphore lets the thread that
    has just left come in again first, and the others starve.)
    """

    def __init__(self, at_once: int) -> None:
        self.lock = threading.Lock()
        self.free = at_once
        self.waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self.lock:
            if self.free:
                self.free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self.waiting.append(mine)
        mine.acquire()  # until it is released by one that leaves

    def __exit__(self, *exception: object) -> None:
        with self.lock:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self.free += 1


TURNS = Turns(max(2, os.cpu_count() or 1))


class Room:
    """Memory that all visits share, in numbers as `build.numbers` counts them."""

    def __init__(self, most: int) -> None:
        self.most, self.lock = most, threading.Lock()
        self.taken: dict[int, int] = {}

    def take(self, who: int, amount: int) -> None:
        """Instead of what was taken before; 0 to leave.

        Raises
        ------
        Invalid
            The others have left too little.
        """
        with self.lock:
            self.taken.pop(who, None)
            if sum(self.taken.values()) + amount > self.most:
                raise Invalid("config", "beside")
            if amount:
                self.taken[who] = amount


ROOM = Room(6 * build.MOST_NUMBERS)


class Visit:
    """The experiment of one page.

    Parameters
    ----------
    say
        Takes every message to the page, in the thread of the visit.
    source
        Where data and networks come from.
    waiting
        How many commands may wait; 0 for any number.
    """

    def __init__(self, say: Callable[[Any], object], source: Source = build, waiting: int = WAITING) -> None:
        self.say, self.source = say, source
        self.commands: queue.Queue[Any] = queue.Queue(waiting)
        self.ended = threading.Event()
        self.experiment: Experiment | None = None
        self.watched: list[Watched] = []
        self.selected = protocol.Select("select")
        self.goal = 0
        self.playing = False
        self.steps_per_frame = 0
        self.next_frame = 0.0  # when the next one may be made
        self.last_frame_step = 0
        self.answer_due = False  # a frame that was asked for
        self.next_report = 0.0
        self.next_progress = 0.0
        self.thread = threading.Thread(target=self.live, name="lab-visit", daemon=True)

    def start(self) -> None:
        """Begin to take commands."""
        self.thread.start()

    def end(self) -> None:
        """Stop working, at once or after what is being computed; may be called from any thread."""
        self.ended.set()
        with contextlib.suppress(queue.Full):
            self.commands.put_nowait(None)  # wakes it up if it waits

    def live(self) -> None:
        """Take commands and work until the visit ends."""
        while not self.ended.is_set():
            command = self.next_command()
            if self.ended.is_set():
                break
            with TURNS:
                if self.ended.is_set():
                    break
                try:
                    if command is None:
                        self.work()
                    else:
                        self.handle(command)
                except Invalid as error:
                    self.say(frames.refused(error))
                except MemoryError:
                    self.leave()
                    self.say(frames.failed("memory"))
                except Exception as error:  # a defect of ours must not end the visit
                    self.halt()
                    self.say(frames.failed("unexpected", error=f"{type(error).__name__}: {error}"[:289]))
        self.leave()

    def next_command(self) -> Any:
        """The next command; None if there is work to do before one comes."""
        wait = self.pause_before_work()
        try:
            command = self.commands.get(timeout=wait) if wait else self.commands.get(wait is None)
        except queue.Empty:
            return None
        return command

    def pause_before_work(self) -> float | None:
        """For how many seconds there is nothing to do; None: until a command comes."""
        if self.experiment is None:
            return None
        if self.answer_due or self.experiment.step < self.goal:
            if self.playing and self.frame_is_full():
                return max(0.0, self.next_frame - time.monotonic())
            return 0.0
        return 0.0 if self.stale() else None

    def frame_is_full(self) -> bool:
        """Whether all steps between two frames are done."""
        done = (self.experiment.step if self.experiment else 0) - self.last_frame_step
        return 0 < self.steps_per_frame <= done

    def leave(self) -> None:
        """Give the memory back."""
        self.experiment, self.watched = None, []
        ROOM.take(id(self), 0)

    def halt(self) -> None:
        """Let the experiment stay where it is."""
        self.playing, self.answer_due = False, False
        self.goal = self.experiment.step if self.experiment else 0
        for each in self.watched:
            each.report_step = self.goal  # nor look closer at it

    def handle(self, command: Any) -> None:
        """Do what the page asks for."""
        if isinstance(command, protocol.Configure):
            self.configure(command)
            return
        if isinstance(command, protocol.Select):
            self.selected = command
            self.answer_due = self.experiment is not None
            return
        answer = answers.answer(self.experiment, self.watched, command)
        if answer is not None:
            self.say(answer)
            return
        if self.experiment is None:
            raise Invalid("type", "first", type=command.type)
        self.move(self.experiment, command)

    def configure(self, command: protocol.Configure) -> None:
        """Build an experiment. What was before stays if it cannot be built; else it goes first, to have the memory."""
        if self.more_coming(protocol.Configure):
            return
        self.source.check(command.config)
        self.leave()
        self.halt()
        ROOM.take(id(self), self.source.numbers(command.config))
        experiment = Experiment(command.config, self.source)
        self.watched = watch(experiment)
        self.experiment, self.goal, self.answer_due = experiment, command.step, True
        self.selected = protocol.Select("select")
        self.next_progress = time.monotonic() + PROGRESS_SECONDS
        self.say(state_of(experiment))

    def more_coming(self, kind: type) -> bool:
        """Whether a command of this kind waits already, as when somebody drags a slider."""
        with self.commands.mutex:
            return any(isinstance(command, kind) for command in self.commands.queue)

    def move(self, experiment: Experiment, command: Any) -> None:
        """Set the goal."""
        # Steps that are asked for while others are still being taken come on top of those.
        step = experiment.step if self.playing else max(experiment.step, self.goal)
        self.playing = isinstance(command, protocol.Play)
        self.answer_due = True
        self.next_progress = time.monotonic() + PROGRESS_SECONDS
        if isinstance(command, protocol.Play):
            self.goal, self.steps_per_frame = MOST_STEPS, command.steps_per_frame
            # It plays on from the step that is still being gone to.
            self.last_frame_step, self.next_frame = step, 0.0
        elif isinstance(command, protocol.Pause):
            self.goal = experiment.step
        elif isinstance(command, protocol.Step):
            self.goal = min(step + command.steps, MOST_STEPS)
        elif isinstance(command, protocol.Epoch):
            self.goal = min((step // experiment.epoch_steps + 1) * experiment.epoch_steps, MOST_STEPS)
        else:
            self.goal = command.step if isinstance(command, protocol.Seek) else 0
            experiment.back(self.goal)

    def work(self) -> None:
        """Train for a moment, tell what is to be told, or look closer."""
        experiment = self.experiment
        if experiment is None:
            return
        if experiment.step < self.goal:
            until = time.monotonic() + (SHORT_SECONDS if TURNS.waiting else SLICE_SECONDS)
            while (
                experiment.step < self.goal and time.monotonic() < until and not (self.playing and self.frame_is_full())
            ):
                experiment.advance()
        arrived = experiment.step >= self.goal
        if arrived and self.playing and experiment.step >= MOST_STEPS:
            self.playing, self.answer_due = False, True
        if self.playing:
            due = experiment.step >= self.last_frame_step and (self.steps_per_frame == 0 or self.frame_is_full())
            if due and time.monotonic() >= self.next_frame:
                self.frame(experiment)
        elif arrived and self.answer_due:
            self.answer_due = False
            self.frame(experiment)
        elif arrived:
            self.look_closer(experiment)
        elif time.monotonic() >= self.next_progress:
            self.say(frames.Progress("progress", experiment.step, self.goal))
            self.next_progress = time.monotonic() + PROGRESS_SECONDS

    def stale(self) -> list[Watched]:
        """The runs whose report is about another step, the oldest first."""
        step = self.experiment.step if self.experiment else 0
        found = [each for each in self.watched if each.report_step != step]
        return sorted(found, key=lambda each: -1 if each.report_step is None else each.report_step)

    def look_closer(self, experiment: Experiment) -> None:
        """Diagnose one run; when all are done, tell."""
        for each in self.stale()[:1]:
            each.diagnose(experiment.step)
        if not self.stale():
            self.frame(experiment)

    def frame(self, experiment: Experiment) -> None:
        """Look at all runs and tell."""
        began = time.monotonic()
        if self.playing and began >= self.next_report:
            for each in self.stale()[:1]:
                each.diagnose(experiment.step)
                took = time.monotonic() - began
                pause = max(REPORT_SECONDS / len(self.watched), took / REPORT_SHARE)
                self.next_report = began + pause * (1 + len(TURNS.waiting))
        began_looking = time.monotonic()
        self.say(self.frame_of(experiment))
        now = time.monotonic()
        self.last_frame_step = experiment.step
        share = WATCHING_SHARE if self.steps_per_frame and not TURNS.waiting else FRAME_SHARE
        self.next_frame = max(began + FRAME_SECONDS, now + (now - began_looking) * (1 / share - 1))

    def frame_of(self, experiment: Experiment) -> frames.Frame:
        """What all runs look like now."""
        runs = []
        for i, each in enumerate(self.watched):
            look = each.look()
            now = each.now(experiment.step, experiment.stride, look, hurried=self.playing)
            runs.append(with_detail(now, each, look, self.selected) if i == self.selected.run else now)
        return frames.Frame(
            type="frame",
            step=experiment.step,
            epoch=experiment.step / experiment.epoch_steps,
            playing=self.playing,
            timeline=experiment.timeline,
            runs=tuple(runs),
        )
