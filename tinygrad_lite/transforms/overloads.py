"""`__torch_function__` of classes, `overloading` and `answer`: arguments that bring what a function gives for them.

An object that is no Tensor is found where a function fails at it, so nothing is paid for all others. A subclass of
Tensor fails nowhere: from the moment that one with a ``__torch_function__`` is defined, all public functions ask.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import rules


class _Switch(threading.local):
    off = False

    def __init__(self) -> None:
        self.asking: set[tuple[Any, ...]] = set()  # functions and objects whose answers are being made


_switch = _Switch()


def disabled(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """A ``__torch_function__`` for classes that are not to be asked."""
    return NotImplemented


@contextlib.contextmanager
def nobody_asked() -> Iterator[None]:
    """No class is asked within this ``with`` block, in this thread."""
    before, _switch.off = _switch.off, True
    try:
        yield
    finally:
        _switch.off = before


def overloading(function: Any, values: Iterable[Any]) -> list[Any]:
    """The first object of each class that is to be asked, also within tuples and lists; a subclass's before its base's.

    Parameters
    ----------
    function : callable
        Which was called. A class whose answer is to call it again with the same objects, as that of PyTorch's tensors
        does, is not asked again.
    values : iterable
        Its arguments.

    Returns
    -------
    list
    """
    if _switch.off:
        return []
    found = _of_classes(values)
    return found if not found or _key(function, found) not in _switch.asking else []


def _of_classes(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if type(value) is tuple or type(value) is list:
            parts = _of_classes(value)
        else:
            parts = [value] if _overloads(type(value)) else []
        for part in parts:
            if type(part) not in map(type, found):
                place = next((i for i, other in enumerate(found) if isinstance(part, type(other))), len(found))
                found.insert(place, part)
    return found


def _key(function: Any, asked: list[Any]) -> tuple[Any, ...]:
    return (function, *map(id, asked))


def _overloads(kind: type) -> bool:
    own = getattr(kind, "__torch_function__", None)
    return own is not None and own is not disabled and getattr(own, "__func__", own) is not default


def answer(function: Callable[..., Any], asked: list[Any], args: Any, kwargs: Any = None) -> Any:
    """What the first class gives that does not decline; NotImplemented if all of them do.

    Parameters
    ----------
    function : callable
        Which was called.
    asked : list
        See `overloading`.
    args, kwargs : tuple and dict
        What it was called with.

    Returns
    -------
    object
    """
    types = tuple(map(type, asked))
    key = _key(function, asked)
    _switch.asking.add(key)
    try:
        for kind in types:
            given = kind.__torch_function__(function, types, args, kwargs or {})  # type: ignore[attr-defined]
            if given is not NotImplemented:
                return given
        return NotImplemented
    finally:
        _switch.asking.discard(key)


def answer_or_refuse(function: Callable[..., Any], asked: list[Any], args: Any, kwargs: Any = None) -> Any:
    """`answer`, or an error that says who was asked."""
    given = answer(function, asked, args, kwargs)
    if given is NotImplemented:
        names = ", ".join(type(value).__name__ for value in asked)
        raise TypeError(f"{function.__name__}: no implementation found by __torch_function__ of {names}")
    return given


SEQUENCES = (list, tuple, str, bytes)  # their operators are Python's: ``[0] * n`` repeats, ``rows += tensor`` extends


def foreign(error: Exception, *operands: Any) -> bool:
    """Whether an operator failed at an object of somebody's own class, whose reflected operator is to be asked then."""
    others = [v for v in operands if not isinstance(v, (rules.Tensor, np.ndarray))]
    return isinstance(error, TypeError) and any(type(v).__module__ not in ("builtins", "numpy") for v in others)


def of_sign(name: str, self: Any, other: Any) -> Any:
    """What an operator gives that failed at an object which is no Tensor: NotImplemented unless its class answers.

    Parameters
    ----------
    name : str
        Of the method that is asked about, which is the one that the sign stands for: "add" for ``+``.
    self, other : object

    Returns
    -------
    object
    """
    method = getattr(rules.Tensor, name)
    asked = overloading(method, (self, other))
    return answer(method, asked, (self, other)) if asked else NotImplemented


_SIGNS = {name: name for name in "add sub mul pow matmul eq ne lt le gt ge neg abs".split()} | {
    "truediv": "div", "mod": "remainder", "floordiv": "floor_divide", "invert": "bitwise_not",
}  # fmt: skip


def _method_of(sign: Any) -> Any:
    if not _methods:
        _methods.update(
            {getattr(rules.Tensor, f"__{name}__"): getattr(rules.Tensor, method) for name, method in _SIGNS.items()}
        )
    return _methods.get(sign, sign)


_methods: dict[Any, Any] = {}
# which ask nobody
_NOBODY = frozenset("broadcast_shapes is_storage is_tensor load manual_seed save set_printoptions typename".split())


def ask(function: Any, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Ask the classes of a call's arguments, or run it if there is nobody to ask: a handler of `interception`."""
    method = _method_of(function)
    asked = [] if method.__name__ in _NOBODY else overloading(method, (*args, *kwargs.values()))
    if not asked:
        return run(*args, **kwargs)
    if method is not function:
        return answer(method, asked, args, kwargs)  # Python tries the other operand's operator next
    return answer_or_refuse(method, asked, args, kwargs)


def default(cls: Any, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Call a function while no class is asked; Tensors among its results become instances of `cls`."""
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    with nobody_asked():
        return _as(cls, func(*args, **(kwargs or {})))


def _as(cls: Any, value: Any) -> Any:
    if isinstance(value, rules.Tensor):
        return value if isinstance(value, cls) else value.as_subclass(cls)
    if isinstance(value, (tuple, list)):
        parts = [_as(cls, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def watch() -> None:
    """Have all public functions ask from now on: a subclass of Tensor wants to be asked."""
    interception: Any = importlib.import_module(".interception", __package__)
    if ask not in interception.handlers():
        interception.begin(ask)
