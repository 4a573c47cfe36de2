"""The files of checkpoints in a folder: their names, what proves that one is whole, which are kept."""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import Tensor
from ..engine.errors import InputError
from ..io.serialization import load, read_metadata, save

_NAME = re.compile(r"step-(\d{10,})\.safetensors")
_HEAD, _CHECK = "tinygrad_lite.checkpoint", "tinygrad_lite.checkpoint.crc32"


class Damaged(ValueError):
    """A file is not what was written."""


class Head(NamedTuple):
    """What a file says of itself: whose it is, how good, and the checksum of what it holds."""

    program: Any
    step: int
    score: float | None
    content: int


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:010}.safetensors"


def steps(folder: Path) -> list[int]:
    """The steps of which there are files, oldest first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, names) if found)


def write(folder: Path, state: Any, program: Any, step: int, score: float | None) -> None:
    """Write a checkpoint; whoever is interrupted leaves what was there before."""
    head = json.dumps(Head(program, step, score, checksum(state))._asdict())
    save(state, path_of(folder, step), {_HEAD: head, _CHECK: str(zlib.crc32(head.encode()))})


def read_head(path: Path) -> Head:
    """What a file says of itself, without reading the rest.

    Raises
    ------
    Damaged
        If the file is not whole.
    InputError
        If it is whole, and no checkpoint.
    """
    try:
        notes = read_metadata(path)
    except ValueError as error:
        raise Damaged(str(error)) from None
    if notes.keys() != {_HEAD, _CHECK}:
        raise InputError(f"Checkpoint: {path} was not written by Checkpoint; choose another folder")
    if notes[_CHECK] != str(zlib.crc32(notes[_HEAD].encode())):
        raise Damaged("its head is not what was written")
    return Head(**json.loads(notes[_HEAD]))


def read(path: Path, head: Head) -> Any:
    """What was written, or `Damaged`."""
    try:
        state = load(path)
    except ValueError as error:
        raise Damaged(str(error)) from None
    if checksum(state) != head.content:
        raise Damaged("its content is not what was written")
    return state


def checksum(tree: Any) -> int:
    """CRC-32 of all values of a tree, in their order."""
    found = 0
    for part in _parts(tree):
        found = zlib.crc32(part, found)
    return found


def _parts(tree: Any) -> Iterator[Any]:
    if isinstance(tree, Tensor):
        tree = tree._data
    if isinstance(tree, np.ndarray):
        yield f"{tree.dtype}{tree.shape}".encode()
        yield np.ascontiguousarray(tree).reshape(-1).view(np.uint8)
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield repr(key).encode()
            yield from _parts(value)
    elif isinstance(tree, (set, frozenset)):
        yield from (text.encode() for text in sorted(map(repr, tree)))
    elif isinstance(tree, (list, tuple)):
        yield str(len(tree)).encode()
        for value in tree:
            yield from _parts(value)
    else:
        yield repr(tree).encode()


def rotate(folder: Path, step: int, keep: int | None, best: str | None) -> None:
    """Remove what is neither of the newest `keep` nor the best, and what is of steps that were gone back behind."""
    there = steps(folder)
    upto = [s for s in there if s <= step]
    kept = set(upto if keep is None else upto[-keep:])
    if best is not None and (winner := best_step(folder, upto, best)) is not None:
        kept.add(winner)
    for each in set(there) - kept:
        path_of(folder, each).unlink(missing_ok=True)
    _settle(folder)


def best_step(folder: Path, among: list[int], best: str) -> int | None:
    """The step of the best score, the earliest of equals; None where no file has one."""
    sign = 1 if best == "min" else -1
    found = []
    for step in among:
        try:
            score = read_head(path_of(folder, step)).score
        except (Damaged, FileNotFoundError):
            continue
        if score is not None and not math.isnan(score):
            found.append((sign * score, step))
    return min(found)[1] if found else None


def _settle(folder: Path) -> None:
    """Have the disk know the folder's names, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
