"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside another, whose place it takes when it is written, and which is as before if anything fails.

    It may be read and written by whom the other may be, or by whom new files may be. What a link leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder")
    temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}")
    # Whoever writes the numbers may make a file for himself alone: the mode is that of one made in the usual way.
    mode = 0o666
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
        yield temporary
        os.chmod(temporary, mode | stat.S_IWUSR)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # so that the name survives a loss of power, too
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):
            os.fsync(folder)
        os.close(folder)
