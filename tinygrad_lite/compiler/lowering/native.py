"""Whether steps can be walked by compiled code here, and that code, once it is there."""

from __future__ import annotations

import threading
from typing import Any

from ...kernels.backend import backend
from ...kernels.native.forks import lock

_state: dict[str, Any] = {"walk": None, "thread": None, "failed": False}
_lock = lock()


def possible() -> bool:
    """Whether there may be compiled code: asks for it in a thread of its own."""
    if backend() != "numba" or _state["failed"]:
        return False
    from ...kernels.native.walk.addresses import readable

    if not readable():
        return False
    with _lock:
        if _state["walk"] is None and _state["thread"] is None:
            _state["thread"] = threading.Thread(target=_start, daemon=True)
            _state["thread"].start()
    return True


def _start() -> None:
    from ...kernels.native.walk.walker import start

    try:
        _state["walk"] = start()
    except Exception:  # steps run in Python then
        _state["failed"] = True


def walk() -> Any:
    """The compiled loop; None while it is not there."""
    return _state["walk"] if backend() == "numba" else None


def wait() -> None:
    """Wait until it is there."""
    if possible() and _state["thread"] is not None:
        _state["thread"].join()
