"""`intercepted`: while it is open, somebody is asked before any public function of tensors runs.

No other function is put in the place of one, since programs have it under names of their own (``from torch import
relu``): it stays the same object, and for this time has code that asks. Nothing is paid when nobody is to be asked.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from .._tensor import Tensor
from ..engine.door import built, doors
from ..kernels.native.forks import lock
from ..rules import TABLE

Handler = Callable[[Callable[..., Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
_OPERATORS = (  # methods that Python calls for signs, by names without underscores
    "getitem setitem add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv pow rpow ipow mod rmod imod"
    " floordiv rfloordiv ifloordiv matmul rmatmul and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift"
    " rrshift irshift eq ne lt le gt ge neg pos abs invert".split()
)


def public_functions() -> list[FunctionType]:
    """All that can be asked about: what has a door, the elementwise functions, and the methods behind signs."""
    for late in ("special", "nn.functional"):  # would open doors when it is first used
        importlib.import_module(f"{__name__.partition('.')[0]}.{late}")
    elementwise = [call for call in TABLE if type(call) is FunctionType and hasattr(call, "formula")]
    return list(dict.fromkeys(f for f in (*doors(), *elementwise, *signs()) if type(f) is FunctionType))


def signs() -> list[Any]:
    """A tensor's methods behind signs, of which the first two are indexing."""
    return [getattr(Tensor, f"__{name}__") for name in _OPERATORS]


@functools.lru_cache(maxsize=32)
def _asking(free: tuple[str, ...]) -> CodeType:
    """The code of a function that asks; it must name as many variables of an enclosing function as it replaces."""
    variables = "".join(f"{name} = " for name in free)
    source = f"""
def enclosing():
    {variables}None
    def asking(*args, _ask=None, **kwargs):
        {", ".join(free) or "pass"}
        return _ask(args, kwargs)
    return asking
"""
    namespace: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), namespace)
    return namespace["enclosing"]().__code__


class _Asked:
    """A public function that asks, and what it was before."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.plain: FunctionType | None = None
        self.before = function.__code__, function.__kwdefaults__
        told = vars(function).keys() & {"__wrapped__", "__signature__"}
        self.signature = None if told else inspect.signature(function)  # which its code alone tells
        self.ask()

    def ask(self) -> None:
        """Have it ask from now on."""
        if self.signature is not None:
            self.function.__signature__ = self.signature  # type: ignore[attr-defined]
        self.function.__code__ = _asking(self.before[0].co_freevars)
        self.function.__kwdefaults__ = {"_ask": self}

    def restore(self) -> None:
        """Have it run from now on."""
        if self.signature is not None:
            del self.function.__signature__  # type: ignore[attr-defined]
        self.function.__code__, self.function.__kwdefaults__ = self.before

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        run: Callable[..., Any] = self.run
        for handler in _handlers:
            run = functools.partial(_ask, handler, self.function, run)
        return run(*args, **kwargs)

    def by_itself(self) -> FunctionType:
        """What the function does where nobody is asked."""
        if self.plain is None:
            with _lock:
                self.restore()
                code, keywords = self.before = built(self.function)
                self.ask()
            f = self.function
            plain = FunctionType(code, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
            plain.__kwdefaults__ = keywords
            self.plain = plain
        return self.plain

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return self.by_itself()(*args, **kwargs)


def _ask(handler: Handler, function: Any, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return handler(function, run, args, kwargs)


_handlers: list[Handler] = []  # the last is asked first
_asked: list[_Asked] = []
_lock = lock()


def by_itself(function: FunctionType) -> FunctionType:
    """A function that asks, as it is where nobody is asked; any other as it is."""
    asked = (function.__kwdefaults__ or {}).get("_ask")
    return asked.by_itself() if isinstance(asked, _Asked) else function


def handlers() -> list[Handler]:
    """Who is asked, the last first."""
    return _handlers


def begin(handler: Handler) -> None:
    """Have all public functions ask from now on; see `intercepted`."""
    with _lock:
        _handlers.append(handler)
        if not _asked:
            _asked.extend(map(_Asked, public_functions()))


def end(handler: Handler) -> None:
    """Have them ask no more, where this was asked last."""
    with _lock:
        _handlers.remove(handler)
        if not _handlers:
            for each in _asked:
                each.restore()
            _asked.clear()


@contextlib.contextmanager
def intercepted(handler: Handler) -> Iterator[None]:
    """Have all public functions of tensors ask before they run, in all threads.

    Parameters
    ----------
    handler : callable
        ``handler(function, run, args, kwargs)`` returns the result of the call; ``run(*args, **kwargs)`` is what the
        function does by itself, or the next that is to be asked. In it functions ask, too.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.transforms.interception import intercepted
    >>> def told(function, run, args, kwargs):
    ...     names.append(function.__name__)
    ...     return run(*args, **kwargs)
    >>> names = []
    >>> with intercepted(told):
    ...     x = tg.flatten(tg.ones(2, 2))
    >>> names[0], names[-1]
    ('ones', 'flatten')
    """
    begin(handler)
    try:
        yield
    finally:
        end(handler)
