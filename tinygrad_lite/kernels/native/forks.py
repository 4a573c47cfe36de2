"""Forks while other threads are at work: locks that are nobody's in a child, and what a fork waits for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any


def lock() -> Any:
    """Make a reentrant lock.

    A thread that holds it while another one forks is none of the child's, and would never give it back there: in the
    child the lock is free.
    """
    made: Any = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made._at_fork_reinit)
    return made


waited_for: list[Callable[[], Iterable[Any]]] = []  # what `wait_before` was called with


def wait_before(held: Callable[[], Iterable[Any]]) -> None:
    """Let every fork wait until locks are free, so that the child finds whole what they protect.

    Parameters
    ----------
    held : callable
        ``held()`` returns the locks; nobody who has one may wait for another.
    """
    taken: list[Any] = []
    waited_for.append(held)

    def take() -> None:
        for each in held():
            each.acquire()
            taken.append(each)

    def give_back() -> None:
        while taken:
            taken.pop().release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=take, after_in_parent=give_back, after_in_child=give_back)
