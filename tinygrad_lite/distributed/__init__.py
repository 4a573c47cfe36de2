"""`tinygrad_lite.distributed`: many processes on MPI, in PyTorch's words.

processes/        whether a launcher started this one, the last line of each, a watcher beside them, one instead of MPI
world.py          all ranks, the division of threads, and the end
groups.py         a group, and the order of its calls
work.py           a call under way: agreed upon, made, waited for, never forever
collectives.py, objects.py, point_to_point.py   the calls
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..torch_imports import modules_of as _modules_of
from .collectives import (
    ReduceOp,
    all_gather,
    all_gather_into_tensor,
    all_reduce,
    all_to_all_single,
    backend_of,
    barrier,
    broadcast,
    gather,
    monitored_barrier,
    reduce,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
)
from .groups import ProcessGroup
from .objects import all_gather_object, broadcast_object_list, gather_object, scatter_object_list
from .point_to_point import irecv, isend, recv, send
from .processes import mpi as _mpi
from .work import DistBackendError, DistError, Work
from .world import NON_MEMBER, destroy_process_group, init_process_group, is_initialized, new_group, resolve, world

__all__ = [
    "DistBackendError", "DistError", "GroupMember", "ProcessGroup", "ReduceOp", "Work", "all_gather",
    "all_gather_into_tensor", "all_gather_object", "all_reduce", "all_to_all_single", "barrier", "broadcast",
    "broadcast_object_list", "destroy_process_group", "gather", "gather_object", "get_backend", "get_global_rank",
    "get_group_rank", "get_node_local_rank", "get_process_group_ranks", "get_rank", "get_world_size", "group",
    "init_process_group", "irecv", "is_available", "is_gloo_available", "is_initialized", "is_mpi_available",
    "is_nccl_available", "is_torchelastic_launched", "isend", "monitored_barrier", "new_group", "recv", "reduce",
    "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list", "send",
]  # fmt: skip


def is_available() -> bool:
    """True: with one process it works everywhere, with several where MPI is."""
    return True


def is_nccl_available() -> bool:
    """False: there is no GPU."""
    return False


def is_gloo_available() -> bool:
    """False: "gloo" is taken for MPI."""
    return False


def is_mpi_available() -> bool:
    """Whether mpi4py is installed."""
    return _mpi.is_installed()


def is_torchelastic_launched() -> bool:
    """False: MPI's launcher starts processes."""
    return False


def get_rank(group: Any = None) -> int:
    """The number of this process, from 0; -1 outside the group."""
    return -1 if group is NON_MEMBER else resolve("get_rank", group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes there are; -1 outside the group."""
    return -1 if group is NON_MEMBER else resolve("get_world_size", group).size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The number of this process among those of its machine."""
    return world("get_node_local_rank").local_rank


def get_backend(group: Any = None) -> str:
    """The name of the backend, "mpi"."""
    return backend_of(group)


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The ranks of a group."""
    return list(resolve("get_process_group_ranks", group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number among all of a rank of a group."""
    return resolve("get_global_rank", group).ranks[group_rank]


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of a rank."""
    return resolve("get_group_rank", group).ranks.index(global_rank)


class _Names(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all ranks."""
        return world("group").default if is_initialized() else None


class GroupMember(metaclass=_Names):
    """Names of groups: ``WORLD``, of all ranks, and what `new_group` gives ranks that are not in it.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.GroupMember.WORLD is None  # before there is one
    True
    """

    NON_GROUP_MEMBER = NON_MEMBER


group = GroupMember

if not TYPE_CHECKING:  # type checkers would take any name for one that it knows
    __getattr__ = _modules_of(__name__)
