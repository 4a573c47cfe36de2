"""Gradient clipping, in place."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from types import GeneratorType

import numpy as np

from tinygrad_lite import Tensor, no_grad, tensor
from tinygrad_lite.transforms.effects import effect


def _listed(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


@effect
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all tensors seen as one vector, ``(sum |x|^p)^(1/p)``.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
    norm_type : float
        p; ``inf`` for the largest absolute value.
    error_if_nonfinite : bool
        Whether a norm that is inf or nan is an error.
    foreach : bool, optional
        Accepted: all are one pass here.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.get_total_norm([tg.tensor([3.0]), tg.tensor([[4.0]])])
    tensor(5.)
    """
    arrays = [t._data for t in _listed(tensors)]
    norms = np.array([np.linalg.norm(a.ravel(), norm_type) if a.size else 0.0 for a in arrays])
    total = float(np.linalg.norm(norms, norm_type)) if arrays else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite "
            f"({total}), so it cannot be clipped. To scale the gradients by it anyway, set "
            "error_if_nonfinite=False"
        )
    return tensor(total, dtype=np.result_type(*{a.real.dtype for a in arrays}) if arrays else None)


@effect
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients by ``min(max_norm / (total_norm + 1e-6), 1)``, in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those whose ``grad`` is scaled.
    max_norm : float
    total_norm : Tensor, shape ()
        From `get_total_norm`.
    foreach : bool, optional
        Accepted: all are one pass here.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> w = nn.Parameter(tg.zeros(2))
    >>> w.grad = tg.tensor([3.0, 4.0])
    >>> nn.utils.clip_grads_with_norm_(w, 1.0, tg.tensor(5.0))
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    factor = float(max_norm) / (float(total_norm.item()) + 1e-6)
    if factor >= 1.0:  # nan is not, and goes into the gradients as in PyTorch
        return
    with no_grad(), np.errstate(invalid="ignore"):  # inf * 0 is nan, without a warning
        for gradient in _gradients(parameters):
            gradient.mul_(factor)


@effect
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients down, in place, so that the norm of all together is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those whose ``grad`` is clipped; those without one are passed over.
    max_norm : float
    norm_type : float
        The order of the norm; ``inf`` for the largest absolute value.
    error_if_nonfinite : bool
        Whether a norm that is inf or nan is an error. By default the gradients are scaled by it.
    foreach : bool, optional
        Accepted for PyTorch's sake, without effect.

    Returns
    -------
    Tensor, shape ()
        The norm before clipping.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite`.

    References
    ----------
    Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> w = nn.Parameter(tg.zeros(2))
    >>> w.grad = tg.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_(w, max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    given = _listed(parameters)
    if isinstance(parameters, GeneratorType) and not given:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    total = get_total_norm(_gradients(given), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(given, max_norm, total)
    return total


@effect
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clip every element of the gradients to [-clip_value, clip_value], in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those whose ``grad`` is clipped.
    clip_value : float
    foreach : bool, optional
        Accepted for PyTorch's sake, without effect.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> w = nn.Parameter(tg.zeros(2))
    >>> w.grad = tg.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_value_(w, 3.5)
    >>> w.grad
    tensor([3.0000, 3.5000])
    """
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(-float(clip_value), float(clip_value))
