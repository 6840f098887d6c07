"""What the device can do."""

from .dtype import dtypes


def is_dtype_supported(dtype, device=None):
    """All but half precision, which this package does not compute with."""
    return dtype != dtypes.float16
