"""Datasets, samplers, collation and the loader: what they give, in which order, and what they refuse."""

import copy
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.utils import data as ours
from tinygrad_lite.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)

Pair = namedtuple("Pair", "x y")


def plain(value):
    """Nested containers and dtypes, for comparisons with `==`."""
    if hasattr(value, "detach"):
        array = np.asarray(value.detach().numpy())
        return str(array.dtype), array.shape, array.tolist()
    if isinstance(value, dict):
        return {"kind": type(value).__name__, **{k: plain(v) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return i, {"square": float(i * i), "name": str(i)}

    def __len__(self):
        return self.n


class Count(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))

    def __len__(self):
        return self.n


def numbers(n):
    return TensorDataset(tg.arange(2.0 * n).reshape(n, 2), tg.arange(n))


# Collation


SAMPLES = [
    [1, 2, 3],
    [1.5, 2.0],
    [True, False],
    ["a", "bc"],
    [b"a", b"b"],
    [(1, 2.0), (3, 4.0)],
    [[1, "x"], [2, "y"]],
    [{"a": 1, "b": (2, [3.0])}, {"a": 4, "b": (5, [6.0])}],
    [OrderedDict(a=1), OrderedDict(a=2)],
    [Pair(1, 2.0), Pair(3, 4.0)],
    [np.ones((2, 3), "f"), np.zeros((2, 3), "f")],
    [np.float32(1), np.float32(2)],
    [np.array(3, np.int16), np.array(4, np.int16)],
    [np.int64(1), np.int64(2)],
    [np.bool_(True), np.bool_(False)],
]


@pytest.mark.parametrize("batch", SAMPLES, ids=repr)
def test_collation_is_pytorchs(batch):
    torch = pytest.importorskip("torch")
    assert plain(default_collate(batch)) == plain(torch.utils.data.default_collate(batch))
    assert plain(default_convert(batch[0])) == plain(torch.utils.data.default_convert(batch[0]))


def test_collation_of_tensors_keeps_gradients():
    samples = [(tg.ones(2, requires_grad=True), tg.tensor(i)) for i in range(3)]
    x, y = default_collate(samples)
    assert x.shape == (3, 2)
    assert y.tolist() == [0, 1, 2]
    (x.sum(0) * tg.tensor([1.0, 2.0])).sum().backward()
    assert samples[1][0].grad.tolist() == [1, 2]


def test_collation_of_a_counter_stays_one():
    found = default_collate([Counter(a=1), Counter(a=2)])
    assert type(found) is Counter
    assert found["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([], ValueError, "must be samples"),
        ([tg.ones(2), tg.ones(3)], ValueError, r"equal shapes, got \(2,\) and \(3,\)"),
        ([np.ones(2), np.ones((2, 1))], ValueError, "equal shapes"),
        ([(1, 2), (3,)], ValueError, "equal lengths, got 2 and 1"),
        ([{"a": 1}, {"b": 1}], ValueError, "equal keys"),
        ([None, None], TypeError, "NoneType; give a collate_fn"),
        ([{1}, {2}], TypeError, "got set"),
        ([np.array(["a"]), np.array(["b"])], TypeError, "got ndarray"),
    ],
)
def test_what_cannot_be_collated_is_refused(batch, error, message):
    with pytest.raises(error, match=f"default_collate: .*{message}"):
        default_collate(batch)


# Datasets


def test_tensors_side_by_side():
    dataset = TensorDataset(tg.arange(6.0).reshape(3, 2), np.arange(3))
    assert len(dataset) == 3
    x, y = dataset[-1]
    assert (x.tolist(), y.item()) == ([4, 5], 2)
    assert plain(dataset.batch_of([2, 0])) == plain(default_collate([dataset[2], dataset[0]]))
    for bad in [(), (tg.ones(2), tg.ones(3)), (tg.tensor(1.0),)]:
        with pytest.raises(ValueError, match="TensorDataset: "):
            TensorDataset(*bad)


def test_datasets_in_a_row_and_in_parts():
    both = Squares(2) + Squares(3) + ["x"]
    assert isinstance(both, ConcatDataset)
    assert [s if s == "x" else s[0] for s in (both[i] for i in range(len(both)))] == [0, 1, 0, 1, 2, "x"]
    assert both[-2][0] == 2
    for bad in (6, -7):
        with pytest.raises(IndexError, match=f"there are 6 samples, got index {bad}"):
            both[bad]
    with pytest.raises(ValueError, match="got none"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="use ChainDataset"):
        ConcatDataset([Count(2)])
    chained = Count(2) + Count(1)
    assert isinstance(chained, ChainDataset)
    assert (list(chained), len(chained)) == ([0, 1, 0], 3)
    with pytest.raises(TypeError, match="takes IterableDatasets, got list"):
        list(ChainDataset([[1]]))
    assert [s[0] for s in Subset(Squares(9), [4, 2])] == [4, 2]


def test_stacked_datasets():
    assert StackDataset("ab", [1, 2])[1] == ("b", 2)
    assert len(StackDataset(x="abc")) == 3
    for args, kwargs in (((), {}), (("a",), {"x": "b"}), (("ab", "c"), {})):
        with pytest.raises(ValueError, match="StackDataset: "):
            StackDataset(*args, **kwargs)


def test_batches_at_once_are_those_of_samples():
    """Wherever a dataset gives a batch at once, it is the one that collation gives."""
    n, where = numbers(8), [5, 0, 5]
    named, rows = StackDataset(a=n, b=Subset(n, range(7, -1, -1))), StackDataset(n, n)
    for dataset in (n, Subset(n, list(range(7, -1, -1))), Subset(Subset(n, [3, 5, 7, 1, 0, 2]), [5, 4, 3, 2, 1, 0]),
                    named, rows):  # fmt: skip
        assert plain(dataset.batch_of(where)) == plain(default_collate([dataset[i] for i in where]))
    row = ConcatDataset([numbers(3), Subset(n, [7, 6]), numbers(9)])
    for where in ([0, 4, 13, 3, 1, 4, -1, -14], [3, 4], [2]):
        assert plain(row.batch_of(where)) == plain(default_collate([row[i] for i in where]))
    with pytest.raises(IndexError, match="there are 14 samples, got index 14"):
        list(DataLoader(row, batch_sampler=[[0, 14]]))
    other = TensorDataset(tg.ones(2, 3), tg.zeros(2)), StackDataset(a=n, b=n), TensorDataset(tg.ones(2, 2)), ["x"]
    for dataset in (Subset(Squares(8), range(8)), StackDataset(n, Squares(8)), *(n + each for each in other)):
        assert dataset.batch_of([1, 0, len(dataset) - 1]) is None
    (batch,) = DataLoader(StackDataset(n, Squares(8)), batch_size=8)
    assert batch[1][1]["name"] == list("01234567")


def test_datasets_without_the_methods_say_so():
    for dataset in (Dataset(), IterableDataset()):
        with pytest.raises(NotImplementedError, match="must define"):
            iter(dataset) if isinstance(dataset, IterableDataset) else dataset[0]
    with pytest.raises(NotImplementedError, match="must define __iter__"):
        iter(Sampler())


@pytest.mark.parametrize("lengths", [[3, 5, 2], [0.5, 0.5], [0.33, 0.33, 0.34], [0.25, 0.25, 0.25, 0.25], [1.0], [10]])
def test_splits_are_as_long_as_pytorchs(lengths):
    torch = pytest.importorskip("torch")
    parts = random_split(range(10), lengths)
    assert [len(p) for p in parts] == [len(p) for p in torch.utils.data.random_split(range(10), lengths)]
    assert sorted(i for p in parts for i in p) == list(range(10))


def test_splits():
    with pytest.warns(UserWarning, match="part 1 is empty"):
        assert [len(p) for p in random_split(range(2), [2, 0])] == [2, 0]
    assert [len(p) for p in random_split(range(1), [1])] == [1]
    a, b = (random_split(range(50), [25, 25], tg.Generator().manual_seed(3)) for _ in range(2))
    assert [list(p) for p in a] == [list(p) for p in b]
    assert list(a[0]) != list(range(25))
    for bad in ([3, 3], [0.5, 0.6], [0.5, 0.4], [-1, 11], [float("nan")], ["a"]):
        with pytest.raises(ValueError, match="random_split: lengths"):
            random_split(range(10), bad)


# Samplers


def test_orders():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    g = tg.Generator()
    a, b = (list(RandomSampler(range(100), generator=g.manual_seed(1))) for _ in range(2))
    assert a == b
    assert sorted(a) == list(range(100)) != a
    several = list(RandomSampler(range(4), num_samples=10, generator=g))
    assert len(several) == 10
    assert all(sorted(several[i : i + 4]) == [0, 1, 2, 3] for i in (0, 4))
    drawn = Counter(RandomSampler(range(4), replacement=True, num_samples=4000, generator=g.manual_seed(0)))
    assert all(850 < drawn[i] < 1150 for i in range(4))
    assert sorted(SubsetRandomSampler([7, 5, 6])) == [5, 6, 7]
    assert list(RandomSampler([])) == []
    with pytest.raises(ValueError, match="must be samples to draw 3 from"):
        list(RandomSampler([], num_samples=3))


def test_the_global_generator_decides_on_the_order():
    tg.manual_seed(5)
    a = list(RandomSampler(range(20)))
    b = list(RandomSampler(range(20)))
    tg.manual_seed(5)
    assert list(RandomSampler(range(20))) == a != b


def test_weights():
    sampler = WeightedRandomSampler([1, 0, 3], 4000, generator=tg.Generator().manual_seed(0))
    drawn = Counter(sampler)
    assert (len(sampler), drawn[1]) == (4000, 0)
    assert 900 < drawn[0] < 1100
    assert sorted(WeightedRandomSampler([1e-300, 0, 1e-300, 1e308, 1e308], 4, replacement=False)) == [0, 2, 3, 4]
    firsts = Counter(next(iter(WeightedRandomSampler([1, 3], 2, replacement=False))) for _ in range(2000))
    assert 400 < firsts[0] < 600
    for bad in ([], [[1.0]], [-1.0, 2.0], [np.nan], [np.inf], [0.0]):
        with pytest.raises(ValueError, match="WeightedRandomSampler: weights"):
            WeightedRandomSampler(bad, 1)
    with pytest.raises(ValueError, match="number of weights above 0, 1, got 2"):
        WeightedRandomSampler([1, 0], 2, replacement=False)


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_of_indices(n, drop_last):
    sampler = BatchSampler(range(n), 2, drop_last)
    found = list(sampler)
    assert len(found) == len(sampler)
    assert [i for b in found for i in b] == list(range(n - n % 2 if drop_last else n))
    assert all(len(b) == 2 for b in found[:-1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: BatchSampler([0], 0, False),
        lambda: BatchSampler([0], True, False),
        lambda: BatchSampler([0], 1.5, False),
        lambda: BatchSampler([0], 1, 1),
        lambda: RandomSampler([0], num_samples=0),
        lambda: WeightedRandomSampler([1], 0),
    ],
)
def test_samplers_refuse_wrong_counts(make):
    with pytest.raises(ValueError, match="Sampler: (batch_size|drop_last|num_samples) must be "):
        make()


@pytest.mark.parametrize("make", [RandomSampler, SubsetRandomSampler])
def test_samplers_refuse_other_generators(make):
    with pytest.raises(TypeError, match="generator must be a Generator, got Generator|got int"):
        make([0], generator=5)
    with pytest.raises(TypeError, match="replacement must be a bool"):
        RandomSampler([0], replacement=1)


# The loader


CASES = [
    {}, {"batch_size": 3}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}, {"batch_size": 50},
    {"batch_size": 2, "sampler": [3, 1, 4, 1]}, {"batch_sampler": [[0, 2], [5], [1, 1, 1]]},
    {"batch_size": 5, "collate_fn": len}, {"batch_size": 11, "drop_last": True}, {"batch_sampler": []}, {"sampler": []},
]  # fmt: skip


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("arguments", CASES, ids=repr)
def test_batches_are_pytorchs(arguments, workers):
    torch = pytest.importorskip("torch")
    loader, theirs = (d.DataLoader(Squares(10), **arguments) for d in (ours, torch.utils.data))
    loader = DataLoader(Squares(10), **arguments, num_workers=workers)
    for _ in range(2):  # again and again
        assert [plain(b) for b in loader] == [plain(b) for b in theirs]
    assert len(loader) == len(theirs)
    assert (loader.batch_size, loader.drop_last) == (theirs.batch_size, theirs.drop_last)


@pytest.mark.each("batch_size", [None, 1, 3, 4, 20])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_iterable_datasets(batch_size, drop_last, workers):
    if batch_size is None and drop_last:
        drop_last = False
    loader = DataLoader(Count(11), batch_size, drop_last=drop_last, num_workers=workers)
    for _ in range(2):
        found = list(loader)
        parts = [range(w, 11, max(workers, 1)) for w in range(max(workers, 1))]
        expected = []
        for part in parts:
            size = batch_size or 1
            cut = [list(part[i : i + size]) for i in range(0, len(part), size)]
            expected.append([c for c in cut if len(c) == size or not drop_last])
        turns = [each[i] for i in range(11) for each in expected if i < len(each)]  # the workers take turns
        assert [np.ravel(b).tolist() for b in found] == turns
    assert len(DataLoader(Count(11), 4)) == 3
    assert len(DataLoader(Count(11), 4, drop_last=True)) == 2
    assert len(DataLoader(Count(11), None)) == 11


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffled_epochs(workers):
    loader = DataLoader(numbers(50), 7, shuffle=True, generator=tg.Generator().manual_seed(0), num_workers=workers)
    epochs = [np.concatenate([y.numpy() for _, y in loader]).tolist() for _ in range(3)]
    assert all(sorted(e) == list(range(50)) for e in epochs)
    assert len({tuple(e) for e in epochs}) == 3
    for x, y in loader:
        assert (x.numpy()[:, 0] == 2 * y.numpy()).all()


def test_the_seed_gives_the_order_again_with_any_number_of_batches_ahead():
    found = []
    for ahead in (1, 4):
        tg.manual_seed(7)
        loader = DataLoader(numbers(30), 4, shuffle=True, num_workers=2, prefetch_factor=ahead)
        found.append([y.tolist() for _ in range(2) for _, y in loader])
    assert found[0] == found[1]


def test_gradients_reach_what_is_loaded():
    x = tg.ones(6, 2, requires_grad=True)
    for (rows,) in DataLoader(TensorDataset(x), 4):
        rows.sum().backward()
    assert (x.grad.numpy() == 1).all()


def test_workers_know_who_they_are():
    seen, begun = [], []

    class Asking(Dataset):
        def __getitem__(self, i):
            info = get_worker_info()
            seen.append((i, info.id, info.num_workers, info.seed, threading.get_ident()))
            assert info.dataset is self
            return i

        def __len__(self):
            return 12

    loader = DataLoader(Asking(), num_workers=3, worker_init_fn=begun.append)
    assert [b.item() for b in loader] == list(range(12))
    assert get_worker_info() is None
    assert sorted(begun) == [0, 1, 2]
    assert all((worker, count) == (i % 3, 3) for i, worker, count, *_ in seen)  # each has its turn
    assert len({(worker, seed, thread) for _, worker, _, seed, thread in seen}) == 3


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_stay_if_they_are_told_to(persistent):
    threads = []

    class Asking(Dataset):
        def __getitem__(self, i):
            threads.append(threading.current_thread())
            return i

        def __len__(self):
            return 4

    loader = DataLoader(Asking(), num_workers=2, persistent_workers=persistent)
    for _ in range(3):
        assert len(list(loader)) == 4
        for _ in loader:  # left in the middle
            break
    assert len({id(t) for t in threads}) in ([2] if persistent else range(9, 13))
    del loader
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_two_iterations_at_once():
    loader = DataLoader(numbers(6), 2, num_workers=2, persistent_workers=True)
    assert [(a[1].tolist(), b[1].tolist()) for a, b in zip(loader, loader)] == [([i, i + 1],) * 2 for i in (0, 2, 4)]


def test_workers_go_ahead_but_not_too_far():
    asked = []

    class Noting(Dataset):
        def __getitem__(self, i):
            asked.append(i)
            return i

        def __len__(self):
            return 100

    batches = iter(DataLoader(Noting(), num_workers=2, prefetch_factor=3))
    next(batches)
    deadline = time.monotonic() + 10
    while len(asked) < 7 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.01)
    assert sorted(asked) == list(range(7))  # the one, and two times three
    batches.close()


def test_batches_as_they_are_ready():
    waits = threading.Event()

    class Slow(Dataset):
        def __getitem__(self, i):
            if i == 0:
                assert waits.wait(10)
            return i

        def __len__(self):
            return 4

    found = []
    for batch in DataLoader(Slow(), num_workers=2, in_order=False, prefetch_factor=1):
        found.append(batch.item())
        if len(found) == 2:
            waits.set()
    assert sorted(found) == [0, 1, 2, 3]
    assert found[0] != 0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("error", [KeyError, StopIteration, TimeoutError])
def test_an_error_arrives_where_the_batch_would(workers, error):
    class Broken(Dataset):
        def __getitem__(self, i):
            if i == 3:
                raise error("sample 3")
            return i

        def __len__(self):
            return 6

    found = []
    expected = RuntimeError if error is StopIteration else error
    batches = iter(DataLoader(Broken(), num_workers=workers))
    for _ in range(3):
        found.append(next(batches).item())
    with pytest.raises(expected, match="sample 3|StopIteration"):
        next(batches)
    assert [b.item() for b in batches] == [4, 5]  # the others come nevertheless
    assert found == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_sampler(workers):
    def sampler():
        yield 1
        raise OSError("no more indices")

    class Indices(Sampler):
        def __iter__(self):
            return sampler()

    batches = iter(DataLoader([5, 6], sampler=Indices(), num_workers=workers, batch_size=None))
    assert next(batches) == 6
    with pytest.raises(OSError, match="no more indices"):
        next(batches)
    assert list(batches) == []


@pytest.mark.parametrize("persistent", [False, True])
def test_an_error_while_workers_begin(persistent):
    def begin(i):
        raise OSError(f"no place for worker {i}")

    loader = DataLoader(numbers(3), num_workers=2, worker_init_fn=begin, persistent_workers=persistent)
    for _ in range(3):
        with pytest.raises(OSError, match="no place for worker"):
            list(loader)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_iterable_that_is_its_own_iterator(workers):
    class Once(IterableDataset):
        def __iter__(self):
            self.i = 0
            return self

        def __next__(self):
            self.i += 1
            if self.i > 3:
                raise StopIteration
            return self.i

    for _ in range(2):
        assert [b.tolist() for b in DataLoader(Once(), 2, num_workers=workers)] == [[1, 2], [3]]
        assert list(DataLoader(Once(), None, num_workers=workers)) == [1, 2, 3]


def test_workers_take_parts_of_an_iterable_as_they_are_told():
    """As PyTorch's documentation does it: each worker changes its own copy."""

    class Range(IterableDataset):
        def __init__(self, start, end):
            self.start, self.end = start, end

        def __iter__(self):
            return iter(range(self.start, self.end))

    def share(i):
        dataset = get_worker_info().dataset
        middle = (dataset.start + dataset.end) // 2
        dataset.start, dataset.end = (dataset.start, middle) if i == 0 else (middle, dataset.end)

    dataset = Range(3, 7)
    loader = DataLoader(dataset, num_workers=2, worker_init_fn=share)
    for _ in range(2):
        assert [b.item() for b in loader] == [3, 5, 4, 6]
    assert (dataset.start, dataset.end) == (3, 7)


class Shifted(TensorDataset):
    def __getitem__(self, index):
        (x,) = super().__getitem__(index)
        return (x + 100,)


class Doubled(Subset):
    def __getitem__(self, index):
        return super().__getitem__(index) * 2


def test_samples_are_what_the_last_class_says():
    shifted = Shifted(tg.arange(4))
    for dataset in (shifted, Subset(shifted, range(4)), StackDataset(shifted)):
        (batch,) = DataLoader(dataset, 4)
        assert np.ravel(batch[0][0] if isinstance(dataset, StackDataset) else batch[0]).tolist() == [100, 101, 102, 103]
    (batch,) = DataLoader(Doubled(range(5), [3, 4]), 2)
    assert batch.tolist() == [6, 8]


@pytest.mark.parametrize("kind", [tg.tensor, np.array])
def test_arrays_as_datasets_indices_and_samplers(kind):
    x = kind([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    batches = [default_collate([x[0], x[1]]), default_collate([x[2]])]
    assert [plain(b) for b in DataLoader(x, 2)] == [plain(b) for b in batches]
    assert [s.tolist() for s in Subset(x, kind([2, 0]))] == [[5, 6], [1, 2]]
    assert [b.tolist() for b in DataLoader(Subset(x, kind([2, 0])), 1, sampler=kind([1, 0]))] == [[[1, 2]], [[5, 6]]]
    assert plain(Subset(numbers(9), [5, 6, 7])[[2, 0]]) == plain(numbers(9)[[7, 5]])
    assert sorted(SubsetRandomSampler(kind([7, 5]))) == [5, 7]
    assert list(DataLoader(np.array(["a", "b"]), 2)) == [["a", "b"]]  # no numbers: a list, as PyTorch's
    empty, _ = next(iter(DataLoader(numbers(9), batch_sampler=[[]])))
    assert empty.shape == (0, 2)


def test_the_number_of_workers_does_not_change_the_order():
    found = []
    for workers in (0, 1, 3):
        tg.manual_seed(1)
        loader = DataLoader(range(50), 8, shuffle=True, num_workers=workers)
        found.append([b.tolist() for _ in range(2) for b in loader])
    assert found[0] == found[1] == found[2]


def test_workers_record_no_more_than_the_loop():
    dataset = TensorDataset(tg.ones(2, requires_grad=True))
    for workers in (0, 1):
        with tg.no_grad():
            assert not any(x.requires_grad for (x,) in DataLoader(dataset, num_workers=workers))
        assert all(x.requires_grad for (x,) in DataLoader(dataset, num_workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_iteration_has_a_length_and_keeps_no_batch(workers):
    batches = iter(DataLoader(numbers(5), 2, num_workers=workers))
    assert len(batches) == 3
    batch = next(batches)
    gone = [weakref.ref(x) for x in batch]
    del batch
    deadline = time.monotonic() + 10
    while any(ref() is not None for ref in gone) and time.monotonic() < deadline:
        time.sleep(0.001)  # a worker is about to let go of it
    assert all(ref() is None for ref in gone)


def test_what_is_settled_stays():
    loader = DataLoader(numbers(5), 2)
    for name in ("batch_size", "dataset", "sampler", "batch_sampler", "drop_last", "num_workers"):
        with pytest.raises(ValueError, match=f"DataLoader: {name} cannot be changed"):
            setattr(loader, name, 3)
    assert loader.batch_size == 2


def test_copies_have_workers_of_their_own():
    loader = DataLoader(Squares(4), None, num_workers=2, persistent_workers=True)
    list(loader)
    for other in (copy.copy(loader), copy.deepcopy(loader), pickle.loads(pickle.dumps(loader))):
        assert [plain(b) for b in other] == [plain(b) for b in loader]
        del other
        assert len(list(loader)) == 4


def run(program):
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, time.monotonic() - start


def test_the_end_of_the_interpreter_waits_for_no_sample():
    program = """
import time
from tinygrad_lite.utils.data import DataLoader
class Slow:
    def __getitem__(self, i):
        time.sleep(0.0 if i == 0 else 40)
        return i
    def __len__(self):
        return 100
batches = iter(DataLoader(Slow(), num_workers=2, prefetch_factor=20))
print(next(batches))
"""
    out, seconds = run(program)
    assert out == "tensor([0])\n"
    assert seconds < 30


def test_an_iteration_that_outlives_the_main_thread():
    program = """
import threading, time
from tinygrad_lite.utils.data import DataLoader
def work():
    time.sleep(0.2)
    print(sum(b.item() for _ in range(2) for b in DataLoader(range(10), num_workers=2)))
threading.Thread(target=work).start()
"""
    assert run(program)[0] == "90\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_forks_have_workers_of_their_own():
    program = """
import os, signal, warnings
warnings.simplefilter("ignore")
from tinygrad_lite.utils.data import DataLoader
loader = DataLoader(range(4), num_workers=2, persistent_workers=True)
list(loader)
begun = iter(loader)
next(begun)
pid = os.fork()
if not pid:
    signal.alarm(20)
    assert [b.item() for b in loader] == [0, 1, 2, 3]
    try:
        next(begun)
    except RuntimeError as error:
        os._exit(7 if "forked" in str(error) else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print([b.item() for b in begun])
"""
    assert run(program)[0] == "[1, 2, 3]\n"


@pytest.mark.parametrize("in_order", [False, True])
def test_a_timeout(in_order):
    stop = threading.Event()

    class Slow(Dataset):
        def __getitem__(self, i):
            stop.wait(10)
            return i

        def __len__(self):
            return 1

    try:
        with pytest.raises(RuntimeError, match=r"longer than the timeout, 0\.01 s"):
            list(DataLoader(Slow(), num_workers=1, timeout=0.01, in_order=in_order))
    finally:
        stop.set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 2.0}, "batch_size must be"),
        ({"shuffle": True, "sampler": [0]}, "sampler and shuffle exclude"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "drop_last needs a batch_size"),
        ({"num_workers": -1}, "num_workers must be an integer of at least 0, got -1"),
        ({"prefetch_factor": 2}, "are for num_workers above 0"),
        ({"persistent_workers": True}, "are for num_workers above 0"),
        ({"timeout": 1}, "are for num_workers above 0"),
        ({"num_workers": 1, "timeout": -1}, "timeout must be a number of seconds of at least 0"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor must be"),
    ],
)
def test_the_loader_refuses(arguments, message):
    with pytest.raises(ValueError, match=f"DataLoader: .*{message}"):
        DataLoader([1, 2], **arguments)


def test_the_loader_refuses_what_is_no_dataset():
    with pytest.raises(TypeError, match="dataset must have __getitem__ or be an IterableDataset, got set"):
        DataLoader({1})
    with pytest.raises(TypeError, match="generator must be a Generator, got int"):
        DataLoader([1], generator=1)
    for arguments in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ValueError, match="has an order of its own"):
            DataLoader(Count(3), **arguments)


def test_a_training_loop():
    """As it is written for PyTorch."""
    tg.manual_seed(0)
    x = tg.randn(256, 3)
    y = x @ tg.tensor([[1.0], [-2.0], [0.5]]) + 0.3
    train, test = random_split(TensorDataset(x, y), [0.75, 0.25])
    model = tg.nn.Linear(3, 1)
    optimizer = tg.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(30):
        for a, b in DataLoader(train, batch_size=32, shuffle=True, num_workers=2):
            optimizer.zero_grad()
            tg.nn.functional.mse_loss(model(a), b).backward()
            optimizer.step()
    with tg.no_grad():
        ((a, b),) = DataLoader(test, batch_size=64)
        assert tg.nn.functional.mse_loss(model(a), b).item() < 1e-3


# Going on in the middle


class Augmented(Dataset):
    """Numbers with noise of the library's own, and a note of what was fetched."""

    def __init__(self, n):
        self.n, self.fetched = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.fetched.append(i)
        return i + tg.rand(()).item() / 2


def augmented(workers, n=12, **options):
    return DataLoader(Augmented(n), batch_size=2, shuffle=True, num_workers=workers, **options)


@pytest.mark.parametrize("own", [False, True], ids=["the global generator", "its own"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 2), (3, 1)])
@pytest.mark.parametrize("left", [0, 1, 4, 6])
def test_an_iteration_goes_on_where_it_was_left(left, before, after, own, tmp_path):
    """Whatever was drawn in between, with any number of workers, and no sample is fetched again."""

    def made(workers):
        return augmented(workers, generator=tg.Generator().manual_seed(5) if own else None)

    tg.manual_seed(1)
    loader, batches, drawn = made(before), [], []
    for _ in range(2):
        for batch in loader:
            batches.append(batch.tolist())
            drawn.append(tg.rand(()).item())
    assert sorted(int(x) for batch in batches[:6] for x in batch) == list(range(12))

    tg.manual_seed(1)
    loader = made(before)
    walk = iter(loader)
    for i in range(left):
        assert next(walk).tolist() == batches[i]
        assert tg.rand(()).item() == drawn[i]
    tg.save({"loader": loader.state_dict(), "rng": tg.get_rng_state()}, tmp_path / "state")
    tg.manual_seed(99)
    state = tg.load(tmp_path / "state")
    tg.set_rng_state(state["rng"])
    loader = made(after)
    loader.load_state_dict(state["loader"])
    found, again = [], []
    for epoch in range(2):
        for batch in loader:
            found.append(batch.tolist())
            again.append(tg.rand(()).item())
        if epoch == 0:
            assert len(loader.dataset.fetched) == 12 - 2 * left
    assert (found, again) == (batches[left:], drawn[left:])


def test_a_state_after_an_epoch_begins_the_next():
    tg.manual_seed(1)
    loader = augmented(0)
    first = [batch.tolist() for batch in loader]
    state = loader.state_dict()
    second = [batch.tolist() for batch in loader]
    assert first != second
    loader.load_state_dict(state)
    assert [batch.tolist() for batch in loader] == second


def test_a_state_after_a_break_is_of_the_middle():
    loader = augmented(2)
    batch = next(iter(loader))
    assert loader.state_dict()["given"] == 1
    loader.load_state_dict(loader.state_dict())
    assert loader.state_dict()["given"] == 1
    rest = [int(x) for batch in loader for x in batch.tolist()]
    assert sorted(rest + [int(x) for x in batch.tolist()]) == list(range(12))


def test_orders_of_several_rounds_go_on_too():
    """What the training draws in between does not change what a sampler gives."""
    sampler = RandomSampler(range(3), num_samples=8)
    tg.manual_seed(0)
    expected = list(sampler)
    tg.manual_seed(0)
    assert [(i, tg.rand(()))[0] for i in sampler] == expected


class Walk(IterableDataset):
    """Numbers, each worker its own, with noise of the batch's stream; it knows where it is."""

    def __init__(self, sizes):
        self.sizes, self.at, self.fetched = sizes, 0, []

    def __iter__(self):
        info = get_worker_info()
        worker = 0 if info is None else info.id
        begin, self.at = self.at, 0
        for at in range(begin + 1, self.sizes[worker] + 1):
            self.at = at
            self.fetched.append(at)
            yield 100 * worker + self.at + float(tg.rand(()))
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state_dict):
        self.at = state_dict["at"]


@pytest.mark.parametrize(("workers", "context"), [(0, None), (1, None), (3, None), (2, "fork")])
def test_iterable_datasets_go_on_where_they_were(workers, context):
    """Also where workers have parts of unequal size, and one has come to its end."""

    def loader():
        return DataLoader(Walk((7, 2, 5)), batch_size=2, num_workers=workers, multiprocessing_context=context)

    tg.manual_seed(0)
    whole = [batch.tolist() for batch in loader()]
    for begin in range(1, len(whole)):
        tg.manual_seed(0)
        first = loader()
        walk = iter(first)
        given = [next(walk).tolist() for _ in range(begin)]
        state = first.state_dict()
        again = loader()
        again.load_state_dict(state)
        assert given + [batch.tolist() for batch in again] == whole, begin
        if not workers:
            assert again.dataset.fetched[0] == 2 * begin + 1, "what was given is not fetched again"
        assert len(list(again)) == len(whole), "and then anew"
    if workers:
        with pytest.raises(ValueError, match=f"as many workers as before, {workers}, got 0"):
            DataLoader(Walk((3,))).load_state_dict(state)


def test_states_that_cannot_be_are_refused():
    class Count(IterableDataset):
        def __iter__(self):
            return iter(range(6))

    loader = DataLoader(Count())
    loader.load_state_dict(loader.state_dict())
    next(iter(loader))
    with pytest.raises(TypeError, match="an IterableDataset cannot be gone on with in the middle"):
        loader.state_dict()
    loader = augmented(1, in_order=False)
    next(iter(loader))
    with pytest.raises(ValueError, match="DataLoader: state_dict: in_order must be True"):
        loader.state_dict()
    loader = augmented(0)
    next(walk := iter(loader)), next(walk)
    state = loader.state_dict()
    with pytest.raises(ValueError, match="expected what state_dict returns"):
        loader.load_state_dict({"given": 3})
    short = augmented(0, n=2)
    short.load_state_dict(state)
    with pytest.raises(ValueError, match="the state is of 2 batches or more, which there are not"):
        iter(short)


def test_generators_have_a_state_dict():
    one, two = tg.Generator().manual_seed(3), tg.Generator()
    tg.rand(3, generator=one)
    two.load_state_dict(one.state_dict())
    assert tg.rand(3, generator=one).tolist() == tg.rand(3, generator=two).tolist()
