"""`scipy.linalg` by `tinygrad_init.linalg`."""

from __future__ import annotations

from typing import Any

import tinygrad_init as tgi

from .of_arrays import of_arrays


def __getattr__(name: str) -> Any:
    return of_arrays(getattr(tgi.linalg, name))


@of_arrays
def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False) -> Any:
    turned = trans in (1, 2, "T", "C")
    return tgi.linalg.solve_triangular(a.T if turned else a, b, upper=lower if turned else not lower)


@of_arrays
def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any) -> Any:
    """Of the matrix whose diagonals are the rows of `ab`, from the u-th above the main one to the l-th below it."""
    lower, upper = l_and_u
    n = ab.shape[-1]
    whole = sum(tgi.diagflat(ab[upper - k, max(k, 0) : n + min(k, 0)], k) for k in range(-lower, upper + 1))
    return tgi.linalg.solve(whole, b)
