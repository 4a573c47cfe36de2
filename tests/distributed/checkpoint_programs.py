"""What ranks do in test_checkpoint_ranks.py."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from parallel_programs import DDP, batch, digest, parts

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn, optim, training


def run(folder: Path, steps: int) -> tuple[int, str]:
    """Train, or go on; the step that it went on from, and a digest of what was learned."""
    tg.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 1)).double()
    parallel = DDP(model)
    adam = optim.ZeroRedundancyOptimizer(model.parameters(), optim.Adam, lr=0.01)
    checkpoint = training.Checkpoint(folder, model=model, optimizer=adam, keep=1, every=2)
    begin = checkpoint.resume()
    while checkpoint.step < steps:
        x, t = batch(7, checkpoint.step)
        mine = parts(7)
        adam.zero_grad()
        (parallel(x[mine]) - t[mine]).square().mean().backward()
        adam.step()
        checkpoint.after_step()
    checkpoint.wait()
    return begin, digest(model)


def goes_on(folder: Path) -> dict:
    rank = dist.get_rank()
    whole = run(folder / "whole", 8)
    assert run(folder / "parts", 4) == (0, run(folder / "again", 4)[1])
    assert run(folder / "parts", 8) == (4, whole[1])
    dist.barrier()
    own = folder / "parts" if rank == 0 else folder / "parts" / f"rank-{rank:04}"
    assert [path.name for path in sorted(own.glob("step-*"))] == [f"step-{n:010}.safetensors" for n in (6, 8)]
    dist.barrier()
    if rank == 1:  # as if it had been killed before it wrote the last one
        (own / "step-0000000008.safetensors").unlink()
    dist.barrier()
    assert run(folder / "parts", 8) == (6, whole[1])
    dist.barrier()
    if rank == 1:
        (own / "step-0000000008.safetensors").write_bytes(b"damaged")
    dist.barrier()
    with pytest.warns(UserWarning, match="is passed over"):
        assert run(folder / "parts", 8) == (6, whole[1])
    return {"digest": whole[1]}


def other_ranks_go_on(folder: Path) -> dict:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        begin, found = run(folder / "parts", 8)
    assert begin == 8
    assert run(folder / "parts", 10)[0] == 8
    return {"digest": found}
