"""What ranks do in test_data_parallel.py."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn, optim, training

DDP = nn.parallel.DistributedDataParallel


def network(dtype: tg.dtype = tg.float64) -> nn.Module:
    tg.manual_seed(dist.get_rank())  # rank 0's are taken
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)).to(dtype)


def parts(rows: int) -> slice:
    """The rows of this rank of a batch, which may be of unequal number."""
    edges = np.linspace(0, rows, dist.get_world_size() + 1).round().astype(int)
    return slice(edges[dist.get_rank()], edges[dist.get_rank() + 1])


def batch(rows: int, seed: int, dtype: tg.dtype = tg.float64) -> tuple[tg.Tensor, tg.Tensor]:
    x = np.random.default_rng(seed).standard_normal((rows, 4))
    return tg.tensor(x, dtype=dtype), tg.tensor(np.sin(x.sum(1, keepdims=True)), dtype=dtype)


def whole(model: nn.Module, rows: int, seed: int) -> list[np.ndarray]:
    """The gradients of one process with the whole batch."""
    alone = copy.deepcopy(model)
    alone.zero_grad()
    x, t = batch(rows, seed)
    (alone(x) - t).square().mean().backward()
    return [p.grad.numpy() for p in alone.parameters()]


def check(model: nn.Module, rows: int, seed: int) -> None:
    for p, g in zip(model.parameters(), whole(model, rows, seed), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=1e-11, atol=1e-14)


def loss_of(model: nn.Module, rows: int, seed: int) -> tg.Tensor:
    x, t = batch(rows, seed)
    mine = parts(rows)
    return (model(x[mine]) - t[mine]).square().mean()


def distance(a: nn.Module, b: nn.Module) -> float:
    return max(float((p - q).abs().max() / q.abs().max()) for p, q in zip(a.parameters(), b.parameters()))


def digest(model: nn.Module) -> str:
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()


def trains_as_one(folder: Path) -> dict:
    found = {}
    for name, dtype in (("float64", tg.float64), ("float32", tg.float32)):
        model = network(dtype)
        parallel = DDP(model, bucket_cap_mb=0.001)
        alone = copy.deepcopy(model)
        steps = [optim.Adam(m.parameters(), lr=1e-3) for m in (model, alone)]
        for step in range(50):
            x, t = batch(7, step, dtype)
            mine = parts(7)
            (parallel(x[mine]) - t[mine]).square().mean().backward()
            (alone(x) - t).square().mean().backward()
            for optimizer in steps:
                optimizer.step()
                optimizer.zero_grad()
        assert len(parallel._reducer.buckets) > 2
        found[name] = distance(model, alone)
        found[f"{name} bits"] = digest(model)
    return found


def stays_alike(folder: Path) -> str:
    """Many steps of unequal batches, with dropout and clipping: all that a rank has learned."""
    model = nn.Sequential(network(tg.float32), nn.Dropout(0.2), nn.Linear(1, 1))
    parallel = DDP(model, bucket_cap_mb=0.0005)
    drawn = [None] * dist.get_world_size()
    dist.all_gather_object(drawn, tuple(tg.rand(4).tolist()))
    assert len(set(drawn)) == len(drawn)  # dropout differs between ranks
    adam = tg.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(250):
        x, t = batch(7, step, tg.float32)
        mine = parts(7)
        adam.zero_grad()
        (parallel(x[mine]) - t[mine]).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return digest(model)


def keeps_its_promises(folder: Path) -> dict:
    rank, size = dist.get_rank(), dist.get_world_size()
    model = network()
    parallel = DDP(model, bucket_cap_mb=0.001)
    seeds = [tg.randn(2).tolist()]
    everyone: list = [None] * size
    dist.all_gather_object(everyone, seeds[0])
    assert len({str(each) for each in everyone}) == size  # streams of their own
    loss_of(parallel, 9, 0).backward()
    check(model, 9, 0)

    loss_of(parallel, 9, 1).backward()  # buckets follow the order of gradients now; not zeroed: the sum of both
    for p, a, b in zip(model.parameters(), whole(model, 9, 0), whole(model, 9, 1), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), a + b, rtol=1e-11)
    flat = [p.grad.numpy().__array_interface__["data"] for p in model.parameters()]
    for to_none in (True, False):
        parallel.zero_grad(set_to_none=to_none)
        loss_of(parallel, 9, 2).backward()
        check(model, 9, 2)
        assert flat == [p.grad.numpy().__array_interface__["data"] for p in model.parameters()]

    parallel.zero_grad()
    with parallel.no_sync():
        (loss_of(parallel, 9, 3) / 2).backward()
        first = model[0].weight.grad.numpy().copy()
    (loss_of(parallel, 9, 3) / 2).backward()
    check(model, 9, 3)
    assert size == 1 or not np.allclose(first * 2, model[0].weight.grad.numpy())

    parallel.zero_grad()  # rank 0 has all of it: the others' loss is a mean of nothing
    x, t = batch(5, 4)
    mine = slice(0, 5) if rank == 0 else slice(0, 0)
    with np.errstate(invalid="ignore"):
        (parallel(x[mine]) - t[mine]).square().mean().backward()
    check(model, 5, 4)
    parallel.zero_grad()
    if rank == 0:
        (parallel(x) - t).square().mean().backward()
    else:
        parallel.skip()
    check(model, 5, 4)

    parallel.zero_grad()  # the number of rows is what the user says
    x, t = batch(8, 5)
    mine = parts(8)
    parallel.backward((parallel(x[mine][None]) - t[mine]).square().mean(), rows=len(t[mine]))
    check(model, 8, 5)

    with training.accumulate(parallel) as several:  # of unequal parts, in unequal numbers of them
        x, t = batch(10, 6)
        mine = slice(0, 7) if rank == 0 else slice(7, 10) if rank == 1 else slice(0, 0)
        for a, b in zip(
            x[mine].split([4, 2, 1] if rank == 0 else [3] if rank == 1 else []),
            t[mine].split([4, 2, 1] if rank == 0 else [3] if rank == 1 else []),
            strict=True,
        ):
            several.backward((parallel(a) - b).square().mean(), rows=len(b))
    check(model, 10, 6)
    assert several.rows == 10
    np.testing.assert_allclose(several.loss, (model(x) - t).square().mean().item())
    return {"digest": digest(model)}


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.unused = nn.Linear(2, 1), nn.Linear(2, 1), nn.Linear(2, 1)
        self.register_buffer("seen", tg.zeros(1))

    def forward(self, x: tg.Tensor, left: bool) -> tg.Tensor:
        self.seen += 1 + dist.get_rank()
        return (self.left if left else self.right)(x)


def finds_unused(folder: Path) -> None:
    """Parameters that some ranks use, and that none does."""
    rank, size = dist.get_rank(), dist.get_world_size()
    tg.manual_seed(0)
    parallel = DDP(Branches(), find_unused_parameters=True)
    for _ in range(2):
        parallel(tg.ones(3, 2), rank == 0).mean().backward()
    branches = parallel.module
    np.testing.assert_allclose(branches.left.weight.grad.numpy(), 2 * np.ones((1, 2)) / size)
    np.testing.assert_allclose(branches.right.weight.grad.numpy(), 2 * np.ones((1, 2)) * (size - 1) / size)
    assert branches.unused.weight.grad is None
    assert branches.seen.item() == 2 + rank  # rank 0's, and this step's
    strict = DDP(Branches())
    with pytest.raises(RuntimeError, match="without a gradient in this pass: in rank 0 'right.weight', 'right.bias', "
                       "'unused.weight', 'unused.bias'; in rank 1 'left.weight'"):  # fmt: skip
        strict(tg.ones(3, 2), rank == 0).mean().backward()
    with strict.no_sync():
        strict(tg.ones(3, 2), rank == 0).mean().backward(create_graph=True)
    with pytest.raises(RuntimeError, match="create_graph=True records no sum over ranks"):
        strict(tg.ones(3, 2), rank == 0).mean().backward(create_graph=True)


def differs(folder: Path) -> None:
    rank = dist.get_rank()
    with pytest.raises(RuntimeError, match=r"parameter 0 differs between ranks: 'weight' float32 \(2, 4\) in rank 0 at "
                       r".*, 'weight' float32 \(2, 3\) in rank 1 at .*parallel_programs.py"):  # fmt: skip
        DDP(nn.Linear(3 if rank else 4, 2))


def joins(folder: Path) -> dict:
    rank = dist.get_rank()
    model = nn.Linear(4, 1).double()
    parallel = DDP(model)
    alone = copy.deepcopy(model)
    descents = [optim.SGD(m.parameters(), lr=0.1) for m in (model, alone)]
    with parallel.join():
        for step in range(3 + 2 * (rank == 1)):
            x, t = batch(6, step)
            mine = parts(6)
            (parallel(x[mine]) - t[mine]).square().mean().backward()
            descents[0].step()
            descents[0].zero_grad()
    size = dist.get_world_size()
    for step in range(5):  # two steps of rank 1 alone at the end
        x, t = batch(6, step)
        edges = np.linspace(0, 6, size + 1).round().astype(int)
        mine = slice(0, 6) if step < 3 else slice(edges[1], edges[2])
        (alone(x[mine]) - t[mine]).square().mean().backward()
        descents[1].step()
        descents[1].zero_grad()
    assert distance(model, alone) < 1e-12
    with pytest.raises(RuntimeError, match="rank 0 has run out of data"):
        _run_out(parallel)
    return {"digest": digest(model)}


def _run_out(parallel: DDP) -> None:
    with parallel.join(throw_on_early_termination=True):
        for _ in range(1 + (dist.get_rank() > 0)):
            parallel(tg.ones(2, 4, dtype=tg.float64)).sum().backward()


def runs_out_of_data(folder: Path) -> None:
    parallel = DDP(nn.Linear(4, 1))
    for _ in range(2 + dist.get_rank()):
        parallel(tg.ones(2, 4)).sum().backward()


def fails_on_the_way_back(folder: Path) -> None:
    model = network()
    parallel = DDP(model, bucket_cap_mb=0.001)

    def fail(g: tg.Tensor) -> None:
        if dist.get_rank():
            raise ArithmeticError("on the way back")

    x = tg.ones(2, 4, dtype=tg.float64)
    hidden = model[:2](x)
    hidden.register_hook(fail)
    parallel.module.forward = lambda _: model[2:](hidden)
    parallel(x).sum().backward()
