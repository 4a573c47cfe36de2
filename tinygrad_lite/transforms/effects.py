"""`effect`: functions that change Python objects, which recordings call again, whole."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])


class _Watch:
    """Who is to be told; set while anything is recorded."""

    __slots__ = ("call",)

    def __init__(self) -> None:
        self.call: Callable[..., Any] | None = None


WATCH = _Watch()


def effect(function: _F) -> _F:
    """Mark a function that is to be called again in a replay."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if WATCH.call is None:
            return function(*args, **kwargs)
        return WATCH.call(function, args, kwargs)

    return cast(_F, called)
