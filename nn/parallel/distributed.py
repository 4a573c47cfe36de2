"""`DistributedDataParallel`: a model that several ranks train, each on rows of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import tinygrad_lite.distributed.reducer as reducing  # `from` would ask for the name first
from tinygrad_lite import Tensor, default_generator, is_grad_enabled, manual_seed
from tinygrad_lite.distributed.functional import summed
from tinygrad_lite.distributed.world import resolve
from tinygrad_lite.engine.errors import InputError

from ..module import Module

__all__ = ["DistributedDataParallel"]

_IGNORED = {
    "device_ids", "output_device", "check_reduction", "gradient_as_bucket_view", "static_graph",
    "delay_all_reduce_named_params", "param_to_hook_all_reduce", "mixed_precision", "device_mesh",
    "skip_all_reduce_unused_params",
}  # fmt: skip


class DistributedDataParallel(Module):
    """A module whose gradients are the mean over the rows of all ranks.

    The parameters must be the same on all ranks, in name, shape, dtype and order; their values, and those of buffers,
    are taken from rank 0. Gradients lie in flat pieces of memory that `zero_grad` does not give up; the sum of one
    begins while the backward pass runs, as soon as all gradients in it are complete.

    Ranks may have batches of unequal size, or none: each gradient counts as often as its rank has rows,
    ``sum_r rows_r grad_r / sum_r rows_r``. That is the gradient of the mean loss over all rows if each rank's loss is
    the mean over its own. How many they are the model sees in its first argument; where the loss is the mean of
    something else, such as tokens that count, say so: ``model.backward(loss, rows=tokens)``.

    Parameters
    ----------
    module : Module
        Its parameters are known as "module.NAME".
    device_ids, output_device : optional
        Accepted and ignored.
    dim : int
        The dimension of the first argument that counts its rows.
    broadcast_buffers : bool
        Take the buffers from rank 0 before each step.
    init_sync : bool
        Take parameters and buffers from rank 0 now.
    process_group : ProcessGroup, optional
        All ranks by default.
    bucket_cap_mb : float, optional
        Size of a piece, 25 by default.
    find_unused_parameters : bool
        Take zeros for the gradients of parameters that the loss of a rank does not depend on. Without it they are an
        error that names them, on all ranks.
    weigh_by_rows : bool
        Not PyTorch's. False: the plain mean over the ranks, for losses that are no means.
    **options
        Others of PyTorch's are accepted and ignored: gradients always are views of buckets.

    Raises
    ------
    RuntimeError
        If parameters differ between ranks, or there is no process group; and later, if ranks do different things.

    Notes
    -----
    Deviations from PyTorch: unequal batches are weighed by their rows; an unused parameter is an error at the end of
    the pass in which it is unused, in all ranks. Each rank but the first goes on with random numbers of its own,
    so that dropout differs between them. ``backward(create_graph=True)`` is refused.

    References
    ----------
    Li et al., "PyTorch distributed: experiences on accelerating data parallel training", VLDB 2020.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> from tinygrad_lite import nn
    >>> dist.init_process_group()  # under `mpiexec -n 4 python train.py`, of four
    >>> model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
    >>> model(tg.ones(3, 2)).mean().backward()
    >>> model.module.weight.grad
    tensor([[1., 1.]])
    >>> dist.destroy_process_group()
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        *,
        weigh_by_rows: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        unknown = options.keys() - _IGNORED
        if unknown:
            raise TypeError(f"DistributedDataParallel: got unexpected arguments {sorted(unknown)}")
        self.process_group = resolve("DistributedDataParallel", process_group)
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise RuntimeError("DistributedDataParallel: the module has no parameter that requires grad")
        cap = 25.0 if bucket_cap_mb is None else float(bucket_cap_mb)
        if not cap > 0:
            raise InputError(f"DistributedDataParallel: bucket_cap_mb must be above 0, got {bucket_cap_mb}")
        self.module = module
        self.dim, self.broadcast_buffers, self.find_unused_parameters = dim, broadcast_buffers, find_unused_parameters
        self.require_backward_grad_sync = True
        self._joining = False
        reducing.check_alike(self.process_group, list(module.named_parameters()))
        if init_sync:
            self._copy_from(0, [*module.parameters(), *module.buffers()], "DistributedDataParallel: parameters")
        self._reducer = reducing.Reducer(named, self.process_group, int(cap * (1 << 20)), find_unused_parameters)
        self._reducer.weigh = weigh_by_rows
        self._reducer.follow(True)
        self._part_random_streams()

    def _copy_from(self, root: int, tensors: list[Tensor], call: str) -> None:
        if self.process_group.size() > 1:
            reducing.coalesced(self.process_group, tensors, root, call)

    def _part_random_streams(self) -> None:
        """Let each rank but the first draw numbers of its own from now on; all have drawn the same ones before."""
        rank = self.process_group.rank()
        if rank:
            state = default_generator.state_dict()
            seed = int(np.random.SeedSequence([_drawn(state), rank]).generate_state(1, np.uint64)[0] >> 1)
            manual_seed(seed)

    # --- a step ------------------------------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns for this rank's rows."""
        if self.training and is_grad_enabled():
            self._reducer.rows += self._count(inputs, kwargs)
            if self.require_backward_grad_sync:
                self._prepare()
        return self.module(*inputs, **kwargs)

    def _prepare(self) -> None:
        if self._joining:
            self._tell(True)
        if self._reducer.first_pass_is_over:
            rows = self._reducer.rows
            self._reducer.reorder()
            self._reducer.rows = rows
        self._reducer.follow(True)
        if self.broadcast_buffers:
            self._copy_from(0, list(self.module.buffers()), "DistributedDataParallel: buffers")

    def _count(self, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        """How many rows the first argument has that is a tensor."""
        for value in (*inputs, *kwargs.values()):
            if isinstance(value, Tensor) and value.ndim > self.dim:
                return float(value.shape[self.dim])
        return 1.0

    def backward(self, loss: Tensor, rows: float) -> None:
        """Send a loss back that is the mean over so many of this rank's rows.

        Parameters
        ----------
        loss : Tensor, shape ()
        rows : float
            Samples, tokens that count, or whatever the loss is the mean of. With 0, this rank counts nothing.

        Raises
        ------
        ValueError
            If `rows` is negative or not finite.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import nn
        >>> dist.init_process_group()
        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(1, 1, bias=False))
        >>> model.backward(model(tg.ones(3, 1)).sum() / 2, rows=2)
        >>> model.module.weight.grad
        tensor([[1.5000]])
        >>> dist.destroy_process_group()
        """
        if not 0 <= rows < np.inf:
            raise InputError(
                f"DistributedDataParallel.backward: rows must be a finite number of at least 0, got {rows}"
            )
        self._reducer.rows = float(rows)
        loss.backward()

    def skip(self) -> None:
        """Take part in a step without rows: the gradients are those of the other ranks afterwards."""
        self._prepare()
        self._reducer.reduce(None, 0.0, ran=False)

    def reduce(self, rows: float, sums: bool = False) -> None:
        """Make the gradients, which came without a sum over ranks, their mean over the rows of all ranks.

        Parameters
        ----------
        rows : float
            How many of this rank's they are of.
        sums : bool
            They are sums over rows, no means.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import nn
        >>> dist.init_process_group()
        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(1, 1, bias=False))
        >>> with model.no_sync():
        ...     model(tg.ones(3, 1)).sum().backward()
        >>> model.reduce(rows=3, sums=True)
        >>> model.module.weight.grad
        tensor([[1.]])
        >>> dist.destroy_process_group()
        """
        self._reducer.reduce(1.0 if sums else None, float(rows))

    def sum_over_ranks(self, *numbers: float) -> list[float]:
        """The sums of numbers over all ranks."""
        return summed(self.process_group, numbers, "sum_over_ranks", np.float64).tolist()

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Leave gradients alone in the block: they add up, and are summed over ranks by the first pass after it."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        self._reducer.follow(False)
        try:
            yield
        finally:
            self.require_backward_grad_sync = before
            self._reducer.follow(before)

    # --- ranks that run out of data -----------------------------------------------------------------------------------

    @contextmanager
    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Iterator[None]:
        """Let ranks run out of data at different times: those that have none take part until all are done.

        Afterwards all have the parameters and buffers of one that went on to the end.

        Parameters
        ----------
        divide_by_initial_world_size : bool
            Accepted and ignored: a rank without rows counts nothing.
        enable : bool
            False: do nothing.
        throw_on_early_termination : bool
            Raise, on all ranks, as soon as one runs out.

        Yields
        ------
        None

        Raises
        ------
        RuntimeError
            With `throw_on_early_termination`.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import nn
        >>> dist.init_process_group()
        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(1, 1))
        >>> with model.join():
        ...     for x in tg.ones(2, 3, 1):
        ...         model(x).mean().backward()
        >>> dist.destroy_process_group()
        """
        if not enable or self.process_group.size() == 1:
            yield
            return
        self._joining, self._throw, self._active = True, throw_on_early_termination, [self.process_group.rank()]
        try:
            yield
            self._stay()
        finally:
            self._joining = False

    def _tell(self, goes_on: bool) -> list[int]:
        """Tell the others whether this rank has data, and learn which have; these make a step now."""
        group = self.process_group
        flags = np.zeros(group.size())
        flags[group.rank()] = goes_on

        def steps() -> Any:
            yield [group.comm.Iallreduce(group.IN_PLACE, flags, op=group.MAX)], True

        group.submit("DistributedDataParallel.join", steps)
        active = np.flatnonzero(flags).tolist()
        if self._throw and 0 < len(active) < group.size():
            out = [group.ranks[i] for i in range(group.size()) if not flags[i]]
            raise RuntimeError(f"DistributedDataParallel.join: rank {out[0]} has run out of data")
        self._active = active or self._active
        return active

    def _stay(self) -> None:
        while self._tell(False):
            if self._reducer.first_pass_is_over:
                self._reducer.reorder()
            if self.broadcast_buffers:
                self._copy_from(0, list(self.module.buffers()), "DistributedDataParallel: buffers")
            self._reducer.reduce(None, 0.0, ran=False)
        call = "DistributedDataParallel: parameters at the end of join"
        self._copy_from(max(self._active), [*self.module.parameters(), *self.module.buffers()], call)


def _drawn(state: Any) -> int:
    """A number that stands for a generator's state."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(repr(state).encode(), digest_size=8).digest(), "little")
