"""Where numbers are, as PyTorch's scripts ask and say: in the memory of the processor."""

from __future__ import annotations

from typing import Any

HERE = ("cpu", "cpu:0")


def require_here(name: str, device: Any) -> None:
    """Raise for a device that is not the processor.

    Raises
    ------
    ValueError
        Its numbers would be elsewhere than in the memory of the processor.
    """
    if device is not None and str(device) not in HERE:
        raise ValueError(f"{name}: numbers are computed with on the processor alone, got device {str(device)!r}")


class device(str):
    """The text "cpu", with what PyTorch's devices have; others are refused.

    Parameters
    ----------
    type
        "cpu", or another device that is the processor.
    index
        None or 0.

    Raises
    ------
    ValueError
        It is another device.
    """

    __slots__ = ()
    type = "cpu"
    index = None  # type: ignore[assignment] # which as text it has as a method

    def __new__(cls, type: Any = "cpu", index: int | None = None) -> device:
        require_here("device", type if index is None else f"{type}:{index}")
        return super().__new__(cls, "cpu")

    def __repr__(self) -> str:
        return "device(type='cpu')"


CPU = device()
