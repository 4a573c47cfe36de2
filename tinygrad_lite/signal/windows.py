"""Window functions of symmetric or periodic form: `torch.signal.windows`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import as_dtype, get_default_dtype
from ..engine.arguments import whole
from ..engine.door import open_doors as _open_doors
from ..ops.creation.creation import _finish
from ..ops.special.bessel import bessel_series

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


def _window(shape: Callable[[Any, int], Any], M: int, sym: bool, who: str, dtype: Any, layout: Any, device: Any,
            requires_grad: bool) -> Any:  # fmt: skip
    """``shape(k, n)`` for k = 0 .. M - 1, where the window of n + 1 entries is symmetric."""
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    if not whole(M) or M < 0:
        raise ValueError(f"{who}: M must be an integer and not negative, got {M!r}")
    M = operator.index(M)
    if chosen not in (np.float32, np.float64):
        raise ValueError(f"{who}: dtype must be float32 or float64, got {chosen}")
    if layout is not None and "strided" not in str(layout):
        raise ValueError(f"{who}: layout must be strided, got {layout}")
    values = np.ones(M) if M <= 1 else np.asarray(shape(np.arange(M), M - 1 if sym else M))
    return _finish(values.astype(chosen), requires_grad, device, who)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Any = None,
                layout: Any = None, device: Any = None, requires_grad: bool = False) -> Any:  # fmt: skip
    if not tau > 0:
        raise ValueError(f"exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ValueError(f"exponential: center must be None where the window is symmetric, got {center}")

    def shape(k: Any, n: int) -> Any:
        return np.exp(-abs(k - (n / 2 if center is None else center)) / tau)

    return _window(shape, M, sym, "exponential", dtype, layout, device, requires_grad)


def cosine(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False) -> Any:  # fmt: skip
    return _window(
        lambda k, n: np.sin(math.pi * (k + 0.5) / (n + 1)), M, sym, "cosine", dtype, layout, device, requires_grad
    )


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False) -> Any:  # fmt: skip
    if not std > 0:
        raise ValueError(f"gaussian: std must be positive, got {std}")
    return _window(
        lambda k, n: np.exp(-(((k - n / 2) / std) ** 2) / 2), M, sym, "gaussian", dtype, layout, device, requires_grad
    )


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False) -> Any:  # fmt: skip
    if beta < 0:
        raise ValueError(f"kaiser: beta must not be negative, got {beta}")

    def shape(k: Any, n: int) -> Any:
        inside = np.maximum(1 - (2 * k / n - 1) ** 2, 0)
        return bessel_series(beta * np.sqrt(inside), 0, False) / bessel_series(np.asarray(float(beta)), 0, False)

    return _window(shape, M, sym, "kaiser", dtype, layout, device, requires_grad)


def bartlett(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False) -> Any:  # fmt: skip
    return _window(
        lambda k, n: 1 - abs(2 * k / n - 1), M, sym, "bartlett", dtype, layout, device, requires_grad
    )  # fmt: skip


def general_cosine(M: int, *, a: Sequence[float], sym: bool = True, dtype: Any = None, layout: Any = None,
                   device: Any = None, requires_grad: bool = False) -> Any:  # fmt: skip
    weights = [float(c) for c in a]
    if not weights:
        raise ValueError("general_cosine: a must hold at least one number, got none")

    def shape(k: Any, n: int) -> Any:
        return sum((-1) ** i * c * np.cos(2 * math.pi * i * k / n) for i, c in enumerate(weights))

    return _window(shape, M, sym, "general_cosine", dtype, layout, device, requires_grad)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Any = None, layout: Any = None,
                    device: Any = None, requires_grad: bool = False) -> Any:  # fmt: skip
    return general_cosine(
        M, a=[alpha, 1 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


_WEIGHTS = {
    "hamming": (0.54, 0.46), "hann": (0.5, 0.5), "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
}  # fmt: skip


def _of_cosines(name: str) -> Callable[..., Any]:
    def window(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False) -> Any:  # fmt: skip
        return general_cosine(
            M, a=_WEIGHTS[name], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
        )

    window.__name__ = window.__qualname__ = name
    return window


hamming, hann, blackman, nuttall = map(_of_cosines, ("hamming", "hann", "blackman", "nuttall"))

_TEXT = """{summary}

Parameters
----------
M : int
    Number of entries.
{more}sym : bool
    Symmetric; with False periodic, the last of one entry more left out.
dtype : dtype, optional
    float32 or float64. Default: `get_default_dtype`.
layout : optional
    Only the strided one there is.
device : "cpu", optional
requires_grad : bool

Returns
-------
Tensor, shape (M,)

Raises
------
ValueError
    For arguments out of range.

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.signal.windows.{name}({arguments})
tensor({shown})
"""

__test__: dict[str, str] = {}
for _name, _summary, _more, _arguments, _shown in (
    ("exponential", r"Exponential window, :math:`e^{-|k - c| / \tau}`.",
     "center : float, optional\n    Default: the middle. Only where it is not symmetric.\ntau : float\n",
     "3", "[0.3679, 1.0000, 0.3679]"),
    ("cosine", r"Cosine window, :math:`\sin(\pi (k + 1/2) / M)`.", "", "3", "[0.5000, 1.0000, 0.5000]"),
    ("gaussian", r"Gaussian window, :math:`e^{-(k - c)^2 / 2 \sigma^2}`.", "std : float\n    Its width.\n", "3",
     "[0.6065, 1.0000, 0.6065]"),
    ("kaiser", r"Kaiser's window, :math:`I_0(\beta \sqrt{1 - u^2}) / I_0(\beta)`.",
     "beta : float\n    How narrow it is.\n", "3, beta=1.0", "[0.7898, 1.0000, 0.7898]"),
    ("bartlett", "Bartlett's window, a triangle.", "", "3", "[0., 1., 0.]"),
    ("general_cosine", r"Sum of cosines, :math:`\sum_i (-1)^i a_i \cos(2 \pi i k / n)`.",
     "a : sequence of float\n    The weights.\n", "3, a=[0.5, 0.5]", "[0., 1., 0.]"),
    ("general_hamming", r"Hamming's window of any weight, :math:`\alpha - (1 - \alpha) \cos(2 \pi k / n)`.",
     "alpha : float\n", "3", "[0.0800, 1.0000, 0.0800]"),
    ("hamming", r"Hamming's window, :math:`0.54 - 0.46 \cos(2 \pi k / n)`.", "", "3", "[0.0800, 1.0000, 0.0800]"),
    ("hann", r"Hann's window, :math:`\sin^2(\pi k / n)`.", "", "3", "[0., 1., 0.]"),
    ("blackman", "Blackman's window, of three cosines.", "", "3, dtype=tg.float64",
     "[-1.3878e-17,  1.0000e+00, -1.3878e-17], dtype=float64"),
    ("nuttall", "Nuttall's window, of four cosines.", "", "3", "[3.6280e-04, 1.0000e+00, 3.6280e-04]"),
):  # fmt: skip
    globals()[_name].__doc__ = __test__[_name] = _TEXT.format(
        name=_name, summary=_summary, more=_more, arguments=_arguments, shown=_shown
    )

_open_doors(globals(), __all__, out=True)
