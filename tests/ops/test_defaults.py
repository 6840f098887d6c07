"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so.

Of reductions, indices and joined arrays they are NumPy's, of convolutions and pooling PyTorch's.
"""

from __future__ import annotations

from tinygrad_init import ops

from ..interface import left_out
from ..records import changeable

OPERATIONS = {
    "avg_pool1d": {"padding": 0},
    "avg_pool2d": {"padding": 0},
    "concatenate": {"axis": 0},
    "conv1d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv_transpose1d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "conv_transpose2d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "elu": {"alpha": 1.0},
    "flatten": {"start_axis": 0},
    "leaky_relu": {"negative_slope": 0.01},
    "log_softmax": {"axis": -1},
    "logsumexp": {"keepdims": False},
    "max": {"keepdims": False},
    "max_pool1d": {"padding": 0},
    "max_pool2d": {"padding": 0},
    "mean": {"keepdims": False},
    "min": {"keepdims": False},
    "norm": {"keepdims": False},
    "operation": {"joint": False, "broadcasts": False, "view": False, "method": False},
    "softmax": {"axis": -1},
    "stack": {"axis": 0},
    "std": {"keepdims": False, "ddof": 0},
    "sum": {"keepdims": False},
    "var": {"keepdims": False, "ddof": 0},
}


def test_operations() -> None:
    assert left_out(ops) == OPERATIONS


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.ops") == set()
