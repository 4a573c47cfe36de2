"""Workers in processes of their own: each has a thread that hands jobs on to it, and waits for what comes back."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

from ... import is_grad_enabled, set_grad_enabled
from .workers import PATIENCE, WorkerInfo, be_worker

Fetcher = Callable[[Any], Callable[[Any, Any], Any]]  # ``fetcher(begin)``: what fetches in one iteration


def checked_context(context: Any, num_workers: int) -> Any:
    """How processes are started: by the name of a method, or by a context of `multiprocessing`; None: threads."""
    if context is None:
        return None
    if not num_workers:
        raise ValueError(f"DataLoader: multiprocessing_context is for num_workers above 0, got {context!r}")
    methods = multiprocessing.get_all_start_methods()
    if isinstance(context, BaseContext):
        return context
    if context not in methods:
        raise ValueError(
            f"DataLoader: multiprocessing_context must be one of {', '.join(methods)}, or a context of "
            f"multiprocessing, got {context!r}"
        )
    return multiprocessing.get_context(context)


class Remote:
    """A process that fetches.

    Parameters
    ----------
    context : multiprocessing.context.BaseContext
    info : WorkerInfo
        With the dataset, which the process has a copy of.
    prepare : callable, optional
        ``prepare(id)`` is called in it first.
    fetcher : callable
        ``fetcher(begin)`` returns what fetches, anew for each iteration, which begins with its seed.
    """

    def __init__(self, context: Any, info: WorkerInfo, prepare: Callable[[int], Any] | None, fetcher: Fetcher) -> None:
        self.id = info.id
        self.connection, far = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(far, info, prepare, fetcher), name="tinygrad_lite data", daemon=True
        )
        self.process.start()
        far.close()

    def fetch(self, begin: Any, job: Any) -> Any:
        """What the process makes of a job, or the error it raises."""
        try:
            self.connection.send((begin, job, is_grad_enabled()))
            found, problem, trace = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(PATIENCE)
            code = self.process.exitcode
            raise RuntimeError(f"DataLoader: worker {self.id} ended before its batch, with exit code {code}") from None
        if problem is None:
            return found
        raise problem from (RuntimeError(f"in worker {self.id}:\n{trace}") if trace else None)

    def close(self) -> None:
        """Let the process end, and end it where it does not."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(PATIENCE)
        self.connection.close()


def hand_on(begin: Any, job: Any, remote: Remote) -> Any:
    """What a thread fetches with."""
    return remote.fetch(begin, job)


def _serve(connection: Any, info: WorkerInfo, prepare: Callable[[int], Any] | None, fetcher: Fetcher) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the parent's to say when
    be_worker(info)
    failure: BaseException | None = None
    fetch, its_seed = None, None
    try:
        if prepare is not None:
            prepare(info.id)
    except BaseException as error:
        failure = error
    while (message := _received(connection)) is not None:
        begin, job, grad_mode = message
        found, problem, trace = None, failure, ""
        if problem is None:
            try:
                if begin[0] != its_seed:
                    fetch, its_seed = fetcher(begin), begin[0]
                with set_grad_enabled(grad_mode):
                    found = fetch(job, info.dataset)  # type: ignore[misc]
            except BaseException as error:
                problem, trace = error, "" if not str(error) else traceback.format_exc()
        _answer(connection, found, problem, trace)


def _received(connection: Any) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError):  # the parent is gone
        return None


def _answer(connection: Any, found: Any, problem: BaseException | None, trace: str) -> None:
    try:
        connection.send((found, problem, trace))
    except Exception as error:  # of pickling: nothing was sent yet
        what = f"the batch cannot be sent: {error}" if problem is None else f"{type(problem).__name__}: {problem}"
        connection.send((None, RuntimeError(f"DataLoader: in a worker's process: {what}"), trace))
