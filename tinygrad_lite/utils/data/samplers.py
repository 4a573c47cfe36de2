"""In which order samples are drawn, and how many make a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from ... import Generator, Tensor, default_generator

T_co = TypeVar("T_co", covariant=True)


def checked_generator(generator: Any, who: str) -> Generator:
    """The generator that is given, else the global one."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"{who}: generator must be a Generator, got {type(generator).__name__}")
    return generator


def listed(indices: Any) -> Any:
    """Indices as they are used one by one: those of a Tensor or an array as Python's integers."""
    return indices.tolist() if isinstance(indices, (Tensor, np.ndarray)) else indices


def checked_count(value: Any, who: str, name: str, least: int = 1) -> int:
    """A count that is an integer, and large enough."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{who}: {name} must be an integer of at least {least}, got {value!r}")
    return int(value)


class Sampler(Generic[T_co]):
    """The base of samplers: iterating gives indices, or lists of them.

    A subclass defines ``__iter__``, and ``__len__`` if it is known.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import DataLoader, Sampler
    >>> class Backwards(Sampler):
    ...     def __init__(self, n):
    ...         self.n = n
    ...     def __iter__(self):
    ...         return iter(range(self.n - 1, -1, -1))
    ...     def __len__(self):
    ...         return self.n
    >>> list(DataLoader([1, 2, 3], batch_size=2, sampler=Backwards(3)))
    [tensor([3, 2]), tensor([1])]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a sampler must define __iter__")


class SequentialSampler(Sampler[int]):
    """All indices in order.

    Parameters
    ----------
    data_source : sized

    Examples
    --------
    >>> from tinygrad_lite.utils.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


_BLOCK = 1 << 16  # indices


class RandomSampler(Sampler[int]):
    """Indices in random order: every one once, or drawn each time from all.

    Parameters
    ----------
    data_source : sized
    replacement : bool
        An index may come again.
    num_samples : int, optional
        How many; by default as many as there are. More than that begin anew, in another order.
    generator : Generator, optional
        Default: the global one.

    Raises
    ------
    ValueError
        If `num_samples` is no positive integer.

    Notes
    -----
    The numbers are other ones than PyTorch's for the same seed.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import RandomSampler
    >>> sorted(RandomSampler("abc"))
    [0, 1, 2]
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement must be a bool, got {replacement!r}")
        if num_samples is not None:
            checked_count(num_samples, "RandomSampler", "num_samples")
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        checked_generator(generator, "RandomSampler")

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        random, n, left = checked_generator(self.generator, "RandomSampler").numpy, len(self.data_source), len(self)
        if left and not n:
            raise ValueError(f"RandomSampler: there must be samples to draw {left} from, got none")
        if self.replacement:
            if left > _BLOCK:  # as with `num_samples=int(1e10)`: block by block, from a stream of their own
                random = np.random.default_rng(random.integers(2**63))
            for start in range(0, left, _BLOCK):
                yield from random.integers(n, size=min(_BLOCK, left - start)).tolist()
            return
        rounds = [random.permutation(n) for _ in range(-(-left // n))] if left else []  # at once: what else is drawn
        for drawn in rounds:  # while this goes on, changes nothing
            yield from drawn[:left].tolist()
            left -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices, in random order.

    Parameters
    ----------
    indices : sequence of int
    generator : Generator, optional
        Default: the global one.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import SubsetRandomSampler
    >>> sorted(SubsetRandomSampler([4, 7, 5]))
    [4, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices, self.generator = listed(indices), generator
        checked_generator(generator, "SubsetRandomSampler")

    def __iter__(self) -> Iterator[int]:
        random = checked_generator(self.generator, "SubsetRandomSampler").numpy
        return iter([self.indices[i] for i in random.permutation(len(self.indices)).tolist()])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with given probabilities: rare classes as often as common ones.

    Parameters
    ----------
    weights : sequence of float
        Of each sample; they need not add up to 1.
    num_samples : int
        How many indices an iteration gives.
    replacement : bool
        An index may come again.
    generator : Generator, optional
        Default: the global one.

    Raises
    ------
    ValueError
        If the weights are not one row of finite numbers of at least 0, with one above, or if without `replacement`
        fewer than `num_samples` of them are above 0.

    References
    ----------
    W. Kool et al., "Stochastic beams and where to find them", ICML 2019, section 2.3: draws without replacement.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0.0, 0.0, 2.0], 4))
    [2, 2, 2, 2]
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        who = "WeightedRandomSampler"
        if not isinstance(replacement, bool):
            raise TypeError(f"{who}: replacement must be a bool, got {replacement!r}")
        self.num_samples = checked_count(num_samples, who, "num_samples")
        self.weights = np.array(weights, np.float64)
        if self.weights.ndim != 1:
            raise ValueError(f"{who}: weights must be one row of numbers, got shape {self.weights.shape}")
        if not np.isfinite(self.weights).all() or (self.weights < 0).any() or not self.weights.any():
            raise ValueError(f"{who}: weights must be finite and at least 0, and not all 0")
        if not replacement and np.count_nonzero(self.weights) < self.num_samples:
            raise ValueError(
                f"{who}: without replacement num_samples must be at most the number of weights above 0, "
                f"{np.count_nonzero(self.weights)}, got {num_samples}"
            )
        self.replacement, self.generator = replacement, generator
        checked_generator(generator, who)

    def __iter__(self) -> Iterator[int]:
        random = checked_generator(self.generator, "WeightedRandomSampler").numpy
        if self.replacement:
            share = self.weights / self.weights.max()  # so that no sum overflows
            return iter(random.choice(len(share), self.num_samples, p=share / share.sum()).tolist())
        with np.errstate(divide="ignore"):
            drawn = np.log(self.weights) + random.gumbel(size=len(self.weights))  # the largest are a draw, in order
        return iter(np.argsort(-drawn)[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of the indices that another sampler gives.

    Parameters
    ----------
    sampler : iterable of int
    batch_size : int
    drop_last : bool
        Leave out a last batch that is smaller.

    Raises
    ------
    ValueError
        If `batch_size` is no positive integer, or `drop_last` no bool.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        self.sampler, self.batch_size = sampler, checked_count(batch_size, "BatchSampler", "batch_size")
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: drop_last must be a bool, got {drop_last!r}")
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]  # TypeError where it has none, as everywhere
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
