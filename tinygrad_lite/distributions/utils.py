"""What distributions of one's own are made with: `broadcast_all`, `lazy_property`, and probabilities from logits."""

from __future__ import annotations

from typing import Any

from .. import Tensor, randn, softmax, where
from .discrete import inside as clamp_probs
from .distribution import broadcast as broadcast_all
from .distribution import lazy as lazy_property
from .distribution import sum_rightmost as _sum_rightmost  # noqa: F401  # PyTorch's name

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Tensor:
    """Standard normal numbers."""
    return randn(shape, dtype=dtype, device=device)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Tensor:
    """Probabilities from their logarithms, or from those of odds.

    Parameters
    ----------
    logits : Tensor, shape (..., n), or (...) if `is_binary`
    is_binary : bool

    Returns
    -------
    Tensor, of the same shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.distributions.utils import logits_to_probs
    >>> logits_to_probs(tg.zeros(2))
    tensor([0.5000, 0.5000])
    """
    found: Tensor = logits.sigmoid() if is_binary else softmax(logits, -1)
    return found


def probs_to_logits(probs: Any, is_binary: bool = False) -> Tensor:
    """Logarithms of probabilities, or of odds, finite also at 0 and 1.

    Parameters
    ----------
    probs : Tensor
    is_binary : bool

    Returns
    -------
    Tensor, of the same shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.distributions.utils import probs_to_logits
    >>> probs_to_logits(tg.tensor([0.5, 0.25]), is_binary=True)
    tensor([ 0.0000, -1.0986])
    """
    safe = clamp_probs(probs)
    found: Tensor = safe.log() - (-safe).log1p() if is_binary else safe.log()
    return found


def log1p_of_square(z: Tensor) -> Tensor:
    """``log(1 + z^2)``, also where the dtype does not hold the square."""
    big = z.abs() > 1
    near, far = where(big, 0.0, z), where(big, z, 1.0).abs()
    found: Tensor = where(big, 2 * far.log() + (far**-2).log1p(), (near * near).log1p())
    return found
