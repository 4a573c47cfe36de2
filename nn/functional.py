"""The functions behind the layers, under PyTorch's names.

Most are the engine's own operations; here they get the arguments that only this face has (``inplace``,
``mode``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Generator, Tensor
from tinygrad_lite import bilinear as bilinear
from tinygrad_lite import linear as linear
from tinygrad_lite import log_softmax as log_softmax
from tinygrad_lite import logsigmoid as logsigmoid
from tinygrad_lite import one_hot as one_hot
from tinygrad_lite import pdist as pdist
from tinygrad_lite import sigmoid as sigmoid
from tinygrad_lite import softmax as softmax
from tinygrad_lite import tanh as tanh
from tinygrad_lite.engine.door import open_doors
from tinygrad_lite.engine.views import write
from tinygrad_lite.ops.neural.activation.gated import *
from tinygrad_lite.ops.neural.activation.gated import __all__ as _gated
from tinygrad_lite.ops.neural.activation.piecewise import *
from tinygrad_lite.ops.neural.activation.piecewise import __all__ as _piecewise
from tinygrad_lite.ops.neural.activation.piecewise import celu as celu
from tinygrad_lite.ops.neural.activation.piecewise import elu as elu
from tinygrad_lite.ops.neural.activation.piecewise import hardtanh as hardtanh
from tinygrad_lite.ops.neural.activation.piecewise import leaky_relu as leaky_relu
from tinygrad_lite.ops.neural.activation.piecewise import rrelu as rrelu
from tinygrad_lite.ops.neural.activation.piecewise import selu as selu
from tinygrad_lite.ops.neural.activation.piecewise import threshold as threshold
from tinygrad_lite.ops.neural.activation.smooth import __all__ as _smooth
from tinygrad_lite.ops.neural.activation.smooth import gelu as gelu
from tinygrad_lite.ops.neural.activation.smooth import mish as mish
from tinygrad_lite.ops.neural.activation.smooth import silu as silu
from tinygrad_lite.ops.neural.activation.smooth import softplus as softplus
from tinygrad_lite.ops.neural.activation.smooth import softsign as softsign
from tinygrad_lite.ops.neural.activation.smooth import tanhshrink as tanhshrink
from tinygrad_lite.ops.neural.attention.attention import *
from tinygrad_lite.ops.neural.attention.attention import __all__ as _attention
from tinygrad_lite.ops.neural.attention.multi_head_attention import *
from tinygrad_lite.ops.neural.attention.multi_head_attention import __all__ as _multi_head_attention
from tinygrad_lite.ops.neural.convolution.conv import *
from tinygrad_lite.ops.neural.convolution.conv import __all__ as _conv
from tinygrad_lite.ops.neural.convolution.conv_transpose import *
from tinygrad_lite.ops.neural.convolution.conv_transpose import __all__ as _conv_transpose
from tinygrad_lite.ops.neural.convolution.fold_pixel_shuffle import channel_shuffle as channel_shuffle
from tinygrad_lite.ops.neural.convolution.fold_pixel_shuffle import fold as fold
from tinygrad_lite.ops.neural.convolution.fold_pixel_shuffle import pixel_shuffle as pixel_shuffle
from tinygrad_lite.ops.neural.convolution.fold_pixel_shuffle import pixel_unshuffle as pixel_unshuffle
from tinygrad_lite.ops.neural.convolution.fold_pixel_shuffle import unfold as unfold
from tinygrad_lite.ops.neural.cosine_similarity import *
from tinygrad_lite.ops.neural.cosine_similarity import __all__ as _cosine_similarity
from tinygrad_lite.ops.neural.dropout import __all__ as _dropout
from tinygrad_lite.ops.neural.dropout import alpha_dropout as alpha_dropout
from tinygrad_lite.ops.neural.dropout import dropout1d as dropout1d
from tinygrad_lite.ops.neural.dropout import dropout2d as dropout2d
from tinygrad_lite.ops.neural.dropout import dropout3d as dropout3d
from tinygrad_lite.ops.neural.dropout import feature_alpha_dropout as feature_alpha_dropout
from tinygrad_lite.ops.neural.embedding import *
from tinygrad_lite.ops.neural.embedding import __all__ as _embedding
from tinygrad_lite.ops.neural.loss.cross_entropy import *
from tinygrad_lite.ops.neural.loss.cross_entropy import __all__ as _cross_entropy
from tinygrad_lite.ops.neural.loss.ctc import *
from tinygrad_lite.ops.neural.loss.ctc import __all__ as _ctc
from tinygrad_lite.ops.neural.loss.distribution import *
from tinygrad_lite.ops.neural.loss.distribution import __all__ as _distribution
from tinygrad_lite.ops.neural.loss.margin import *
from tinygrad_lite.ops.neural.loss.margin import __all__ as _margin
from tinygrad_lite.ops.neural.normalization.batch_norm import *
from tinygrad_lite.ops.neural.normalization.batch_norm import __all__ as _batch_norm
from tinygrad_lite.ops.neural.normalization.layer_norm import *
from tinygrad_lite.ops.neural.normalization.layer_norm import __all__ as _layer_norm
from tinygrad_lite.ops.neural.pooling.adaptive_max_pool import *
from tinygrad_lite.ops.neural.pooling.adaptive_max_pool import __all__ as _adaptive_max_pool
from tinygrad_lite.ops.neural.pooling.avg_pool import *
from tinygrad_lite.ops.neural.pooling.avg_pool import __all__ as _avg_pool
from tinygrad_lite.ops.neural.pooling.fractional_max_pool import *
from tinygrad_lite.ops.neural.pooling.fractional_max_pool import __all__ as _fractional_max_pool
from tinygrad_lite.ops.neural.pooling.max_pool import *
from tinygrad_lite.ops.neural.pooling.max_pool import __all__ as _max_pool
from tinygrad_lite.ops.neural.pooling.max_unpool import *
from tinygrad_lite.ops.neural.pooling.max_unpool import __all__ as _max_unpool
from tinygrad_lite.ops.neural.vision.grid_sample import affine_grid as affine_grid
from tinygrad_lite.ops.neural.vision.grid_sample import grid_sample as grid_sample
from tinygrad_lite.ops.neural.vision.interpolate import *
from tinygrad_lite.ops.neural.vision.interpolate import __all__ as _interpolate
from tinygrad_lite.ops.shape.cat_pad import pad as pad
from tinygrad_lite.tensors.row_types import FloatingTensor

from ._checks import check_choice, check_probability

_OWN = [
    "bilinear",
    "celu_",
    "channel_shuffle",
    "elu_",
    "fold",
    "hardtanh_",
    "leaky_relu_",
    "linear",
    "log_softmax",
    "logsigmoid",
    "one_hot",
    "pad",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "relu_",
    "rrelu_",
    "selu_",
    "sigmoid",
    "softmax",
    "tanh",
    "threshold_",
    "unfold",
]
__all__ = [
    *_OWN,
    *_gated,
    *_piecewise,
    *_smooth,
    *_attention,
    *_multi_head_attention,
    *_conv,
    *_conv_transpose,
    *_cosine_similarity,
    *_dropout,
    *_embedding,
    *_cross_entropy,
    *_ctc,
    *_distribution,
    *_margin,
    *_batch_norm,
    *_layer_norm,
    *_adaptive_max_pool,
    *_avg_pool,
    *_fractional_max_pool,
    *_max_pool,
    *_max_unpool,
    "affine_grid",
    "grid_sample",
    *_interpolate,
]


DROPOUT_MODES = ("inverted", "vanilla")


# --- activations ----------------------------------------------------------------------------------


def _overwrite(input: Tensor, function: Callable[[Tensor], Tensor], name: str) -> Tensor:
    return write(input, function, (), name)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Parameters
    ----------
    input : Tensor, any shape, floating or integer
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _overwrite(input, tg.relu, "relu_") if inplace else tg.relu(input)


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The form of an activation that overwrites its input."""

    def overwriting(input: Tensor, *args: Any, **options: Any) -> Tensor:
        return function(input, *args, inplace=True, **options)

    overwriting.__name__ = overwriting.__qualname__ = f"{function.__name__}_"
    overwriting.__doc__ = f"`{function.__name__}`, in place."
    return overwriting


relu_, leaky_relu_, elu_, selu_ = _in_place(relu), _in_place(leaky_relu), _in_place(elu), _in_place(selu)
celu_, rrelu_, hardtanh_, threshold_ = _in_place(celu), _in_place(rrelu), _in_place(hardtanh), _in_place(threshold)


# --- dropout --------------------------------------------------------------------------------------


def dropout(
    input: FloatingTensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mode: str = "inverted",
    generator: Generator | None = None,
) -> Tensor:
    """In training, set each element to zero with probability p, independently.

    Parameters
    ----------
    input : Tensor, floating
    p : float
        In [0, 1].
    training : bool
    inplace : bool
        Overwrite the input.
    mode : {"inverted", "vanilla"}
        See `nn.Dropout`, which explains the two kinds.
    generator : Generator, optional
        What the mask is drawn with.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    ValueError
        If p is not in [0, 1] or the mode is unknown.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> y = F.dropout(tg.ones(1000), 0.75, generator=tg.Generator().manual_seed(0))
    >>> sorted(set(y.tolist()))
    [0.0, 4.0]
    """
    check_choice("dropout", "mode", mode, DROPOUT_MODES)
    check_probability("dropout", "p", p)

    def thinned(x: Tensor) -> Tensor:
        if mode == "inverted":
            return tg.dropout(x, p, training, generator=generator)
        if training:
            return x * (tg.rand(x.shape, generator=generator) >= p).to(x.dtype)
        return x * (1.0 - p)

    return _overwrite(input, thinned, "dropout_") if inplace else thinned(input)


open_doors(globals(), __all__)
