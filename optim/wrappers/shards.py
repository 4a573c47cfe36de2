"""`Shard`, `divide`: which part of which parameter belongs to which rank."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Shard(NamedTuple):
    """Elements `start` to `stop` of a parameter, counted in the order of memory."""

    parameter: int
    start: int
    stop: int


def divide(sizes: list[int], first: int, ranks: int, flat: bool) -> list[list[Shard]]:
    """Divide a group's parameters among ranks.

    Parameters
    ----------
    sizes : list of int
        Elements of each parameter.
    first : int
        The number of the first.
    ranks : int
    flat : bool
        Cut through parameters, so that each rank has as many elements; else each parameter stays whole, the largest
        first to whoever has least.

    Returns
    -------
    list of list of Shard
        Of each rank at least one, which may be empty.
    """
    found: list[list[Shard]] = [[] for _ in range(ranks)]
    if flat:
        total, begin = sum(sizes), 0
        for i, size in enumerate(sizes, first):
            for rank, shards in enumerate(found):
                a, b = total * rank // ranks, total * (rank + 1) // ranks
                start, stop = max(a - begin, 0), min(b - begin, size)
                if start < stop:
                    shards.append(Shard(i, start, stop))
            begin += size
    else:
        loads = [0] * ranks
        for k in sorted(range(len(sizes)), key=lambda k: -sizes[k]):
            rank = loads.index(min(loads))
            loads[rank] += sizes[k]
            found[rank].append(Shard(first + k, 0, sizes[k]))
    return [sorted(shards) or [Shard(first, 0, 0)] for shards in found]


def join(parts: list[tuple[Shard, dict[str, Any]]], shape: tuple[int, ...]) -> dict[str, Any]:
    """One parameter's state of those of its shards."""
    parts = [(shard, _arrays(state)) for shard, state in parts if shard.stop > shard.start]
    parts.sort(key=lambda part: part[0])
    found = dict(parts[0][1])
    for name, value in found.items():
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size == parts[0][0].stop - parts[0][0].start:
            whole = np.concatenate([state[name] for _, state in parts])
            if whole.size == np.prod(shape, dtype=int):
                found[name] = whole.reshape(shape)
    return found


def _arrays(state: dict[str, Any]) -> dict[str, Any]:
    """A state with arrays in the place of tensors, which files give."""
    return {name: getattr(value, "_data", value) for name, value in state.items()}


def cut(state: dict[str, Any], shard: Shard, size: int, flat: bool) -> dict[str, Any]:
    """The part of a parameter's state that belongs to a shard."""
    if not flat:
        return dict(state)
    values = _arrays(state)
    return {
        name: value.reshape(-1)[shard.start : shard.stop] if isinstance(value, np.ndarray) and value.size == size
        and value.ndim else value
        for name, value in values.items()
    }  # fmt: skip
