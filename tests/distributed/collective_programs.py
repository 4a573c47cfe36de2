"""What ranks do in test_collectives.py."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn


def _values(*shape: int, dtype: type = np.float32) -> np.ndarray:
    """Other numbers in each rank; `of(rank)` computes those of any."""
    return of(dist.get_rank(), *shape, dtype=dtype)


def of(rank: int, *shape: int, dtype: type = np.float32) -> np.ndarray:
    return (np.random.default_rng(rank).standard_normal(shape) * 8).astype(dtype)


def everything(folder: Path) -> dict:
    """Every call, with what NumPy says that it must give."""
    rank, size = dist.get_rank(), dist.get_world_size()
    every = np.stack([of(r, 3, 2) for r in range(size)])
    operations = {
        "SUM": np.sum, "AVG": np.mean, "PRODUCT": np.prod, "MIN": np.min, "MAX": np.max,
    }  # fmt: skip
    for name, function in operations.items():
        x = tg.tensor(_values(3, 2))
        assert dist.all_reduce(x, getattr(dist.ReduceOp, name)) is None
        np.testing.assert_allclose(x.numpy(), function(every, axis=0), rtol=1e-6)
    for dtype in (np.float16, np.float64, np.int64, np.uint8, np.complex64, np.bool_):
        x = tg.tensor(np.arange(4).astype(dtype))
        dist.all_reduce(x)
        expected = np.arange(4) > 0 if dtype is np.bool_ else np.arange(4).astype(dtype) * size
        assert x.numpy().dtype == dtype
        np.testing.assert_array_equal(x.numpy(), expected)

    x = tg.tensor(_values(3, 2))
    column = x[:, 1]  # a view with gaps
    dist.all_reduce(column)
    np.testing.assert_allclose(x.numpy()[:, 1], every[:, :, 1].sum(0), rtol=1e-6)
    np.testing.assert_array_equal(x.numpy()[:, 0], every[rank, :, 0])

    last = size - 1
    x = tg.tensor(_values(3, 2))
    dist.broadcast(x, src=last)
    np.testing.assert_array_equal(x.numpy(), every[last])
    x = tg.tensor(_values(3, 2))
    dist.reduce(x, dst=last)
    np.testing.assert_allclose(x.numpy(), every.sum(0) if rank == last else every[rank], rtol=1e-6)

    listed = [tg.empty(3, 2) for _ in range(size)]
    dist.all_gather(listed, tg.tensor(_values(3, 2)))
    np.testing.assert_array_equal([t.numpy() for t in listed], every)
    flat = tg.empty(3 * size, 2)
    dist.all_gather_into_tensor(flat, tg.tensor(_values(3, 2)))
    np.testing.assert_array_equal(flat.numpy().reshape(every.shape), every)
    listed = [tg.empty(3, 2) for _ in range(size)] if rank == last else None
    dist.gather(tg.tensor(_values(3, 2)), listed, dst=last)
    assert listed is None or np.array_equal([t.numpy() for t in listed], every)

    part, parts = tg.empty(2), [tg.tensor(row) for row in _values(size, 2)]
    total = sum(of(r, size, 2) for r in range(size))
    dist.reduce_scatter(part, parts)
    np.testing.assert_allclose(part.numpy(), total[rank], rtol=1e-6)
    dist.reduce_scatter_tensor(part, tg.tensor(_values(size, 2)), op=dist.ReduceOp.AVG)
    np.testing.assert_allclose(part.numpy(), total[rank] / size, rtol=1e-6)
    dist.scatter(part, parts if rank == 0 else None, src=0)
    np.testing.assert_array_equal(part.numpy(), of(0, size, 2)[rank])
    out = tg.empty(size, 2)
    dist.all_to_all_single(out, tg.tensor(_values(size, 2)))
    np.testing.assert_array_equal(out.numpy(), np.stack([of(r, size, 2)[rank] for r in range(size)]))

    objects: list = [None] * size
    dist.all_gather_object(objects, {"rank": rank, "text": "x" * (1000 * rank)})
    assert objects == [{"rank": r, "text": "x" * (1000 * r)} for r in range(size)]
    gathered: list | None = [None] * size if rank == last else None
    dist.gather_object(rank, gathered, dst=last)
    assert gathered == (list(range(size)) if rank == last else None)
    told = ["a", {1, 2}] if rank == last else [None, None]
    dist.broadcast_object_list(told, src=last)
    assert told == ["a", {1, 2}]
    given: list = [None]
    dist.scatter_object_list(given, [f"to {r}" for r in range(size)] if rank == 0 else None, src=0)
    assert given == [f"to {rank}"]

    left, right = (rank - 1) % size, (rank + 1) % size
    received = tg.empty(3, 2)
    message = dist.isend(tg.tensor(_values(3, 2)), dst=right)
    assert dist.recv(received, src=left) == left
    assert message.wait()
    np.testing.assert_array_equal(received.numpy(), every[left])

    first, second = tg.tensor(_values(3, 2)), tg.ones(2)  # both under way, waited for in another order on each rank
    works = [dist.all_reduce(first, async_op=True), dist.all_reduce(second, async_op=True)]
    for work in works if rank else reversed(works):
        assert work.wait()
        assert work.is_completed()
    np.testing.assert_allclose(first.numpy(), every.sum(0), rtol=1e-6)
    np.testing.assert_array_equal(second.numpy(), [size, size])

    pair = dist.new_group([0, last])
    x = tg.ones(1) * (rank + 1)
    assert dist.all_reduce(x, group=pair) is None  # left out where a rank is not in the group, as in PyTorch
    assert x.item() == (rank + 1 if 0 < rank < last else last + 2)
    assert dist.get_rank(pair) == (-1 if 0 < rank < last else int(rank > 0))
    assert dist.get_world_size(pair) == (-1 if 0 < rank < last else 2)

    x = tg.ones(2, requires_grad=True)
    y = (x * 2).exp()  # keeps its result
    dist.all_reduce(y)
    with pytest.raises(RuntimeError, match="all_reduce .*has overwritten it"):
        y.sum().backward()

    with pytest.raises(ValueError, match="3 times|2 times"):
        dist.all_gather_into_tensor(tg.empty(5), tg.empty(4))
    with pytest.raises(TypeError, match="needs Tensors, got ndarray"):
        dist.all_reduce(np.ones(2))
    dist.barrier()
    dist.monitored_barrier()
    return {"rank": rank, "local": dist.get_node_local_rank()}


def shapes_differ(folder: Path) -> None:
    """The error leaves the group whole: all know of it."""
    rank = dist.get_rank()
    calls = lambda: dist.broadcast(tg.ones(4), src=0), lambda: dist.all_reduce(tg.ones(3))
    with pytest.raises(dist.DistBackendError) as caught:
        calls[rank == 0]()
    text = str(caught.value)
    assert "rank 0 is in all_reduce(float32 (3,), SUM) at " in text
    assert "rank 1 in broadcast(float32 (4,), from 0) at " in text
    assert text.count("collective_programs.py:") == 2
    x = tg.ones(1)
    dist.all_reduce(x)
    assert x.item() == dist.get_world_size()


def raises(folder: Path) -> None:
    if dist.get_rank():
        raise ValueError("no such file")
    dist.barrier()


def raises_unseen(folder: Path) -> None:
    if dist.get_rank():
        raise ValueError("no such file")
    print("the other one has come to its end")


def ends_early(folder: Path) -> None:
    if dist.get_rank():
        dist.all_reduce(tg.ones(3))


def is_silent(folder: Path) -> None:
    dist.barrier()
    if dist.get_rank():
        time.sleep(5)
    else:
        dist.monitored_barrier(timeout=1)


def is_killed(folder: Path) -> None:
    dist.barrier()
    if dist.get_rank():
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(tg.ones(3))


def is_killed_in_training(folder: Path) -> None:
    model = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
    for step in range(9):
        if step == 3 and dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        model(tg.ones(3, 4)).mean().backward()


def is_dead(folder: Path) -> None:
    """As a rank that the launcher does not miss: another process, which has ended, stands in its place."""
    dist.barrier()
    if dist.get_rank():
        ended = subprocess.Popen(["true"])
        ended.wait()
        dist.group.WORLD.world.board._own[:8] = ended.pid.to_bytes(8, "little")
        time.sleep(5)
    else:
        dist.all_reduce(tg.ones(3))
