"""Weights with a structure: orthogonal matrices, identities, few connections."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels.apart import LARGE
from ..ops.products import matmul
from .distributions import fill, not_negative
from .drawing import Generator, drawn, generator_of, in_parts

COLUMNS = 64  # of a large matrix that are made orthogonal to each other at a time


@drawn
def orthogonal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Orthonormal rows or columns, whichever are fewer, times gain (Saxe et al. 2014); Var = gain²/max(rows, columns).

    The Q of a Gaussian matrix's QR decomposition, with the signs of R's diagonal taken out, is uniformly distributed
    (Mezzadri 2007). Axes after the first are joined into one: the map from windows to channels is then orthogonal, not
    the convolution; for that see `delta_orthogonal_`.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected a weight with at least 2 axes, got shape {tensor.shape}")
    values = orthogonal(generator_of(rng), tensor.shape[0], math.prod(tensor.shape[1:]))
    return fill(tensor, gain * values.reshape(tensor.shape))


def orthogonal(generator: np.random.Generator, rows: int, columns: int) -> Any:
    """A uniformly distributed matrix with orthonormal rows or columns, whichever are fewer."""
    q = orthonormal(in_parts(generator.standard_normal, (max(rows, columns), min(rows, columns))))
    return q if rows >= columns else q.T


def orthonormal(matrix: Any) -> Any:
    """The Q of a tall matrix whose columns are far from dependent, the R of which has a positive diagonal.

    Of a large matrix some columns at a time, so that Ctrl-C is heard in between: what those before have of them is
    taken away, and once more, as rounding leaves some (Giraud et al. 2005: twice is enough).
    """
    if matrix.size < LARGE:
        return _positive(matrix)
    q = np.empty_like(matrix)
    for begin in range(0, matrix.shape[1], COLUMNS):
        part, before = matrix[:, begin : begin + COLUMNS], q[:, :begin]
        for _ in range(2):
            part = _positive(part - matmul(before, matmul(before.T, part)).numpy())
        q[:, begin : begin + COLUMNS] = part
    return q


def _positive(matrix: Any) -> Any:
    """The Q of LAPACK's Q R with signs such that the diagonal of R is positive."""
    q, r = np.linalg.qr(matrix)
    return q * np.where(np.diag(r) < 0, -1.0, 1.0)


@drawn
def delta_orthogonal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """A kernel that is an orthogonal matrix at its centre and 0 elsewhere (Xiao et al. 2018, algorithm 1).

    A convolution of stride 1 with it keeps the norm of every input (times gain), as long as its padding loses nothing.
    Var = gain²/(out_channels·window).

    Parameters
    ----------
    tensor
        Of shape (out_channels, in_channels, *window).

    Raises
    ------
    ValueError
        There is no window, or there are fewer channels out than in: some inputs would be lost.
    """
    if tensor.ndim < 3 or tensor.shape[0] < tensor.shape[1]:
        raise ValueError(
            "delta_orthogonal_: expected a kernel (out, in, *window) with at least as many channels out as in, "
            f"got shape {tensor.shape}"
        )
    return _at_centre(tensor, gain * orthogonal(generator_of(rng), tensor.shape[0], tensor.shape[1]))


@drawn
def eye_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Ones, times gain, on the diagonal of a matrix, zeros elsewhere; with ReLU in recurrent networks, Le et al. 2015.

    Raises
    ------
    ValueError
        The tensor has not exactly two axes.
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {tensor.shape}")
    return fill(tensor, gain * np.eye(tensor.shape[0], tensor.shape[1]))


@drawn
def dirac_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0, groups: int = 1) -> Tensor:
    """A kernel whose convolution passes on its input: 1, times gain, at the centre from each channel to its namesake.

    Parameters
    ----------
    tensor
        Of shape (out_channels, in_channels / groups, *window).
    groups
        Each group of channels is passed on to itself, as far as there are channels out.

    Raises
    ------
    ValueError
        There is no window, or the groups do not divide the channels.
    """
    if tensor.ndim < 3:
        raise ValueError(f"dirac_: expected a kernel (out, in, *window), got shape {tensor.shape}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ValueError(f"dirac_: expected a number of groups that divides {tensor.shape[0]} channels, got {groups}")
    return _at_centre(tensor, gain * np.tile(np.eye(tensor.shape[0] // groups, tensor.shape[1]), (groups, 1)))


@drawn
def identity_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0, groups: int = 1) -> Tensor:
    """The layer passes on its input, times gain: `eye_` for matrices, `dirac_` for kernels."""
    return eye_(tensor, gain=gain) if tensor.ndim == 2 else dirac_(tensor, gain=gain, groups=groups)


@drawn
def sparse_(
    tensor: Tensor, rng: Generator | None = None, connections: int = 15, std: float = 1.0, sparsity: float | None = None
) -> Tensor:
    """Every unit sees few inputs, drawn from a normal distribution (Martens 2010, sec. 5).

    The sum over inputs has the same spread whatever fan_in is: Var = std²·connections/fan_in over all weights.

    Parameters
    ----------
    tensor
        Of shape (units, ...).
    connections
        Weights of a unit that are not 0; all, if there are fewer.
    std
        Of those weights.
    sparsity
        Instead of `connections`: the share of a unit's weights that are 0, rounded up.

    Raises
    ------
    ValueError
        The tensor has fewer than two axes, or a number is out of range.
    """
    if tensor.ndim < 2:
        raise ValueError(f"sparse_: expected a weight with at least 2 axes, got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    if sparsity is not None:
        if not 0 <= sparsity <= 1:
            raise ValueError(f"sparse_: sparsity must be between 0 and 1, got {sparsity}")
        connections = columns - math.ceil(sparsity * columns)
    if connections < 0:
        raise ValueError(f"sparse_: connections must not be negative, got {connections}")
    generator = generator_of(rng)
    values = generator.normal(0.0, not_negative("sparse_", "std", std), (rows, columns))
    rank = generator.random((rows, columns)).argsort(axis=1).argsort(axis=1)
    return fill(tensor, np.where(rank < connections, values, 0.0).reshape(tensor.shape))


def _at_centre(tensor: Tensor, matrix: Any) -> Tensor:
    """Fill a kernel with zeros but for the middle of its window."""
    values: Any = np.zeros(tensor.shape)
    values[(..., *(size // 2 for size in tensor.shape[2:]))] = matrix
    return fill(tensor, values)
