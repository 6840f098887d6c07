"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so.

Defaults of layers are PyTorch's.
"""

from __future__ import annotations

from tinygrad_init import nn, rate_search, rehearsal, training

from ..interface import left_out
from ..records import changeable

LAYERS = {
    "AvgPool1d": {"padding": 0},
    "AvgPool2d": {"padding": 0},
    "BatchNorm": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True},
    "BatchNorm1d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True},
    "BatchNorm2d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True},
    "Conv1d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "Conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "ConvTranspose1d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "ConvTranspose2d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "Dropout": {"p": 0.5},
    "Flatten": {"start_axis": 1},
    "GlobalAvgPool": {"keepdims": False},
    "LayerNorm": {"eps": 1e-05, "elementwise_affine": True, "bias": True},
    "Linear": {"bias": True},
    "MaxPool1d": {"padding": 0},
    "MaxPool2d": {"padding": 0},
    "PReLU": {"units": 1, "slope": 0.25, "axis": -1},
    "Parameter": {"requires_grad": True},
}


def test_layers() -> None:
    assert left_out(nn) == LAYERS


SEARCHES = {
    "find_lr": {"batch_size": 64, "lowest": 1e-6, "highest": 100.0, "steps": 120, "rng": 0},
    "range_test": {"lowest": 1e-6, "highest": 100.0, "steps": 120},
}


def test_searches() -> None:
    assert {name: given for name, given in left_out(rate_search).items() if name in SEARCHES} == SEARCHES
    assert left_out(rehearsal)["Rehearsal"] == {"batch_size": 64, "rng": 0}
    assert left_out(rehearsal)["makes"] == {"lr": 0.1}
    assert left_out(training)["train"] == {"epochs": 10, "progress": False}


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.rate_search") == changeable("tinygrad_init.activations") == set()
    assert changeable("tinygrad_init.training") == {"Progress"}
