"""How the command ends when it cannot go on: without a traceback.

Ctrl-C while it is being imported ends it at once with its own exit code. The package is imported before anything of
`cli` runs, and that takes most of the time until then, so that no `try` of the command can be around it; and what is
raised in the middle of an import may be made another error of there. Errors that nobody has caught, in an import or
later, are said in one sentence. Nobody else's program is touched: only a process that was started as the command gets
the handlers, by importing this module first. It imports next to nothing itself.
"""

from __future__ import annotations

import os
import signal
import sys
from types import TracebackType

BAD_INPUT = 2
DEFECT = 70  # EX_SOFTWARE of sysexits.h
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


def tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Say in one sentence what is not installed as it should be, or where there is a defect of ours."""
    if os.environ.get("TINYGRAD_INIT_TRACEBACK") == "1":
        sys.__excepthook__(kind, error, traceback)
        return
    said = " ".join(str(error).split())
    if issubclass(kind, ImportError):
        print(f"tinygrad-init: {said}", file=sys.stderr)
        raise SystemExit(BAD_INPUT)
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    at = "" if traceback is None else f" in {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
    print(
        f"tinygrad-init: a defect, please report it: {kind.__name__}: {said}{at} "
        "(TINYGRAD_INIT_TRACEBACK=1 shows the way there)",
        file=sys.stderr,
    )
    raise SystemExit(DEFECT)


if is_command():
    sys.excepthook = tell
# Whoever started us may have said already that Ctrl-C is to be ignored.
if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end)
