"""What ranks do in test_zero_redundancy.py and test_sync_batch_norm.py."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from parallel_programs import DDP, distance, parts

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn, optim
from tinygrad_lite.distributed.optim import ZeroRedundancyOptimizer
from tinygrad_lite.utils.data import DistributedSampler

RULES = {
    "SGD": (optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "AdamW": (optim.AdamW, {"lr": 0.01}),
    "clipped": (optim.Adam, {"lr": 0.01, "max_grad_norm": 0.1}),
    "LAMB": (optim.LAMB, {"lr": 0.01}),
    "Muon": (optim.Muon, {"lr": 0.01}),
}


def network() -> nn.Module:
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def batch(step: int) -> tuple[tg.Tensor, tg.Tensor]:
    x = np.random.default_rng(step).standard_normal((7, 4))
    return tg.tensor(x), tg.tensor(np.sin(x.sum(1, keepdims=True)))


def groups(model: nn.Module, name: str) -> list[dict]:
    if name == "Muon":
        return [{"params": [p for p in model.parameters() if p.ndim == 2]}]
    split = list(model.parameters())
    return [{"params": split[:3]}, {"params": split[3:], "lr": 0.02}]


def steps_of(model: nn.Module, optimizer: optim.Optimizer, first: int, last: int, mine: slice) -> None:
    for step in range(first, last):
        x, t = batch(step)
        (model(x[mine]) - t[mine]).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def divides(folder: Path) -> dict:
    """Every rule takes the steps of one process, with its state divided."""
    rank, size = dist.get_rank(), dist.get_world_size()
    found = {}
    for name, (rule, options) in RULES.items():
        alone = network()
        model = copy.deepcopy(alone)
        whole = rule(groups(alone, name), **options)
        zero = ZeroRedundancyOptimizer(groups(model, name), rule, **options)
        steps_of(alone, whole, 0, 20, slice(None))
        steps_of(DDP(model), zero, 0, 20, parts(7))
        assert distance(model, alone) < 1e-12, name

        def held(optimizer: optim.Optimizer) -> int:
            return sum(a.nbytes for s in optimizer.state.values() for a in s.values() if isinstance(a, np.ndarray))

        found[name] = held(zero.optimizer) / held(whole)
        with pytest.raises(RuntimeError, match="call consolidate_state_dict"):
            zero.state_dict()
        zero.consolidate_state_dict(to=size - 1)
        if rank == size - 1:
            ours, theirs = zero.state_dict(), whole.state_dict()
            assert ours["param_groups"] == theirs["param_groups"]
            assert ours["state"].keys() == theirs["state"].keys()
            for i, state in theirs["state"].items():
                for key, value in state.items():
                    np.testing.assert_allclose(ours["state"][i][key], value, rtol=1e-9, atol=1e-12)
            (folder / f"{name}.whole").write_bytes(pickle.dumps(ours))
        (folder / f"{name}.{rank}").write_bytes(pickle.dumps(zero.local_state_dict()))
        (folder / f"{name}.model").write_bytes(pickle.dumps([p.detach().numpy() for p in model.parameters()]))

    w = tg.zeros(8, requires_grad=True)
    zero = ZeroRedundancyOptimizer([w], optim.SGD, lr=1.0, on_nonfinite="skip")
    w.grad = tg.ones(8)
    w.grad[0] = np.inf  # in the part of rank 0
    zero.step()
    assert w.tolist() == [0.0] * 8
    assert zero.skipped == 1
    zero = ZeroRedundancyOptimizer([w], optim.SGD, lr=1.0, on_nonfinite="raise")
    with pytest.raises(FloatingPointError, match="is not finite; nothing was updated"):
        zero.step()
    schedule = optim.lr_scheduler.StepLR(zero, 1, gamma=0.5)
    w.grad[0] = 1.0
    zero.step()
    schedule.step()
    zero.step()
    assert w.tolist() == [-1.5] * 8
    w.data = tg.zeros(8)  # another array
    zero.step()
    assert w.tolist() == [-0.5] * 8
    for refused in (optim.LBFGS, optim.Prodigy, optim.SAM):
        with pytest.raises(TypeError, match="needs all parameters at once"):
            ZeroRedundancyOptimizer([w], refused)
    assert len(DistributedSampler(range(10), shuffle=False)) == -(-10 // size)
    assert next(iter(DistributedSampler(range(10), shuffle=False))) == rank
    return found


def goes_on(folder: Path) -> None:
    """What another number of ranks has saved is gone on with, whole or in parts."""
    for name, (rule, options) in RULES.items():
        alone = network()
        whole = rule(groups(alone, name), **options)
        steps_of(alone, whole, 0, 25, slice(None))
        saved = sorted(folder.glob(f"{name}.[0-9]"))
        assert len(saved) == 3
        kept = {kind: pickle.loads((folder / f"{name}.{kind}").read_bytes()) for kind in ("whole", "model")}
        for state in (kept["whole"], [pickle.loads(path.read_bytes()) for path in saved]):
            model = network()
            with tg.no_grad():
                for p, value in zip(model.parameters(), kept["model"], strict=True):
                    p.copy_(tg.tensor(value))
            zero = ZeroRedundancyOptimizer(groups(model, name), rule, **options)
            zero.load_state_dict(state)
            steps_of(DDP(model), zero, 20, 25, parts(7))
            assert distance(model, alone) < 1e-12, name


def normalizes(folder: Path) -> None:
    """Outputs, gradients and statistics are those of one process with all rows, of unequal parts."""
    tg.manual_seed(0)
    alone = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1)).double()
    model = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(alone))
    assert isinstance(model[1], nn.SyncBatchNorm)
    parallel = DDP(model)
    mine = parts(7)
    for step in range(3):
        x, t = batch(step)
        out, expected = parallel(x[mine]), alone(x)
        np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy()[mine], rtol=1e-10)
        parallel.zero_grad()
        alone.zero_grad()
        (out - t[mine]).square().mean().backward()
        (expected - t).square().mean().backward()
        for p, q in zip(model.parameters(), alone.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-12)
    for (name, a), b in zip(model.named_buffers(), alone.buffers(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, err_msg=name)
    model.eval()
    np.testing.assert_allclose(model(x[mine]).detach().numpy(), alone.eval()(x).detach().numpy()[mine], rtol=1e-10)
