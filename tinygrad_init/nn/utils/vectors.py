"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...engine.modes import no_grad
from ...engine.operands import coerce
from ...engine.tensor import Tensor
from ...ops.shape import _reshape, concatenate


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All numbers of parameters in a row; gradients flow through it.

    Raises
    ------
    ValueError
        There are none.
    """
    found = coerce("parameters_to_vector", tuple(parameters))
    if not found:
        raise ValueError("parameters_to_vector: expected parameters, got none")
    return concatenate([_reshape(p, (p.size,)) for p in found])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Overwrite parameters by the numbers of a vector, in their order.

    Raises
    ------
    ValueError
        The vector does not have as many numbers as the parameters together.
    """
    (vector,), wanted = coerce("vector_to_parameters", (vec,)), list(parameters)
    total = sum(p.size for p in wanted)
    if vector.shape != (total,):
        raise ValueError(f"vector_to_parameters: expected a vector of {total} numbers, got shape {vector.shape}")
    at = 0
    with no_grad():
        for p in wanted:
            p.copy_(_reshape(vector[at : at + p.size], p.shape))
            at += p.size
