"""Results that are written to a tensor the caller gives: ``out=``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import rules
from ..dtypes import as_dtype, dtype, scalar_type
from ..graph import mode, outside
from ..promotion import can_cast
from . import views
from .errors import InputError

_CREATION, _RANDOM = (f"{__package__.rpartition('.')[0]}.ops.{room}" for room in ("creation", "random"))


def into(out: Any, who: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Compute, and write the result to `out`.

    Parameters
    ----------
    out : Tensor, or a tuple of them where there are several results
        One of another shape than the result's gets that shape, with a warning where it is not empty; a view is none
        any more then.
        Its dtype may be one that the result can be cast to without losing a kind of number; but places, as those of
        `argmax`, are written to int64 only, and where PyTorch asks for the result's own dtype (`neg`, `matmul`,
        `sort`, `gather` and their like), so it is here.
    who : str
    function, *args, **kwargs
        What is called.

    Returns
    -------
    Tensor or tuple
        `out`.

    Raises
    ------
    RuntimeError
        Where a gradient is needed, as PyTorch refuses it, and for shapes and dtypes that do not fit.
    TypeError
        For anything but Tensors.
    """
    targets = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    for target in targets:
        if not isinstance(target, rules.Tensor):
            raise TypeError(f"{who}: out must be a Tensor, or a tuple of them for several results, got "
                            f"{type(target).__name__}")  # fmt: skip
    recording = mode.enabled or mode.duals is not None
    if recording and any(t.requires_grad for t in (*targets, *_tensors((args, tuple(kwargs.values()))))):
        raise RuntimeError(f"{who}: out= must not be used where an argument requires grad; use the result instead")
    made = function.__module__.startswith((_CREATION, _RANDOM)) and len(targets) == 1
    if len(targets) == 1 and not made:
        asked = [*args, kwargs.get("dtype")]  # doors pass what has a place by place
        _check_asked(next((a for a in asked if isinstance(a, dtype | np.dtype | type)), None), targets[0], who)
    result = _created(targets[0], who, function, *args, **kwargs) if made else function(*args, **kwargs)
    results = result if isinstance(result, tuple) else (result,)
    if len(results) != len(targets):
        raise TypeError(f"{who}: out must hold a Tensor for each of {len(results)} results, got {len(targets)}")
    for target, value in zip(targets, results):
        _check(target, _array(value), who, len(targets) > 1)
    for target, value in zip(targets, results):
        _put(target, np.asarray(_array(value)), who)
    if not isinstance(result, tuple):
        return targets[0]
    return type(result)(*targets) if hasattr(result, "_fields") else targets


def _created(target: Any, who: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """A tensor made or drawn: of the dtype of where it goes, and in the shape of that where a range has as many."""
    call = inspect.signature(function).bind(*args, **kwargs)
    if "dtype" in call.signature.parameters:
        asked = call.arguments.get("dtype")
        default = call.signature.parameters["dtype"].default  # which the door passes on
        _check_asked(None if asked is default else asked, target, who)
        call.arguments["dtype"] = target.dtype
    result = function(*call.args, **call.kwargs)
    flat = result.ndim == 1 and result.numel() == target.numel() and function.__module__.startswith(_CREATION)
    return result.reshape(target.shape) if flat else result


def _check_asked(asked: Any, target: Any, who: str) -> None:
    if asked is not None and as_dtype(asked) != target.dtype:
        raise InputError(f"{who}: out must have the dtype that is asked for, {asked}, got {target.dtype}")


_PLACES = frozenset(  # whose results are places, which other dtypes do not hold, or truths
    "all any argmax argmin argsort bucketize isin isneginf isposinf multinomial nonzero searchsorted signbit".split()
)
_DRAWN = frozenset({"bernoulli"})  # what is drawn into any dtype of real numbers
_EXACT = frozenset(  # for which PyTorch writes to the result's own dtype only, whichever function of the name it is
    """addbmm addmm addmv amax amin aminmax baddbmm bitwise_not bmm ceil complex conj_physical cross cummax
    cummin det diag dot eigh eigvalsh floor frac gather heaviside histc histogram index_add index_copy
    index_reduce index_select inv kthvalue ldl_solve logcumsumexp lu_solve lu_unpack masked_select matmul
    matrix_norm mm mode msort multi_dot mv nan_to_num nanquantile neg norm ormqr polar qr quantile renorm round
    scatter scatter_add scatter_reduce sgn sign slice_scatter slogdet solve solve_triangular sort svd svdvals
    take take_along_dim tensordot topk triangular_solve tril triu trunc vdot vecdot vector_norm where""".split()
)
_PICKED = frozenset("max median min nanmedian".split())  # the same, where they return places beside values


def _tensors(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, rules.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


def _array(value: Any) -> Any:
    return value._data if isinstance(value, rules.Tensor) else value


def _check(target: Any, value: Any, who: str, several: bool) -> None:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"{who}: out= must be of a function whose results are Tensors, got {type(value).__name__}")
    if who in _DRAWN:
        if target.dtype.kind == "c":
            raise NotImplementedError(f"{who}: out must be of real numbers, got {target.dtype}")
        value = value.astype(target.dtype)
    exact = who in _EXACT or who.endswith("_copy") or (several and who in _PICKED)
    if not exact and not can_cast(value.dtype, target.dtype):
        raise InputError(
            f"{who}: out must have a dtype that holds {value.dtype}, got {target.dtype} "
            f"(result type {value.dtype} can't be cast to the desired output type {target.dtype})"
        )
    bytes_of_truths = who in ("all", "any") and value.dtype.kind == "b" and target.dtype == np.uint8
    if who in _PLACES and target.dtype != value.dtype and not bytes_of_truths:
        name = "scalar type Long" if value.dtype.kind == "i" else "bool tensor"
        raise InputError(
            f"{who}: out must be of {value.dtype}, as the result is, got {target.dtype} "
            f"({who} only supports {name} for result, got {target.dtype})"
        )
    if exact and target.dtype != value.dtype:
        raise InputError(
            f"{who}: out must be of {value.dtype}, as the result is, got {target.dtype} "
            f"(expected scalar_type {scalar_type(value.dtype)} but found {scalar_type(target.dtype)})"
        )
    views.begin(target, (), who)  # refuses expanded and read-only memory


def _put(target: Any, value: Any, who: str) -> None:
    if target.shape != value.shape:
        if target._data.size:
            own = " in memory of its own" if target._view is not None else ""
            text = f"{who}: out has shape {target.shape} and becomes {value.shape}, the result's,{own}"
            warnings.warn(text, stacklevel=outside())
        target._data, target._view = value.astype(target.dtype), None
        return
    views.store(target._data, value, "out=")
