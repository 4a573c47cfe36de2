"""`nansum`, `nanmean`, `std_mean`, `cov`, `corrcoef`: sums of data with holes, pairs of moments, covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.single_precision import rounded_once
from ...rules import FAST, differentiable, unwrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import built, floating_only, numpy_names
from ..pointwise.clamp_round_where import clamp, masked
from ..pointwise.comparison import isnan
from ..pointwise.complex_numbers import complex, conj, imag, real
from .sums import _std, _var, dims_and_freedom, mean, std, sum, var

__all__ = ["corrcoef", "cov", "nanmean", "nansum", "std_mean", "var_mean"]
METHODS = "corrcoef cov nanmean nansum"


def _variance(a: Any, *options: Any) -> Any:
    """The real parts' and the imaginary parts'."""
    return _var(real(a), *options) + _var(imag(a), *options)


def _deviation(a: Any, *options: Any) -> Any:
    """The root of the variance, without a slope where nothing varies."""
    v = _variance(a, *options)
    varies = np.not_equal(v, 0)
    return masked(np.sqrt(np.where(varies, v, 1.0)), varies)


_var.complex, _std.complex = _variance, _deviation


@differentiable(x=lambda g, x: masked(g, np.logical_not(np.isnan(x))), name="numbers", compiled=True, complex=True)
def _numbers(x: Any) -> Any:
    """Zero in place of what is not a number."""
    return np.where(np.isnan(x), 0.0, x)


@numpy_names
def var_mean(
    input: Floating,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> tuple[Tensor, Tensor]:
    """Variance and mean over dimensions, see `var`.

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int, optional
        Default: all. A bool is `unbiased`.
    unbiased : bool, optional
        An older name of ``correction=1``.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    correction : number, optional

    Returns
    -------
    tuple of two Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.var_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = dims_and_freedom(dim, unbiased, correction)
    return var(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


@numpy_names
def std_mean(
    input: Floating,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean over dimensions, see `std`.

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int, optional
        Default: all. A bool is `unbiased`.
    unbiased : bool, optional
        An older name of ``correction=1``.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    correction : number, optional

    Returns
    -------
    tuple of two Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.std_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = dims_and_freedom(dim, unbiased, correction)
    return std(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


# --- holes ------------------------------------------------------------------------------------------------------


@numpy_names
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum over dimensions, as if NaN were zero.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        Of the sum.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nansum(tg.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    return sum(_numbers(input) if unwrap(input).dtype.kind in "fc" else input, dim, keepdim, dtype=dtype)


@numpy_names
def nanmean(input: Floating, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean over dimensions of what is not NaN.

    Its gradient is 0 where all are NaN, and PyTorch's is NaN.

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor
        NaN where all are NaN.

    Raises
    ------
    TypeError
        For integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nanmean(tg.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    input = floating_only(input if dtype is None else input.to(dtype), "nanmean")
    kind = unwrap(input).dtype
    wide = np.dtype(np.float32) if kind == np.float16 else kind
    count = sum(isnan(input).logical_not(), dim, keepdim, dtype=wide)
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing
        return (nansum(input, dim, keepdim, dtype=wide) / count).to(kind)


# --- covariance -------------------------------------------------------------------------------------------------


def _weights(weights: Any, n: int, kinds: str, who: str) -> Any:
    w = unwrap(weights)
    if w.ndim > 1 or w.size != n or w.dtype.kind not in kinds:
        what = "integers" if kinds == "iu" else "floating point numbers"
        raise RuntimeError(f"cov: {who} must hold {n} {what}, one for each column, got {w.dtype} of shape {w.shape}")
    _not_negative(weights, who)
    return weights


def _not_negative(weights: Any, who: str) -> None:
    w = unwrap(weights)
    if (w < 0).any():
        raise RuntimeError(f"cov: {who} must not be negative, got {w.min()}")


@rounded_once
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """Covariance of variables, one a row, of which each column is an observation.

    Parameters
    ----------
    input : Tensor, shape (D, N), (N,) or ()
    correction : int
        The sums are divided by ``N - correction``.
    fweights : Tensor, shape (N,), integer, optional
        How often each observation was made.
    aweights : Tensor, shape (N,), floating, optional
        How much each observation weighs.

    Returns
    -------
    Tensor, shape (D, D), or () for one variable

    Raises
    ------
    RuntimeError
        For more dimensions, or weights that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cov(tg.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    shape = unwrap(input).shape
    if len(shape) > 2:
        raise RuntimeError(f"cov: the input must have at most two dimensions, got shape {shape}")
    x = input.reshape(1, -1) if len(shape) < 2 else input  # (D, N)
    x = x if unwrap(x).dtype.kind in "fc" else x.float()
    n, kind = unwrap(x).shape[1], np.zeros((), unwrap(x).dtype).real.dtype
    w = None if fweights is None else _weights(fweights, n, "iu", "fweights").to(kind)
    if aweights is not None:
        a = _weights(aweights, n, "f", "aweights")
        w = a if w is None else w * a
    total = n if w is None else sum(w)
    centre = mean(x, 1, True) if w is None else sum(x * w, 1, True) / total
    if w is not None and aweights is not None and correction:
        free = total - correction * sum(w * aweights) / total
    else:
        free = total - correction
    d = x - centre
    free = clamp(free, 0) if isinstance(free, Tensor) else max(free, 0) or built(np.zeros, (), kind)
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN where there is no freedom, as in PyTorch
        out = ((d if w is None else d * w) @ conj(d.T)) / free
    return out if unwrap(out).size != 1 else out.reshape(())


@rounded_once
def corrcoef(input: Any) -> Tensor:
    """Correlation of variables, one a row: `cov` divided by the standard deviations.

    Parameters
    ----------
    input : Tensor, shape (D, N), (N,) or ()

    Returns
    -------
    Tensor, shape (D, D), or () for one variable
        Between -1 and 1.

    Raises
    ------
    RuntimeError
        For more dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.corrcoef(tg.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    c = cov(input)
    if not unwrap(c).ndim:
        return c / c
    s = real(c.diagonal()).sqrt()
    c = c / s.reshape(-1, 1) / s
    if unwrap(c).dtype.kind != "c":
        return clamp(c, -1, 1)
    return complex(clamp(real(c), -1, 1), clamp(imag(c), -1, 1))


def _np_cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
            fweights: Any = None, aweights: Any = None) -> Any:  # fmt: skip
    if y is not None or not rowvar:
        raise NotImplementedError("np.cov with y= or rowvar=False is not supported on Tensors; stack or transpose them")
    return cov(m, correction=int(not bias) if ddof is None else ddof, fweights=fweights, aweights=aweights)


def _np_nansum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return nansum(a, axis, keepdims, dtype=dtype)


def _np_nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return nanmean(a, axis, keepdims, dtype=dtype)


FAST.update({np.nansum: _np_nansum, np.nanmean: _np_nanmean, np.cov: _np_cov})
FAST[np.corrcoef] = lambda x: corrcoef(x)
