"""`DataLoader`: mini-batches of a dataset."""

from __future__ import annotations

import copy
import itertools
import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar, cast

from ...ops.random.generator import drawing_from
from .collating import default_collate, default_convert
from .datasets import Dataset, Indexed, IterableDataset, batch_of, samples
from .processes import Remote, checked_context, hand_on
from .samplers import BatchSampler, RandomSampler, SequentialSampler, checked_count, checked_generator, listed
from .workers import Ahead, Exhausted, Here, Progress, Walked, WorkerInfo, Workers, get_worker_info

T_co = TypeVar("T_co", covariant=True)
_collate_fn_t = Callable[[list[Any]], Any]  # PyTorch's names, for annotations
_worker_init_fn_t = Callable[[int], None]


class DataLoader(Generic[T_co]):
    """Walks through a dataset in mini-batches, anew with every ``for``.

    Parameters
    ----------
    dataset : dataset
        Anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`.
    batch_size : int or None
        How many samples make a batch; None: each by itself, only converted.
    shuffle : bool, optional
        Draw the samples in another order every time.
    sampler : iterable of int, optional
        In which order instead.
    batch_sampler : iterable of lists of int, optional
        Which samples make a batch, in place of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        How many threads fetch batches ahead; 0: each is fetched when it is asked for.
    collate_fn : callable, optional
        Makes a batch of a list of samples; by default `default_collate`, and `default_convert` of one sample where
        `batch_size` is None.
    pin_memory : bool
        Accepted and ignored: everything lives on the CPU.
    drop_last : bool
        Leave out a last batch that is smaller.
    timeout : float
        Seconds that a worker may take for a batch; 0: as long as it needs.
    worker_init_fn : callable, optional
        ``worker_init_fn(id)`` is called in each worker before it begins.
    multiprocessing_context : "fork", "spawn", "forkserver" or a context of `multiprocessing`, optional
        Each worker is a process that is started so, for datasets that compute in Python. Default: threads.
    generator : Generator, optional
        Draws the order and the workers' seeds. Default: the global one.
    prefetch_factor : int, optional
        How many batches each worker is ahead. Default: 2.
    persistent_workers : bool
        Keep the workers for the next iteration.
    pin_memory_device : str
        Accepted and ignored.
    in_order : bool
        Give the batches of workers in order, else as they are ready.

    Raises
    ------
    ValueError
        For options that do not go together, or out of range.
    TypeError
        If the dataset has neither indices nor an iterator.
    RuntimeError
        While iterating, if a worker takes longer than `timeout`.

    Notes
    -----
    Unlike PyTorch's, workers are threads unless processes are asked for: they start at once, share the dataset, and
    nothing is pickled. What reads files, decompresses, or computes in NumPy runs beside the training; what computes in
    Python waits for it, and is for processes, which have copies of the dataset. A seed gives the same batches in the
    same order with any number of workers of both kinds, random samples included: while a batch is fetched, the global
    functions (``tg.rand(())``) draw from a stream of that batch's own. NumPy's and Python's draw as it comes.
    `state_dict` and `load_state_dict` let an iteration go on in its middle.

    A `TensorDataset`, or a subset of one, gives a batch by one indexing of each tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.utils.data import DataLoader, TensorDataset
    >>> samples = TensorDataset(tg.ones(100, 3), tg.zeros(100))
    >>> loader = DataLoader(samples, batch_size=32, shuffle=True)
    >>> len(loader), [len(y) for x, y in loader]
    (4, [32, 32, 32, 4])
    """

    def __init__(
        self,
        dataset: Dataset[T_co] | Indexed[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        who, held = "DataLoader", cast(Any, dataset)
        kinds = {kind.__name__ for kind in type(dataset).__mro__}  # PyTorch's are none of ours
        self._iterable = isinstance(dataset, IterableDataset) or "IterableDataset" in kinds
        if not self._iterable and not hasattr(dataset, "__getitem__"):
            kind = type(dataset).__name__
            raise TypeError(f"{who}: dataset must have __getitem__ or be an IterableDataset, got {kind}")
        if sampler is not None and shuffle:
            raise ValueError(f"{who}: sampler and shuffle exclude each other: the sampler decides on the order")
        if self._iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(f"{who}: an IterableDataset has an order of its own; leave out shuffle and samplers")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(f"{who}: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if batch_size is None and drop_last:
            raise ValueError(f"{who}: drop_last needs a batch_size")
        self.num_workers = checked_count(num_workers, who, "num_workers", 0)
        if not num_workers and (prefetch_factor is not None or persistent_workers or timeout):
            raise ValueError(f"{who}: prefetch_factor, persistent_workers and timeout are for num_workers above 0")
        if not (isinstance(timeout, (int, float)) and 0 <= timeout < math.inf):
            raise ValueError(f"{who}: timeout must be a number of seconds of at least 0, got {timeout!r}")
        self.prefetch_factor = prefetch_factor
        self._ahead = 2 if prefetch_factor is None else checked_count(prefetch_factor, who, "prefetch_factor")
        checked_generator(generator, who)
        self.dataset = held
        self.generator, self.drop_last, self.timeout = generator, drop_last, timeout
        self.worker_init_fn, self.persistent_workers, self.in_order = worker_init_fn, persistent_workers, in_order
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.multiprocessing_context = checked_context(multiprocessing_context, num_workers)
        sampler = listed(sampler)
        if sampler is None and not self._iterable:
            sampler = RandomSampler(held, generator=generator) if shuffle else SequentialSampler(held)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            checked_count(batch_size, who, "batch_size")
            batch_sampler = None if self._iterable else BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.sampler, self.batch_sampler = batch_size, sampler, batch_sampler
        self._batched = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self._workers: Workers | None = None
        self._progress: Progress | None = None  # of the last iteration, which began at a generator's state
        self._start: dict[str, Any] = {}
        self._resumed: tuple[dict[str, Any], Progress] | None = None  # where the next one begins, if not anew

    def __iter__(self) -> Iterator[Any]:
        source = checked_generator(self.generator, "DataLoader")
        now = source.state_dict()
        (self._start, progress), resumed, self._resumed = self._resumed or (now, Progress(0)), self._resumed, None
        if resumed:
            source.load_state_dict(self._start)
        seed = int(source.numpy.integers(2**62))  # with any number of workers
        jobs: Iterator[Any] = enumerate(self._jobs())
        if resumed:
            if sum(1 for _ in itertools.islice(jobs, progress.given)) < progress.given:
                raise ValueError(f"DataLoader: the state is of {progress.given} batches or more, which there are not")
            source.load_state_dict(now)
        self._progress = progress
        states = dict(progress.states)
        near = self.multiprocessing_context is None
        fetch = self._fetcher((seed, states)) if near else partial(hand_on, (seed, states))
        if not self.num_workers:
            return Here(fetch, jobs, self.dataset, self.__len__, progress)
        workers, self._workers = self._workers, None
        if workers is None or workers.pid != os.getpid():
            workers = self._hired(seed)
        timeout = self.timeout or None
        return Ahead(workers, fetch, jobs, self._ahead, timeout, self.in_order, self.__len__, self._release, progress)

    def _fetcher(self, begin: Any) -> Callable[[Any, Any], Any]:
        """What fetches in one iteration, by its seed and the states of iterable datasets that go on."""
        seed, states = begin
        return self._walk(seed, states) if self._iterable else partial(_fetch_from_own_stream, self._fetch, seed)

    def _hired(self, seed: int) -> Workers:
        """New workers."""
        held = (copy.copy(self.dataset) if self._iterable else self.dataset for _ in range(self.num_workers))
        infos = [WorkerInfo(i, self.num_workers, seed + i, dataset) for i, dataset in enumerate(held)]
        if self.multiprocessing_context is None:
            return Workers(infos, self.worker_init_fn)
        alone = copy.copy(self)  # without what only this process needs
        alone.__dict__.update(dict.fromkeys(("dataset", "sampler", "batch_sampler", "generator", "worker_init_fn")))
        alone.__dict__["multiprocessing_context"] = None
        far = [Remote(self.multiprocessing_context, info, self.worker_init_fn, alone._fetcher) for info in infos]
        here = [WorkerInfo(info.id, info.num_workers, info.seed, remote) for info, remote in zip(infos, far)]
        return Workers(here, None, lambda info: info.dataset.close())

    def _jobs(self) -> Any:
        if self._iterable:
            return itertools.repeat(None)
        return self.batch_sampler if self._batched else self.sampler

    def state_dict(self) -> dict[str, Any]:
        """Where the present iteration is, and the state of the generator: numbers and strings alone.

        Returns
        -------
        dict
            For `load_state_dict`, of this loader or one made alike; `tinygrad_lite.save` can save it.

        Raises
        ------
        TypeError
            In the middle of an `IterableDataset` that has no ``state_dict`` and ``load_state_dict``.
        ValueError
            In the middle of an iteration that gives batches as they are ready, ``in_order=False``.
        """
        progress, now = self._progress, checked_generator(self.generator, "DataLoader").state_dict()
        if progress is None or progress.ended:
            return {"given": 0, "start": None, "generator": now}
        if self._iterable and not _has_state(self.dataset):
            raise TypeError("DataLoader: state_dict: an IterableDataset cannot be gone on with in the middle unless it "
                            "has state_dict and load_state_dict")  # fmt: skip
        if self.num_workers and not self.in_order:
            raise ValueError("DataLoader: state_dict: in_order must be True: what was given must be the first batches")
        found = {"given": progress.given, "start": self._start, "generator": now}
        if self._iterable:
            found["walks"] = {"workers": self.num_workers, "last": progress.last, "states": dict(progress.states)}
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next iteration go on where another one was, without fetching what that has given.

        Parameters
        ----------
        state_dict : dict
            Of `state_dict`. The number of workers may be another one, unless it is of an `IterableDataset`.

        Raises
        ------
        ValueError
            If it is no such dict, or of another number of workers of an `IterableDataset`. If there are fewer batches,
            the next iteration says so.

        Notes
        -----
        The generator, which is the global one if the loader has none, goes on from where it was, too. An iteration that
        goes on gives the same batches as if it had never been left: samples that draw from the global stream
        (``tg.rand(())``) draw from one of the batch's own, whoever fetches it.

        An `IterableDataset` goes on if it has ``state_dict()``, where it is after the samples that its iterator gave,
        and ``load_state_dict(state)``, after which the next ``iter`` goes on from there. With workers each has a copy,
        whose state is loaded before its first batch.
        """
        keys = {"given", "start", "generator"}
        if not isinstance(state_dict, dict) or state_dict.keys() - {"walks"} != keys:
            raise ValueError("DataLoader: load_state_dict: expected what state_dict returns")
        given = checked_count(state_dict["given"], "DataLoader: load_state_dict", "given", 0)
        checked_generator(self.generator, "DataLoader").load_state_dict(state_dict["generator"])
        start, walks = state_dict["start"], state_dict.get("walks", {"workers": self.num_workers})
        if walks["workers"] != self.num_workers:
            raise ValueError(f"DataLoader: load_state_dict: an IterableDataset goes on with as many workers as before, "
                             f"{walks['workers']}, got {self.num_workers}")  # fmt: skip
        progress = Progress(given, states=dict(walks.get("states", {})), last=walks.get("last", -1))
        self._resumed, self._progress = (None, None) if start is None else ((start, progress), progress)
        self._start = start or {}

    def __len__(self) -> int:
        """How many batches there are; of an `IterableDataset` by what that says of its length."""
        if not self._iterable:
            return len(self.batch_sampler if self._batched else self.sampler)
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def _release(self, workers: Workers) -> None:
        if self.persistent_workers and self._workers is None:
            self._workers = workers
        else:
            workers.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_workers": None, "_progress": None}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SETTLED and name in self.__dict__:
            raise ValueError(f"DataLoader: {name} cannot be changed; make another loader")
        super().__setattr__(name, value)

    # --- a batch ----------------------------------------------------------------------------------------------------

    def _fetch(self, job: Any, dataset: Any) -> Any:
        if not self._batched:
            return self.collate_fn(dataset[job])
        if self.collate_fn is default_collate:
            found = batch_of(dataset, job)
            if found is not None:
                return found
        return self.collate_fn(samples(dataset, job))

    def _walk(self, seed: int, states: dict[int, Any]) -> Callable[[Any, Any], Any]:
        """What fetches the next batch of an iterable dataset, in each worker of its own, from where that was."""
        walks: dict[int, Iterator[Any]] = {}
        counts = {worker: state["given"] for worker, state in states.items()}

        def fetch(_: Any, dataset: Any) -> Any:
            info = get_worker_info()
            worker = 0 if info is None else info.id
            given = counts.get(worker, 0)
            with drawing_from((seed, given * max(1, self.num_workers) + worker)):  # as if all were of equal length
                if id(dataset) not in walks:
                    begin = states.get(worker, {})
                    if begin.get("over"):
                        raise Exhausted
                    if begin:
                        dataset.load_state_dict(begin["dataset"])
                    walks[id(dataset)] = iter(dataset)
                found: list[Any] = []
                over = False
                for _ in range(self.batch_size or 1):
                    try:  # a `for` over the iterator might begin anew
                        found.append(next(walks[id(dataset)]))
                    except StopIteration:
                        over = True
                        break
                if not found or (self.drop_last and len(found) < (self.batch_size or 1)):
                    raise Exhausted
                batch = self.collate_fn(found if self._batched else found[0])
            counts[worker] = given + 1
            if not _has_state(dataset):
                return batch
            state = {"given": given + 1, "over": over, "dataset": copy.deepcopy(dataset.state_dict())}
            return Walked(batch, worker, state)

        return fetch


def _has_state(dataset: Any) -> bool:
    return hasattr(dataset, "state_dict") and hasattr(dataset, "load_state_dict")


def _fetch_from_own_stream(fetch: Callable[[Any, Any], Any], seed: int, job: tuple[int, Any], dataset: Any) -> Any:
    """A batch whose random numbers depend on its place alone."""
    number, wanted = job
    with drawing_from((seed, number)):
        return fetch(wanted, dataset)


_SETTLED = {"dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "num_workers", "persistent_workers"}
