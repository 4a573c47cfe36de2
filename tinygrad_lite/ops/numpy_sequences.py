"""NumPy's functions of sequences, under its names: `np.convolve`, `interp`, `insert`, `polyval`, those without NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..rules import FAST, unwrap, wrap
from .argument_names import one_dim
from .linalg.einsum import of_common_dtype
from .neural.convolution.conv import conv1d

__all__: list[str] = []

# --- products of sequences --------------------------------------------------------------------------------------


def _correlate_all(a: Any, v: Any) -> Any:
    """The sums of `v` at every place where it meets `a`."""
    a, v = (x if hasattr(x, "requires_grad") else wrap(x) for x in of_common_dtype(a, v))
    if a.ndim != 1 or v.ndim != 1 or not (len(a) and len(v)):
        raise InputError(f"convolve: both must be vectors that are not empty, got shapes {a.shape} and {v.shape}")
    return conv1d(a[None, None], v[None, None], padding=len(v) - 1)[0, 0]


def _part(full: Any, a: Any, v: Any, mode: str, later: bool) -> Any:
    """Which of all sums NumPy's mode means; of two middles the earlier or the later one."""
    short, long = sorted((np.size(unwrap(a)), np.size(unwrap(v))))
    if mode not in ("full", "same", "valid"):
        raise InputError(f"convolve: mode must be 'full', 'same' or 'valid', got {mode!r}")
    if mode == "full":
        return full
    first = short - 1 if mode == "valid" else (short - 1 + later) // 2
    return full[first : first + (long if mode == "same" else long - short + 1)]


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    return _part(_correlate_all(a, np.flip(v)), a, v, mode, later=False)


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return _part(_correlate_all(a, np.conj(v)), a, v, mode, later=np.size(unwrap(v)) > np.size(unwrap(a)))


# --- values between and beside others ---------------------------------------------------------------------------


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is not None:
        raise NotImplementedError("np.interp: a period is not supported on Tensors that require grad")
    places, known = unwrap(x), unwrap(xp)
    if len(known) == 1:
        xp, fp = np.append(xp, xp + 1), np.append(fp, fp)
        known = unwrap(xp)
    i = np.clip(np.searchsorted(known, places, "right") - 1, 0, len(known) - 2)
    out = fp[i] + (x - xp[i]) * ((fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]))
    out = np.where(places < known[0], fp[0] if left is None else left, out)
    return np.where(places >= known[-1], np.where(places > known[-1], fp[-1] if right is None else right, fp[-1]), out)


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, one_dim(axis, arr.ndim, "insert"))
    size = arr.shape[axis]
    order = np.insert(np.arange(size), unwrap(obj), -1)  # where the new ones come between the old ones
    new = order < 0
    shape = (*arr.shape[:axis], int(new.sum()), *arr.shape[axis + 1 :])
    values = values if hasattr(values, "dtype") else np.asarray(values, unwrap(arr).dtype)
    if np.ndim(unwrap(obj)) == 0 and not isinstance(obj, slice):  # as in an assignment to one place
        values = np.moveaxis(values[(None,) * (arr.ndim - values.ndim)], 0, axis)
    values = np.broadcast_to(values, shape)
    both = np.concatenate([arr, values], axis)
    order[new] = size + np.arange(shape[axis])
    if np.ndim(unwrap(obj)) == 1 and np.asarray(unwrap(obj)).dtype.kind != "b":  # values come in the order of places
        order[new] = size + np.argsort(np.asarray(unwrap(obj)) % (size + 1), kind="stable")
    return np.take(both, order, axis)


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [to_begin, np.diff(np.ravel(ary)), to_end]
    return np.concatenate([np.ravel(part) for part in parts if part is not None])


def _resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if isinstance(new_shape, int) else tuple(new_shape)
    if not a.size():
        raise NotImplementedError("np.resize: nothing can be repeated of an empty Tensor")
    return np.reshape(np.ravel(a)[np.resize(np.arange(unwrap(a).size), shape).reshape(-1)], shape)


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    turns = np.unwrap(unwrap(p), discont, axis, period=period) - unwrap(p)
    return p + wrap(turns.astype(unwrap(p).dtype))


def _polyval(p: Any, x: Any) -> Any:
    out = 0 * x
    for coefficient in p:
        out = out * x + coefficient
    return out


def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, axis: int = 0) -> Any:
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    return np.exp(np.linspace(np.log(start), np.log(stop), num, endpoint, axis=axis))


def _unstack(x: Any, /, *, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


def _divmod(x1: Any, x2: Any) -> Any:
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


def _modf(x: Any) -> Any:
    whole = np.trunc(x)
    return np.where(np.isinf(unwrap(x)), 0 * unwrap(np.sign(x)), x - whole), whole


# --- running sums, and all that are not NaN ---------------------------------------------------------------------


def _running(function: Any) -> Any:
    def running(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        if axis is None and x.ndim != 1:
            raise InputError(f"cumulative: axis must be given for {x.ndim} dimensions")
        axis = one_dim(0 if axis is None else axis, x.ndim, "cumulative")
        out = function(x, axis, dtype)
        if not include_initial:
            return out
        first = np.full((*out.shape[:axis], 1, *out.shape[axis + 1 :]), function is np.cumprod, unwrap(out).dtype)
        return np.concatenate([first, out], axis)

    return running


def _filled(x: Any, value: float) -> Any:
    return np.where(np.isnan(unwrap(x)), value, x)


def _without_nan(function: Any, value: float) -> Any:
    return lambda a, *given, **options: function(_filled(a, value), *given, **options)


def _extreme_number(function: Any, value: float) -> Any:
    def extreme(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        nothing = np.isnan(unwrap(a)).all(axis, keepdims=keepdims)
        return np.where(nothing, np.nan, function(_filled(a, value), axis, keepdims=keepdims))

    return extreme


def _nanvar(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    gone = np.isnan(unwrap(a))
    count = (~gone).sum(axis, keepdims=keepdims)
    rest = np.where(gone, 0.0, a - np.nanmean(a, axis, keepdims=True))
    left = np.where(count > ddof, count - ddof, np.nan).astype(unwrap(a).real.dtype)
    return np.sum(rest * np.conj(rest), axis, keepdims=keepdims) / wrap(left)


def _nanstd(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_nanvar(a, axis, ddof=ddof, keepdims=keepdims))


def _nanpercentile(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
    return np.nanquantile(a, np.divide(q, 100).astype(unwrap(a).dtype), axis, method=method, keepdims=keepdims)


_FUNCTIONS: dict[str, Any] = {
    "convolve": _convolve, "correlate": _correlate, "interp": _interp, "insert": _insert, "ediff1d": _ediff1d,
    "resize": _resize, "unwrap": _unwrap, "polyval": _polyval, "logspace": _logspace, "geomspace": _geomspace,
    "unstack": _unstack, "divmod": _divmod, "modf": _modf, "cumulative_sum": _running(np.cumsum),
    "cumulative_prod": _running(np.cumprod), "nanprod": _without_nan(np.prod, 1.0), "nanstd": _nanstd,
    "nanvar": _nanvar, "nancumsum": _without_nan(np.cumsum, 0.0), "nancumprod": _without_nan(np.cumprod, 1.0),
    "nanmax": _extreme_number(np.max, -np.inf), "nanmin": _extreme_number(np.min, np.inf),
    "nanpercentile": _nanpercentile,
}  # fmt: skip
FAST.update({getattr(np, name): row for name, row in _FUNCTIONS.items() if hasattr(np, name)})  # some are NumPy 2.1's
