"""Who may use the tensors that programs work on: any number of runs, or one capture alone."""

from __future__ import annotations

import os
import threading

from .modes import lock_across_forks, mode

try:
    import cython
except ImportError:
    from . import _interpreted as cython


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
        if self.capturing != 0 or not cython.compiled:
            self.wait_for_capture()
        self.running += 1

    def wait_for_capture(self) -> None:
        if self.capturing != threading.get_ident():
            with self.changed:
                while self.capturing != 0:
                    self.changed.wait()

    def leave(self) -> None:
        """Count a run out."""
        self.running -= 1
        if self.capturing != 0:
            self.tell()

    def tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def stop(self) -> bool:
        """Before a capture: let no run begin, and wait for those on their way, but for this thread's own.

        Returns whether the capture is part of another one.
        """
        self.alone.acquire()
        if self.capturing != 0:
            return True
        self.capturing = threading.get_ident()
        own = mode.threads.calling
        with self.changed:
            while self.running > own:
                self.changed.wait()
        return False

    def go_on(self, nested: bool) -> None:
        """After a capture: let runs begin again."""
        if not nested:
            self.capturing = 0
            self.tell()
        self.alone.release()

    def forked(self) -> None:
        """In a child process nobody else is on the way."""
        self.era += 1
        self.running = mode.threads.calling
        if self.capturing != threading.get_ident():
            self.capturing = 0
        self.changed = threading.Condition()


TRAFFIC = Traffic()
