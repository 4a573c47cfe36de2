"""`tg.autograd.detect_anomaly`: where the first NaN came from.

While it is on, every recorded operation's result is looked at, and every gradient; and each node notes the line it was
made at. The first NaN is an error at the operation that made it. While it is off, it costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..graph import OFF, Mode, Node, caller, line_of, mode
from ..rules import Parts, Rule

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

_WATCHED = "detect_anomaly"  # its place among those who are asked at every operation


def _has_nan(value: Any) -> bool:
    if isinstance(value, (Parts, tuple, list)):
        return any(map(_has_nan, value.values if isinstance(value, Parts) else value))
    if isinstance(value, rules.Tensor):
        value = value._data
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc" and bool(np.isnan(value).any())


class Watcher:
    """What looks at results and gradients while it is on."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def forward(self, name: str, results: tuple[Any, ...]) -> None:
        """Refuse a NaN among the results of a recorded operation."""
        if self.check_nan and _has_nan(results):
            raise RuntimeError(f"detect_anomaly: {name} at {line_of(caller(2))} returned nan in the forward pass")

    def backward(self, how: Callable[..., Any] | None) -> Callable[..., Any]:
        """Call rules as `how` does (None: on plain arrays), and refuse a NaN that comes out."""

        def look(node: Node, rule: Rule, g: Any, saved: tuple[Any, ...]) -> Any:
            before, mode.quiet = mode.quiet, True
            try:
                found = rule.vjp(g, *saved) if how is None else how(node, rule, g, saved)
            except Exception as error:
                if hasattr(error, "add_note"):  # Python 3.11
                    error.add_note(f"detect_anomaly: in the backward of {rule.op.name} at {line_of(node.where)}")
                raise
            finally:
                mode.quiet = before
            if self.check_nan and _has_nan(found):
                what = f"backward of {rule.op.name} at {line_of(node.where)}"
                if _has_nan(g):
                    raise RuntimeError(f"detect_anomaly: {what} was given a gradient that is nan already")
                where = next((i for i, d in enumerate(found) if _has_nan(d)), 0) if rule.joint else 0
                raise RuntimeError(
                    f"detect_anomaly: {what} returned nan in the gradient of {', '.join(rule.arg)} "
                    f"(Function '{node.name()}' returned nan values in its {where}th output.)"
                )
            return found

        return look


def _watch(watcher: Watcher | None) -> None:
    Mode.watcher = watcher
    (OFF.discard if watcher is None else OFF.add)(_WATCHED)


class set_detect_anomaly:
    """Look for NaN or not, from now on: a function and a context manager, for all threads.

    Parameters
    ----------
    mode : bool
    check_nan : bool
        False: only note the lines, to be told about errors in the backward pass.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.autograd.set_detect_anomaly(True):
    ...     tg.autograd.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = Mode.watcher
        _watch(Watcher(check_nan) if mode else None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _watch(self._before)


class detect_anomaly:
    """A ``with`` block in which the first NaN, in a forward or a backward pass, is an error that names its line.

    The line is that of the forward pass, outside the library. Unlike PyTorch's it also looks at results of the forward
    pass (of operations that are recorded), it does not warn that it is slow, and a custom `Function` is one operation.

    Parameters
    ----------
    check_nan : bool
        False: only note the lines, to be told about errors in the backward pass.

    Raises
    ------
    RuntimeError
        In the block, at the first NaN.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(1, requires_grad=True)
    >>> with tg.autograd.detect_anomaly():
    ...     (x.sqrt() * 0).sum().backward()
    Traceback (most recent call last):
    RuntimeError: detect_anomaly: backward of sqrt at ... returned nan in the gradient of x (Function ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before.append(Mode.watcher)
        _watch(Watcher(self._check_nan))

    def __exit__(self, *_: object) -> None:
        _watch(self._before.pop())


def is_anomaly_enabled() -> bool:
    """Whether NaN is looked for, or lines are noted."""
    return Mode.watcher is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether NaN is looked for."""
    return Mode.watcher is not None and Mode.watcher.check_nan
