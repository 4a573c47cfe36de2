"""`quietly`, `silence`: NumPy's warnings about infinities and NaN kept from the user, at no cost.

`np.errstate` around each operation would cost more than the operation (1.5 us beside 0.5), and `np.seterr` would change
what the user's own NumPy says. So there are two ways. A ufunc that a line of the library calls warns in that line's
name: a filter of warnings by module lets it pass unseen (0.02 us to see that it is still the first one, as
`pytest -W error` and `warnings.catch_warnings` put others before it). What NumPy's Python functions call warns in
NumPy's name: there the state that `np.errstate` sets is set directly (0.25 us).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar, cast

import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])


def _silent_state() -> tuple[ContextVar[Any], Any]:
    """The variable in which NumPy keeps what to do about floating point errors, and its value where that is nothing."""
    before = dict(copy_context().items())
    with np.errstate(all="ignore"):
        changed = [(k, v) for k, v in copy_context().items() if before.get(k) is not v]
    return changed[0]


_variable, SILENT = _silent_state()
silence, restore = _variable.set, _variable.reset  # token = silence(SILENT); ...; restore(token)


def quietly(function: _F) -> _F:
    """The same function, in which NumPy does not warn."""

    @functools.wraps(function)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        token = silence(SILENT)
        try:
            return function(*args, **kwargs)
        finally:
            restore(token)

    return cast(_F, quiet)


def first_filter() -> Any:
    """Put the filter for warnings in the library's name first, and return it as it stands in ``warnings.filters``."""
    warnings.filterwarnings(
        "ignore",
        "(divide by zero|overflow|underflow|invalid value) encountered in ",
        RuntimeWarning,
        r"tinygrad_lite\.",
    )
    return warnings.filters[0]
