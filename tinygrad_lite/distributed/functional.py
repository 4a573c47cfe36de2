"""`all_reduce`: a sum over ranks that gradients flow through; `summed`: one of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Tensor
from ..engine.function import Function
from ..rules import wrap
from .groups import ProcessGroup

__all__ = ["all_reduce"]


def summed(group: ProcessGroup, values: Any, call: str, dtype: Any = None) -> Any:
    """The sums of arrays or numbers over all ranks."""
    total = np.array(values, dtype)

    def steps() -> Any:
        yield [group.comm.Iallreduce(group.IN_PLACE, total, op=group.MPI and group.MPI.SUM)], True

    group.submit(f"{call}({total.dtype} {total.shape})", steps)
    return total


class _AllReduce(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, group: ProcessGroup, weight: float) -> Any:
        ctx.group, ctx.weight = group, weight
        return wrap(summed(group, x._data, "functional.all_reduce"))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        total = summed(ctx.group, g._data * ctx.weight, "functional.all_reduce, backward")
        return wrap(total / ctx.weight if ctx.weight else np.zeros_like(total)), None, None


def all_reduce(x: Tensor, group: ProcessGroup, weight: float = 1.0) -> Tensor:
    """The sum of a tensor over all ranks; its gradient is the sum of theirs.

    Parameters
    ----------
    x : Tensor
    group : ProcessGroup
    weight : float
        How much this rank's loss counts in the loss of all, as its number of rows does where each is a mean.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> from tinygrad_lite.distributed import functional
    >>> dist.init_process_group()
    >>> functional.all_reduce(tg.ones(2), dist.group.WORLD)
    tensor([1., 1.])
    >>> dist.destroy_process_group()
    """
    return _AllReduce.apply(x, group, weight)
