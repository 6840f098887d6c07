"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# How names end of files that are still being written; whoever is killed meanwhile leaves one.
UNFINISHED = ".new"
# What systems say that cannot sync a folder, or of one that is not the caller's to open.
NOT_HERE = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside another, whose place it takes when it is written, and which is as before if anything fails.

    It may be read and written by whom the other may be, or by whom new files may be. What a link leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder")
    temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}{UNFINISHED}")
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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let what was made, renamed or deleted in a folder be so after a loss of power, where that can be asked for."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
