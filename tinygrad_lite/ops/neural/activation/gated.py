"""Activations along a dimension: one half gates the other, and softmax in other clothes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import numpy_names, one_dim
from ...pointwise.exp_log_trig import sigmoid
from ...random.random_streams import uniform
from ...reduction.softmax import softmax

__all__ = ["glu", "gumbel_softmax", "softmin"]
FUNCTIONAL = __all__


@numpy_names
def glu(input: Floating, dim: int = -1) -> Tensor:
    """Gated linear unit: the first half along a dimension times the sigmoid of the second.

    Parameters
    ----------
    input : Tensor, floating
    dim : int
        Of even size.

    Returns
    -------
    Tensor, of the input's shape but half as large along the dimension

    Raises
    ------
    ValueError
        For an odd size.

    References
    ----------
    Dauphin et al., "Language modeling with gated convolutional networks", 2016, eq. (1).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.glu(tg.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    x = unwrap(input)
    if not x.ndim:
        raise InputError("glu: input must have a dimension to halve, got shape ()")
    axis = one_dim(dim, x.ndim, "glu")
    size = x.shape[axis]
    if size % 2:
        raise InputError(f"glu: the dimension must be of even size, got {size} in dimension {axis}")
    return _glu.record((input, axis))


def _halves(x: Any, axis: int) -> tuple[Any, Any]:
    half, before = x.shape[axis] // 2, (slice(None),) * axis
    return x[(*before, slice(half))], x[(*before, slice(half, None))]


def _glu_x(g: Any, x: Any, axis: int) -> Any:
    a, b = _halves(x, axis)
    s = sigmoid(b)
    first = g * s
    return np.concatenate([first, first * (a * (1 - s))], axis)


@differentiable(x=_glu_x, name="glu", single=True)
def _glu(x: Any, axis: int) -> Any:
    a, b = _halves(x, axis)
    return a * sigmoid(b)


@numpy_names
def softmin(input: Any, dim: int | None = None, dtype: Any = None) -> Tensor:
    r"""Softmax of the negative, :math:`e^{-x_i} / \sum_j e^{-x_j}` along a dimension.

    Parameters
    ----------
    input : Tensor, floating, unless `dtype` is given
    dim : int, optional
        As for `softmax`.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.softmin(tg.tensor([0.0, 2.0]), dim=0)
    tensor([0.8808, 0.1192])
    """
    return softmax(-input, dim, dtype)


def gumbel(shape: tuple[int, ...], dtype: Any, generator: Any) -> Any:
    """Numbers of the standard Gumbel distribution."""
    drawn = 1 - uniform(shape, np.float64, generator)  # (0, 1]
    return -np.log(np.maximum(-np.log(drawn), np.finfo(np.float64).tiny)).astype(dtype)


@numpy_names
def gumbel_softmax(
    logits: Floating, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1, *, generator: Any = None
) -> Tensor:
    """A sample of classes that can be differentiated: softmax of the logits with Gumbel noise.

    Parameters
    ----------
    logits : Tensor, floating
        Logarithms of probabilities, which need not be normalized.
    tau : float
        Temperature: the lower, the nearer to a single 1.
    hard : bool
        Return the single 1, with the gradient of the soft sample.
    eps : float
        Without effect, as in PyTorch.
    dim : int
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the shape of `logits`

    References
    ----------
    Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017, eq. (1) and (2).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.gumbel_softmax(tg.tensor([0.0, 50.0]), hard=True)
    tensor([0., 1.])
    """
    x = unwrap(logits)
    if x.dtype.kind != "f":
        raise DtypeError(f"gumbel_softmax: logits must be floating point, got {x.dtype}")
    noise = gumbel(x.shape, x.dtype, generator)
    soft = softmax((logits + wrap(noise)) / tau, dim)
    if not hard:
        return soft
    return wrap(to_vertex(unwrap(soft), one_dim(dim, x.ndim, "gumbel_softmax"))) + soft


def to_vertex(values: Any, axis: int) -> Any:
    """What must be added to probabilities for the largest to become 1, and the others 0."""
    single = np.zeros_like(values)
    np.put_along_axis(single, np.expand_dims(np.argmax(values, axis), axis), 1, axis)
    return single - values
