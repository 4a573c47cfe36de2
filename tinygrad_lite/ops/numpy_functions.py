"""NumPy's functions that PyTorch has under no name: `np.append`, `partition`, `rollaxis`, `select`, `linspace`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..rules import FAST, differentiable, unwrap, without_gradient, wrap
from ..tensors.numpy_calls import numbers_as
from .argument_names import one_dim
from .linalg.least_squares import lstsq
from .linalg.matrix_products import cross
from .pointwise.arithmetic import abs
from .pointwise.clamp_round_where import round, trunc, where
from .pointwise.exp_log_trig import deg2rad, rad2deg
from .pointwise.fused_arithmetic import float_power
from .reduction.sums import trace
from .shape.reshape_transpose import reshape

__all__: list[str] = []

_cbrt = differentiable(np.cbrt, x=lambda g, out: g / (3 * out * out))


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    kind = next(v.dtype for v in (arr, values) if hasattr(v, "dtype"))
    return np.concatenate([v if hasattr(v, "dtype") else np.asarray(v, kind) for v in (arr, values)], axis)


def _around(a: Any, decimals: int = 0) -> Any:
    return round(a, decimals=decimals)


def _extract(condition: Any, arr: Any) -> Any:
    return _compress(np.ravel(unwrap(condition)), arr)


def _reshape(a: Any, shape: Any, order: str = "C") -> Any:
    if order not in "CFA":
        raise InputError(f"reshape: order must be 'C', 'F' or 'A', got {order!r}")
    if order == "C" or (order == "A" and not unwrap(a).flags.fnc):
        return reshape(a, shape)
    shape = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return np.transpose(reshape(np.transpose(a), shape[::-1]))


def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, -1, order) if order != "K" else _reshape(a, -1, "A")


def _fabs(x: Any) -> Any:
    return abs(x if unwrap(x).dtype.kind == "f" else x.double())


def _argpartition(a: Any, kth: Any, axis: int | None = -1, **how: Any) -> Any:
    return wrap(np.argpartition(unwrap(a), kth, axis, **how))


def _partition(a: Any, kth: Any, axis: int | None = -1, **how: Any) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.take_along_axis(a, np.argpartition(unwrap(a), kth, axis, **how), axis)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis, end = one_dim(axis, a.ndim, "rollaxis"), start + a.ndim * (start < 0)
    if not 0 <= end <= a.ndim:
        raise IndexError(f"rollaxis: start must be in [{-a.ndim}, {a.ndim}], got {start}")
    return np.moveaxis(a, axis, end - (axis < end))


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"select: there must be a choice for each of {len(condlist)} conditions, got {len(choicelist)}"
        )
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):  # the first one that holds counts
        out = where(condition, choice, out)
    return out


def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    spaces = num - 1 if endpoint else num
    kind = np.result_type(unwrap(start), unwrap(stop), np.float16)
    shape = np.broadcast_shapes(np.shape(unwrap(start)), np.shape(unwrap(stop)))
    count, step = np.arange(num).astype(kind).reshape(-1, *(1,) * len(shape)), (stop - start) / max(spaces, 1)
    out = start + count * step
    if endpoint and num > 1:
        out = where(count == spaces, stop, out)  # exactly
    out = np.moveaxis(out, 0, axis)
    out = out if dtype is None else out.to(dtype)
    return (out, step if spaces else float("nan")) if retstep else out


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    if a.ndim == 2 and (offset, axis1, axis2) == (0, 0, 1):
        return trace(a)
    return np.sum(np.diagonal(a, offset, axis1, axis2), -1)


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    result: Any = cross(np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1), -1)
    return np.moveaxis(result, -1, axisc)


def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.amax(a, axis, keepdims=keepdims) - np.amin(a, axis, keepdims=keepdims)


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        mean, total = np.mean(a, axis, keepdims=keepdims), np.size(a) / max(np.size(np.mean(unwrap(a), axis)), 1)
    else:
        if np.shape(weights) != np.shape(a):  # one weight for each place along the axis
            ndim = np.ndim(a)
            weights = np.reshape(weights, [-1 if i == one_dim(axis, ndim, "average") else 1 for i in range(ndim)])
        weights = weights * np.ones(np.shape(a), unwrap(a).dtype)
        total = np.sum(weights, axis, keepdims=keepdims)
        mean = np.sum(a * weights, axis, keepdims=keepdims) / total
    return (mean, total + 0 * mean) if returned else mean


def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.take(a, np.flatnonzero(unwrap(condition)), axis)


def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis)
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), unwrap(obj)), axis)


def _percentile(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
    return np.quantile(a, np.divide(q, 100).astype(unwrap(a).dtype), axis, method=method, keepdims=keepdims)


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    return tuple(lstsq(a, b, rcond, driver="gelsd"))


def _real_if_close(a: Any, tol: float = 100) -> Any:
    array = unwrap(a)
    if array.dtype.kind != "c" or np.iscomplexobj(np.real_if_close(array, tol)):
        return a
    return np.real(a)


def _block(arrays: Any) -> Any:
    if not isinstance(arrays, list):
        return np.copy(arrays)
    depth, leaves = 0, [arrays]
    while isinstance(leaves[0], list):
        depth, leaves = depth + 1, [part for parts in leaves for part in parts]
    ndim = max(depth, *[np.ndim(unwrap(leaf)) for leaf in leaves])

    def joined(part: Any, axis: int) -> Any:
        if isinstance(part, list):
            return np.concatenate([joined(inner, axis + 1) for inner in part], axis)
        part = numbers_as(part, leaves)
        return part[(None,) * (ndim - part.ndim)]

    return joined(arrays, -depth)


def _linalg_trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.sum(np.diagonal(x, offset, -2, -1), -1, dtype)


def _of_arrays(question: Any) -> Any:
    """A question whose answer depends on dtypes alone, so that no gradient is lost."""
    return lambda *values: question(*map(unwrap, values))


_FUNCTIONS: dict[Any, Any] = {
    np.append: _append, np.around: _around, np.extract: _extract, np.fix: trunc, np.ravel: _ravel, np.reshape: _reshape,
    np.fabs: _fabs, np.degrees: rad2deg, np.radians: deg2rad, np.float_power: float_power,
    np.partition: _partition, np.argpartition: _argpartition, np.rollaxis: _rollaxis, np.select: _select,
    np.linspace: _linspace, np.trace: _trace, np.cross: _cross, np.ptp: _ptp, np.average: _average,
    np.compress: _compress, np.delete: _delete, np.percentile: _percentile, np.linalg.lstsq: _lstsq,
    np.real_if_close: _real_if_close, np.block: _block, np.linalg.trace: _linalg_trace,
    np.matrix_transpose: lambda x: np.swapaxes(x, -1, -2), np.flatnonzero: lambda a: np.nonzero(np.ravel(a))[0],
    **{question: _of_arrays(question) for question in (np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast)},
    **{text: _of_arrays(text) for text in (np.array_repr, np.array_str, np.array2string, np.array_equiv)},
}  # fmt: skip
_iscomplex = without_gradient(np.iscomplex)
FAST.update(_FUNCTIONS)
