"""Networks: modules with named parameters, layers, activations, normalization and losses."""

from typing import TYPE_CHECKING

from ..lazy_names import importing_later
from ..ops.activations import ACTIVATIONS
from ..ops.losses import LOSSES
from .containers import Sequential
from .layers import (
    ELU,
    MLP,
    SELU,
    Activation,
    Erf,
    HardSigmoid,
    Identity,
    LeakyReLU,
    Linear,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Sin,
    Softsign,
    Tanh,
    is_linear_map,
    linear_maps,
    make_activation,
    role_of,
)
from .module import Call, Module
from .observing import dtype_of, observe, undisturbed
from .parameters import Buffer, Parameter

if TYPE_CHECKING:
    from . import functional, utils
    from .activations import (
        CELU,
        GELU,
        GLU,
        Hardshrink,
        Hardsigmoid,
        Hardswish,
        HardTanh,
        Hardtanh,
        LogSigmoid,
        LogSoftmax,
        ReLU6,
        Softmax,
        Softmax2d,
        Softmin,
        Softplus,
        Softshrink,
        Tanhshrink,
        Threshold,
    )
    from .adaptive_softmax import AdaptiveLogSoftmaxWithLoss
    from .attention import MultiheadAttention
    from .comparing import Bilinear, CosineSimilarity, PairwiseDistance
    from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList
    from .convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
    from .dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout, RReLU
    from .embedding import Embedding, EmbeddingBag
    from .feature_normalization import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
    from .fractional_pooling import FractionalMaxPool2d
    from .lazy import (
        LazyBatchNorm1d,
        LazyBatchNorm2d,
        LazyBatchNorm3d,
        LazyConv1d,
        LazyConv2d,
        LazyConv3d,
        LazyConvTranspose1d,
        LazyConvTranspose2d,
        LazyConvTranspose3d,
        LazyLinear,
    )
    from .loss_layers import (
        CosineEmbeddingLoss,
        CTCLoss,
        GaussianNLLLoss,
        HingeEmbeddingLoss,
        HuberLoss,
        KLDivLoss,
        L1Loss,
        MarginRankingLoss,
        MultiLabelMarginLoss,
        MultiLabelSoftMarginLoss,
        MultiMarginLoss,
        NLLLoss,
        PoissonNLLLoss,
        SmoothL1Loss,
        SoftMarginLoss,
        TripletMarginLoss,
        TripletMarginWithDistanceLoss,
    )
    from .losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HalfSquaredError, HingeLoss, Loss, MSELoss
    from .normalization import (
        BatchNorm,
        BatchNorm1d,
        BatchNorm2d,
        BatchNorm3d,
        InstanceNorm1d,
        InstanceNorm2d,
        InstanceNorm3d,
    )
    from .padding import (
        CircularPad1d,
        CircularPad2d,
        CircularPad3d,
        ConstantPad1d,
        ConstantPad2d,
        ConstantPad3d,
        ReflectionPad1d,
        ReflectionPad2d,
        ReflectionPad3d,
        ReplicationPad1d,
        ReplicationPad2d,
        ReplicationPad3d,
        ZeroPad1d,
        ZeroPad2d,
        ZeroPad3d,
    )
    from .pooling import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AdaptiveAvgPool3d,
        AdaptiveMaxPool1d,
        AdaptiveMaxPool2d,
        AdaptiveMaxPool3d,
        AvgPool1d,
        AvgPool2d,
        AvgPool3d,
        GlobalAvgPool,
        LPPool1d,
        LPPool2d,
        LPPool3d,
        MaxPool1d,
        MaxPool2d,
        MaxPool3d,
        MaxUnpool1d,
        MaxUnpool2d,
        MaxUnpool3d,
    )
    from .recurrent import GRU, LSTM, RNN
    from .recurrent_cells import GRUCell, LSTMCell, RNNCell
    from .reshaping import (
        ChannelShuffle,
        Flatten,
        Fold,
        PixelShuffle,
        PixelUnshuffle,
        Unflatten,
        Unfold,
        Upsample,
        UpsamplingBilinear2d,
        UpsamplingNearest2d,
    )
    from .residual import Residual
    from .transformer import (
        Transformer,
        TransformerDecoder,
        TransformerDecoderLayer,
        TransformerEncoder,
        TransformerEncoderLayer,
    )

# What many networks do without is imported when it is first asked for.
_LATER = {
    "functional": "", "init": "", "utils": "", "CELU": "activations", "GELU": "activations", "GLU": "activations",
    "HardTanh": "activations", "Hardshrink": "activations", "Hardsigmoid": "activations",
    "Hardswish": "activations", "Hardtanh": "activations", "LogSigmoid": "activations",
    "LogSoftmax": "activations", "ReLU6": "activations", "Softmax": "activations", "Softmax2d": "activations",
    "Softmin": "activations", "Softplus": "activations", "Softshrink": "activations", "Tanhshrink": "activations",
    "Threshold": "activations", "MultiheadAttention": "attention", "Bilinear": "comparing",
    "CosineSimilarity": "comparing", "PairwiseDistance": "comparing", "ModuleDict": "containers",
    "ModuleList": "containers", "ParameterDict": "containers", "ParameterList": "containers",
    "Conv1d": "convolution", "Conv2d": "convolution", "Conv3d": "convolution", "ConvTranspose1d": "convolution",
    "ConvTranspose2d": "convolution", "ConvTranspose3d": "convolution", "AlphaDropout": "dropout",
    "Dropout": "dropout", "Dropout1d": "dropout", "Dropout2d": "dropout", "Dropout3d": "dropout",
    "FeatureAlphaDropout": "dropout", "Embedding": "embedding", "GroupNorm": "feature_normalization",
    "LayerNorm": "feature_normalization", "LocalResponseNorm": "feature_normalization",
    "RMSNorm": "feature_normalization", "CosineEmbeddingLoss": "loss_layers", "GaussianNLLLoss": "loss_layers",
    "HingeEmbeddingLoss": "loss_layers", "HuberLoss": "loss_layers", "KLDivLoss": "loss_layers",
    "L1Loss": "loss_layers", "MarginRankingLoss": "loss_layers", "MultiLabelMarginLoss": "loss_layers",
    "MultiLabelSoftMarginLoss": "loss_layers", "MultiMarginLoss": "loss_layers", "NLLLoss": "loss_layers",
    "PoissonNLLLoss": "loss_layers", "SmoothL1Loss": "loss_layers", "SoftMarginLoss": "loss_layers",
    "TripletMarginLoss": "loss_layers", "TripletMarginWithDistanceLoss": "loss_layers", "BCELoss": "losses",
    "BCEWithLogitsLoss": "losses", "CrossEntropyLoss": "losses", "HalfSquaredError": "losses",
    "HingeLoss": "losses", "Loss": "losses", "MSELoss": "losses", "BatchNorm": "normalization",
    "BatchNorm1d": "normalization", "BatchNorm2d": "normalization", "BatchNorm3d": "normalization",
    "InstanceNorm1d": "normalization", "InstanceNorm2d": "normalization", "InstanceNorm3d": "normalization",
    "CircularPad1d": "padding", "CircularPad2d": "padding", "CircularPad3d": "padding",
    "ConstantPad1d": "padding", "ConstantPad2d": "padding", "ConstantPad3d": "padding",
    "ReflectionPad1d": "padding", "ReflectionPad2d": "padding", "ReflectionPad3d": "padding",
    "ReplicationPad1d": "padding", "ReplicationPad2d": "padding", "ReplicationPad3d": "padding",
    "ZeroPad1d": "padding", "ZeroPad2d": "padding", "ZeroPad3d": "padding", "AdaptiveAvgPool1d": "pooling",
    "AdaptiveAvgPool2d": "pooling", "AdaptiveAvgPool3d": "pooling", "AdaptiveMaxPool1d": "pooling",
    "AdaptiveMaxPool2d": "pooling", "AdaptiveMaxPool3d": "pooling", "AvgPool1d": "pooling",
    "AvgPool2d": "pooling", "AvgPool3d": "pooling", "GlobalAvgPool": "pooling", "LPPool1d": "pooling",
    "LPPool2d": "pooling", "LPPool3d": "pooling", "MaxPool1d": "pooling", "MaxPool2d": "pooling",
    "MaxPool3d": "pooling", "GRU": "recurrent", "LSTM": "recurrent", "RNN": "recurrent",
    "GRUCell": "recurrent_cells", "LSTMCell": "recurrent_cells", "RNNCell": "recurrent_cells",
    "ChannelShuffle": "reshaping", "Flatten": "reshaping", "PixelShuffle": "reshaping",
    "PixelUnshuffle": "reshaping", "Unflatten": "reshaping", "Upsample": "reshaping",
    "UpsamplingBilinear2d": "reshaping", "UpsamplingNearest2d": "reshaping", "Residual": "residual",
    "Transformer": "transformer", "TransformerDecoder": "transformer", "TransformerDecoderLayer": "transformer",
    "TransformerEncoder": "transformer", "TransformerEncoderLayer": "transformer",
    "CTCLoss": "loss_layers", "EmbeddingBag": "embedding", "Fold": "reshaping", "Unfold": "reshaping",
    "RReLU": "dropout", "MaxUnpool1d": "pooling", "MaxUnpool2d": "pooling", "MaxUnpool3d": "pooling",
    "AdaptiveLogSoftmaxWithLoss": "adaptive_softmax", "FractionalMaxPool2d": "fractional_pooling",
    "LazyLinear": "lazy", "LazyConv1d": "lazy", "LazyConv2d": "lazy", "LazyConv3d": "lazy",
    "LazyConvTranspose1d": "lazy", "LazyConvTranspose2d": "lazy", "LazyConvTranspose3d": "lazy",
    "LazyBatchNorm1d": "lazy", "LazyBatchNorm2d": "lazy", "LazyBatchNorm3d": "lazy",
}  # fmt: skip
__getattr__, __dir__ = importing_later(__name__, _LATER, {"layers_of": "tinygrad_init.nn.linear_maps"})


__all__ = [
    "ACTIVATIONS", "CELU", "ELU", "GELU", "GLU", "GRU", "LOSSES", "LSTM", "MLP", "RNN", "SELU", "Activation",
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveLogSoftmaxWithLoss", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BCELoss",
    "BCEWithLogitsLoss", "BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "Buffer", "CTCLoss",
    "Call", "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
    "Embedding", "EmbeddingBag", "Erf", "FeatureAlphaDropout", "Flatten", "Fold", "FractionalMaxPool2d", "GRUCell",
    "GaussianNLLLoss", "GlobalAvgPool", "GroupNorm", "HalfSquaredError", "HardSigmoid", "HardTanh", "Hardshrink",
    "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HingeLoss", "HuberLoss", "Identity",
    "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d",
    "LSTMCell", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyLinear", "LeakyReLU",
    "Linear", "LocalResponseNorm", "LogSigmoid", "LogSoftmax", "Loss", "MSELoss", "MarginRankingLoss", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Mish", "Module", "ModuleDict",
    "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MultiheadAttention",
    "NLLLoss", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict", "ParameterList", "PixelShuffle",
    "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RNNCell", "RReLU", "ReLU", "ReLU6", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "Residual",
    "Sequential", "SiLU", "Sigmoid", "Sin", "SmoothL1Loss", "SoftMarginLoss", "Softmax", "Softmax2d", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold", "Transformer", "TransformerDecoder",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss", "Unflatten", "Unfold", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "dtype_of", "functional", "init", "is_linear_map", "linear_maps",
    "make_activation", "observe", "role_of", "undisturbed", "utils",
]  # fmt: skip
