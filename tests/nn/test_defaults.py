"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so.

Defaults of layers are PyTorch's.
"""

from __future__ import annotations

from tinygrad_init import nn, rate_search, rehearsal, training

from ..interface import left_out
from ..records import changeable

LAYERS = {
    "AdaptiveLogSoftmaxWithLoss": {"div_value": 4.0, "head_bias": False},
    "FractionalMaxPool2d": {"return_indices": False},
    "LazyLinear": {"bias": True},
    "LazyBatchNorm1d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "LazyBatchNorm2d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "LazyBatchNorm3d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "LazyConv1d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "LazyConv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "LazyConv3d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "LazyConvTranspose1d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "LazyConvTranspose2d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "LazyConvTranspose3d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "AdaptiveMaxPool1d": {"return_indices": False},
    "AdaptiveMaxPool2d": {"return_indices": False},
    "AdaptiveMaxPool3d": {"return_indices": False},
    "AlphaDropout": {"p": 0.5, "inplace": False},
    "AvgPool1d": {"padding": 0, "ceil_mode": False, "count_include_pad": True},
    "AvgPool2d": {"padding": 0, "ceil_mode": False, "count_include_pad": True},
    "AvgPool3d": {"padding": 0, "ceil_mode": False, "count_include_pad": True},
    "BatchNorm": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "BatchNorm1d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "BatchNorm2d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "BatchNorm3d": {"eps": 1e-05, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
    "Bilinear": {"bias": True},
    "Conv1d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "Conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "Conv3d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "ConvTranspose1d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "ConvTranspose2d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "ConvTranspose3d": {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1},
    "CosineEmbeddingLoss": {"margin": 0.0},
    "CosineSimilarity": {"dim": 1, "eps": 1e-08},
    "CrossEntropyLoss": {"ignore_index": -100, "label_smoothing": 0.0},
    "Dropout": {"p": 0.5, "inplace": False},
    "Dropout1d": {"p": 0.5, "inplace": False},
    "Dropout2d": {"p": 0.5, "inplace": False},
    "Dropout3d": {"p": 0.5, "inplace": False},
    "Embedding": {"norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False, "_freeze": False},
    "FeatureAlphaDropout": {"p": 0.5, "inplace": False},
    "Flatten": {"start_dim": 1, "end_dim": -1},
    "GLU": {"dim": -1},
    "GRU": {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False},
    "GRUCell": {"bias": True},
    "GaussianNLLLoss": {"full": False, "eps": 1e-06},
    "GlobalAvgPool": {"keepdims": False},
    "GroupNorm": {"eps": 1e-05, "affine": True, "bias": True},
    "HardTanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False},
    "HingeEmbeddingLoss": {"margin": 1.0},
    "HuberLoss": {"delta": 1.0},
    "InstanceNorm1d": {"eps": 1e-05, "momentum": 0.1, "affine": False, "track_running_stats": False, "bias": True},
    "InstanceNorm2d": {"eps": 1e-05, "momentum": 0.1, "affine": False, "track_running_stats": False, "bias": True},
    "InstanceNorm3d": {"eps": 1e-05, "momentum": 0.1, "affine": False, "track_running_stats": False, "bias": True},
    "KLDivLoss": {"log_target": False},
    "LPPool1d": {"ceil_mode": False},
    "LPPool2d": {"ceil_mode": False},
    "LPPool3d": {"ceil_mode": False},
    "LSTM": {
        "num_layers": 1,
        "bias": True,
        "batch_first": False,
        "dropout": 0.0,
        "bidirectional": False,
        "proj_size": 0,
    },
    "LSTMCell": {"bias": True},
    "LayerNorm": {"eps": 1e-05, "elementwise_affine": True, "bias": True},
    "Linear": {"bias": True},
    "LocalResponseNorm": {"alpha": 0.0001, "beta": 0.75, "k": 1.0},
    "MarginRankingLoss": {"margin": 0.0},
    "MaxPool1d": {"padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False},
    "MaxPool2d": {"padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False},
    "MaxPool3d": {"padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False},
    "MultiMarginLoss": {"p": 1, "margin": 1.0},
    "MultiheadAttention": {
        "dropout": 0.0,
        "bias": True,
        "add_bias_kv": False,
        "add_zero_attn": False,
        "batch_first": False,
    },
    "PReLU": {"num_parameters": 1, "init": 0.25, "axis": 1},
    "PairwiseDistance": {"p": 2.0, "eps": 1e-06, "keepdim": False},
    "Parameter": {"requires_grad": True},
    "PoissonNLLLoss": {"log_input": True, "full": False, "eps": 1e-08},
    "RMSNorm": {"elementwise_affine": True},
    "RNN": {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False},
    "RNNCell": {"bias": True},
    "SmoothL1Loss": {"beta": 1.0},
    "Softplus": {"beta": 1.0, "threshold": 20.0},
    "Transformer": {
        "d_model": 512,
        "nhead": 8,
        "num_encoder_layers": 6,
        "num_decoder_layers": 6,
        "dim_feedforward": 2048,
        "dropout": 0.1,
        "layer_norm_eps": 1e-05,
        "batch_first": False,
        "norm_first": False,
        "bias": True,
    },
    "TransformerDecoderLayer": {
        "dim_feedforward": 2048,
        "dropout": 0.1,
        "layer_norm_eps": 1e-05,
        "batch_first": False,
        "norm_first": False,
        "bias": True,
    },
    "TransformerEncoder": {"enable_nested_tensor": True, "mask_check": True},
    "TransformerEncoderLayer": {
        "dim_feedforward": 2048,
        "dropout": 0.1,
        "layer_norm_eps": 1e-05,
        "batch_first": False,
        "norm_first": False,
        "bias": True,
    },
    "TripletMarginLoss": {"margin": 1.0, "p": 2.0, "eps": 1e-06, "swap": False},
    "TripletMarginWithDistanceLoss": {"margin": 1.0, "swap": False},
    "CTCLoss": {"blank": 0, "zero_infinity": False},
    "EmbeddingBag": {"norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False, "include_last_offset": False},
    "Fold": {"dilation": 1, "padding": 0, "stride": 1},
    "MaxUnpool1d": {"padding": 0},
    "MaxUnpool2d": {"padding": 0},
    "MaxUnpool3d": {"padding": 0},
    "NLLLoss": {"ignore_index": -100},
    "RReLU": {"lower": 0.125, "upper": 0.3333333333333333, "inplace": False},
    "Unfold": {"dilation": 1, "padding": 0, "stride": 1},
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
    assert left_out(training)["train"] == {"epochs": 10}


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.rate_search") == changeable("tinygrad_init.activations") == set()
    assert changeable("tinygrad_init.training") == {"Progress"}
