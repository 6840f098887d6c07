"""Who may use the tensors that programs work on: any number of runs, or one capture alone."""

from __future__ import annotations

import os
import threading

from ..engine.modes import lock_across_forks, mode

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython


@cython.binding(False)
class Traffic:
    """Who may use the tensors that programs work on: any number of runs, or one capture alone.

    While a function is captured its tensors hold stand-ins; no run of another thread may meet those, nor a child
    process.

    Attributes
    ----------
    running
        How many programs are being run.
    listing
        Guards the lists of programs that captured functions have.
    capturing
        The thread that captures, or 0.
    era
        Counts the forks that lead to this process: what another era says of threads means nothing.
    """

    def __init__(self) -> None:
        self.running = 0
        self.capturing = 0
        self.era = 0
        self.listing = lock_across_forks()  # taken in the midst of a capture: made before, see there
        self.alone = lock_across_forks()
        self.changed = threading.Condition()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forked)

    def enter(self) -> None:
        """Count a run in; while another thread captures, it waits."""
        if self.capturing != 0 or not cython.compiled:  # compiled, nobody comes between this look and the count
            self.enter_with_care()
        else:
            self.running += 1

    def enter_with_care(self) -> None:
        with self.changed:
            while self.capturing not in (0, threading.get_ident()):
                self.changed.wait()
            self.running += 1

    def leave(self) -> None:
        """Count a run out."""
        if self.capturing != 0 or not cython.compiled:
            self.leave_with_care()
        else:
            self.running -= 1

    def leave_with_care(self) -> None:
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def stop(self) -> bool:
        """Before a capture: let no run begin, and wait for those on their way, but for this thread's own.

        Returns whether the capture is part of another one.
        """
        self.alone.acquire()
        if self.capturing != 0:
            return True
        own = mode.threads.calling
        with self.changed:
            self.capturing = threading.get_ident()
            while self.running > own:
                self.changed.wait()
        return False

    def go_on(self, nested: bool) -> None:
        """After a capture: let runs begin again."""
        if not nested:
            with self.changed:
                self.capturing = 0
                self.changed.notify_all()
        self.alone.release()

    def forked(self) -> None:
        """In a child process nobody else is on the way."""
        self.era += 1
        self.running = mode.threads.calling
        if self.capturing != threading.get_ident():
            self.capturing = 0
        self.changed = threading.Condition()


TRAFFIC = Traffic()
