"""Ctrl-C while the command is being imported: it ends at once with its own exit code, without a traceback.

The package is imported before anything of `cli` runs, and that takes most of the time until then, so that no `try` of
the command can be around it; and what is raised in the middle of an import may be made another error of there. Nobody
else's program is touched: only a process that was started as the command gets the handler, by importing this module
first. It imports next to nothing itself.
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130  # 128 and the number of the signal, as shells count


def end(number: int, frame: object) -> None:
    """End without a word; nothing was begun that would have to be ended."""
    os._exit(INTERRUPTED)


def is_command() -> bool:
    """Whether this process was started as `tinygrad-init` or `python -m tinygrad_init`."""
    name, package = (sys.argv or [""])[0], __package__ or ""
    if name == "-m":  # what stands there until the module is found; the module stands behind an option like -m or -um
        words = sys.orig_argv
        return any(
            word.startswith("-")
            and (word.endswith(f"m{package}") or (word.endswith("m") and words[i:][:1] == [package]))
            for i, word in enumerate(words, 1)
        )
    stem, ending = os.path.splitext(os.path.basename(name))
    return stem == "tinygrad-init" and ending in ("", ".exe")


class interruptible:
    """Within this context Ctrl-C is a `KeyboardInterrupt`, to which what runs may have an answer."""

    def __enter__(self) -> None:
        self.quiet = signal.getsignal(signal.SIGINT) is end
        if self.quiet:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *exception: object) -> None:
        if self.quiet:
            signal.signal(signal.SIGINT, end)


# Whoever started us may have said already that Ctrl-C is to be ignored.
if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end)
