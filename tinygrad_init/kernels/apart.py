"""NumPy's long functions of large arrays, during which Ctrl-C is heard.

LAPACK asks for no signals, nor does sorting, and a matrix of a few thousand rows or a row of 10⁷ numbers takes seconds.
So a large one is given to a thread, and this one waits for it, which can be interrupted. The numbers are the same: it
is the same function of the same arrays. What nobody waits for any more is computed to its end and thrown away; Python
ends only after that, as BLAS may not be left in the middle of its work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")
LARGE = 250_000  # elements, from where on these may take longer than a thread and a wait for it are worth


def any_large(arguments: Iterable[Any]) -> bool:
    """Whether one of them is a large array."""
    return any(type(argument) is np.ndarray and argument.size >= LARGE for argument in arguments)


def apart(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """What a function gives, which is called in another thread where an argument is a large array.

    It must not read what belongs to a thread; `np.errstate` it has from here. Of other threads than the main one,
    which alone hears signals, it is simply called.
    """
    if not any_large(arguments):
        return function(*arguments, **named)
    import contextvars  # takes long, and mostly nobody needs it
    import threading

    if threading.current_thread() is not threading.main_thread():
        return function(*arguments, **named)
    found: list[Result] = []
    failed: list[BaseException] = []
    done = threading.Event()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            found.append(context.run(function, *arguments, **named))
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    threading.Thread(target=work, name="apart", daemon=False).start()
    while not done.wait(0.05):  # on Windows only what has a limit is interrupted
        pass
    if failed:
        raise failed[0]
    return found[0]
