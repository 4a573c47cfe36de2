"""Reductions, scans and normalizations of the entries where a mask is True: `torch.masked`'s functions.

An entry that is left out counts as what changes nothing: 0 in a sum, 1 in a product, -inf where the largest is wanted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import linalg
from ..dtypes import as_dtype
from ..engine.door import open_doors as _open_doors
from ..kernels.single_precision import rounded_once as _rounded_once
from ..ops.pointwise.clamp_round_where import where as _where
from ..ops.pointwise.exp_log_trig import logaddexp as _logaddexp
from ..ops.reduction.quantiles import nanmedian as _nanmedian
from ..rules import unwrap, wrap
from ..tensors.tensor_type import Tensor

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median",
    "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip


def _reduction_identity(op_name: str, input: Any, *args: Any) -> Any:
    """What changes nothing in a reduction of the input, as a tensor of its dtype; None for averages. PyTorch's tests
    ask for it.
    """
    name, kind = op_name.rpartition(".")[2], unwrap(input).dtype
    if name in ("mean", "std", "var"):
        return None
    if name in ("amax", "argmax", "logaddexp", "logsumexp"):
        value: Any = -math.inf if kind.kind == "c" else _lowest(input, None)
    elif name in ("amin", "argmin") or (name == "norm" and args[:1] == (-math.inf,)):
        value = _highest(input, None)
    elif name == "median":
        value, kind = math.nan, kind if kind.kind == "f" else as_dtype("float32")
    else:
        value = {"sum": 0, "cumsum": 0, "prod": 1, "cumprod": 1, "norm": 0}[name]
    return wrap(np.asarray(value, kind))


def _shaped(mask: Any, input: Any, who: str) -> Any:
    """The mask in the input's shape; None where all entries count."""
    if mask is None:
        return None
    m, shape = np.asarray(unwrap(mask)), unwrap(input).shape
    if m.dtype != np.bool_:
        raise TypeError(f"{who}: mask must be boolean, got {m.dtype}")
    try:
        return np.broadcast_to(m, shape)
    except ValueError:
        raise ValueError(f"{who}: mask must broadcast to the input's shape {shape}, got {m.shape}") from None


def _filled(input: Any, mask: Any, value: float, dtype: Any, who: str) -> Any:
    """The input with a value where the mask is False."""
    x = input if dtype is None else input.to(dtype)
    m = _shaped(mask, x, who)
    return x if m is None else x.masked_fill(wrap(m).logical_not(), value)


def _kind(input: Any, dtype: Any) -> Any:
    return unwrap(input).dtype if dtype is None else as_dtype(dtype)


def _lowest(input: Any, dtype: Any) -> Any:
    """What is smaller than every entry, of the dtype."""
    kind = _kind(input, dtype)
    return -math.inf if kind.kind == "f" else int(np.iinfo(kind).min)


def _highest(input: Any, dtype: Any) -> Any:
    kind = _kind(input, dtype)
    return math.inf if kind.kind == "f" else int(np.iinfo(kind).max)


def _dims(input: Any, dim: Any) -> Any:
    """The dimensions, all of them for None and for an empty sequence."""
    if isinstance(dim, int):
        return dim
    return tuple(dim) if dim else tuple(range(unwrap(input).ndim))


# --- reductions -------------------------------------------------------------------------------------------------


def sum(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, 0, None, "sum").sum(_dims(input, dim), keepdim, dtype=dtype)


def prod(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    x, dims = _filled(input, mask, 1, None, "prod"), _dims(input, dim)
    if isinstance(dims, int):
        return x.prod(dims, keepdim, dtype=dtype)
    x = x.prod(dtype=dtype) if not dims else x if dtype is None else x.to(dtype)
    for d in sorted((d % unwrap(x).ndim for d in dims), reverse=True):
        x = x.prod(d, keepdim)
    return x


def amax(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, _lowest(input, dtype), dtype, "amax").amax(_dims(input, dim), keepdim)


def amin(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, _highest(input, dtype), dtype, "amin").amin(_dims(input, dim), keepdim)


def argmax(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, _lowest(input, dtype), dtype, "argmax").argmax(dim, keepdim).to(_kind(input, dtype))


def argmin(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, _highest(input, dtype), dtype, "argmin").argmin(dim, keepdim).to(_kind(input, dtype))


def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    x = input if dtype is None else input.to(dtype)
    x = x if unwrap(x).dtype.kind in "fc" else x.float()
    out = _filled(x, mask, -math.inf, None, "logsumexp").logsumexp(_dims(x, dim), keepdim)
    return out.to(_kind(input, dtype))  # of integers cut to integers, as in PyTorch


def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    x = input if dtype is None else input.to(dtype)
    if unwrap(x).dtype.kind != "f":
        raise TypeError(f"median: the input must be floating point, got {unwrap(x).dtype}")
    if mask is None:
        return x.median(dim, keepdim).values
    if bool(np.isnan(unwrap(x)[_shaped(mask, x, "median")]).any()):
        raise ValueError("median: the entries that count must be numbers, got NaN among them")
    return _nanmedian(_filled(x, mask, math.nan, None, "median"), dim, keepdim).values


def _count(input: Any, dims: Any, keepdim: bool, mask: Any, who: str) -> Any:
    """How many entries count, as floats of the input's dtype."""
    m, x = _shaped(mask, input, who), unwrap(input)
    ones = np.ones(x.shape, np.bool_) if m is None else m
    return np.asarray(np.sum(ones, dims, dtype=x.real.dtype, keepdims=keepdim))


def _free_count(free: float, *arguments: Any) -> Any:
    """That number, diminished, not below 0."""
    count = _count(*arguments)
    return np.asarray(np.maximum(count - count.dtype.type(free), 0))


@_rounded_once
def mean(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    x, dims = input if dtype is None else input.to(dtype), _dims(input, dim)
    if unwrap(x).dtype.kind not in "fc":
        raise TypeError(f"mean: the input must be floating point, got {unwrap(x).dtype}")
    with np.errstate(invalid="ignore"):  # nothing counts: NaN
        if unwrap(x).dtype == np.float16:  # which ends at 65504, be it the sum or the count
            return mean(x.float(), dims, keepdim=keepdim, mask=mask).to(np.float16)
        return sum(x, dims, keepdim=keepdim, mask=mask) / wrap(_count(x, dims, keepdim, mask, "mean"))


def _free(unbiased: bool | None, correction: float | None, who: str) -> float:
    """What the number of entries is diminished by."""
    if unbiased is not None and correction is not None:
        raise TypeError(f"{who}: give unbiased or correction, not both")
    return float(unbiased if unbiased is not None else 1 if correction is None else correction)


@_rounded_once
def var(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    free = _free(unbiased, correction, "var")
    x, dims = input if dtype is None else input.to(dtype), _dims(input, dim)
    x = x if unwrap(x).dtype.kind in "fc" else x.float()
    deviations = _filled(x - mean(x, dims, keepdim=True, mask=mask), mask, 0, None, "var")
    squares = deviations * deviations.conj()  # of complex numbers complex, as in PyTorch
    with np.errstate(invalid="ignore", divide="ignore"):  # too few count: NaN
        return squares.sum(dims, keepdim) / wrap(_free_count(free, x, dims, keepdim, mask, "var"))


@_rounded_once
def std(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    free = _free(unbiased, correction, "std")
    return var(input, dim, correction=free, keepdim=keepdim, dtype=dtype, mask=mask).sqrt()


@_rounded_once
def norm(
    input: Any, ord: float = 2.0, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    x = _filled(input, mask, math.inf if ord == -math.inf else 0.0, dtype, "norm")
    return linalg.vector_norm(x, ord, _dims(input, dim), keepdim)


# --- along a dimension ------------------------------------------------------------------------------------------


def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, 0, None, "cumsum").cumsum(dim, dtype=_kind(input, dtype))


def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, 1, None, "cumprod").cumprod(dim, dtype=_kind(input, dtype))


def softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, -math.inf, dtype, "softmax").softmax(dim)


def log_softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    return _filled(input, mask, -math.inf, dtype, "log_softmax").log_softmax(dim)


def softmin(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    return (-_filled(input, mask, math.inf, dtype, "softmin")).softmax(dim)


@_rounded_once
def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None) -> Tensor:
    """The entries that count, divided by their norm along a dimension; the others are 0.

    Parameters
    ----------
    input : Tensor, floating
    ord : float
        Of the norm, as for `norm`.
    dim : int
    eps : float
        The least that is divided by.
    dtype : dtype, optional
        To which the input is cast before.
    mask : Tensor, bool, of a shape that broadcasts to the input's, optional

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, mask = tg.tensor([[3.0, 9.0, 4.0]]), tg.tensor([[True, False, True]])
    >>> tg.masked.normalize(x, 2.0, 1, mask=mask)
    tensor([[0.6000, 0.0000, 0.8000]])
    """
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0, dtype, "normalize") / length.clamp(min=eps)


def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None) -> Tensor:
    """``log(exp(input) + exp(other))``, each of them only where its mask is True.

    Parameters
    ----------
    input, other : Tensor, of equal shapes
    dtype : dtype, optional
        To which both are cast before.
    input_mask, other_mask : Tensor, bool, of shapes that broadcast, optional

    Returns
    -------
    Tensor, -inf where neither counts

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.0, 1.0])
    >>> tg.masked.logaddexp(x, x, input_mask=tg.tensor([True, False]))
    tensor([0.6931, 1.0000])
    """
    x = _filled(input, input_mask, -math.inf, dtype, "logaddexp")
    y = _filled(other, other_mask, -math.inf, dtype, "logaddexp")
    low, high = _where(x < y, x, y), _where(x < y, y, x)
    none = high.detach() == -math.inf  # of which the difference would be NaN
    return _where(none, high, _logaddexp(low.masked_fill(none, 0.0), high.masked_fill(none, 0.0)))


# --- docstrings -------------------------------------------------------------------------------------------------

_TEXT = """{summary}, of the entries where the mask is True.

Parameters
----------
input : Tensor
{ord}dim : int{dims}
{more}dtype : dtype, optional
    To which the input is cast before.
mask : Tensor, bool, of a shape that broadcasts to the input's, optional
    Default: all entries count.

Returns
-------
Tensor{result}

Examples
--------
>>> import tinygrad_lite as tg
>>> x, mask = tg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tg.tensor([[True, False, True], [False, True, False]])
>>> tg.masked.{name}(x, {arguments}, mask=mask)
tensor({shown})
"""
_KEEP = "keepdim : bool\n    Keep the reduced dimensions, with size 1.\n"
_FREE = """unbiased : bool, optional
    Divide by one less than the number of entries (the default), or by their number.
correction : float, optional
    What the number of entries is diminished by, in place of `unbiased`.
"""
_ORD = "ord : float\n    Of the norm, as for `linalg.vector_norm`.\n"
_SEVERAL, _ONE = " or tuple of int, optional\n    Default: all.", ", optional\n    Default: the flattened input."

__test__: dict[str, str] = {}
for _name, _summary, _shown, _with in (
    ("sum", "The sum", "[4., 5.]", {"more": _KEEP}),
    ("prod", "The product", "[3., 5.]", {"more": _KEEP}),
    ("amax", "The largest", "[3., 5.]", {"more": _KEEP, "result": "; the smallest number there is where none counts"}),
    ("amin", "The smallest", "[1., 5.]", {"more": _KEEP, "result": "; the largest number there is where none counts"}),
    (
        "argmax",
        "Where the largest is",
        "[2., 1.]",
        {"more": _KEEP, "dims": _ONE, "result": ", of the input's dtype, as in PyTorch"},
    ),
    (
        "argmin",
        "Where the smallest is",
        "[0., 1.]",
        {"more": _KEEP, "dims": _ONE, "result": ", of the input's dtype, as in PyTorch"},
    ),
    ("logsumexp", "``log(sum(exp(input)))``", "[3.1269, 5.0000]", {"more": _KEEP}),
    ("median", "The lower median", "[1., 5.]", {"more": _KEEP, "dims": "", "result": "; NaN where none counts"}),
    ("mean", "The mean", "[2., 5.]", {"more": _KEEP, "result": "; NaN where none counts"}),
    ("var", "The variance", "[1., 0.]", {"more": _FREE + _KEEP, "arguments": "1, unbiased=False"}),
    ("std", "The standard deviation", "[1., 0.]", {"more": _FREE + _KEEP, "arguments": "1, unbiased=False"}),
    ("norm", "The norm", "[3.1623, 5.0000]", {"ord": _ORD, "more": _KEEP, "arguments": "2.0, 1"}),
    ("cumsum", "Running sums", "[[1., 1., 4.],\n        [0., 5., 5.]]", {"dims": ""}),
    ("cumprod", "Running products", "[[1., 1., 3.],\n        [1., 5., 5.]]", {"dims": ""}),
    ("softmax", "Softmax", "[[0.1192, 0.0000, 0.8808],\n        [0.0000, 1.0000, 0.0000]]", {"dims": ""}),
    (
        "log_softmax",
        "Its logarithm",
        "[[-2.1269,    -inf, -0.1269],\n        [   -inf,  0.0000,    -inf]]",
        {"dims": ""},
    ),
    (
        "softmin",
        "Softmax of the negative",
        "[[0.8808, 0.0000, 0.1192],\n        [0.0000, 1.0000, 0.0000]]",
        {"dims": ""},
    ),
):
    _parts = {"ord": "", "more": "", "dims": _SEVERAL, "arguments": "1", "result": "", **_with}
    globals()[_name].__doc__ = __test__[_name] = _TEXT.format(name=_name, summary=_summary, shown=_shown, **_parts)

_open_doors(globals(), __all__, out=True)
