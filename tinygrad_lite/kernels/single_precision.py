"""`in_single`, `half_rules`: rows that compute float16 in float32 inside and round once, as PyTorch does."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from typing import cast as cast_type

import numpy as np

from .elementwise.half_precision import cast, cast_repeating, of_half

_F16, _F32 = np.dtype(np.float16), np.dtype(np.float32)
_ndarray = np.ndarray


def _single(value: Any) -> Any:
    """Float32 in place of float16, also of Tensors, and inside tuples and lists."""
    if type(value) is tuple or type(value) is list:
        return type(value)(map(_single, value))
    if type(value) is _ndarray and value.dtype == _F16:
        return cast_repeating(value, _F32)
    return value.astype(_F32) if getattr(value, "dtype", None) == _F16 and hasattr(value, "astype") else value


def _half(value: Any) -> Any:
    if type(value) is tuple or type(value) is list:
        return type(value)(map(_half, value))
    if type(value) is _ndarray and value.dtype == _F32:
        return cast(value, _F16)
    return value.astype(_F16) if getattr(value, "dtype", None) == _F32 else value


def _is_half(value: Any) -> bool:
    if type(value) is tuple or type(value) is list:
        return bool(value) and all(map(_is_half, value))
    return getattr(value, "dtype", None) == _F16


def in_single(function: Callable[..., Any], aux: bool, each: bool = False) -> Callable[..., Any]:
    """A function that gets float32 in place of float16, and whose result is float16 again.

    Its first argument decides. Where a dtype is asked for, the function does all by itself. Arguments that it writes
    to, named ``..._into``, and what it returns beside its result for the backward pass (`aux`) stay as they are.
    `each`: it is elementwise.
    """
    parameters = inspect.signature(function).parameters
    lifted = [not name.endswith("_into") for name in parameters]

    @functools.wraps(function)
    def single(x: Any, *others: Any) -> Any:
        if type(x) is _ndarray and x.dtype is _F32:
            return function(x, *others)
        if not _is_half(x) or any(isinstance(v, np.dtype) for v in others):
            return function(x, *others)
        if each and type(x) is _ndarray and _OTHERS.isdisjoint(map(type, others)):
            return of_half(function, x, *others)
        with np.errstate(over="ignore"):
            out = function(*(_single(v) if lift else v for v, lift in zip((x, *others), lifted)))
            return (_half(out[0]), *out[1:]) if aux else _half(out)

    return single


def _decides(value: Any) -> bool:
    """Whether an argument makes the result other than float16: it is, or has, another dtype of such numbers."""
    dtype = (
        value if isinstance(value, np.dtype) else getattr(value, "dtype", None) if getattr(value, "ndim", 0) else None
    )
    return dtype is not None and dtype.kind in "fc" and (dtype != _F16 or dtype is value)


_OTHERS = {tuple, list, np.float16}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def rounded_once(function: _Function) -> _Function:
    """`in_single` for a function that is made of several rows: between them nothing is rounded, nor out of range."""

    @functools.wraps(function)
    def single(input: Any, *others: Any, **options: Any) -> Any:
        if getattr(input, "dtype", None) != _F16 or any(map(_decides, (*others, *options.values()))):
            return function(input, *others, **options)
        return _half(function(*map(_single, (input, *others)), **{k: _single(v) for k, v in options.items()}))

    return cast_type(_Function, single)


def rule_in_single(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """A rule that gets float32 in place of float16; the engine rounds what it returns."""

    def single(g: Any, *saved: Any) -> Any:
        if type(g) is _ndarray and g.dtype is _F32:
            return vjp(g, *saved)
        dtype = g.dtype if type(g) is _ndarray else getattr(g, "_data", g).dtype  # a Tensor's own takes 0.3 us
        return vjp(g, *saved) if dtype != _F16 else vjp(_single(g), *map(_single, saved))

    single.in_single = vjp  # type: ignore[attr-defined]
    return single


def elementwise_rule(vjp: Callable[..., Any], wide: bool) -> Callable[..., Any]:
    """`rule_in_single` of an elementwise rule; what it returns is rounded, unless it is to be summed (`wide`)."""
    of_others = rule_in_single(vjp)

    def single(g: Any, *saved: Any) -> Any:
        if type(g) is _ndarray and g.dtype is _F16:
            return of_half(vjp, g, *saved, wide=wide)
        return of_others(g, *saved)

    single.in_single = vjp  # type: ignore[attr-defined]
    return single


_half_rules: dict[Any, tuple[list[Any], list[Any]]] = {}


def half_rules(op: Any) -> tuple[list[Any], list[Any]]:
    """The rules of a row of elementwise functions, for float16.

    The first get float32 in its place and return float32: for arguments that were repeated, over which the engine is
    to sum. The second return float16.
    """
    if op not in _half_rules:
        _half_rules[op] = wide, rounded = [copy.copy(rule) for rule in op.rules], [copy.copy(rule) for rule in op.rules]
        for before, after in zip(wide, rounded):
            vjp = getattr(before.vjp, "in_single", before.vjp)
            before.vjp, after.vjp = elementwise_rule(vjp, wide=True), elementwise_rule(vjp, wide=False)
    return _half_rules[op]


def compile_edges(op: Any, wanted: Sequence[int], half: bool = False) -> Callable[..., Any]:
    """Compile ``(parents..., arguments..., out) -> edges`` for the inputs of a row that require grad.

    With `half` their rules compute float16 as float32.
    """
    params = op.parameters
    kept, rounded = half_rules(op) if half else (op.rules, None)
    rules = {f"rule_{i}": kept[i] for i in range(len(params))}
    chosen = "rule_{i}"
    if rounded is not None:
        rules |= {f"rounded_{i}": rounded[i] for i in range(len(params))}
        chosen = "rounded_{i} if node_{i}.shape == out.shape else rule_{i}"
    parts = (f"(node_{i}, {chosen.format(i=i)}, ({''.join(n + ', ' for n in kept[i].names)}))" for i in wanted)
    head = ", ".join([*(f"node_{i}" for i in range(len(params))), *params, "out"])
    function: Callable[..., Any] = eval(f"lambda {head}: ({', '.join(parts)},)", rules)
    return function
