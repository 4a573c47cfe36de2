"""Tensors as text, the way PyTorch prints them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import bool_, complex64, get_default_dtype, int64

_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def set_printoptions(**options: Any) -> None:
    """Set how tensors are printed.

    Parameters
    ----------
    precision, threshold, edgeitems, linewidth : int, optional
        Digits, elements before summarizing, items at each edge of a summary, characters per line.
    sci_mode : bool or None, optional
        Scientific notation; None decides by the values.
    """
    unknown = set(options) - set(_options)
    if unknown:
        raise TypeError(f"set_printoptions: options are {', '.join(_options)}; got {', '.join(sorted(unknown))}")
    _options.update(options)


def _float_format(values: Any) -> Any:
    """One format for all: integers as ``3.``, else fixed digits, else scientific."""
    finite = np.abs(values[np.isfinite(values) & (values != 0)].astype(np.float64))
    digits = _options["precision"]
    scientific = _options["sci_mode"]
    whole = bool(np.all(finite == np.ceil(finite)))
    if scientific is None:
        scientific = bool(finite.size) and bool(
            finite.max() > 1e8 or (not whole and (finite.min() < 1e-4 or finite.max() / finite.min() > 1000.0))
        )
    if scientific:
        return lambda v: f"{v:.{digits}e}"
    if whole:
        return lambda v: f"{v:.0f}." if np.isfinite(v) else f"{v:.0f}"
    return lambda v: f"{v:.{digits}f}"


def _formatter(array: Any) -> Any:
    shown = array.ravel()
    if array.size > _options["threshold"]:
        edge = _options["edgeitems"]
        window = tuple(np.r_[0 : min(edge, n), max(n - edge, 0) : n] for n in array.shape)
        shown = array[np.ix_(*window)].ravel()
    if array.dtype.kind == "b":
        texts: Any = lambda v: "True" if v else "False"  # noqa: E731
    elif array.dtype.kind == "c":
        real, imag = _float_format(shown.real), _float_format(shown.imag)
        texts = lambda v: f"{real(v.real)}{'-' if np.signbit(v.imag) else '+'}{imag(abs(v.imag))}j"  # noqa: E731
    else:
        texts = _float_format(shown) if array.dtype.kind == "f" else str
    width = max((len(texts(v)) for v in shown), default=0)
    return lambda v: texts(v).rjust(width)


def text(array: Any, prefix: str) -> str:
    """The values in brackets, continuation lines indented by the prefix."""
    if array.dtype.kind == "f" and array.dtype.itemsize == 2:
        array = array.astype(np.float32)
    one = _formatter(array)
    if array.ndim == 0:
        return str(one(array[()])).strip()
    if array.size == 0:
        return "[]"
    return np.array2string(
        array,
        separator=", ",
        prefix=prefix,
        formatter={"all": one},
        threshold=_options["threshold"],
        edgeitems=_options["edgeitems"],
        max_line_width=_options["linewidth"],
    )


def represent(tensor: Any, name: str = "tensor(") -> str:
    """``tensor([...], dtype=..., grad_fn=...)``."""
    array = tensor._data
    parts = [text(array, name)]
    if array.size == 0 and array.ndim != 1:
        parts.append(f"size={tuple(array.shape)}")
    if array.dtype not in (get_default_dtype(), int64, bool_, complex64) or (array.size == 0 and array.dtype == int64):
        parts.append(f"dtype={array.dtype.name}")
    node = tensor.grad_fn
    if node is not None:
        parts.append(f"grad_fn={node!r}")
    elif tensor.requires_grad:
        parts.append("requires_grad=True")
    return f"{name}{', '.join(parts)})"
