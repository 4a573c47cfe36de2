"""Whether steps can be walked by compiled code here, and that code, once it is there."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np

from ...kernels.backend import backend
from ...kernels.native.forks import lock
from ...kernels.native.walk.table import ended
from ..recorder.calls import view_at
from .arena import Constants
from .steps import Place, encoded

_state: dict[str, Any] = {"walk": None, "thread": None, "error": None, "told": False}
_lock = lock()


def possible() -> bool:
    """Whether there may be compiled code: asks for it in a thread of its own."""
    if backend() != "numba" or _failed():
        return False
    from ...kernels.native.walk.addresses import readable

    if not readable():
        return False
    with _lock:
        if _state["walk"] is None and _state["thread"] is None:
            started = _state["thread"] = threading.Thread(target=_start, daemon=True)
            started.start()
    return True


def _failed() -> bool:
    """Whether the compiled loop cannot be had; the first time, a warning says why."""
    error = _state["error"]
    if error is not None and not _state["told"]:
        _state["told"] = True
        text = f"tg.compile: steps run in Python, since their loop cannot be compiled ({type(error).__name__}: {error})"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    return error is not None


def _start() -> None:
    from ...kernels.native.walk.walker import start

    try:
        _state["walk"] = start()
    except Exception as error:  # steps run in Python then, and `possible` says so
        _state["error"] = error


def walk() -> Any:
    """The compiled loop; None while it is not there."""
    return _state["walk"] if backend() == "numba" else None


def gives(row: Any, arrays: dict[int, Any], results: dict[Any, Any]) -> bool:
    """Whether a row's steps, walked now, give the results that it gave; True where there is no walker yet.

    Parameters
    ----------
    row : Row
    arrays : dict
        What its steps name -> the arrays that they read.
    results : dict
        Place -> the array that was found.
    """
    found = walk()
    if found is None:
        return True
    own = {root: np.empty(_room(a), np.uint8) for root, a in row.own.items()}
    arrays = arrays | {root: arrays[root].copy() for root in row.updated}
    results = results | {out.place: out.array for out in row.updated.values()}
    start = {root: own[root].ctypes.data for root in own} | {i: a.ctypes.data for i, a in arrays.items()}
    start |= {root: row.own[root].ctypes.data for root in row.fixed}
    numbers, table = Constants(), []
    for step in row.steps:
        table += encoded(step, lambda p: (0, start[p.root] + p.offset), numbers.place)
    stopped = found(np.array(ended(table), np.int64), np.zeros(1, np.int64))
    return not stopped and all(_at(own, arrays, place).tobytes() == array.tobytes() for place, array in results.items())


def _room(array: Any) -> int:
    return int(sum((n - 1) * s for n, s in zip(array.shape, array.strides)) + array.itemsize)


def _at(own: dict[int, Any], arrays: dict[int, Any], place: Place) -> Any:
    """The array at a place."""
    memory = own.get(place.root)
    if memory is None:  # it is an argument's, looked at in another way
        array = arrays[place.root]
        return view_at(array, place.offset, place.shape, place.strides, place.dtype)
    return np.ndarray(place.shape, place.dtype, memory, place.offset, place.strides)


def wait() -> None:
    """Wait until it is there."""
    if possible():
        settle()


def settle() -> None:
    """Wait until no thread makes it, without asking for it."""
    if _state["thread"] is not None:
        _state["thread"].join()
