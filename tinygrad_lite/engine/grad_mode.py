"""The switches that stop the recording: functions, context managers and decorators, for one thread each."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..graph import mode
from .quiet import SILENT, restore, silence

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "is_multithreading_enabled",
    "no_grad", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])
_thread = mode  # by another name, where an argument has this one


class set_grad_enabled:
    """Record operations or not, in this thread: a function, a context manager and a decorator.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    _next: bool

    def __init__(self, mode: bool) -> None:
        self._stack = [_thread.enabled]
        self._next = _thread.enabled = bool(mode)

    def __enter__(self) -> None:
        mode.enabled = self._next

    def __exit__(self, *_: object) -> None:
        mode.enabled = self._stack[0]

    def __call__(self, function: _F) -> _F:
        mode.enabled = self._stack[0]
        return _decorate(function, self._next)


class _Switch:
    """A context manager and decorator, reusable and reentrant; `@no_grad` works without parentheses as well."""

    _value: bool
    _inference: bool | None = None  # None: as it is around

    def __new__(cls, function: Any = None) -> Any:
        return object.__new__(cls) if function is None else _decorate(function, cls._value)

    def __enter__(self) -> None:
        mode.stack.append(_turn(self._value, self._inference))

    def __exit__(self, *_: object) -> None:
        mode.enabled, mode.inference = mode.stack.pop()

    def __call__(self, function: _F) -> _F:
        return _decorate(function, self._value, self._inference)


def _turn(value: bool, inference: bool | None) -> tuple[bool, bool]:
    """Record or not from now on, and return what to go back to."""
    before = mode.enabled, mode.inference
    mode.enabled = value
    if inference is not None:
        mode.inference = inference
    return before


class no_grad(_Switch):
    """Do not record, in this thread: results do not require grad.

    Parameters
    ----------
    function : callable, optional
        What `@no_grad` decorates; leave it out for `@no_grad()` and ``with no_grad():``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> w = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     _ = w.sub_(0.5)
    >>> w
    tensor([0.5000, 0.5000], requires_grad=True)
    """

    _value = False


class enable_grad(_Switch):
    """Record again, inside `no_grad`.

    Parameters
    ----------
    function : callable, optional
        What `@enable_grad` decorates; leave it out for `@enable_grad()` and ``with enable_grad():``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    _value = True


class inference_mode(_Switch):
    """PyTorch's name; here the same as `no_grad`, which already costs nothing more.

    Parameters
    ----------
    mode : bool or callable
        Whether to stop the recording; or, with False, to record again. Or what `@inference_mode` decorates.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.inference_mode():
    ...     print((x * 2).requires_grad)
    False
    """

    def __new__(cls, mode: Any = True) -> Any:
        """A switch, or the decorated function."""
        if callable(mode):
            return _decorate(mode, False, True)
        made = object.__new__(cls)
        made._value, made._inference = not mode, bool(mode)
        return made


class Pass:
    """What surrounds a backward pass: it is recorded or not, is silent, and at its end calls who asked to be called.

    An infinite gradient is an answer, not a warning. See `Variable` for the calls, which may ask for others.
    """

    __slots__ = ("create", "before", "around", "token")

    def __init__(self, create: bool) -> None:
        self.create = create

    def __enter__(self) -> None:
        self.before, mode.enabled = mode.enabled, self.create
        self.around, mode.endings = mode.endings, []
        self.token = silence(SILENT)

    def __exit__(self, kind: Any, *_: object) -> None:
        restore(self.token)
        mode.enabled = self.before
        try:
            for call in mode.endings if kind is None else ():
                call()
        finally:
            mode.endings = self.around


def _decorate(function: _F, value: bool, inference: bool | None = None) -> _F:
    if inspect.isgeneratorfunction(function):
        return functools.wraps(function)(_each_step(function, value, inference))  # type: ignore[return-value]

    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        before = _turn(value, inference)
        try:
            return function(*args, **kwargs)
        finally:
            mode.enabled, mode.inference = before

    return inner  # type: ignore[return-value]


def _each_step(function: Any, value: bool, inference: bool | None) -> Callable[..., Any]:
    """A generator whose body runs in the given mode, while whoever draws from it keeps their own."""

    def steps(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        step: Any = inner.send
        sent: tuple[Any, ...] = (None,)
        while True:
            before = _turn(value, inference)
            try:
                item = step(*sent)
            except StopIteration as stop:
                return stop.value
            finally:
                mode.enabled, mode.inference = before
            try:
                step, sent = inner.send, ((yield item),)
            except GeneratorExit:
                _decorate(inner.close, value, inference)()
                raise
            except BaseException as error:
                step, sent = inner.throw, (error,)

    return steps


class set_multithreading_enabled:
    """Allow several threads in a backward pass, or not: noted and without effect, a pass runs in the thread that asks.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.autograd.set_multithreading_enabled(False):
    ...     tg.autograd.is_multithreading_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        self._before, _passes.several = _passes.several, bool(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _passes.several = self._before


class _Passes(threading.local):
    several = True


_passes = _Passes()


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` was told last in this thread."""
    return _passes.several


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return mode.enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is within `inference_mode`.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.inference_mode(), tg.enable_grad():
    ...     tg.is_inference_mode_enabled()
    True
    """
    return mode.inference
