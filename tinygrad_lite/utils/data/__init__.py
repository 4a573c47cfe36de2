"""Samples, and mini-batches of them, as PyTorch's ``torch.utils.data``.

Examples
--------
>>> import tinygrad_lite as tg
>>> from tinygrad_lite.utils.data import DataLoader, TensorDataset
>>> samples = TensorDataset(tg.arange(10.0).reshape(5, 2), tg.arange(5))
>>> for x, y in DataLoader(samples, batch_size=2):
...     print(x.shape, y)
(2, 2) tensor([0, 1])
(2, 2) tensor([2, 3])
(1, 2) tensor([4])
"""

from typing import TYPE_CHECKING

from ...torch_imports import modules_of as _modules_of
from .collating import default_collate, default_convert
from .datasets import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .distributed import DistributedSampler
from .loader import DataLoader
from .loader import _collate_fn_t as _collate_fn_t
from .loader import _worker_init_fn_t as _worker_init_fn_t
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .workers import WorkerInfo, get_worker_info

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler", "IterableDataset",
    "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "WorkerInfo", "default_collate", "default_convert", "get_worker_info", "random_split",
]  # fmt: skip

if not TYPE_CHECKING:  # type checkers would take any name for one that it knows
    __getattr__ = _modules_of(__name__)
