"""dropout, dropout1d to dropout3d (whole channels), alpha_dropout (keeps mean and variance)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...engine.views import apply
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import floating_only, other_names
from ..pointwise.arithmetic import mul
from ..random.random_streams import uniform

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]
FUNCTIONAL = "alpha_dropout dropout1d dropout2d dropout3d feature_alpha_dropout"

_SATURATION = 1.7580993408473766  # minus the limit of selu below: alpha times scale


def _keep(p: float, who: str) -> float:
    if not 0.0 <= p <= 1.0:
        raise InputError(f"{who}: the dropout probability p must be in [0, 1], got {p}")
    return 1.0 - p


def mask_of(shape: tuple[int, ...], dtype: Any, keep: float, generator: Any) -> Any:
    """Draw what inputs are multiplied with: zero, or ``1 / keep`` with that probability."""
    mask = (uniform(shape, np.float32, generator) < keep).astype(dtype)
    if keep:
        mask *= dtype.type(1 / keep)
    return mask


@other_names(train="training")
def dropout(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Set elements to zero with probability `p`, and scale the others by ``1 / (1 - p)``; in training only.

    Parameters
    ----------
    input : Tensor, floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Write to the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1].

    References
    ----------
    Srivastava et al., "Dropout", JMLR 2014; the scaling in training ("inverted") leaves evaluation untouched.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.dropout(tg.ones(1000), p=0.5)
    >>> sorted(set(x.tolist()))
    [0.0, 2.0]
    """
    keep = _keep(p, "dropout")
    if not training or p == 0.0:
        return input
    x = unwrap(input if p == 1 else floating_only(input, "dropout"))
    mask = mask_of(x.shape, x.dtype, keep, generator)
    return input.mul_(mask) if inplace else mul(input, mask)


def _channels(x: Any, channel: int) -> tuple[int, ...]:
    """One number for each channel of each sample; `channel` says which dimension the channels are."""
    return (*x.shape[: channel + 1], *(1,) * (x.ndim - channel - 1))


def _thinned(input: Any, p: float, training: bool, inplace: bool, shape: Any, generator: Any, who: str) -> Any:
    keep = _keep(p, who)
    if not training or p == 0.0:
        return input
    x = unwrap(input if p == 1 else floating_only(input, who))  # integers hold no factor but 0
    mask = mask_of(shape, x.dtype, keep, generator)
    return apply(input, lambda t: mul(t, mask), who, inplace)


def dropout1d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Set whole channels to zero with probability `p`, and scale the others by ``1 / (1 - p)``; in training only.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L), floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1], and another number of dimensions.

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", 2015, section 3.1.2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> y = tg.dropout1d(tg.ones(50, 4), 0.5)
    >>> sorted({tuple(row) for row in y.tolist()})
    [(0.0, 0.0, 0.0, 0.0), (2.0, 2.0, 2.0, 2.0)]
    """
    x = unwrap(input)
    if x.ndim not in (2, 3):
        raise InputError(f"dropout1d: input must have 2 or 3 dimensions, got shape {x.shape}")
    return _thinned(input, p, training, inplace, _channels(x, x.ndim - 2), generator, "dropout1d")


def dropout2d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """As `dropout1d`, for images: the channels are dimension 1, also of 3 dimensions, as in PyTorch.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1], and fewer than 2 dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> y = tg.dropout2d(tg.ones(9, 8, 2, 2), 0.5)
    >>> sorted(set(y.sum((2, 3)).reshape(-1).tolist()))
    [0.0, 8.0]
    """
    x = unwrap(input)
    if x.ndim < 2:
        raise InputError(f"dropout2d: input must have at least 2 dimensions, got shape {x.shape}")
    return _thinned(input, p, training, inplace, _channels(x, 1), generator, "dropout2d")


def dropout3d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """As `dropout1d`, for volumes.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W), or (C, D, H, W) and fewer, floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1], and no dimension or more than 5.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> y = tg.dropout3d(tg.ones(50, 2, 2, 2), 0.5)
    >>> sorted(set(y.sum((1, 2, 3)).tolist()))
    [0.0, 16.0]
    """
    x = unwrap(input)
    if not 1 <= x.ndim <= 5:
        raise InputError(f"dropout3d: input must have 4 or 5 dimensions, got shape {x.shape}")
    return _thinned(input, p, training, inplace, _channels(x, 1 if x.ndim == 5 else 0), generator, "dropout3d")


def _alpha(input: Any, p: float, training: bool, inplace: bool, shape: Any, generator: Any, who: str) -> Any:
    keep = _keep(p, who)
    if not training or p == 0.0:
        return input
    slope, shift = kept_or_saturated(
        shape, p, keep, unwrap(input if p == 1 else floating_only(input, who)).dtype, generator
    )
    return apply(input, lambda t: t * wrap(slope) + wrap(shift), who, inplace)


def kept_or_saturated(shape: Any, p: float, keep: float, dtype: Any, generator: Any) -> tuple[Any, Any]:
    """A slope and a shift for each entry: what is dropped goes to the lower limit of selu."""
    kept = uniform(shape, np.float32, generator) < keep
    a = 1 / ((_SATURATION**2 * p + 1) * keep) ** 0.5 if keep else 0.0
    return (kept * a).astype(dtype), (_SATURATION * a * (p - ~kept)).astype(dtype)


@other_names(train="training")
def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for networks of `selu`; in training only.

    Parameters
    ----------
    input : Tensor, floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1].

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", 2017, section "New dropout technique".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> sorted({round(v, 4) for v in tg.alpha_dropout(tg.zeros(99), 0.5, training=True).tolist()})
    [-0.7792, 0.7792]
    """
    return _alpha(input, p, training, inplace, unwrap(input).shape, generator, "alpha_dropout")


@other_names(train="training")
def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """`alpha_dropout` of whole channels.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating or integer, if nothing is scaled
    p : float in [0, 1]
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a probability outside [0, 1], and fewer than 2 dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> y = tg.feature_alpha_dropout(tg.zeros(9, 9, 2), 0.5, training=True)
    >>> bool((y[..., 0] == y[..., 1]).all())
    True
    """
    x = unwrap(input)
    if x.ndim < 2 and training and p:
        raise InputError(f"feature_alpha_dropout: input must have at least 2 dimensions, got shape {x.shape}")
    return _alpha(input, p, training, inplace, _channels(x, 1), generator, "feature_alpha_dropout")
