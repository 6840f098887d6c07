"""`scipy.integrate.odeint`: here the method of Runge and Kutta of fourth order, in small steps of this package's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_init as tgi

from .of_arrays import of_arrays

STEPS = 20  # between two times


def odeint(func: Callable[..., Any], y0: Any, t: Any, args: tuple[Any, ...] = ()) -> Any:
    """The values of y at the times t, where dy/dt = func(y, t, *args) and y is y0 at the first of them."""
    return of_arrays(lambda y, t, *args: _solution(func, y, t, args))(y0, t, *args)


def _solution(func: Callable[..., Any], y: Any, t: Any, args: tuple[Any, ...]) -> Any:
    found = [y]
    for i in range(len(t) - 1):
        h = (t[i + 1] - t[i]) / STEPS
        for k in range(STEPS):
            now = t[i] + k * h
            k1 = func(y, now, *args)
            k2 = func(y + 0.5 * h * k1, now + 0.5 * h, *args)
            k3 = func(y + 0.5 * h * k2, now + 0.5 * h, *args)
            k4 = func(y + h * k3, now + h, *args)
            y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        found.append(y)
    return tgi.stack(found)
