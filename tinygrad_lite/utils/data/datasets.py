"""Where samples come from."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ... import Tensor, as_tensor, cat
from ...transforms.pytree import filled, leaves, structure
from .collating import NUMBERS, default_convert
from .samplers import checked_generator, listed

T_co = TypeVar("T_co", covariant=True)


class Indexed(Protocol[T_co]):
    """What can be a dataset without being a `Dataset`."""

    def __getitem__(self, index: Any, /) -> T_co: ...

    def __len__(self) -> int: ...


class Dataset(Generic[T_co]):
    """The base of datasets: a subclass defines ``__getitem__(index)``, a sample, and ``__len__``.

    Anything that has these two is a dataset; this class adds ``a + b``, a `ConcatDataset`.

    Notes
    -----
    A dataset may define two methods more, to be faster. ``__getitems__(indices)``, as in PyTorch, returns a list of
    samples. ``batch_of(indices)`` returns what `default_collate` would make of them, and is used where that would be;
    None says that it cannot. `TensorDataset` does so. A subclass that defines ``__getitem__`` anew has neither.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __getitem__(self, i):
    ...         return i, i**2
    ...     def __len__(self):
    ...         return 4
    >>> list(DataLoader(Squares(), batch_size=2))
    [[tensor([0, 1]), tensor([0, 1])], [tensor([2, 3]), tensor([4, 9])]]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: a dataset must define __getitem__")

    def __add__(self, other: Any) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """The base of datasets that can only be walked through: a subclass defines ``__iter__``.

    With several workers each walks through it, so ``__iter__`` must give each a part of its own; see `get_worker_info`.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import DataLoader, IterableDataset
    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(DataLoader(Count(), batch_size=2))
    [tensor([0, 1]), tensor([2])]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: an iterable dataset must define __iter__")

    def __add__(self, other: Any) -> ChainDataset[T_co]:  # type: ignore[override]  # as PyTorch's
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors side by side: a sample is a tuple of one row of each.

    Parameters
    ----------
    *tensors : Tensor or array, shape (N, ...)

    Raises
    ------
    ValueError
        If there are none, or they differ in their first dimension.

    Notes
    -----
    A mini-batch is taken by one indexing of each tensor, however large it is.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.utils.data import TensorDataset
    >>> TensorDataset(tg.arange(6.0).reshape(3, 2), tg.arange(3))[1]
    (tensor([2., 3.]), tensor(1))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(t if isinstance(t, Tensor) else as_tensor(t) for t in tensors)
        if not self.tensors:
            raise ValueError("TensorDataset: there must be tensors, got none")
        if any(t.ndim == 0 or len(t) != len(self.tensors[0]) for t in self.tensors):
            shapes = ", ".join(str(tuple(t.shape)) for t in self.tensors)
            raise ValueError(f"TensorDataset: the tensors must have equal first dimensions, got shapes {shapes}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def batch_of(self, indices: Sequence[int]) -> list[Tensor]:
        """Return the batch of these samples."""
        where = places(indices)
        return [t[where] for t in self.tensors]


class StackDataset(Dataset[Any]):
    """Datasets side by side: a sample is a tuple of one of each, or a dict.

    Parameters
    ----------
    *args : datasets
        For tuples.
    **kwargs : datasets
        For dicts.

    Raises
    ------
    ValueError
        If there are none, or both kinds, or they differ in length.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import StackDataset
    >>> StackDataset(image=[1, 2], label=["a", "b"])[0]
    {'image': 1, 'label': 'a'}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: give datasets for a tuple, or named ones for a dict")
        self.datasets: Any = args or kwargs
        lengths = list(map(len, self._each()))
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the datasets must be of equal length, got {lengths}")

    def _each(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _stacked(self, found: list[Any], kind: Any = tuple) -> Any:
        return dict(zip(self.datasets, found)) if isinstance(self.datasets, dict) else kind(found)

    def __getitem__(self, index: Any) -> Any:
        return self._stacked([dataset[index] for dataset in self._each()])

    def __len__(self) -> int:
        return len(self._each()[0])

    def batch_of(self, indices: Sequence[int]) -> Any:
        """Return the batch of these samples, or None if one of the datasets cannot."""
        found = [batch_of(dataset, indices) for dataset in self._each()]
        return None if any(batch is None for batch in found) else self._stacked(found, list)


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Parameters
    ----------
    datasets : iterable of datasets

    Raises
    ------
    ValueError
        If there are none.
    TypeError
        If one is an `IterableDataset`; see `ChainDataset`.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import ConcatDataset
    >>> both = ConcatDataset(["ab", "cde"])
    >>> len(both), both[2], both[-1]
    (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: there must be datasets, got none")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError("ConcatDataset: an IterableDataset has no indices; use ChainDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __getitem__(self, index: Any) -> T_co:
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"ConcatDataset: there are {len(self)} samples, got index {index}")
        which = bisect_right(self.cumulative_sizes, i)
        begin = self.cumulative_sizes[which - 1] if which else 0
        found: T_co = self.datasets[which][i - begin]
        return found

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def batch_of(self, indices: Sequence[int]) -> Any:
        """Return the batch of these samples, or None if one of the datasets cannot, or has others than the rest."""
        where = places(indices)
        where = np.where(where < 0, where + len(self), where)
        if where.dtype.kind not in "iu" or not where.size or where.min() < 0 or where.max() >= len(self):
            return None  # which is for `__getitem__` to say
        owners = np.searchsorted(self.cumulative_sizes, where, "right")
        begins, parts, rows = np.array([0, *self.cumulative_sizes]), [], []
        for owner in np.unique(owners):
            rows.append(np.flatnonzero(owners == owner))
            parts.append(batch_of(self.datasets[owner], (where[rows[-1]] - begins[owner]).tolist()))
            if parts[-1] is None or structure(parts[-1]) != structure(parts[0]):
                return None
        back, columns = np.argsort(np.concatenate(rows)), list(zip(*map(leaves, parts)))
        if any(not isinstance(x, Tensor) or _row(x) != _row(column[0]) for column in columns for x in column):
            return None
        return parts[0] if len(parts) == 1 else filled(parts[0], [cat(column)[back] for column in columns])


def _row(batch: Tensor) -> tuple[Any, ...]:
    return batch.dtype, tuple(batch.shape[1:])


class ChainDataset(IterableDataset[T_co]):
    """Iterable datasets one after the other.

    Parameters
    ----------
    datasets : iterable of IterableDataset

    Raises
    ------
    TypeError
        When it is walked through, for other datasets.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import ChainDataset, IterableDataset
    >>> class Letters(IterableDataset):
    ...     def __init__(self, text):
    ...         self.text = text
    ...     def __iter__(self):
    ...         return iter(self.text)
    >>> list(ChainDataset([Letters("ab"), Letters("c")]))
    ['a', 'b', 'c']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[T_co]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(f"ChainDataset: takes IterableDatasets, got {type(dataset).__name__}")
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


class Subset(Dataset[T_co]):
    """Some samples of a dataset.

    Parameters
    ----------
    dataset : dataset
    indices : sequence of int

    Examples
    --------
    >>> from tinygrad_lite.utils.data import Subset
    >>> list(Subset("abc", [2, 0]))
    ['c', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, listed(indices)

    def __getitem__(self, index: Any) -> T_co:
        several = isinstance(index, list)
        found: T_co = self.dataset[[self.indices[i] for i in index] if several else self.indices[index]]
        return found

    def __len__(self) -> int:
        return len(self.indices)

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        return samples(self.dataset, [self.indices[i] for i in indices])

    def batch_of(self, indices: Sequence[int]) -> Any:
        """Return the batch of these samples, or None if the dataset cannot."""
        return batch_of(self.dataset, [self.indices[i] for i in indices])


def samples(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """The samples of a dataset with these indices."""
    if _stands(dataset, "__getitems__"):
        found: list[Any] = dataset.__getitems__(indices)
        return found
    return [dataset[i] for i in indices]


def batch_of(dataset: Any, indices: Sequence[Any]) -> Any:
    """The batch of these samples, from a dataset that can give it at once; else None."""
    if type(dataset) is Tensor or (type(dataset) is np.ndarray and dataset.dtype.kind in NUMBERS):
        return default_convert(dataset[places(indices)])
    return dataset.batch_of(indices) if _stands(dataset, "batch_of") else None


def _stands(dataset: Any, method: str) -> bool:
    """Whether a dataset has a method for several samples, and no later class says otherwise what a sample is."""
    for kind in type(dataset).__mro__:
        if method in kind.__dict__:
            return True
        if "__getitem__" in kind.__dict__ or "__getitems__" in kind.__dict__:
            return False
    return False


def places(indices: Sequence[Any]) -> Any:
    """Indices as an array."""
    return np.asarray(indices) if len(indices) else np.zeros(0, np.intp)


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset[Any]]:
    """Split a dataset at random into parts that have no sample in common.

    Parameters
    ----------
    dataset : dataset
    lengths : sequence of int, or of float
        How many samples each part has, all together; or fractions that add up to 1: what these leave over goes to the
        parts one by one, from the first.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        If the lengths do not add up.

    Warns
    -----
    UserWarning
        If a part is empty.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import random_split
    >>> train, test = random_split(range(10), [0.75, 0.25])
    >>> len(train), len(test), sorted([*train, *test])
    (8, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    total, parts = len(dataset), list[Any](lengths)
    if not all(isinstance(length, (int, float, np.integer, np.floating)) and length >= 0 for length in parts):
        raise ValueError(f"random_split: lengths must be numbers of at least 0, got {parts}")
    if math.isclose(sum(parts), 1) and sum(parts) <= 1 + 1e-9 and not (total == 1 and _whole(parts)):
        parts = [math.floor(total * fraction) for fraction in parts]
        for i in range(total - sum(parts)):
            parts[i % len(parts)] += 1
    if not _whole(parts) or sum(parts) != total:
        raise ValueError(f"random_split: lengths must add up to {total}, or as fractions to 1, got {list(lengths)}")
    for i, length in enumerate(parts):
        if length == 0:
            warnings.warn(f"random_split: part {i} is empty", UserWarning, stacklevel=2)
    order = checked_generator(generator, "random_split").numpy.permutation(total).tolist()
    ends = [0, *accumulate(map(int, parts))]
    return [Subset(dataset, order[first:last]) for first, last in zip(ends, ends[1:])]


def _whole(lengths: list[Any]) -> bool:
    return all(isinstance(length, (int, np.integer)) for length in lengths)
