"""`assert_close` and the older `assert_allclose`: tensors that agree in shape, dtype and value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import promotion, rules
from ..engine.errors import InputError
from ..engine.quiet import quietly
from ..ops.creation.creation import as_tensor
from ..rules import unwrap

__all__ = ["assert_allclose", "assert_close"]

_TOLERANCES = {"e": (1e-3, 1e-5), "f": (1.3e-6, 1e-5), "F": (1.3e-6, 1e-5), "d": (1e-7, 1e-7), "D": (1e-7, 1e-7)}
_OLD_TOLERANCES = {"e": (1e-3, 1e-3), "f": (1e-4, 1e-5), "d": (1e-5, 1e-8)}


class _Options(NamedTuple):
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_dtype: bool
    check_stride: bool


@quietly
def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert that tensors (or nested sequences and mappings of them) agree in shape, dtype and value.

    Two values agree where ``|actual - expected| <= atol + rtol * |expected|``. Unlike in PyTorch, a tensor may be
    compared with numbers and with nested lists of them, whose dtype then does not count.

    Parameters
    ----------
    actual, expected : Tensor, array, number, or sequence or mapping of these
    allow_subclasses : bool
        Otherwise both must be of one type.
    rtol, atol : float, optional
        Both or none. Default by dtype as in PyTorch: 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64, 1e-3 and
        1e-5 for float16, 0 for others; of two dtypes the larger ones.
    equal_nan : bool
        Whether NaN agrees with NaN.
    check_device, check_layout : bool
        Accepted; there is one of each.
    check_dtype : bool
        Whether tensors must have one dtype.
    check_stride : bool
        Whether tensors must have one order in memory.
    msg : str or callable, optional
        The message of the error, or a function that makes it of the usual one.

    Raises
    ------
    AssertionError
        With the largest difference and where it is.
    ValueError
        For one tolerance without the other.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.assert_close(tg.ones(2) / 3, [1 / 3, 1 / 3])
    >>> tg.testing.assert_close(tg.ones(2), tg.ones(3))
    Traceback (most recent call last):
    AssertionError: The values for attribute 'shape' do not match: (2,) != (3,).
    """
    if (rtol is None) != (atol is None):
        raise InputError(f"assert_close: give both of rtol and atol, or none, got rtol={rtol} and atol={atol}")
    found = _difference(actual, expected, _Options(rtol, atol, equal_nan, check_dtype, check_stride), allow_subclasses)
    if found is not None:
        raise AssertionError(found if msg is None else msg(found) if callable(msg) else msg)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str | Callable[[str], str] | None = "",
) -> None:
    """Assert that values agree, whatever their dtypes: what `assert_close` was called before PyTorch 1.9.

    Parameters
    ----------
    actual, expected : Tensor, array, number, or nested sequence of these
    rtol, atol : float, optional
        Both or none. Default by dtype as in PyTorch: 1e-4 and 1e-5 for float32, 1e-5 and 1e-8 for float64, 1e-3 twice
        for float16, 0 for others; of two dtypes the larger ones.
    equal_nan : bool
        Whether NaN agrees with NaN.
    msg : str or callable, optional
        The message of the error, or a function that makes it of the usual one; the usual one if empty.

    Raises
    ------
    AssertionError
        With the largest difference and where it is.
    ValueError
        For one tolerance without the other.

    Notes
    -----
    Deviation from PyTorch: no warning says that it is deprecated.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.assert_allclose(tg.ones(2) / 3, [0.33333, 0.33333])
    """
    if not isinstance(actual, rules.Tensor):
        actual = as_tensor(actual)
    if not isinstance(expected, rules.Tensor):
        expected = as_tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        kinds = [_OLD_TOLERANCES.get(v.dtype.char, (0.0, 0.0)) for v in (actual, expected)]
        rtol, atol = map(max, zip(*kinds))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def _difference(actual: Any, expected: Any, options: _Options, subclasses: bool) -> str | None:
    """What is wrong, if anything."""
    if not subclasses and type(actual) is not type(expected):
        return f"the types do not match: {type(actual).__name__} != {type(expected).__name__}."
    pairs: list[tuple[Any, Any, Any]]
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            return f"The keys of the mappings do not match: {list(actual)} != {list(expected)}"
        pairs = [(key, actual[key], expected[key]) for key in actual]
    elif isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
        pairs = list(zip(range(len(actual)), actual, expected))
    else:
        return _between(actual, expected, options)
    for key, a, e in pairs:
        found = _difference(a, e, options, subclasses)
        if found is not None:
            return f"{found}\n\nThe failure occurred for item [{key!r}]"
    return None


def _between(actual: Any, expected: Any, options: _Options) -> str | None:
    """What is wrong with two arrays or numbers."""
    a, e = (np.asarray(unwrap(v)) for v in (actual, expected))
    for v, given in ((a, actual), (e, expected)):
        if v.dtype.kind not in "biufc":
            raise TypeError(f"assert_close: expected tensors, arrays or numbers, got {type(given).__name__}")
    if a.shape != e.shape:
        return f"The values for attribute 'shape' do not match: {a.shape} != {e.shape}."
    both = all(isinstance(v, rules.Tensor) for v in (actual, expected))
    if both and options.check_dtype and a.dtype != e.dtype:
        return f"The values for attribute 'dtype' do not match: {a.dtype} != {e.dtype}."
    if both and options.check_stride and actual.stride() != expected.stride():
        return f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}."
    kinds = [_TOLERANCES.get(v.dtype.char, (0.0, 0.0)) for v in (a, e)]
    given = (options.rtol, options.atol)
    rtol, atol = (max(k) if g is None else g for k, g in zip(zip(*kinds), given))
    target = promotion.meet(a.dtype, e.dtype)
    a, e = a.astype(target), e.astype(target)
    equal = a == e
    if rtol or atol:
        close = np.abs(a.astype(np.result_type(target, "f8")) - e) <= atol + rtol * np.abs(e)
        equal |= close & np.isfinite(a) & np.isfinite(e)
    if options.equal_nan:
        equal |= np.isnan(a) & np.isnan(e)
    return None if equal.all() else _described(a, e, equal, rtol, atol)


def _described(a: Any, e: Any, equal: Any, rtol: float, atol: float) -> str:
    what, bounds = "close" if rtol or atol else "equal", (atol, rtol)
    off = np.where(equal, 0, np.abs(a.astype(np.result_type(a, "f8")) - e))
    relative = off / np.abs(e)
    lines = [f"Tensor-likes are not {what}!" if a.ndim else f"Scalars are not {what}!", ""]
    if a.ndim:
        lines.append(f"Mismatched elements: {np.sum(~equal)} / {a.size} ({np.mean(~equal):.1%})")
    else:
        lines.append(f"Expected {e} but got {a}.")
    for name, values, bound in zip(("absolute", "relative"), (off, np.where(equal, 0, relative)), bounds):
        place = np.unravel_index(np.argmax(values), values.shape)
        start = f"Greatest {name} difference: " if a.ndim else f"{name.capitalize()} difference: "
        where = f" at index {tuple(map(int, place))}" if a.ndim else ""
        lines.append(f"{start}{values[place]}{where}" + (f" (up to {bound} allowed)" if rtol or atol else ""))
    return "\n".join(lines)
