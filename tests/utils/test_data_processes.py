"""Workers of a DataLoader that are processes: the batches of threads, and what goes wrong in another process."""

from __future__ import annotations

import multiprocessing
import os

import pytest

import tinygrad_lite as tg
from tinygrad_lite.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # of Python 3.12 on, where there are threads
]


class Squares(Dataset):
    """Random numbers, a process, and a number."""

    def __len__(self):
        return 10

    def __getitem__(self, i):
        if i == 97:
            os._exit(3)
        if i == 98:
            return lambda: None
        if i == 99:
            raise KeyError("no such sample")
        return tg.rand(2), os.getpid(), i**2


class Numbers(IterableDataset):
    """Each worker its own."""

    def __iter__(self):
        info = get_worker_info()
        return iter(range(7) if info is None else range(info.id, 7, info.num_workers))


def first(samples):
    return samples[0]


def values(loader):
    tg.manual_seed(0)
    return [(x.tolist(), y.tolist()) for x, _, y in loader]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_batches_are_those_of_one_process(method):
    loader = DataLoader(Squares(), batch_size=3, shuffle=True, num_workers=2, multiprocessing_context=method,
                        persistent_workers=True)  # fmt: skip
    alone = values(DataLoader(Squares(), batch_size=3, shuffle=True))
    assert values(loader) == alone
    processes = {p for _, found, _ in loader for p in found.tolist()}
    assert os.getpid() not in processes
    assert len(processes) == 2
    assert {p for _, found, _ in loader for p in found.tolist()} == processes  # which persist


def test_iterable_datasets_know_their_worker():
    loader = DataLoader(
        Numbers(), batch_size=2, num_workers=2, multiprocessing_context=multiprocessing.get_context("fork")
    )
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[0, 2], [1, 3], [4, 6], [5]]


def test_what_goes_wrong_is_told():
    def loader(sample, **options):
        return DataLoader(Squares(), sampler=[1, sample], num_workers=1, multiprocessing_context="fork", **options)

    with pytest.raises(KeyError, match="no such sample") as caught:
        list(loader(99))
    assert "__getitem__" in str(caught.value.__cause__)
    with pytest.raises(RuntimeError, match="worker 0 ended before its batch, with exit code 3"):
        list(loader(97))
    with pytest.raises(RuntimeError, match="the batch cannot be sent"):
        list(loader(98, collate_fn=first))
    with pytest.raises(ZeroDivisionError):
        list(loader(2, worker_init_fn=lambda worker: worker / 0))


def test_gradients_are_as_in_the_loop():
    class Graph(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return tg.is_grad_enabled()

    loader = DataLoader(Graph(), batch_size=None, num_workers=1, multiprocessing_context="fork")
    assert list(loader) == [True, True]
    with tg.no_grad():
        assert list(loader) == [False, False]


def test_contexts_are_checked():
    with pytest.raises(ValueError, match="multiprocessing_context must be one of .*, got 'thread'"):
        DataLoader(Squares(), num_workers=1, multiprocessing_context="thread")
    with pytest.raises(ValueError, match="multiprocessing_context is for num_workers above 0"):
        DataLoader(Squares(), multiprocessing_context="fork")
