"""`all_gather_object`, `gather_object`, `broadcast_object_list`, `scatter_object_list`: calls about Python's objects.

An object travels pickled. Sizes are told first, then the bytes; each rank may have another size.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from ..engine.errors import InputError
from .collectives import collective
from .groups import ProcessGroup
from .work import Steps
from .world import resolve

__all__ = ["all_gather_object", "broadcast_object_list", "gather_object", "scatter_object_list"]


def _packed(value: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(pickle.dumps(value, protocol=5), np.uint8)


def exchange(group: ProcessGroup, call: str, value: Any, root: int | None = None) -> list[Any]:
    """The objects of all ranks, in all ranks; or in one of them, and none in the others."""
    found: list[Any] = []

    def steps() -> Steps:
        own = _packed(value)
        sizes = np.empty(group.size(), np.int64)
        yield [group.comm.Iallgather(np.array([own.size]), sizes)], False
        bytes_ = np.empty(int(sizes.sum()), np.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        into: Any = bytes_ if group.size() == 1 else [bytes_, (sizes.tolist(), starts[:-1].tolist()), group.MPI.BYTE]
        if root is None:
            yield [group.comm.Iallgatherv(own, into)], True
        else:
            place = group.ranks.index(root)
            mine = group.rank() == place
            yield [group.comm.Igatherv(own, into if mine else None, root=place)], True
            if not mine:
                return
        found.extend(pickle.loads(bytes_[a:b].tobytes()) for a, b in zip(starts, starts[1:]))

    group.submit(call, steps)
    return found


@collective
def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Write the objects of all ranks to `object_list`, in all ranks."""
    found = resolve("all_gather_object", group)
    if len(object_list) != found.size():
        raise InputError(f"distributed.all_gather_object: object_list must have length {found.size()}")
    object_list[:] = exchange(found, "all_gather_object()", obj)


@collective
def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Write the objects of all ranks to `object_gather_list`, in rank `dst`, 0 by default."""
    found = resolve("gather_object", group)
    root = found.ranks[group_dst or 0] if dst is None else dst
    mine = found.ranks[found.rank()] == root
    if mine and (object_gather_list is None or len(object_gather_list) != found.size()):
        raise InputError(
            f"distributed.gather_object: object_gather_list must have length {found.size()} in rank {root}"
        )
    values = exchange(found, f"gather_object(to {root})", obj, root)
    if mine and object_gather_list is not None:
        object_gather_list[:] = values


@collective
def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """Write the objects of rank `src`, 0 by default, to `object_list`."""
    found = resolve("broadcast_object_list", group)
    root = found.ranks[group_src or 0] if src is None else src
    if root not in found.ranks:
        raise InputError(f"distributed.broadcast_object_list: src must be one of {list(found.ranks)}, got {src}")
    place = found.ranks.index(root)
    call = f"broadcast_object_list({len(object_list)}, from {root})"

    def steps() -> Steps:
        own = _packed(object_list) if found.rank() == place else np.empty(0, np.uint8)
        size = np.array([own.size])
        yield [found.comm.Ibcast(size, root=place)], False
        bytes_ = own.copy() if found.rank() == place else np.empty(int(size[0]), np.uint8)
        yield [found.comm.Ibcast(bytes_, root=place)], True
        object_list[:] = pickle.loads(bytes_.tobytes())

    found.submit(call, steps)


@collective
def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Give each rank one object of those that rank `src`, 0 by default, has."""
    found = resolve("scatter_object_list", group)
    root = found.ranks[group_src or 0] if src is None else src
    values = exchange(found, f"scatter_object_list(from {root})", scatter_object_input_list)
    given = values[found.ranks.index(root)]
    if not isinstance(given, (list, tuple)) or len(given) != found.size():
        raise InputError(f"distributed.scatter_object_list: rank {root} must give {found.size()} objects")
    scatter_object_output_list[0] = given[found.rank()]
