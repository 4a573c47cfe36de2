"""`tinygrad_lite.futures`: a `Future` in PyTorch's words, on Python's own; `collect_all`, `wait_all`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]
_T = TypeVar("_T")


class Future(Generic[_T]):
    """A value that will be there.

    Parameters
    ----------
    devices : optional
        Accepted; there is the CPU only.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> future = tg.futures.Future()
    >>> doubled = future.then(lambda done: 2 * done.value())
    >>> future.set_result(21)
    >>> doubled.wait()
    42
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._future: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def done(self) -> bool:
        """Whether it has a value or an error."""
        return self._future.done()

    def wait(self) -> Any:
        """Its value, once it is there; an error is raised."""
        return self._future.result()

    def value(self) -> Any:
        """Its value, which must be there."""
        if not self.done():
            raise RuntimeError("Future.value: it must be done, and is not; wait() for it")
        return self._future.result()

    def set_result(self, result: Any) -> None:
        """Give it its value, once."""
        if self.done():
            raise RuntimeError("Future.set_result: it must not be done, and has a value already")
        self._future.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Give it an error, which `wait` raises."""
        if not isinstance(result, BaseException):
            raise TypeError(f"Future.set_exception: result must be an exception, got {type(result).__name__}")
        self._future.set_exception(result)

    def add_done_callback(self, callback: Callable[[Future[_T]], Any]) -> None:
        """Call the function with this future when it is done."""
        self._future.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[_T]], Any]) -> Future[Any]:
        """The future of what the function makes of this one."""
        following: Future[Any] = Future()

        def follow(done: Future[_T]) -> None:
            try:
                following.set_result(callback(done))
            except Exception as error:  # the user's function may raise anything
                following.set_exception(error)

        self.add_done_callback(follow)
        return following


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """The future of the list of them, done when all are.

    Parameters
    ----------
    futures : sequence of Future

    Returns
    -------
    Future

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> parts = [tg.futures.Future(), tg.futures.Future()]
    >>> whole = tg.futures.collect_all(parts)
    >>> for i, part in enumerate(parts):
    ...     part.set_result(i)
    >>> [part.value() for part in whole.wait()]
    [0, 1]
    """
    parts = list(futures)
    whole: Future[list[Future[Any]]] = Future()

    def arrived(_: Any) -> None:
        if not whole.done() and all(part.done() for part in parts):
            whole.set_result(parts)

    for part in parts:
        part.add_done_callback(arrived)
    arrived(None)
    return whole


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values of all, once they are there; the first error is raised.

    Parameters
    ----------
    futures : sequence of Future

    Returns
    -------
    list

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> future = tg.futures.Future()
    >>> future.set_result(3)
    >>> tg.futures.wait_all([future])
    [3]
    """
    return [future.wait() for future in futures]
