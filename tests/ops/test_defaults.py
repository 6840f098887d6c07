"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so.

Of reductions, indices and joined arrays they are NumPy's, of convolutions and pooling PyTorch's.
"""

from __future__ import annotations

from tinygrad_init import ops

from ..interface import left_out
from ..records import changeable

OPERATIONS = {
    "argmax": {"keepdims": False},
    "argmin": {"keepdims": False},
    "argsort": {"axis": -1, "descending": False},
    "array_split": {"axis": 0},
    **{f"avg_pool{n}d": {"padding": 0, "ceil_mode": False, "count_include_pad": True} for n in (1, 2, 3)},
    "cat": {"axis": 0},
    "chunk": {"axis": 0},
    "concat": {"axis": 0},
    "concatenate": {"axis": 0},
    "conv1d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv3d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv_transpose3d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "conv_transpose1d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "conv_transpose2d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "cross_entropy": {"label_smoothing": 0.0},
    "diag": {"k": 0},
    "diagonal": {"offset": 0, "axis1": 0, "axis2": 1},
    "diff": {"n": 1, "axis": -1},
    "elu": {"alpha": 1.0},
    "flatten": {"start_axis": 0, "end_axis": -1},
    "leaky_relu": {"negative_slope": 0.01},
    "log_softmax": {"axis": -1},
    "logsumexp": {"keepdims": False},
    **{f"max_pool{n}d": {"padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False} for n in (1, 2, 3)},
    "mean": {"keepdims": False},
    "norm": {"keepdims": False},
    "operation": {"joint": False, "broadcasts": False, "view": False, "method": False, "whole": False},
    "pad": {"value": 0.0},
    "pinv": {"least": 0.0},
    "prod": {"keepdims": False},
    "softmax": {"axis": -1},
    "sort": {"axis": -1, "descending": False},
    "split": {"axis": 0},
    "split_sizes": {"axis": 0},
    "stack": {"axis": 0},
    "std": {"keepdims": False},
    "sum": {"keepdims": False},
    "tensor": {"requires_grad": False},
    "tensor_split": {"axis": 0},
    "tensordot": {"axes": 2},
    "topk": {"axis": -1, "largest": True},
    "tril": {"k": 0},
    "triu": {"k": 0},
    "var": {"keepdims": False},
}


def test_operations() -> None:
    assert left_out(ops) == OPERATIONS


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.ops") == set()
