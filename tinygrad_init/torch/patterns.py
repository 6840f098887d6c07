"""What is no matter of chance in a tensor: constants, identities, orthogonal rows, zeros by column, few values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..diagnosis import classes
from .moments import Moments
from .roles import LINEAR, Role
from .schemes import Scheme

Array = np.ndarray[Any, Any]

# Rows or columns whose scalar products are looked at, and columns by which equal rows are found.
ROWS, COLUMNS = 64, 256
# Rounding errors of an orthogonal matrix: those of the factorization, and those of its dtype in √n spacings.
FACTORED, SPACINGS = 1e-5, 8
# With fewer numbers, few of them being different means nothing; more different ones are not few.
MANY, FEW = 256, 256
# Columns that must have the same number of zeros for a start of so many zeros a column.
ALIKE = 0.9
# Shorter rows are equal by chance, or nearly so, in a dtype of few bits.
SHORT, SHORT_IN_FEW_BITS = 2, 16


def pattern(tensor: Tensor, of: Moments, some: Array, role: Role) -> Scheme | None:
    """The start that this tensor certainly comes from, if it is one without chance, or with zeros by column."""
    if of.not_finite or not tensor.numel():
        return None
    if of.zeros == tensor.numel():
        return Scheme("zeros", 0.0)
    if of.low == of.high and not (of.zeros and of.low):
        return Scheme("constant", 0.0, gain=of.low)
    if tensor.ndim >= 2:
        few = tensor.numel() - of.zeros <= len(tensor)
        if few and (gain := identity_gain(tensor, role.groups)) is not None:
            return Scheme("identity" if tensor.ndim == 2 else "dirac", of.std, gain=gain)
        if (gain := orthogonal_gain(tensor, of.eps)) is not None:
            return Scheme("orthogonal", of.std, gain=gain)
        if role.kind == LINEAR and tensor.ndim == 2 and sparse(tensor, of):
            return Scheme("sparse", of.std)
    if some.size >= MANY and of.distinct <= min(FEW, some.size // 8):
        return Scheme("few_values", of.std)
    return None


def identity_gain(tensor: Tensor, groups: int) -> float | None:
    """The number on the diagonal of an identity, or of a convolution that is one (Dirac); None if it is neither."""
    expected = torch.zeros(tensor.shape)
    if tensor.ndim == 2:
        torch.nn.init.eye_(expected)
    elif tensor.ndim <= 5 and len(tensor) % groups == 0:
        torch.nn.init.dirac_(expected, groups)
    gain = float(tensor.reshape(-1)[int(expected.reshape(-1).argmax())]) if expected.any() else 0.0
    return gain if gain and torch.equal(tensor.float(), expected * gain) else None


def orthogonal_gain(tensor: Tensor, eps: float) -> float | None:
    """The common length of rows (or columns, if there are fewer) that are at right angles; None if they are not."""
    matrix = tensor.reshape(len(tensor), -1)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    few, many = matrix.shape
    if few < 2:
        return None
    at = torch.linspace(0, few - 1, min(few, ROWS)).long()
    rows = matrix[at].double()
    products = rows @ rows.T
    square = float(products.diagonal().mean())
    if not square > 0:
        return None
    off = float((products / square - torch.eye(len(at), dtype=torch.float64)).abs().max())
    return math.sqrt(square) if off <= FACTORED + SPACINGS * eps / math.sqrt(many) else None


def sparse(matrix: Tensor, of: Moments) -> bool:
    """Whether columns have the same number of zeros, and some numbers: `torch.nn.init.sparse_`.

    A few may have one more, as small numbers become 0 in few bits.
    """
    if matrix.shape[1] < 2 or not matrix.shape[1] <= of.zeros < matrix.numel():
        return False
    zeros = (matrix == 0).sum(0)
    return float((zeros == zeros.median()).float().mean()) > ALIKE and not bool((matrix == 0).all(1).any())


def equal_rows(tensor: Tensor, eps: float) -> list[tuple[int, ...]]:
    """Groups of rows that are equal, or nearly so as in training; rows of a long tensor are found by some columns."""
    matrix = tensor.reshape(len(tensor), -1)
    long = SHORT if eps < FACTORED else SHORT_IN_FEW_BITS
    if len(matrix) < 2 or matrix.shape[1] < long:
        return []
    at = np.unique(np.linspace(0, matrix.shape[1] - 1, min(matrix.shape[1], COLUMNS)).astype(int))
    rows = matrix[:, torch.from_numpy(at)].float().numpy()
    # Two short rows are nearly equal by chance.
    alike = classes([rows], None if matrix.shape[1] >= SHORT_IN_FEW_BITS else 0.0).members
    found = [group for group in alike if len(group) > 1]
    if len(at) == matrix.shape[1]:
        return found
    return [again for group in found for again in equal_among(matrix, group)]


def equal_among(matrix: Tensor, group: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Of rows that are alike in some columns those that are like the first in all."""
    first = matrix[group[0]].double()
    near = 1e-4 * float(first.abs().max())
    same = tuple(i for i in group if float((matrix[i].double() - first).abs().max()) <= near)
    return [same] if len(same) > 1 else []
