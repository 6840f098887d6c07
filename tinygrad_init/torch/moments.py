"""What is said of one tensor's numbers: exact moments in pieces, so that memory stays flat, and a fixed sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]

# Numbers that are looked at together, and how many a sample has.
PIECE, SAMPLE = 2**20, 2**16


@dataclass(frozen=True)
class Moments:
    """The numbers of one tensor.

    Attributes
    ----------
    count
        How many finite numbers there are; of a table those outside of rows that are all 0.
    mean, std, rms, low, high
        Of these, exact.
    not_finite, zeros
        How many numbers are infinite or NaN, and how many are 0.
    kurtosis, distinct
        Of the sample: E (x - mean)⁴/Var² (3 for a normal, 1.8 for a uniform distribution), different numbers.
    eps
        The spacing of numbers of this dtype at 1.
    """

    count: int
    mean: float
    std: float
    rms: float
    low: float
    high: float
    not_finite: int
    zeros: int
    kurtosis: float
    distinct: int
    eps: float


def pieces(tensor: Tensor, size: int = PIECE) -> Any:
    """A tensor's numbers in a row, some at a time, in float64; float8 and bfloat16 too, which NumPy does not know."""
    row = tensor.reshape(-1)
    for first in range(0, row.numel(), size):
        yield row[first : first + size].to(torch.float32 if row.dtype.itemsize < 4 else row.dtype).double()


def spacing(tensor: Tensor) -> float:
    """That of numbers of this dtype at 1; 0 of whole numbers."""
    return torch.finfo(tensor.dtype).eps if tensor.is_floating_point() else 0.0


def sample(tensor: Tensor, size: int = SAMPLE) -> Array:
    """A fixed sample of a tensor's numbers in float64, the same for every tensor of this length; all of a small one."""
    row = tensor.reshape(-1)
    if row.numel() > size:
        at = np.sort(np.random.default_rng(0).integers(0, row.numel(), size))
        # PyTorch does not pick float8 by index in all of its versions, bytes it does.
        bits = row.view(torch.uint8) if row.is_floating_point() and row.dtype.itemsize == 1 else row
        row = bits[torch.from_numpy(at)].view(row.dtype)
    return np.asarray(next(pieces(row, size), torch.zeros(0, dtype=torch.float64)).numpy())


def moments(tensor: Tensor, some: Array, skip_rows: bool = False, eps: float | None = None) -> Moments:
    """Of all numbers, one pass; `some` is the sample.

    Parameters
    ----------
    skip_rows
        Leave out rows that are all 0, such as that of a table's padding.
    eps
        The spacing of the dtype that the numbers were kept in, if it is not that of the tensor.
    """
    count, zeros, total, square, low, high = 0, 0, 0.0, 0.0, math.inf, -math.inf
    for piece in pieces(tensor):
        added = float(piece.sum())
        finite = piece if math.isfinite(added) else piece[torch.isfinite(piece)]
        if finite.numel():
            count += finite.numel()
            zeros += finite.numel() - int(torch.count_nonzero(finite))
            total += added if finite is piece else float(finite.sum())
            square += float(finite @ finite)
            least, most = finite.aminmax()
            low, high = min(low, float(least)), max(high, float(most))
    not_finite = tensor.numel() - count
    if skip_rows and tensor.ndim == 2 and zeros:
        count -= int((tensor == 0).all(1).sum()) * tensor.shape[1]
    some = some[np.isfinite(some)]
    eps = spacing(tensor) if eps is None else eps
    distinct = len(np.unique(some))
    if not count:
        missing = math.nan if not_finite else 0.0
        return Moments(0, missing, missing, missing, missing, missing, not_finite, zeros, math.nan, distinct, eps)
    mean, mean_square = total / count, square / count
    std = math.sqrt(max(mean_square - mean * mean, 0.0)) if low < high else 0.0
    centred = some - some.mean() if some.size else some
    variance = float(np.mean(centred**2)) if some.size else 0.0
    kurtosis = float(np.mean(centred**4)) / variance**2 if variance > 1e-150 else math.nan
    return Moments(count, mean, std, math.sqrt(mean_square), low, high, not_finite, zeros, kurtosis, distinct, eps)
