"""Data types: those of NumPy under tinygrad's names."""

import numpy as np


class dtypes:
    """A name for each; what is not there raises an AttributeError, as in tinygrad."""

    bool = np.dtype("bool")
    int8 = char = np.dtype("int8")
    int16 = short = np.dtype("int16")
    int32 = int = default_int = np.dtype("int32")
    int64 = long = np.dtype("int64")
    uint8 = uchar = np.dtype("uint8")
    uint16 = ushort = np.dtype("uint16")
    uint32 = uint = np.dtype("uint32")
    uint64 = ulong = np.dtype("uint64")
    float16 = half = np.dtype("float16")
    float32 = float = default_float = np.dtype("float32")
    float64 = double = np.dtype("float64")

    @staticmethod
    def max(dtype):
        return np.iinfo(dtype).max

    @staticmethod
    def min(dtype):
        return np.iinfo(dtype).min


def dtype_of(dtype):
    """A dtype by its name, or as it is."""
    return getattr(dtypes, dtype) if isinstance(dtype, str) else dtype
