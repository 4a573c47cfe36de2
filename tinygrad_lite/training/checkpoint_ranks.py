"""`Ranks`: which rank saves what of a checkpoint, where, and what all ranks must agree upon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..distributed.objects import exchange
from ..distributed.world import is_initialized, world
from . import checkpoint_files as files
from .generators import Generators


class Ranks:
    """The ranks that write a checkpoint together, each its part; of one process it is all.

    Rank 0 writes what all have in common, to the folder itself; to folders in it the others write what each has of its
    own: generators, loaders, and their parts of optimizers that are divided.
    """

    def __init__(self) -> None:
        found = world("Checkpoint") if is_initialized() else None
        self._group = found.default if found is not None and found.size > 1 else None
        self.rank, self.size = (0, 1) if self._group is None else (self._group.rank(), self._group.size())

    def saves(self, part: Any) -> bool:
        """Whether this rank saves a part."""
        own = isinstance(part, Generators) or hasattr(part, "local_state_dict") or hasattr(part, "dataset")
        return self.rank == 0 or own

    def folder(self, base: Path, rank: int | None = None) -> Path:
        """Where a rank writes."""
        rank = self.rank if rank is None else rank
        return base if rank == 0 else base / f"rank-{rank:04}"

    def steps(self, base: Path) -> list[int]:
        """The steps of which all ranks that wrote have files, as rank 0 sees it, oldest first."""
        saved = [base, *(path for path in sorted(base.glob("rank-[0-9]*")) if path.is_dir())]
        first = set(files.steps(base))
        there = sorted(step for step in first if self._is_complete(base, step, saved))
        return there if self._group is None else list(exchange(self._group, "Checkpoint: steps", there)[0])

    def _is_complete(self, base: Path, step: int, folders: list[Path]) -> bool:
        """Whether the ranks of that time all have a file; damage is found later."""
        try:
            count = ranks_of(files.read_head(files.path_of(base, step)))
        except files.Damaged:
            return True
        return all(files.path_of(self.folder(base, rank), step).exists() for rank in range(count))

    def all(self, flag: bool) -> bool:
        """Whether it is so on all ranks."""
        return flag if self._group is None else all(exchange(self._group, "Checkpoint: whole files", flag))

    def any(self, *flags: bool) -> list[bool]:
        """For each flag, whether it is so on any rank."""
        if self._group is None:
            return list(flags)
        group, found = self._group, np.array(flags, np.float64)

        def step() -> Any:
            yield [group.comm.Iallreduce(group.IN_PLACE, found, op=group.MAX)], True

        group.submit("Checkpoint.after_step", step)
        return [bool(flag) for flag in found]

    def agree(self, value: Any) -> Any:
        """Rank 0's value, when all have come; what they wrote before is whole then."""
        return value if self._group is None else exchange(self._group, "Checkpoint.save", value)[0]


def ranks_of(head: files.Head) -> int:
    """How many ranks wrote a checkpoint."""
    return int(head.program.get("", [1])[0])


def copied(part: Any) -> Any:
    """What is saved of a part here."""
    return part.local_state_dict() if hasattr(part, "local_state_dict") else part.state_dict()


def load(part: Any, state: Any) -> None:
    """Give a part what was saved of it here."""
    if isinstance(state, list):
        part.load_state_dict(state)
    elif hasattr(part, "load_local_state_dict"):
        part.load_local_state_dict(state)
    else:
        part.load_state_dict(state)
