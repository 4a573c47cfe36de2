"""The functions behind the layers, under PyTorch's names.

Most are the engine's own operations; here they get the arguments that only this face has (``inplace``,
``mode``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tinygrad_lite as tg
from tinygrad_lite import Generator, Tensor
from tinygrad_lite import bilinear as bilinear
from tinygrad_lite import celu as celu
from tinygrad_lite import elu as elu
from tinygrad_lite import hardtanh as hardtanh
from tinygrad_lite import leaky_relu as leaky_relu
from tinygrad_lite import linear as linear
from tinygrad_lite import log_softmax as log_softmax
from tinygrad_lite import logsigmoid as logsigmoid
from tinygrad_lite import one_hot as one_hot
from tinygrad_lite import pdist as pdist
from tinygrad_lite import rrelu as rrelu
from tinygrad_lite import selu as selu
from tinygrad_lite import sigmoid as sigmoid
from tinygrad_lite import softmax as softmax
from tinygrad_lite import tanh as tanh
from tinygrad_lite import threshold as threshold
from tinygrad_lite.ops import functional, spatial
from tinygrad_lite.ops.fold import fold as fold
from tinygrad_lite.ops.fold import unfold as unfold
from tinygrad_lite.ops.functional import *  # noqa: F403  the names are in functional.__all__
from tinygrad_lite.ops.join import pad as pad
from tinygrad_lite.ops.spatial import *  # noqa: F403  the names are in spatial.__all__
from tinygrad_lite.views import write

from ._checks import check_choice, check_probability

_OWN = [
    "bilinear", "celu_", "elu_", "fold", "hardtanh_", "leaky_relu_", "linear", "log_softmax", "logsigmoid", "one_hot",
    "pad", "pdist", "relu_", "rrelu_", "selu_", "sigmoid", "softmax", "tanh", "threshold_", "unfold",
]  # fmt: skip
__all__ = [*_OWN, *functional.__all__, *spatial.__all__]

if TYPE_CHECKING:  # mypy reads no list that is put together, and would find none of these names

    def __getattr__(name: str) -> Any: ...


DROPOUT_MODES = ("inverted", "vanilla")


# --- activations ----------------------------------------------------------------------------------


def _overwrite(input: Tensor, function: Callable[[Tensor], Tensor], name: str) -> Tensor:
    return write(input, function, (), name)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Parameters
    ----------
    input : Tensor, any shape, floating
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


relu_, leaky_relu_, elu_, selu_ = map(_in_place, (relu, leaky_relu, elu, selu))
celu_, rrelu_, hardtanh_, threshold_ = map(_in_place, (celu, rrelu, hardtanh, threshold))


# --- dropout --------------------------------------------------------------------------------------


def dropout(
    input: Tensor,
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
