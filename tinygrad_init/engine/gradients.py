"""What `grad` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


class Gradients(tuple["Tensor", ...]):
    """One gradient for each input; what only a tensor can do says so."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"grad gives a tuple with one gradient for each input; write grad(y, x)[0].{name}")

    def _refuse(self, *others: Any) -> Any:
        raise TypeError("grad gives a tuple with one gradient for each input; write grad(y, x)[0] to calculate with it")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __neg__ = __abs__ = __float__ = __array__ = _refuse
