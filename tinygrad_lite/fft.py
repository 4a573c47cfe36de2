"""Discrete Fourier transforms: `torch.fft`'s functions, differentiable to any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .dtypes import as_dtype, get_default_dtype
from .engine.errors import InputError
from .ops.argument_names import numpy_names
from .ops.signal.fft import (
    complex_backward,
    complex_forward,
    hermitian_backward,
    hermitian_forward,
    plan,
    real_backward,
    real_forward,
)
from .rules import FAST, unwrap, wrap
from .tensors.devices import only_cpu
from .tensors.tensor_type import Tensor

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip


def _size(n: int | None) -> tuple[int, ...] | None:
    if n == -1:  # in sizes of several dimensions it stands for the input's
        raise InputError(f"n must be positive, got {n}")
    return None if n is None else (n,)


def _answers(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function with ``dim=`` take ``axis=`` as well, and answer NumPy's of the same arguments."""

    def lift(function: Callable[..., Any]) -> Callable[..., Any]:
        def numpys(a: Any, *args: Any, out: Any = None, **options: Any) -> Any:
            if out is not None:
                raise NotImplementedError(f"np.fft.{function.__name__} with out= is not supported on Tensors")
            return function(a, *args, **{"dim" if k in ("axis", "axes") else k: v for k, v in options.items()})

        FAST[theirs] = numpys
        return numpy_names(function)

    return lift


@_answers(np.fft.fft)
def fft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Discrete Fourier transform along a dimension, ``X[k] = sum_j x[j] exp(-2 pi i j k / n)``.

    Parameters
    ----------
    input : Tensor, real or complex
    n : int, optional
        The size to cut the input to, or to fill it up to with zeros. Default: the input's.
    dim : int
    norm : None, "backward", "ortho" or "forward"
        Which direction divides by n: the backward one (as None says), both by the root of n, the forward one.

    Returns
    -------
    Tensor, complex

    Raises
    ------
    RuntimeError
        For a size that is not positive.
    IndexError
        For a dimension that is not there.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fft.fft(tg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    """
    return complex_forward(input, _size(n), dim, norm, "fft")


@_answers(np.fft.ifft)
def ifft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    return complex_backward(input, _size(n), dim, norm, "ifft")


@_answers(np.fft.fft2)
def fft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`fft` along two dimensions, cut or filled up to the sizes `s`."""
    return complex_forward(input, s, dim, norm, "fft2")


@_answers(np.fft.ifft2)
def ifft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of `fft2`."""
    return complex_backward(input, s, dim, norm, "ifft2")


@_answers(np.fft.fftn)
def fftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fft` along several dimensions, cut or filled up to the sizes `s`; by default all, or as many last ones."""
    return complex_forward(input, s, dim, norm, "fftn")


@_answers(np.fft.ifftn)
def ifftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`."""
    return complex_backward(input, s, dim, norm, "ifftn")


@_answers(np.fft.rfft)
def rfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first ``n // 2 + 1`` entries of the `fft` of real numbers; the others are their conjugates.

    Parameters
    ----------
    input : Tensor, real
    n, dim, norm
        As for `fft`.

    Returns
    -------
    Tensor, complex

    Raises
    ------
    TypeError
        For a complex input.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fft.rfft(tg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return real_forward(input, _size(n), dim, norm, "rfft")


@_answers(np.fft.irfft)
def irfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`: real numbers of half their spectrum.

    Parameters
    ----------
    input : Tensor, shape (..., n // 2 + 1)
        The imaginary parts of the first entry, and of that in the middle, count for nothing.
    n : int, optional
        The size of the result. Default: the even one, twice the input's less one.
    dim, norm
        As for `fft`.

    Returns
    -------
    Tensor, real

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fft.irfft(tg.fft.rfft(tg.tensor([1.0, 2.0, 4.0])), n=3)
    tensor([1., 2., 4.])
    """
    return real_backward(input, _size(n), dim, norm, "irfft")


@_answers(np.fft.rfft2)
def rfft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfft` along the last of two dimensions, then `fft` along the other."""
    return real_forward(input, s, dim, norm, "rfft2")


@_answers(np.fft.irfft2)
def irfft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of `rfft2`; `s` are the sizes of the result."""
    return real_backward(input, s, dim, norm, "irfft2")


@_answers(np.fft.rfftn)
def rfftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`rfft` along the last of some dimensions (by default of all), then `fft` along the others."""
    return real_forward(input, s, dim, norm, "rfftn")


@_answers(np.fft.irfftn)
def irfftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`; `s` are the sizes of the result."""
    return real_backward(input, s, dim, norm, "irfftn")


@_answers(np.fft.hfft)
def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real spectrum of numbers that are the conjugates of their mirror images, and given by half: see `irfft`."""
    return hermitian_forward(input, _size(n), dim, norm, "hfft")


@_answers(np.fft.ihfft)
def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`."""
    return hermitian_backward(input, _size(n), dim, norm, "ihfft")


@numpy_names
def hfft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`fft` along the first of two dimensions, `hfft` along the other; `s` are the sizes of the result."""
    return hermitian_forward(input, s, dim, norm, "hfft2")


@numpy_names
def ihfft2(input: Any, s: Sequence[int] | None = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of `hfft2`."""
    return hermitian_backward(input, s, dim, norm, "ihfft2")


@numpy_names
def hfftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fft` along some dimensions (by default all) but the last, `hfft` along that; `s` are the result's sizes."""
    return hermitian_forward(input, s, dim, norm, "hfftn")


@numpy_names
def ihfftn(input: Any, s: Sequence[int] | None = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `hfftn`."""
    return hermitian_backward(input, s, dim, norm, "ihfftn")


# --- helpers ----------------------------------------------------------------------------------------------------


def _shifted(input: Any, dim: Any, who: str, forth: bool) -> Any:
    if not unwrap(input).size:
        return input.clone()
    _, dims = plan(input, None, dim, who)
    half = [unwrap(input).shape[d] // 2 for d in dims]
    return np.roll(input, tuple(half if forth else [-n for n in half]), dims)


@_answers(np.fft.fftshift)
def fftshift(input: Any, dim: Any = None) -> Tensor:
    """Move the frequency 0 to the middle.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fft.fftshift(tg.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted(input, dim, "fftshift", forth=True)


@_answers(np.fft.ifftshift)
def ifftshift(input: Any, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, "ifftshift", forth=False)


def _frequencies(values: Any, dtype: Any, device: Any, requires_grad: bool) -> Any:
    only_cpu(device, "fftfreq")
    out = wrap(values.astype(get_default_dtype() if dtype is None else as_dtype(dtype)))
    return out.requires_grad_() if requires_grad else out


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Frequencies of the entries of `fft`, in cycles per unit.

    Parameters
    ----------
    n : int
    d : float
        Distance between two samples.
    dtype : dtype, optional
        Default: that of floats.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fft.fftfreq(4, d=0.5)
    tensor([ 0.0000,  0.5000, -1.0000, -0.5000])
    """
    return _frequencies(np.fft.fftfreq(n, d), dtype, device, requires_grad)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Frequencies of the entries of `rfft`: the first half of `fftfreq`, none negative."""
    return _frequencies(np.fft.rfftfreq(n, d), dtype, device, requires_grad)
