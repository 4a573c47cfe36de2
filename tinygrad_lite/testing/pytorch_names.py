"""`autograd.gradcheck` and `autograd.gradgradcheck` as PyTorch means them: strict at kinks, content with zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import checks
from .gradients.report import GradcheckError as GradcheckError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


def gradcheck(func: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """Check gradients as `tinygrad_lite.gradcheck` does, with PyTorch's answer in two cases.

    A kink at the very point is an error here, and a gradient that is zero everywhere, and right, is none. Without
    `eps`, `atol` and `rtol` the verdict is by order of convergence, where PyTorch takes steps of 1e-6.

    Parameters
    ----------
    func, inputs, **options
        As for `tinygrad_lite.gradcheck`.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(1, dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradcheck(lambda x: x.abs(), x, raise_exception=False)
    False
    """
    return checks.gradcheck(func, inputs, **{"allow_zero": True, "allow_kinks": False, **options})


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, **options: Any) -> bool:
    """Check second derivatives as `tinygrad_lite.gradgradcheck` does, with the same two exceptions as `gradcheck`.

    Parameters
    ----------
    func, inputs, grad_outputs, **options
        As for `tinygrad_lite.gradgradcheck`.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(1, dtype=tg.float64, requires_grad=True)
    >>> tg.autograd.gradgradcheck(lambda x: x**3, x)
    True
    """
    return checks.gradgradcheck(func, inputs, grad_outputs, **{"allow_zero": True, "allow_kinks": False, **options})
