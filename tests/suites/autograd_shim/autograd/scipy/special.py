"""`scipy.special` by `tinygrad_init.special`, which has most of it under the same names."""

from __future__ import annotations

from typing import Any

import tinygrad_init as tgi

from .of_arrays import of_arrays

OTHERWISE = {"j0": "bessel_j0", "j1": "bessel_j1", "y0": "bessel_y0", "y1": "bessel_y1"}


def __getattr__(name: str) -> Any:
    return of_arrays(getattr(tgi.special, OTHERWISE.get(name, name)))


@of_arrays
def gammasgn(x: Any) -> Any:
    return tgi.sign(tgi.special.gamma(x))


@of_arrays
def rgamma(x: Any) -> Any:
    return 1.0 / tgi.special.gamma(x)


@of_arrays
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    return tgi.logsumexp(a if b is None else a + tgi.log(b), axis=axis, keepdims=keepdims)
