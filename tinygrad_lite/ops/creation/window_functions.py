"""Windows to look at signals through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...tensors.tensor_type import Tensor
from ..special.bessel import bessel_series
from .creation import _finish

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

_OPTIONS = """window_length : int
    Number of entries.
periodic : bool
    Made to be repeated: the last of one entry more is left out. With False it is symmetric.
"""
_REST = """dtype : dtype, optional
    Floating. Default: `get_default_dtype`.
device : "cpu", optional
requires_grad : bool

Returns
-------
Tensor, shape (window_length,)

Raises
------
RuntimeError
    For a negative length, or a dtype that is not floating.

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}(4)
tensor({value})
"""


def _window(shape: Callable[..., Any], n: int, periodic: bool, dtype: Any, device: Any, requires_grad: bool,
            who: str) -> Any:  # fmt: skip
    """``shape(u)`` for u from 0 to 1."""
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    if n < 0 or chosen.kind != "f":
        raise RuntimeError(f"{who}: a length must not be negative and the dtype floating point, got {n} and {chosen}")
    if n <= 1:
        values = np.ones(n)
    else:
        values = shape(np.arange(n) / (n if periodic else n - 1))
    return _finish(values.astype(chosen), requires_grad, device, who)


def _cosines(u: Any, *a: float) -> Any:
    """``a_0 - a_1 cos(2 pi u) + a_2 cos(4 pi u) - ...``."""
    return sum((-1) ** k * c * np.cos(2 * math.pi * k * u) for k, c in enumerate(a))


def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None,
                    requires_grad: bool = False) -> Tensor:  # fmt: skip
    return _window(
        lambda u: 1 - abs(2 * u - 1), window_length, periodic, dtype, device, requires_grad, "bartlett_window"
    )


def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None,
                requires_grad: bool = False) -> Tensor:  # fmt: skip
    return _window(
        lambda u: _cosines(u, 0.5, 0.5), window_length, periodic, dtype, device, requires_grad, "hann_window"
    )


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
                   dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    return _window(
        lambda u: _cosines(u, alpha, beta), window_length, periodic, dtype, device, requires_grad, "hamming_window"
    )


def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None,
                    requires_grad: bool = False) -> Tensor:  # fmt: skip
    return _window(
        lambda u: _cosines(u, 0.42, 0.5, 0.08), window_length, periodic, dtype, device, requires_grad,
        "blackman_window",
    )  # fmt: skip


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
                  device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    def bessel(u: Any) -> Any:
        inside = np.maximum(1 - (2 * u - 1) ** 2, 0)
        return bessel_series(beta * np.sqrt(inside), 0, False) / bessel_series(np.asarray(abs(float(beta))), 0, False)

    return _window(bessel, window_length, periodic, dtype, device, requires_grad, "kaiser_window")


for _function, _summary, _more, _value in (
    (bartlett_window, "Bartlett's window, a triangle.", "", "[0.0000, 0.5000, 1.0000, 0.5000]"),
    (hann_window, r"Hann's window, :math:`\sin^2(\pi u)`.", "", "[0.0000, 0.5000, 1.0000, 0.5000]"),
    (hamming_window, r"Hamming's window, :math:`\alpha - \beta \cos(2 \pi u)`.", "alpha, beta : float\n",
     "[0.0800, 0.5400, 1.0000, 0.5400]"),
    (blackman_window, r"Blackman's window, :math:`0.42 - 0.5 \cos(2 \pi u) + 0.08 \cos(4 \pi u)`.", "",
     "[-1.3878e-17,  3.4000e-01,  1.0000e+00,  3.4000e-01]"),
    (kaiser_window, r"Kaiser's window, :math:`I_0(\beta \sqrt{1 - (2 u - 1)^2}) / I_0(\beta)`.",
     "beta : float\n    How narrow it is.\n", "[5.2773e-05, 2.1567e-01, 1.0000e+00, 2.1567e-01]"),
):  # fmt: skip
    _name = _function.__name__
    _text = _REST.format(name=_name, value=_value)
    _function.__doc__ = f"{_summary}\n\nParameters\n----------\n{_OPTIONS}{_more}{_text}"
