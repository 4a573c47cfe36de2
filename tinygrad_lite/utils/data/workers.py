"""Iterators over batches: fetched when they are asked for, or ahead, by threads that each have their turn."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ... import is_grad_enabled, set_grad_enabled

PATIENCE = 1.0  # seconds that the interpreter's end waits for samples that are being fetched

Fetch = Callable[[Any, Any], Any]  # of a job and the dataset
Outcome = tuple[int, int, Any, "BaseException | None"]  # a job's number, its worker, the batch, or what went wrong


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
        The loader's, which all share; of an `IterableDataset` a copy of its own (`copy.copy`).

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


def be_worker(info: WorkerInfo) -> None:
    """Have `get_worker_info` return this in the present thread."""
    _local.info = info


class Exhausted(Exception):
    """There is nothing more to fetch."""


def _fetched(fetch: Fetch, job: Any, dataset: Any) -> Any:
    try:
        return fetch(job, dataset)
    except StopIteration as error:  # which would end the iteration, as if that were all
        raise RuntimeError("DataLoader: a sample or its collation raised StopIteration") from error


@dataclass
class Walked:
    """A batch of an iterable dataset that has a state, which worker took it, and the state behind it."""

    batch: Any
    worker: int
    state: Any


@dataclass
class Progress:
    """How far an iteration has come: how many batches were given or failed, not what has been fetched ahead."""

    given: int
    ended: bool = False
    states: dict[int, Any] = field(default_factory=dict)  # of iterable datasets in each worker, behind what was given
    last: int = -1  # the worker whose batch was given last

    def take(self, found: Any) -> Any:
        """A batch that is given now, without what came with it."""
        if not isinstance(found, Walked):
            return found
        self.states[found.worker], self.last = found.state, found.worker
        return found.batch


class Here(Iterator[Any]):
    """Batches that are fetched when they are asked for.

    Parameters
    ----------
    fetch : callable
        ``fetch(job, dataset)`` returns a batch, or raises `Exhausted`.
    jobs : iterator
    dataset : dataset
    length : callable
        Returns how many batches there are.
    progress : Progress
    """

    def __init__(
        self, fetch: Fetch, jobs: Iterator[Any], dataset: Any, length: Callable[[], int], progress: Progress
    ) -> None:
        self._fetch, self._jobs, self._dataset, self._length = fetch, jobs, dataset, length
        self._progress = progress

    def __next__(self) -> Any:
        try:
            job = next(self._jobs)
            self._progress.given += 1
            return self._progress.take(_fetched(self._fetch, job, self._dataset))
        except (Exhausted, StopIteration):
            self._jobs = iter(())
            self._progress.ended = True
            raise StopIteration from None

    def __len__(self) -> int:
        return self._length()


@dataclass
class _Job:
    """What a worker is to fetch, and where to put what comes of it."""

    number: int
    worker: int
    fetch: Fetch
    job: Any
    grad_mode: bool
    done: queue.SimpleQueue[Outcome]
    wanted: list[bool]  # shared by those of an iteration: [False] once that is left


class Workers:
    """Threads of which each fetches its own jobs, one after the other.

    Parameters
    ----------
    infos : list of WorkerInfo
    prepare : callable, optional
        ``prepare(id)`` is called in each before its first job; if it raises, so do all of the worker's jobs.
    finish : callable, optional
        ``finish(info)`` is called in each at its end.
    """

    def __init__(
        self,
        infos: list[WorkerInfo],
        prepare: Callable[[int], Any] | None,
        finish: Callable[[WorkerInfo], Any] | None = None,
    ) -> None:
        self.pid = os.getpid()
        self.queues: list[queue.SimpleQueue[_Job | None]] = [queue.SimpleQueue() for _ in infos]
        self.threads = [
            threading.Thread(target=_serve, args=(info, prepare, finish, jobs), name="tinygrad_lite data", daemon=True)
            for info, jobs in zip(infos, self.queues)
        ]
        for thread in self.threads:
            thread.start()
        _all.add(self)

    def close(self) -> None:
        """Let them go; what one is fetching it fetches to the end."""
        for jobs in self.queues:
            jobs.put(None)

    __del__ = close


def _serve(
    info: WorkerInfo,
    prepare: Callable[[int], Any] | None,
    finish: Callable[[WorkerInfo], Any] | None,
    jobs: queue.SimpleQueue[_Job | None],
) -> None:
    be_worker(info)
    failure = None
    try:
        if prepare is not None:
            prepare(info.id)
    except BaseException as error:
        failure = error
    while (job := jobs.get()) is not None:
        if job.wanted[0]:
            _work(job, info.dataset, failure)
        del job  # which leads to the loader
    if finish is not None:
        finish(info)


def _work(job: _Job, dataset: Any, problem: BaseException | None) -> None:
    found = None
    if problem is None:
        try:
            with set_grad_enabled(job.grad_mode):
                found = _fetched(job.fetch, job.job, dataset)
        except BaseException as error:
            problem = error
    job.done.put((job.number, job.worker, found, problem))  # not the job, in which the queue is


_all: weakref.WeakSet[Workers] = weakref.WeakSet()


def _end() -> None:
    """No thread should be in the middle of something when the interpreter is taken down; but none can keep it up."""
    until = time.monotonic() + PATIENCE
    ours = [workers for workers in _all if workers.pid == os.getpid()]
    for workers in ours:
        workers.close()
    for thread in (thread for workers in ours for thread in workers.threads):
        thread.join(max(0.0, until - time.monotonic()))


atexit.register(_end)


class Ahead(Iterator[Any]):
    """Batches that workers fetch ahead.

    Parameters
    ----------
    workers : Workers
    fetch : callable
        ``fetch(job, dataset)`` returns a batch; if it raises `Exhausted`, its worker gets no more.
    jobs : iterator
    ahead : int
        How many jobs each worker has.
    timeout : float or None
        Seconds that a batch may be waited for.
    in_order : bool
        The workers take turns; else batches come as they are ready, and whoever has least to do gets the next job.
    length, release : callable
        ``length()`` returns how many batches there are; ``release(workers)`` is called when they are needed no more.
    progress : Progress
    """

    def __init__(
        self, workers: Workers, fetch: Fetch, jobs: Iterator[Any], ahead: int, timeout: float | None, in_order: bool,
        length: Callable[[], int], release: Callable[[Workers], None], progress: Progress,
    ) -> None:  # fmt: skip
        self._progress = progress
        self._workers: Workers | None = workers
        self._fetch, self._jobs, self._length, self._release = fetch, jobs, length, release
        self._most, self._timeout, self._in_order = ahead * len(workers.queues), timeout, in_order
        self._active = deque(range(len(workers.queues)))  # who is next, of those that have more to fetch
        self._active.rotate(-1 - progress.last)
        self._load = [0] * len(workers.queues)
        self._numbers, self._order = count(), deque[int]()  # what was sent and not yet given
        self._ready: dict[int, tuple[Any, BaseException | None]] = {}
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._wanted, self._grad_mode = [True], is_grad_enabled()

    def __next__(self) -> Any:
        while True:
            workers = self._workers
            if workers is None:
                raise StopIteration
            if workers.pid != os.getpid():
                raise RuntimeError("DataLoader: an iterator with workers cannot go on in a forked process")
            if not self._order:
                self._send(workers)
            if not self._order:
                self._progress.ended = True
                self.close()
                raise StopIteration
            number = self._order[0] if self._in_order else next(iter(self._ready), self._order[0])
            if number not in self._ready:
                self._receive()
                continue
            self._order.remove(number)
            found, problem = self._ready.pop(number)
            self._send(workers)  # for the workers to go on meanwhile
            self._progress.given += 1
            if problem is None:
                return self._progress.take(found)
            if not isinstance(problem, Exhausted):
                raise problem

    def _send(self, workers: Workers) -> None:
        while self._active and len(self._order) < self._most:
            number = next(self._numbers)
            try:
                job = next(self._jobs)
            except StopIteration:
                self._active.clear()
                return
            except Exception as error:  # of a sampler: it comes when it is its turn
                self._order.append(number)
                self._ready[number] = None, error
                continue
            worker = self._active[0] if self._in_order else min(self._active, key=self._load.__getitem__)
            self._active.rotate(-1)
            self._load[worker] += 1
            self._order.append(number)
            workers.queues[worker].put(
                _Job(number, worker, self._fetch, job, self._grad_mode, self._done, self._wanted)
            )

    def _receive(self) -> None:
        try:
            number, worker, found, problem = self._done.get(timeout=self._timeout)
        except queue.Empty:
            raise RuntimeError(f"DataLoader: a batch takes longer than the timeout, {self._timeout} s") from None
        self._load[worker] -= 1
        self._ready[number] = found, problem
        if isinstance(problem, Exhausted) and worker in self._active:
            self._active.remove(worker)

    def __len__(self) -> int:
        return self._length()

    def close(self) -> None:
        """Leave the rest."""
        workers, self._workers = self._workers, None
        self._wanted[0] = False
        if workers is not None:
            self._release(workers)

    def __del__(self) -> None:
        if "_wanted" in self.__dict__:
            self.close()
