"""Layers, losses, initialisation: PyTorch's names, arguments, defaults and state dicts.

A layer owns parameters and calls functions; the mathematics is in `nn.functional` and, below it, in the
engine.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if __name__ == "nn":
    # The folder was imported from a checkout, where it stands beside the engine. Hand out the real package in
    # its place, submodules included: executed twice, every class would exist twice and fail the other's
    # isinstance.
    import importlib

    for _name in ("fx", "common_types", "modules.module"):  # which are loaded on demand otherwise
        importlib.import_module(f"tinygrad_lite.nn.{_name}")
    for _name in [name for name in sys.modules if f"{name}.".startswith("tinygrad_lite.nn.")]:
        sys.modules[_name.removeprefix("tinygrad_lite.")] = sys.modules[_name]
else:
    from ..torch_imports import modules_of as _modules_of
    from . import attention, functional, grad, init, parallel, utils
    from .hooks import (
        register_module_backward_hook,
        register_module_buffer_registration_hook,
        register_module_forward_hook,
        register_module_forward_pre_hook,
        register_module_full_backward_hook,
        register_module_full_backward_pre_hook,
        register_module_module_registration_hook,
        register_module_parameter_registration_hook,
    )
    from .module import Module
    from .modules import utils as _ntuples  # noqa: F401  (PyTorch's name, which nothing here needs)
    from .modules.activation.activation import (
        CELU,
        ELU,
        GELU,
        GLU,
        SELU,
        LogSigmoid,
        LogSoftmax,
        Mish,
        Sigmoid,
        SiLU,
        Softmax,
        Softmax2d,
        Softmin,
        Softplus,
        Softsign,
        Tanh,
        Tanhshrink,
    )
    from .modules.activation.activation_piecewise import (
        Hardshrink,
        Hardsigmoid,
        Hardswish,
        Hardtanh,
        LeakyReLU,
        PReLU,
        ReLU,
        ReLU6,
        RReLU,
        Softshrink,
        Threshold,
    )
    from .modules.activation.adaptive_softmax import AdaptiveLogSoftmaxWithLoss
    from .modules.containers.container import ModuleDict, ModuleList, Sequential
    from .modules.containers.parameter_containers import ParameterDict, ParameterList
    from .modules.convolution.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
    from .modules.convolution.lazy_conv import (
        LazyConv1d,
        LazyConv2d,
        LazyConv3d,
        LazyConvTranspose1d,
        LazyConvTranspose2d,
        LazyConvTranspose3d,
    )
    from .modules.distance import CosineSimilarity, PairwiseDistance
    from .modules.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
    from .modules.embedding import Embedding, EmbeddingBag
    from .modules.fold_pixel_shuffle import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
    from .modules.lazy import LazyLinear
    from .modules.linear import Bilinear, Flatten, Identity, Linear, Unflatten
    from .modules.loss.likelihood_loss import CTCLoss, GaussianNLLLoss, PoissonNLLLoss
    from .modules.loss.linear_cross_entropy import LinearCrossEntropyLoss
    from .modules.loss.loss import (
        BCELoss,
        BCEWithLogitsLoss,
        CrossEntropyLoss,
        HuberLoss,
        KLDivLoss,
        L1Loss,
        MSELoss,
        NLLLoss,
        SmoothL1Loss,
    )
    from .modules.loss.margin_loss import (
        CosineEmbeddingLoss,
        HingeEmbeddingLoss,
        MarginRankingLoss,
        MultiLabelMarginLoss,
        MultiLabelSoftMarginLoss,
        MultiMarginLoss,
        SoftMarginLoss,
        TripletMarginLoss,
        TripletMarginWithDistanceLoss,
    )
    from .modules.normalization.batch_norm import (
        BatchNorm1d,
        BatchNorm2d,
        BatchNorm3d,
        InstanceNorm1d,
        InstanceNorm2d,
        InstanceNorm3d,
    )
    from .modules.normalization.layer_norm import CrossMapLRN2d, GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
    from .modules.normalization.lazy_norm import (
        LazyBatchNorm1d,
        LazyBatchNorm2d,
        LazyBatchNorm3d,
        LazyInstanceNorm1d,
        LazyInstanceNorm2d,
        LazyInstanceNorm3d,
    )
    from .modules.normalization.sync_batch_norm import SyncBatchNorm
    from .modules.padding import (
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
    from .modules.pooling.adaptive_pooling import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AdaptiveAvgPool3d,
        AdaptiveMaxPool1d,
        AdaptiveMaxPool2d,
        AdaptiveMaxPool3d,
        FractionalMaxPool2d,
        FractionalMaxPool3d,
    )
    from .modules.pooling.pooling import (
        AvgPool1d,
        AvgPool2d,
        AvgPool3d,
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
    from .modules.recurrent.recurrent import GRU, LSTM, RNN, RNNBase
    from .modules.recurrent.recurrent_cell import GRUCell, LSTMCell, RNNCell, RNNCellBase
    from .modules.transformer.attention import MultiheadAttention
    from .modules.transformer.transformer import Transformer, TransformerDecoder, TransformerEncoder
    from .modules.transformer.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
    from .modules.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d
    from .parallel import DataParallel
    from .parameter import (
        Buffer,
        Parameter,
        UninitializedBuffer,
        UninitializedParameter,
    )
    from .summary import summary

__all__ = [
    "attention", "functional", "grad", "init", "parallel", "utils", "summary", "Module", "DataParallel", "Parameter",
    "Buffer", "Sequential", "ModuleList", "ModuleDict", "Identity", "Flatten", "Unflatten", "Linear", "BatchNorm1d",
    "BatchNorm2d", "Dropout", "ReLU", "LeakyReLU", "ELU", "SiLU", "GELU", "Sigmoid", "LogSigmoid", "Tanh",
    "Softplus", "Softmax", "LogSoftmax", "L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "NLLLoss",
    "CrossEntropyLoss", "LinearCrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss", "Bilinear", "Conv1d",
    "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyLinear", "LazyConv1d",
    "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
    "LPPool1d", "LPPool2d", "LPPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d",
    "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d",
    "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Unfold", "Fold", "BatchNorm3d", "SyncBatchNorm",
    "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "RMSNorm", "GroupNorm", "LocalResponseNorm",
    "CrossMapLRN2d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d",
    "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "PReLU", "RReLU", "Hardtanh",
    "ReLU6", "Hardsigmoid", "Hardswish", "Threshold", "Hardshrink", "Softshrink", "CELU", "SELU", "Mish",
    "Tanhshrink", "Softsign", "GLU", "Softmin", "Softmax2d", "PoissonNLLLoss", "GaussianNLLLoss", "CTCLoss",
    "HingeEmbeddingLoss", "MarginRankingLoss", "CosineEmbeddingLoss", "SoftMarginLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
    "AdaptiveLogSoftmaxWithLoss", "CosineSimilarity", "PairwiseDistance", "UninitializedParameter",
    "UninitializedBuffer", "ParameterList", "ParameterDict", "Embedding", "EmbeddingBag", "RNNBase", "RNN", "LSTM",
    "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention", "TransformerEncoderLayer",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder", "Transformer",
    "register_module_backward_hook", "register_module_buffer_registration_hook",
    "register_module_module_registration_hook", "register_module_parameter_registration_hook",
    "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]  # fmt: skip

if __name__ != "nn":
    modules = sys.modules[f"{__name__}.modules"]
    layers = {n: globals()[n] for n in __all__ if isinstance(globals()[n], type) and issubclass(globals()[n], Module)}
    del layers["DataParallel"]
    vars(modules).update(layers, __all__=list(layers))  # from torch.nn.modules import *
    for path, file in list(sys.modules.items()):  # each has the names of all, which PyTorch's files have otherwise
        if f"{path}.".startswith(f"{modules.__name__}."):
            vars(file)["__getattr__"] = _modules_of(path, path.rpartition(".")[0])
    if not TYPE_CHECKING:  # type checkers would take any name for one that it knows
        __getattr__ = _modules_of(__name__)
    del layers, path, file
