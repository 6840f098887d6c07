"""Names of PyTorch that are no operations: data types, constants, modes, and accelerators, of which there are none.

They are there for scripts whose imports alone are changed; what else such scripts ask for is in `instead`.
"""

from __future__ import annotations

import builtins
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import Any

import numpy as np

from .engine.discrete import dtype_of, is_discrete
from .engine.modes import FLOAT32, FLOAT64, is_grad_enabled, mode, no_grad
from .engine.tensor import Tensor
from .ops.creation import empty, tensor
from .ops.devices import device as device

bool = np.dtype(np.bool_)
uint8, int8, int16, int32, int64 = (np.dtype(name) for name in ("uint8", "int8", "int16", "int32", "int64"))
short, int, long = int16, int32, int64
float32, float64 = float, double = FLOAT32, FLOAT64
dtype = np.dtype
Size: type = tuple
newaxis = None
inference_mode = no_grad


class set_grad_enabled:
    """From now on, or within this context, operations are recorded or not, in this thread.

    Parameters
    ----------
    enabled
        Whether they are.
    """

    def __init__(self, enabled: builtins.bool) -> None:
        self.before = is_grad_enabled()
        if mode.trace is not None and not enabled:
            mode.trace.enters_no_grad()
        mode.set("grad", builtins.bool(enabled))

    def __enter__(self) -> set_grad_enabled:
        return self

    def __exit__(self, *exception: object) -> None:
        mode.set("grad", self.before)


class LegacyTensor:
    """What makes tensors of one dtype: of a sequence or an array, or of sizes, with room alone.

    Parameters
    ----------
    kind
        The dtype.
    """

    def __init__(self, kind: np.dtype[Any]) -> None:
        self.kind = kind

    def __call__(self, *given: Any) -> Any:
        if all(isinstance(size, builtins.int) for size in given):
            return empty(given or 0, dtype=self.kind)
        if len(given) > 1:
            raise TypeError(f"expected one sequence or array, or sizes, got {len(given)} arguments")
        return tensor(given[0], dtype=self.kind)

    def __instancecheck__(self, value: Any) -> builtins.bool:
        return (isinstance(value, Tensor) or is_discrete(value)) and value.dtype == self.kind


FloatTensor, DoubleTensor = LegacyTensor(FLOAT32), LegacyTensor(FLOAT64)
LongTensor, IntTensor, ShortTensor = LegacyTensor(int64), LegacyTensor(int32), LegacyTensor(int16)
CharTensor, ByteTensor, BoolTensor = LegacyTensor(int8), LegacyTensor(uint8), LegacyTensor(bool)


def finfo(type: Any = None) -> Any:
    """Limits of a dtype of floats, as NumPy has them; of the default dtype unless one is given."""
    return np.finfo(mode.dtype if type is None else dtype_of(type))


def iinfo(type: Any) -> Any:
    """Limits of a dtype of whole numbers, as NumPy has them."""
    return np.iinfo(dtype_of(type))


class Absent:
    """An accelerator, as far as scripts ask for it that run without it, too.

    Flags, such as `backends.cudnn.benchmark`, may be set and mean nothing. Seeds are taken and not used, as by
    PyTorch where it has no such device.
    """

    def __init__(self, name: str, **parts: Absent) -> None:
        vars(self).update(parts, _name=name)

    def is_available(self) -> builtins.bool:
        """It is not."""
        return False

    is_built = is_available

    def device_count(self) -> builtins.int:
        """There are none."""
        return 0

    def manual_seed(self, seed: builtins.int) -> None:
        """Nothing is drawn there."""

    manual_seed_all = manual_seed

    def empty_cache(self) -> None:
        """Nothing is kept there."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"{self._name}.{name} is not to be had: all numbers are in the memory of the processor, and nothing is "
            "computed elsewhere; leave it out"
        )


cuda, mps, xpu, accelerator = (Absent(name) for name in ("cuda", "mps", "xpu", "accelerator"))
backends = Absent(
    "backends",
    cuda=Absent("backends.cuda"),
    cudnn=Absent("backends.cudnn"),
    mps=Absent("backends.mps"),
)
