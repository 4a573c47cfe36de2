"""`relu`, `dropout` and all other functions behind the layers: what the files of `ops` list as `FUNCTIONAL`.

Here are those with arguments that only this face has (``inplace``, ``mode``), and in-place forms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Generator, Tensor
from tinygrad_lite.engine.door import open_doors
from tinygrad_lite.engine.namespaces import gather
from tinygrad_lite.engine.views import apply
from tinygrad_lite.ops.creation import arange_eye
from tinygrad_lite.ops.linalg import matmul, matrix_products
from tinygrad_lite.ops.neural import cdist, cosine_similarity, embedding, toplevel_names
from tinygrad_lite.ops.neural import dropout as dropouts
from tinygrad_lite.ops.neural.activation import gated, piecewise, smooth
from tinygrad_lite.ops.neural.attention import attention, multi_head_attention
from tinygrad_lite.ops.neural.convolution import conv, conv_transpose, fold_pixel_shuffle
from tinygrad_lite.ops.neural.loss import cross_entropy, ctc, distribution, margin, regression
from tinygrad_lite.ops.neural.normalization import batch_norm, layer_norm
from tinygrad_lite.ops.neural.pooling import adaptive_max_pool, avg_pool, fractional_max_pool, max_pool, max_unpool
from tinygrad_lite.ops.neural.vision import grid_sample, interpolate
from tinygrad_lite.ops.pointwise import exp_log_trig
from tinygrad_lite.ops.reduction import softmax
from tinygrad_lite.ops.shape import cat_pad
from tinygrad_lite.tensors.row_types import FloatingTensor

from ._checks import DROPOUT_MODES, check_choice, check_probability
from .module_placement import _parse_to as _parse_to

# --- activations ----------------------------------------------------------------------------------


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
    return apply(input, tg.relu, "relu", inplace)


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The form of an activation that overwrites its input."""

    def overwriting(input: Tensor, *args: Any, **options: Any) -> Tensor:
        return function(input, *args, inplace=True, **options)

    overwriting.__name__ = overwriting.__qualname__ = f"{function.__name__}_"
    overwriting.__doc__ = f"`{function.__name__}`, in place."
    return overwriting


relu_, leaky_relu_, elu_ = _in_place(relu), _in_place(piecewise.leaky_relu), _in_place(piecewise.elu)
selu_, celu_, rrelu_ = _in_place(piecewise.selu), _in_place(piecewise.celu), _in_place(piecewise.rrelu)
hardtanh_, threshold_ = _in_place(piecewise.hardtanh), _in_place(piecewise.threshold)


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

    return apply(input, thinned, "dropout", inplace)


OWN = (
    "celu_", "dropout", "elu_", "hardtanh_", "leaky_relu_", "relu", "relu_", "rrelu_", "selu_", "threshold_",
)  # fmt: skip
__all__ = gather(
    globals(), "FUNCTIONAL", own=OWN, rooms=(
        gated, piecewise, smooth, attention, multi_head_attention, conv, conv_transpose, fold_pixel_shuffle,
        cosine_similarity, dropouts, embedding, cross_entropy, ctc, distribution, margin, regression, batch_norm,
        layer_norm, adaptive_max_pool, avg_pool, fractional_max_pool, max_pool, max_unpool, grid_sample, interpolate,
        cat_pad, matrix_products, matmul, softmax, exp_log_trig, arange_eye, cdist, toplevel_names,
    ),
)  # fmt: skip
open_doors(globals(), __all__)
