"""What a module keeps: numbers that it learns, and numbers that it does not."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from .construction import admit


class Parameter(Tensor):
    """A leaf that a module learns; assigned to an attribute, it becomes one of the module's parameters.

    Parameters
    ----------
    data, dtype, requires_grad, name
        As in `Tensor`.
    fans
        How many inputs a unit sums up and how many units an input feeds, where the shape does not tell it.
    """

    def __init__(
        self,
        data: Any,
        dtype: Any = None,
        requires_grad: bool = True,
        name: str | None = None,
        fans: tuple[int, int] | None = None,
    ) -> None:
        admit(data)
        super().__init__(data, dtype, requires_grad, name)
        self.fans = fans

    def __reduce__(self) -> tuple[Any, ...]:
        make, arguments = super().__reduce__()
        return make, (*arguments, self.fans)


class Buffer(Tensor):
    """Numbers that a module keeps but does not learn; assigned to an attribute, they become part of its state.

    A module changes them in place (`copy_` within `no_grad`), never by assignment: captured programs take the
    attributes of a module for granted, but read and write the numbers at each run.
    """

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> None:
        admit(data)
        super().__init__(data, dtype, requires_grad, name)


def in_dtype(tensor: Parameter | Buffer, dtype: Any) -> Parameter | Buffer:
    """The same numbers in another dtype, as a new tensor; a gradient of the old dtype stays with the old one."""
    if isinstance(tensor, Parameter):
        return Parameter(tensor.numpy(), dtype, tensor.requires_grad, tensor.name, tensor.fans)
    return Buffer(tensor.numpy(), dtype, name=tensor.name)
