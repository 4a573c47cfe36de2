"""`DataParallel` and `DistributedDataParallel`, and `scatter`, `gather`, `replicate`, `parallel_apply` on one CPU."""

from __future__ import annotations

from typing import Any

from ..module import Module
from .distributed import DistributedDataParallel
from .scatter_gather import gather, parallel_apply, replicate, scatter, scatter_kwargs

__all__ = [
    "DataParallel", "DistributedDataParallel", "data_parallel", "gather", "parallel_apply", "replicate", "scatter",
    "scatter_kwargs",
]  # fmt: skip


class DataParallel(Module):
    """A module that calls another: on a CPU nothing is spread, in PyTorch neither.

    Parameters
    ----------
    module : Module
        Its parameters are known as "module.NAME".
    device_ids, output_device : optional
        Accepted and ignored.
    dim : int
        Accepted and ignored.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.DataParallel(nn.Linear(2, 1))
    >>> list(model.state_dict()), model(tg.ones(3, 2)).shape
    (['module.weight', 'module.bias'], (3, 1))
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        self.output_device, self.dim = None, dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Any = None,
) -> Any:
    """Call the module: on a CPU nothing is spread."""
    return module(*inputs if isinstance(inputs, tuple) else (inputs,), **(module_kwargs or {}))
