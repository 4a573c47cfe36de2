"""`DistributedSampler`: the part of a dataset that one of several processes takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...distributed.world import is_initialized, world
from .samplers import Sampler

__all__ = ["DistributedSampler"]

_WHO = "DistributedSampler"


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index, beginning with the process's own number.

    Parameters
    ----------
    dataset : Dataset
    num_replicas : int, optional
        How many processes there are; by default those of the process group, or 1 without one.
    rank : int, optional
        Which of them this is; by default the group's.
    shuffle : bool
        Another order in every epoch, the same in all processes; see `set_epoch`.
    seed : int
    drop_last : bool
        Leave out the last indices rather than repeat the first, where they do not come out even.

    Notes
    -----
    Orders are not PyTorch's: the random numbers are others.

    Examples
    --------
    >>> from tinygrad_lite.utils.data.distributed import DistributedSampler
    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        grouped = is_initialized()
        self.num_replicas = (world(_WHO).size if grouped else 1) if num_replicas is None else num_replicas
        self.rank = (world(_WHO).rank if grouped else 0) if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"DistributedSampler: rank must be in [0, {self.num_replicas - 1}], got {self.rank}")
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        count = len(dataset) - (len(dataset) % self.num_replicas if drop_last else 0)
        self.num_samples = math.ceil(count / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        order = range(len(self.dataset))
        indices = np.random.default_rng(self.seed + self.epoch).permutation(order) if self.shuffle else np.array(order)
        return iter(np.resize(indices, self.total_size)[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the epoch, of which the order depends."""
        self.epoch = epoch
