"""Threads that fetch batches ahead, each those of its turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, TimeoutError, wait
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself.

    Parameters
    ----------
    id : int
        Its number, from 0.
    num_workers : int
        How many there are.
    seed : int
        Another one for each worker, and at each iteration of the loader (with `persistent_workers`, at the first).
    dataset : dataset
        The loader's: threads share it.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import WorkerInfo
    >>> WorkerInfo(id=0, num_workers=2, seed=5, dataset="abc").id
    0
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_local = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """What the worker knows of itself in which this is called; None outside of workers.

    Returns
    -------
    WorkerInfo or None

    Examples
    --------
    >>> from tinygrad_lite.utils.data import DataLoader, IterableDataset, get_worker_info
    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         info = get_worker_info()
    ...         return iter(range(6) if info is None else range(info.id, 6, info.num_workers))
    >>> list(DataLoader(Count(), batch_size=3, num_workers=2))
    [tensor([0, 2, 4]), tensor([1, 3, 5])]
    """
    return getattr(_local, "info", None)


class Exhausted(Exception):
    """A worker has nothing more to fetch."""


class Workers:
    """Threads of which each does its own jobs one after the other.

    Parameters
    ----------
    infos : list of WorkerInfo
    prepare : callable, optional
        ``prepare(id)`` is called in each before its first job.
    """

    def __init__(self, infos: list[WorkerInfo], prepare: Callable[[int], Any] | None) -> None:
        self._pools = [ThreadPoolExecutor(1, "tinygrad_lite data", _begin, (info,)) for info in infos]
        self._begun = [] if prepare is None else [pool.submit(prepare, i) for i, pool in enumerate(self._pools)]

    def run(
        self, fetch: Callable[[Any], Any], jobs: Iterable[Any], ahead: int, timeout: float | None, in_order: bool
    ) -> Iterator[Any]:
        """Yield ``fetch(job)`` for all jobs, of which each worker has so many ahead.

        Parameters
        ----------
        fetch : callable
            If it raises `Exhausted`, its worker gets no more.
        jobs : iterable
        ahead : int
        timeout : float or None
            Seconds that one may take.
        in_order : bool
            Else as they are ready.
        """
        while self._begun:
            self._begun.pop().result()
        following, active = iter(jobs), deque(self._pools)
        waiting: deque[tuple[Future[Any], ThreadPoolExecutor]] = deque()

        def submit() -> None:
            while active and len(waiting) < ahead * len(self._pools):
                try:
                    job = next(following)
                except StopIteration:
                    active.clear()
                    return
                waiting.append((active[0].submit(fetch, job), active[0]))
                active.rotate(-1)

        try:
            submit()
            while waiting:
                if not in_order:
                    done, _ = wait([future for future, _ in waiting], timeout, FIRST_COMPLETED)
                    ready = (i for i, (future, _) in enumerate(waiting) if future in done)
                    waiting.rotate(-next(ready, 0))
                future, pool = waiting.popleft()
                if not in_order and pool in active:  # it is free, and gets the next job
                    active.remove(pool)
                    active.appendleft(pool)
                try:
                    found = future.result(timeout)
                except Exhausted:
                    if pool in active:
                        active.remove(pool)
                    submit()
                except TimeoutError:
                    if future.done():  # the job's own
                        raise
                    raise RuntimeError(f"DataLoader: a batch takes longer than the timeout, {timeout} s") from None
                else:
                    submit()
                    yield found
        finally:
            for future, _ in waiting:
                future.cancel()

    def close(self) -> None:
        """Let them go; what one is doing it does to the end."""
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(info: WorkerInfo) -> None:
    _local.info = info
