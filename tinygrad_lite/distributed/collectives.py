"""`all_reduce`, `broadcast`, `all_gather`, `reduce_scatter` and others: calls of all ranks about tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np

from .. import Tensor
from ..engine.errors import InputError
from ..graph import written
from ..transforms.effects import effect
from .groups import ProcessGroup
from .work import Steps, Work
from .world import NON_MEMBER, resolve, world

__all__ = [
    "ReduceOp", "all_gather", "all_gather_into_tensor", "all_reduce", "all_to_all_single", "barrier", "broadcast",
    "gather", "monitored_barrier", "reduce", "reduce_scatter", "reduce_scatter_tensor", "scatter",
]  # fmt: skip

Array = np.ndarray[Any, Any]
_F = TypeVar("_F", bound=Callable[..., Any])


class ReduceOp:
    """How values of several ranks become one.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.ReduceOp.SUM
    <RedOpType.SUM>
    """

    SUM: ReduceOp
    AVG: ReduceOp
    PRODUCT: ReduceOp
    MIN: ReduceOp
    MAX: ReduceOp
    BAND: ReduceOp
    BOR: ReduceOp
    BXOR: ReduceOp

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}>"


_MPI_NAMES = {"AVG": "SUM", "PRODUCT": "PROD"}
_OF_BOOL = {"SUM": "LOR", "MAX": "LOR", "BOR": "LOR", "PRODUCT": "LAND", "MIN": "LAND", "BAND": "LAND", "BXOR": "LXOR"}
for _name in ("SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR"):
    setattr(ReduceOp, _name, ReduceOp(_name))


def collective(function: _F) -> _F:
    """A call that ranks outside the group leave out, and that a recorded step makes again."""

    @functools.wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        for arg in (*args, options.get("group")):
            if arg is NON_MEMBER:
                return None
        return function(*args, **options)

    return cast(_F, effect(called))


# --- arrays on their way ---------------------------------------------------------------------------------------------


def array_of(who: str, tensor: Any) -> Array:
    """The array of a tensor that can be sent."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"distributed.{who}: needs Tensors, got {type(tensor).__name__}")
    array: Array = tensor._data
    if array.dtype.kind not in "biufc":
        raise TypeError(f"distributed.{who}: a tensor must have numbers of a kind that MPI knows, got {array.dtype}")
    return array


def _wire(array: Array, reduces: bool = False) -> Array:
    """The memory that is sent: the array itself, or a copy in one piece, of float32 where MPI cannot add float16."""
    return np.ascontiguousarray(array, np.float32 if reduces and array.dtype == np.float16 else None)


def _store(wire: Array, array: Array, who: str) -> None:
    if wire is not array:
        array[...] = wire.reshape(array.shape)
    written(array, who)


def _operation(group: ProcessGroup, op: ReduceOp, dtype: Any, who: str) -> Any:
    if not isinstance(op, ReduceOp):
        raise TypeError(f"distributed.{who}: op must be a ReduceOp, got {op!r}")
    if op is ReduceOp.AVG and dtype.kind not in "fc":
        raise InputError(f"distributed.{who}: the average of {dtype} is no {dtype}")
    if group.size() == 1:
        return None
    name = _OF_BOOL[op.name] if dtype.kind == "b" else _MPI_NAMES.get(op.name, op.name)
    return getattr(group.MPI, name)


def _average(group: ProcessGroup, op: ReduceOp, wire: Array) -> Array:
    if op is ReduceOp.AVG:
        wire /= group.size()
    return wire


def _shown(array: Array) -> str:
    return _text_of(array.dtype, array.shape)


_text_of = functools.lru_cache(maxsize=4096)("{} {}".format)  # a dtype's name takes as long as a small message


def _place(group: ProcessGroup, who: str, rank: int | None, group_rank: int | None, name: str) -> int:
    """A rank's place in the group."""
    if group_rank is not None:
        return int(group_rank)
    if rank is None or rank not in group.ranks:
        raise InputError(f"distributed.{who}: {name} must be one of the group's ranks {list(group.ranks)}, got {rank}")
    return group.ranks.index(rank)


def _parts(who: str, tensors: Any, group: ProcessGroup, like: Array, name: str) -> list[Array]:
    arrays = [array_of(who, t) for t in tensors]
    if len(arrays) != group.size() or any(a.shape != like.shape or a.dtype != like.dtype for a in arrays):
        raise InputError(
            f"distributed.{who}: {name} must be {group.size()} tensors of {_shown(like)}, got "
            f"{[_shown(a) for a in arrays]}"
        )
    return arrays


def _whole(who: str, large: Array, small: Array, group: ProcessGroup) -> None:
    if large.size != small.size * group.size() or large.dtype != small.dtype:
        raise InputError(
            f"distributed.{who}: one tensor must have {group.size()} times the elements of the other, got "
            f"{_shown(large)} and {_shown(small)}"
        )


# --- one value of all -------------------------------------------------------------------------------------------------


@collective
def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Sum a tensor over all ranks, in place: all have the same bits afterwards.

    Parameters
    ----------
    tensor : Tensor
    op : ReduceOp
    group : ProcessGroup, optional
    async_op : bool
        Return at once; the tensor must be left alone until ``work.wait()``.

    Returns
    -------
    Work or None

    Raises
    ------
    DistBackendError
        If ranks are in different calls, or one has left, died or does not come in time.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.init_process_group()
    >>> x = tg.tensor([1.0, 2.0])
    >>> dist.all_reduce(x)
    >>> x  # of one rank
    tensor([1., 2.])
    >>> dist.destroy_process_group()
    """
    found, array = resolve("all_reduce", group), array_of("all_reduce", tensor)
    operation = _operation(found, op, array.dtype, "all_reduce")

    def steps() -> Steps:
        wire = _wire(array, True)
        yield [found.comm.Iallreduce(found.IN_PLACE, wire, op=operation)], True
        _store(_average(found, op, wire), array, "all_reduce")

    return found.submit(f"all_reduce({_shown(array)}, {op.name})", steps, async_op)


@collective
def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Sum a tensor over all ranks, in place, in rank `dst` only."""
    found, array = resolve("reduce", group), array_of("reduce", tensor)
    root = _place(found, "reduce", dst, group_dst, "dst")
    operation = _operation(found, op, array.dtype, "reduce")

    def steps() -> Steps:
        wire = _wire(array, True)
        mine = found.rank() == root
        send, receive = (found.IN_PLACE, wire) if mine else (wire, None)
        yield [found.comm.Ireduce(send, receive, op=operation, root=root)], True
        if mine:
            _store(_average(found, op, wire), array, "reduce")

    return found.submit(f"reduce({_shown(array)}, {op.name}, to {root})", steps, async_op)


@collective
def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Give all ranks the values of rank `src`, in place."""
    found, array = resolve("broadcast", group), array_of("broadcast", tensor)
    root = _place(found, "broadcast", src, group_src, "src")

    def steps() -> Steps:
        wire = _wire(array)
        yield [found.comm.Ibcast(wire, root=root)], True
        if found.rank() != root:
            _store(wire, array, "broadcast")

    return found.submit(f"broadcast({_shown(array)}, from {root})", steps, async_op)


@collective
def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait until all ranks are here."""
    found = resolve("barrier", group)
    return found.submit("barrier()", lambda: iter(()), async_op)


@collective
def monitored_barrier(group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False) -> None:
    """Wait until all ranks are here, for so long at most; the error names those that are not."""
    found = resolve("monitored_barrier", group)
    work = found.submit("monitored_barrier()", lambda: iter(()), True)
    if work is not None:
        work.wait(timeout)


# --- all values -------------------------------------------------------------------------------------------------------


@collective
def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """Give all ranks the tensors of all, written to those of `tensor_list`."""
    found, array = resolve("all_gather", group), array_of("all_gather", tensor)
    parts = _parts("all_gather", tensor_list, found, array, "tensor_list")

    def steps() -> Steps:
        wire = np.empty((found.size(), *array.shape), array.dtype)
        yield [found.comm.Iallgather(_wire(array), wire)], True
        for part, values in zip(parts, wire):
            _store(values, part, "all_gather")

    return found.submit(f"all_gather({_shown(array)})", steps, async_op)


@collective
def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give all ranks the tensors of all, one behind the other in `output_tensor`."""
    who = "all_gather_into_tensor"
    found, out, array = resolve(who, group), array_of(who, output_tensor), array_of(who, input_tensor)
    _whole(who, out, array, found)

    def steps() -> Steps:
        wire = _wire(out)
        yield [found.comm.Iallgather(_wire(array), wire)], True
        _store(wire, out, who)

    return found.submit(f"{who}({_shown(array)})", steps, async_op)


@collective
def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Give rank `dst` (0 by default) the tensors of all, written to those of `gather_list`."""
    found, array = resolve("gather", group), array_of("gather", tensor)
    root = _place(found, "gather", found.ranks[0] if dst is None else dst, group_dst, "dst")
    mine = found.rank() == root
    parts = _parts("gather", gather_list or (), found, array, "gather_list") if mine else []

    def steps() -> Steps:
        wire = np.empty((found.size(), *array.shape), array.dtype) if mine else None
        yield [found.comm.Igather(_wire(array), wire, root=root)], True
        for part, values in zip(parts, () if wire is None else wire):
            _store(values, part, "gather")

    return found.submit(f"gather({_shown(array)}, to {root})", steps, async_op)


# --- parts ------------------------------------------------------------------------------------------------------------


@collective
def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give each rank one tensor of those that rank `src` (0 by default) has in `scatter_list`."""
    found, array = resolve("scatter", group), array_of("scatter", tensor)
    root = _place(found, "scatter", found.ranks[0] if src is None else src, group_src, "src")
    mine = found.rank() == root
    parts = _parts("scatter", scatter_list or (), found, array, "scatter_list") if mine else None

    def steps() -> Steps:
        wire = np.empty(array.shape, array.dtype)
        send = None if parts is None else np.ascontiguousarray(np.stack(parts))
        yield [found.comm.Iscatter(send, wire, root=root)], True
        _store(wire, array, "scatter")

    return found.submit(f"scatter({_shown(array)}, from {root})", steps, async_op)


@collective
def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give each rank the sum, over all ranks, of those tensors of `input_list` that stand at its place."""
    found, out = resolve("reduce_scatter", group), array_of("reduce_scatter", output)
    parts = _parts("reduce_scatter", input_list, found, out, "input_list")
    return _scatter_sum("reduce_scatter", found, out, lambda: np.stack(parts), op, async_op)


@collective
def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give each rank its part of the sum of `input` over all ranks."""
    who = "reduce_scatter_tensor"
    found, out, array = resolve(who, group), array_of(who, output), array_of(who, input)
    _whole(who, array, out, found)
    return _scatter_sum(who, found, out, lambda: array, op, async_op)


def _scatter_sum(
    who: str, found: ProcessGroup, out: Array, values: Callable[[], Array], op: ReduceOp, async_op: bool
) -> Work | None:
    operation = _operation(found, op, out.dtype, who)

    def steps() -> Steps:
        send, wire = _wire(values(), True), np.empty_like(_wire(out, True))
        yield [found.comm.Ireduce_scatter_block(send, wire, op=operation)], True
        _store(_average(found, op, wire), out, who)

    return found.submit(f"{who}({_shown(out)}, {op.name})", steps, async_op)


@collective
def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Send each rank one of equal parts of `input`, and put what they send one behind the other into `output`."""
    who = "all_to_all_single"
    found, out, array = resolve(who, group), array_of(who, output), array_of(who, input)
    if output_split_sizes is not None or input_split_sizes is not None:
        raise NotImplementedError(f"distributed.{who}: parts must be of equal size")
    if out.size != array.size or out.dtype != array.dtype or array.shape[:1] == () or array.shape[0] % found.size():
        raise InputError(f"distributed.{who}: needs {found.size()} equal parts, got {_shown(array)}, {_shown(out)}")

    def steps() -> Steps:
        wire = np.empty(out.shape, out.dtype)
        yield [found.comm.Ialltoall(_wire(array), wire)], True
        _store(wire, out, who)

    return found.submit(f"{who}({_shown(array)})", steps, async_op)


def backend_of(group: Any = None) -> str:
    """The name of the backend, "mpi"."""
    return resolve("get_backend", group).name() if group is not None else world("get_backend").default.name()
